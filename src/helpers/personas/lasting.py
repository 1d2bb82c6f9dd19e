"""Say whether what marks a segment lasts, and more so than the habits of any group."""

# Customers keep their habits, so what marks any group of them mostly marks it later too.
# Segments are compared with groups around customers drawn at random, and to parts of the first
# component: the same marks, found on the training window and looked for in the holdout.

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from helpers.disclosure.suppression import MIN_CELL
from helpers.display import words
from helpers.personas import profiles

OWN = "segments"
LEVEL = 0.05  # of the test against random centres, by their rank


def holdout_shares(
    outcomes: pd.DataFrame, needs: Sequence[str], *, min_sales: float
) -> pd.DataFrame:
    """Share out later sales among needs, as far as `outcomes` (of `holdout.later`) know.

    Returns a row for each customer whose later sales reach `min_sales` (currency),
    with their index, and a column for each need that is known, by its name in `needs`.
    """
    known = {need: f"holdout_{need.removeprefix('share_')}" for need in needs}
    known = {need: later for need, later in known.items() if later in outcomes}
    judged = outcomes[outcomes["holdout_sales"] >= min_sales]
    shares = judged[list(known.values())].div(judged["holdout_sales"], axis=0)
    return shares.set_axis(list(known), axis=1)


def follow(
    groupings: Mapping[str, pd.Series],
    before: pd.DataFrame,
    later: pd.DataFrame,
    *,
    columns: list[str],
    built_from: list[str],
    min_effect: float,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Follow the needs that mark a group from above into later sales.

    `groupings` are of the customers (rows) of `before`; `later` are shares of the
    later sales of some of them (`holdout_shares`). Gives of each grouping the rows of
    `profiles.marks` on the training window whose need is one of `later`, the same of
    the holdout with the suffix _later, and lasts: whether they are above there too.
    Groups of fewer than ten customers who are judged later are left out.
    """
    if later.empty:
        nothing = pd.DataFrame(columns=["segment_id", "lasts"])
        return dict.fromkeys(groupings, nothing)
    first = profiles.differences_of(
        before, groupings, columns=columns, built_from=built_from, seed=seed
    )
    then = profiles.differences_of(
        later,
        {name: group[later.index] for name, group in groupings.items()},
        columns=list(later),
        built_from=[],
        seed=seed,
    )
    found = {}
    for name in groupings:
        marks = profiles.marks(first[name], min_effect=min_effect)
        built = marks["used_to_build"] & marks["feature"].isin(list(later))
        # Intervals of a handful of customers are too narrow: their marks are not judged.
        judged = groupings[name][later.index].value_counts()
        built &= marks["segment_id"].isin(judged.index[judged >= MIN_CELL])
        above = marks[built & (marks["side"] == "above")]
        both = above.merge(
            then[name], on=["segment_id", "feature"], suffixes=("", "_later")
        )
        found[name] = both.assign(lasts=both["side_later"] == "above")
    return found


def counted(followed: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Count what `follow` gives: grouping, marks, lasting, share (missing without any)."""
    rows = [(name, len(one), int(one["lasts"].sum())) for name, one in followed.items()]
    table = pd.DataFrame(rows, columns=["grouping", "marks", "lasting"])
    return table.assign(share=table["lasting"] / table["marks"].replace(0, np.nan))


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Arrange `counted` for readers: of the draws the mean, and the range of the share.

    Returns grouping, n_marks, n_lasting, share_lasting with low and high.
    """
    drawn = _drawn(table)
    each = table.drop(index=drawn.index)
    means = drawn[["marks", "lasting", "share"]].mean()
    name = f"random centres, {len(drawn)} draws"
    ends = {"low": drawn["share"].min(), "high": drawn["share"].max()}
    mean = pd.DataFrame([{"grouping": name, **means, **ends}])
    found = pd.concat([each, mean], ignore_index=True)
    names = ["grouping", "n_marks", "n_lasting", "share_lasting", "low", "high"]
    return found.set_axis(names, axis=1)


def verdict(table: pd.DataFrame) -> str:
    """Say in a word whether more marks of segments last, by `counted`.

    more: by rank among the random centres, at `LEVEL`; barely: not so with one lasting
    mark fewer; not-more; unknown: nothing marks a segment, or too few draws have marks
    for such a rank (it takes 19).
    """
    mine, drawn = own(table), random_shares(table)
    if not mine["marks"] or 1 / (1 + len(drawn)) > LEVEL:
        return "unknown"
    shares = np.array([mine["lasting"], mine["lasting"] - 1]) / mine["marks"]
    reached = [(1 + (drawn >= share).sum()) / (1 + len(drawn)) for share in shares]
    more, still_more = (p <= LEVEL for p in reached)
    return "more" if still_more else "barely" if more else "not-more"


def said(table: pd.DataFrame) -> str:
    """Say how many marks last, of segments and of their rivals, and what follows."""
    found = own(table)
    if not found["marks"]:
        return words.say("personas-marks-unjudged")
    drawn = _drawn(table).dropna(subset="share")
    rivals = {"share": drawn["share"].mean(), "marks": drawn["marks"].mean()}
    rivals |= {"low": drawn["share"].min(), "high": drawn["share"].max()}
    others = table[(table["grouping"] != OWN) & (table["marks"] > 0)]
    others = others.drop(index=_drawn(others).index).drop(columns="share")
    sentences = [
        words.say("personas-marks-last", **found.drop("grouping")),
        words.say("personas-marks-random", draws=len(drawn), **rivals),
        *(words.say("personas-marks-parts", **row) for _, row in others.iterrows()),
        words.say("personas-adds", verdict=verdict(table)),
    ]
    return " ".join(sentences)


def random_shares(table: pd.DataFrame) -> pd.Series:
    """Give the share of marks that last, of each draw that has marks, by `counted`."""
    return _drawn(table)["share"].dropna()


def own(table: pd.DataFrame) -> pd.Series:
    """Give the row of `counted` that is of the segments."""
    return table[table["grouping"] == OWN].iloc[0]


def _drawn(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["grouping"].str.startswith("random centres ")]
