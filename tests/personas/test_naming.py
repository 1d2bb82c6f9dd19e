"""Names of segments, drawn from effects that can be read off."""

import numpy as np
import pandas as pd
import pytest

from helpers.core import errors
from helpers.core.schema import APART
from helpers.features import labels
from helpers.personas import naming
from helpers.sources import uniform_supplier
from helpers.sources.complete_journey import NEED_STATES

THEMES = {
    "Garden": naming.Theme(("seeds", "tools"), "", "", ""),
    "Kitchen": naming.Theme(("pans",), "", "", ""),
    "Bath": naming.Theme(("soap",), "", "", ""),
}
NEEDS = ["seeds", "tools", "pans", "soap"]
IN_USE = naming.in_use([f"share_{need}" for need in NEEDS], themes=THEMES)


def effects(rows):
    """Give differences with the effects of seeds, tools, pans and soap by segment."""
    return pd.DataFrame(
        {"segment_id": i, "feature": f"share_{need}", "effect": effect, "side": "above"}
        for i, values in rows.items()
        for need, effect in zip(NEEDS, values, strict=True)
    )


def draw(rows):
    return naming.draw(effects(rows), themes=IN_USE)


def test_a_segment_gets_the_theme_it_exceeds_in_by_the_mean_of_its_needs():
    # pans 0.5 beat seeds and tools, 0.4 on average, though seeds alone are 0.9
    drawn = draw({1: [0.9, -0.1, 0.5, 0.1], 2: [0, 0, 0.1, 0.3]})
    assert drawn == {1: "Kitchen", 2: "Bath"}


def test_the_segment_that_stands_out_most_chooses_first():
    # both like pans best; the second by more, so the first takes its next best
    rows = {1: [0.1, 0.1, 0.8, 0.4], 2: [0, 0, 1.5, 1.0]}
    assert draw(rows) == {1: "Bath", 2: "Kitchen"}


def test_a_small_effect_is_enough_for_a_name_and_less_is_not():
    rows = {1: [0, 0, 0.2, 0], 2: [0, 0, 0, 0.1999]}
    assert draw(rows) == {1: "Kitchen", 2: naming.MIXED}


def test_an_effect_that_chance_may_have_made_names_nothing():
    table = effects({1: [0, 0, 0.9, 0], 2: [0, 0, 0, 0.8]})
    table.loc[table["effect"] == 0.9, "side"] = ""
    assert naming.draw(table, themes=IN_USE) == {1: naming.MIXED, 2: "Bath"}


def test_one_segment_alone_exceeds_nobody():
    alone = effects({1: [np.nan] * 4})
    assert naming.draw(alone, themes=IN_USE) == {1: naming.MIXED}
    nothing = {naming.MIXED: naming.OWN[naming.MIXED]}
    assert naming.draw(effects({1: [1, 0, 0, 0]}), themes=nothing) == {1: naming.MIXED}


def test_needs_that_are_called_alike_or_like_no_segment_get_names_of_their_own():
    columns = ["share_Tea", "share_tea", "share_too little data", "share_mixed basket"]
    used = naming.in_use(columns, themes=naming.OWN)
    names = [name for name, theme in used.items() if theme.needs]
    assert names == ["Tea", "Tea (2)", "Too little data (2)", "Mixed basket (2)"]
    assert [used[name].needs for name in names] == [(column,) for column in columns]


def test_needs_of_own_files_get_no_words_of_a_grocery():
    used = naming.in_use(["share_baby", "share_basics"], themes=naming.OWN)
    assert used["Baby"].line == "Comes for more baby than others."
    words = " ".join(f"{one.wants} {one.offer} {one.message}" for one in used.values())
    assert not any(word in words for word in ("diaper", "work wear", "week"))


def test_ways_of_buying_are_not_offered():
    theme = naming.plain(["sales_per_order", "weekend_share"])
    assert theme.line == "Above others in sales per order and share of weekend orders."
    assert theme.offer == "the general offer"
    used = naming.in_use(["weekend_share"], themes=naming.THEMES)
    assert used[naming.MIXED].line == "Near the average in how they buy."


def test_words_are_listed():
    assert naming.listed(["a"]) == "a"
    assert naming.listed(x for x in "abc") == "a, b and c"


def test_more_segments_than_themes_begin_the_list_anew():
    rows = {
        1: [0, 0, 2.0, 0],
        2: [0, 0, 1.5, 1.0],
        3: [0.3, 0.3, 1.0, 0],
        4: [0, 0, 0.5, 0.2],
    }
    drawn = draw(rows)
    assert drawn == {1: "Kitchen", 2: "Bath", 3: "Garden", 4: "Kitchen"}
    named = naming.names(drawn, overrides={})
    assert named == {"1": "Kitchen", "2": "Bath", "3": "Garden", "4": "Kitchen 2"}


def test_names_stay_when_effects_move_a_little_or_rows_change_places():
    rows = {1: [1.2, 0.9, 0.1, 0.0], 2: [0, 0, 0.7, 0.3], 3: [-0.5, 0, 0.2, 0.6]}
    calm = draw(rows)
    assert calm == {1: "Garden", 2: "Kitchen", 3: "Bath"}
    rng = np.random.default_rng(1)
    for _ in range(20):
        moved = {i: np.add(v, rng.uniform(-0.1, 0.1, 4)) for i, v in rows.items()}
        assert draw(moved) == calm
    mixed = effects(rows).sample(frac=1, random_state=1)
    assert naming.draw(mixed, themes=IN_USE) == calm


def test_every_need_of_a_theme_is_one_of_a_source_and_belongs_to_one_theme():
    needs = [need for theme in naming.THEMES.values() for need in theme.needs]
    assert len(needs) == len(set(needs))
    assert set(needs) <= (NEED_STATES.keys() | uniform_supplier.NEEDS.keys()) - set(
        APART
    )


@pytest.mark.parametrize(
    "told",
    [NEED_STATES.keys() - {"other_grocery", *APART}, uniform_supplier.NEEDS.keys()],
)
def test_each_source_of_the_study_has_a_theme_for_every_need(told):
    used = naming.in_use([f"share_{need}" for need in told], themes=naming.THEMES)
    assert used.keys() <= naming.THEMES.keys()
    named = [column for theme in used.values() for column in theme.needs]
    assert sorted(named) == sorted(f"share_{need}" for need in told)


def test_channels_topics_and_requirements_get_themes_in_words():
    columns = ["share_basics", "channel_web_shop", "topic_sizing", "requires_rental"]
    used = naming.in_use(columns, themes=naming.THEMES)
    assert {name: theme.needs for name, theme in used.items() if theme.needs} == {
        "Plain work wear": ("share_basics",),
        "Orders by web shop": ("channel_web_shop",),
        "Questions about sizing": ("topic_sizing",),
        "Requires rental": ("requires_rental",),
    }
    assert used["Questions about sizing"].wants == "questions about sizing"


DRAWN = {1: "Garden", 2: "Kitchen", 3: "Garden"}


def test_a_person_may_name_a_segment():
    named = naming.names(DRAWN, overrides={"2": "Cooks"})
    assert named == {"1": "Garden", "2": "Cooks", "3": "Garden 2"}


def test_a_name_for_no_segment_is_refused():
    with pytest.raises(errors.BadInput, match=r"names segment 4, but .* 1, 2, 3"):
        naming.names(DRAWN, overrides={"4": "Cooks"})


@pytest.mark.parametrize(
    "overrides", [{"1": "Cooks", "2": "Cooks"}, {"1": "Kitchen"}, {"2": "Garden 2"}]
)
def test_two_segments_of_one_name_are_refused(overrides):
    with pytest.raises(errors.BadInput, match="two segments would be called"):
        naming.names(DRAWN, overrides=overrides)


def test_a_segment_that_stands_out_nowhere_has_a_mixed_basket():
    rows = [
        {"segment_id": 1, "feature": f"share_{need}", "effect": 0.19, "side": "above"}
        for theme in naming.THEMES.values()
        for need in theme.needs
    ]
    rows += [row | {"segment_id": 2, "effect": 0.2} for row in rows]
    columns = [row["feature"] for row in rows[: len(rows) // 2]]
    known = naming.in_use(columns, themes=naming.THEMES)
    drawn = naming.draw(pd.DataFrame(rows), themes=known)
    assert drawn[1] == naming.MIXED and drawn[2] != naming.MIXED


def test_a_theme_keeps_the_needs_that_the_run_has_and_goes_without_any():
    used = naming.in_use(["share_tools", "share_soap"], themes=THEMES)
    assert used["Garden"].needs == ("share_tools",)
    assert used["Bath"].needs == ("share_soap",)
    assert "Kitchen" not in used and list(used)[-1] == naming.MIXED


def test_a_run_of_other_features_gets_a_theme_for_each_and_draws_names_from_them():
    used = naming.in_use(["share_spare_parts", "support_calls"], themes=THEMES)
    assert list(used) == ["Spare parts", "Support calls", naming.MIXED]
    rows = [
        (1, "share_spare_parts", 0.1),
        (1, "support_calls", 0.9),
        (2, "share_spare_parts", 0.4),
        (2, "support_calls", -0.9),
    ]
    table = pd.DataFrame(rows, columns=["segment_id", "feature", "effect"])
    table["side"] = "above"
    assert naming.draw(table, themes=used) == {1: "Support calls", 2: "Spare parts"}


def test_a_topic_that_is_called_like_a_need_is_not_taken_for_it():
    used = naming.in_use(["topic_soap", "share_pans"], themes=THEMES)
    assert list(used) == ["Kitchen", "Questions about soap", naming.MIXED]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (["share_pans"], "more pans than others"),
        (["share_pans", "visits"], "more pans and visits than others"),
        (["share_pans", "visits", "soap"], "more pans, visits and soap than others"),
    ],
)
def test_features_are_put_in_plain_words(columns, said):
    theme = naming.plain(columns)
    assert theme.wants == said
    assert theme.needs == tuple(columns)
    assert said.removesuffix(" than others").replace("more", "more of") == theme.offer


def test_a_column_is_said_in_words():
    assert labels.say("share_pet_care") == "pet care"
    assert labels.say("gap_mean_days") == "days between orders"
    assert labels.say("main_store_share") == "share of orders in the main store"
    assert set(labels.WORDS.values()) & set(labels.WORDS) == set()


OWN = {"1": "Ours", "2": "Theirs"}


@pytest.mark.parametrize(
    ("given", "kept", "said"),
    [
        ({}, {}, "All names come from the themes."),
        (OWN, OWN, 'Write `model: "1a2b"` under `segments:`'),
        (OWN | {"model": "1a2b"}, OWN, "they are of this model (1a2b)"),
        (OWN | {"model": "ffff"}, {}, "set aside: they are of another model"),
    ],
)
def test_own_names_stay_with_their_model(given, kept, said):
    found, told = naming.own(given, model="1a2b")
    assert found == kept and said in told


def test_a_card_under_an_own_name_goes_by_what_marks_the_segment():
    marks = pd.DataFrame(
        {
            "segment_id": [1, 1, 2],
            "feature": ["share_soap", "share_tea", "share_tea"],
            "side": ["above", "below", "above"],
            "used_to_build": True,
        }
    )
    themes = {"Tea": naming.plain(["share_tea"]), naming.MIXED: naming.plain(["x"])}
    given = {"themes": themes, "of": ["share_soap", "share_tea"]}
    drawn = {1: "Tea", 2: "Tea", 3: "Tea"}
    found = naming.followed(drawn, marks, own=["1", "3"], **given)
    assert found[1] == naming.plain(["share_soap"])
    assert found[2] == themes["Tea"]
    assert found[3] == themes[naming.MIXED]


def test_themes_are_listed_with_their_needs():
    themes = {
        "Tea": naming.plain(["share_tea"]),
        naming.MIXED: naming.OWN[naming.MIXED],
    }
    assert naming.listing(themes)["needs"].tolist() == ["tea", "none stands out"]


def test_a_missing_number_is_none_in_a_sentence():
    row = pd.Series({"name": "Tea", "share": float("nan"), "all": 0.2})
    assert naming.facts(row) == {"name": "Tea", "share": None, "all": 0.2}
