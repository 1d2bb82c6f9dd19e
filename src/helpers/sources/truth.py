"""Compare what a study of simulated customers found with what was planted in them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.stats import binom

from helpers.core import paths, store
from helpers.core.errors import BadInput, TooLittle
from helpers.display import words

RARE = 0.05  # chance of as many misses, below which intervals are too narrow


def truth(run: str) -> dict:
    """Read what was planted in a simulated run; only the notebook on recovery may."""
    file = paths.raw(run) / "truth.json"
    if not file.exists():
        raise BadInput(
            f"Run {run} has no truth to compare with: only simulated data have. Run "
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


def estimated(name: str, *, run: str) -> pd.DataFrame:
    """Read what a notebook estimated; TooLittle if it has not run."""
    if not store.path(name, run=run).exists():
        raise TooLittle(f"Left out: the notebook that writes {name} has not run.")
    return store.read(name, run=run)


def segments_found(
    found: pd.Series, planted: pd.Series, *, at_least: float
) -> dict[str, Any]:
    """Conclude whether to trust the way segments are found, by the adjusted Rand index."""
    from sklearn.metrics import adjusted_rand_score

    facts = {"found": found.nunique(), "planted": planted.nunique()}
    rand = adjusted_rand_score(found, planted)
    right = (found.map(matched(found, planted)) == planted).mean()
    branch = "found" if rand >= at_least else "missed"
    facts |= {"accounts": len(found), "rand": rand, "right": right}
    return words.finding(f"recovery-segments-{branch}", **facts)


def intervals_found(estimates: pd.DataFrame) -> list[dict[str, Any]]:
    """Conclude how to read 95% intervals, by `beside`; nothing without any.

    They miss too often where so many misses have a chance below `RARE`.
    """
    number, inside = len(estimates), int(estimates["inside"].astype(bool).sum())
    chance = float(binom.sf(number - inside - 1, number, 0.05))
    facts = {"number": number, "inside": inside, "chance": chance}
    branch = "hold" if chance >= RARE else "miss"
    return [words.finding(f"recovery-intervals-{branch}", **facts)] if number else []


def alarms_found(alarms: pd.DataFrame) -> dict[str, Any]:
    """Conclude whether to rely on the alarm.

    It is raised after a planted move, if there is one, and right in most periods:
    `alarms` has planted (whether needs had moved) and alarm.
    """
    moved, raised = alarms["planted"].astype(bool), alarms["alarm"].astype(bool)
    right = (moved == raised).sum()
    missed = moved.any() and not (moved & raised).any()
    branch = "right" if 2 * right > len(alarms) and not missed else "wrong"
    facts = {"right": int(right), "periods": len(alarms)}
    return words.finding(f"recovery-alarms-{branch}", **facts)


def leads_found(
    scores: pd.DataFrame, *, won: pd.Series, chance: Mapping[str, float]
) -> dict[str, Any]:
    """Conclude whether to call leads by score: lead_id and probability of `scores`.

    `won` and the planted `chance` are by lead_id.
    """
    from sklearn.metrics import roc_auc_score

    planted, own = scores["lead_id"].map(chance), scores["probability"]
    happened = scores["lead_id"].map(won).to_numpy(bool)
    facts = {"leads": len(scores), "alike": own.corr(planted, method="spearman")}
    found, best = (roc_auc_score(happened, one) for one in (own, planted))
    branch = "ranked" if found > 0.5 else "unranked"
    return words.finding(f"recovery-leads-{branch}", **facts, found=found, best=best)
