"""Say how columns of a customer table are measured, which go together, and which build."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from helpers.core.errors import BadInput
from helpers.customer_table.preparation import NUMBERS, SKEWED
from helpers.disclosure import suppression
from helpers.disclosure.suppression import MIN_CELL
from helpers.display import words
from helpers.statistics import forecasts

FAMILIES = (
    *("demographic", "firmographic", "psychographic"),
    *("requirement", "behavioural"),
)
# What builds the segments where a run leaves it to the table: how customers differ in what
# they want and do. Who they are builds only where nothing else is known.
WANTED = ("psychographic", "requirement", "behavioural")
# A column of these roles never builds, whatever its family.
JUDGING = ("outcome", "weight", "churned", "left_out")
VALUES = ("value", "monetary", "monthly_fee")  # roles of money: the first that there is
VALUE = "value"  # the name of a value that is a sum
FEW_LEVELS = 30  # of a column whose levels are compared one by one
STRONG = 0.5  # association that is called strong
COPY = 0.95  # association from which one column says what the other says
AFTERWARDS = 0.8  # from which a column nearly decides an outcome: known only afterwards
EVEN = 2 / 3  # of the squared distance: a family that holds more drowns others
NEARLY_ALL = 0.99  # share of one value from which a column distinguishes nobody


def levels(attributes: pd.DataFrame) -> dict[str, list[str]]:
    """Read the levels of each attribute, in their order; none of numbers."""
    told = attributes.set_index("attribute")["levels"].fillna("")
    return {str(name): json.loads(text) if text else [] for name, text in told.items()}


def in_numbers(customers: pd.DataFrame, attributes: pd.DataFrame) -> pd.DataFrame:
    """Turn answers into numbers: no and yes into 0 and 1, ordered levels into 0, 1, 2.

    Numbers stay, and unordered levels stay text. What is missing stays missing.
    """
    found, known = {}, levels(attributes)
    for name, measure in attributes.set_index("attribute")["measure"].items():
        if measure in ("yes_no", "ordered"):
            codes = pd.Index(known[name] if measure == "ordered" else ["no", "yes"])
            coded = codes.get_indexer(customers[name].astype(object)).astype(float)
            found[name] = np.where(coded < 0, np.nan, coded)
        elif measure in NUMBERS:
            found[name] = customers[name].astype(float)
        else:
            texts = customers[name].astype(object)
            found[name] = texts.where(texts.notna(), None)
    return pd.DataFrame(found, index=customers.index)


def value_columns(attributes: pd.DataFrame) -> list[str]:
    """Name the columns of money whose sum is a customer's value; none if none is said."""
    for role in VALUES:
        if names := list(attributes.loc[attributes["role"] == role, "attribute"]):
            return names
    return []


def value_name(attributes: pd.DataFrame) -> str:
    """Name the value in `model_form`: its column, "" where none is.

    It is "value" for a sum, and for the mean order times the repeat orders.
    """
    names = value_columns(attributes)
    made = len(names) > 1 or repeated(attributes)
    return VALUE if made else "".join(names)


def repeated(attributes: pd.DataFrame) -> str:
    """Name the column of repeat orders whose mean is the only money that is known."""
    role = attributes.set_index("role")["attribute"]
    only = value_columns(attributes) == [role.get("monetary")]
    return role.get("repeat_orders", "") if only else ""


def worth(customers: pd.DataFrame, attributes: pd.DataFrame) -> pd.Series:
    """Sum each customer's value, missing where a part is; 0 where that tells of few.

    Where money is the mean of the repeat orders, it is multiplied by their number.

    Sizes that leave out one to nine customers would give them away in every table.
    """
    value = customers[value_columns(attributes)].sum(axis=1, skipna=False, min_count=1)
    if times := repeated(attributes):
        value *= customers[times]
    return value.fillna(0.0) if few_unvalued(customers, attributes) else value


def few_unvalued(customers: pd.DataFrame, attributes: pd.DataFrame) -> bool:
    """Say whether some customers have no known value, but too few to be told of."""
    unknown = customers[value_columns(attributes)].isna().any(axis=1).sum()
    return bool(0 < unknown < MIN_CELL < len(customers) - unknown)


def model_form(customers: pd.DataFrame, attributes: pd.DataFrame) -> pd.DataFrame:
    """Lay out what may build or describe segments: the id, families and the value.

    A value of several columns is their sum, where all are known; see `worth`.
    """
    used = attributes["kind"].isin(FAMILIES) & ~attributes["role"].isin(JUDGING)
    used &= attributes["measure"] != "text"
    value = value_columns(attributes)
    alone = attributes["attribute"].eq(value_name(attributes))
    form = in_numbers(customers, attributes[used | alone])
    form.insert(0, "customer_id", customers["customer_id"])
    if value:
        form[value_name(attributes)] = worth(customers, attributes).astype(float)
    return form


def outcomes(customers: pd.DataFrame, attributes: pd.DataFrame) -> pd.DataFrame:
    """Lay out what judges the segments and builds none: the id and the outcomes."""
    judging = attributes["role"].isin(["outcome", "churned"])
    form = in_numbers(customers, attributes[judging])
    form.insert(0, "customer_id", customers["customer_id"])
    return form


def association(features: pd.DataFrame, measured: Mapping[str, str]) -> pd.DataFrame:
    """Measure how strongly each two columns go together, 0 to 1, whatever their measures.

    Of two that have an order it is the size of the rank correlation; of two without,
    Cramer's V; of one with and one without, the correlation ratio eta of ranks. The last
    two are corrected for what chance alone would give (Bergsma 2013, Journal of the
    Korean Statistical Society 42; Kelley 1935). Each pair is compared where both are
    known; it is missing where one of them is the same for all.
    """
    ranked = [name for name in measured if measured[name] != "unordered"]
    others = [name for name in measured if measured[name] == "unordered"]
    ranks = features[ranked].rank()
    found = pd.DataFrame(np.nan, list(measured), list(measured))
    found.loc[ranked, ranked] = ranks.corr().abs().to_numpy()
    codes = {name: pd.factorize(features[name], sort=True)[0] for name in others}
    for place, name in enumerate(others):
        for other in others[place:]:
            both = _contingency(codes[name], codes[other])
            found.loc[name, other] = found.loc[other, name] = both
        for other in ranked:
            both = _eta(codes[name], ranks[other].to_numpy())
            found.loc[name, other] = found.loc[other, name] = both
    return found


def _contingency(
    one: np.ndarray, other: np.ndarray, *, both_ways: bool = False
) -> float:
    """Measure Cramer's V of codes, or Tschuprow's T, which is 1 of one-to-one levels alone."""
    known = (one >= 0) & (other >= 0)
    sizes = (one.max(initial=0) + 1, other.max(initial=0) + 1)
    cells = one[known] * sizes[1] + other[known]
    table = (
        np.bincount(cells, minlength=sizes[0] * sizes[1]).reshape(sizes).astype(float)
    )
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    n = table.sum()
    if min(table.shape) < 2:
        return np.nan
    due = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    rows, columns = table.shape
    by_chance = (rows - 1) * (columns - 1) / (n - 1)
    phi = max(((table - due) ** 2 / due).sum() / n - by_chance, 0.0)
    sides = [side - (side - 1) ** 2 / (n - 1) - 1 for side in (rows, columns)]
    most = np.sqrt(np.prod(sides)) if both_ways else min(sides)
    return float(min(np.sqrt(phi / most), 1.0)) if most > 0 else np.nan


def _eta(groups: np.ndarray, ranks: np.ndarray) -> float:
    known = (groups >= 0) & ~np.isnan(ranks)
    group, rank = groups[known], ranks[known]
    times = np.bincount(group)
    n, k = len(group), int((times > 0).sum())
    if k < 2 or n <= k or np.ptp(rank) == 0:
        return np.nan
    rank = rank - rank.mean()
    whole = (rank**2).sum()
    between = (np.bincount(group, rank) ** 2 / np.maximum(times, 1)).sum()
    return float(np.sqrt(max(1 - (1 - between / whole) * (n - 1) / (n - k), 0.0)))


def pairs(related: pd.DataFrame) -> pd.DataFrame:
    """List each two columns once, the strongest first: one, other, association."""
    above = np.triu(np.ones(related.shape, bool), k=1)
    found = related.rename_axis(index="one", columns="other").where(above).stack()
    found = found.rename("association").reset_index().dropna()
    return found.sort_values("association", ascending=False, kind="stable")


def copies(features: pd.DataFrame, measured: Mapping[str, str]) -> pd.DataFrame:
    """List pairs of columns of which each says what the other says: one, other, association.

    Columns with an order do from a rank correlation of `COPY`; of others each level must
    go with one level of the other (Tschuprow's T). `other` is the later column.
    """
    rows = []
    ranked = dict.fromkeys(n for n in measured if measured[n] != "unordered")
    related = features[[*ranked]].rank().corr().abs().stack().to_dict()
    codes: dict[str, np.ndarray] = {}
    for name in measured:
        code, kinds = pd.factorize(features[name], sort=True)
        codes |= {name: code} if len(kinds) <= FEW_LEVELS else {}
    for place, one in enumerate(measured):
        for other in list(measured)[place + 1 :]:
            if one in ranked and other in ranked:
                both = related.get((one, other), 0.0)
            elif one in codes and other in codes:
                both = _contingency(codes[one], codes[other], both_ways=True)
            else:
                continue
            if both > COPY:
                rows.append((one, other, both))
    return pd.DataFrame(rows, columns=["one", "other", "association"])


def decided(
    features: pd.DataFrame, judged: pd.DataFrame, measured: Mapping[str, str]
) -> pd.DataFrame:
    """Say how nearly each column decides an outcome: attribute, outcome, association.

    `measured` holds the measure of all columns. Of an outcome of yes or no it is |2 AUC
    - 1| where a column has an order, which is 1 if a limit parts them. That a column is
    known at all may decide too, as a reason for leaving is known of those who left. What
    fewer than 10 customers would show, on either side, is not measured.
    """
    rows = []
    for outcome in judged:
        answered = judged[outcome].notna()
        truth = judged.loc[answered, outcome].rename("outcome")
        for name in features:
            value = features.loc[answered, name]
            known = value.notna().astype(float).rename("known")
            measures = {"known": "yes_no", "outcome": measured[outcome]}
            said = [_together(known, truth, measures)]
            both, there = known == 1, measured[name]
            measures = {name: there, "outcome": measured[outcome]}
            said.append(_together(value[both], truth[both], measures))
            rows.append((name, outcome, max(said)))
    return pd.DataFrame(rows, columns=["attribute", "outcome", "association"])


def _together(value: pd.Series, truth: pd.Series, measures: dict[str, str]) -> float:
    """Measure one column beside an outcome; 0 where too few customers differ."""
    sides = [one.value_counts() for one in (value, truth)]
    few = [one.sum() - one.max() < MIN_CELL if len(one) else True for one in sides]
    if any(few):
        return 0.0
    found = association(pd.concat([value, truth], axis=1), measures).iloc[0, 1]
    if measures["outcome"] == "yes_no" and measures[str(value.name)] != "unordered":
        score = value.to_numpy(float)
        found = abs(2 * forecasts.auc(truth.to_numpy() == 1, score) - 1)
    return float(np.nan_to_num(found))


def building(segment_on: Sequence[str] | str, present: Sequence[str]) -> list[str]:
    """Choose the families that build: as given, or "auto", of those that a table has."""
    there = [family for family in FAMILIES if family in set(present)]
    if segment_on == "auto":
        return [one for one in there if one in WANTED] or there
    if lacking := [one for one in segment_on if one not in there]:
        raise BadInput(
            f"Run file: `segment_on:` names {lacking[0]}, but table customers has no column "
            f"of this family. It has: {', '.join(there) or 'none'}. Change one of them."
        )
    return list(segment_on)


def dictionary(
    features: pd.DataFrame,
    attributes: pd.DataFrame,
    *,
    segment_on: Sequence[str],
    min_coverage: float,
) -> pd.DataFrame:
    """Say of each column of `features` what it is, and whether it builds the segments.

    Columns: feature, family, measure, unit, meaning, levels (JSON), builds, why (it does
    not; else empty) and missing_share. A column builds if its family does, unless it is
    known for a smaller part than `min_coverage`, the same for nearly all, or says what
    a column before it says.
    """
    told = _described(features, attributes)
    rows = pd.DataFrame(
        {
            "feature": told.index,
            "family": told["kind"].where(told["kind"] != "none", VALUE).to_numpy(),
            "measure": told["measure"].to_numpy(),
            "unit": [
                words.say("table-unit", measure=r.measure, money=r.role in VALUES)
                for r in told.itertuples()
            ],
            "meaning": told["label"].to_numpy(),
            "levels": told["levels"].fillna("").to_numpy(),
        }
    )
    why = {}
    for name, family in zip(rows["feature"], rows["family"], strict=True):
        known = features[name].dropna()
        common = known.value_counts(normalize=True).max() if len(known) else 1.0
        if family not in segment_on:
            why[name] = words.say("table-why-family", family=family)
        elif len(known) < min_coverage * len(features):
            why[name] = words.say("table-why-coverage", least=min_coverage)
        elif common >= NEARLY_ALL:
            why[name] = words.say("table-why-same", all=bool(common == 1))
    of = told["measure"].drop(list(why)).to_dict()
    for pair in copies(features, of).itertuples():
        if pair.one not in why:
            label = told.loc[pair.one, "label"]
            why.setdefault(pair.other, words.say("table-why-copy", other=label))
    rows["builds"] = ~rows["feature"].isin(list(why))
    rows["why"] = rows["feature"].map(why).fillna("")
    rows["missing_share"] = features.iloc[:, 1:].isna().mean().to_numpy()
    return rows


def _described(features: pd.DataFrame, attributes: pd.DataFrame) -> pd.DataFrame:
    """Describe the columns of `model_form` as attributes are, that of a sum too."""
    told = attributes.set_index("attribute")
    if VALUE in features:
        parts = " + ".join(told.loc[value_columns(attributes), "label"])
        if times := repeated(attributes):
            parts += f" x {told.loc[times, 'label']}"
        told.loc[VALUE] = told.iloc[0].copy()
        said = {"kind": "none", "label": parts, "measure": "number"}
        told.loc[VALUE, [*said, "levels", "role"]] = [*said.values(), "", VALUE]
    return told.loc[list(features.columns[1:])]


def facts(
    customers: pd.DataFrame,
    attributes: pd.DataFrame,
    *,
    judged: pd.DataFrame,
    enough: pd.Series,
    builders: int,
) -> dict[str, int]:
    """Count what the parts of the study ask of a customer table (`data_sufficiency`).

    `judged` is of `outcomes`: counted is the rarer answer of yes or no, or the customers
    with a number, of the outcome that is known best.
    """
    of = attributes[attributes["role"] != ""].set_index("role")["attribute"].to_dict()

    def together(*roles: str) -> pd.Series:
        if not set(roles) <= of.keys():
            return pd.Series(False, customers.index)
        return customers[[of[role] for role in roles]].notna().all(axis=1)

    sides = [0]
    for name in judged.columns[1:]:
        times = judged[name].value_counts()
        sides.append(
            int(times.min() if len(times) == 2 else times.sum() * (len(times) > 2))
        )
    value = value_columns(attributes)
    often = together("recency", "frequency")
    summary = together("repeat_orders", "last_order", "observed")
    left = together("tenure", "churned")
    left &= customers[of["churned"]].eq("yes") if "churned" in of else False
    return {
        "customers": len(customers),
        "valued": int(customers[value].notna().all(axis=1).sum()) if value else 0,
        "enough": int(enough.sum()),
        "builders": builders,
        "judged": max(sides),
        "recent": int((often | summary).sum()),
        "summed_up": int((summary | (often & together("observed"))).sum()),
        "tenured": int(together("tenure").sum()),
        "left": int(left.sum()),
        "paying": int(together("monthly_fee").sum()),
    }


def compare(
    known: pd.Series,
    *,
    dictionary: pd.DataFrame,
    segment_on: Sequence[str],
    least: float,
    ready: pd.DataFrame,
) -> dict[str, object]:
    """Conclude who is compared, by `known`, the share of columns known of each customer."""
    enough, said = known >= least, ready.set_index("part")
    builds = dictionary[dictionary["builds"]]
    some = "all" if enough.all() else "some"
    parts = [part for part in ("value", "activity") if said.loc[part, "ready"]]
    return words.finding(
        "table-compare",
        branch=some if said.loc["needs segments", "ready"] else "nothing",
        few=said.loc["needs segments", "said"].removeprefix("Left out, since "),
        customers=len(known),
        enough=suppression.many(int(enough.sum()), of=len(known)),
        families=" and ".join(dict.fromkeys(builds["family"])),
        builders=len(builds),
        dropped=int(dictionary["family"].isin(segment_on).sum() - len(builds)),
        known=known.median(),
        least=least,
        kept_all=suppression.customers(int((known >= 1).sum()), of=len(known)),
        instead=" and ".join(parts) or "the answers themselves",
    )


def balanced(before: pd.Series, after: pd.Series) -> dict[str, object]:
    """Conclude from each family's share of squared distance whether one drowns others."""
    largest = str(after.idxmax())
    branch = "one" if len(after) < 2 else "even" if after.max() < EVEN else "uneven"
    return words.finding(
        "table-balanced",
        branch=branch,
        largest=largest.capitalize(),
        before=before[largest],
        after=after[largest],
    )


def judges(
    judged: pd.DataFrame,
    *,
    related: pd.DataFrame,
    labels: Mapping[str, str],
    ready: bool,
) -> dict[str, object]:
    """Conclude what judges the segments; `related` is of `decided`, of those that build."""
    names = list(judged.columns[1:])
    top = related.sort_values("association", ascending=False, kind="stable").head(1)
    strength = float(top["association"].iloc[0]) if len(top) else 0.0
    known = judged[names].notna().any(axis=1).sum() if names else 0
    return words.finding(
        "table-judges",
        branch="none" if not names else "judged" if ready else "few",
        names=" and ".join(labels[name] for name in names),
        count=len(names),
        nearest=labels[top["attribute"].iloc[0]] if strength > 0 else None,
        association=strength,
        known=suppression.customers(int(known), of=len(judged)),
    )


def spread_title(spread: pd.DataFrame) -> str:
    """Give a title to numbers by skewness, the most skewed first."""
    top = spread.iloc[0]
    leans = bool(top["skewness_before"] > SKEWED)
    name = top["meaning"]
    return words.say(
        "table-spread-title", branch="leaning" if leans else "plain", name=name
    )


def mean_levels(features: pd.DataFrame, items: pd.DataFrame) -> pd.Series:
    """Give the mean answer to each item, from 0 to 1; missing where few differ from the rest."""
    found = {}
    for name, measure, told in zip(
        items["feature"], items["measure"], items["levels"], strict=True
    ):
        known = features[name].dropna()
        top = 1 if measure == "yes_no" else max(len(json.loads(told)) - 1, 1)
        times = known.value_counts()
        few = len(known) < 2 * MIN_CELL or 0 < len(known) - times.max() < MIN_CELL
        found[name] = np.nan if few else known.mean() / top
    return pd.Series(found, dtype=float)


def items_title(level: pd.Series) -> str:
    """Give a title to mean answers: how far apart they lie."""
    apart = level.max() - level.min() if len(level) else 0.0
    ends = {"least": level.min(), "most": level.max()}
    return words.say(
        "table-items-title", branch="apart" if apart >= 0.1 else "near", **ends
    )


def level_shares(features: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Count the levels of unordered columns: feature, level, customers, share; small withheld."""
    parts = [pd.DataFrame(columns=["feature", "level", "customers", "share"])]
    for name in names:
        times = features[name].value_counts().rename_axis("level")
        part = times.rename("customers").reset_index()
        part["share"] = part["customers"] / max(part["customers"].sum(), 1)
        part.insert(0, "feature", name)
        # A level that is a number would pass for a count of customers.
        digits = part["level"].astype(str).str.fullmatch(r"[\d.,% ]+")
        part["level"] = (
            part["level"]
            .astype(object)
            .mask(
                digits,
                "\N{LEFT DOUBLE QUOTATION MARK}"
                + part["level"].astype(str)
                + "\N{RIGHT DOUBLE QUOTATION MARK}",
            )
        )
        hidden = suppression.suppress(part, counts="customers", columns=["share"])
        parts.append(hidden)
    return pd.concat(parts[1:] or parts, ignore_index=True)


def related_title(found: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """Give a title to associations, of `pairs`: the strongest, where it is strong."""
    top = found.iloc[0] if len(found) else None
    if top is None or top["association"] < STRONG:
        return words.say("table-related-title", branch="plain")
    named = {key: labels[top[key]] for key in ("one", "other")}
    strength = top["association"]
    return words.say(
        "table-related-title", branch="block", association=strength, **named
    )
