"""Count the verdicts on tables without clusters, and on planted ones.

Run it from the project's folder: `.venv/bin/python benchmarks/verdicts.py 50 10 100`, for
50 tables of each continuum, 10 of each planting and 100 of customers alike. A claim is counted if it is made at any
number of segments. It writes verdicts.md beside itself.

The rule before stood on 19 Gaussian copulas that keep each column's values: the agreement
at the planted number is at least that of all of them.
"""

import functools
import sys
import time
from pathlib import Path

import measure
import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config
from scipy import stats

from helpers.clustering import (
    criteria,
    null_models,
    null_references,
    predictive_validity,
    stability,
)
from helpers.features import preparation
from helpers.personas import lasting

CUSTOMERS, K_VALUES, COLUMNS = 300, range(2, 7), (3, 10, 40)
SEPARATIONS = (2.0, 3.0, 4.0)  # root mean square distance of centres from the middle
BEFORE = 3  # segments at which the rule before is asked where none are planted
LIMITS = criteria.Limits(
    min_share=None,
    min_agreement=None,
    min_recovery=None,
    min_gain=None,
    min_excess=0.2,
    alpha=0.05,
    min_step=0.01,
    min_strength=0.8,
    natural_excess=0.5,
)


def correlation(columns: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a correlation matrix."""
    root = rng.standard_normal((columns, columns))
    spread = root @ root.T + np.eye(columns) * columns / 2
    deviation = np.sqrt(np.diag(spread))
    return spread / np.outer(deviation, deviation)


def normal(columns: int, rng: np.random.Generator) -> np.ndarray:
    """Draw one correlated normal cloud."""
    spread = correlation(columns, rng)
    return rng.multivariate_normal(np.zeros(columns), spread, CUSTOMERS)


def copula(rng: np.random.Generator) -> np.ndarray:
    """Draw skewed, heavy-tailed and bounded columns that correlate."""
    ranks = stats.norm.cdf(normal(6, rng))
    shapes = [stats.gamma(2), stats.t(5), stats.lognorm(0.7), stats.beta(2, 3)]
    shapes += [stats.norm(), stats.gamma(1)]
    return np.column_stack([s.ppf(r) for s, r in zip(shapes, ranks.T, strict=True)])


def heavy(rng: np.random.Generator) -> np.ndarray:
    """Draw from a multivariate t distribution of three degrees of freedom."""
    return normal(5, rng) / np.sqrt(rng.chisquare(3, CUSTOMERS) / 3)[:, None]


def horseshoe(rng: np.random.Generator) -> np.ndarray:
    """Draw customers along a parabola, with two columns of noise."""
    place = rng.uniform(-1, 1, CUSTOMERS)
    nothing = np.zeros(CUSTOMERS)
    bent = [place, place**2, 0.5 * place + 0.3 * place**2, nothing, nothing]
    return np.column_stack(bent) + 0.15 * rng.standard_normal((CUSTOMERS, 5))


def counts(rng: np.random.Generator) -> np.ndarray:
    """Draw roots of Poisson counts that go up and down together."""
    level = rng.normal(0, 0.5, CUSTOMERS)[:, None] * [1, 0.8, 0.5, 0.2, 0]
    return np.sqrt(rng.poisson(np.exp(np.linspace(0.5, 2, 5) + level)))


def skewed(rng: np.random.Generator) -> np.ndarray:
    """Draw independent columns of one peak."""
    size = CUSTOMERS
    columns = [rng.gamma(1, 1, size), rng.lognormal(0, 1, size), rng.gamma(2, 1, size)]
    return np.column_stack([*columns, rng.exponential(1, size), rng.beta(1, 4, size)])


def gradient(rng: np.random.Generator) -> np.ndarray:
    """Draw customers evenly along a line."""
    place = rng.uniform(-1, 1, CUSTOMERS)[:, None]
    noise = 0.3 * rng.standard_normal((CUSTOMERS, 5))
    return place * [1, 0.8, 0.6, 0.3, 0] + noise


def planted(
    k: int, columns: int, separation: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw k clouds of equal size and of deviation 1."""
    centres = rng.standard_normal((k, columns))
    centres -= centres.mean(axis=0)
    centres *= separation / np.sqrt((centres**2).sum(axis=1).mean())
    noise = rng.standard_normal((CUSTOMERS, columns))
    return centres[np.arange(CUSTOMERS) % k] + noise


CONTINUA = {
    "copula": copula,
    "one Gaussian": functools.partial(normal, 10),
    "heavy tails": heavy,
    "horseshoe": horseshoe,
    "counts": counts,
    "uniform": lambda rng: rng.uniform(size=(CUSTOMERS, 4)),
    "unimodal skewed": skewed,
    "gradient": gradient,
}


def seen_through(
    wants: np.ndarray, lines: np.ndarray, rng: np.random.Generator
) -> tuple[pd.DataFrame, preparation.Preparation, tuple[pd.DataFrame, pd.DataFrame]]:
    """Draw so many lines in each half of the time; give features, steps and halves."""
    bought = [rng.multinomial(lines[:, half], wants) for half in (0, 1)]
    names = [f"share_{i}" for i in range(wants.shape[1] - 1)]

    def table(counted: np.ndarray) -> pd.DataFrame:
        shares = counted / counted.sum(axis=1, keepdims=True)
        shown = pd.DataFrame(shares[:, :-1], columns=names)
        return shown.assign(lines=counted.sum(axis=1))

    features = table(bought[0] + bought[1])
    prepared = preparation.fit(
        features,
        weights=dict.fromkeys(names, "lines"),
        priors={"lines": 10.0},
        winsor=0.01,
        scaling="pareto",
    )
    return features, prepared, (table(bought[0]), table(bought[1]))


def closed_wants(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw logistic-normal wants of one cloud, and lines in two halves."""
    parts = 8
    spread = correlation(parts, rng) * 0.6
    logs = rng.multivariate_normal(rng.normal(0, 0.7, parts), spread, CUSTOMERS)
    wants = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    return wants, np.round(np.exp(rng.normal(3.6, 0.7, (CUSTOMERS, 2)))).astype(int) + 5


def closed(rng: np.random.Generator) -> tuple[pd.DataFrame, dict]:
    """Draw logistic-normal shares seen through few lines; give scores and null models."""
    features, prepared, halves = seen_through(*closed_wants(rng), rng)
    scores = prepared.transform(features)
    return scores, null_models.fitted(
        scores, features, prepared=prepared, halves=halves
    )


def of_nobody_apart(seed: int, *, alike: bool) -> dict:
    """Judge customers without kinds: all alike, or of one cloud; now and later."""
    rng = np.random.default_rng([seed, 7])
    wants, lines = closed_wants(rng)
    if alike:
        wants = np.tile(wants.mean(axis=0), (CUSTOMERS, 1))
    features, prepared, halves = seen_through(wants, lines, rng)
    bought = rng.multinomial(lines[:, 0], wants)
    later = pd.DataFrame(bought[:, :-1]).set_axis(prepared.columns, axis=1)
    later = later.div(lines[:, 0], axis=0)
    scores = prepared.transform(features)
    everybody = pd.Series(True, index=later.index)
    aim = predictive_validity.Outcome("later mix", "mix", np.sqrt(later), everybody)
    with parallel_config(backend="sequential"):
        models = null_models.fitted(scores, features, prepared=prepared, halves=halves)
        study = claims(
            scores, models, seed, aim=aim, sales=features["lines"].astype(float)
        )
        criterion, labels = study.pop("criteria"), study.pop("labels")
        found = study | {"useful": bool((criterion["explained_low"] > 0).any())}
        cuts = predictive_validity.rival_labels(
            scores.to_numpy(), k=4, draws=20, seed=seed
        )
        groups = {lasting.OWN: pd.Series(labels[4] + 1)} | cuts
        followed = lasting.follow(
            groups,
            features,
            later,
            columns=prepared.columns,
            built_from=prepared.columns,
            min_effect=0.2,
            seed=seed,
        )
    said = lasting.verdict(lasting.counted(followed))
    name = "all alike" if alike else "one cloud of wants"
    return {"customers": name} | found | {"lasting": said in ("more", "barely")}


def standard(values: np.ndarray) -> pd.DataFrame:
    """Give columns a mean of 0 and a deviation of 1."""
    table = pd.DataFrame(values).add_prefix("column_")
    return (table - table.mean()) / table.std()


def claims(scores: pd.DataFrame, models: dict, seed: int, **later: object) -> dict:
    """Say what is claimed of one table, at any number of segments."""
    found = criteria.study(
        scores,
        k_values=K_VALUES,
        seed=seed,
        n_init=3,
        n_bootstrap=2,
        n_splits=24,
        bootstrap_n_init=3,
        half_n_init=3,
        models=models,
        **later,
    )
    measured = found.criteria.drop(columns="explained_low")
    words = set(criteria.judge(measured, LIMITS)["verdict"])
    natural = criteria.NATURAL in words
    said = {"natural": natural, "reproducible": natural or "reproducible" in words}
    return said | (
        {"criteria": found.criteria, "labels": found.labels} if later else {}
    )


def before(scores: pd.DataFrame, k: int, seed: int) -> bool:
    """Say whether the rule before called k segments reproducible."""

    def measured(scores: pd.DataFrame, seed: int) -> pd.DataFrame:
        again = stability.resample(
            scores,
            prepare=stability.AsItIs,
            k_values=[k],
            n_bootstrap=10,
            seed=seed,
            n_init=5,
        )
        ari = stability.agreement(again).groupby("k", as_index=False)["ari"].mean()
        return ari.rename(columns={"ari": "value"})

    compared = null_references.compare(
        measured(scores, seed),
        null_references.on_references(scores, measured, references=19, seed=seed),
        more_is_better=True,
    )
    return bool((compared["p"] <= 0.05).all())


def of_continuum(name: str, seed: int) -> dict:
    """Judge one table without clusters."""
    rng = np.random.default_rng([seed, *map(ord, name)])
    with parallel_config(backend="sequential"):
        if name == "closed shares":
            scores, models = closed(rng)
        else:
            scores = standard(CONTINUA[name](rng))
            models = of_scores(scores)
        found = {"table": name} | claims(scores, models, seed)
        return found | {"before": before(scores, BEFORE, seed)}


def of_planting(columns: int, separation: float, seed: int) -> dict:
    """Judge one table with planted clusters, by the rule now and before."""
    k = 3 if columns == COLUMNS[0] else 4
    rng = np.random.default_rng([seed, columns, int(10 * separation)])
    scores = pd.DataFrame(planted(k, columns, separation, rng)).add_prefix("column_")
    with parallel_config(backend="sequential"):
        found = claims(scores, of_scores(scores), seed)
        found["before"] = before(scores, k, seed)
    return {"clusters": k, "columns": columns, "separation": separation} | found


def of_scores(scores: pd.DataFrame) -> dict:
    """Fit the null models that need scores alone."""
    return {
        "one cloud": null_models.cloud(scores),
        "one bent gradient": null_models.arch(scores),
    }


def written(shares: pd.DataFrame) -> str:
    """Write a table of shares for a page of text."""
    said = shares.map(lambda x: f"{x:.2f}" if isinstance(x, float) else str(x))
    return measure.table(said.to_dict("records"))


def main(tables: int, plantings: int, seeds: int) -> None:
    """Judge all tables, and write the shares of claims."""
    start = time.time()
    names = ["closed shares", *CONTINUA]
    nothing = Parallel(n_jobs=-1)(
        delayed(of_continuum)(name, seed) for name in names for seed in range(tables)
    )
    there = Parallel(n_jobs=-1)(
        delayed(of_planting)(columns, separation, seed)
        for columns in COLUMNS
        for separation in SEPARATIONS
        for seed in range(plantings)
    )
    apart = Parallel(n_jobs=-1)(
        delayed(of_nobody_apart)(seed, alike=alike)
        for alike in (True, False)
        for seed in range(seeds)
    )
    nobody = pd.DataFrame(apart).groupby("customers", sort=False).mean()
    none = pd.DataFrame(nothing).groupby("table", sort=False).mean()
    power = pd.DataFrame(there).groupby(["clusters", "columns", "separation"]).mean()
    error = np.sqrt(0.05 * 0.95 / tables)
    report = f"""# Verdicts on tables without and with clusters

{CUSTOMERS} customers a table, {K_VALUES[0]} to {K_VALUES[-1]} segments. Share of tables
in which the word is claimed at any number of segments ("reproducible" counts natural ones
too).

## Without clusters: {tables} tables each (Monte Carlo error of .05: {error:.2f})

Before: "reproducible" by the rule before, at {BEFORE} segments alone.

{written(none.reset_index())}

## With clusters: {plantings} tables each

Separation: root mean square distance of centres from the middle, in deviations inside a
cluster. Before: "reproducible" by the rule before, at the planted number alone.

{written(power.reset_index())}

## Customers without kinds, now and later: {seeds} tables each

Useful: the lower end of the interval of what is explained later lies above zero, at any
number of segments; of one cloud of wants that is right, since customers keep their wants.
Lasting: the marks of four segments are said to last more than those of random groups.

{written(nobody.reset_index())}

Wall clock: {(time.time() - start) / 60:.0f} minutes.
"""
    Path(__file__).with_suffix(".md").write_text(report, encoding="utf-8")
    print(report)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
