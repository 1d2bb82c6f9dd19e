"""Cube: groups of customers counted by hand, and those that must stay away."""

import attacks
import numpy as np
import pandas as pd
import pytest

from helpers.core.errors import BadInput
from helpers.disclosure import cube


def customers(cells):
    """Lay out customers: (tier, town, how many, sales of each)."""
    rows = [(tier, town, sales) for tier, town, n, sales in cells for _ in range(n)]
    return pd.DataFrame(rows, columns=["tier", "town", "sales"])


TOWNS = customers(
    [
        *(("high", "north", 12, 3.0), ("high", "south", 20, 2.0)),
        *(("low", "north", 15, 1.0), ("low", "south", 13, 1.0)),
    ]
)
ASKED = {"dimensions": ["tier", "town"], "most": 2, "below": 10}


def views(table, **change):
    asked = ASKED | {"measures": ["sales"]} | change
    return cube.views(table, **asked)


def conditions(published):
    names = [name for name in published if name.startswith(("by_", "level_"))]
    return {tuple(filter(None, row)) for row in published[names].to_numpy()}


def test_every_group_is_counted_and_its_money_added_up():
    found = views(TOWNS)
    assert found.iloc[0].tolist() == ["", "", "", "", 60, 104.0]
    assert len(found) == 1 + 4 + 4
    high_north = found[(found["level_1"] == "high") & (found["level_2"] == "north")]
    assert high_north[["customers", "sales"]].to_numpy().tolist() == [[12, 36.0]]


def test_a_group_of_three_goes_with_what_would_give_it_away():
    table = customers([("high", "north", 3, 1.0), *_others()])
    found = conditions(views(table))
    assert ("tier", "high", "town", "north") not in found
    assert not any(len(told) == 4 for told in found)
    assert ("tier", "high") in found and ("town", "north") in found


def _others():
    return [
        ("high", "south", 20, 2.0),
        ("low", "north", 15, 1.0),
        ("low", "south", 13, 1.0),
    ]


def test_a_group_whose_money_is_one_customers_goes_with_its_count():
    table = TOWNS.copy()
    table.loc[0, "sales"] = 500.0  # of 533 in its group, and of 601 in all
    found = conditions(views(table))
    assert ("tier", "high", "town", "north") not in found
    assert ("tier", "high", "town", "north") in conditions(views(TOWNS))


def test_dimensions_that_are_apart_are_not_crossed():
    found = conditions(views(TOWNS, apart=[("tier", "town")]))
    assert max(map(len, found)) == 2


def test_fewer_customers_than_may_be_shown_are_refused():
    with pytest.raises(BadInput, match="9 customers are fewer than the 10"):
        views(TOWNS.head(9))


def test_a_dimension_with_gaps_is_refused():
    gaps = TOWNS.assign(town=TOWNS["town"].where(TOWNS.index > 3))
    with pytest.raises(BadInput, match="Dimension town has missing levels"):
        views(gaps)


def test_the_audit_finds_nothing_in_what_is_published_and_something_in_more():
    table = customers([("high", "north", 3, 1.0), *_others()])
    found = views(table)
    assert attacks.audit(table, found, **ASKED).empty
    slipped = {"by_1": "tier", "level_1": "low", "by_2": "town", "level_2": "north"}
    more = pd.concat([found, pd.DataFrame([slipped | {"customers": 15}])])
    told = attacks.audit(table, more, **ASKED)
    assert ("+ [tier: high, town: north]", 3, "sum") in set(
        told.itertuples(index=False, name=None)
    )


def test_the_audit_names_a_small_group_that_is_shown():
    table = customers([("high", "north", 3, 1.0), *_others()])
    shown = {"by_1": "tier", "level_1": "high", "by_2": "town", "level_2": "north"}
    more = pd.concat([views(table), pd.DataFrame([shown])])
    assert "shown" in set(attacks.audit(table, more, **ASKED)["way"])


def test_a_group_is_found_whatever_the_order_of_its_conditions():
    found = views(TOWNS)
    assert cube.shown(found, {"town": "north", "tier": "high"})
    assert cube.shown(found, {"tier": "high"}) and cube.shown(found, {})
    assert not cube.shown(found, {"tier": "middle"})
    assert not cube.shown(found, {"town": "high", "tier": "north"})


def levels(values, **change):
    made = cube.dimension(pd.Series(values), **({"below": 2, "most": 9} | change))
    return list(made.cat.categories)


def test_levels_stand_in_the_order_of_their_numbers_and_unknown_last():
    values = ["15-24K", "Under 15K", "100K+", "25-34K", None] * 2
    assert levels(values) == ["Under 15K", "15-24K", "25-34K", "100K+", "unknown"]


def test_levels_keep_the_order_that_they_have():
    values = pd.Categorical(["low", "high", "middle"] * 2, ["high", "middle", "low"])
    assert levels(values) == ["high", "middle", "low"]


def test_small_levels_are_put_together_until_they_are_enough():
    # one of c and one of d are two; with below=3 they take b along
    values = ["a"] * 5 + ["b"] * 2 + ["c", "d"]
    assert levels(values) == ["a", "b", "c or d"]
    assert levels(values, below=3) == ["a", "b or c or d"]
    assert levels(values, below=1, most=2) == ["a", "b", "c or d"]
    assert levels(["a"] * 5 + list("bcde"), below=2) == ["a", "4 others"]


def test_no_customer_is_lost_when_levels_are_put_together():
    made = cube.dimension(pd.Series(["a"] * 5 + ["b", "c", None]), below=2, most=9)
    assert made.value_counts().to_dict() == {"a": 5, "b or c": 2, "unknown": 1}


def test_attributes_that_tell_each_other_are_listed_and_others_are_not():
    rng = np.random.default_rng(1)
    size = pd.Series(rng.choice(["1", "2", "3"], 300))
    table = pd.DataFrame(
        {
            "size": size,
            "kids": size.map({"1": "no", "2": "no", "3": "yes"}),  # follows from size
            "colour": rng.choice(["red", "blue"], 300),
        }
    ).astype(object)
    table.loc[:20, ["size", "colour"]] = None
    names = ["size", "kids", "colour"]
    assert cube.overlapping(table, attributes=names, least=0.5) == [("size", "kids")]
    # unknown in both is no likeness
    table.loc[:200, ["size", "colour"]] = cube.UNKNOWN
    assert cube.overlapping(table, attributes=names, least=0.5) == [("size", "kids")]


def test_a_crossing_has_all_levels_and_misses_what_is_hidden_even_everything():
    table = customers([("high", "north", 3, 1.0), *_others()])
    rows, columns = ("tier", ["high", "low"]), ("town", ["north", "south"])
    found = cube.crossing(views(TOWNS, most=3), rows=rows, columns=columns)
    assert found.to_numpy().tolist() == [[12, 20], [15, 13]]
    found = cube.crossing(views(table), rows=rows, columns=columns)
    assert found.shape == (2, 2) and found.isna().all(axis=None)


def test_fewer_conditions_meet_where_there_would_be_too_many_groups():
    table = pd.DataFrame({name: list("abc") for name in "uvwx"})
    # 1 + 4 x 3 + 6 x 9 = 67 groups of two conditions; 4 x 27 = 108 more of three
    asked = {"dimensions": list("uvwx"), "most": 3}
    assert cube.conditions(table, at_most=175, **asked) == 3
    assert cube.conditions(table, at_most=174, **asked) == 2
    assert cube.conditions(table, at_most=1, **asked) == 2
    # u and v never meet: 2 x 27 = 54 fewer, and 9 of two
    apart = [("u", "v")]
    assert cube.conditions(table, at_most=112, apart=apart, **asked) == 3
    assert cube.conditions(table, at_most=111, apart=apart, **asked) == 2


def test_a_cube_is_built_as_its_parts_would_and_an_attack_finds_nothing():
    built = cube.build(
        TOWNS,
        dimensions=["tier", "town"],
        attributes=[],
        measures=["sales"],
        most=3,
        max_groups=1000,
        min_shared=0.5,
    )
    assert (built.most, built.apart) == (3, [])
    assert built.views.equals(views(TOWNS, most=3))
    assert (built.views[["by_3", "level_3"]] == "").all(axis=None)
    assert attacks.audit(TOWNS, built.views, **ASKED | {"most": 3}).empty


def test_customers_without_any_dimension_are_everyone():
    people = pd.DataFrame({"sales": np.ones(20)})
    found = cube.views(people, dimensions=[], measures=["sales"], most=2)
    assert found["customers"].tolist() == [20]
