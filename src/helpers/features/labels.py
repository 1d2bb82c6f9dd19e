"""Names of features and attributes in words."""

# Columns whose names are no words yet.
WORDS = {
    "recency_days": "days since the last order",
    "tenure_days": "days since the first order",
    "gap_mean_days": "days between orders",
    "gap_variation": "irregularity of orders",
    "coupon_order_rate": "share of orders with a coupon",
    "repeat_share": "share of repeat purchases",
    "main_store_share": "share of orders in the main store",
    "response_hours": "hours to an answer",
    "lead_days": "days to delivery",
    "return_share": "share sent back",
    "recommends": "recommendation, points",
    "satisfaction": "satisfaction, points",
    "morning_share": "share of morning orders",
    "evening_share": "share of evening orders",
    "weekend_share": "share of weekend orders",
    "private_label_share": "own-brand share",
    "household_comp": "household composition",
    "kids_count": "number of children",
    "fresh_meat_fish": "fresh meat and fish",
    "deli_prepared": "deli and prepared dishes",
    "natural_organic": "natural and organic",
    "dairy_eggs": "dairy and eggs",
    "snacks_sweets": "snacks and sweets",
    "breakfast_juice_coffee": "breakfast and coffee",
    "canned_ready_meals": "canned and ready meals",
    "household_cleaning": "household and cleaning",
    "health_beauty": "health and beauty",
}


def say(feature: str) -> str:
    """Put a feature's name in words: share_pet_care is pet care."""
    name = feature.removeprefix("share_")
    return WORDS.get(name) or plain(feature)


def plain(feature: str) -> str:
    """Put the name of a feature that builds segments in words.

    Parameters
    ----------
    feature : str
        Such as share_pet_care or channel_web_shop.

    Returns
    -------
    str
        Such as "pet care" or "orders by web shop".
    """
    words = {"share": "", "channel": "orders by ", "topic": "questions about "}
    words |= {"requires": "requires "}
    kind, _, rest = feature.partition("_")
    if kind in words and rest:
        return words[kind] + rest.replace("_", " ")
    return feature.replace("_", " ")
