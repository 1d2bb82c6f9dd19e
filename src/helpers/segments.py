"""The segment model: rules and centres as plain data that say who is in what segment."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from helpers import clusterings, schema
from helpers.preparation import Preparation, deal_index
from helpers.schema import BadInput

TOO_LITTLE = "Too little data"
NOT_KNOWN = "Not known"  # the deal sensitivity in a run without any sign of deals
BORDERLINE = 0.9  # nearest over second-nearest distance above which either fits


@dataclass(frozen=True)
class Model:
    """Three readings of a customer, each told by rules that stand in the model.

    Parameters
    ----------
    run : str
        Run that the model was fitted in.
    first, last : str
        Training window, YYYY-MM-DD.
    min_orders, min_lines : int
        A customer with fewer has too little data for a needs segment.
    preparation : Preparation
        From features to scores.
    centres : list of list of float
        Scores of each needs segment's centre; segment ids count from 1.
    value_cuts : dict of float
        Tier -> least sales (currency) in the window.
    activity_cuts : dict of float
        Stage -> largest recency over the customer's own mean gap; beyond the largest is
        `lapsed`. Who came on one day only has no gap: too little data. Two days are
        enough, so that activity is also read where needs cannot be.
    least_gap_days : float
        Gaps shorter than this count as this, so that daily customers do not lapse in
        three days.
    deal_parts : dict of dict
        Fitted parts of the deal index; without any, deal sensitivity is `NOT_KNOWN`.
    deal_cuts : dict of float
        Class -> least deal index; below the least is `low`.
    names : dict of str
        Segment id (as text) -> name.
    """

    run: str
    first: str
    last: str
    min_orders: int
    min_lines: int
    preparation: Preparation
    centres: list[list[float]]
    value_cuts: dict[str, float]
    activity_cuts: dict[str, float]
    least_gap_days: float
    deal_parts: dict[str, dict]
    deal_cuts: dict[str, float]
    names: dict[str, str] = field(default_factory=dict)

    def inputs(self) -> list[str]:
        """List every column of the feature table that any reading looks at."""
        rules = ["orders", "lines", "sales", "recency_days", "gap_mean_days"]
        weights = [weight for weight in self.preparation.weights if weight]
        needs = [*weights, *self.preparation.columns]
        return list(dict.fromkeys([*rules, *needs, *self.deal_parts]))

    def enough_data(self, features: pd.DataFrame) -> pd.Series:
        """Say which customers have enough orders and lines for a needs segment."""
        return (features["orders"] >= self.min_orders) & (
            features["lines"] >= self.min_lines
        )

    def assign(self, features: pd.DataFrame) -> pd.DataFrame:
        """Give every customer the three readings.

        Parameters
        ----------
        features : DataFrame
            The feature table.

        Returns
        -------
        DataFrame
            In the order of `features`: customer_id, segment_id (0 is too little data),
            second_id (the next nearest), distance (to the own centre), distance_ratio
            (nearest over second nearest, 0 to 1), membership (0 to 1), borderline,
            value_tier, activity, deal_index, deal_sensitivity.
        """
        enough = self.enough_data(features)
        scores = self.preparation.transform(features[enough]).to_numpy()
        table = features[["customer_id"]].copy()
        table["segment_id"] = 0
        table["second_id"] = 0
        for column in ("distance", "distance_ratio", "membership", "deal_index"):
            table[column] = np.nan
        apart = clusterings.distances(scores, np.array(self.centres))
        order = np.argsort(apart, axis=1, kind="stable")
        near, next_near = np.take_along_axis(apart, order[:, :2], axis=1).T
        table.loc[enough, "segment_id"] = order[:, 0] + 1
        table.loc[enough, "second_id"] = order[:, 1] + 1
        table.loc[enough, "distance"] = near
        table.loc[enough, "distance_ratio"] = near / np.maximum(next_near, 1e-12)
        table.loc[enough, "membership"] = membership(apart).max(axis=1)
        table["borderline"] = table["distance_ratio"] > BORDERLINE
        table["value_tier"] = _tier(features["sales"].fillna(0), self.value_cuts)
        table["activity"] = self._activity(features)
        index = deal_index(features[enough], parts=self.deal_parts)
        table.loc[enough, "deal_index"] = index
        tiers = {**self.deal_cuts, "low" if self.deal_parts else NOT_KNOWN: -np.inf}
        found = _tier(table["deal_index"].fillna(-np.inf), tiers)
        table["deal_sensitivity"] = found.where(enough, TOO_LITTLE)
        return table

    def _activity(self, features: pd.DataFrame) -> pd.Series:
        gap = features["gap_mean_days"].clip(lower=self.least_gap_days)
        late = features["recency_days"] / gap
        stage = pd.Series("lapsed", index=features.index)
        for name in sorted(
            self.activity_cuts, key=self.activity_cuts.get, reverse=True
        ):
            stage = stage.mask(late <= self.activity_cuts[name], name)
        return stage.mask(gap.isna(), TOO_LITTLE)

    def name(self, segment_id: int) -> str:
        """Return the name of a segment; 0 is too little data."""
        if segment_id == 0:
            return TOO_LITTLE
        return self.names.get(str(segment_id), f"Segment {segment_id}")

    def named(self, names: dict[str, str]) -> "Model":
        """Return the same model with names."""
        return replace(self, names=names)

    def to_dict(self) -> dict:
        """Return the model as plain data with a checksum of all that decides labels."""
        content = asdict(self)
        decides = {key: value for key, value in content.items() if key != "names"}
        text = json.dumps(decides, sort_keys=True)
        return content | {"checksum": hashlib.sha256(text.encode()).hexdigest()}

    def to_sql(self, table: str) -> str:
        """Write the three readings as one DuckDB query over the feature table.

        Parameters
        ----------
        table : str
            Table or read expression with the columns of the feature table.

        Returns
        -------
        str
            A query that returns customer_id, segment_id, value_tier, activity and
            deal_sensitivity; it agrees with `assign`, but where `assign` refuses a
            missing or negative value segment_id is null.
        """
        p = self.preparation
        roots = ",\n    ".join(
            f"{_root(*column)} as r{i}"
            for i, column in enumerate(
                zip(p.columns, p.weights, p.priors, p.population, strict=True)
            )
        )
        # Not least() and greatest(): they would turn a missing share into a limit.
        scores = ",\n    ".join(
            f"({_cut(f'r{i}', low, high)} - {mean!r}) / {divisor!r} as z{i}"
            for i, (low, high, mean, divisor) in enumerate(
                zip(p.lower, p.upper, p.mean, p.divisor, strict=True)
            )
        )
        apart = [
            " + ".join(
                f"(z{i} - {value!r}) * (z{i} - {value!r})"
                for i, value in enumerate(centre)
            )
            for centre in self.centres
        ]
        squared = ",\n    ".join(f"{d} as d{s}" for s, d in enumerate(apart, start=1))
        least = f"least({', '.join(f'd{s}' for s in range(1, len(apart) + 1))})"
        cases = " ".join(
            f"when d{s} = {least} then {s}" for s in range(1, len(apart) + 1)
        )
        readings = "value_tier, activity, deal_sensitivity"
        return (
            f"with roots as (select customer_id, {self._rules_in_sql()},\n    {roots}"
            f"\n  from {table}),\nscores as (select customer_id, enough, {readings},\n    "
            f"{scores}\n  from roots),\ndistances as (select customer_id, enough, "
            f"{readings},\n    {squared}\n  from scores)\nselect customer_id, "
            f"case when not enough then 0 {cases} end as segment_id, {readings}\n"
            "from distances order by customer_id"
        )

    def _rules_in_sql(self) -> str:
        """Write whether the data suffice, and the readings that need no distance."""
        enough = f"coalesce(orders >= {self.min_orders} and lines >= {self.min_lines}, false)"
        gap = _cut("gap_mean_days", self.least_gap_days, np.inf)
        stages = sorted(self.activity_cuts.items(), key=lambda item: item[1])
        late = " ".join(
            f"when recency_days / {gap} <= {cut!r} then {_text(stage)}"
            for stage, cut in stages
        )
        scores = [
            f"({_cut(column, p['lower'], p['upper'])} - {p['mean']!r}) / {p['deviation']!r}"
            for column, p in self.deal_parts.items()
        ]
        deal = f"({' + '.join(scores)}) / {len(scores)}"
        tiers = _tier_in_sql(deal, {**self.deal_cuts, "low": -np.inf})
        tiers = tiers if scores else _text(NOT_KNOWN)
        return (
            f"{enough} as enough,\n    "
            f"{_tier_in_sql('coalesce(sales, 0)', self.value_cuts)} as value_tier,\n    "
            f"case when gap_mean_days is null then {_text(TOO_LITTLE)} {late} "
            f"else 'lapsed' end as activity,\n    "
            f"case when not {enough} then {_text(TOO_LITTLE)} else {tiers} end "
            "as deal_sensitivity"
        )


def _root(column: str, weight: str, prior: float, population: float) -> str:
    """Write the root of a shrunk share; of nothing there is no share, so the average.

    Below 0 there is no root: without the case it would be NaN, which is above any limit.
    """
    if not weight:
        return f"case when {column} >= 0 then sqrt({column}) end"
    shrunk = f"({column} * {weight} + {prior * population!r}) / ({weight} + {prior!r})"
    average = f"when {weight} <= 0 then {population!r}"
    root = f"sqrt(case when {weight} > 0 then {shrunk} {average} end)"
    return f"case when {column} < 0 then null else {root} end"


def _cut(column: str, low: float, high: float) -> str:
    """Write a value kept between two limits; infinite ones are left out."""
    limits = [("<", low), (">", high)]
    parts = [f"when {column} {s} {v!r} then {v!r}" for s, v in limits if np.isfinite(v)]
    return f"case {' '.join(parts)} else {column} end"


def _tier_in_sql(value: str, cuts: dict[str, float]) -> str:
    """Write what `_tier` does."""
    lowest, *others = sorted(cuts, key=cuts.get)
    parts = [f"when {value} >= {cuts[name]!r} then {_text(name)}" for name in others]
    return f"case {' '.join(reversed(parts))} else {_text(lowest)} end"


def _text(word: str) -> str:
    """Write a text of SQL."""
    return "'" + word.replace("'", "''") + "'"


def membership(apart: np.ndarray) -> np.ndarray:
    """Turn distances into soft membership that adds up to one for each customer.

    Parameters
    ----------
    apart : ndarray
        Customers x segments, distances.

    Returns
    -------
    ndarray
        Customers x segments: each segment's share of the inverse squared distances,
        as in fuzzy c-means with fuzzifier 2 (Bezdek 1981).
    """
    closeness = 1 / np.maximum(apart, 1e-9) ** 2
    return closeness / closeness.sum(axis=1, keepdims=True)


def _tier(values: pd.Series, cuts: dict[str, float]) -> pd.Series:
    upwards = sorted(cuts, key=cuts.get)
    tier = pd.Series(upwards[0], index=values.index)
    for name in upwards:
        tier = tier.mask(values >= cuts[name], name)
    return tier


def save(model: Model, file: Path) -> None:
    """Save the model as JSON, whole or not at all."""
    schema.write_json(model.to_dict(), file)


def load(file: Path) -> Model:
    """Read a model and check that nobody changed what decides its labels.

    Parameters
    ----------
    file : Path
        JSON written by `save`.

    Returns
    -------
    Model
        The model.

    Raises
    ------
    BadInput
        If the file is missing, is no model, or its checksum does not fit.
    """
    content = schema.read_json(file, made_by="03_clustering_choice")
    try:
        checksum = content.pop("checksum")
        preparation = Preparation(**content.pop("preparation"))
        model = Model(preparation=preparation, **content)
    except (KeyError, TypeError) as fault:
        raise BadInput(
            f"The segment model {file.name} cannot be read ({fault}). Run "
            "03_clustering_choice again."
        ) from None
    if model.to_dict()["checksum"] != checksum:
        raise BadInput(
            f"The segment model {file.name} was changed by hand: its checksum does not "
            "fit. Run 03_clustering_choice again."
        )
    return model
