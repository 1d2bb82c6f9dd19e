"""Four ways to group customers: costs by hand, and the same as independent libraries."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from helpers.customer_table import methods, preparation
from helpers.customer_table.methods import Rule

YES = '["no", "yes"]'


def answers(seed, *, n=500, k=4, items=30, gap=0.4, missing=0.1):
    """Yes-or-no answers of planted classes, some of them missing; and the classes."""
    rng = np.random.default_rng(seed)
    own = rng.integers(0, k, n)
    high = np.array([rng.permutation(k) < k // 2 for _ in range(items)]).T
    chance = np.where(high, 0.3 + gap / 2, 0.3 - gap / 2)
    said = (rng.random((n, items)) < chance[own]).astype(float)
    said[rng.random((n, items)) < missing] = np.nan
    names = [f"q{i}" for i in range(items)]
    rows = [(name, "yes_no", "psychographic", YES) for name in names]
    return pd.DataFrame(said, columns=names), told(rows), own, chance


def told(rows):
    return pd.DataFrame(rows, columns=["feature", "measure", "family", "levels"])


def mixed(seed, *, n=300):
    """Two planted classes in columns of every measure."""
    rng = np.random.default_rng(seed)
    own = rng.integers(0, 2, n)
    features = pd.DataFrame(
        {
            "yes": (rng.random(n) < np.where(own, 0.9, 0.1)).astype(float),
            "level": np.clip(rng.poisson(1 + 2 * own), 0, 4).astype(float),
            "colour": np.where(rng.random(n) < 0.8, np.array(["a", "b"])[own], "c"),
            "money": np.exp(rng.normal(size=n) + 2 * own),
            "number": rng.normal(size=n) + 2 * own,
        }
    )
    features[rng.random(features.shape) < 0.1] = np.nan
    rows = [
        ("yes", "yes_no", "psychographic", YES),
        ("level", "ordered", "psychographic", '["0", "1", "2", "3", "4"]'),
        ("colour", "unordered", "firmographic", '["a", "b", "c"]'),
        ("money", "number", "behavioural", ""),
        ("number", "number", "behavioural", ""),
    ]
    return features, told(rows), own


def fitted(features, rows, method, k, **given):
    prepared = preparation.fit(features, dictionary=rows, winsor=0.0)
    settings = {"seed": 3, "n_init": 10} | given
    raw = prepared.raw(features)
    found = methods.fit(prepared, raw, tried=[method], k_values=[k], **settings)
    return prepared, found[method, k]


@pytest.mark.parametrize("method", ["kmeans", "latent_classes"])
def test_planted_classes_are_found_as_well_as_by_who_knows_their_answers(method):
    features, rows, own, chance = answers(1, items=40)
    prepared, rule = fitted(features, rows, method, 4, n_init=20)
    said, known = features.fillna(0).to_numpy(), features.notna().to_numpy()
    each = np.where(said[:, None] == 1, np.log(chance), np.log(1 - chance))
    best = np.where(known[:, None], each, 0).sum(axis=2).argmax(axis=1)
    reached = adjusted_rand_score(own, rule.labels(prepared, features))
    assert reached > max(adjusted_rand_score(own, best) - 0.05, 0.9)


@pytest.mark.parametrize("method", list(methods.METHODS))
def test_two_classes_are_found_in_columns_of_every_measure(method):
    features, rows, own = mixed(2)
    prepared, rule = fitted(features, rows, method, 2)
    least = 0.75 if method != "mixture" else 0.5
    assert adjusted_rand_score(own, rule.labels(prepared, features)) > least


@pytest.mark.parametrize("method", list(methods.METHODS))
def test_another_order_of_the_rows_changes_nothing(method):
    features, rows, _ = mixed(3)
    mixed_up = features.sample(frac=1, random_state=1)
    prepared = preparation.fit(features, dictionary=rows, winsor=0.0)
    settings = {"tried": [method], "k_values": [3], "seed": 1, "n_init": 4}
    one, other = (
        methods.fit(prepared, prepared.raw(table), **settings)[method, 3]
        for table in (features, mixed_up)
    )
    assert one.parameters == other.parameters


@pytest.mark.parametrize("method", ["kmeans", "latent_classes"])
def test_counts_weigh_as_much_as_copied_rows(method):
    features, rows, _ = mixed(4, n=120)
    counts = np.arange(120) % 3
    prepared = preparation.fit(features, dictionary=rows, winsor=0.0)
    raw = prepared.raw(features)
    settings = {"tried": [method], "k_values": [2], "seed": 1, "n_init": 8}
    weighed = methods.fit(prepared, raw, weights=counts, **settings)[method, 2]
    copied = methods.fit(prepared, np.repeat(raw, counts, axis=0), **settings)
    found = weighed.labels(prepared, raw), copied[method, 2].labels(prepared, raw)
    assert adjusted_rand_score(*found) > 0.95


@pytest.mark.slow
def test_latent_classes_reach_the_likelihood_of_stepmix():
    stepmix = pytest.importorskip("stepmix")
    features, rows, _, _ = answers(5, n=300, items=8, k=3)
    prepared, rule = fitted(features, rows, "latent_classes", 3, n_init=30)
    ours = methods.information(rule, prepared, prepared.raw(features))
    model = stepmix.StepMix(
        3,
        measurement="binary_nan",
        n_init=30,
        random_state=1,
        abs_tol=1e-9,
        progress_bar=0,
    ).fit(features)
    theirs = model.score(features) * len(features)
    # One customer of average answers in each class keeps ours a little below.
    assert theirs - 3 < ours["log_likelihood"] <= theirs + 0.1
    assert ours["bic"] == pytest.approx(
        (3 * 8 + 2) * np.log(300) - 2 * ours["log_likelihood"]
    )


def test_a_mixture_reaches_the_likelihood_of_scikit_learn():
    rng = np.random.default_rng(6)
    table = np.vstack([rng.normal(0, 1, (200, 2)), rng.normal(4, 2, (100, 2))])
    features = pd.DataFrame(table, columns=["a", "b"])
    rows = told([(name, "number", "behavioural", "") for name in "ab"])
    prepared, rule = fitted(features, rows, "mixture", 2)
    ours = methods.information(rule, prepared, prepared.raw(features))
    scores = prepared.transform(features)
    theirs = GaussianMixture(2, n_init=5, random_state=1).fit(scores)
    best = theirs.score(scores) * len(scores)
    assert ours["log_likelihood"] == pytest.approx(best, abs=1)
    assert ours["bic"] == pytest.approx(theirs.bic(scores), abs=2)


def two_columns():
    features = pd.DataFrame({"yes": [0.0, 1.0, np.nan], "colour": ["a", "b", "b"]})
    rows = told(
        [
            ("yes", "yes_no", "psychographic", YES),
            ("colour", "unordered", "psychographic", '["a", "b"]'),
        ]
    )
    return features, preparation.fit(
        features, dictionary=rows, winsor=0.0, blocks="none"
    )


def test_costs_of_latent_classes_by_hand():
    features, prepared = two_columns()
    levels = {"yes": [[0.9, 0.1], [0.5, 0.5]], "colour": [[0.25, 0.75], [0.5, 0.5]]}
    told_so = {"shares": [0.5, 0.5], "numbers": {}, "levels": levels}
    costs = Rule("latent_classes", 2, told_so).costs(prepared, features)
    assert np.exp(-costs[0]) == pytest.approx([0.5 * 0.9 * 0.25, 0.5 * 0.5 * 0.5])
    # Who did not answer is judged by what is known.
    assert np.exp(-costs[2]) == pytest.approx([0.5 * 0.75, 0.5 * 0.5])


def test_gowers_distance_by_hand():
    features, prepared = two_columns()
    rule = Rule("medoids", 2, {"medoids": [[0.0, 0.0], [None, 1.0]]})
    costs = rule.costs(prepared, features)
    assert costs.tolist() == [[0, 1], [1, 0], [1, 0]]
    nobody = pd.DataFrame({"yes": [np.nan], "colour": [None]})
    assert rule.costs(prepared, nobody).tolist() == [[1, 1]]


def test_membership_and_ratio_by_hand():
    near, far = np.array([1.0]), np.array([4.0])
    costs = np.column_stack([near, far])
    rule = Rule("kmeans", 2, {})
    assert methods.ratio(rule, near, far).tolist() == [0.5]
    assert methods.membership(rule, costs)[0] == pytest.approx([0.8, 0.2])
    model = Rule("latent_classes", 2, {})
    assert methods.ratio(model, near, far) == pytest.approx([np.exp(-3)])
    both = methods.membership(model, costs)[0]
    assert both == pytest.approx([1 / (1 + np.exp(-3)), 1 / (1 + np.exp(3))])


def test_a_customer_at_a_centre_belongs_to_it_alone():
    costs = np.array([[0.0, 4.0]])
    assert methods.membership(Rule("kmeans", 2, {}), costs).tolist() == [[1, 0]]
