import numpy as np
import pandas as pd
import pytest
from customer_table import made

from helpers import personas
from helpers.customer_table import people
from helpers.disclosure import suppression
from helpers.personas import rules


def about(**columns):
    """Describe columns: name -> (family, measure, levels, builds)."""
    attributes = pd.DataFrame(
        {
            "table": "customers",
            "attribute": name,
            "kind": family,
            "label": name.capitalize(),
            "measure": measure,
            "levels": str(levels).replace("'", '"') if levels else "",
            "role": "value" if name == "spend" else "",
        }
        for name, (family, measure, levels, _) in columns.items()
    )
    dictionary = pd.DataFrame(
        {"feature": name, "unit": "", "builds": builds}
        for name, (*_, builds) in columns.items()
    )
    return people.fields(attributes, dictionary)


ASKS = about(
    safe=("requirement", "yes_no", ["no", "yes"], True),
    style=("psychographic", "ordered", ["never", "often", "always"], True),
    colour=("requirement", "unordered", ["blue", "red"], True),
    visits=("behavioural", "count", [], False),
    share=("behavioural", "share", [], False),
    spend=("none", "number", [], False),
)


def compared(table, ids, described=ASKS, **more):
    spread, told = people.spread_out(pd.DataFrame(table), described)
    return people.compare(spread, pd.Series(ids), told, seed=1, **more), told


def row(found, segment, feature):
    at = (found["segment_id"] == segment) & (found["feature"] == feature)
    return found[at].iloc[0]


@pytest.fixture(scope="module")
def survey():
    return made.survey(600)


@pytest.fixture(scope="module")
def whole(survey):
    """Gather the evidence of a made survey, as notebook 4 does."""
    tables = survey.tables
    described = people.fields(tables["attributes"], tables["feature_dictionary"])
    assigned = tables["segments"]
    known = assigned["segment_id"] > 0
    ids = assigned.loc[known, "segment_id"].reset_index(drop=True)
    features = tables["features"][known].reset_index(drop=True)
    spread, told = people.spread_out(features, described)
    found = people.compare(spread, ids, told, seed=1)
    names = people.called(personas.naming.names(people.draw(found, told), overrides={}))
    outcomes = tables["outcomes"][known].reset_index(drop=True)
    judged, judged_told = people.spread_out(outcomes, described)
    sizes = people.sizes(
        assigned["segment_id"], value=tables["features"]["spend"], weights=None, seed=1
    )
    stability = tables["segment_stability"].rename(
        columns={"low": "recovery_low", "high": "recovery_high"}
    )
    summary = people.shown(sizes).merge(stability, on="segment_id", how="left")
    summary = summary.merge(people.borderline(assigned), on="segment_id")
    summary["name"] = summary["segment_id"].map(names)
    summary["confidence"] = personas.cards.confidences(summary)
    return people.Evidence(
        summary=summary,
        marks=personas.profiles.marks(found, min_effect=0.2),
        about=told,
        outcomes=people.compare(judged, ids, judged_told, seed=1),
        outcomes_about=judged_told,
        neighbours=personas.profiles.neighbours(assigned),
        names=names,
        who={},
        value="spend",
        value_label="yearly spend",
        plain=True,
    )


def test_columns_have_labels_of_their_own_and_know_whether_they_build():
    attributes = pd.DataFrame(
        {
            "table": ["customers", "customers", "leads"],
            "attribute": ["a", "b", "a"],
            "kind": "requirement",
            "label": ["Fit", "Fit", "Fit"],
            "measure": "yes_no",
            "levels": ['["no", "yes"]', "", ""],
            "role": ["", "outcome", ""],
        }
    )
    dictionary = pd.DataFrame({"feature": ["a"], "unit": [""], "builds": [True]})
    found = people.fields(attributes, dictionary)
    assert found["label"].tolist() == ["Fit", "Fit (2)"]
    assert found["builds"].tolist() == [True, False]
    assert found["levels"].tolist() == [["no", "yes"], []]


def test_columns_are_laid_out_as_scores_shares_and_levels():
    table = {
        "style": [0.0, 1.0, 2.0] * 10,
        "colour": ["blue"] * 12 + ["red"] * 12 + [None] * 6,
        "safe": [1.0] * 30,  # the same for all
        "visits": np.arange(30.0),
    }
    spread, told = people.spread_out(pd.DataFrame(table), ASKS)
    assert list(spread) == ["style", "colour: blue", "colour: red", "visits"]
    assert spread["style"].max() == 3
    assert spread["colour: blue"].sum() == 12
    assert spread["colour: blue"].isna().sum() == 6
    assert told["kind"].tolist() == ["score", "yes", "yes", "number"]
    assert told.loc["style", "unit"] == "mean score, 1 to 3"


def test_a_rare_level_is_no_column():
    spread, _ = people.spread_out(
        pd.DataFrame({"colour": ["blue"] * 30 + ["red"] * 9}), ASKS
    )
    assert list(spread) == ["colour: blue"]


def test_a_clear_difference_has_a_side_and_says_what_it_rests_on():
    table = {"safe": [1.0] * 80 + [0.0] * 20 + [1.0] * 20 + [0.0] * 80}
    table["visits"] = [5.0, 7.0] * 100
    found, _ = compared(table, [1] * 100 + [2] * 100)
    safe = row(found, 1, "safe")
    assert (safe["mean"], safe["average"]) == pytest.approx((0.8, 0.5))
    assert safe["side"] == "above"
    assert 0.1 < safe["low"] < 0.3 < safe["high"] < 0.5
    assert safe["used_to_build"]
    assert row(found, 1, "visits")["side"] == ""
    assert not row(found, 1, "visits")["used_to_build"]


def test_nobody_of_a_small_segment_is_not_clearly_below():
    # Resampling 0 of 25 gives 0 each time; Wilson's interval reaches up to 20% or so.
    table = {"safe": [0.0] * 25 + [1.0] * 20 + [0.0] * 180}
    found, _ = compared(table, [1] * 25 + [2] * 200)
    assert row(found, 1, "safe")["side"] == ""


def test_shares_of_fewer_than_ten_are_hidden_with_what_would_give_them_away():
    table = {
        "safe": [1.0] * 4
        + [0.0] * 46
        + [1.0] * 30
        + [0.0] * 20
        + [1.0] * 25
        + [0.0] * 25
    }
    found, _ = compared(table, [1] * 50 + [2] * 50 + [3] * 50)
    hidden = found.set_index("segment_id")["hidden"]
    assert hidden[1] and hidden.sum() == 2
    assert found.set_index("segment_id")["mean"].isna().sum() == 2


def test_a_mean_that_one_customer_makes_is_hidden():
    table = {"spend": [1000.0] + [1.0] * 49 + [5.0, 6.0] * 25}
    found, _ = compared(table, [1] * 50 + [2] * 50)
    assert row(found, 1, "spend")["hidden"] and np.isnan(row(found, 1, "spend")["mean"])
    assert not row(found, 2, "spend")["hidden"]


def test_a_segment_of_fewer_than_ten_has_no_side():
    table = {"visits": [50.0, 51.0] * 4 + [1.0, 2.0] * 50}
    found, _ = compared(table, [1] * 8 + [2] * 100)
    assert row(found, 1, "visits")["side"] == ""
    assert row(found, 1, "visits")["hidden"]


def test_sample_weights_count():
    table = {"visits": [1.0, 3.0] * 20 + [10.0, 11.0] * 20}
    weights = pd.Series([3.0, 1.0] * 20 + [1.0, 1.0] * 20)
    found, _ = compared(table, [1] * 40 + [2] * 40, weights=weights)
    assert row(found, 1, "visits")["mean"] == pytest.approx(1.5)
    assert row(found, 1, "visits")["average"] == pytest.approx(
        (80 * 1.5 + 40 * 10.5) / 120
    )


def test_without_columns_nothing_is_compared():
    found, _ = compared({"safe": [1.0] * 20}, [1] * 10 + [2] * 10)
    assert found.empty


def differences(*rows):
    names = ["segment_id", "feature", "effect", "side"]
    table = pd.DataFrame(rows, columns=names)
    return table.assign(used_to_build=True, hidden=False, average=0.0, mean=0.0)


TOLD = people.spread_out(
    pd.DataFrame(
        {
            "safe": [0.0, 1.0] * 20,
            "style": [0.0, 2.0] * 20,
            "colour": ["blue", "red"] * 20,
            "visits": [1.0, 2.0] * 20,
        }
    ),
    ASKS,
)[1]


def test_a_segment_is_named_after_what_it_has_before_what_it_lacks():
    found = differences(
        (1, "safe", -1.5, "below"),
        (1, "style", 0.9, "above"),
        (2, "safe", 1.0, "above"),
        (2, "style", -0.9, "below"),
    )
    assert people.draw(found, TOLD) == {1: "High: Style", 2: "Safe"}


def test_a_segment_that_has_nothing_more_is_named_after_what_it_lacks():
    found = differences(
        (1, "safe", -1.5, "below"),
        (1, "style", -0.3, ""),
        (2, "safe", 1.0, "above"),
        (2, "style", 0.3, ""),
    )
    assert people.draw(found, TOLD) == {1: "Low: Safe", 2: "Safe"}


def test_no_segment_is_named_after_a_level_that_it_lacks_or_a_small_difference():
    found = differences(
        (1, "colour: red", -1.5, "below"), (2, "colour: red", 0.1, "above")
    )
    assert people.draw(found, TOLD) == {1: people.AVERAGE, 2: people.AVERAGE}


def test_what_must_not_be_shown_names_nobody():
    found = differences((1, "safe", 1.5, "above"), (2, "safe", -1.5, "below"))
    assert set(people.draw(found.assign(hidden=True), TOLD).values()) == {
        people.AVERAGE
    }


def test_sizes_are_weighted_and_leave_out_a_missing_value():
    groups = pd.Series([1, 1, 2, 2, 0], name="segment_id")
    value = pd.Series([10.0, 20.0, 30.0, np.nan, 5.0])
    weights = pd.Series([3.0, 1.0, 1.0, 1.0, 2.0])
    found = people.sizes(groups, value=value, weights=weights, seed=1)
    assert found["segment_id"].tolist() == [1, 2, 0]
    assert found["customers"].tolist() == [2, 2, 1]
    assert found["share_customers"].tolist() == [0.5, 0.25, 0.25]
    assert found["sales_per_customer"].tolist() == [12.5, 30.0, 5.0]
    assert found["share_sales"].tolist() == pytest.approx([50 / 90, 30 / 90, 10 / 90])
    assert (found["low"] <= found["sales_per_customer"]).all()


def test_sizes_without_a_value_count_customers_only():
    groups = pd.Series([1] * 3 + [2], name="segment_id")
    found = people.sizes(groups, value=None, weights=None, seed=1)
    assert list(found) == ["segment_id", "customers", "share_customers"]


def test_money_of_one_customer_is_not_shown():
    groups = pd.Series([1] * 20 + [2] * 20 + [3] * 20, name="segment_id")
    value = pd.Series([1000.0] + [1.0] * 19 + [50.0] * 20 + [60.0] * 20)
    told = people.shown(people.sizes(groups, value=value, weights=None, seed=1))
    assert suppression.LARGEST not in told
    assert np.isnan(told.loc[0, "sales"])
    assert told["sales"].isna().sum() == 2  # the total gives away a single one


def test_numbers_become_classes_at_rounded_quartiles():
    found = people.banded(pd.Series([1.0, 12.0, 23.0, 34.0, 45.0, np.nan]))
    assert found.cat.categories.tolist() == [
        "up to 12",
        "above 12 to 23",
        "above 23 to 34",
        "above 34",
    ]
    assert found.tolist()[:3] == ["up to 12", "up to 12", "above 12 to 23"]
    assert found.isna().tolist() == [False] * 5 + [True]


def test_groups_are_those_that_may_be_shown(survey):
    tables = survey.tables
    described = people.fields(tables["attributes"], tables["feature_dictionary"])
    names = {1: "A", 2: "B", 3: "C", 0: people.FEW}
    attributes = people.attributes_of(described, tables["customers"])
    assert attributes == ["age", "region"]
    found = people.groups(
        tables["segments"],
        tables["customers"],
        described,
        attributes=attributes,
        names=names,
        value=tables["features"]["spend"],
        max_groups=10_000,
    )
    assert found.cube.dimensions == ["needs", "value_tier", "age", "region"]
    assert (found.cube.views["customers"] >= 10).all()
    counted = (tables["segments"]["segment_id"] == 1).sum()
    own = found.cube.views[found.cube.views["level_1"].eq("A")]
    assert own[own["by_2"] == ""]["customers"].tolist() == [counted]
    about_page = people.described(
        found, described, value="spend", readings="x", note=""
    )
    assert [one["label"] for one in about_page["dimensions"]][2:] == ["Age", "Region"]
    assert about_page["days"] == {}


def test_without_segments_and_value_attributes_alone_are_crossed():
    tables = made.survey(300, value=False, outcome=False, usable=False).tables
    described = people.fields(tables["attributes"], tables["feature_dictionary"])
    found = people.groups(
        tables["segments"],
        tables["customers"],
        described,
        attributes=["age", "region"],
        names={0: people.EVERYONE},
        value=None,
        max_groups=10_000,
    )
    assert found.cube.dimensions == ["age", "region"]
    assert "sales" not in found.cube.views


GIVEN = pd.DataFrame(
    {
        "safe": [0.0, 1.0, np.nan],
        "style": [0.0, 2.0, np.nan],
        "colour": ["red", "blue", None],
        "visits": [7.0, 40.0, np.nan],
        "share": [0.0, 1.0, np.nan],
    }
)


@pytest.mark.parametrize(
    ("field", "value", "answer", "said"),
    [
        ("safe", 0.5, True, "Safe: yes"),
        ("safe", 0.5, False, "Safe: not yes"),
        ("style", 0.5, True, "Style: often or above"),
        ("style", 1.5, False, "Style: below always"),
        ("colour", "red", True, "Colour is red"),
        ("colour", "red", False, "Colour is not red"),
        ("visits", 1200.0, True, "Visits at least 1,200"),
        ("share", 0.25, False, "Share below 25%"),
    ],
)
def test_questions_of_rules_are_said_in_the_words_of_the_table(
    field, value, answer, said
):
    wording = people.condition_in_words(ASKS, GIVEN.dropna())
    assert wording(rules.Condition(field, value), answer) == said


@pytest.mark.parametrize(
    ("field", "value", "answer", "said"),
    [
        ("style", -0.5, True, "Style: answered"),
        ("style", -0.5, False, "Style: not answered"),
        ("style", 1.5, False, "Style: below always, or not answered"),
        ("style", 1.5, True, "Style: always or above"),
        ("visits", 20.0, False, "Visits below 20, or not answered"),
        ("safe", 0.0, False, "Safe: not answered"),
    ],
)
def test_who_gave_no_answer_is_on_the_side_of_no(field, value, answer, said):
    wording = people.condition_in_words(ASKS, GIVEN)
    assert wording(rules.Condition(field, value), answer) == said


def mark(feature, **more):
    given = {"feature": feature, "mean": 0.8, "average": 0.5, "low": 0.2, "high": 0.4}
    given |= {"side": "above", "hidden": False, "shared_with": (), "effect": 0.9}
    return pd.Series(given | {"segment_id": 1, "used_to_build": True} | more)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (mark("safe"), "Safe: 80% (all: 50%; difference +20 to +40 points)"),
        (mark("safe", hidden=True), "Safe: above average (numbers withheld)"),
        (
            mark("style", mean=2.5, average=2.0),
            "Style: mean score 2.5 of 3 (all: 2.0; difference +0.2 to +0.4)",
        ),
        (
            mark("visits", mean=8.0, average=5.0, low=-4, high=-2),
            "Visits: 8.0 on average (all: 5.0; difference −4.0 to −2.0)",
        ),
    ],
)
def test_a_difference_is_said_by_its_measure(one, said):
    assert people.say_mark(one, TOLD) == said


def test_who_shares_a_difference_is_named_with_what_it_rests_on():
    said = people.say_mark(
        mark("safe", shared_with=(2,)), TOLD, names={2: "Other"}, grade="observed"
    )
    assert said.endswith("points; observed); also Other")


def test_a_line_says_what_lies_above_and_below():
    rows = pd.DataFrame([mark("safe"), mark("style", side="below")])
    assert people.summary(rows, TOLD) == "Above average: Safe. Below: Style."
    assert people.summary(rows.iloc[1:], TOLD) == "Below average: Style."
    assert people.summary(rows.iloc[:0], TOLD).startswith("Near the average")


def test_what_they_ask_for_is_offered_by_construction():
    offer, message, *rest = people.plan(
        pd.DataFrame([mark("safe"), mark("visits")]), TOLD, value=""
    )
    assert offer["advice"] == "what they ask for: Safe"
    assert offer["grade"] == "by construction"
    assert message["grade"] == "assumed"
    assert rest == []  # without a value, nothing is said of service


def test_without_a_wish_the_offer_is_assumed_and_service_follows_value():
    told = people.spread_out(
        pd.DataFrame({"spend": [1.0, 2.0] * 20, "safe": [0.0, 1.0] * 20}), ASKS
    )[1]
    rows = pd.DataFrame([mark("spend", used_to_build=False)])
    offer, _, service = people.plan(rows, told, value="spend")
    assert (offer["advice"], offer["grade"]) == ("the general offer", "assumed")
    assert service["what"] == "service level"
    assert service["grade"] == "observed"
    none = people.plan(rows.iloc[:0], told, value="spend")
    assert none[2]["grade"] == "assumed"


def test_cards_answer_all_questions(whole):
    advice = people.plans(whole)
    cards = people.deck(whole, advice=advice)
    assert [card.segment_id for card in cards] == [1, 2, 3]
    assert set(people.SHORT) <= set(cards[0].parts)
    assert "186 customers (31%)" in cards[0].parts[people.SHORT[0]]
    assert "yearly spend" in cards[0].parts[people.SHORT[0]]
    assert any("Has left" in one for one in cards[0].parts[people.TURNED_OUT])
    assert (
        cards[2].parts[personas.cards.RELIABLE].startswith("Not shown to be reliable")
    )
    overview = people.overview(whole, cards, advice=advice)
    assert overview["action"].iloc[-1].startswith("Ask for the missing answers")
    assert overview["low"].notna().all()


def test_the_planted_answers_name_the_segments(whole):
    assert whole.names == {
        1: "High: Looks matter",
        2: "High: Compares prices",
        3: "Asks for safety",
        0: people.FEW,
    }


def test_a_card_of_few_customers_says_no_more(whole):
    few = whole.summary.assign(customers=[9, 200, 200, 30])
    small = people.Evidence(**{**vars(whole), "summary": few})
    card = people.deck(small, advice=people.plans(small))[0]
    assert set(card.parts.values()) == {
        "Fewer than 10 customers: nothing more is shown."
    }


def test_intervals_of_weighted_means_do_not_stand_beside_counts(whole):
    weighted = people.Evidence(**{**vars(whole), "plain": False})
    told = people.overview(weighted, [], advice=people.plans(weighted))
    assert told["low"].isna().all() and told["high"].isna().all()


def test_questions_are_ordered_by_how_far_they_recover_segments(survey):
    tables = survey.tables
    known = tables["segments"]["segment_id"] > 0
    ids = tables["segments"].loc[known, "segment_id"].reset_index(drop=True)
    described = people.fields(tables["attributes"], tables["feature_dictionary"])
    asked = people.askable(described, tables["features"])
    assert asked == ["style", "price", "safety", "colour", "visits"]
    answers = tables["features"].loc[known, asked].reset_index(drop=True)
    found = people.golden(answers, ids, most=3, seed=1)
    assert found["fields"].tolist() == [1, 2, 3]
    assert found["agreement"].is_monotonic_increasing
    assert found["majority"].iloc[0] == pytest.approx(
        ids.value_counts(normalize=True).max()
    )


def test_the_list_for_other_programs_names_segments(survey):
    names = {1: "A", 2: "B", 3: "C", 0: people.FEW}
    found = people.membership(survey.tables["segments"], names)
    few = found[found["segment_id"] == 0].iloc[0]
    assert few["segment"] == people.FEW and pd.isna(few["second"])
    assert found["segment"].notna().all()


def test_outcomes_are_written_with_intervals_and_what_is_apart(whole):
    told = people.spoken(whole.outcomes, whole.outcomes_about, names=whole.names)
    assert told["group"].tolist() == [whole.names[i] for i in (1, 2, 3)]
    assert told["Has left"].iloc[0].endswith("apart: below")


# ---- findings: every branch


def test_no_segments_are_said_with_the_reason():
    none = people.no_groups({"verdict": "not usable", "why": "Not stable."})
    unasked = people.no_groups({"verdict": "not looked for", "why": "Too few."})
    assert (none["id"], none["size"]) == ("table-people-groups-none", "Not stable.")
    assert unasked["id"] == "table-people-groups-unasked"


@pytest.mark.parametrize(("recovery", "branch"), [(0.9, "go"), (0.3, "unsure")])
def test_offers_are_planned_where_a_segment_is_reliable(whole, recovery, branch):
    rows = whole.summary[whole.summary["segment_id"] > 0].assign(recovery=recovery)
    rows["confidence"] = personas.cards.confidences(rows)
    found = people.offers(rows, decided={"verdict": "constructive"}, label="spend")
    assert found["id"] == f"table-people-offers-{branch}"
    assert "of spend" in found["size"]


TIERS = pd.DataFrame(
    {
        "value_tier": ["high", "low"],
        "share_customers": [0.2, 0.8],
        "share_sales": [0.6, 0.4],
    }
)
RANKED = pd.DataFrame(
    {
        "name": ["A", "B"],
        "sales_per_customer": [100.0, 50.0],
        "low": [90.0, 45.0],
        "high": [110.0, 55.0],
    }
)


@pytest.mark.parametrize(
    ("tiers", "segments", "sides", "branch"),
    [
        (TIERS, RANKED, ["above", ""], "differs"),
        (TIERS, RANKED, ["", ""], "alike"),
        (TIERS, RANKED.iloc[:1], [], "tiers"),
        (TIERS.iloc[:0], RANKED, ["", ""], "alike"),
        (TIERS.assign(share_sales=np.nan), RANKED.iloc[:0], [], "unknown"),
    ],
)
def test_value_is_concluded_by_what_may_be_shown(tiers, segments, sides, branch):
    worth = pd.DataFrame({"side": sides})
    found = people.value(tiers, segments, worth, label="spend")
    assert found["id"] == f"table-people-value-{branch}"


def test_outcomes_differ_only_where_a_difference_is_clear(whole):
    said = {"about": whole.outcomes_about, "names": whole.names}
    differ = people.outcomes(whole.outcomes, **said)
    assert differ["id"] == "table-people-outcomes-differ"
    assert "no" not in differ["decision"].split() and "Has left" in differ["decision"]
    alike = people.outcomes(whole.outcomes.assign(side=""), **said)
    assert alike["id"] == "table-people-outcomes-alike"
    hidden = people.outcomes(whole.outcomes.assign(hidden=True), **said)
    assert hidden["id"] == "table-people-outcomes-alike"
    none = people.outcomes(whole.outcomes.iloc[:0], **said)
    assert none["id"] == "table-people-outcomes-none"


AGREE = pd.DataFrame([{"agreement": 0.8, "low": 0.7, "high": 0.9, "majority": 0.4}])


def test_rules_are_concluded_by_what_they_beat():
    by_segment = pd.DataFrame({"recall": [0.6, 0.9]})
    work = people.rule_card(["Fit", "Price"], AGREE, by_segment)
    assert work["id"] == "table-people-rules-work"
    assert work["decision"].endswith("2 questions: Fit and Price.")
    assert people.rule_card([], AGREE, None)["id"] == "table-people-rules-no-better"
    assert people.rule_card([], None, None)["id"] == "personas-rules-unjudged"


def test_building_from_who_customers_are_is_said():
    assert people.built_of(ASKS, []) == []
    [found] = people.built_of(ASKS, ["safe"])
    assert found["id"] == "table-people-attributes-built"
    assert "Safe" in found["decision"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"verdict": "natural"}, "stand apart"),
        ({"verdict": "constructive"}, "no sharp groups"),
    ],
)
def test_the_answer_says_what_the_segments_are(given, said):
    answer = people.answer(
        given, segments=3, differs=True, label="annual spend", judged=False
    )
    assert said in answer
    assert "Segments differ in annual spend." in answer
    assert "not shown to differ in their outcomes" in answer


def test_the_answer_without_segments_value_or_outcome():
    given = {"verdict": "not looked for", "why": "Too few."}
    said = people.answer(given, segments=0, differs=None, label="", judged=None)
    assert said.startswith("We did not look for segments. Too few.")
    assert "names no value" in said and "outcomes" not in said


RIGHT = pd.DataFrame(
    [
        {"way": "classifier", "agreement": 0.6, "low": 0.5, "high": 0.7},
        {"way": "one field: Age", "agreement": 0.5, "low": 0.4, "high": 0.6},
    ]
)
CHOSEN = pd.Series({"typed": 0.3, "right": 0.8, "low": 0.7, "high": 0.9})
ASKED = {"first": "Fit", "questions": 2, "before": 0.4, "after": 0.8, "helps": True}


@pytest.mark.parametrize("branch", ["types", "unsure", "guess"])
def test_newcomers_are_typed_as_far_as_the_tests_allow(branch):
    given = {"guessed": 0.4, "confidence": 0.6, "leads": "none"}
    given |= {"shown": 2, "least": 0.2, "most": 0.7}
    chosen = CHOSEN if branch == "types" else None
    found = people.typing(branch, RIGHT, chosen, asked=ASKED, **given)
    assert found["id"] == f"table-typing-{branch}"
    assert found["action"].startswith("Ask Fit first: all 2 questions bring it to 80%")


def test_where_nothing_is_known_newcomers_are_asked():
    given = {"guessed": 0.4, "confidence": 0.6, "leads": "none"}
    found = people.typing("none", None, None, asked=None, **given)
    assert found["id"] == "table-typing-ask"
    assert found["action"] == "There is no further question to ask."
    idle = people.typing("none", None, None, asked=ASKED | {"helps": False}, **given)
    assert "not shown to help" in idle["action"]


def test_an_attribute_may_be_called_as_a_reading_is():
    tables = made.survey(300).tables
    names = {"age": "sales", "region": "activity"}
    attributes = tables["attributes"].replace({"attribute": names})
    dictionary = tables["feature_dictionary"].replace({"feature": names})
    described = people.fields(attributes, dictionary)
    found = people.groups(
        tables["segments"],
        tables["customers"].rename(columns=names),
        described,
        attributes=["sales", "activity"],
        names={1: "A", 2: "B", 3: "C", 0: people.FEW},
        value=tables["features"]["spend"],
        max_groups=10_000,
    )
    assert found.people["sales"].sum() == pytest.approx(
        tables["features"]["spend"].sum()
    )
    told = people.described(found, described, value="x", readings="", note="")
    assert [one["label"] for one in told["dimensions"]][2:] == ["Age", "Region"]
    assert list(people.known(found, ["sales"], described)) == ["customer_id", "Age"]


def test_fewer_than_ten_customers_have_no_totals():
    assert people.totals(pd.DataFrame(index=range(9)), pd.Series([1.0] * 9)) == {
        "customers": "fewer than 10"
    }
    whole = people.totals(pd.DataFrame(index=range(10)), pd.Series([1.0] * 10))
    assert whole == {"customers": 10, "sales": 10.0}
    assert people.totals(pd.DataFrame(index=range(10)), None) == {"customers": 10}


def test_a_value_that_is_a_sum_of_columns_is_described_too():
    attributes = pd.DataFrame(
        {
            "table": "customers",
            "attribute": ["milk", "fresh"],
            "kind": "behavioural",
            "label": ["Milk", "Fresh"],
            "measure": "number",
            "levels": "",
            "role": "value",
        }
    )
    dictionary = pd.DataFrame(
        {
            "feature": ["milk", "fresh", "value"],
            "measure": "number",
            "unit": "currency",
            "builds": [True, True, False],
        }
    )
    found = people.fields(attributes, dictionary)
    assert found.loc["value", ["label", "role", "builds"]].tolist() == [
        "value",
        "value",
        False,
    ]
    table = pd.DataFrame({"milk": [1.0], "fresh": [2.0], "value": [3.0]})
    # what built the segments may be asked for, though it is money
    assert people.askable(found, table) == ["milk", "fresh"]
    assert people.column(table, "value", found)[1] == "value"
