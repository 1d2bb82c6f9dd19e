"""Put customers into groups by readings and attributes, and say which may be shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from helpers.clustering.model import NOT_KNOWN, TOO_LITTLE, Model
from helpers.disclosure import cube
from helpers.disclosure.suppression import MIN_CELL, WITHHELD
from helpers.features.labels import say
from helpers.personas import profiles

MEASURES = ["sales", "holdout_sales"]
TIERS = ["high", "middle", "low"]
LEVELS = {
    "value_tier": TIERS,
    "activity": ["active", "slowing", "lapsed", TOO_LITTLE],
    "deal_proneness": [*TIERS, NOT_KNOWN, TOO_LITTLE],
}


@dataclass(frozen=True)
class Groups:
    """Customers with their groups; made by `build`."""

    # one row a customer: readings and attributes as categories, sales, holdout_sales
    people: pd.DataFrame
    attributes: list[str]
    cube: cube.Cube

    @cached_property
    def shown(self) -> set[frozenset[tuple[str, str]]]:
        """List the groups that may be shown, by their conditions: reading and level."""
        return set(cube.keys(self.cube.views))

    def levels(self, name: str) -> list[str]:
        """List the levels of a reading or an attribute, in order."""
        return list(self.people[name].cat.categories)

    def hidden(self, name: str) -> dict[str, bool]:
        """Say which levels must not be shown."""
        return {
            one: frozenset({(name, one)}) not in self.shown for one in self.levels(name)
        }

    def crossed(self, rows: str, by: str) -> pd.DataFrame:
        """Count customers by two readings; cells that must not be shown are withheld."""
        sides = {"rows": (rows, self.levels(rows)), "columns": (by, self.levels(by))}
        grid = cube.crossing(self.cube.views, **sides)
        named = grid.rename_axis("segment" if rows == "needs" else rows)
        return named.astype(object).fillna(WITHHELD)

    def high(self, name: str) -> Mapping[str, object]:
        """Count the customers of each segment who are high in a reading, if it has one."""
        return (
            self.crossed("needs", name).get("high", {})
            if name in self.cube.dimensions
            else {}
        )

    def sold(self, conditions: Mapping[str, str]) -> float | None:
        """Add up the later sales of a group; None where it must not be shown."""
        if frozenset(conditions.items()) not in self.shown:
            return None
        own = (self.people[list(conditions)] == pd.Series(conditions)).all(axis=1)
        return self.people.loc[own, "holdout_sales"].sum()

    def sizes(self, name: str) -> pd.DataFrame:
        """Give customers, sales and their shares of each level that may be shown."""
        sold = self.people.groupby(name, observed=True)["sales"]
        found = sold.agg(customers="size", sales="sum")
        total = found["sales"].sum()
        found["share_customers"] = found["customers"] / len(self.people)
        found["share_sales"] = found["sales"] / (total if total > 0 else np.nan)
        return found[[not hidden for hidden in self.hidden(name).values()]]

    def withheld(self, worth: pd.DataFrame, name: str) -> pd.DataFrame:
        """Withhold from a table by level, such as `worth`, what must not be shown."""
        hidden = pd.Series(self.hidden(name))
        rows = worth.drop(columns="holdout_sales").astype(object)
        return rows.mask(hidden, WITHHELD, axis=0)

    def worth(self, name: str, *, seed: int) -> pd.DataFrame:
        """Say what each level turned out to be worth: `profiles.holdout_worth`."""
        tier, sold = self.people[name].astype(str), self.people["holdout_sales"]
        return profiles.holdout_worth(tier, sold, seed=seed).loc[self.levels(name)]

    @property
    def known(self) -> pd.DataFrame:
        """Give customer_id and the attributes, missing where they are not known."""
        given = self.people[self.attributes].astype(object)
        return self.people[["customer_id"]].join(given.mask(given == cube.UNKNOWN))

    def described(self, *, model: Model, until: str) -> dict[str, Any]:
        """Describe the groups for the dashboard: dimensions, limits, days of windows."""
        first, last, end = map(pd.Timestamp, (model.first, model.last, until))
        dimensions = [
            {
                "name": name,
                "label": "Needs segment" if name == "needs" else say(name).capitalize(),
                "attribute": name in self.attributes,
                "levels": self.levels(name),
            }
            for name in self.cube.dimensions
        ]
        days = {"sales": (last - first).days + 1, "holdout_sales": (end - last).days}
        limits = {"apart": self.cube.apart, "most": self.cube.most, "below": MIN_CELL}
        return (
            {"dimensions": dimensions} | limits | {"days": days, "later_until": until}
        )


def build(
    assigned: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    *,
    model: Model,
    attributes: list[str],
    max_groups: int,
) -> Groups:
    """Count every group of up to three conditions that may be shown.

    `tables` have customer_id: features (sales), outcomes (holdout_sales) and customers
    (`attributes`). A reading without a level that anybody has is left out, as are needs
    without segments and deal proneness without a sign of deals. Rare values of an
    attribute are put together.
    """
    people = assigned.assign(needs=assigned["segment_id"].map(model.name))
    for name, columns in zip(
        ("features", "outcomes", "customers"),
        (["sales"], ["holdout_sales"], attributes),
        strict=True,
    ):
        other = tables[name][["customer_id", *columns]]
        people = people.merge(
            other, on="customer_id", how="left", validate="one_to_one"
        )
    people = people.fillna(dict.fromkeys(MEASURES, 0))
    called = [model.name(i) for i in (*range(1, len(model.centres) + 1), 0)]
    levels = {"needs": called} | LEVELS
    unread = {"needs": not model.centres, "deal_proneness": not model.deal_parts}
    read = [name for name in levels if not unread.get(name)]
    for name in read:
        there = [one for one in levels[name] if (people[name] == one).any()]
        people[name] = pd.Categorical(people[name], there)
    assert people[read].notna().all(axis=None)
    for name in attributes:
        people[name] = cube.dimension(people[name], most=12)
    found = cube.build(
        people,
        dimensions=[*read, *attributes],
        attributes=attributes,
        measures=MEASURES,
        most=3,
        max_groups=max_groups,
        min_shared=0.5,
    )
    return Groups(people, attributes, found)
