"""Describe segments: what sets each apart, its name, its card, and how sure we are."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from helpers.schema import BadInput


@dataclass(frozen=True)
class Theme:
    """Needs that go together, with the words a persona uses for them.

    Parameters
    ----------
    needs : tuple of str
        Need states of the theme.
    wants : str
        What such a customer comes for, as the object of "comes for".
    offer : str
        What to offer first.
    message : str
        What to say.
    """

    needs: tuple[str, ...]
    wants: str
    offer: str
    message: str


THEMES = {
    "Fresh and natural": Theme(
        ("produce", "natural_organic"),
        "fresh fruit and vegetables, and natural or organic food",
        "a weekly box price on seasonal produce, with the natural range beside it",
        "What is in season this week, and what to make of it",
    ),
    "Home cooking": Theme(
        ("fresh_meat_fish", "packaged_meat", "cooking_basics", "canned_ready_meals"),
        "meat, cooking basics and the pantry: meals made at home from a full cupboard",
        "multi-buy prices on meat and pantry staples, own brand first",
        "Fill the freezer and the cupboard for less",
    ),
    "Household and care": Theme(
        ("household_cleaning", "health_beauty", "general_merchandise", "pet_care"),
        "household goods, health and beauty, and pets: one stop beside the food",
        "a basket reward across household, care and pet aisles",
        "Everything for the home in one trip",
    ),
    "Beer and wine": Theme(
        ("alcohol", "tobacco"),
        "beer and wine, and tobacco more often than others",
        "meal and drink pairings where the law allows; never tobacco",
        "Something good with dinner",
    ),
    "Baby and toddler": Theme(
        ("baby",),
        "diapers, formula and baby food",
        "a baby club with stage-by-stage prices on diapers and formula",
        "With you from the first diaper to the first steps",
    ),
    "Snacks and soft drinks": Theme(
        ("snacks_sweets", "soft_drinks"),
        "snacks, sweets and soft drinks",
        "large packs and new flavours",
        "For tonight and the weekend",
    ),
    "Quick meals": Theme(
        ("frozen_food", "deli_prepared"),
        "frozen food and prepared dishes",
        "complete dinners at one price",
        "Dinner in ten minutes",
    ),
    "Breakfast and bakery": Theme(
        ("breakfast_juice_coffee", "bakery", "dairy_eggs"),
        "breakfast, coffee, dairy and bread",
        "a breakfast bundle",
        "Start the day well",
    ),
}

# A segment that exceeds the others in no theme by at least a small effect.
LEAST_EFFECT = 0.2
MIXED = "Mixed basket"
THEMES[MIXED] = Theme(
    (),
    "a bit of everything: no need stands out",
    "the general offer of the week",
    "Everything you need this week",
)


def summarise(
    features: pd.DataFrame, assigned: pd.DataFrame, *, seed: int, resamples: int = 1000
) -> pd.DataFrame:
    """Count each segment and what it is worth.

    Parameters
    ----------
    features : DataFrame
        customer_id and sales (currency, in the window).
    assigned : DataFrame
        customer_id, segment_id, borderline, value_tier, activity.
    seed, resamples : int
        Bootstrap samples of customers inside each segment, for the interval.

    Returns
    -------
    DataFrame
        One row a segment, 0 (too little data) last: segment_id, customers,
        share_customers, sales, share_sales, sales_per_customer with low and high (95 %
        percentile interval), borderline_share, high_value_share, lapsed_share.
    """
    table = features[["customer_id", "sales"]].merge(
        assigned, on="customer_id", validate="one_to_one"
    )
    assert len(table) == len(features), "some customers have no segment"
    table["sales"] = table["sales"].fillna(0)
    rows = []
    for segment_id, group in table.groupby("segment_id"):
        rng = np.random.default_rng([seed, segment_id])
        sales = group["sales"].to_numpy()
        drawn = rng.choice(sales, (resamples, len(sales))).mean(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        rows.append(
            {
                "segment_id": segment_id,
                "customers": len(group),
                "share_customers": len(group) / len(table),
                "sales": sales.sum(),
                "share_sales": sales.sum() / table["sales"].sum(),
                "sales_per_customer": sales.mean(),
                "low": low,
                "high": high,
                "borderline_share": group["borderline"].mean(),
                "high_value_share": (group["value_tier"] == "high").mean(),
                "lapsed_share": (group["activity"] == "lapsed").mean(),
            }
        )
    summary = pd.DataFrame(rows)
    last = summary["segment_id"] == 0
    return pd.concat([summary[~last], summary[last]], ignore_index=True)


def differences(
    features: pd.DataFrame,
    segment_ids: pd.Series,
    *,
    columns: list[str],
    built_from: list[str],
    seed: int,
    resamples: int = 1000,
) -> pd.DataFrame:
    """Compare each segment with the average and with everybody else.

    Parameters
    ----------
    features : DataFrame
        Customers with a segment x features.
    segment_ids : Series
        Segment of each row, from 1.
    columns : list of str
        Features to compare; missing values are left out of that feature.
    built_from : list of str
        Features that built the segments: they differ by construction.
    seed, resamples : int
        Bootstrap samples of customers for the interval of the index.

    Returns
    -------
    DataFrame
        One row for segment and feature: segment_id, feature, mean, average, index
        (100 x mean / average) with low and high (95 % percentile interval), all three
        missing for a feature without a ratio scale (any value below 0, or an average
        of 0), effect (Cohen's d against the rest), q (Welch test, Benjamini-Hochberg
        over all rows whose feature did not build the segments; missing for those that
        did and where there is nothing to test), used_to_build.

    References
    ----------
    Cohen (1988), Statistical power analysis; Benjamini and Hochberg (1995),
    Controlling the false discovery rate.
    """
    rng = np.random.default_rng(seed)
    ids = segment_ids.to_numpy()
    weights = rng.multinomial(len(ids), np.full(len(ids), 1 / len(ids)), size=resamples)
    rows = []
    for column in columns:
        values = features[column].to_numpy(float)
        known = np.isfinite(values)
        value, segment = values[known], ids[known]
        weight = weights[:, known]
        drawn_average = (weight @ value) / weight.sum(axis=1)
        # "Twice the average" means nothing for a log ratio, whose average may be 0.
        scale = 100 if min(value, default=-1) >= 0 and value.any() else np.nan
        for segment_id in np.unique(ids):
            inside = segment == segment_id
            own, rest = value[inside], value[~inside]
            drawn = (weight[:, inside] @ own) / weight[:, inside].sum(axis=1)
            low, high = np.quantile(scale * drawn / drawn_average, [0.025, 0.975])
            rows.append(
                {
                    "segment_id": segment_id,
                    "feature": column,
                    "mean": own.mean(),
                    "average": value.mean(),
                    "index": scale * own.mean() / value.mean(),
                    "low": low,
                    "high": high,
                    "effect": effect_size(own, rest),
                    "p": stats.ttest_ind(own, rest, equal_var=False).pvalue,
                    "used_to_build": column in built_from,
                }
            )
    table = pd.DataFrame(rows)
    independent = ~table["used_to_build"] & table["p"].notna()
    table["q"] = np.nan
    table.loc[independent, "q"] = stats.false_discovery_control(
        table.loc[independent, "p"]
    )
    return table.drop(columns="p")


def effect_size(own: np.ndarray, rest: np.ndarray) -> float:
    """Return Cohen's d: the difference of means over the pooled standard deviation.

    Missing where a group has fewer than two customers or nobody differs.
    """
    n, m = len(own), len(rest)
    if min(n, m) < 2 or np.ptp(np.concatenate([own, rest])) == 0:
        return np.nan
    pooled = ((n - 1) * own.var(ddof=1) + (m - 1) * rest.var(ddof=1)) / (n + m - 2)
    return float((own.mean() - rest.mean()) / np.sqrt(pooled))


def draw_themes(
    table: pd.DataFrame, *, themes: dict[str, Theme] = THEMES
) -> dict[int, str]:
    """Give each segment the theme in which it most exceeds the others.

    Parameters
    ----------
    table : DataFrame
        Output of `differences` with the columns share_<need>.
    themes : dict of Theme
        Name -> needs.

    Returns
    -------
    dict of str
        Segment id -> theme. The segment that stands out most chooses first, so that
        names stay when others move a little; a theme is given twice only when there
        are more segments than themes. A segment that exceeds the others in no theme
        left by `LEAST_EFFECT` has a mixed basket.
    """
    effects = table.pivot(index="segment_id", columns="feature", values="effect")
    strength = pd.DataFrame(
        {
            name: effects[[f"share_{need}" for need in theme.needs]].mean(axis=1)
            for name, theme in themes.items()
            if theme.needs
        }
    )
    drawn, left = {}, strength
    while len(left):
        segment_id, name = left.stack().idxmax()
        if left.loc[segment_id, name] < LEAST_EFFECT:
            drawn |= dict.fromkeys(map(int, left.index), MIXED)
            break
        drawn[int(segment_id)] = name
        rest = strength.drop(index=list(drawn))
        left = left.drop(index=segment_id, columns=name)
        left = left if left.shape[1] else rest
    return dict(sorted(drawn.items()))


def names(drawn: dict[int, str], *, overrides: dict[str, str]) -> dict[str, str]:
    """Name segments after their themes, or as a person chose.

    Parameters
    ----------
    drawn : dict of str
        Output of `draw_themes`.
    overrides : dict of str
        Segment id (as text) -> name chosen by a person.

    Returns
    -------
    dict of str
        Segment id (as text) -> name; no two alike.

    Raises
    ------
    BadInput
        If an override names no segment, or two segments get one name.
    """
    if unknown := sorted(set(overrides) - {str(i) for i in drawn}):
        raise BadInput(
            f"Run file: `segments:` names segment {unknown[0]}, but there are only "
            f"segments {', '.join(map(str, drawn))}. Correct its id."
        )
    named: dict[str, str] = {}
    for i, theme in drawn.items():
        times = sum(other == theme for j, other in drawn.items() if j < i)
        name = overrides.get(str(i), f"{theme} {times + 1}" if times else theme)
        if name in named.values():
            raise BadInput(
                f"Run file: two segments would be called {name!r}. Give one of them "
                "another name under `segments:`."
            )
        named[str(i)] = name
    return named


def attribute_shares(
    customers: pd.DataFrame, assigned: pd.DataFrame, *, attributes: list[str]
) -> pd.DataFrame:
    """Compare the known attributes of each segment's customers with all known ones.

    Parameters
    ----------
    customers : DataFrame
        customer_id and the attributes; missing where unknown.
    assigned : DataFrame
        customer_id, segment_id.
    attributes : list of str
        Attributes to compare, each with few levels.

    Returns
    -------
    DataFrame
        One row for segment, attribute and level: segment_id, attribute, level, known
        (customers of the segment whose attribute is known), count, share of the known
        with low and high (95 % Wilson interval), everyone (share among all known).
    """
    table = assigned[["customer_id", "segment_id"]].merge(
        customers, on="customer_id", validate="one_to_one"
    )
    rows = []
    for attribute in attributes:
        known = table.dropna(subset=[attribute])
        everyone = known[attribute].value_counts(normalize=True)
        for segment_id, group in known.groupby("segment_id"):
            counts = group[attribute].value_counts()
            counts = counts.reindex(everyone.index, fill_value=0)
            for level, count in counts.items():
                found = stats.binomtest(int(count), len(group)).proportion_ci(
                    method="wilson"
                )
                rows.append(
                    {
                        "segment_id": segment_id,
                        "attribute": attribute,
                        "level": level,
                        "known": len(group),
                        "count": int(count),
                        "share": count / len(group),
                        "low": found.low,
                        "high": found.high,
                        "everyone": everyone[level],
                    }
                )
    return pd.DataFrame(rows)


def distinct_attributes(shares: pd.DataFrame, *, below: int = 10) -> pd.DataFrame:
    """Keep the attributes in which a segment clearly differs and nobody is exposed.

    Parameters
    ----------
    shares : DataFrame
        Output of `attribute_shares`.
    below : int
        Smallest number of customers that is shown.

    Returns
    -------
    DataFrame
        Rows whose interval leaves out the share among everyone known, the largest
        differences of each segment first. A level with fewer than `below` customers is
        left out, and so is a shown one if the rest of its attribute would be that few.
    """
    apart = shares[
        (shares["low"] > shares["everyone"]) | (shares["high"] < shares["everyone"])
    ]
    apart = apart[apart["count"] >= below].sort_values("count", ascending=False)
    by_attribute = apart.groupby(["segment_id", "attribute"])
    rest = apart["known"] - by_attribute["count"].cumsum()
    safe = apart[(rest == 0) | (rest >= below)]
    gap = (safe["share"] - safe["everyone"]).abs()
    return safe.assign(gap=gap).sort_values(
        ["segment_id", "gap"], ascending=[True, False], ignore_index=True
    )


def association(
    customers: pd.DataFrame, assigned: pd.DataFrame, *, attributes: list[str]
) -> pd.DataFrame:
    """Measure how far attributes and segments go together, 0 (not at all) to 1.

    Parameters
    ----------
    customers, assigned, attributes
        As for `attribute_shares`.

    Returns
    -------
    DataFrame
        One row an attribute: attribute, known (customers), cramers_v (bias-corrected),
        p (chi-square test).

    References
    ----------
    Bergsma (2013), A bias-correction for Cramér's V and Tschuprow's T.
    """
    table = assigned[["customer_id", "segment_id"]].merge(
        customers, on="customer_id", validate="one_to_one"
    )
    rows = []
    for attribute in attributes:
        known = table.dropna(subset=[attribute])
        counts = pd.crosstab(known[attribute], known["segment_id"]).to_numpy()
        test = stats.chi2_contingency(counts)
        rows.append((attribute, len(known), cramers_v(counts), test.pvalue))
    return pd.DataFrame(rows, columns=["attribute", "known", "cramers_v", "p"])


def cramers_v(counts: np.ndarray) -> float:
    """Return the bias-corrected Cramér's V of a cross table (Bergsma 2013)."""
    n = counts.sum()
    r, c = counts.shape
    phi2 = stats.chi2_contingency(counts, correction=False).statistic / n
    phi2 = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    r, c = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    return float(np.sqrt(phi2 / min(r - 1, c - 1)))


def coverage_by_value(customers: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Show whom the demographics cover, by fifths of sales.

    Parameters
    ----------
    customers : DataFrame
        customer_id, has_demographics.
    features : DataFrame
        customer_id, sales (currency).

    Returns
    -------
    DataFrame
        One row a fifth, the smallest first: fifth, customers, median_sales, coverage.
    """
    table = features[["customer_id", "sales"]].merge(
        customers, on="customer_id", validate="one_to_one"
    )
    fifth = pd.qcut(table["sales"].fillna(0).rank(method="first"), 5, labels=False) + 1
    grouped = table.groupby(fifth.rename("fifth"))
    return grouped.agg(
        customers=("customer_id", "size"),
        median_sales=("sales", "median"),
        coverage=("has_demographics", "mean"),
    ).reset_index()


def neighbours(assigned: pd.DataFrame) -> pd.DataFrame:
    """Say which two other segments a segment's customers are nearest to.

    Parameters
    ----------
    assigned : DataFrame
        segment_id, second_id.

    Returns
    -------
    DataFrame
        One row a segment: segment_id, first, first_share, second, second_share: ids of
        the segments that most often come second, and the share of customers, 0 to 1;
        twice the same where only one ever does.
    """
    known = assigned[assigned["segment_id"] > 0]
    shares = pd.crosstab(known["segment_id"], known["second_id"], normalize="index")
    rows = []
    for segment_id, row in shares.iterrows():
        near = row[row > 0].nlargest(2)
        rows.append(
            (segment_id, near.index[0], near.iloc[0], near.index[-1], near.iloc[-1])
        )
    columns = ["segment_id", "first", "first_share", "second", "second_share"]
    return pd.DataFrame(rows, columns=columns)


def confidence(jaccard: float, *, reference: float = 0.0) -> str:
    """Put the mean recovery of a segment in words.

    Parameters
    ----------
    jaccard : float
        Mean largest overlap over resamples, 0 to 1.
    reference : float
        The best that customers without clusters reach; what does not exceed it is low.

    Returns
    -------
    str
        high from 0.85, good from 0.75, fair from 0.6 (Hennig's rule of thumb), low
        below.
    """
    if np.isnan(jaccard):
        return "not measured"
    for word, least in {"high": 0.85, "good": 0.75, "fair": 0.6}.items():
        if jaccard >= least and jaccard > reference:
            return word
    return "low"


def say_need(feature: str) -> str:
    """Put a feature's name in words: share_pet_care is pet care."""
    return feature.removeprefix("share_").replace("_", " ")


def say_indices(rows: pd.DataFrame) -> str:
    """Put differences in a sentence, with index and interval.

    Parameters
    ----------
    rows : DataFrame
        Rows of `differences`.

    Returns
    -------
    str
        Such as "Index to average: baby 812 (771 to 850)."; where there is no index,
        above or below average; says so if there are none.
    """
    if rows.empty:
        return "Nothing beyond what it was built from."
    said = [
        f"{say_need(row.feature)} {row.index_to_average:.0f} ({row.low:.0f} to {row.high:.0f})"
        if np.isfinite(row.index_to_average)
        else f"{say_need(row.feature)} {'above' if row.effect > 0 else 'below'} average"
        for row in rows.rename(columns={"index": "index_to_average"}).itertuples()
    ]
    return f"Index to average: {', '.join(said)}."


def say_attributes(rows: pd.DataFrame, *, coverage: float) -> str:
    """Put the attributes in which a segment differs in a sentence.

    Parameters
    ----------
    rows : DataFrame
        Rows of `attribute_shares`.
    coverage : float
        Share of the segment's customers whose attributes are known, 0 to 1.

    Returns
    -------
    str
        With share, interval and comparison, and always with the coverage.
    """
    if rows.empty:
        said = "No demographic attribute differs clearly from all known customers"
    else:
        said = "; ".join(
            f"{row.attribute.replace('_', ' ')} {row.level}: {row.share:.0%} ({row.low:.0%} "
            f"to {row.high:.0%}; all known {row.everyone:.0%})"
            for row in rows.itertuples()
        )
    return f"{said[:1].upper()}{said[1:]}. Known for {coverage:.0%} of the segment."


def answers(
    row: pd.Series,
    *,
    theme: Theme,
    marks: pd.DataFrame,
    facts: pd.DataFrame,
    attributes: pd.DataFrame,
    coverage: float,
    neighbours: list[str],
    symbol: str,
) -> dict[str, str]:
    """Answer the questions of a segment's card from the evidence.

    Parameters
    ----------
    row : Series
        The segment's row of `summarise`, with recovery, its interval recovery_low and
        recovery_high, and what customers without clusters reach: reference (mean) and
        reference_high (most).
    theme : Theme
        What it comes for and what to offer.
    marks, facts : DataFrame
        Rows of `differences`: those that built it, and independent ones.
    attributes : DataFrame
        Rows of `attribute_shares` in which it differs.
    coverage : float
        Share of its customers with known attributes, 0 to 1.
    neighbours : list of str
        Names of the segments that most of its customers are second nearest to.
    symbol : str
        Sign of the currency.

    Returns
    -------
    dict of str
        Question -> answer.
    """
    return {
        "Who?": say_attributes(attributes, coverage=coverage),
        "How many, worth what?": f"{row['customers']:,.0f} customers "
        f"({row['share_customers']:.0%}) with {row['share_sales']:.0%} of sales: "
        f"{symbol}{row['sales_per_customer']:,.0f} a customer (95 % interval "
        f"{symbol}{row['low']:,.0f} to {symbol}{row['high']:,.0f}); "
        f"{row['high_value_share']:.0%} are of high value.",
        "What do they want?": say_indices(marks),
        "What else is different?": say_indices(facts),
        "What to do?": f"Offer {theme.offer}. Message: “{theme.message}”. Grade: assumed "
        "from what is bought; not tested.",
        "How sure are we?": f"Found again by {row['recovery']:.2f} in resampled studies "
        f"({row['recovery_low']:.2f} to {row['recovery_high']:.2f}; customers without "
        f"clusters reach {row['reference']:.2f}, at most {row['reference_high']:.2f}): "
        f"{confidence(row['recovery'], reference=row['reference_high'])} confidence. "
        f"{row['borderline_share']:.0%} of its customers are borderline; nearest to it: "
        f"{' and '.join(dict.fromkeys(neighbours))}.",
        "What would change our mind?": "A test of the offer on a random half that shows no "
        "gain, or a later period in which the segment is found again by less than 0.6.",
    }


GLOSSARY = {
    "Needs segment": "Customers with a similar mix of what they buy, whatever the amount.",
    "Value tier": "High, middle or low by sales in the training window.",
    "Activity": "Active, slowing or lapsed: days since the last order over the customer's "
    "own mean gap between orders.",
    "Deal sensitivity": "Thirds of an index of discount depth, mailer share and coupons.",
    "Too little data": "Customers with too few orders or lines to tell what they want.",
    "Index": "Segment mean over the average of classified customers, times 100.",
    "Reference": "Customers drawn with the same marginals and correlations, but without "
    "clusters. A score counts only where it exceeds theirs.",
    "Recovery": "Mean overlap (Jaccard) of a segment with its best match when the study is "
    "repeated on resampled customers: 1 is found whole, 0.5 or less is dissolved.",
    "Borderline": "A customer whose second-nearest segment is at most a ninth farther than "
    "the own.",
}
