"""Say whether what marks a segment lasts, and more so than the habits of any group."""

# Customers keep their habits, so what marks any group of them mostly marks it later too.
# Segments are held to groups around customers drawn at random, and to parts of the first
# component: the same marks, found on the training window and looked for in the holdout.

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from helpers.core.paths import beside
from helpers.disclosure.suppression import MIN_CELL
from helpers.personas import cards, profiles

OWN = "segments"
LEVEL = 0.05  # of the test against random centres, by their rank
VERDICTS = beside(__file__, "lasting.yaml")


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

    Returns grouping, marks, lasting, share, low, high.
    """
    drawn = _drawn(table)
    each = table.drop(index=drawn.index)
    means = drawn[["marks", "lasting", "share"]].mean()
    name = f"random centres, {len(drawn)} draws"
    ends = {"low": drawn["share"].min(), "high": drawn["share"].max()}
    mean = pd.DataFrame([{"grouping": name, **means, **ends}])
    return pd.concat([each, mean], ignore_index=True)


def verdict(table: pd.DataFrame) -> str:
    """Say in a key of `VERDICTS` whether more marks of segments last, by `counted`.

    More means by rank among the random centres, at `LEVEL`; barely, that it would not
    be with one lasting mark fewer. Untold is where nothing marks a segment, or too few
    draws have marks for such a rank (it takes 19).
    """
    mine, drawn = own(table), _drawn(table)["share"].dropna()
    if not mine["marks"] or 1 / (1 + len(drawn)) > LEVEL:
        return "untold"
    shares = np.array([mine["lasting"], mine["lasting"] - 1]) / mine["marks"]
    reached = [(1 + (drawn >= share).sum()) / (1 + len(drawn)) for share in shares]
    more, still_more = (p <= LEVEL for p in reached)
    return "more" if still_more else "barely" if more else "not more"


def said(table: pd.DataFrame) -> str:
    """Say how many marks last, of segments and of their rivals, and what follows."""
    found = own(table)
    if not found["marks"]:
        return "No need that marks a segment from above can be judged by later sales."
    beside = [
        f"{found['lasting']} of the {found['marks']} needs that mark a segment from above "
        f"still do so later ({found['share']:.0%}).",
        beside_rivals(table),
    ]
    others = table[table["grouping"] != OWN].drop(index=_drawn(table).index)
    beside += [
        f"In {row.grouping}, {row.lasting} of {row.marks} last."
        for row in others.itertuples()
        if row.marks
    ]
    return " ".join([*beside, VERDICTS[verdict(table)]["sentence"]])


def beside_rivals(table: pd.DataFrame) -> str:
    """Say in a sentence how many marks of groups around random customers last."""
    drawn = _drawn(table).dropna(subset="share")
    if drawn.empty:
        return "Groups around customers drawn at random have no marks to compare."
    share = drawn["share"]
    return (
        f"Around customers drawn at random {share.mean():.0%} last ({share.min():.0%} to "
        f"{share.max():.0%} over {len(drawn)} draws, with {drawn['marks'].mean():.0f} marks "
        "each)."
    )


def said_on_card(
    kept: pd.DataFrame, table: pd.DataFrame, *, names: Mapping[str, str], most: int
) -> str:
    """Say which marks of a segment, its rows of `follow`, last; beside rivals, once."""
    if kept.empty:
        return "Nothing that marks it from above can be judged by later sales."
    drawn = _drawn(table)["share"].dropna()
    if len(kept) == 1:
        beside = f"Its one mark {'lasts' if kept['lasts'].all() else 'does not last'}"
    else:
        beside = f"{int(kept['lasts'].sum())} of its {len(kept)} marks last"
    if len(drawn):
        beside += f"; around customers drawn at random {drawn.mean():.0%} of marks last"
    beside += f".{VERDICTS[verdict(table)]['card']}"
    later = kept[kept["lasts"]]
    if later.empty:
        return beside
    names_then = [column for column in later if column.endswith("_later")]
    then = later[names_then].rename(columns=lambda name: name.removesuffix("_later"))
    later = then.assign(feature=later["feature"], shared_with=[()] * len(later))
    return f"{beside} {cards.say_marks(later, names=names, most=most)}"


def own(table: pd.DataFrame) -> pd.Series:
    """Give the row of `counted` that is of the segments."""
    return table[table["grouping"] == OWN].iloc[0]


def _drawn(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["grouping"].str.startswith("random centres ")]
