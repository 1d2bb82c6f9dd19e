"""Write the tables that R and the tests both read: iris, planted and cloud."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_iris

FOLDER = Path(__file__).parent
COLUMNS = ["a", "b", "c", "d"]


def planted(rng: np.random.Generator) -> pd.DataFrame:
    """Draw four round clusters of unequal size, most of them 4 to 5 spreads apart."""
    centres = np.array(
        [[0, 0, 0, 0], [4.5, 0, 0, 1], [0, 4, 2, 0], [2.5, 2.5, -2.5, 3]], dtype=float
    )
    kind = np.repeat([0, 1, 2, 3], [70, 55, 45, 35])
    return pd.DataFrame(
        centres[kind] + rng.standard_normal((len(kind), 4)), columns=COLUMNS
    )


def cloud(rng: np.random.Generator) -> pd.DataFrame:
    """Draw one normal cloud whose columns correlate."""
    draws = rng.standard_normal((200, 4))
    mixing = np.array([[2, 0, 0, 0], [1, 1, 0, 0], [-1, 0.5, 1, 0], [0.5, 0, 0.5, 0.7]])
    return pd.DataFrame(draws @ mixing.T, columns=COLUMNS)


if __name__ == "__main__":
    flowers = pd.DataFrame(load_iris().data, columns=COLUMNS)
    tables = {
        "iris": flowers,
        "planted": planted(np.random.default_rng(41)),
        "cloud": cloud(np.random.default_rng(42)),
    }
    for name, table in tables.items():
        table.round(4).to_csv(FOLDER / f"{name}.csv", index=False)
