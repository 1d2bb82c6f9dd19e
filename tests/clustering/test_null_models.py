"""Customers without clusters: what each model keeps of those at hand, and what not."""

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from helpers.clustering import clusterability, null_models


def apart(one, other):
    """Give the largest distance of two distribution functions (Kolmogorov, Smirnov)."""
    places = np.union1d(one, other)
    shares = [
        np.searchsorted(np.sort(values), places, side="right") / len(values)
        for values in (one, other)
    ]
    return np.abs(shares[0] - shares[1]).max()


# --- One peak


def heaps(n=300):
    rng = np.random.default_rng(1)
    return np.concatenate([rng.normal(-3, 1, n // 2), rng.normal(3, 1, n - n // 2)])


def dip(values):
    """Test one column for a single peak; test_clusterability holds the test to R's."""
    found = clusterability.dip(pd.DataFrame({"x": values}))
    return found.set_index("statistic").loc["dip_first_component"]


def test_two_peaks_become_one():
    values = heaps()
    found = null_models.one_peak(values)
    assert dip(values)["value"] > 0.1
    # The least dip that a sample of n can have is 1 / 2n.
    assert dip(found)["value"] == pytest.approx(1 / 600, abs=1e-4)
    assert found.tolist() == sorted(found)
    assert len(found) == len(values)
    assert values.min() - 1 < found.min() and found.max() <= values.max()
    # The gap is filled: of 300 customers many come to lie where hardly any did.
    assert (np.abs(values) < 1).sum() < 10 < 40 < (np.abs(found) < 1).sum()


@pytest.mark.parametrize("shape", ["normal", "exponential", "random", "laplace"])
def test_values_of_one_peak_hardly_move(shape):
    values = getattr(np.random.default_rng(1), shape)(size=300)
    # Between greatest convex and least concave function lies twice the dip (Hartigan
    # and Hartigan 1985); a value has a share of 1 / 300.
    most = 2 * dip(values)["value"] + 1 / 300
    assert apart(values, null_models.one_peak(values)) <= most


def test_the_distribution_of_one_peak_is_worked_out_by_hand(monkeypatch):
    # Widths 1, densities 0.4, 0.1, 0.2, 0.3: the highest is first, so the peak is there
    # and densities must fall from it: the last three share their mean, 0.2 each.
    monkeypatch.setattr(null_models, "FEW", 1)
    values = np.repeat([0.0, 1, 2, 3], [4, 1, 2, 3])
    found = null_models.one_peak(values)
    # Shares 0.05, 0.15, 0.25, 0.35 lie in the first width, the others by two in each.
    expected = [-1 + s / 0.4 for s in (0.05, 0.15, 0.25, 0.35)]
    expected += [0.25, 0.75, 1.25, 1.75, 2.25, 2.75]
    assert found.tolist() == pytest.approx(expected)


def test_columns_of_few_values_keep_them():
    yes = np.array([1.0, 0, 0, 1, 0])
    assert null_models.one_peak(yes).tolist() == [0, 0, 0, 1, 1]
    twenty = np.r_[np.zeros(50), np.arange(20.0)]
    assert null_models.one_peak(twenty).tolist() == sorted(twenty)


# --- One cloud


def together(n=300):
    """Lay out columns that go together, are extreme together, and one of yes and no."""
    rng = np.random.default_rng(1)
    common = rng.standard_normal(n) / np.sqrt(rng.chisquare(3, n) / 3)
    return pd.DataFrame(
        {
            "skewed": np.exp(common + 0.7 * rng.standard_normal(n)),
            "with": common + rng.standard_normal(n),
            "against": -common + rng.standard_normal(n),
            "yes": (rng.random(n) < 0.3) * 1.0,
        }
    )


def test_a_cloud_keeps_correlations_by_rank_and_columns():
    scores = together()
    model = null_models.cloud(scores)
    drawn = [model.draw([1, i]) for i in range(30)]
    observed = scores.corr("spearman").to_numpy()
    assert np.abs(observed[0, 1:3]).min() > 0.3
    found = np.mean([one.corr("spearman").to_numpy() for one in drawn], axis=0)
    # One draw errs by 0.05, the mean of 30 by 0.01. Extremes, which go together more
    # than the middle does here, weigh more in normal scores than in ranks.
    assert found == pytest.approx(observed, abs=0.08)
    for column in scores:
        margin = null_models.one_peak(scores[column].to_numpy())
        assert sorted(drawn[0][column]) == margin.tolist()
    assert drawn[0]["yes"].sum() == scores["yes"].sum()
    assert list(drawn[0].columns) == list(scores.columns)


def test_correlations_of_a_normal_cloud_come_back():
    rng = np.random.default_rng(3)
    mixed = rng.standard_normal((300, 3)) @ [[1, 0.8, -0.4], [0, 1, 0.5], [0, 0, 1]]
    scores = pd.DataFrame(mixed, columns=list("abc"))
    model = null_models.cloud(scores)
    drawn = [model.draw([1, i]).corr("spearman").to_numpy() for i in range(30)]
    observed = scores.corr("spearman").to_numpy()
    assert np.mean(drawn, axis=0) == pytest.approx(observed, abs=0.03)


def in_several(scores):
    """Count customers of the outer tenth of a column in three columns at least."""
    far = scores.abs() > scores.abs().quantile(0.9)
    return int((far.sum(axis=1) >= 3).sum())


def test_customers_are_extreme_in_several_columns_at_once_as_seen():
    # Directions are even and one customer in ten lies five times as far out.
    rng = np.random.default_rng(2)
    scores = (
        rng.standard_normal((300, 4)) * np.where(np.arange(300) % 10, 1, 5)[:, None]
    )
    scores = pd.DataFrame(scores, columns=list("abcd"))
    plain = pd.DataFrame(rng.standard_normal((300, 4)), columns=list("abcd"))
    seen, expected = in_several(scores), 300 * (4 * 0.1**3 * 0.9 + 0.1**4)
    assert seen > 10 > 5 * expected
    found = [
        np.mean([in_several(model.draw([1, i])) for i in range(20)])
        for model in (null_models.cloud(scores), null_models.cloud(plain))
    ]
    # Even columns would be extreme together for one customer in 300.
    assert found[0] > 4 * expected
    assert found[1] == pytest.approx(expected, abs=1)


def horseshoe(n=300):
    """Lay out customers along a bent gradient, with a gap in the middle of it."""
    rng = np.random.default_rng(4)
    along = np.r_[rng.normal(-1.5, 0.4, n // 2), rng.normal(1.5, 0.4, n // 2)]
    noise = rng.normal(0, 0.2, (n, 3))
    columns = [3 * along, 2 * along**2, np.zeros(n)]
    return pd.DataFrame(np.column_stack(columns) + noise, columns=["x", "bent", "z"])


MODELS = {"cloud": null_models.cloud, "arch": null_models.arch}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("scores", [together(), horseshoe()], ids=["cloud", "bent"])
def test_draws_hang_on_the_seed_and_on_neither_order_nor_cores(name, scores):
    fit = MODELS[name]
    with threadpool_limits(1):
        found = fit(scores).draw([3, 1])
    with threadpool_limits(2):
        again = fit(scores.sample(frac=1, random_state=1)).draw([3, 1])
    pd.testing.assert_frame_equal(again, found, check_exact=True)
    assert not fit(scores).draw([3, 2]).equals(found)
    assert len(found) == len(scores)


def test_a_cloud_bears_copies_of_a_column():
    scores = together().assign(copy=lambda t: 2 * t["with"])
    drawn = null_models.cloud(scores).draw([1])
    assert drawn["copy"].to_numpy() == pytest.approx(2 * drawn["with"].to_numpy())


# --- One bent gradient


def bend(scores):
    from_middle = scores["x"] - scores["x"].mean()
    return np.corrcoef(scores["bent"], from_middle**2)[0, 1]


def evenly_bent(n=300):
    rng = np.random.default_rng(5)
    along = rng.standard_normal(n)
    noise = rng.normal(0, 0.3, (n, 3))
    columns = [3 * along, 2 * along**2, np.zeros(n)]
    return pd.DataFrame(np.column_stack(columns) + noise, columns=["x", "bent", "z"])


def test_an_arch_keeps_the_bend_that_a_cloud_loses():
    scores = evenly_bent()
    arched, straight = (
        [fit(scores).draw([1, i]) for i in range(5)]
        for fit in (null_models.arch, null_models.cloud)
    )
    assert bend(scores) > 0.95
    assert np.mean([bend(one) for one in arched]) == pytest.approx(
        bend(scores), abs=0.03
    )
    assert np.mean([bend(one) for one in straight]) < 0.2
    for column in scores:
        margin = null_models.one_peak(scores[column].to_numpy())
        assert sorted(arched[0][column]) == margin.tolist()


def test_an_arch_has_no_gap_along_it():
    scores = horseshoe()
    drawn = null_models.arch(scores).draw([1])
    assert dip(scores["x"])["p"] < 0.01
    assert dip(drawn["x"])["p"] > 0.9
    # Hardly anybody was in the middle of the gradient; now its share of a sixth is.
    middle = [(one["x"].abs() < 1).mean() for one in (scores, drawn)]
    assert middle[0] < 0.02 < 0.1 < middle[1]


def test_a_column_that_the_curve_tells_whole_is_borne():
    place = np.linspace(-1, 1, 60)
    scores = pd.DataFrame({"x": place, "bent": place**2})
    drawn = null_models.arch(scores).draw([1])
    assert np.isfinite(drawn.to_numpy()).all()
    assert bend(drawn) > 0.95


# --- Shares of few purchases


class AsTheyAre:
    """Steps that leave columns as they are, all of one weight unless told."""

    def __init__(self, columns, weights=None):
        self.columns = columns
        self.weights = weights or ["sales"] * len(columns)

    def transform(self, features):
        return features[self.columns].copy()


SHARES = ["share_a", "share_b", "share_c"]  # what is left of the whole is d
WANTED = np.array([0.4, 0.3, 0.2, 0.1])


def shoppers(purchases, seed=1, wants=40):
    """Lay out shares seen in so many purchases each, and the same in two halves."""
    rng = np.random.default_rng(seed)
    purchases = np.asarray(purchases)
    wanted = rng.dirichlet(wants * WANTED, len(purchases))

    def seen(lines):
        shares = rng.multinomial(lines, wanted)[:, :3] / lines[:, None]
        return pd.DataFrame(shares, columns=SHARES).assign(lines=lines, sales=lines)

    return seen(purchases), (seen(purchases), seen(purchases))


def fit(features, halves, prepared=None, scores=None):
    prepared = prepared or AsTheyAre(SHARES)
    scores = prepared.transform(features) if scores is None else scores
    return null_models.composition(scores, features, prepared=prepared, halves=halves)


@pytest.fixture(scope="module")
def bought():
    return shoppers(np.repeat([4, 100], 150))


def test_shares_are_parts_of_a_whole_with_the_means_of_those_seen(bought):
    features, halves = bought
    model = fit(features, halves)
    drawn = [model.draw([1, i]) for i in range(20)]
    assert list(drawn[0].columns) == SHARES
    totals = np.concatenate([one.sum(axis=1) for one in drawn])
    assert totals.max() <= 1 + 1e-9
    assert min(one.min().min() for one in drawn) >= 0
    # Of all purchases, since few tell little of what is wanted.
    expected = np.average(features[SHARES], axis=0, weights=features["lines"])
    found = np.mean([one.mean() for one in drawn], axis=0)
    assert found == pytest.approx(expected, abs=0.015)
    # Who made four purchases has quarters, and keeps them in every draw.
    quarters = drawn[0].head(150).to_numpy() * 4
    assert quarters == pytest.approx(quarters.round())
    assert model.wholes[0].purchases.tolist() == features["lines"].tolist()


def test_shares_vary_less_the_more_purchases_they_are_known_from(bought):
    features, halves = bought
    model = fit(features, halves)
    drawn = np.stack([model.draw([1, i])["share_a"].to_numpy() for i in range(60)])
    few, many = drawn[:, :150].var(), drawn[:, 150:].var()
    # Independently: p of Dirichlet(16, 24) has variance p (1 - p) / 41, and n purchases
    # add p (1 - p) (1 - 1 / 41) / n.
    wants = 0.24 / 41
    noise = 0.24 * (1 - 1 / 41)
    assert few == pytest.approx(wants + noise / 4, rel=0.1)
    assert many == pytest.approx(wants + noise / 100, rel=0.25)
    assert few - many == pytest.approx(noise * (1 / 4 - 1 / 100), rel=0.1)


@pytest.mark.parametrize("wants", [3, 8, 40, 1000])
def test_customers_differ_as_much_as_seen_however_wide_their_wants(wants):
    # Dirichlet wants from far apart (3) to all alike (1000), each seen 30 times.
    features, halves = shoppers(np.full(300, 30), wants=wants)
    drawn = [fit(features, halves).draw([1, i]) for i in range(10)]
    found = np.mean([one.var().sum() for one in drawn])
    due = (WANTED[:3] * (1 - WANTED[:3])).sum() * (1 / 30 + 29 / 30 / (wants + 1))
    # 300 customers are themselves drawn: their variance errs by a twentieth or so.
    assert found == pytest.approx(due, rel=0.12)


def test_shares_of_all_that_is_bought_leave_no_rest_and_add_up_to_one():
    features, halves = shoppers(np.full(300, 4), wants=1000)
    rest = 1 - features[SHARES].sum(axis=1)
    whole = features.assign(share_d=rest)
    halves = [half.assign(share_d=1 - half[SHARES].sum(axis=1)) for half in halves]
    model = fit(whole, halves, AsTheyAre([*SHARES, "share_d"]))
    drawn = model.draw([1])
    assert drawn.sum(axis=1).to_numpy() == pytest.approx(np.ones(300))
    found = np.mean([model.draw([1, i]).var().sum() for i in range(20)])
    seen = whole[[*SHARES, "share_d"]].var().sum()
    assert found == pytest.approx(seen, rel=0.05)
    # Nothing is wanted beside the four.
    assert len(model.wholes[0].middle) == 4


def test_columns_that_are_no_shares_keep_their_place_and_one_peak(bought):
    features, halves = bought
    rng = np.random.default_rng(6)
    heavy = heaps() + 2 * features["share_a"].to_numpy()
    features = features.assign(heavy=heavy, size=rng.random(300))
    prepared = AsTheyAre(["heavy", *SHARES, "size"], ["", *["sales"] * 3, "orders"])
    scores = prepared.transform(features)
    drawn = fit(features, halves, prepared).draw([1])
    assert list(drawn.columns) == list(scores.columns)
    for column in ("heavy", "size"):
        margin = null_models.one_peak(scores[column].to_numpy())
        assert sorted(drawn[column]) == margin.tolist()
    assert dip(drawn["heavy"])["p"] > 0.9


def test_two_shares_or_shares_of_more_than_a_whole_are_no_composition(bought):
    features, halves = bought
    assert fit(features, halves, AsTheyAre(SHARES[:2])) is None
    assert (
        fit(features, halves, AsTheyAre(SHARES, ["sales", "sales", "orders"])) is None
    )
    assert fit(features, halves, AsTheyAre(SHARES, [""] * 3)) is None
    over = features.assign(share_a=features["share_a"] + 0.9)
    assert fit(over, halves) is None
    below = features.assign(share_a=features["share_a"] - 0.5)
    assert fit(below, halves) is None


def test_all_models_that_fit_are_fitted_by_name(bought):
    features, halves = bought
    settings = {"prepared": AsTheyAre(SHARES), "halves": halves}
    scores = features[SHARES]
    models = null_models.fitted(scores, features, **settings)
    assert list(models) == [
        *("one cloud", "one bent gradient", "shares of few purchases"),
    ]
    assert all(len(model.draw([1])) == 300 for model in models.values())
    prepared = AsTheyAre(SHARES, [""] * 3)
    models = null_models.fitted(scores, features, prepared=prepared, halves=halves)
    assert list(models) == ["one cloud", "one bent gradient"]


@pytest.mark.parametrize("each", [1, 3])
def test_lines_that_go_together_count_as_one_purchase(each):
    _, halves = shoppers(np.full(300, 12))
    halves = [half.assign(lines=half["lines"] * each) for half in halves]
    found = null_models.lines_a_purchase(*halves, columns=SHARES, lines="lines")
    assert found == pytest.approx(each, rel=0.12)


def test_lines_a_purchase_by_hand():
    one = pd.DataFrame({"s": [0.5, 0.2, 1.0], "lines": [2.0, 4.0, np.nan]})
    two = pd.DataFrame({"s": [1.0, 0.8, 0.0], "lines": [2.0, 2.0, 9.0]})
    # Squared differences 0.25 and 0.36. p (1 - p) is 0.75 x 0.25 + 0.0625 = 0.25 and
    # 0.5 x 0.5 + 0.09 = 0.34; times 1/2 + 1/2 and 1/4 + 1/2. The third has no lines.
    found = null_models.lines_a_purchase(one, two, columns=["s"], lines="lines")
    assert found == pytest.approx(max(0.61 / (0.25 + 0.34 * 0.75), 1))
    # Fewer than two lines in a half tell nothing, and nothing tells of 1.
    few = two.assign(lines=1.0)
    assert null_models.lines_a_purchase(one, few, columns=["s"], lines="lines") == 1
    same = one.fillna(2.0)
    assert null_models.lines_a_purchase(same, same, columns=["s"], lines="lines") == 1


def test_repeated_purchases_are_seen_as_badly_as_they_are():
    # Twelve lines of four purchases: customers are drawn with four purchases.
    features, halves = shoppers(np.full(300, 4))
    features, *halves = (
        one.assign(lines=one["lines"] * 3) for one in (features, *halves)
    )
    model = fit(features, halves)
    assert np.median(model.wholes[0].purchases) == pytest.approx(4, abs=1)
