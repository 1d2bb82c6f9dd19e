"""Clean a customer table by visible rules, and ask what its answers are worth."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from helpers.core.errors import BadInput
from helpers.customer_table import measures
from helpers.customer_table.preparation import NUMBERS
from helpers.disclosure import suppression
from helpers.disclosure.suppression import MIN_CELL, WITHHELD
from helpers.display import tables, words

BLOCK = 4  # items from which a block shows how somebody answers
ANSWERED = 0.8  # share of a block's items that must be answered to judge how
STYLED = 1.5  # times the variance by chance from which people differ in how they answer
LARGE = 0.05  # share of the value from which a customer moves every mean
# What a value may be, by the role of its column or by its measure: [least, most].
POSSIBLE = {
    "tenure": (0, None),
    "recency": (0, None),
    "frequency": (0, None),
    "repeat_orders": (0, None),
    "last_order": (0, None),
    "observed": (0, None),
    "monthly_fee": (0, None),
    "weight": (0, None),
    "count": (0, None),
    "share": (0, 1),
}
AGE = (1, 120)  # years of a person


def without_answers(received: pd.DataFrame, attributes: pd.DataFrame) -> pd.Series:
    """Mark rows in which no column of a family is known, or where none has one, none at all."""
    asked = attributes.loc[attributes["kind"].isin(measures.FAMILIES), "attribute"]
    asked = asked if len(asked) else attributes["attribute"]
    return received[list(asked)].isna().all(axis=1)


def split(
    received: pd.DataFrame,
    rules: Mapping[str, pd.Series],
    *,
    disabled_rules: Sequence[str],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set rows aside by the first rule that marks them: (customers, row and reason).

    `received` has row (its line in the file) and duplicate beside the columns. BadInput
    if a rule is switched off that there is not, or if a customer still has two rows.
    """
    if unknown := [reason for reason in disabled_rules if reason not in rules]:
        raise BadInput(
            f"Run file: `disabled_rules:` names {unknown[0]!r}, which is no rule of "
            f"01_cleaning. There are: {', '.join(rules)}."
        )
    reason = pd.Series(None, received.index, dtype=object)
    for name, marked in rules.items():
        if name not in disabled_rules:
            reason = reason.where(reason.notna() | ~marked, name)
    kept = reason.isna()
    clean = received[kept].drop(columns=["row", "duplicate"])
    if twice := int(clean["customer_id"].duplicated(keep=False).sum()):
        raise BadInput(
            f"Table customers: column customer_id holds customers with several rows, {twice:,} rows "
            "in all. Keep one row for each customer."
        )
    rejected = received[["row"]].assign(reason=reason)[~kept]
    return clean.sort_values("customer_id", ignore_index=True), rejected


def refuse_few(customers: pd.DataFrame, *, least: int) -> None:
    """Stop where too few customers are left to say anything about a group."""
    if len(customers) < least:
        raise BadInput(
            f"Table customers: {len(customers):,} rows are fit for use, and the study needs "
            f"{least:,}. Map a table with more customers."
        )


def reconcile(received: pd.DataFrame, rejected: pd.DataFrame) -> pd.DataFrame:
    """Walk from received rows to clean ones: step, rows, customers; taken away is negative.

    A customer is taken away with the last row. AssertionError if it does not add up.
    """
    gone = rejected.set_index("row")["reason"].astype(object)
    reason = received["row"].map(gone).astype(object).fillna("clean")
    left = received["customer_id"]
    steps = [("received", len(left), left.nunique())]
    for name in sorted(set(reason) - {"clean"}):
        after = left[reason[left.index] != name]
        steps.append((name, len(after) - len(left), after.nunique() - left.nunique()))
        left = after
    table = pd.DataFrame(steps, columns=["step", "rows", "customers"])
    clean = ("clean", len(left), left.nunique())
    assert tuple(table[["rows", "customers"]].sum()) == clean[1:], "does not add up"
    return pd.DataFrame([*steps, clean], columns=table.columns)


def to_show(steps: pd.DataFrame) -> pd.DataFrame:
    """Withhold of a reconciliation what would tell of 1 to 9 customers or rows."""
    shown = steps.astype({"rows": object, "customers": object}).reset_index(drop=True)
    if (
        steps[["rows", "customers"]]
        .iloc[1:-1]
        .abs()
        .isin(range(1, MIN_CELL))
        .any(axis=None)
    ):
        shown.loc[shown.index[:-1], ["rows", "customers"]] = WITHHELD
    return shown


def limits(
    attributes: pd.DataFrame, *, least: Mapping[str, float], most: Mapping[str, float]
) -> pd.DataFrame:
    """Say what the values of each column of numbers may be: attribute, from_value, to_value.

    By its role or measure, or because its name is age, unless the run file says another
    `least` or `most` for a column.
    """
    rows = []
    for one in attributes[attributes["measure"].isin(NUMBERS)].itertuples():
        said = POSSIBLE.get(one.role) or POSSIBLE.get(one.measure) or (None, None)
        ends = AGE if one.attribute == "age" else said
        low, high = least.get(one.attribute, ends[0]), most.get(one.attribute, ends[1])
        if not low is high is None:
            rows.append((one.attribute, low, high))
    found = pd.DataFrame(rows, columns=["attribute", "from_value", "to_value"])
    for key, given in (("min_possible", least), ("max_possible", most)):
        if unknown := [name for name in given if name not in set(found["attribute"])]:
            raise BadInput(
                f"Run file: `{key}:` names {unknown[0]}, which is no column of numbers in "
                "table customers. Name a column as `columns:` does."
            )
    return found


def impossible(
    customers: pd.DataFrame, bounds: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set values beyond `limits` to missing: (customers, counted).

    `counted`: attribute, from_value, to_value and customers, who have a value beyond.
    BadInput where more than half of a column is beyond: the unit will be another.
    """
    mended, counts = customers.copy(), []
    for name, lowest, highest in bounds.itertuples(index=False):
        value = customers[name]
        low = -np.inf if pd.isna(lowest) else lowest
        high = np.inf if pd.isna(highest) else highest
        beyond = (value < low) | (value > high)
        if beyond.sum() > value.notna().sum() / 2:
            raise BadInput(
                f"Table customers: column {name} has {int(beyond.sum()):,} of "
                f"{value.notna().sum():,} values outside {low:g} to {high:g}. Measure it as "
                "another kind, or set `min_possible:` or `max_possible:` for it."
            )
        mended[name] = value.mask(beyond)
        counts.append(int(beyond.sum()))
    return mended, bounds.assign(customers=counts)


def alike(customers: pd.DataFrame) -> int:
    """Count customers who share every answer with another one."""
    answers = customers.drop(columns="customer_id")
    known = answers.notna().any(axis=1)
    return int((answers.duplicated(keep=False) & known).sum())


def constants(customers: pd.DataFrame, attributes: pd.DataFrame) -> list[str]:
    """Name the columns of families that are the same for all who are known."""
    names = attributes.loc[attributes["kind"].isin(measures.FAMILIES), "attribute"]
    return [name for name in names if customers[name].nunique() < 2]


def afterwards(decided: pd.DataFrame, attributes: pd.DataFrame) -> list[str]:
    """Name the columns of families that nearly decide an outcome, by `measures.decided`."""
    near = decided.loc[decided["association"] > measures.AFTERWARDS, "attribute"]
    kinds = attributes["kind"].isin(measures.FAMILIES)
    return [name for name in attributes.loc[kinds, "attribute"] if name in set(near)]


def blocks(attributes: pd.DataFrame) -> dict[str, list[str]]:
    """Find items that are answered alike: of one family, with the same answers to choose.

    A block has `BLOCK` items at least. Its name says family and answers.
    """
    items = attributes[attributes["measure"].isin(["yes_no", "ordered"])]
    items = items[items["kind"].isin(measures.FAMILIES)]
    answers = items["levels"].fillna("").where(items["measure"] == "ordered", "yes_no")
    found: dict[str, list[str]] = {}
    for (family, _), names in items["attribute"].groupby([items["kind"], answers]):
        if len(names) >= BLOCK:
            number = sum(key.startswith(family) for key in found) + 1
            found[f"{family} {number}" if number > 1 else family] = list(names)
    return found


def styles(
    customers: pd.DataFrame, attributes: pd.DataFrame, within: Mapping[str, list[str]]
) -> pd.DataFrame:
    """Compare how customers answer blocks of items with what chance would give.

    Chance: each item is answered by its own shares, apart from the others. Columns:
    block, yes_no (whether its items are), items, answered (customers who answered four in five items), one_answer (gave
    it to all), one_answer_due (by chance), level (mean answer from 0 to 1: of yes or no
    the share of yes), spread and spread_due (standard deviation over customers), ratio
    (of the variances) and p (that chance alone gives such a ratio or a larger one).
    """
    from scipy.stats import chi2

    rows = []
    for name, items in within.items():
        chosen = attributes[attributes["attribute"].isin(items)]
        codes = measures.in_numbers(customers, chosen)[items].to_numpy(float)
        codes = codes / max(np.nanmax(codes, initial=1.0), 1.0)
        there = ~np.isnan(codes)
        codes = codes[there.mean(axis=1) >= ANSWERED]
        there, n = ~np.isnan(codes), len(codes)
        if n < 2:
            continue
        level = np.nanmean(codes, axis=1)
        same = np.nanmax(codes, axis=1) == np.nanmin(codes, axis=1)
        due = sum(
            np.where(
                there, np.nanmean(np.where(there, codes == value, np.nan), axis=0), 1
            )
            .prod(axis=1)
            .sum()
            for value in np.unique(codes[there])
        )
        # Each customer's own items: their means and variances, as if answered apart.
        mean, variance = np.nanmean(codes, axis=0), np.nanvar(codes, axis=0)
        answered = there.sum(axis=1)
        expected = np.where(there, mean, 0).sum(axis=1) / answered
        by_chance = np.where(there, variance, 0).sum(axis=1) / answered**2
        ratio = ((level - expected) ** 2).sum() / max(by_chance.sum(), 1e-12)
        rows.append(
            {
                "block": name,
                "yes_no": bool((chosen["measure"] == "yes_no").all()),
                "items": len(items),
                "answered": n,
                "one_answer": int(same.sum()),
                "one_answer_due": float(due),
                "level": float(level.mean()),
                "spread": float(np.sqrt(((level - expected) ** 2).mean())),
                "spread_due": float(np.sqrt(by_chance.mean())),
                "ratio": float(ratio),
                "p": float(chi2.sf(ratio * (n - 1), n - 1)),
            }
        )
    return pd.DataFrame(rows)


def levels_of_agreement(
    customers: pd.DataFrame, attributes: pd.DataFrame, items: Sequence[str]
) -> pd.Series:
    """Give each customer's mean answer to a block, from 0 to 1; who answered too few apart."""
    chosen = attributes[attributes["attribute"].isin(list(items))]
    codes = measures.in_numbers(customers, chosen)
    enough = codes.notna().mean(axis=1) >= ANSWERED
    return (codes / max(np.nanmax(codes.to_numpy(float)), 1.0)).mean(axis=1)[enough]


def coverage(customers: pd.DataFrame, attributes: pd.DataFrame) -> pd.DataFrame:
    """Count for how many customers each column is known: attribute, kind, known, coverage."""
    known = customers[list(attributes["attribute"])].notna()
    return attributes[["attribute", "label", "kind", "measure"]].assign(
        known=known.sum().to_numpy(), coverage=known.mean().to_numpy()
    )


def by_value(customers: pd.DataFrame, attributes: pd.DataFrame) -> pd.DataFrame:
    """Compare coverage over fifths of the value: fifth, customers, coverage.

    None where no value is declared, or where a fifth would hold fewer than 10.
    """
    value = measures.value_columns(attributes)
    kinds = attributes["kind"].isin(measures.FAMILIES)
    names = attributes.loc[kinds & ~attributes["attribute"].isin(value), "attribute"]
    empty = pd.DataFrame(columns=["fifth", "customers", "answered_share"])
    if not value or names.empty:
        return empty
    worth = measures.worth(customers, attributes)
    place = worth.rank(method="first", pct=True).mul(5).apply(np.ceil)
    if worth.notna().sum() < 5 * MIN_CELL:
        return empty
    share = (
        customers[list(names)].notna().mean(axis=1).groupby(place).agg(["size", "mean"])
    )
    share = share.set_axis(["customers", "answered_share"], axis=1)
    said = ["lowest", "second", "third", "fourth", "highest"]
    return share.assign(fifth=said)[["fifth", "customers", "answered_share"]]


# What the cleaned table allows to be said.


def usable(
    steps: pd.DataFrame, *, shown: pd.DataFrame, mended: pd.DataFrame
) -> dict[str, object]:
    """Conclude how many rows are fit for use; `shown` is of `to_show`."""
    received, clean = int(steps["rows"].iloc[0]), int(steps["rows"].iloc[-1])
    withheld = shown["rows"].iloc[0] == WITHHELD
    gone = steps.iloc[1:-1]
    kept = suppression.part(clean, of=received, form="{:.1%}")
    return words.finding(
        "table-usable",
        branch="whole" if gone.empty else "withheld" if withheld else "part",
        kept=f"{kept} of rows".capitalize()
        if "%" in kept
        else f"{kept} rows".capitalize(),
        customers=clean,
        received="some" if withheld else received,
        reasons=", ".join(f"{r.step} {-r.rows:,}" for r in gone.itertuples()),
        mended=int((mended["customers"] > 0).sum()),
    )


def dominance(worth: pd.Series) -> str:
    """Say whether one customer dominates the value; `worth` is empty where none is named."""
    top, total = worth.dropna().sort_values(ascending=False), worth.sum()
    held = top.iloc[0] / total if len(top) and total > 0 else 0.0
    whole = "unknown" if top.empty else "nothing" if total <= 0 else ""
    return words.say(
        "table-dominance",
        branch=whole or ("large" if held >= LARGE else "small"),
        sum=total,
        largest=suppression.roughly(held),
        ten=top.head(10).sum() / total if len(top) >= 20 and total > 0 else None,
    )


def fifths_title(shares: pd.DataFrame) -> str:
    """Give a title to coverage by value: whether the ends differ by ten points."""
    apart = shares["answered_share"].iloc[-1] - shares["answered_share"].iloc[0]
    branch = "high" if apart > 0.1 else "low" if apart < -0.1 else "even"
    return words.say("table-coverage-title", branch=branch)


def style_of(block: pd.Series) -> str:
    """Name what a row of `styles` shows: styles, opposed or chance."""
    if block["ratio"] >= STYLED and block["p"] < 0.01:
        return "styles"
    return "opposed" if block["ratio"] <= 1 / STYLED and block["p"] > 0.99 else "chance"


def style_title(block: pd.Series) -> str:
    """Give a title to how people's mean answers differ, beside chance."""
    yes = bool(block["yes_no"])
    return words.say("table-style-title", yes=yes, branch=style_of(block))


def answering(found: pd.DataFrame) -> dict[str, object]:
    """Conclude from `styles` whether how people answer may make segments of its own."""
    block = found.sort_values("ratio", ascending=False).iloc[0]
    return words.finding(
        "table-styles",
        branch="styles" if style_of(block) == "styles" else "other",
        block=block["block"],
        ratio=block["ratio"],
        alike=suppression.many(
            int(block["one_answer"]), of=int(block["answered"])
        ).capitalize(),
        due=block["one_answer_due"],
        p=tables.p_value(block["p"]),
    )


def apart(
    constant: Sequence[str], copies: Sequence[str], afterwards: Sequence[str]
) -> dict[str, object]:
    """Conclude which columns build nothing, by their labels."""
    named = {"constant": constant, "copies": copies, "afterwards": afterwards}
    return words.finding(
        "table-apart",
        count=len({*constant, *copies, *afterwards}),
        copy=measures.COPY,
        decides=measures.AFTERWARDS,
        **{key: ", ".join(names) or None for key, names in named.items()},
    )
