"""Compare a second file of the same shape: drift, movement, and whether segments hold."""

import copy
from collections.abc import Mapping
from typing import Any, Protocol

import duckdb
import numpy as np
import pandas as pd
from scipy import stats

from helpers.core import disk, engines, paths
from helpers.core.errors import BadInput
from helpers.customer_table import cleaning, measures, methods
from helpers.customer_table.lifecycle import NONE
from helpers.customer_table.methods import Rule
from helpers.customer_table.preparation import NUMBERS, Preparation
from helpers.disclosure import suppression
from helpers.disclosure.suppression import MIN_CELL
from helpers.display import tables
from helpers.intake import customer_table, own_files
from helpers.refinement import drift as of_periods, refit as of_models
from helpers.runs import mapping, run_file
from helpers.statistics import intervals

# The words stand in display/words/en/table_07_refinement.ftl.
PARTS = 10  # numbers are compared in tenths of the first file
RARE = 5  # customers that a part needs in both files together
FROZEN, REFIT = "frozen segments", "refit"
SUMMARY = ("monetary", "repeat_orders")  # roles whose product is a value


class Assigning(Protocol):
    """What puts customers into segments: `model.Model`, say."""

    def assign(self, features: pd.DataFrame) -> pd.DataFrame:
        """Give each row of the features its segment_id, 0 for too few answers."""


# --- Reading the second file


def mapped(
    content: Mapping[str, Any],
    attributes: pd.DataFrame,
    features: pd.DataFrame,
    file: str,
) -> dict[str, Any]:
    """Map a second file as a run file maps the first, but for outcomes and other roles.

    Measures and levels are those of the first file, whatever the second holds.
    """
    known = attributes[attributes["table"] == "customers"].set_index("attribute")
    first = content["tables"]["customers"]
    value = (
        [first["value"]]
        if isinstance(first.get("value"), str)
        else first.get("value", [])
    )
    summary = {} if value else {r: first[r] for r in SUMMARY if r in first}
    kept = {*features.columns, *value, *summary.values()} & {*known.index}
    block = {k: copy.deepcopy(v) for k, v in first.items() if k not in mapping.ROLES}
    block |= {"file": file, "measures": {}}
    columns = first["columns"].items()
    block["columns"] = {n: c for n, c in columns if n in kept or n == "customer_id"}
    for family in mapping.FAMILIES:
        if family in block:
            block[family] = [name for name in block[family] if name in kept]
    levels = measures.levels(attributes)
    for name in sorted(kept):
        measure = known.loc[name, "measure"]
        block["measures"][name] = levels[name] if measure == "ordered" else measure
    block |= summary if len(summary) == len(SUMMARY) else {}
    if value:
        block["value"] = value
    return {**content, "tables": {"customers": block}}


def read(
    file: str, attributes: pd.DataFrame, features: pd.DataFrame, *, run: str
) -> pd.DataFrame:
    """Read, clean and prepare a second file of a run's raw folder, as its `features` are.

    BadInput with what is wrong with the file; impossible values become missing.
    """
    content = mapped(run_file.read(run), attributes, features, file)
    with duckdb.connect() as con:
        engines.limit(con, disk.spill(paths.plan(run)))
        with disk.scratch(paths.plan(run)) as copies:
            found, sources = own_files.problems(con, content, run=run, spill=copies)
        wrong = found.loc[found["level"] == "error", "said"]
        if len(wrong):
            raise BadInput("\n".join(f"Second file: {said}" for said in wrong))
        customer_table.receive(con, sources[0])
        customers = con.table("received_customers").df()
    own = attributes[attributes["attribute"].isin(customers.columns)]
    given = run_file.parameters(run, "01_cleaning")
    if "no answer" not in given["disabled_rules"]:
        customers = customers[~cleaning.without_answers(customers, own)]
    ends = {"least": given["min_possible"], "most": given["max_possible"]}
    customers, _ = cleaning.impossible(customers, cleaning.limits(own, **ends))
    form = measures.model_form(customers, own)
    return form.reindex(columns=features.columns)


# --- Drift of columns


def drift(
    before: pd.DataFrame, after: pd.DataFrame, *, dictionary: pd.DataFrame, alpha: float
) -> pd.DataFrame:
    """Compare how each column spreads in two files by the population stability index.

    Missing is a part of its own. Without change the index of n and m customers spreads
    like (1/n + 1/m) times a chi-square with one degree of freedom less than parts
    (Yurdakul 2018, Statistical properties of the population stability index): the limit
    is exceeded by any column with the chance `alpha` (Bonferroni). Returns feature,
    builds, before and after (means; missing of unordered columns), value (the index),
    noise (its limit), ratio and beyond; the largest ratio first.
    """
    rows = []
    for one in dictionary.itertuples():
        columns = [table[one.feature] for table in (before, after)]
        counts = _counts(*columns, numbers=one.measure in NUMBERS)
        index = of_periods.index_of_counts(counts[1], counts[0])
        sizes = 1 / len(before) + 1 / len(after)
        tail = alpha / len(dictionary)
        limit = sizes * stats.chi2.isf(tail, max(counts.shape[1] - 1, 1))
        means = [np.nan] * 2
        if one.measure != "unordered":
            means = [column.astype(float).mean() for column in columns]
        rows.append((one.feature, bool(one.builds), *means, index, limit))
    names = ["feature", "builds", "before", "after", "value", "noise"]
    table = pd.DataFrame(rows, columns=names)
    table["ratio"] = table["value"] / table["noise"]
    table["beyond"] = table["ratio"] > 1
    return table.sort_values("ratio", ascending=False, kind="stable", ignore_index=True)


def _parts(values: pd.Series, usual: pd.Series, *, numbers: bool) -> np.ndarray:
    """Give the part of each value: tenths of the usual ones, levels, or missing (0)."""
    if numbers:
        cuts = np.unique(usual.astype(float).quantile(np.arange(1, PARTS) / PARTS))
        part = np.searchsorted(cuts, values.astype(float), side="left") + 1
        return np.where(values.isna(), 0, part)
    levels = np.unique(pd.concat([usual, values]).dropna().astype(str))
    part = pd.Index(levels).get_indexer(values.astype(str))
    return np.where(values.isna(), 0, part + 1)


def _counts(before: pd.Series, after: pd.Series, *, numbers: bool) -> np.ndarray:
    """Count both files in the parts of a column; rare parts are one."""
    parts = [_parts(values, before, numbers=numbers) for values in (before, after)]
    most = 1 + max(int(part.max(initial=0)) for part in parts)
    counts = np.array([np.bincount(part, minlength=most) for part in parts])
    rare = counts.sum(axis=0) < RARE
    return np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)])[
        :, : (~rare).sum() + bool(counts[:, rare].any())
    ]


def drifted(
    table: pd.DataFrame, *, meanings: Mapping[str, str], most: int = 3
) -> dict[str, object]:
    """Say which columns that build drifted beyond their limit, and how many others."""
    beyond = table[table["beyond"]]
    built = beyond[beyond["builds"]]
    named = [meanings.get(name, name) for name in built["feature"].head(most)]
    return {
        "branch": "builders" if len(built) else "others" if len(beyond) else "none",
        "builders": len(built),
        "beyond": len(beyond),
        "columns": len(table),
        "named": ", ".join(named) or NONE,
        "ratio": table["ratio"].max() if len(table) else 0.0,
    }


# --- Shares of segments


def shares(
    before: pd.Series, after: pd.Series, *, names: Mapping[int, str], alpha: float
) -> pd.DataFrame:
    """Compare the share of each segment in two files, by customer_id (0: not counted).

    A customer in both counts as one, so that the files may overlap. Returns segment_id,
    customers_before, customers_after, before, after (shares), change with low and high
    (simultaneous, Bonferroni), p_adjusted (Holm) and beyond.
    """
    known = [labels[labels > 0] for labels in (before, after)]
    ids = known[0].index.union(known[1].index)
    rows = []
    for segment_id in names:
        share = [(labels == segment_id).mean() for labels in known]
        counts = [int((labels == segment_id).sum()) for labels in known]
        # of each customer: what leaving them out would change
        pull = pd.Series(0.0, ids)
        for sign, labels, own in zip((-1, 1), known, share, strict=True):
            each = sign * ((labels == segment_id) - own) / len(labels)
            pull = pull.add(each, fill_value=0.0)
        error = float(np.sqrt((pull**2).sum()))
        tested = intervals.tested(share[1] - share[0], error, alpha=alpha)
        rows.append(
            (segment_id, *counts, *share, *map(tested.get, ("effect", "error", "p")))
        )
    ends = ["customers_before", "customers_after", "before", "after"]
    table = pd.DataFrame(rows, columns=["segment_id", *ends, "effect", "error", "p"])
    family = np.zeros(len(table))
    table = intervals.together(table, family=family, alpha=alpha, method="holm")
    table["beyond"] = (table["low"] > 0) | (table["high"] < 0)
    told = ["effect", "low", "high", "p_adjusted", "beyond"]
    return table[["segment_id", *ends, *told]].rename(columns={"effect": "change"})


# --- Movement of the same customers


def both(
    before: pd.DataFrame, after: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the customers that are in both files, in one order."""
    one, other = (table.set_index("customer_id") for table in (before, after))
    ids = one.index.intersection(other.index).sort_values()
    return one.loc[ids].reset_index(), other.loc[ids].reset_index()


def noise(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    model: Assigning,
    dictionary: pd.DataFrame,
    draws: int,
    seed: int,
) -> np.ndarray:
    """Draw where customers would be if answers changed as often, but each by itself.

    Within a segment, customers who gave the same answer before deal out the answers that
    they gave after, column by column, missing ones too. So each column changes as it
    did, and no customer changes as a whole: a floor for movement. Returns draws x
    customers (segment; 0 where too little is known).
    """
    rng = np.random.default_rng(seed)
    own = model.assign(before)["segment_id"].to_numpy()
    built = dictionary[dictionary["builds"]]
    keys = {}
    for one in built.itertuples():
        column = before[one.feature]
        part = _parts(column, column, numbers=one.measure in NUMBERS)
        keys[one.feature] = own * (part.max() + 1) + part
    found = []
    for _ in range(draws):
        dealt = after.copy()
        for name, key in keys.items():
            there = np.argsort(key, kind="stable")
            drawn = np.lexsort([rng.random(len(key)), key])
            values = after[name].to_numpy(copy=True)
            values[there] = after[name].to_numpy()[drawn]
            dealt[name] = values
        found.append(model.assign(dealt)["segment_id"])
    return np.array(found)


def movement(
    before: np.ndarray, after: np.ndarray, drawn: np.ndarray, *, alpha: float
) -> pd.DataFrame:
    """Say how many customers are in another segment than before, beside `noise`.

    `before` and `after` are segments of the same customers, 0 for too few answers: they
    are left out. Returns segment_id (0, all, first), customers, moved (share), noise,
    excess (moved less noise) with low and high (95 % over all; of segments
    simultaneous).
    """
    kept = (before > 0) & (after > 0)
    before, after, drawn = before[kept], after[kept], drawn[:, kept]
    moved = (after != before).astype(float)
    usable = drawn > 0
    chance = ((drawn != before) & usable).sum(axis=0) / np.maximum(
        usable.sum(axis=0), 1
    )
    rows = []
    for segment_id in (0, *np.unique(before)):
        inside = (before == segment_id) | (segment_id == 0)
        each = moved[inside] - chance[inside]
        error = (
            float(each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else np.nan
        )
        found = (each.mean(), error, moved[inside].mean(), chance[inside].mean())
        rows.append((int(segment_id), int(inside.sum()), *found))
    names = ["segment_id", "customers", "effect", "error", "moved", "noise"]
    table = pd.DataFrame(rows, columns=names).assign(p=0.0)
    family = table["segment_id"] == 0
    table = intervals.together(table, family=family, alpha=alpha, method="holm")
    table = table.rename(columns={"effect": "excess"})
    return table[["segment_id", "customers", "moved", "noise", "excess", "low", "high"]]


def paths_of(
    before: np.ndarray, after: np.ndarray, drawn: np.ndarray, *, alpha: float
) -> pd.DataFrame:
    """Count who went from which segment to which, and whether more than by `noise`.

    Returns from_id, to_id, customers, noise (mean of the draws), beyond (more than the
    draws, by a normal limit shared by all paths).
    """
    kept = (before > 0) & (after > 0)
    before, after, drawn = before[kept], after[kept], drawn[:, kept]
    ids = np.unique([*before, *after]).tolist()
    pairs = [(one, other) for one in ids for other in ids if one != other]
    reach = stats.norm.isf(alpha / max(len(pairs), 1))
    rows = []
    for one, other in pairs:
        inside = before == one
        count = int((inside & (after == other)).sum())
        by_chance = (drawn[:, inside] == other).sum(axis=1)
        limit = by_chance.mean() + reach * max(
            by_chance.std(), np.sqrt(max(by_chance.mean(), 1))
        )
        rows.append((one, other, count, by_chance.mean(), count > limit))
    return pd.DataFrame(
        rows, columns=["from_id", "to_id", "customers", "noise", "beyond"]
    )


def moving(
    table: pd.DataFrame, paths: pd.DataFrame, *, names: Mapping[int, str]
) -> dict[str, object]:
    """Say whether customers moved beyond noise, from `movement` and `paths_of`."""
    whole = table.iloc[0]
    customers = int(whole["customers"])
    count = round(whole["moved"] * customers)
    shown = MIN_CELL <= count <= customers - MIN_CELL
    branch = "open"
    if whole["low"] > 0 or whole["high"] < 0:
        branch = "more" if whole["low"] > 0 else "less"
    clear = paths[paths["beyond"] & (paths["customers"] >= MIN_CELL)]
    clear = clear.sort_values("customers", ascending=False)
    said = [
        f"“{names[row.from_id]}” to “{names[row.to_id]}”"
        for row in clear.head(3).itertuples()
    ]
    ends = {name: 100 * whole[name] for name in ("excess", "low", "high")}
    return {
        "branch": branch,
        "moved": suppression.part(count, of=customers, form="{:.1%}"),
        "noise": whole["noise"] if shown else NONE,
        **(ends if shown else dict.fromkeys(ends, NONE)),
        "customers": customers,
        "paths": "; ".join(said) or NONE,
    }


# --- A refit, and the decision


def refit(
    prepared: Preparation, rule: Rule, features: pd.DataFrame, *, seed: int, n_init: int
) -> Rule:
    """Find segments anew by the same method and number, the preparation being kept."""
    given: dict[str, Any] = {"tried": [rule.method], "k_values": [rule.k]}
    raw = prepared.raw(features)
    found = methods.fit(prepared, raw, seed=seed, n_init=n_init, **given)
    return found[rule.method, rule.k]


def compared(
    prepared: Preparation,
    rule: Rule,
    features: pd.DataFrame,
    *,
    seed: int,
    n_init: int,
    folds: int,
    n_bootstrap: int,
) -> pd.DataFrame:
    """Say how well frozen and refit segments describe customers that no refit has seen.

    Each random half of the second file is described by segments fitted on the other one;
    how, says `refinement.refit.explained`, of the scores.
    """
    rows = features.sort_values("customer_id", ignore_index=True)
    half = np.random.default_rng(seed).permutation(len(rows)) % 2
    labels = {FROZEN: np.zeros(len(rows), int), REFIT: np.zeros(len(rows), int)}
    for own in (0, 1):
        inside = half == own
        anew = refit(prepared, rule, rows[~inside], seed=seed, n_init=n_init)
        for name, one in ((FROZEN, rule), (REFIT, anew)):
            found = one.labels(prepared, rows[inside])
            labels[name][inside] = own * rule.k + found
    scores = prepared.scored(prepared.raw(rows))
    draws = {"folds": folds, "n_bootstrap": n_bootstrap, "seed": seed}
    return of_models.explained(labels, scores, champion=FROZEN, **draws)


def reasons(
    drifts: pd.DataFrame,
    changes: pd.DataFrame | None,
    *,
    names: Mapping[int, str],
    meanings: Mapping[str, str],
) -> list[str]:
    """List what raises an alarm: columns that build, and shares of segments, beyond chance."""
    built = drifts[drifts["beyond"] & drifts["builds"]]
    found = [f"{meanings.get(name, name)} drifted" for name in built["feature"]]
    if changes is None:
        return found
    safe = tables.guarded(changes)
    for row in changes[changes["beyond"]].itertuples():
        shown = not pd.isna(safe.loc[row.Index, "change"])
        points = f" by {100 * row.change:+.0f} points" if shown else ""
        points = points.replace("-", tables.MINUS)
        found.append(f"the share of “{names[row.segment_id]}” changed{points}")
    return found


def lives_on(matched: pd.DataFrame | None, *, segments: int) -> dict[str, object]:
    """Say what became of the old segments in a refit, from `refinement.refit.match`."""
    fates = ("kept", "split", "merged", "ended", "born")
    counts = dict.fromkeys(fates, 0)
    if matched is None:
        return {**counts, "segments": segments, "weakest": NONE}
    counts |= matched["what"].value_counts().to_dict()
    weakest = matched["jaccard"].min()
    told = NONE if pd.isna(weakest) else weakest
    return {**counts, "segments": segments, "weakest": told}


def gains(table: pd.DataFrame | None) -> dict[str, float]:
    """Give the gain of the refit over the frozen segments; 0 where none was fitted."""
    columns = ["gain", "gain_low", "gain_high"]
    if table is None:
        return dict.fromkeys(columns, 0.0)
    return table.set_index("model").loc[REFIT, columns].to_dict()


def may_be_shown(
    table: pd.DataFrame,
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    measured: pd.Series,
) -> pd.DataFrame:
    """Withhold means of `drift` that tell of few customers: yes or no of fewer than ten."""
    shown = table.drop(columns="ratio").astype({"before": object, "after": object})
    for name, features in (("before", before), ("after", after)):
        for at, feature in table["feature"].items():
            known = features[feature].dropna()
            counts = known.value_counts()
            rare = measured[feature] == "yes_no" and counts.min() < MIN_CELL
            if len(known) < MIN_CELL or rare:
                shown.loc[at, name] = suppression.WITHHELD
    return shown


def reviewed(
    drifts: pd.DataFrame, changes: pd.DataFrame | None, *, period: str
) -> pd.DataFrame:
    """Lay out what was compared with a limit, as the table `period_review` has it."""
    own = drifts.rename(columns={"feature": "statistic"}).assign(segment_id=0)
    parts = [own.assign(kind="stability index")]
    if changes is not None:
        reach = (changes["high"] - changes["low"]) / 2
        named = {"value": changes["change"], "noise": reach, "statistic": "share"}
        parts.append(changes.assign(kind="share", **named))
    columns = ["kind", "statistic", "segment_id", "value", "noise", "beyond"]
    return pd.concat([part[columns] for part in parts]).assign(period=period)
