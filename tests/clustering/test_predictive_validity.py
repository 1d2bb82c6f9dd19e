"""The benchmark of designs: plain loops, scikit-learn's own answers, and refusals."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from helpers.clustering import predictive_validity
from helpers.clustering.predictive_validity import Outcome
from helpers.core.errors import BadInput

NUMBERS = [
    *("alone", "alone_low", "alone_high", "base", "with_base"),
    *("gain", "gain_low", "gain_high"),
]


@pytest.fixture(autouse=True)
def no_warning_is_hidden():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.fixture(autouse=True, scope="module")
def one_process():
    """Do the work here: tables are too small to be worth a second process."""
    import joblib

    with joblib.parallel_config(backend="sequential"):
        yield


def everyone(rows):
    return pd.Series(True, index=range(rows))


def amount(values, among=None):
    table = pd.DataFrame({"y": np.asarray(values, float)})
    return Outcome(
        "spent", "amount", table, everyone(len(table)) if among is None else among
    )


def yes_no(values, among=None):
    table = pd.DataFrame({"came": np.asarray(values, bool)})
    return Outcome(
        "came", "yes_no", table, everyone(len(table)) if among is None else among
    )


def label(values):
    return pd.DataFrame({"kind": pd.Series(list(values), dtype="str")})


def judged(designs, *outcomes, base=None, folds=5, n_bootstrap=50, seed=1):
    rows = len(outcomes[0].among)
    if base is None:
        base = pd.DataFrame({"known": np.random.default_rng(99).random(rows)})
    return predictive_validity.benchmark(
        designs,
        list(outcomes),
        base=base,
        folds=folds,
        n_bootstrap=n_bootstrap,
        seed=seed,
    )


def only(designs, outcome, **settings):
    (row,) = judged(designs, outcome, **settings).to_dict("records")
    return row


def folds_of(rows, folds, seed):
    return np.random.default_rng(seed).permutation([i % folds for i in range(rows)])


def folds_within(answers, folds, seed, n_bootstrap):
    """Deal out those who did not, resample them, then the same for those who did."""
    rng = np.random.default_rng(seed)
    part, drawn = (
        np.empty(len(answers), int),
        np.empty((n_bootstrap, len(answers)), int),
    )
    for answer in (False, True):
        rows = [i for i, did in enumerate(answers) if did == answer]
        part[rows] = rng.permutation([i % folds for i in range(len(rows))])
        drawn[:, rows] = rng.multinomial(
            len(rows), [1 / len(rows)] * len(rows), size=n_bootstrap
        )
    return part, drawn


def within_folds(answers, predicted, part, weights=None):
    """Count pairs of the same fold one by one: right 1, tie a half."""
    weights = np.ones(len(answers)) if weights is None else weights
    right = pairs = 0
    for i in np.flatnonzero(answers):
        for j in np.flatnonzero(~np.asarray(answers)):
            if part[i] == part[j]:
                both = weights[i] * weights[j]
                right += both * (
                    (predicted[i] > predicted[j]) + (predicted[i] == predicted[j]) / 2
                )
                pairs += both
    return right / pairs


# --- One label, amount: means of the label in the other folds


def test_with_a_fold_for_each_customer_every_mean_is_that_of_the_others():
    # a: 1 and 3 foretell each other, off by 2; b: 7, 8, 9, off by 1.5, 0, 1.5
    # average of the other four: (27, 25, 21, 20, 19) / 4
    found = only({"kind": label("aabbb")}, amount([1, 3, 7, 8, 9]), folds=5)
    average = (1 - 27 / 4) ** 2 + (3 - 25 / 4) ** 2
    average += (7 - 21 / 4) ** 2 + (8 - 5) ** 2 + (9 - 19 / 4) ** 2
    expected = 1 - (4 + 4 + 2.25 + 0 + 2.25) / average
    assert found["alone"] == pytest.approx(expected, abs=1e-12)


def plain_r2(labels, outcome, part):
    """Foretell by the label's mean in the other folds, or by everybody's."""
    error = average = 0
    for i in range(len(labels)):
        train = [j for j in range(len(labels)) if part[j] != part[i]]
        alike = [j for j in train if labels[j] == labels[i]] or train
        for y in outcome.T:
            error += (y[i] - sum(y[j] for j in alike) / len(alike)) ** 2
            average += (y[i] - sum(y[j] for j in train) / len(train)) ** 2
    return 1 - error / average


@pytest.mark.parametrize("lone", ["c", None])
def test_a_label_that_nobody_else_has_predicts_the_average(lone):
    # None: a missing label is one of its own, not anybody else's
    labels, values = ["a", "a", "b", "b", lone], np.array([1.0, 2.0, 8.0, 9.0, 30.0])
    expected = plain_r2(labels, values[:, None], range(5))
    found = only({"kind": label(labels)}, amount(values), folds=5)
    assert found["alone"] == pytest.approx(expected, abs=1e-12)


def test_a_label_and_a_mix_agree_with_a_plain_loop():
    rng = np.random.default_rng(9)
    labels = rng.integers(0, 4, 37).astype(str)
    mix = np.column_stack([labels.astype(int) + rng.random(37), rng.random(37) * 9])
    outcome = Outcome("mix", "mix", pd.DataFrame(mix), everyone(37))
    found = only({"kind": label(labels)}, outcome, seed=21)
    expected = plain_r2(labels, mix, folds_of(37, 5, 21))
    assert found["alone"] == pytest.approx(expected, abs=1e-12)
    assert (found["score"], found["outcome"], found["why"]) == ("r2", "mix", "")


@pytest.mark.parametrize("kind", ["str", "object", "category"])
def test_texts_and_categories_are_the_same_labels(kind):
    rng = np.random.default_rng(9)
    labels = pd.Series(rng.integers(0, 3, 60)).astype(str)
    values = labels.astype(int) + rng.random(60)
    found = only({"kind": labels.astype(kind).to_frame("x")}, amount(values))
    expected = plain_r2(labels, values.to_numpy()[:, None], folds_of(60, 5, 1))
    assert found["alone"] == pytest.approx(expected, abs=1e-12)


def test_yes_and_no_are_labels_too():
    flags = np.random.default_rng(9).random(60) < 0.3
    values = np.where(flags, 5.0, 1.0)
    found = only({"kind": pd.DataFrame({"flag": flags})}, amount(values))
    assert found["alone"] == pytest.approx(1)


def test_a_perfect_label_explains_all_a_constant_one_nothing():
    kind = np.random.default_rng(4).integers(0, 5, 300)
    designs = {"perfect": label(kind.astype(str)), "same": label(["x"] * 300)}
    found = judged(designs, amount(kind * 10)).set_index("design")
    parts = ["alone", "alone_low", "alone_high"]
    assert found.loc["perfect", parts].tolist() == pytest.approx([1, 1, 1])
    assert found.loc["same", parts].tolist() == pytest.approx([0, 0, 0], abs=1e-12)
    assert found.loc["same", ["gain", "gain_low", "gain_high"]].tolist() == (
        pytest.approx([0, 0, 0], abs=1e-12)
    )


def test_a_label_for_every_two_customers_predicts_less_than_the_average():
    # it would fit its own customers by half, and predicts nothing of others
    values = np.random.default_rng(4).random(300)
    pairs = (np.arange(300) // 2).astype(str)
    assert only({"many": label(pairs)}, amount(values))["alone"] < -0.3


# --- Numbers: ridge regression and logistic regression

ROWS = 240


@pytest.fixture(scope="module")
def table():
    """Draw two labels, three numbers and what follows from them."""
    rng = np.random.default_rng(5)
    customers = pd.DataFrame(
        {
            "kind": rng.choice(["a", "b", "c"], ROWS),
            "place": rng.choice(
                ["x", "y", "z", "rare"], ROWS, p=[0.5, 0.3, 0.19, 0.01]
            ),
            "one": rng.standard_normal(ROWS) * 40 + 7,
            "two": rng.standard_normal(ROWS),
            "known": rng.standard_normal(ROWS),
        }
    )
    drive = customers["one"] / 40 + customers["known"] + (customers["kind"] == "a")
    customers["y"] = drive + rng.standard_normal(ROWS)
    customers["z"] = customers["two"] - drive + rng.standard_normal(ROWS)
    customers["came"] = drive + rng.standard_normal(ROWS) * 2 > 1
    return customers


def pipeline(numbers, labels, model):
    """Spell a design as scikit-learn would, categories seen from the training folds."""
    return make_pipeline(
        ColumnTransformer(
            [
                ("numbers", StandardScaler(), numbers),
                ("labels", OneHotEncoder(handle_unknown="ignore"), labels),
            ],
            sparse_threshold=0,
        ),
        model,
    )


@pytest.mark.parametrize(
    ("numbers", "labels"),
    [(["one", "two"], []), (["one"], ["kind", "place"]), ([], ["kind", "place"])],
)
@pytest.mark.parametrize("values", [["y"], ["y", "z"]])
def test_ridge_is_that_of_scikit_learn_in_the_same_folds(
    table, numbers, labels, values
):
    kind = "mix" if len(values) > 1 else "amount"
    outcome = Outcome("later", kind, table[values], everyone(ROWS))
    found = only(
        {"design": table[numbers + labels]}, outcome, base=table[["known"]], seed=3
    )
    part = folds_of(ROWS, 5, 3)
    split = PredefinedSplit(part)
    truth = table[values].to_numpy()
    average = np.stack([truth[part != p].mean(axis=0) for p in part])

    def score(numbers, labels):
        ridge = pipeline(numbers, labels, RidgeCV(predictive_validity.PENALTIES))
        guess = cross_val_predict(ridge, table, truth.squeeze(), cv=split)
        error = ((truth - guess.reshape(truth.shape)) ** 2).sum()
        return 1 - error / ((truth - average) ** 2).sum()

    alone, base = score(numbers, labels), score(["known"], [])
    both = score(["known", *numbers], labels)
    assert found["alone"] == pytest.approx(alone, abs=1e-10)
    assert found["base"] == pytest.approx(base, abs=1e-10)
    assert found["with_base"] == pytest.approx(both, abs=1e-10)
    assert found["gain"] == pytest.approx(both - base, abs=1e-10)


def test_r2_is_near_that_of_scikit_learn_whose_average_has_seen_the_customer(table):
    found = only({"design": table[["one", "two"]]}, amount(table["y"]), seed=3)
    split = PredefinedSplit(folds_of(ROWS, 5, 3))
    ridge = pipeline(["one", "two"], [], RidgeCV(predictive_validity.PENALTIES))
    guess = cross_val_predict(ridge, table, table["y"], cv=split)
    assert found["alone"] == pytest.approx(r2_score(table["y"], guess), abs=0.02)
    assert found["alone"] > r2_score(table["y"], guess)


def test_a_number_on_another_scale_is_the_same_number(table):
    changed = table[["one", "two"]] * [1e6, 1e-6] + [5, -3e-6]
    found = judged({"a": table[["one", "two"]], "b": changed}, amount(table["y"]))
    assert found.loc[0, NUMBERS].tolist() == pytest.approx(
        found.loc[1, NUMBERS].tolist(), abs=1e-8
    )


@pytest.mark.parametrize(
    ("numbers", "labels"),
    [(["one", "two"], []), (["one"], ["kind"]), ([], ["kind", "place"])],
)
def test_auc_is_that_of_scikit_learn_in_the_same_folds(table, numbers, labels):
    answers = table["came"].to_numpy()
    design = table[numbers + labels]
    found = only({"design": design}, yes_no(answers), base=table[["known"]], seed=8)
    part, _ = folds_within(answers, 5, 8, 50)

    def score(numbers, labels):
        right = pairs = 0
        for fold in range(5):
            train, test = part != fold, part == fold
            ridge = pipeline(numbers, labels, RidgeCV(predictive_validity.PENALTIES))
            alpha = ridge.fit(table[train], answers[train].astype(float))[-1].alpha_
            rate = answers[train].mean()
            logistic = LogisticRegression(
                C=1 / (alpha * rate * (1 - rate)), tol=1e-10, max_iter=10_000
            )
            model = pipeline(numbers, labels, logistic).fit(
                table[train], answers[train]
            )
            guess = model.decision_function(table[test]) - model[-1].intercept_
            guess = (guess / np.abs(guess).max()).round(6)
            among = answers[test].sum() * (~answers[test]).sum()
            right += roc_auc_score(answers[test], guess) * among
            pairs += among
        return right / pairs

    both, base = score(["known", *numbers], labels), score(["known"], [])
    assert found["score"] == "auc"
    assert found["alone"] == pytest.approx(score(numbers, labels), abs=1e-12)
    assert found["base"] == pytest.approx(base, abs=1e-12)
    assert found["with_base"] == pytest.approx(both, abs=1e-12)
    assert found["gain"] == pytest.approx(both - base, abs=1e-12)


def test_customers_who_are_alike_tie_although_sums_differ_in_their_last_bit():
    # a product of matrices adds up rows in different orders, by their place
    rng = np.random.default_rng(20)
    values = rng.standard_normal((3, 20))[rng.integers(0, 3, 305)]
    answers = (rng.random((305, 1)) < 0.4).astype(float)
    part = np.arange(305) % 5
    design = (values, np.full(20, True))
    found = predictive_validity._fitted(design, answers, part, True)
    assert [len(np.unique(found[part == fold])) for fold in range(5)] == [3] * 5


# --- Yes or no by one label: smoothed rates, pairs of the same fold


def smoothed(labels, answers, part):
    rates = []
    for i in range(len(labels)):
        train = [j for j in range(len(labels)) if part[j] != part[i]]
        overall = sum(answers[j] for j in train) / len(train)
        alike = [answers[j] for j in train if labels[j] == labels[i]]
        rates.append((sum(alike) + 10 * overall) / (len(alike) + 10))
    return np.round(rates, 12)


def test_a_label_predicts_yes_or_no_by_its_smoothed_rate():
    rng = np.random.default_rng(2)
    labels = rng.choice(list("abcdefgh"), 150)
    answers = rng.random(150) < np.where(labels < "c", 0.5, 0.2)
    part, _ = folds_within(answers, 4, 6, 50)
    rates = smoothed(labels, answers, part)
    raw = [
        answers[(labels == own) & (part != p)].mean()
        for own, p in zip(labels, part, strict=True)
    ]
    expected = within_folds(answers, rates, part)
    # smoothing changes the order here, so that its absence would be seen
    assert abs(expected - within_folds(answers, np.round(raw, 12), part)) > 1e-4
    found = only({"kind": label(labels)}, yes_no(answers), folds=4, seed=6)
    assert found["alone"] == pytest.approx(expected, abs=1e-12)


def test_a_perfect_label_orders_every_pair_and_a_constant_one_none():
    # 23 in five folds: some hold more, and leave less to learn from
    answers = np.arange(67) % 3 == 0
    designs = {"perfect": label(np.where(answers, "y", "n")), "same": label(["x"] * 67)}
    found = judged(designs, yes_no(answers)).set_index("design")
    parts = ["alone", "alone_low", "alone_high"]
    assert found.loc["perfect", parts].tolist() == [1, 1, 1]
    # pairs across folds would give less than a half
    assert found.loc["same", parts].tolist() == [0.5, 0.5, 0.5]


def test_a_constant_design_of_numbers_knows_nothing(table):
    design = pd.DataFrame({"one": np.full(ROWS, 3.0), "two": np.zeros(ROWS)})
    outcomes = [amount(table["y"]), yes_no(table["came"])]
    found = judged({"same": design}, *outcomes)
    assert found["alone"].tolist() == pytest.approx([0, 0.5], abs=1e-12)


def test_each_fold_holds_its_share_of_either_answer():
    # ten that did and five folds: a fold without any could not be judged
    answers = np.arange(200) < 10
    kinds = np.random.default_rng(1).choice(["a", "b"], 200)
    for seed in range(3):
        part, _ = folds_within(answers, 5, seed, 50)
        assert np.bincount(part[answers]).tolist() == [2] * 5
        rates = smoothed(kinds, answers, part)
        found = only({"kind": label(kinds)}, yes_no(answers), seed=seed)
        expected = within_folds(answers, rates, part)
        assert found["alone"] == pytest.approx(expected, abs=1e-12)


def test_a_resample_without_a_pair_counts_as_chance():
    truth, guess = np.array([[1.0], [0.0]]), np.array([[2.0], [1.0]])
    weights = np.array([[1.0, 0.0], [1.0, 2.0]])
    found = predictive_validity._auc(truth, guess, np.zeros(2), weights)
    assert found.tolist() == [1, 0.5]


# --- Intervals


def test_the_interval_of_r2_and_of_its_gain_is_that_of_a_bootstrap_of_customers(table):
    outcome = amount(table["y"])
    design, base = table[["one", "two"]], table[["known"]]
    found = only({"d": design}, outcome, base=base, folds=5, n_bootstrap=300, seed=4)
    rng = np.random.default_rng(4)
    part = rng.permutation([i % 5 for i in range(ROWS)])
    drawn = rng.multinomial(ROWS, [1 / ROWS] * ROWS, size=300)
    truth = table["y"].to_numpy()
    average = np.array([truth[part != p].mean() for p in part])

    def errors(columns):
        ridge = pipeline(columns, [], RidgeCV(predictive_validity.PENALTIES))
        guess = cross_val_predict(ridge, table, truth, cv=PredefinedSplit(part))
        return (truth - guess) ** 2

    alone, without, both = (
        errors(columns)
        for columns in (["one", "two"], ["known"], ["one", "two", "known"])
    )
    scores = {"alone": [], "gain": []}
    for weights in drawn:
        customers = np.repeat(np.arange(ROWS), weights)
        total = ((truth - average) ** 2)[customers].sum()
        scores["alone"].append(1 - alone[customers].sum() / total)
        scores["gain"].append((without - both)[customers].sum() / total)
    for name, values in scores.items():
        expected = np.quantile(values, [0.025, 0.975])
        bounds = [found[f"{name}_low"], found[f"{name}_high"]]
        assert bounds == pytest.approx(expected, abs=1e-9)


def test_the_interval_of_auc_is_that_of_a_bootstrap_within_either_answer():
    rng = np.random.default_rng(2)
    labels = rng.choice(list("abc"), 70)
    answers = rng.random(70) < np.where(labels == "a", 0.6, 0.2)
    found = only(
        {"kind": label(labels)}, yes_no(answers), folds=3, n_bootstrap=60, seed=6
    )
    part, drawn = folds_within(answers, 3, 6, 60)
    assert (drawn[:, answers].sum(axis=1) == answers.sum()).all()
    rates = smoothed(labels, answers, part)
    values = [within_folds(answers, rates, part, weights) for weights in drawn]
    bounds = [found["alone_low"], found["alone_high"]]
    assert bounds == pytest.approx(np.quantile(values, [0.025, 0.975]), abs=1e-12)


def test_the_interval_of_an_auc_is_as_wide_as_fresh_samples_spread():
    rng = np.random.default_rng(11)
    values, widths = [], []
    for _ in range(40):
        kind = rng.choice(["a", "b"], 300)
        answers = rng.random(300) < np.where(kind == "a", 0.4, 0.2)
        found = only({"kind": label(kind)}, yes_no(answers), folds=2, n_bootstrap=100)
        values.append(found["alone"])
        widths.append(found["alone_high"] - found["alone_low"])
    # 3.92 deviations wide; forty samples tell a deviation to about a tenth
    assert np.mean(widths) / 3.92 == pytest.approx(np.std(values), rel=0.3)


# --- What a gain is for


def test_a_design_that_repeats_the_base_adds_nothing_and_news_adds_much(table):
    designs = {"again": table[["known"]], "news": table[["one"]]}
    outcomes = [amount(table["y"]), yes_no(table["came"])]
    found = judged(designs, *outcomes, base=table[["known"]], n_bootstrap=200)
    found = found.set_index(["outcome", "design"])
    assert found["gain"].equals(found["with_base"] - found["base"])
    for outcome in ("spent", "came"):
        assert abs(found.loc[(outcome, "again"), "gain"]) < 0.005
        assert found.loc[(outcome, "news"), "gain_low"] > 0
    again = found.xs("again", level="design")
    assert again["alone"].tolist() == again["base"].tolist()


def test_pure_noise_predicts_nothing_alone_or_with_the_base(table):
    rng = np.random.default_rng(1)
    designs = {
        "numbers": pd.DataFrame(rng.standard_normal((ROWS, 5))),
        "kinds": label(rng.choice(list("abcd"), ROWS)),
    }
    outcomes = [amount(table["y"]), yes_no(table["came"])]
    found = judged(designs, *outcomes, base=table[["known"]])
    chance = np.where(found["score"] == "r2", 0, 0.5)
    assert (found["alone"] - chance).abs().max() < 0.09
    assert found["gain"].abs().max() < 0.03


# --- Among whom


def test_only_the_customers_asked_about_are_learnt_from_and_judged(table):
    among = pd.Series(np.arange(ROWS) % 3 > 0)
    designs = {"numbers": table[["one", "two"]], "kind": table[["kind"]]}
    spoiled = table[["y"]].where(among, np.nan)
    part = Outcome("spent", "amount", spoiled, among)
    found = judged(designs, part, base=table[["known"]])
    left = table[among.to_numpy()].reset_index(drop=True)
    alone = judged(
        {name: left[design.columns] for name, design in designs.items()},
        amount(left["y"]),
        base=left[["known"]],
    )
    pd.testing.assert_frame_equal(found, alone, check_exact=True)
    assert found["customers"].tolist() == [160, 160]


# --- Too little to judge: said in words, with the numbers missing


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (
            yes_no(np.arange(100) < 9),
            "9 of 100 did; 10 that did and that did not are needed",
        ),
        (
            yes_no(np.arange(100) >= 9),
            "91 of 100 did; 10 that did and that did not are needed",
        ),
        (
            yes_no([True] * 100),
            "100 of 100 did; 10 that did and that did not are needed",
        ),
        (amount([3.0] * 100), "all customers did the same"),
        (
            amount(range(100), pd.Series(np.arange(100) < 4)),
            "4 customers are too few for 5 folds",
        ),
        (
            yes_no([True] * 100, pd.Series([False] * 100)),
            "0 customers are too few for 5 folds",
        ),
    ],
)
def test_an_outcome_that_cannot_be_judged_says_why(outcome, why):
    designs = {"kind": label(["a", "b"] * 50), "more": label(["c"] * 100)}
    found = judged(designs, outcome)
    assert found["design"].tolist() == ["kind", "more"]
    assert found["why"].tolist() == [why, why]
    assert found[NUMBERS].isna().all().all()
    assert found["customers"].eq(outcome.among.sum()).all()


def test_ten_of_either_answer_are_judged():
    for answers in (np.arange(100) < 10, np.arange(100) >= 10):
        found = judged({"kind": label(["a", "b"] * 50)}, yes_no(answers))
        assert found["why"].tolist() == [""]
        assert found[NUMBERS].notna().all().all()


def test_an_outcome_that_cannot_be_judged_does_not_hinder_the_others(table):
    few = Outcome("few", "yes_no", pd.DataFrame({"x": table.index < 3}), everyone(ROWS))
    found = judged({"kind": table[["kind"]]}, few, amount(table["y"]))
    assert found.columns.tolist() == [
        *("design", "outcome", "score", "customers", *NUMBERS, "why")
    ]
    assert found["outcome"].tolist() == ["few", "spent"]
    assert found[NUMBERS].isna().all(axis=1).tolist() == [True, False]
    assert found[NUMBERS].dtypes.eq(float).all()


# --- Hard input that must work


def test_collinear_columns_and_one_huge_customer_give_numbers(table):
    huge = table[["one", "two"]].copy()
    huge.iloc[0] *= 1000
    designs = {
        "collinear": table[["one", "two"]].assign(
            three=table["one"] * 2 - table["two"]
        ),
        "huge": huge,
        "twice": table[["kind"]].assign(again=table["kind"]),
    }
    spent = table["y"].copy()
    spent.iloc[0] = 5000
    found = judged(designs, amount(spent), yes_no(table["came"]))
    assert np.isfinite(found[NUMBERS].to_numpy(float)).all()
    plain = judged({"plain": table[["one", "two"]]}, amount(table["y"])).loc[0]
    collinear = judged({"c": designs["collinear"]}, amount(table["y"])).loc[0]
    assert collinear["alone"] == pytest.approx(plain["alone"], abs=0.01)


# --- The same again


def test_the_same_seed_gives_the_same_bits_in_one_process_and_in_two(table):
    import joblib

    designs = {"kind": table[["kind"]], "numbers": table[["one", "two"]]}
    outcomes = [amount(table["y"]), yes_no(table["came"])]
    here = judged(designs, *outcomes)
    with joblib.parallel_config(backend="loky", n_jobs=2):
        there = judged(designs, *outcomes)
    pd.testing.assert_frame_equal(here, there, check_exact=True)
    other = judged(designs, *outcomes, seed=2)
    assert (here["alone"] != other["alone"]).all()


def test_a_design_is_judged_alike_in_whatever_company(table):
    designs = {"kind": table[["kind"]], "numbers": table[["one", "two"]]}
    outcomes = [amount(table["y"]), yes_no(table["came"])]
    both = judged(designs, *outcomes)
    alone = judged({"numbers": designs["numbers"]}, *outcomes[::-1])
    expected = both[both["design"] == "numbers"].iloc[::-1].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, expected, check_exact=True)


# --- Refusals


def refusal(designs, *outcomes, **settings):
    with pytest.raises(BadInput) as refused:
        judged(designs, *outcomes, **settings)
    return str(refused.value)


GOOD = {"kind": label("ab" * 20)}
SPENT = amount(range(40))


def test_segment_ids_are_not_taken_for_amounts():
    design = pd.DataFrame({"one": range(40)})
    assert refusal(GOOD | {"d": design}, SPENT) == (
        "Design d holds whole numbers, which may be labels or amounts. Give labels as "
        "text (astype(str)), amounts as float."
    )


def test_several_whole_numbers_are_amounts():
    design = pd.DataFrame({"one": range(40), "two": np.arange(40) ** 2})
    assert only({"d": design}, SPENT)["alone"] > 0.9


def test_other_customers_are_refused():
    message = (
        "Design d has other customers than the base, or another order of rows (40 and "
        "40 rows). Align their indexes."
    )
    assert refusal({"d": GOOD["kind"].iloc[::-1]}, SPENT) == message


# --- Cells


def test_quantiles_are_of_equal_size_and_hold_equal_values_together():
    values = pd.Series([50, 10, 40, 20, 30, 60, 80, 70, 90, 100.0], name="sales")
    found = predictive_validity.quantiles(values, parts=5)
    assert found.tolist() == list("3121234455")
    ties = pd.Series([0, 0, 0, 0, 0, 0, 7, 8, 9, 10], name="sales")
    # the six zeros share the ranks 1 to 6: 3.5 of 10 lies in the second fifth
    assert predictive_validity.quantiles(ties, parts=5).tolist() == [*"222222", *"4455"]


def test_parts_that_do_not_divide_are_cut_alike_from_both_ends():
    values = pd.Series(range(10), name="sales")
    found = predictive_validity.quantiles(values, parts=3).tolist()
    assert found == list("1112222333")
    assert predictive_validity.quantiles(-values, parts=3).tolist() == found[::-1]


def test_quantiles_agree_with_pandas_where_no_two_are_equal():
    values = pd.Series(np.random.default_rng(3).random(997), name="sales")
    found = predictive_validity.quantiles(values, parts=5).astype(int)
    cut = pd.qcut(values, 5, labels=False) + 1
    assert (found != cut).sum() <= 4
    assert found.value_counts().max() - found.value_counts().min() <= 1


def test_quantiles_do_not_hang_on_the_order_of_rows():
    values = pd.Series(np.random.default_rng(3).integers(0, 9, 200), name="orders")
    mixed = values.sample(frac=1, random_state=1)
    found = predictive_validity.quantiles(mixed, parts=10)
    assert found.sort_index().equals(predictive_validity.quantiles(values, parts=10))
    assert set(found) <= {f"{part:02}" for part in range(1, 11)}


def test_a_missing_value_has_no_quantile():
    with pytest.raises(BadInput) as refused:
        predictive_validity.quantiles(pd.Series([1, np.nan], name="sales"), parts=2)
    assert str(refused.value) == (
        "Column sales is missing for 1 customers, who have no place among the "
        "quantiles. Fill it or leave them out."
    )


def test_cells_count_more_as_better_and_the_latest_order_as_most():
    customers = pd.DataFrame(
        {
            "recency_days": [0, 9, 30, 90],
            "orders": [3, 30, 20, 10],
            "sales": [40.0, 30.0, 20.0, 10.0],
        }
    )
    found = predictive_validity.rfm_cells(customers, parts=2)
    assert found.tolist() == ["r2 f1 m2", "r2 f2 m2", "r1 f2 m1", "r1 f1 m1"]
    assert found.name == "rfm"


# --- What notebook 3 judges segments by


def later():
    return pd.DataFrame(
        {
            "holdout_sales": [100.0, 0.0, 25.0, 10.0],
            "later_a": [64.0, 0.0, 25.0, 5.0],
            "later_b": [36.0, 0.0, 0.0, 5.0],
        },
        index=[5, 6, 7, 8],
    )


def test_a_later_mix_is_judged_among_those_who_bought_enough():
    mix = predictive_validity.aim(later(), needs=["later_a", "later_b"], min_sales=20)
    assert (mix.name, mix.kind) == ("later need mix", "mix")
    assert mix.among.tolist() == [True, False, True, False]
    # Roots of shares; who is not judged counts 0.
    assert mix.values["later_a"].tolist() == [0.8, 0.0, 1.0, 0.0]  # noqa: PD011
    assert mix.values["later_b"].tolist() == [0.6, 0.0, 0.0, 0.0]  # noqa: PD011


def test_a_run_without_needs_is_judged_by_later_sales():
    amount = predictive_validity.aim(later(), needs=[], min_sales=20)
    assert (amount.name, amount.kind) == ("later sales (log)", "amount")
    assert amount.among.all()
    assert np.expm1(amount.values["holdout_sales"]).tolist() == pytest.approx(  # noqa: PD011
        [100, 0, 25, 10]
    )


def kinds_later(n=200):
    """Lay out labels of which the first explains all but noise, and what is explained."""
    rng = np.random.default_rng(3)
    kind = np.arange(n) % 2
    values = pd.DataFrame({"amount": kind + rng.normal(0, 0.1, n)})
    outcome = Outcome("later", "amount", values, pd.Series(True, index=values.index))
    return {"kind": kind, 3: np.arange(n) % 3}, outcome


def test_what_labels_explain_comes_with_resamples_that_all_of_them_share():
    labels, outcome = kinds_later()
    twice = labels | {"kind again": labels["kind"] + 5}
    found = predictive_validity.explained(
        twice, outcome, folds=5, n_bootstrap=20, seed=1
    )
    assert found.columns.tolist() == ["kind", 3, "kind again"]
    assert found.index.tolist() == list(range(21))
    # Of a variance of 0.25 + 0.01 the kind tells all but 0.01, the other label nothing.
    assert found.loc[0, "kind"] == pytest.approx(0.25 / 0.26, abs=0.02)
    assert abs(found.loc[0, 3]) < 0.1
    # The same cut by other names is the same in every resample, and those differ.
    assert found["kind again"].tolist() == found["kind"].tolist()
    assert found["kind"].nunique() == 21


def test_what_labels_explain_is_what_the_benchmark_gives_them_alone():
    labels, outcome = kinds_later()
    found = predictive_validity.explained(
        labels, outcome, folds=5, n_bootstrap=99, seed=1
    )
    designs = {
        name: pd.DataFrame({"label": own.astype(str)}) for name, own in labels.items()
    }
    base = pd.DataFrame({"base": np.arange(200.0)})
    settings = {"folds": 5, "n_bootstrap": 99, "seed": 1}
    table = predictive_validity.benchmark(designs, [outcome], base=base, **settings)
    alone = table.set_index("design")
    assert found.loc[0].to_dict() == pytest.approx(alone["alone"].to_dict())
    low = found.iloc[1:].quantile(0.025)
    assert low.to_dict() == pytest.approx(alone["alone_low"].to_dict())


def test_only_customers_who_are_judged_count_in_what_labels_explain():
    labels, outcome = kinds_later()
    few = outcome.among & (outcome.values.index < 150)  # noqa: PD011
    settings = {"folds": 5, "n_bootstrap": 3, "seed": 1}
    spoilt = outcome.values.where(few, 99.0)  # noqa: PD011
    found = predictive_validity.explained(
        labels, Outcome("later", "amount", spoilt, few), **settings
    )
    of_them = {name: own[:150] for name, own in labels.items()}
    cut = Outcome("later", "amount", outcome.values[:150], few[:150])  # noqa: PD011
    expected = predictive_validity.explained(of_them, cut, **settings)
    pd.testing.assert_frame_equal(found, expected)


def test_an_outcome_that_cannot_be_judged_explains_nothing_and_says_why():
    labels, outcome = kinds_later()
    assert predictive_validity.not_judged(outcome, folds=5) == ""
    nobody = Outcome("later", "amount", outcome.values, outcome.among & False)
    assert predictive_validity.not_judged(nobody, folds=5)
    found = predictive_validity.explained(
        labels, nobody, folds=5, n_bootstrap=3, seed=1
    )
    assert found.empty
    assert found.columns.tolist() == ["kind", 3]


def test_random_centres_are_customers_and_gather_their_nearest():
    scores = np.array([[0.0], [1.0], [10.0], [11.0]])
    designs = predictive_validity.random_centres(scores, k=2, draws=30, seed=1)
    assert len(designs) == 30
    cuts = {tuple(design["label"] == design["label"][0]) for design in designs.values()}
    # Of two centres, 0 with 1, 0 with 10 and so on: worked out by hand.
    assert cuts <= {
        *((True, False, False, False), (True, True, False, False)),
        *((True, True, True, False),),
    }
    assert len(cuts) == 3
    again = predictive_validity.random_centres(scores, k=2, draws=30, seed=1)
    assert all(designs[name].equals(again[name]) for name in designs)


def test_components_are_those_of_scikit_learn_and_cut_into_equal_parts():
    from sklearn.decomposition import PCA

    rng = np.random.default_rng(5)
    scores = rng.normal(size=(60, 4)) * [5, 2, 1, 0.5]
    designs = predictive_validity.component_designs(scores, k=3)
    two = designs["two component scores"].to_numpy()
    theirs = PCA(2).fit_transform(scores)
    assert np.allclose(np.abs(two), np.abs(theirs))
    parts = designs["3 parts of the first component"]["label"]
    assert list(parts.value_counts().sort_index()) == [20, 20, 20]
    assert two[parts == "1", 0].max() < two[parts == "3", 0].min()
    # Turned round, the scores give the same ends.
    turned = predictive_validity.component_designs(scores.copy(), k=3)
    assert turned["two component scores"].equals(designs["two component scores"])


def test_one_column_has_one_component():
    designs = predictive_validity.component_designs(
        np.array([[0.0], [1], [2], [3], [4], [9]]), k=2
    )
    assert list(designs["two component scores"]) == ["component 1"]
    assert list(designs["2 parts of the first component"]["label"]) == [
        *("1", "1", "1", "2", "2", "2")
    ]


def test_rival_labels_are_the_draws_and_the_parts_without_the_scores():
    scores = np.random.default_rng(2).normal(size=(60, 4))
    found = predictive_validity.rival_labels(scores, k=3, draws=2, seed=1)
    parts = "3 parts of the first component"
    assert list(found) == ["random centres 1", "random centres 2", parts]
    drawn = predictive_validity.random_centres(scores, k=3, draws=2, seed=1)
    assert found["random centres 2"].equals(drawn["random centres 2"]["label"])
    assert found[parts].value_counts().tolist() == [20, 20, 20]


# --- Designs and outcomes of the study


def some_people(n=60):
    rng = np.random.default_rng(3)
    people = pd.DataFrame(
        {
            "recency_days": rng.integers(0, 90, n),
            "orders": rng.integers(1, 9, n),
            "sales": rng.lognormal(3, 1, n),
            "past_redemptions": rng.poisson(1, n),
        }
    )
    own = pd.DataFrame(
        {
            "value_tier": ["high", "low"] * (n // 2),
            "activity": ["active"] * n,
            "deal_proneness": ["low"] * n,
            "segment_id": np.arange(n) % 3 + 1,
        }
    )
    scores = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    later = pd.DataFrame(
        {
            "holdout_sales": rng.lognormal(3, 1, n),
            "holdout_recency_days": rng.integers(0, 60, n),
        }
    )
    return people, own, scores, later


def test_designs_are_named_and_hold_a_row_per_customer():
    people, own, scores, _ = some_people()
    rules = predictive_validity.designs_without_k(people, own, scores)
    assert rules["value tier x activity"]["label"].unique().tolist() == [
        *("highactive", "lowactive")
    ]
    assert rules["continuous need scores"] is scores
    labels = {"ours": own["segment_id"] - 1, "theirs": own["segment_id"] % 2}
    found = predictive_validity.designs_at_k(
        people, own, scores, k=3, labels=labels, seed=1, n_init=2
    )
    assert list(found)[:3] == [
        *("ours", "theirs", "k-means 3 on recency, frequency, money")
    ]
    assert found["ours"]["label"].tolist() == ["0", "1", "2"] * 20
    assert set(found["random label"]["label"]) == {"0", "1", "2"}
    assert {len(design) for design in (rules | found).values()} == {60}


def test_outcomes_are_those_that_the_run_knows():
    people, _, _, later = some_people()
    aim = predictive_validity.aim(later, needs=[], min_sales=1)
    found, base = predictive_validity.outcomes(people, later, aim=aim, active_days=28)
    # Without needs the aim is how much is bought, which is asked once.
    assert [one.name for one in found] == ["later sales (log)", "still active"]
    assert list(base) == ["sales", "recency_days"]
    known = later.assign(holdout_targeted=True, holdout_redeemed=False)
    mix = Outcome("mix", "mix", later, everyone(60))
    found, base = predictive_validity.outcomes(people, known, aim=mix, active_days=28)
    assert [one.name for one in found][2:] == ["answers a campaign", "mix"]
    assert "past_redemptions" in base


def test_a_benchmark_is_shown_side_by_side_with_intervals():
    rows = [
        ("a", "sales", "r2", 0.1234, -0.0004, 0.2),
        ("b", "sales", "r2", 0.5, 0.4, 0.6),
    ]
    rows += [
        ("a", "active", "auc", *[np.nan] * 3),
        ("b", "active", "auc", *[np.nan] * 3),
    ]
    columns = ["design", "outcome", "score", "alone", "alone_low", "alone_high"]
    found = predictive_validity.side_by_side(pd.DataFrame(rows, columns=columns))
    assert list(found) == ["sales, R²", "active, AUC"]
    assert found.loc["a"].tolist() == ["0.123 (0.000 to 0.200)", "not judged"]
    assert found.index.tolist() == ["a", "b"]
