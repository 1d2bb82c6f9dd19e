"""Prepare features for clustering by fitted steps that treat new customers alike."""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from helpers.schema import BadInput

# How far a column's spread is levelled: it is divided by its deviation to this power.
SCALINGS = {"none": 0.0, "pareto": 0.5, "standard": 1.0}


@dataclass(frozen=True)
class Preparation:
    """Fitted steps: shrink shares to the population, root, winsorise, centre, scale.

    For a customer with share s of weight t (sales), population share p and prior
    weight m, the shrunk share is (s t + m p) / (t + m): the posterior mean of a
    multinomial share under a Dirichlet prior of weight m. Its square root (the
    Hellinger transform) spreads small shares; it is cut to [lower, upper], and
    (root - mean) / divisor is the score.

    Parameters
    ----------
    columns : list of str
        Share columns, in the order of the scores.
    weight : str
        Column with each customer's sales (currency).
    prior_weight : float
        m, in the same currency; 0 leaves shares as they are.
    population, lower, upper, mean, divisor : list of float
        One value a column.
    """

    columns: list[str]
    weight: str
    prior_weight: float
    population: list[float]
    lower: list[float]
    upper: list[float]
    mean: list[float]
    divisor: list[float]

    def transform(self, features: pd.DataFrame) -> pd.DataFrame:
        """Score customers with the fitted steps.

        Parameters
        ----------
        features : DataFrame
            With the share columns (0 to 1) and the weight column (currency).

        Returns
        -------
        DataFrame
            Scores around 0, the index of `features`, one column a share.

        Raises
        ------
        BadInput
            If a column is missing or holds missing values.
        """
        roots = _roots(
            features,
            columns=self.columns,
            weight=self.weight,
            prior_weight=self.prior_weight,
            population=np.array(self.population),
        )
        scores = (roots.clip(self.lower, self.upper) - self.mean) / self.divisor
        return pd.DataFrame(scores, index=features.index, columns=self.columns)

    def to_dict(self) -> dict:
        """Return the fitted steps as plain data for JSON."""
        return asdict(self)


def fit(
    features: pd.DataFrame,
    *,
    columns: list[str],
    weight: str,
    prior_weight: float,
    winsor: float,
    scaling: str,
) -> Preparation:
    """Fit the steps on the customers of the training window.

    Parameters
    ----------
    features : DataFrame
        With the share columns (0 to 1) and the weight column (currency).
    columns : list of str
        Share columns to prepare.
    weight : str
        Column with each customer's sales (currency).
    prior_weight : float
        Sales (currency) that the population's shares count for in each customer's.
    winsor : float
        Share of customers at each end whose roots are cut to the quantile, 0 to 0.5.
    scaling : str
        One of `SCALINGS`: none leaves needs of wide spread to rule; standard gives each
        need the same say, rare ones with the noise they are made of; pareto, the
        square root of the deviation, lies between.

    Returns
    -------
    Preparation
        The fitted steps.

    Raises
    ------
    BadInput
        If there is no customer, or a column is missing, holds missing values or is
        the same for everyone.
    ValueError
        If the scaling is not one of `SCALINGS`.

    References
    ----------
    Legendre and Gallagher (2001), Ecologically meaningful transformations for
    ordination of species data (Hellinger); van den Berg et al. (2006), Centering,
    scaling, and transformations (Pareto scaling).
    """
    if scaling not in SCALINGS:
        raise ValueError(
            f"scaling must be one of {list(SCALINGS)}, but {scaling!r} was passed."
        )
    _refuse(features, [*columns, weight])
    if features.empty:
        raise BadInput(
            "Table features: no customer is left to prepare. Lower min_orders or "
            "min_lines in 02_feature_engineering, or choose a longer window."
        )
    shares = features[columns].to_numpy(float)
    weights = features[weight].to_numpy(float)
    population = (shares * weights[:, None]).sum(axis=0) / weights.sum()
    roots = _roots(
        features,
        columns=columns,
        weight=weight,
        prior_weight=prior_weight,
        population=population,
    )
    lower, upper = np.quantile(roots, [winsor, 1 - winsor], axis=0)
    cut = roots.clip(lower, upper)
    deviation = cut.std(axis=0)
    _refuse_flat(features, dict(zip(columns, deviation, strict=True)))
    return Preparation(
        columns=list(columns),
        weight=weight,
        prior_weight=float(prior_weight),
        population=population.tolist(),
        lower=lower.tolist(),
        upper=upper.tolist(),
        mean=cut.mean(axis=0).tolist(),
        divisor=(deviation ** SCALINGS[scaling]).tolist(),
    )


def _roots(
    features: pd.DataFrame,
    *,
    columns: list[str],
    weight: str,
    prior_weight: float,
    population: np.ndarray,
) -> np.ndarray:
    _refuse(features, [*columns, weight])
    weights = features[weight].to_numpy(float)[:, None]
    shares = features[columns].to_numpy(float)
    return np.sqrt(
        (shares * weights + prior_weight * population) / (weights + prior_weight)
    )


def _refuse(features: pd.DataFrame, columns: list[str]) -> None:
    for column in columns:
        if column not in features:
            raise BadInput(
                f"Table features: column {column} is missing. Run "
                "02_feature_engineering again (make report)."
            )
        if (missing := features[column].isna()).any():
            rows = ", ".join(map(str, features.index[missing][:3]))
            raise BadInput(
                f"Table features: column {column} is missing for "
                f"{int(missing.sum()):,} customers (rows {rows}). Leave out customers "
                "with too little data first."
            )


def _refuse_flat(features: pd.DataFrame, deviations: dict[str, float]) -> None:
    flat = [column for column, deviation in deviations.items() if deviation < 1e-12]
    if flat:
        raise BadInput(
            f"Table features: column {', '.join(flat)} is the same for all "
            f"{len(features):,} customers after winsorising and cannot tell customers "
            "apart. Leave it out of the columns to prepare."
        )


def deal_index(features: pd.DataFrame, *, parts: dict[str, dict]) -> pd.Series:
    """Average the standard scores of the parts of deal sensitivity.

    Parameters
    ----------
    features : DataFrame
        With one column for each part (shares, 0 to 1).
    parts : dict of dict
        Column -> fitted lower, upper, mean and deviation, from `fit_deal_index`.

    Returns
    -------
    Series
        Mean of the winsorised standard scores, named deal_index: 0 is the average
        customer, 1 is one standard deviation more in every part.
    """
    scores = [
        (features[column].clip(p["lower"], p["upper"]) - p["mean"]) / p["deviation"]
        for column, p in parts.items()
    ]
    return pd.concat(scores, axis=1).mean(axis=1).rename("deal_index")


def fit_deal_index(
    features: pd.DataFrame, *, columns: list[str], winsor: float
) -> dict[str, dict]:
    """Fit the parts of `deal_index`: winsor limits, mean and deviation of each.

    Parameters
    ----------
    features : DataFrame
        With the columns (shares, 0 to 1), none missing.
    columns : list of str
        Parts of deal sensitivity.
    winsor : float
        Share of customers at each end that is cut to the quantile.

    Returns
    -------
    dict of dict
        Column -> lower, upper, mean, deviation.

    Raises
    ------
    BadInput
        If a column is missing, holds missing values or is the same for everyone.
    """
    _refuse(features, columns)
    parts = {}
    for column in columns:
        lower, upper = features[column].quantile([winsor, 1 - winsor])
        cut = features[column].clip(lower, upper)
        parts[column] = {
            "lower": float(lower),
            "upper": float(upper),
            "mean": float(cut.mean()),
            "deviation": float(cut.std(ddof=0)),
        }
    _refuse_flat(
        features, {column: part["deviation"] for column, part in parts.items()}
    )
    return parts
