"""Customer tables in the forms that notebooks 1 to 3 hand on, with planted groups."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from helpers.core import paths, store

LEVELS = ["never", "seldom", "sometimes", "often", "always"]
# name -> family, measure, levels, label
COLUMNS: dict[str, tuple[str, str, list[str], str]] = {
    "style": ("psychographic", "ordered", LEVELS, "Looks matter"),
    "price": ("psychographic", "ordered", LEVELS, "Compares prices"),
    "safety": ("requirement", "yes_no", ["no", "yes"], "Asks for safety"),
    "colour": ("requirement", "unordered", ["blue", "green", "red"], "Colour"),
    "visits": ("behavioural", "count", [], "Visits a year"),
    "age": ("demographic", "number", [], "Age"),
    "region": ("demographic", "unordered", ["north", "south"], "Region"),
    "spend": ("none", "number", [], "Yearly spend"),
    "churned": ("none", "yes_no", ["no", "yes"], "Has left"),
}
ROLES = {"spend": "value", "churned": "outcome"}
BUILD = ("psychographic", "requirement")


@dataclass
class Made:
    """Tables by their names in the store, and documents."""

    tables: dict[str, pd.DataFrame]
    documents: dict[str, dict[str, Any]]

    def write(self, run: str) -> None:
        """Save everything where a run's notebooks look for it."""
        for name, table in self.tables.items():
            store.write(table, name, run=run)
        for name, content in self.documents.items():
            store.write_json(content, paths.processed(run) / f"{name}.json")


def survey(
    customers: int = 400,
    *,
    seed: int = 1,
    missing: float = 0.05,
    value: bool = True,
    outcome: bool = True,
    usable: bool = True,
) -> Made:
    """Make a survey of three groups: style, price and safety first; some have few answers."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, customers)
    features = pd.DataFrame({"customer_id": [f"c{i:05}" for i in range(customers)]})
    high = rng.binomial(4, 0.8, customers), rng.binomial(4, 0.3, customers)
    features["style"] = np.where(group == 0, *high).astype(float)
    features["price"] = np.where(group == 1, *high).astype(float)
    features["safety"] = (
        rng.random(customers) < np.array([0.2, 0.3, 0.9])[group]
    ) * 1.0
    shares = [[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.2, 0.6]]
    drawn = [rng.choice(3, p=shares[g]) for g in group]
    features["colour"] = np.array(["blue", "green", "red"], object)[drawn]
    features["visits"] = rng.poisson(np.array([8, 4, 4])[group]).astype(float)
    features["age"] = rng.normal(40 + 5 * (group == 2), 10).round()
    features["region"] = np.where(rng.random(customers) < 0.5, "north", "south")
    features["spend"] = rng.lognormal(np.array([6.5, 6, 6])[group], 0.5).round(2)
    left = (rng.random(customers) < np.array([0.1, 0.35, 0.2])[group]) * 1.0
    for name in ("style", "price", "safety", "colour", "age", "region"):
        lost = rng.random(customers) < missing
        features[name] = features[name].mask(
            lost, None if name in ("colour", "region") else np.nan
        )
    few = np.arange(customers) % 25 == 7
    own = [
        name
        for name in COLUMNS
        if (value or name != "spend") and (outcome or name != "churned")
    ]
    features["churned"] = left
    raw = features[["customer_id"]].copy()
    for name in own:
        levels = COLUMNS[name][2]
        coded = COLUMNS[name][1] in ("yes_no", "ordered")
        said = dict(enumerate(levels))
        raw[name] = features[name].map(said) if coded else features[name]
    attributes = pd.DataFrame(
        {
            "table": "customers",
            "attribute": name,
            "kind": family,
            "label": label,
            "measure": measure,
            "levels": json.dumps(levels) if levels else "",
            "role": ROLES.get(name, ""),
        }
        for name in own
        for family, measure, levels, label in [COLUMNS[name]]
    )
    dictionary = pd.DataFrame(
        {
            "feature": row.attribute,
            "family": row.kind,
            "measure": row.measure,
            "unit": "currency" if row.role == "value" else "",
            "meaning": row.label,
            "levels": row.levels,
            "builds": row.kind in BUILD,
            "why": "" if row.kind in BUILD else "not in segment_on",
            "missing_share": float(raw[row.attribute].isna().mean()),
        }
        for row in attributes.itertuples()
        if row.role != "outcome"
    )
    near = 1 + group
    segments = features[["customer_id"]].assign(
        segment_id=np.where(few, 0, near) * usable,
        second_id=np.where(few, 0, 1 + near % 3) * usable,
        ratio=np.where(few, np.nan, rng.uniform(0.2, 1, customers)),
        membership=np.where(few, np.nan, rng.uniform(0.4, 1, customers)),
    )
    segments["borderline"] = (segments["ratio"] > 0.9) & (segments["segment_id"] > 0)
    tier = pd.qcut(features["spend"], 3, labels=["low", "middle", "high"]).astype(str)
    segments["value_tier"] = tier if value else "not known"
    stability = pd.DataFrame(
        {
            "segment_id": [1, 2, 3],
            "recovery": [0.9, 0.8, 0.5],
            "recovery_error": 0.01,
            "low": [0.8, 0.7, 0.4],
            "high": [0.95, 0.9, 0.6],
            "reference": 0.4,
            "reference_high": 0.5,
            "dissolved": [0.0, 0.02, 0.4],
        }
    )
    tables = {
        "customers": raw,
        "attributes": attributes,
        "feature_dictionary": dictionary,
    }
    tables["features"] = features[["customer_id", *dictionary["feature"]]]
    tables["outcomes"] = features[["customer_id", *(["churned"] if outcome else [])]]
    tables |= {"segments": segments}
    if usable:
        tables["segment_stability"] = stability
    why = "" if usable else "No grouping is stable enough to act on."
    documents = {
        "preparation": {
            "segment_on": list(BUILD),
            "value": "spend" if value else "",
            "outcome": ["churned"] if outcome else [],
            "weight": "",
            "min_known": 0.5,
            "few": "",
        },
        "decision": {
            "k": 3 if usable else None,
            "verdict": "constructive" if usable else "not usable",
            "usable": usable,
            "why": why,
            "method": "kmeans",
        },
        "source": {
            "subtitle": "600 answers to a survey",
            "provenance": ["Made for a test."],
            "limits": ["One survey, one moment."],
            "simulated": True,
        },
    }
    return Made(tables, documents)
