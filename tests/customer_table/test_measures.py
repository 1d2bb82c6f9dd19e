import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from helpers.core.errors import BadInput
from helpers.customer_table import measures
from helpers.runs import data_sufficiency

YES_NO, SCALE = json.dumps(["no", "yes"]), json.dumps(["low", "middle", "high"])
ATTRIBUTES = pd.DataFrame(
    [
        ("customers", "region", "demographic", "Region", "unordered", '["N", "S"]', ""),
        ("customers", "income", "demographic", "Income", "ordered", SCALE, ""),
        ("customers", "logo", "requirement", "Logo work", "yes_no", YES_NO, ""),
        ("customers", "look", "requirement", "Own look", "yes_no", YES_NO, ""),
        ("customers", "fresh", "behavioural", "Fresh", "number", "", "value"),
        ("customers", "milk", "none", "Milk", "number", "", "value"),
        ("customers", "renewed", "none", "Renewed", "yes_no", YES_NO, "outcome"),
        ("customers", "weight", "none", "Weight", "number", "", "weight"),
        ("customers", "reason", "later", "Reason", "unordered", '["price"]', ""),
        ("customers", "note", "demographic", "Note", "text", "", ""),
    ],
    columns=["table", "attribute", "kind", "label", "measure", "levels", "role"],
)
CUSTOMERS = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c"],
        "region": ["N", "S", None],
        "income": ["low", "high", None],
        "logo": ["yes", "no", None],
        "look": ["no", "no", "yes"],
        "fresh": [1.0, 2.0, 3.0],
        "milk": [10.0, np.nan, 30.0],
        "renewed": ["yes", None, "no"],
        "weight": [1.0, 1.0, 2.0],
        "reason": ["price", None, None],
        "note": ["x", "y", "z"],
    }
)


def test_answers_become_numbers_and_missing_stays_missing():
    form = measures.model_form(CUSTOMERS, ATTRIBUTES)
    assert list(form) == [
        *("customer_id", "region", "income", "logo", "look", "fresh", "value")
    ]
    plain = form.astype(object).where(form.notna(), None)
    assert plain["income"].tolist() == [0.0, 2.0, None]
    assert plain["logo"].tolist() == [1.0, 0.0, None]
    assert plain["region"].tolist() == ["N", "S", None]
    assert plain["value"].tolist() == [11.0, None, 33.0]
    assert measures.value_name(ATTRIBUTES) == "value"


def test_what_judges_is_laid_out_apart():
    judged = measures.outcomes(CUSTOMERS, ATTRIBUTES)
    assert list(judged) == ["customer_id", "renewed"]
    assert judged["renewed"].tolist()[::2] == [1.0, 0.0]
    assert np.isnan(judged["renewed"][1])
    left = ATTRIBUTES.assign(role=ATTRIBUTES["role"].replace("outcome", "churned"))
    assert "renewed" in measures.outcomes(CUSTOMERS, left)


@pytest.mark.parametrize(
    ("roles", "name"),
    [
        ({"fresh": "value"}, "fresh"),
        ({"fresh": "monthly_fee"}, "fresh"),
        ({"fresh": "monthly_fee", "milk": "monetary"}, "milk"),
        ({}, ""),
    ],
)
def test_the_value_is_what_says_so_or_else_money(roles, name):
    given = ATTRIBUTES.assign(
        role=ATTRIBUTES["attribute"].map(roles).astype(object).fillna("")
    )
    assert measures.value_name(given) == name
    assert name in ["", *measures.model_form(CUSTOMERS, given)]


def test_association_by_hand():
    # 60 customers, [[20, 10], [10, 20]]: chi2 / n = 1/9, less 1/59 by chance; the sides are
    # 2 - 1/59 levels each, so V^2 = (1/9 - 1/59) / (1 - 1/59).
    one = ["x"] * 30 + ["y"] * 30
    other = ["u"] * 20 + ["v"] * 10 + ["u"] * 10 + ["v"] * 20
    table = pd.DataFrame({"one": one, "other": other, "number": np.arange(60.0)})
    kinds = {"one": "unordered", "other": "unordered", "number": "number"}
    found = measures.association(table, kinds)
    v = np.sqrt((1 / 9 - 1 / 59) / (1 - 1 / 59))
    assert found.loc["one", "other"] == pytest.approx(v)
    # x has the ranks 1 to 30 and y 31 to 60: within, 2 x 30 x (30^2 - 1) / 12 of
    # 60 x (60^2 - 1) / 12; of 59 degrees of freedom 58 are left.
    within = 2 * 30 * (30**2 - 1) / (60 * (60**2 - 1))
    eta = np.sqrt(1 - within * 59 / 58)
    assert found.loc["number", "one"] == pytest.approx(eta)
    assert np.allclose(found, found.T, equal_nan=True)


def test_ranked_columns_are_compared_by_rank_where_both_are_known():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"a": rng.normal(size=50)})
    table["b"] = -(table["a"] ** 3) + rng.normal(size=50)
    found = measures.association(table, {"a": "number", "b": "count"})
    assert found.loc["a", "b"] == pytest.approx(abs(spearmanr(table).statistic))
    table["c"] = 1.0
    assert np.isnan(
        measures.association(table, dict.fromkeys("ac", "number")).loc["a", "c"]
    )


def test_unordered_columns_without_association_have_none_by_chance():
    rng = np.random.default_rng(2)
    table = pd.DataFrame({name: rng.choice(list("pqrst"), 400) for name in "ab"})
    assert (
        measures.association(table, dict.fromkeys("ab", "unordered")).loc["a", "b"]
        < 0.1
    )


def test_pairs_are_listed_once_the_strongest_first():
    related = pd.DataFrame(
        [[1, 0.2, 0.9], [0.2, 1, np.nan], [0.9, np.nan, 1]], [*"abc"], [*"abc"]
    )
    assert measures.pairs(related).to_numpy().tolist() == [
        ["a", "c", 0.9],
        ["a", "b", 0.2],
    ]


def test_a_copy_is_one_to_one():
    lines = ["none", "one", "several"] * 20
    table = pd.DataFrame({"lines": lines})
    table["phone"] = (table["lines"] != "none").astype(float)
    table["telephone"] = table["phone"]
    table["word"] = table["lines"].map({"none": "x", "one": "y", "several": "z"})
    kinds = {
        "lines": "unordered",
        "phone": "yes_no",
        "telephone": "yes_no",
        "word": "unordered",
    }
    found = measures.copies(table, kinds)
    assert found[["one", "other"]].to_numpy().tolist() == [
        *(["lines", "word"], ["phone", "telephone"])
    ]


def test_what_is_known_only_afterwards_decides_an_outcome():
    rng = np.random.default_rng(3)
    left = np.repeat([0.0, 1.0], [60, 40])
    table = pd.DataFrame(
        {
            "last_bill": np.where(left == 1, -1.0, 1.0) * rng.uniform(1, 2, 100),
            "reason": [None] * 60 + ["price", "moved"] * 20,
            "age": rng.normal(size=100),
            "rare": [np.nan] * 95 + [1.0] * 5,
        }
    )
    kinds = {
        "last_bill": "number",
        "reason": "unordered",
        "age": "number",
        "rare": "number",
    }
    judged = pd.DataFrame({"left": left})
    found = measures.decided(table, judged, kinds | {"left": "yes_no"})
    found = found.set_index("attribute")["association"]
    assert found["last_bill"] == pytest.approx(1)
    assert found["reason"] == pytest.approx(1)
    assert found["age"] < 0.4
    assert found["rare"] == 0


def test_the_families_that_build():
    present = ["demographic", "requirement", "none", "behavioural"]
    assert measures.building("auto", present) == ["requirement", "behavioural"]
    assert measures.building("auto", ["demographic"]) == ["demographic"]
    assert measures.building(["demographic"], present) == ["demographic"]
    with pytest.raises(
        BadInput, match="names psychographic, but table customers has no"
    ):
        measures.building(["psychographic"], present)


def test_the_dictionary_says_why_a_column_does_not_build():
    n = 100
    rng = np.random.default_rng(4)
    told = [
        ("fresh", "number"),
        ("twice", "number"),
        ("flat", "count"),
        ("few", "count"),
    ]
    rows = [
        ("customers", name, "behavioural", name, kind, "", "") for name, kind in told
    ]
    rows.append(("customers", "region", "demographic", "Region", "unordered", "[]", ""))
    rows.append(("customers", "spend", "none", "Spend", "number", "", "value"))
    attributes = pd.DataFrame(rows, columns=ATTRIBUTES.columns)
    features = pd.DataFrame({"customer_id": np.arange(n).astype(str)})
    features["fresh"] = rng.normal(size=n)
    features["twice"] = 2 * features["fresh"]
    features["flat"] = [0.0] * (n - 1) + [5.0]
    features["few"] = [np.nan] * 60 + [1.0, 2.0] * 20
    features["region"], features["spend"] = "N", 1.0
    found = measures.dictionary(
        features, attributes, segment_on=["behavioural"], min_coverage=0.5
    ).set_index("feature")
    assert found["builds"].tolist() == [True, *[False] * 5]
    assert found["why"].tolist() == [
        "",
        "It says what “fresh” says.",
        "It is the same for nearly all.",
        "It is known for fewer than 50% of customers.",
        "The family demographic does not build here.",
        "The value has tiers of its own.",
    ]
    assert found["missing_share"].tolist() == [0, 0, 0, 0.6, 0, 0]
    assert found.loc["spend", ["family", "unit"]].tolist() == ["value", "currency"]


def test_a_sum_is_described_by_its_parts():
    form = measures.model_form(CUSTOMERS, ATTRIBUTES)
    found = measures.dictionary(
        form, ATTRIBUTES, segment_on=["behavioural"], min_coverage=0.5
    )
    value = found.set_index("feature").loc["value"]
    assert (value["meaning"], value["builds"]) == ("Fresh + Milk", False)
    assert list(found["feature"]) == list(form)[1:]


def test_mean_levels_withhold_what_few_answered_otherwise():
    features = pd.DataFrame(
        {
            "logo": [1.0] * 15 + [0.0] * 15,
            "rare": [1.0] * 25 + [0.0] * 5,
            "scale": [0.0, 2.0] * 15,
        }
    )
    items = pd.DataFrame(
        {
            "feature": ["logo", "rare", "scale"],
            "measure": ["yes_no", "yes_no", "ordered"],
            "levels": [YES_NO, YES_NO, SCALE],
        }
    )
    found = measures.mean_levels(features, items)
    assert found.drop("rare").tolist() == [0.5, 0.5]
    assert np.isnan(found["rare"])
    assert "alike" in measures.items_title(found.dropna())


def test_small_levels_are_withheld():
    features = pd.DataFrame({"region": ["N"] * 30 + ["S"] * 20 + ["E"] * 3})
    found = measures.level_shares(features, ["region"]).set_index("level")
    assert found.loc["N", "share"] == pytest.approx(30 / 53)
    assert set(found.loc[["S", "E"], "customers"]) == {"withheld"}
    assert measures.level_shares(features, []).empty


def test_facts_count_what_the_parts_of_the_study_ask_for():
    roles = {"fresh": "tenure", "renewed": "churned", "milk": "monthly_fee"}
    attributes = ATTRIBUTES.assign(
        role=ATTRIBUTES["attribute"].map(roles).astype(object).fillna("")
    )
    judged = measures.outcomes(CUSTOMERS, attributes)
    enough = pd.Series([True, True, False])
    found = measures.facts(
        CUSTOMERS, attributes, judged=judged, enough=enough, builders=2
    )
    assert found == {
        **{"customers": 3, "valued": 2, "enough": 2, "builders": 2, "judged": 1},
        **{"recent": 0, "summed_up": 0, "tenured": 3, "left": 1, "paying": 2},
    }
    facts = pd.Series(found | dict.fromkeys(data_sufficiency._COUNTED, 0))
    limits = {"customers": 3, "segmented": 2, "events": 2, "track": "customer_table"}
    ready = data_sufficiency.verdict(facts, **limits).set_index("part")["ready"]
    assert ready.index[ready].tolist() == ["needs segments", "tenure"]


def ready(**parts):
    rows = [
        (
            part.replace("_", " "),
            one,
            "Ready." if one else "Left out, since it needs 40.",
        )
        for part, one in parts.items()
    ]
    return pd.DataFrame(rows, columns=["part", "ready", "said"])


def test_findings_say_who_is_compared_and_by_what():
    dictionary = pd.DataFrame(
        {
            "family": ["requirement", "requirement", "demographic"],
            "builds": [True, False, False],
        }
    )
    given = {"dictionary": dictionary, "segment_on": ["requirement"], "least": 0.5}
    known = pd.Series([1.0] * 50 + [0.2] * 20)
    parts = {"value": True, "activity": False}
    some = measures.compare(known, ready=ready(needs_segments=True, **parts), **given)
    assert some["decision"].startswith("Compare 50 customers by requirement; leave")
    assert "1 column builds, and 1 of" in some["size"]
    every = measures.compare(
        known[:50], ready=ready(needs_segments=True, **parts), **given
    )
    assert every["decision"] == "Compare all 50 customers by requirement."
    none = measures.compare(known, ready=ready(needs_segments=False, **parts), **given)
    assert none["decision"] == "Look for no segments: it needs 40."
    assert none["action"].startswith("Read value:")


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"a": 1.0}, "One family"),
        ({"a": 0.6, "b": 0.4}, "No family"),
        ({"a": 0.8, "b": 0.2}, "A"),
    ],
)
def test_a_family_that_still_holds_most_is_named(after, said):
    after = pd.Series(after)
    assert measures.balanced(after, after)["decision"].startswith(said)


def test_judges_are_named_where_enough_is_known():
    judged = pd.DataFrame({"customer_id": ["a", "b"], "renewed": [1.0, 0.0]})
    related = pd.DataFrame(
        {"attribute": ["logo", "look"], "outcome": "renewed", "association": [0.2, 0.4]}
    )
    labels = ATTRIBUTES.set_index("attribute")["label"]
    given = {"related": related, "labels": labels}
    found = measures.judges(judged, ready=True, **given)
    assert found["decision"] == "Judge the segments by Renewed: it builds nothing."
    assert "Own look goes most with an outcome: 0.40" in found["size"]
    few = measures.judges(judged, ready=False, **given)
    assert "too few customers" in few["decision"]
    none = measures.judges(judged[["customer_id"]], ready=False, **given)
    assert "none is named" in none["decision"]


def test_titles_claim_what_holds():
    spread = pd.DataFrame({"skewness_before": [3.0, 0.1], "meaning": ["Spend", "Age"]})
    assert measures.spread_title(spread).startswith("Spend leans")
    assert measures.spread_title(spread.iloc[1:]) == "How customers spread over numbers"
    found = pd.DataFrame({"one": ["a"], "other": ["b"], "association": [0.7]})
    labels = {"a": "Milk", "b": "Grocery"}
    assert "Milk and Grocery go together most" in measures.related_title(found, labels)
    weak = measures.related_title(found.assign(association=0.3), labels)
    assert weak == measures.related_title(found.iloc[:0], labels)


def test_few_customers_without_a_value_are_worth_nothing():
    told = pd.DataFrame(
        [("spend", "none", "Spend", "number", "", "value")],
        columns=["attribute", "kind", "label", "measure", "levels", "role"],
    )
    rows = pd.DataFrame({"customer_id": map(str, range(40)), "spend": [5.0] * 40})
    rows.loc[:2, "spend"] = np.nan
    assert measures.few_unvalued(rows, told)
    assert measures.model_form(rows, told)["spend"].tolist() == [0.0] * 3 + [5.0] * 37
    rows.loc[:9, "spend"] = np.nan
    assert not measures.few_unvalued(rows, told)
    assert measures.model_form(rows, told)["spend"].isna().sum() == 10


def test_the_value_of_a_summary_is_the_mean_order_times_the_repeat_orders():
    told = pd.DataFrame(
        [
            ("mean", "behavioural", "Mean order", "number", "", "monetary"),
            ("x", "behavioural", "Orders", "count", "", "repeat_orders"),
        ],
        columns=["attribute", "kind", "label", "measure", "levels", "role"],
    )
    rows = pd.DataFrame({"customer_id": ["a", "b"], "mean": [5.0, 0.0], "x": [3.0, 0]})
    form = measures.model_form(rows, told)
    assert form["value"].tolist() == [15.0, 0.0]
    assert form["mean"].tolist() == [5.0, 0.0]
    assert measures.value_name(told) == "value"
