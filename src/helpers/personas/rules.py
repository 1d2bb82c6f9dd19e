"""Approximate segments by a few rules that a CRM can apply, and say how well they do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from helpers.core.engines import bare, quoted
from helpers.core.errors import BadInput, TooLittle
from helpers.disclosure.suppression import MIN_CELL
from helpers.display import words
from helpers.features.labels import say
from helpers.statistics import classifier, intervals

LEAST = 10  # customers of a segment that rules may be learnt and judged for
Predict = Callable[[pd.DataFrame], np.ndarray]
FOLDS = 5


class Condition(NamedTuple):
    """A number asks "at least so much?", a text "is it this?"; unknown answers no."""

    field: str
    value: float | str

    def holds(self, fields: pd.DataFrame) -> pd.Series:
        """Answer the question for each customer."""
        if isinstance(self.value, str):
            return (fields[self.field] == self.value).fillna(False).astype(bool)
        return (fields[self.field] >= self.value).fillna(False).astype(bool)

    def sql(self) -> str:
        """Write the question in SQL."""
        field = bare(self.field)
        if isinstance(self.value, str):
            return f"{field} = {quoted(self.value)}"
        return f"{field} >= {self.value!r}"


@dataclass(frozen=True)
class Leaf:
    """A leaf of the rules: the segment given."""

    segment_id: int


@dataclass(frozen=True)
class Split:
    """A question, and what follows each answer."""

    condition: Condition
    yes: "Tree"
    no: "Tree"


Tree = Split | Leaf


def grow(
    fields: pd.DataFrame, segment_ids: pd.Series, *, leaves: int, min_customers: int
) -> Tree:
    """Grow a shallow decision tree whose cut-offs a person can remember.

    Cut-offs have two significant digits; each of at most `leaves` gives the
    segment that most of its customers are in, and two leaves of one question that give
    the same are one.
    """
    asked = _questions(fields)
    grown = DecisionTreeClassifier(
        max_leaf_nodes=leaves, min_samples_leaf=min_customers, random_state=0
    ).fit(asked, segment_ids)
    return _readable(grown.tree_, 0, asked, segment_ids.to_numpy())


def _questions(fields: pd.DataFrame) -> pd.DataFrame:
    """Make a number of each possible question: texts become one column a level."""
    columns = {}
    for name, values in fields.items():
        if pd.api.types.is_numeric_dtype(values):
            numbers = values.astype(float)
            # below every known value, so that the unknown answer no
            least = 0.0 if numbers.isna().all() else numbers.min() - 1
            columns[Condition(name, np.nan)] = numbers.fillna(least)
            continue
        for level in sorted(values.dropna().unique()):
            columns[Condition(name, level)] = (values == level).astype(float)
    table = pd.DataFrame(columns.values()).T
    return table.set_axis(pd.Index(list(columns), tupleize_cols=False), axis=1)


def _readable(tree: object, node: int, asked: pd.DataFrame, ids: np.ndarray) -> Tree:
    """Rewrite a fitted tree from one node on, with rounded cut-offs."""
    commonest = Leaf(int(np.bincount(ids).argmax()))
    if tree.children_left[node] < 0:
        return commonest
    condition = Condition(*asked.columns[tree.feature[node]])
    values = asked.iloc[:, tree.feature[node]].to_numpy()
    cut = float(tree.threshold[node])
    if not isinstance(condition.value, str):
        cut = _round(cut, values)
        condition = Condition(condition.field, cut)
    yes = values >= cut
    if yes.all() or not yes.any():
        return commonest
    parts = [
        _readable(tree, child[node], asked[rows], ids[rows])
        for child, rows in ((tree.children_right, yes), (tree.children_left, ~yes))
    ]
    if parts[0] == parts[1] and isinstance(parts[0], Leaf):
        return parts[0]
    return Split(condition, *parts)


def _round(cut: float, values: np.ndarray) -> float:
    """Round to two significant digits, unless that would leave one side empty."""
    rounded = float(f"{cut:.2g}")
    return rounded if values.min() < rounded <= values.max() else cut


def within(tree: Tree, *, conditions: Sequence[Condition], otherwise: int) -> Tree:
    """Ask some questions first; who answers one with no gets the segment `otherwise`."""
    for condition in reversed(conditions):
        tree = Split(condition, tree, Leaf(otherwise))
    return tree


def classify(tree: Tree, fields: pd.DataFrame) -> np.ndarray:
    """Give each customer the segment of the leaf that the answers lead to."""
    if isinstance(tree, Leaf):
        return np.full(len(fields), tree.segment_id)
    yes = tree.condition.holds(fields).to_numpy()
    found = np.empty(len(fields), dtype=int)
    found[yes] = classify(tree.yes, fields[yes])
    found[~yes] = classify(tree.no, fields[~yes])
    return found


def to_sql(tree: Tree, *, table: str) -> str:
    """Write the rules as a query, of a table or read expression, by customer_id."""
    return (
        f"select customer_id,\n  {_case(tree, '  ')} as segment_id\n"
        f"from {table} order by customer_id"
    )


def _case(tree: Tree, indent: str) -> str:
    if isinstance(tree, Leaf):
        return str(tree.segment_id)
    deeper = indent + "  "
    return (
        f"case when {tree.condition.sql()}\n{deeper}then {_case(tree.yes, deeper)}\n"
        f"{deeper}else {_case(tree.no, deeper)} end"
    )


def fields_asked(tree: Tree) -> list[str]:
    """Name the fields that the rules ask for, in the order of asking."""
    asked = (condition.field for path, _ in leaves_of(tree) for condition, _ in path)
    return list(dict.fromkeys(asked))


def leaves_of(tree: Tree) -> list[tuple[tuple[tuple[Condition, bool], ...], int]]:
    """List every leaf: (question, answer) pairs, yes before no, and the segment given."""
    if isinstance(tree, Leaf):
        return [((), tree.segment_id)]
    return [
        (((tree.condition, answer), *path), segment_id)
        for answer, part in ((True, tree.yes), (False, tree.no))
        for path, segment_id in leaves_of(part)
    ]


def say_condition(condition: Condition, answer: bool) -> str:
    """Put a question and its answer in words, such as "pet care at least 2%"."""
    field, value = condition
    if isinstance(value, str):
        return f"{say(field)} is {'' if answer else 'not '}{value}"
    is_share = field.startswith("share_") or field.endswith("_share")
    number = f"{value * 100:.3g}%" if is_share else f"{value:,.6g}"
    return f"{say(field)} {'at least' if answer else 'below'} {number}"


def card(
    tree: Tree,
    fields: pd.DataFrame,
    segment_ids: pd.Series,
    *,
    wording: Callable[[Condition, bool], str] = say_condition,
) -> pd.DataFrame:
    """Tabulate the rules, one row a leaf, on customers whose true segment is known.

    `wording` puts a question and its answer in words.

    Returns rule (from 1), when (all that must hold), segment_id, customers, right
    (share of them in that segment; missing where fewer than `MIN_CELL` are right or wrong).
    """
    truth, rows = segment_ids.to_numpy(), []
    for number, (path, segment_id) in enumerate(leaves_of(tree), start=1):
        held = np.ones(len(fields), dtype=bool)
        for condition, answer in path:
            held &= condition.holds(fields).to_numpy() == answer
        said = " and ".join(wording(*step) for step in _tightest(path))
        right, size = int((truth[held] == segment_id).sum()), int(held.sum())
        few = not size or 0 < right < MIN_CELL or 0 < size - right < MIN_CELL
        share = np.nan if few else right / size
        rows.append((number, said or "always", segment_id, size, share))
    table = pd.DataFrame(
        rows, columns=["rule", "when", "segment_id", "customers", "right"]
    )
    assert table["customers"].sum() == len(fields), "the rules overlap or leave gaps"
    return table


def _tightest(path: Sequence[tuple[Condition, bool]]) -> list[tuple[Condition, bool]]:
    """Leave out what follows: at least 9 says nothing beside at least 15."""
    kept: dict[tuple, tuple[Condition, bool]] = {}
    for condition, answer in path:
        is_text = isinstance(condition.value, str)
        key = (condition if is_text else condition.field, answer)
        known = kept.get(key)
        if not known or is_text or (condition.value >= known[0].value) == answer:
            kept[key] = (condition, answer)
    return list(kept.values())


def cross_fitted(
    fields: pd.DataFrame,
    segment_ids: pd.Series,
    *,
    fit: Callable[[pd.DataFrame, pd.Series], Predict],
    seed: int,
) -> np.ndarray:
    """Predict each customer's segment by rules that `fit` makes without that customer.

    All choices belong inside `fit`. Raises BadInput if a segment is smaller than the
    folds are many.
    """
    found = np.empty(len(fields), dtype=int)
    for train, test in _folds(segment_ids, seed):
        predict = fit(fields.iloc[train], segment_ids.iloc[train])
        found[test] = predict(fields.iloc[test])
    return found


def _folds(segment_ids: pd.Series, seed: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Give rows to learn from and rows to judge by, five times."""
    if segment_ids.value_counts().min() < FOLDS:
        raise BadInput(
            f"Table segments: a segment has fewer than {FOLDS} customers, too few to "
            "judge rules by. Choose fewer segments in 03_clustering_choice."
        )
    yield from classifier.parts(segment_ids, FOLDS, seed=seed)


def need_enough(segment_ids: pd.Series) -> None:
    """Raise TooLittle where segments are too few, or too small, to judge a rule card."""
    sizes = segment_ids.value_counts()
    if len(sizes) < 2 or sizes.min() < LEAST:
        raise TooLittle(words.say("personas-rules-few", least=LEAST))


def need_better(judged: Mapping[str, float]) -> None:
    """Raise TooLittle where rules are not clearly better than the largest segment."""
    if not judged["low"] > judged["majority"]:
        raise TooLittle(words.say("personas-rules-withdrawn", **judged))


def agreement(truth: pd.Series, found: np.ndarray) -> dict[str, float]:
    """Say how many customers get their own segment, beside two ways of guessing.

    Returns agreement with low and high (95% Wilson), majority (always the largest
    segment), random (drawn by the sizes of the segments).
    """
    sizes = truth.value_counts(normalize=True)
    right = truth.to_numpy() == found
    low, high = intervals.wilson(right.mean(), len(right), alpha=0.05)
    return {
        "agreement": float(right.mean()),
        "low": low,
        "high": high,
        "majority": float(sizes.max()),
        "random": float((sizes**2).sum()),
    }


def agreement_by_segment(truth: pd.Series, found: np.ndarray) -> pd.DataFrame:
    """Say for each segment how many of its customers are found, and how purely.

    Returns segment_id, customers, recall (share of its customers found), named (found
    for it) and precision (share of those that are its own), the shares each with 95% Wilson interval, suffixed
    _low and _high; random: what drawing by size would reach in both.
    """
    rows = []
    for segment_id, size in truth.value_counts().sort_index().items():
        own, named = truth.to_numpy() == segment_id, found == segment_id
        row = {"segment_id": segment_id, "customers": size, "random": own.mean()}
        row |= {"named": int(named.sum())}
        for name, of in (("recall", int(size)), ("precision", int(named.sum()))):
            right = int((own & named).sum())
            share = right / of if of else np.nan
            low, high = intervals.wilson(share, of, alpha=0.05)
            row |= {name: share, f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return pd.DataFrame(rows)


def golden(fields: pd.DataFrame, segment_ids: pd.Series, *, most: int) -> list[str]:
    """Order the fields by how much each adds to telling segments apart.

    Forward selection of `most` fields by the share of customers that a linear
    discriminant puts right.
    """
    values, ids = fields.to_numpy(float), segment_ids.to_numpy()
    parts, chosen = _moments(values, ids), []
    for _ in range(min(most, values.shape[1])):
        left = [i for i in range(values.shape[1]) if i not in chosen]
        right = [
            (_discriminate(values, parts, [*chosen, i]) == ids).mean() for i in left
        ]
        chosen.append(left[int(np.argmax(right))])
    return [fields.columns[i] for i in chosen]


def golden_curve(
    fields: pd.DataFrame, segment_ids: pd.Series, *, most: int, seed: int
) -> pd.DataFrame:
    """Show how far one, two, three ... fields recover the segments.

    Returns fields (number), field (the one added), chosen (share of folds in which it
    is among the first so many), agreement with low and high (cross-fitted: fields and
    discriminant come from other customers), majority, random.
    """
    values, ids = fields.to_numpy(float), segment_ids.to_numpy()
    order = golden(fields, segment_ids, most=most)
    found, firsts = np.empty((len(fields), len(order)), dtype=int), []
    for train, test in _folds(segment_ids, seed):
        own = golden(fields.iloc[train], segment_ids.iloc[train], most=most)
        firsts.append(own)
        chosen = fields.columns.get_indexer(own)
        parts = _moments(values[train], ids[train])
        for n in range(1, len(own) + 1):
            found[test, n - 1] = _discriminate(values[test], parts, chosen[:n])
    rows = []
    for n, field in enumerate(order, start=1):
        share = np.mean([field in own[:n] for own in firsts])
        judged = agreement(segment_ids, found[:, n - 1])
        rows.append({"fields": n, "field": field, "chosen": share} | judged)
    return pd.DataFrame(rows)


def _moments(values: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, ...]:
    """Give what a linear discriminant needs: classes, log shares, means, spread."""
    classes, inverse, sizes = np.unique(ids, return_inverse=True, return_counts=True)
    means = np.stack([values[ids == c].mean(axis=0) for c in classes])
    apart = values - means[inverse]
    return classes, np.log(sizes / len(ids)), means, apart.T @ apart / len(ids)


def _discriminate(
    values: np.ndarray, parts: tuple[np.ndarray, ...], columns: Sequence[int]
) -> np.ndarray:
    """Give each customer the likeliest class by some columns (Fisher's discriminant)."""
    classes, shares, means, spread = parts
    means, spread = means[:, columns], spread[np.ix_(columns, columns)]
    weights = np.linalg.pinv(spread, hermitian=True) @ means.T
    scores = values[:, columns] @ weights - (means * weights.T).sum(axis=1) / 2
    return classes[(scores + shares).argmax(axis=1)]
