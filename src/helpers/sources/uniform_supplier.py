"""Make a supplier of uniforms from a seed: its raw tables, and the truth behind them."""

from pathlib import Path

import numpy as np
import pandas as pd
from pandas import DataFrame
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from helpers.core import store
from helpers.core.errors import BadInput
from helpers.core.paths import beside

FIRST = np.datetime64("2023-01-01")  # day 0: times below are days since then
DAYS = 1096  # three years
LAST = DAYS - 1
JOIN_LAST = 912  # new accounts join until mid 2025
DRIFT_DAY = "2025-10-01"
DRIFT = {"from_segment": 1, "to_segment": 5, "share": 0.35}
# Tables of what is planted, by subject.
PLAN = beside(__file__, "uniform_supplier.yaml")
NEEDS = PLAN["need"]
REQUIREMENTS = list(PLAN["requirements"])
PRODUCTS_PER_NEED = 16
RENEWAL_RATE = 0.8
RENEWAL_SPREAD = 0.15  # deviation of the accounts' own log-odds
ITEMS = ["fit", "delivery", "support", "quality"]
WAVES = ("03-10", "09-15")  # when half of the accounts are asked
CAMPAIGN_DAYS = 42
CONTACT_SHARE = 0.4  # contacts of a campaign over all accounts
CONTROL_SHARE = 0.3
LEAD_BASE = -1.7  # log-odds of being won
LEAD_MATCH = 0.9  # the first request is backed by the requirement of the same name

Draws = np.random.Generator
Arrays = dict[str, np.ndarray]


def uniform_supplier(
    *, seed: int, accounts: int, effects: bool = True
) -> tuple[dict[str, DataFrame], dict]:
    """Simulate three years of a supplier of uniforms, for 50 client accounts or more.

    Leads and contacts of campaigns grow with `accounts`. Without `effects` only the
    needs segments are planted: campaigns, drivers of renewal, traits of leads and the
    drift do nothing, and all else is alike. Returns the raw tables (lines as received:
    a few stand twice or are empty; money in cents, times local), and what was planted,
    as plain data for JSON, which the analysis must not read.
    """
    if accounts < 50:
        raise BadInput(
            f"accounts is {accounts}; five segments take at least 50. Ask for more."
        )
    seeds = np.random.SeedSequence(seed).spawn(len(PLAN["streams"]))
    draws = dict(zip(PLAN["streams"], map(np.random.default_rng, seeds), strict=True))
    book = _accounts(draws["accounts"], accounts)
    moved = _moved(draws["drift"], book) & effects
    profiles = _profiles(draws, book, moved)
    products = _products(draws["products"])
    # Everybody's three years as if nobody left; then who leaves, and what remains.
    orders = _orders(draws["orders"], book, profiles)
    lines = _lines(draws["lines"], book, orders, profiles["need"], products)
    periods = _periods(draws["contracts"], book)
    tickets = _tickets(draws["tickets"], book, periods, profiles["topic"])
    surveys = _surveys(draws["surveys"], book, periods)
    drivers = _drivers(periods, orders, lines, tickets, surveys)
    contracts, renewal = _renewed(draws["renewals"], book, periods, drivers, effects)
    leaves = _leaves(draws["renewals"], book, contracts)
    orders, tickets, surveys = (
        rows[rows["day"] <= leaves[rows["account"]]]
        for rows in (orders, tickets, surveys)
    )
    lines = lines[lines["order"].isin(orders.index)]
    others = _other_contacts(draws["others"], book, orders, leaves)
    contacts, responses, planted = _campaigns(draws["campaigns"], book, orders, effects)
    leads, chances = _leads(draws["leads"], book, effects)
    tables = {
        "customers": _customers(book),
        "attributes": _attributes(),
        "lines": _as_received(draws["spoilt"], book, orders, lines, products),
        "products": products.drop(columns="price"),
        "campaigns": _campaign_table(),
        "contacts": contacts,
        "responses": responses,
        "surveys": _survey_table(book, surveys),
        "contracts": _contract_table(book, contracts),
        "interactions": _interaction_table(book, tickets, others),
        "leads": leads.drop(columns="segment"),
    }
    changed = book.loc[moved & (leaves >= _day(DRIFT_DAY)), "customer_id"].tolist()
    truth = {
        "seed": seed,
        "accounts": accounts,
        "effects": effects,
        "segment_names": {
            str(n): name for n, name in enumerate(PLAN["segments"], start=1)
        },
        "segments": _mapping(book["customer_id"], book["segment"]),
        "campaign_effects": planted,
        "renewal": renewal["log_odds"],
        "renewal_intercept": renewal["intercept"],
        "renewal_spread": RENEWAL_SPREAD,
        "units": PLAN["renewal_units"],
        "drift": {"day": DRIFT_DAY, **DRIFT, "accounts": changed} if effects else None,
        "leads": _mapping(leads["lead_id"], chances.round(6)),
        "lead_segments": _mapping(leads["lead_id"], leads["segment"]),
        "best_auc": round(roc_auc_score(leads["won_on"].notna(), chances), 6),
    }
    return tables, truth


def save(tables: dict[str, DataFrame], truth: dict, *, folder: Path) -> None:
    """Save raw tables as Parquet and the truth as truth.json, each whole or not at all."""
    for name, table in tables.items():
        with store.replacing(folder / f"{name}.parquet") as partial:
            table.to_parquet(partial, index=False)
    store.write_json(truth, folder / "truth.json")


def _mapping(ids: pd.Series, values: np.ndarray | pd.Series) -> dict:
    return dict(zip(ids, values.tolist(), strict=True))


def _day(date: str) -> int:
    return int((np.datetime64(date) - FIRST).astype(int))


def _when(days: np.ndarray | pd.Series) -> np.ndarray:
    """Turn days since the first, with fractions, into times to the minute."""
    minutes = np.round(np.asarray(days, float) * 1440).astype("timedelta64[m]")
    return (FIRST.astype("datetime64[m]") + minutes).astype("datetime64[us]")


def _working(days: np.ndarray) -> np.ndarray:
    """Move whole days on a weekend to the Friday before or the Monday after."""
    weekday = (np.asarray(days, int) + 6) % 7  # the first day is a Sunday
    return days - (weekday == 5) + (weekday == 6)


def _in_hours(draw: Draws, days: np.ndarray) -> np.ndarray:
    """Move times to working hours, nine in ten weekend days to a weekday."""
    whole = np.floor(days)
    whole = np.where(draw.random(len(whole)) < 0.9, _working(whole), whole)
    hours = np.clip(draw.normal(11.5, 2.6, len(whole)), 6, 21)
    return whole + np.floor(hours * 60) / 1440


def _pick(draw: Draws, shares: np.ndarray) -> np.ndarray:
    """Draw one column for each row of shares (rows x columns; any positive scale)."""
    reached = np.cumsum(shares, axis=1)
    at = draw.random(len(shares)) * reached[:, -1]
    return np.minimum((reached <= at[:, None]).sum(axis=1), shares.shape[1] - 1)


def _of_segment(subject: str, segment: np.ndarray) -> np.ndarray:
    """Give each account its segment's column of a table of shares."""
    return np.array(list(PLAN[subject].values()), float).T[np.asarray(segment) - 1]


def _drawn(draw: Draws, subject: str, shares: np.ndarray) -> np.ndarray:
    """Draw one name of a table for each row of shares."""
    return np.array(list(PLAN[subject]), dtype=object)[_pick(draw, shares)]


def _banded(values: pd.Series, subject: str) -> np.ndarray:
    bands = PLAN[subject]
    names = np.array(list(bands.values()), dtype=object)
    return names[np.digitize(values, list(bands)) - 1]


def _anyone(subject: str, number: int) -> np.ndarray:
    """Repeat the shares of a table that hold in every segment."""
    return np.tile(list(PLAN[subject].values()), (number, 1))


def _required(draw: Draws, segment: pd.Series) -> np.ndarray:
    chances = _of_segment("requirements", segment) / 100
    return draw.random(chances.shape) < chances


def _companies(draw: Draws, number: int) -> DataFrame:
    """Draw companies: segment, industry, employees, region and requirements."""
    table = DataFrame(index=range(number))
    shares = np.tile(PLAN["segment_shares"], (number, 1))
    table["segment"] = 1 + _pick(draw, shares)
    industry = _of_segment("industry", table["segment"])
    table["industry"] = _drawn(draw, "industry", industry)
    size = np.exp(draw.normal(np.log(85), 1.05, number))
    table["employees"] = size.clip(5, 6000).round().astype("int64")
    table["region"] = _drawn(draw, "region", _anyone("region", number))
    table[REQUIREMENTS] = _required(draw, table["segment"])
    return table


def _accounts(draw: Draws, number: int) -> DataFrame:
    """Draw the accounts with what is known of them and what drives them."""
    book = _companies(draw, number)
    book["company_size"] = _banded(book["employees"], "company_size")
    sites = 1 + draw.poisson((book["employees"] / 120).clip(0.15, 12))
    book["sites"] = _banded(sites, "sites")
    for asked in ("decides_by", "brand_importance"):
        book[asked] = _drawn(draw, asked, _of_segment(asked, book["segment"]))
    before = draw.random(number) < 0.6
    old = _day("2022-03-31") - draw.beta(1, 2, number) * 4400
    since = np.where(before, old, draw.uniform(0, JOIN_LAST, number))
    book["since"] = _working(np.floor(since)).astype("int64")
    scale = (book["employees"] / 85) ** -0.12
    gap = 27 * scale * np.exp(0.35 * draw.standard_normal(number))
    book["gap"] = gap.clip(10, 60)  # mean days between orders
    pieces = 1.6 * (book["employees"] / 85) ** 0.35
    book["pieces"] = pieces * np.exp(0.25 * draw.standard_normal(number))
    book["discount"] = draw.beta(4, 40, number)
    book["voucher"] = draw.beta(1, 14, number)
    book["returns"] = draw.beta(2.2, 32, number)  # chance that a piece does not fit
    own = 0.45 * draw.standard_normal(number)
    book["slowness"] = own + book["region"].map(PLAN["slowness"])
    book["contentment"] = 0.6 * draw.standard_normal(number)
    book["customer_id"] = [f"A{n:05d}" for n in range(1, number + 1)]
    return book


def _moved(draw: Draws, book: DataFrame) -> np.ndarray:
    """Choose the accounts whose needs change on the day of the drift."""
    chosen = draw.random(len(book)) < DRIFT["share"]
    return chosen & (book["segment"] == DRIFT["from_segment"]).to_numpy()


def _profiles(draws: dict[str, Draws], book: DataFrame, moved: np.ndarray) -> Arrays:
    """Draw the accounts' own shares by subject: (before, after) x account x share."""
    profiles = {}
    later = np.full(len(book), DRIFT["to_segment"])
    for subject, closeness in PLAN["closeness"].items():
        own = _of_segment(subject, book["segment"])
        before = _dirichlet(draws["profiles"], own, closeness)
        after = _dirichlet(draws["drift"], _of_segment(subject, later), closeness)
        both = [before, np.where(moved[:, None], after, before)]
        profiles[subject] = np.stack(both).astype("float32")
    return profiles


def _dirichlet(draw: Draws, shares: np.ndarray, closeness: float) -> np.ndarray:
    weights = draw.standard_gamma(shares / 100 * closeness) + 1e-9
    return weights / weights.sum(axis=1, keepdims=True)


def _share_of(profile: np.ndarray, rows: DataFrame) -> np.ndarray:
    """Look up the shares that hold for an account on a day."""
    era = (rows["day"] >= _day(DRIFT_DAY)).astype(int)
    return profile[era, rows["account"]]


def _products(draw: Draws) -> DataFrame:
    """Draw the goods: as many, and at the same prices, for every need."""
    number = len(NEEDS) * PRODUCTS_PER_NEED
    quantiles = (np.arange(PRODUCTS_PER_NEED) + 0.5) / PRODUCTS_PER_NEED
    spread = np.log(quantiles / (1 - quantiles)) / 1.7
    prices = np.exp(np.log(32) + 0.45 * spread)
    garments = np.concatenate(
        [
            draw.permutation(np.resize(list(PLAN["garments"]), PRODUCTS_PER_NEED))
            for _ in NEEDS
        ]
    )
    return DataFrame(
        {
            "product_id": [f"P{n:04d}" for n in draw.permutation(number) + 1],
            "need_state": np.repeat(list(NEEDS), PRODUCTS_PER_NEED),
            "department": pd.Series(garments).map(PLAN["garments"]),
            "category": garments,
            "brand": np.where(draw.random(number) < 0.55, "own", "licensed"),
            "price": np.concatenate([draw.permutation(prices) for _ in NEEDS]),
        }
    )


def _orders(draw: Draws, book: DataFrame, profiles: Arrays) -> DataFrame:
    """Draw the orders that accounts would place if none ever left."""
    # The season (most in October) is a clock that runs faster and slower.
    calendar = np.arange(-1, DAYS + 1)
    speed = 1 + 0.18 * np.cos(2 * np.pi * (calendar - 285) / 365.25)
    clock = np.cumsum(speed) - speed[0]
    start = np.interp(book["since"].clip(lower=0), calendar, clock)
    number = np.ceil((clock[-1] - start) / book["gap"] * 1.25 + 16).astype(int)
    account = np.repeat(np.arange(len(book)), number)
    gaps = draw.gamma(3.5, book["gap"].to_numpy()[account] / 3.5)
    firsts = np.cumsum(number) - number
    gaps[firsts] *= draw.random(len(book))
    at = np.cumsum(gaps)
    at += (start - at[firsts] + gaps[firsts])[account]
    day = np.interp(at, clock, calendar, right=DAYS + 9)
    kept = day < DAYS
    orders = DataFrame({"account": account[kept], "day": day[kept]})
    orders["day"] = _in_hours(draw, orders["day"].to_numpy())
    channel = _share_of(profiles["channel"], orders)
    orders["channel"] = _drawn(draw, "channel", channel)
    urgent = _pick(draw, _share_of(profiles["urgent"], orders)) == 0
    usual = 3 + draw.poisson(4, len(orders))
    orders["lead_days"] = np.where(urgent, 1 + usual // 5, usual)
    orders["with_logo"] = _pick(draw, _share_of(profiles["logo"], orders)) == 0
    orders["promotion"] = np.where(draw.random(len(orders)) < 0.12, 0.1, 0.0)
    voucher = book["voucher"].to_numpy()[orders["account"]]
    orders["voucher"] = np.where(draw.random(len(orders)) < voucher, 0.08, 0.0)
    orders["lines"] = 3 + draw.binomial(5, 0.5, len(orders))
    return orders


def _lines(
    draw: Draws,
    book: DataFrame,
    orders: DataFrame,
    need_shares: np.ndarray,
    products: DataFrame,
) -> DataFrame:
    """Draw the lines of the orders: goods, pieces, money, returns and logo work."""
    order = orders.index.repeat(orders["lines"])
    lines = orders.loc[order, ["account", "day"]].reset_index(drop=True)
    lines["order"] = order
    account = lines["account"].to_numpy()
    need = _pick(draw, _share_of(need_shares, lines))
    lines["product"] = need * PRODUCTS_PER_NEED + _favourite(draw, book, account, need)
    pieces = 1 + draw.poisson(book["pieces"].to_numpy()[account])
    empty = draw.random(len(lines)) < 0.003  # samples and cancelled lines
    lines["quantity"] = np.where(empty, 0, pieces)
    price = products["price"].to_numpy()[lines["product"]]
    lines["shelf"] = np.round(price * 100).astype("int64") * lines["quantity"]
    of_order = orders[["promotion", "voucher", "with_logo"]].loc[lines["order"]]
    off = book["discount"].to_numpy()[account] + of_order["promotion"].to_numpy()
    sales = np.round(lines["shelf"] * (1 - off)).astype("int64")
    coupon = np.round(sales * of_order["voucher"].to_numpy()).astype("int64")
    lines["coupon"], lines["amount"] = coupon, sales - coupon
    misfit = book["returns"].to_numpy()[account]
    lines["returned"] = draw.binomial(lines["quantity"], misfit)
    lines["logo"] = of_order["with_logo"].to_numpy() & (draw.random(len(lines)) < 0.7)
    # An order names a product once, so that only spoilt lines stand twice.
    return lines.drop_duplicates(["order", "product"], ignore_index=True)


def _favourite(
    draw: Draws, book: DataFrame, account: np.ndarray, need: np.ndarray
) -> np.ndarray:
    """Choose goods within a need: every account has its own favourites."""
    shape = (len(book), len(NEEDS))
    first = draw.integers(0, PRODUCTS_PER_NEED, shape)
    step = 2 * draw.integers(0, PRODUCTS_PER_NEED // 2, shape) + 1
    rank = draw.geometric(0.4, len(account)) - 1
    return (first[account, need] + rank * step[account, need]) % PRODUCTS_PER_NEED


def _periods(draw: Draws, book: DataFrame) -> Arrays:
    """Draw contract years, if always renewed, of three in four accounts."""
    number = len(book)
    holds = draw.random(number) < 0.75
    before = draw.integers(_day("2022-05-01"), 0, number)
    older = np.where(draw.random(number) < 0.35, 0, before)
    joined = book["since"].to_numpy() + draw.integers(14, 61, number)
    first = pd.Series(_when(np.where(book["since"] < 0, older, joined)))
    starts = np.column_stack(
        [(first + pd.DateOffset(years=year)).dt.normalize() for year in range(5)]
    )
    day = (starts.astype("datetime64[D]") - FIRST).astype(int)
    size = book["employees"].to_numpy() ** 0.6
    fee = 4000 * size * np.exp(0.25 * draw.standard_normal(number))
    change = draw.choice([1, 0, -1], p=[0.3, 0.55, 0.15], size=(number, 4))
    factor = 1 + change * draw.uniform(0.05, 0.2, (number, 4))
    factor[:, 0] = 1
    return {
        "start": day[:, :4],
        "end": day[:, 1:] - 1,
        "exists": holds[:, None] & (day[:, :4] <= LAST),
        "ended": holds[:, None] & (day[:, 1:] - 1 <= LAST),
        "fee": (fee[:, None] * np.cumprod(factor, axis=1) / 500).round() * 500,
    }


def _period_of(periods: Arrays, rows: DataFrame) -> np.ndarray:
    """Find the cell (account x year of contract) of each row; -1 if it is in none."""
    account = rows["account"].to_numpy()
    day = np.floor(rows["day"].to_numpy())
    year = (day[:, None] >= periods["start"][account]).sum(axis=1) - 1
    inside = (year >= 0) & periods["exists"][account, np.maximum(year, 0)]
    return np.where(inside, account * periods["start"].shape[1] + year, -1)


def _fill_up(draw: Draws, periods: Arrays, rows: DataFrame, *, least: int) -> DataFrame:
    """Add rows on some day of each ended period that has fewer than `least`."""
    cells = periods["start"].size
    of = _period_of(periods, rows)
    found = np.bincount(of[of >= 0], minlength=cells)
    lacking = np.where(periods["ended"].ravel(), np.maximum(least - found, 0), 0)
    cell = np.repeat(np.arange(cells), lacking)
    start = np.maximum(periods["start"].ravel()[cell], 0) + 10
    end = periods["end"].ravel()[cell] - 10
    added = {
        "account": cell // periods["start"].shape[1],
        "day": _in_hours(draw, start + draw.random(len(cell)) * (end - start)),
    }
    return pd.concat([rows, DataFrame(added)], ignore_index=True)


def _contacted(draw: Draws, book: DataFrame, kind: str) -> DataFrame:
    """Draw days of contact of one kind, evenly over an account's time."""
    start = book["since"].clip(lower=0).to_numpy()
    rate = np.array(PLAN["contacts"][kind])[book["segment"] - 1] / 365
    own = draw.gamma(4, 0.25, len(book))
    number = draw.poisson(rate * own * (DAYS - start))
    account = np.repeat(np.arange(len(book)), number)
    day = start[account] + draw.random(len(account)) * (DAYS - start[account])
    return DataFrame({"account": account, "day": _in_hours(draw, day)})


def _tickets(
    draw: Draws, book: DataFrame, periods: Arrays, topic_shares: np.ndarray
) -> DataFrame:
    """Draw support tickets; every ended contract year has two or more."""
    tickets = _contacted(draw, book, "support ticket")
    tickets = _fill_up(draw, periods, tickets, least=2)
    tickets["topic"] = _drawn(draw, "topic", _share_of(topic_shares, tickets))
    of_year = 0.3 * draw.standard_normal((len(book), 3))
    year = np.digitize(tickets["day"], [365, 731])
    account = tickets["account"].to_numpy()
    slowness = book["slowness"].to_numpy()[account] + of_year[account, year]
    noise = 0.6 * draw.standard_normal(len(tickets))
    minutes = np.exp(np.log(300) + slowness + noise)
    tickets["minutes"] = minutes.clip(5, 6000).round()
    solved = draw.random(len(tickets)) < 0.93 - 0.00008 * tickets["minutes"].clip(
        upper=3000
    )
    tickets["outcome"] = np.where(solved, "solved", "unsolved")
    return tickets


def _surveys(draw: Draws, book: DataFrame, periods: Arrays) -> DataFrame:
    """Draw who is asked when, and the scores: five columns a survey."""
    waves = [_day(f"{year}-{day}") for year in (2023, 2024, 2025) for day in WAVES]
    asked = draw.random((len(book), len(waves))) < 0.5
    asked &= book["since"].to_numpy()[:, None] + 30 <= np.array(waves)
    account, wave = asked.nonzero()
    day = np.array(waves)[wave] + draw.integers(0, 14, len(wave))
    rows = DataFrame({"account": account, "day": _in_hours(draw, day)})
    rows = _fill_up(draw, periods, rows, least=1)
    rows["day"] = np.floor(rows["day"])
    at = rows["account"].to_numpy()
    content = book["contentment"] - 0.35 * book["slowness"] - 5 * book["returns"]
    latent = content.to_numpy()[at] + 0.7 * draw.standard_normal(len(rows))
    for item in ITEMS:
        score = 7.6 + 1.1 * latent + 0.8 * draw.standard_normal(len(rows))
        rows[item] = score.round().clip(1, 10)
    score = 8.1 + 1.5 * latent + 0.9 * draw.standard_normal(len(rows))
    rows["recommend"] = score.round().clip(0, 10)
    return rows


def _drivers(
    periods: Arrays,
    orders: DataFrame,
    lines: DataFrame,
    tickets: DataFrame,
    surveys: DataFrame,
) -> Arrays:
    """Measure the drivers of renewal from the rows, as an analyst would."""
    cells = periods["start"].size

    def mean(rows: DataFrame, values: np.ndarray, of: np.ndarray) -> np.ndarray:
        """Divide the sum of values by that of another in each year of contract."""
        cell = _period_of(periods, rows)
        inside = cell >= 0
        over, under = (
            np.bincount(cell[inside], each[inside], minlength=cells)
            for each in (values, of)
        )
        return over / np.maximum(under, 1)

    per_order = lines.groupby("order")[["returned", "quantity"]].sum()
    returned, pieces = per_order.reindex(orders.index).fillna(0).to_numpy().T
    score = surveys[ITEMS].mean(axis=1).to_numpy()
    hours = tickets["minutes"].to_numpy() / 60
    return {
        "response_hours": mean(tickets, hours, np.ones(len(tickets))),
        "return_share": mean(orders, 10 * returned, pieces),
        "satisfaction": mean(surveys, score, np.ones(len(surveys))),
    }


def _renewed(
    draw: Draws, book: DataFrame, periods: Arrays, drivers: Arrays, effects: bool
) -> tuple[DataFrame, dict]:
    """Draw renewals from the measured drivers; later years exist only if renewed."""
    log_odds = {driver: odds * effects for driver, odds in PLAN["renewal"].items()}
    shape = periods["start"].shape
    tilt = sum(b * drivers[driver] for driver, b in log_odds.items()).reshape(shape)
    tilt += RENEWAL_SPREAD * draw.standard_normal((len(book), 1))
    ended = periods["ended"]
    intercept = brentq(
        lambda a: expit(a + tilt[ended]).mean() - RENEWAL_RATE, -20, 20, xtol=1e-9
    )
    yes = draw.random(shape) < expit(intercept + tilt)
    reached = np.cumprod(np.column_stack([np.ones(len(book)), yes[:, :-1]]), axis=1)
    account, year = (periods["exists"] & (reached > 0)).nonzero()
    cell = (account, year)
    contracts = DataFrame(
        {
            "account": account,
            "start": periods["start"][cell],
            "end": periods["end"][cell],
            "fee": periods["fee"][cell].astype("int64"),
            "renewed": pd.array(yes[cell], dtype="boolean"),
        }
    )
    contracts["renewed"] = contracts["renewed"].mask(contracts["end"] > LAST)
    return contracts, {"log_odds": log_odds, "intercept": round(float(intercept), 6)}


def _leaves(draw: Draws, book: DataFrame, contracts: DataFrame) -> np.ndarray:
    """Say each account's last day: soon after a contract that was not renewed."""
    number = len(book)
    soon, stays = draw.uniform(0, 60, number), draw.random(number) < 0.15
    fades = book["since"].clip(lower=0).to_numpy() + draw.exponential(2600, number)
    fades = np.maximum(fades, book["since"] + 60)
    fades[contracts["account"].unique()] = np.inf
    lost = contracts[contracts["renewed"].eq(False).fillna(False)]
    at = lost["account"].to_numpy()
    fades[at] = np.where(stays[at], np.inf, lost["end"] + soon[at])
    return np.asarray(fades)


def _other_contacts(
    draw: Draws, book: DataFrame, orders: DataFrame, leaves: np.ndarray
) -> DataFrame:
    """Draw fittings and visits, and the quotations and deliveries of orders."""
    rows = [
        _contacted(draw, book, kind).assign(kind=kind) for kind in ("fitting", "visit")
    ]
    chance = draw.random(len(orders))
    declined = (chance >= 0.05) & (chance < 0.08)
    for kind, chosen, days, outcome in (
        ("quotation", chance < 0.05, -draw.uniform(2, 10, len(orders)), "accepted"),
        ("quotation", declined, draw.uniform(4, 12, len(orders)), "declined"),
        ("delivery", chance > 2 / 3, orders["lead_days"], "complete"),
    ):
        near = orders[["account"]].assign(day=orders["day"] + days)[chosen]
        near["day"] = _in_hours(draw, near["day"].to_numpy())
        rows.append(near.assign(kind=kind, outcome=outcome))
    table = pd.concat(rows, ignore_index=True)
    in_part = (table["kind"] == "delivery") & (draw.random(len(table)) < 0.08)
    table["outcome"] = table["outcome"].mask(in_part, "in part")
    inside = table["day"].between(0, DAYS, inclusive="left")
    return table[inside & (table["day"] <= leaves[table["account"]])]


def _sent(draw: Draws, book: DataFrame, orders: DataFrame) -> DataFrame:
    """Contact active accounts at random, and keep a random part of them as control."""
    parts = []
    size = round(CONTACT_SHARE * len(book))
    for starts_on, kind in PLAN["campaigns"].items():
        start = _day(starts_on)
        recent = orders["day"].between(start - 180, start)
        active = np.unique(orders.loc[recent, "account"])
        part = DataFrame({"account": np.sort(draw.permutation(active)[:size])})
        part["campaign_id"] = f"C{len(parts) + 1:02d}"
        part["kind"], part["start"] = kind, start
        controls = round(CONTROL_SHARE * len(part))
        part["control"] = draw.permutation(np.arange(len(part)) < controls)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _campaigns(
    draw: Draws, book: DataFrame, orders: DataFrame, effects: bool
) -> tuple[DataFrame, DataFrame, list[dict]]:
    """Draw who is contacted and who answers: contacts, responses and the effects."""
    sent = _sent(draw, book, orders)
    sent["customer_id"] = book["customer_id"].to_numpy()[sent["account"]]
    sent["arm"] = np.where(sent["control"], "control", "treated")
    sent["segment"] = book["segment"].to_numpy()[sent["account"]]
    added = _of_segment("effects", sent["segment"])
    kind = pd.Index(PLAN["effects"]).get_indexer(sent["kind"])
    sent["effect"] = added[np.arange(len(sent)), kind] * effects
    base = np.array(PLAN["base_rate"])[sent["segment"] - 1]
    chance = base + sent["effect"] * ~sent["control"]
    answers = sent[draw.random(len(sent)) < chance].reset_index(drop=True)
    after = np.floor(draw.beta(1.2, 2.5, len(answers)) * CAMPAIGN_DAYS)
    answers["responded_on"] = _when(answers["start"] + after)
    amount = np.exp(draw.normal(np.log(42000), 0.7, len(answers)))
    answers["amount_cents"] = amount.round().astype("int64")
    keys = ["campaign_id", "customer_id"]
    responses = answers[[*keys, "responded_on", "amount_cents"]]
    return sent[[*keys, "arm"]], responses, _planted(sent)


def _planted(sent: DataFrame) -> list[dict]:
    """List the mean effect among the contacted; segment 0 and kind all pool them."""
    pooled = pd.concat([sent, sent.assign(kind="all")])
    pooled = pd.concat([pooled.assign(segment=0), pooled])
    table = pooled.groupby(["kind", "segment"])["effect"].agg(["mean", "size"])
    return [
        {
            "kind": kind,
            "segment": int(segment),
            "effect": round(float(row["mean"]), 6),
            "contacts": int(row["size"]),
        }
        for (kind, segment), row in table.iterrows()
    ]


def _leads(draw: Draws, book: DataFrame, effects: bool) -> tuple[DataFrame, np.ndarray]:
    """Draw leads and their decisions; a won one becomes an account where one fits."""
    number = round(len(book) * 4 / 3)
    leads = _companies(draw, number)
    # Some leads are asked for by the companies that are known to have joined: if such a
    # lead is won, it is that account. Companies are alike, so the odds stay as planted.
    joined = np.flatnonzero(book["since"].between(_day("2024-03-15"), JOIN_LAST))
    account = draw.permutation(np.repeat(joined, 3))[: number // 2]
    like = ["segment", "industry", "employees", "region"]
    leads.loc[: len(account) - 1, like] = book.loc[account, like].to_numpy()
    leads["account"] = -1
    leads.loc[: len(account) - 1, "account"] = account
    leads = leads.astype({"segment": "int64", "employees": "int64"})
    _describe(draw, leads)
    days = draw.integers(10, 61, number)
    created = draw.integers(_day("2024-01-01"), _day("2025-10-31"), number)
    linked = leads["account"].to_numpy() >= 0
    since = book["since"].to_numpy()[leads["account"]]
    ahead = draw.integers(1, 15, number)
    created = np.where(linked, np.maximum(since - days - ahead, 365), created)
    days = np.where(linked, np.minimum(days, since - created - 1), days)
    chances = _odds(leads, effects)
    won = draw.random(number) < chances
    _decide(draw, leads, won, created, days)
    again = leads[won].duplicated("account").reindex(leads.index, fill_value=False)
    is_account = won & linked & ~again.to_numpy()
    ids = book["customer_id"].to_numpy()[leads["account"]]
    leads["customer_id"] = pd.Series(ids, dtype="str").where(is_account)
    order = np.lexsort([draw.random(number), created])
    leads, chances = leads.iloc[order].reset_index(drop=True), chances[order]
    leads["lead_id"] = [f"L{n:05d}" for n in range(1, number + 1)]
    columns = ["lead_id", "created_on", "employees", *PLAN["lead_attributes"], "won_on"]
    return leads[[*columns, "customer_id", "segment"]], chances


def _describe(draw: Draws, leads: DataFrame) -> None:
    """Give leads what the first conversation tells; some of it is mistaken."""
    number = len(leads)
    stated = leads["employees"] * draw.uniform(0.9, 1.1, number)
    leads["employees"] = stated.round().clip(lower=5).astype("int64")
    leads["company_size"] = _banded(leads["employees"], "company_size")
    flags = _required(draw, leads["segment"])
    leads[REQUIREMENTS] = flags ^ (draw.random(flags.shape) < 0.05)
    leads["source"] = _drawn(draw, "lead_source", _anyone("lead_source", number))
    wanted = _dirichlet(draw, _of_segment("need", leads["segment"]), 15)
    leads["first_request"] = _drawn(draw, "need", wanted)


def _odds(leads: DataFrame, effects: bool) -> np.ndarray:
    """Compute the chance of winning each lead from its own columns."""
    several = PLAN["lead_odds"].items()
    odds = sum(leads[column].map(of_value) for column, of_value in several)
    flags = leads[REQUIREMENTS].to_numpy()
    asked = leads["first_request"].map(PLAN["matching"])
    column = pd.Index(REQUIREMENTS).get_indexer(asked)
    backed = flags[np.arange(len(leads)), column] & (column >= 0)
    chances = expit(LEAD_BASE + odds.to_numpy() + LEAD_MATCH * backed)
    return chances if effects else np.full(len(leads), 0.25)


def _decide(
    draw: Draws,
    leads: DataFrame,
    won: np.ndarray,
    created: np.ndarray,
    days: np.ndarray,
) -> None:
    """Fill in what is known only after the lead was worked."""
    leads["created_on"] = _when(created)
    leads["won_on"] = pd.Series(_when(created + days)).where(won)
    leads["quotes_sent"] = (won + draw.poisson(0.5 + 0.9 * won)).astype("int64")
    leads["days_to_decision"] = days.astype("int64")
    first = np.exp(draw.normal(np.log(60000), 0.6, len(leads)))
    first *= (leads["employees"] / 85) ** 0.4
    leads["first_order_cents"] = first.round().astype("Int64").where(won)


def _customers(book: DataFrame) -> DataFrame:
    table = book[["customer_id", "employees", *PLAN["customer_attributes"]]].copy()
    table.insert(2, "account_since", _when(book["since"]))
    return table


def _attributes() -> DataFrame:
    rows = [
        (table, name, *PLAN["labels"][name])
        for table in ("customers", "leads")
        for name in PLAN[f"{table.removesuffix('s')}_attributes"]
    ]
    return DataFrame(rows, columns=["table", "attribute", "kind", "label"])


def _as_received(
    draw: Draws,
    book: DataFrame,
    orders: DataFrame,
    lines: DataFrame,
    products: DataFrame,
) -> DataFrame:
    """Write the lines of the orders in time, one in 500 of them twice."""
    at = np.argsort(orders["day"].to_numpy(), kind="stable")
    rank = pd.Series(np.empty(len(at), int), index=orders.index)
    rank.iloc[at] = np.arange(len(at))
    lines = lines.assign(rank=rank.loc[lines["order"]].to_numpy())
    lines = lines.sort_values("rank", kind="stable")
    written = 1 + (draw.random(len(lines)) < 0.002)
    lines = lines.loc[lines.index.repeat(written)]
    of = orders.loc[lines["order"]]
    ids = np.array([f"O{n:07d}" for n in range(1, len(at) + 1)], dtype=object)
    lead = of["lead_days"].to_numpy() + 5 * lines["logo"].to_numpy()
    return DataFrame(
        {
            "line_id": np.arange(len(lines)),
            "customer_id": book["customer_id"].to_numpy()[lines["account"]],
            "order_id": ids[lines["rank"]],
            "ordered_at": _when(lines["day"]),
            "product_id": products["product_id"].to_numpy()[lines["product"]],
            "quantity": lines["quantity"].to_numpy("int64"),
            "amount_cents": lines["amount"].to_numpy("int64"),
            "shelf_amount_cents": lines["shelf"].to_numpy("int64"),
            "coupon_cents": lines["coupon"].to_numpy("int64"),
            "channel": of["channel"].to_numpy(),
            "lead_days": lead.astype("int64"),
            "returned": lines["returned"].to_numpy("int64"),
            "logo": lines["logo"].to_numpy(),
        }
    )


def _campaign_table() -> DataFrame:
    campaigns = PLAN["campaigns"]
    starts = np.array([_day(day) for day in campaigns])
    return DataFrame(
        {
            "campaign_id": [f"C{n:02d}" for n in range(1, len(campaigns) + 1)],
            "kind": list(campaigns.values()),
            "starts_on": _when(starts),
            "ends_on": _when(starts + CAMPAIGN_DAYS - 1),
            "cost_cents": [PLAN["cost_cents"][kind] for kind in campaigns.values()],
        }
    )


def _survey_table(book: DataFrame, surveys: DataFrame) -> DataFrame:
    rows = surveys.sort_values(["day", "account"], kind="stable")
    table = DataFrame(
        {
            "customer_id": book["customer_id"].to_numpy()[rows["account"]],
            "answered_on": _when(rows["day"]),
        }
    )
    scores = rows[["recommend", *ITEMS]].reset_index(drop=True)
    long = pd.concat([table, scores], axis=1).melt(
        list(table), var_name="question", value_name="score", ignore_index=False
    )
    return long.sort_index(kind="stable").reset_index(drop=True)


def _contract_table(book: DataFrame, contracts: DataFrame) -> DataFrame:
    rows = contracts.sort_values(["start", "account"], kind="stable")
    return DataFrame(
        {
            "contract_id": [f"K{n:06d}" for n in range(1, len(rows) + 1)],
            "customer_id": book["customer_id"].to_numpy()[rows["account"]],
            "starts_on": _when(rows["start"]),
            "ends_on": _when(rows["end"]),
            "monthly_fee_cents": rows["fee"].to_numpy(),
            "renewed": rows["renewed"].array,
        }
    )


def _interaction_table(
    book: DataFrame, tickets: DataFrame, others: DataFrame
) -> DataFrame:
    rows = pd.concat([tickets.assign(kind="support ticket"), others])
    rows = rows.sort_values(["day", "account"], kind="stable")
    return DataFrame(
        {
            "customer_id": book["customer_id"].to_numpy()[rows["account"]],
            "happened_at": _when(rows["day"]),
            "kind": rows["kind"].to_numpy(),
            "topic": rows["topic"].astype("str").to_numpy(),
            "outcome": rows["outcome"].astype("str").to_numpy(),
            "minutes": rows["minutes"].to_numpy(),
        }
    )
