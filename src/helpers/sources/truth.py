"""Hold what a study of simulated customers found to what was planted in them."""

import pandas as pd
from scipy.optimize import linear_sum_assignment

from helpers.core import paths, store
from helpers.core.errors import BadInput


def truth(run: str) -> dict:
    """Read what was planted in a simulated run; only the notebook on recovery may."""
    file = paths.raw(run) / "truth.json"
    if not file.exists():
        raise BadInput(
            f"Run {run} has no truth to be compared with: only simulated data have. Run "
            "`make report RUN=uniform_supplier`."
        )
    return store.read_json(file, made_by="01_cleaning")


def matched(found: pd.Series, planted: pd.Series) -> dict[int, int]:
    """Pair found segments of customers with planted ones so that most customers agree.

    Returns found -> planted; a found segment beyond the planted number has none. Kuhn
    (1955), The Hungarian method for the assignment problem.
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

    `on` names a fact in both tables; `found` also has `estimate`, low and high,
    `planted` truth. Returns `on`, truth, estimate, low, high, inside (whether the
    interval holds the truth), or raises BadInput for an estimate without a known truth.
    """
    table = found.merge(planted, on=on, how="left", validate="one_to_one")
    if (unknown := table["truth"].isna()).any():
        first = table.loc[unknown, on].head(3).to_dict("records")
        raise BadInput(f"Nothing is known to be planted for {first}.")
    table = table.rename(columns={estimate: "estimate"})
    table["inside"] = table["truth"].between(table["low"], table["high"])
    return table[[*on, "truth", "estimate", "low", "high", "inside"]]


def planted_effects(planted: list[dict], *, ids: dict[int, int]) -> pd.DataFrame:
    """List planted effects by the study's segments.

    `planted` has kind, segment (0 is all) and effect; `ids` is the output of `matched`.
    Columns segment_id, kind, truth (a share).
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
