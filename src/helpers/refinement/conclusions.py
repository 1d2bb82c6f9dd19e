"""Say whether segments are still true, each claim only where its numbers bear it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from helpers.clustering.model import Model
from helpers.core.errors import TooLittle
from helpers.disclosure.suppression import MIN_CELL, numbers, part
from helpers.display import tables, words
from helpers.refinement import migration

# The words stand in display/words/en/07_refinement.ftl. Facts of a finding hold nothing
# that a page may not show.
Finding = dict[str, object]
NONE = "none"  # a fact that there is not


def need(enough: bool, message: str, /, **facts: object) -> None:
    """Unless there is enough, raise TooLittle with a message of the catalogue."""
    if not enough:
        raise TooLittle(words.say(message, **facts))


def floors(overall: pd.Series) -> dict[str, object]:
    """Say which noise floor decides, from the row of all of `migration.excess`."""
    floor = {f"noise_{w}": overall[f"noise_{w}"] for w in migration.BLOCKS}
    known = {name: share for name, share in floor.items() if share >= 0}
    out = [migration.BLOCKS[w] for w in migration.BLOCKS if f"noise_{w}" not in known]
    branch = "mood" if overall["beyond_weeks"] else "open"
    if overall["low"] > 0 or overall["high"] < 0:
        branch = "more" if overall["low"] > 0 else "less"
    return {
        "verdict": branch,
        "several": len(known) > 1,
        "largest": migration.BLOCKS[overall["floor"]],
        "out": ", ".join(out) or NONE,
        **dict.fromkeys(floor, NONE),
        **known,
    }


def moved(overall: pd.Series) -> dict[str, object]:
    """Say what part of the customers moved, and beyond noise unless they are few."""
    customers = int(overall["customers"])
    count = round(overall["moved"] * customers)
    shown = MIN_CELL <= count <= customers - MIN_CELL or count in (0, customers)
    ends = {"noise": overall["noise"], **_points(overall, "excess", "low", "high")}
    return {
        "moved": part(count, of=customers, form="{:.1%}"),
        "shown": shown,
        **(ends if shown else dict.fromkeys(ends, NONE)),
    }


def _points(row: pd.Series, *names: str) -> dict[str, float]:
    """Give shares in percentage points."""
    return {name: 100 * row[name] for name in names}


def any_cut(moves: pd.DataFrame, drawn: pd.DataFrame, *, fewest: int) -> str:
    """Say whether movement of segments says more than that of any cut.

    It is asked of all customers, and of the segment that most left: its excess is the
    largest of several, and so is that of random groups. `moves` comes from
    `migration.excess`, `drawn` from `migration.random_cuts`.
    """
    safe = moves[numbers(tables.guarded(moves)["moved"]).notna()]
    whole, top = moves["excess"].iloc[0], migration.largest(safe, fewest=fewest)
    above, below = whole > drawn["excess"].max(), whole < drawn["excess"].min()
    unknown = np.isnan(top) or drawn["largest"].isna().any()
    larger = "yes" if top > drawn["largest"].max() else "no"
    ends = {
        f"{name}_{end}": 100 * getattr(drawn[name], end)()
        for name in ("excess", "largest")
        for end in ("mean", "min", "max")
    }
    return words.say(
        "any-cut",
        branch="more" if above else "less" if below else "same",
        excess=100 * whole,
        draws=len(drawn),
        top=NONE if unknown else 100 * top,
        larger=larger,
        **ends,
    )


def paths(flows: pd.DataFrame, *, names: Mapping[int, str]) -> str:
    """Say which paths of `migration.migration`, with shown, carry more than noise."""
    clear = _clear(flows)
    said = [words.say("path", **_path(row, names)) for _, row in clear.iterrows()]
    beyond = int(flows["beyond"].sum())
    counts = {"beyond": beyond, "all": len(flows), "unnamed": beyond - len(clear)}
    return words.say("paths", **counts, named="; ".join(said) or NONE)


def _clear(flows: pd.DataFrame) -> pd.DataFrame:
    clear = flows[flows["beyond"] & flows["shown"]]
    return clear.sort_values("excess", ascending=False)


def _path(row: pd.Series, names: Mapping[int, str]) -> dict[str, object]:
    ends = {f"path_{name}": row[name] for name in ("excess", "low", "high")}
    return {"from": names[row["from_id"]], "to": names[row["to_id"]], **ends}


def calm(
    old: np.ndarray, new: np.ndarray, *, ratio: float, floor: float
) -> dict[str, object]:
    """Say how many customers move by the calm rule, and how many of them by noise."""
    share = float((new != old).mean())
    moving = part(int((new != old).sum()), of=len(old), form="{:.1%}")
    false = min(floor / share, 1) if share else NONE
    return {"calm": moving, "ratio": ratio, "floor": floor, "false": false}


def movement(
    moves: pd.DataFrame,
    flows: pd.DataFrame,
    *,
    names: Mapping[int, str],
    calm: Mapping[str, object] | None,
    **facts: object,
) -> Finding:
    """Conclude whether customers changed their group into a period, beyond noise.

    `moves` and `flows` are of `migration.excess` and `migration.migration`; `calm`
    comes from above, None where it was left out; `facts` are group, period and any_cut.
    """
    branch, mostly = migration.kind(moves.iloc[0], flows)
    clear = _clear(flows)
    none = dict.fromkeys(("from", "to", "path_excess", "path_low", "path_high"), NONE)
    return words.finding(
        "movement",
        branch=branch,
        mostly=mostly,
        **facts,
        floors=words.say("floors", **floors(moves.iloc[0])),
        **moved(moves.iloc[0]),
        **(_path(clear.iloc[0], names) if len(clear) else none),
        **(calm or {"calm": NONE, "false": NONE}),
    )


def sees(latest: pd.DataFrame, *, names: Mapping[int, str]) -> str:
    """Say how much a share, and movement, must change before an alarm is raised.

    `latest` are the rows of `drift.review` of one period. The share in question is the
    one with the widest limit beside what is usual of it.
    """
    limited = latest.dropna(subset="noise")
    shares = limited[(limited["kind"] == "share") & (limited["usual"] > 0)]
    if shares.empty:
        return words.say("sees-nothing")
    row = shares.loc[(shares["noise"] / shares["usual"]).idxmax()]
    low, high = row["usual"] - row["noise"], row["usual"] + row["noise"]
    moves = limited[limited["kind"] == "movement"]
    least = (moves["usual"] + moves["noise"]).min()
    return words.say(
        "sees",
        name=names[row["segment_id"]],
        usual=row["usual"],
        low=low if low > 0 else NONE,
        high=high if high < 1 else NONE,
        least=NONE if moves.empty else least if least < 1 else "never",
    )


def lives_on(matched: pd.DataFrame, *, segments: int) -> dict[str, object]:
    """Say how many segments live on in a refit, from `refit.match`."""
    weakest = matched["jaccard"].min()
    return {
        "kept": int((matched["what"] == "kept").sum()),
        "segments": segments,
        "weakest": NONE if pd.isna(weakest) else weakest,
    }


def rivals(
    explained: pd.DataFrame,
    drawn: pd.Series,
    *,
    champion: str,
    challenger: str,
    min_gain: float,
    scores: tuple[str, str] = ("two component scores", "all scores"),
) -> str:
    """Say what a refit gains, and what its rivals say of that gain.

    `explained` comes from `refit.explained`, `drawn` from `refit.random_explained`;
    `scores` need no segments, and are models of `explained`.
    """
    rows = explained.set_index("model")
    new = rows.loc[challenger]
    branch = "better" if new["gain"] >= min_gain else "small"
    if new["gain_low"] <= 0:
        branch = "worse" if new["gain_high"] < 0 else "same"
    both = rows.loc[[champion, challenger], "explained"].max()
    facts = {}
    for name, of in zip(("few", "all"), scores, strict=True):
        own = rows.loc[of]
        apart = "more" if own["gain_low"] > new["gain_high"] else "same"
        facts[name] = "less" if own["gain_high"] < new["gain_low"] else apart
        facts[f"{name}_gain"] = 100 * own["gain"]
    return words.say(
        "rivals",
        branch=branch,
        min_gain=100 * min_gain,
        cut="above" if both > drawn.max() else "inside",
        draws=len(drawn),
        least=drawn.min(),
        most=drawn.max(),
        apart=drawn.max() - drawn.min() > abs(new["gain"]),
        **_points(new, "gain", "gain_low", "gain_high"),
        **facts,
    )


def decision(
    decided: str,
    alarms: pd.DataFrame,
    *,
    matched: pd.DataFrame | None,
    segments: int,
    rivals: str,
    **facts: object,
) -> Finding:
    """Conclude whether to keep, watch or segment anew, by `refit.decide`.

    `rivals` comes from above, empty where no challenger was compared; `facts` are those
    of the words: why, group, limits and periods.
    """
    raised = alarms.loc[alarms["alarm"], "period"]
    lives = {"kept": NONE, "weakest": NONE, "segments": segments}
    if matched is not None:
        lives = lives_on(matched, segments=segments)
    return words.finding(
        "decision",
        branch=decided,
        alarms=len(raised),
        reviewed=len(alarms),
        raised=", ".join(raised) or NONE,
        rivals=rivals or NONE,
        **lives,
        **facts,
    )


def too_early(model: Model, *, group: str) -> Finding:
    """Conclude that nothing can be said yet."""
    return words.finding("nothing-yet", group=group, first=model.first, last=model.last)
