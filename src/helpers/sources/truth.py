"""Hold what a study of simulated customers found to what was planted in them."""

import pandas as pd
from scipy.optimize import linear_sum_assignment

from helpers.core import paths, store
from helpers.core.errors import BadInput


def truth(run: str) -> dict:
    """Read what was planted in a simulated run; only the notebook on recovery may.

    Raises
    ------
    BadInput
        If nothing was planted in this run's data.
    """
    file = paths.raw(run) / "truth.json"
    if not file.exists():
        raise BadInput(
            f"Run {run} has no truth to be held to: only simulated data have. Run "
            "`make report RUN=uniform_supplier`."
        )
    return store.read_json(file, made_by="01_cleaning")


def matched(found: pd.Series, planted: pd.Series) -> dict[int, int]:
    """Pair found segments with planted ones so that most customers agree.

    Parameters
    ----------
    found, planted : Series
        Segment of the same customers, in the same order.

    Returns
    -------
    dict of int
        Found segment -> planted one; a found segment beyond the planted number has none.

    References
    ----------
    Kuhn (1955), The Hungarian method for the assignment problem.
    """
    counts = pd.crosstab(found.to_numpy(), planted.to_numpy())
    rows, columns = linear_sum_assignment(counts.to_numpy(), maximize=True)
    return {
        int(counts.index[r]): int(counts.columns[c])
        for r, c in zip(rows, columns, strict=True)
    }


def beside(
    found: pd.DataFrame, planted: pd.DataFrame, *, on: list[str], estimate: str
) -> pd.DataFrame:
    """Set estimates with their intervals beside the truth.

    Parameters
    ----------
    found, planted : DataFrame
        With the columns `on`; the first also the estimate, low and high, the second truth.
    on : list of str
        Columns that name a fact.
    estimate : str
        Column of the estimate.

    Returns
    -------
    DataFrame
        One row a fact that was estimated: `on`, truth, estimate, low, high, inside
        (bool: the interval holds the truth).

    Raises
    ------
    BadInput
        If a fact was estimated for which no truth is known.
    """
    table = found.merge(planted, on=on, how="left", validate="one_to_one")
    if (unknown := table["truth"].isna()).any():
        first = table.loc[unknown, on].head(3).to_dict("records")
        raise BadInput(f"Nothing is known to be planted for {first}.")
    table = table.rename(columns={estimate: "estimate"})
    table["inside"] = table["truth"].between(table["low"], table["high"])
    return table[[*on, "truth", "estimate", "low", "high", "inside"]]


def planted_effects(planted: list[dict], *, ids: dict[int, int]) -> pd.DataFrame:
    """List planted effects of campaigns under the study's segment ids.

    Parameters
    ----------
    planted : list of dict
        kind, segment (0 is all) and effect (share).
    ids : dict of int
        Output of `matched`.

    Returns
    -------
    DataFrame
        segment_id, kind, truth.
    """
    own = {there: here for here, there in ids.items()} | {0: 0}
    return pd.DataFrame(
        [
            (own[row["segment"]], row["kind"], row["effect"])
            for row in planted
            if row["segment"] in own
        ],
        columns=["segment_id", "kind", "truth"],
    )
