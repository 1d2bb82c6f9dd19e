"""Bootstrap samples of customers, and the 95 % percentile intervals that they give."""

from collections.abc import Iterator

import numpy as np

ENDS = [0.025, 0.975]


def counts(customers: int, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Draw how often each customer is in each sample: samples x customers."""
    return rng.multinomial(customers, np.full(customers, 1 / customers), size=samples)


def batches(customers: int, samples: int, *, seed: int) -> Iterator[np.ndarray]:
    """Draw `counts` as floats, as many samples at a time as memory allows."""
    rng = np.random.default_rng(seed)
    at_once = max(1, 5_000_000 // customers)
    for start in range(0, samples, at_once):
        yield counts(customers, min(at_once, samples - start), rng).astype(float)


def weights(customers: int, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `counts`, customers x (1 + samples); the first column, 1s, is the data."""
    return np.column_stack([np.ones(customers), counts(customers, samples, rng).T])


def estimate(found: np.ndarray) -> tuple[float, float, float]:
    """Give what the data say and its interval: the data first, then the samples."""
    low, high = np.quantile(found[1:], ENDS)
    return float(found[0]), float(low), float(high)


def mean_interval(
    values: np.ndarray, samples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Give the interval of a mean of customers."""
    drawn = [rng.choice(values, len(values)).mean() for _ in range(samples)]
    return tuple(np.quantile(drawn, ENDS))
