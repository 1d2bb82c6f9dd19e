"""Make shops whose truth is known, and run the study on them.

From a temper and a seed, `make` draws a shop: CSV files, a run file and what is true of
them. `shop_runs` runs the study on it, `statements` holds its pages to the truth, and
`shop_design` chooses tempers that meet. For one shop, from the project:

    PYTHONPATH=src:tests python tools/try_shops.py one whale --home /tmp/x
    PYTHONPATH=src:tests python tools/try_shops.py one whale --home /tmp/x --until 03
    PYTHONPATH=src:tests python tools/try_shops.py one whale --home /tmp/x --make

The last runs make with its kernels; the others fork (quick.py) and take a quarter of it.

The names are those of `TEMPERS`, or pairs_00, kinds_00 ... of `shop_design`. The copy of the project is made anew from the working
tree each time; the shop's files are then /tmp/x/runs/whale.yaml and /tmp/x/data/raw/whale.
"""

import zlib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import yaml
from sklearn.metrics import adjusted_rand_score

OPENED = pd.Timestamp("2022-02-07")  # first day of every shop, a Monday
TRAINED = 0.75  # part of the days that segments are built from, where windows are given

# Names that a page must survive; each gets a number behind it.
SCRIPTS = (
    "Zoë",
    "李雷",
    "Дарья",
    "محمد",
    "Σοφία",
    "अनीता",
    "C++",
    "Nuñez 🎈",
    "O'Neil",
)
MARKUP = ("<b>Bold</b>", "<script>alert('x')</script>", 'Q"uote', "R&D; {{ 7*7 }}")
ATTRIBUTES = (
    *("age_band", "home", "tenure", "work", "schooling", "language", "car", "pet"),
    *("garden", "diet", "sport", "music", "travel", "phone", "bank", "heating"),
    *("roof", "view", "floor", "letterbox"),
)
# Evidence on a few repetitions: the references stay 19, so that p can reach 0.05.
SMALL = {
    "03_clustering_choice": {
        "max_k": 6,
        "sample": 600,
        "other_samples": 2,
        "other_n_bootstrap": 4,
        "n_init": 3,
        "n_bootstrap": 16,
        "n_splits": 6,
        "gap_n_draws": 4,
        "gap_n_init": 1,
        "bootstrap_n_init": 2,
        "half_n_init": 2,
        "null_n_bootstrap": 4,
    },
    "05_lifecycle_journey": {"n_bootstrap": 100, "fitted_customers": 500},
    "06_activation": {"n_draws": 20},
    "07_refinement": {"n_bootstrap": 100, "n_init": 3},
    "08_leads": {"n_bootstrap": 100},
}


@dataclass(frozen=True)
class Temper:
    """What a shop is like; everything else follows from the seed."""

    customers: int = 200
    orders: tuple[int, int] = (8, 40)  # least and most of a customer, all days
    lines: float = 4.0  # mean lines of an order
    days: int = 400
    categories: int = 10  # 0: products without any
    mix: str = "even"  # of categories: even, rare (a tail) or dominant (one holds 80 %)
    truth: str = "planted"  # planted kinds, copula (no kinds) or noise (all the same)
    kinds: int = 3
    apart: float = 3.0  # of a kind's favourite needs, in deviations within kinds
    tier_kind: bool = False  # one kind is also the fifth with the highest sales
    whale: bool = False  # one customer has half of the sales
    alike: bool = False  # everybody buys the same on the same days
    equal: bool = False  # everybody spends the same
    clock: bool = True  # times of day are known
    returns: bool = False  # purchases taken back whole, copies, lines without customer
    free: bool = False  # lines at price 0
    negative: bool = False  # a tenth of customers took back more than they bought
    kept: tuple[str, ...] = ()  # rules of notebook 1 that set no line aside
    attributes: int = 2
    tiny_groups: bool = False  # each value of an attribute is that of two or three
    answers: int | None = None  # to campaigns; None: no campaigns
    leads: int | None = None  # None: no table of leads
    names: str = "plain"  # of customers and goods: plain, script, long or markup
    priced: str = "amount"  # lines hold an amount, or a unit price
    products: bool = True  # categories stand in a table of their own
    windows: bool = True  # the run file gives the windows
    currency: str = "EUR"
    refused: str = ""  # part of the sentence that notebook 1 or 2 must stop with


def _of(**changes):
    return Temper(**changes)


TEMPERS = {
    "plain": _of(),
    "copula": _of(truth="copula"),
    "noise": _of(truth="noise"),
    "five_kinds": _of(customers=300, kinds=5, categories=14),
    "near_kinds": _of(apart=1.0),
    "forty": _of(customers=40),
    "two_customers": _of(customers=2, truth="noise", refused="2 customers"),
    "a_dozen": _of(customers=12, truth="noise"),
    "many": _of(customers=20_000, orders=(1, 30), lines=2.0),
    "one_order_each": _of(orders=(1, 1)),
    "few_orders": _of(orders=(1, 4), lines=1.2, categories=3, truth="noise"),
    "three_hundred_orders": _of(customers=60, orders=(150, 300), days=1095),
    "no_categories": _of(categories=0, truth="noise"),
    "one_category": _of(categories=1, truth="noise"),
    "two_categories": _of(categories=2, kinds=2),
    "400_categories": _of(categories=400, mix="rare"),
    "rare": _of(categories=30, mix="rare", truth="noise"),
    "dominant": _of(mix="dominant"),
    "whale": _of(whale=True),
    "tier_kind": _of(tier_kind=True),
    "alike": _of(alike=True, truth="noise"),
    "equal_sales": _of(equal=True),
    "ten_days": _of(days=10, orders=(2, 8)),
    "three_years": _of(days=1095, orders=(4, 60)),
    "no_clock": _of(clock=False),
    "returns": _of(returns=True, free=True, priced="unit"),
    "negative": _of(negative=True, kept=("cancellation or return", "no price")),
    "no_attributes": _of(attributes=0),
    "twenty_attributes": _of(attributes=20),
    "tiny_groups": _of(customers=60, attributes=4, tiny_groups=True),
    "no_answers": _of(answers=0),  # campaigns and contacts, no table of answers
    "five_answers": _of(answers=5),
    "many_answers": _of(customers=400, answers=5000),
    "empty_leads": _of(leads=0, windows=False),  # a table without a row
    "leads_few": _of(leads=12),
    "leads": _of(leads=400),
    "scripts": _of(names="script", currency="JPY", leads=60),
    "long_names": _of(names="long", leads=60),
    "markup": _of(names="markup", answers=50, currency="GBP", products=False),
    "no_windows": _of(windows=False),
}


@dataclass
class Truth:
    """What is true of a shop, counted while it is made and not from its files.

    Parameters
    ----------
    truth : str
        planted, copula or noise.
    kinds : Series
        Kind of each customer, by id; all 0 where none was planted.
    apart : float
        Deviations within kinds between a kind and the others in its favourite needs, as
        reached: few lines may not carry what the temper asks. 0 where none was planted.
    best : float
        Adjusted Rand index of who knows the centres of all kinds.
    received, reasons : int, dict
        Lines of the file, and how many each rule of notebook 1 takes away.
    clean : DataFrame
        The lines left: customer, order, day, cents, category.
    """

    truth: str
    kinds: pd.Series
    apart: float
    best: float
    received: int
    reasons: dict
    clean: pd.DataFrame

    @property
    def customers(self):
        return self.clean["customer"].nunique()

    @property
    def orders(self):
        return self.clean["order"].nunique()

    @property
    def lines(self):
        return len(self.clean)

    @property
    def sales_cents(self):
        return int(self.clean["cents"].sum())

    @property
    def days(self):
        """Return the first and the last day with a line."""
        return self.clean["day"].min(), self.clean["day"].max()

    @property
    def repeat_share(self):
        """Return the share of customers with two orders or more."""
        return float((self.by_customer()["orders"] > 1).mean())

    @property
    def largest_share(self):
        """Return the part of sales of the largest customer."""
        sales = self.by_customer()["cents"]
        return float(sales.max() / sales.sum())

    @property
    def top_fifth_share(self):
        """Return the part of sales of the fifth of customers with the most."""
        sales = self.by_customer()["cents"].sort_values(ascending=False)
        return float(sales.head(max(round(len(sales) / 5), 1)).sum() / sales.sum())

    def by_customer(self, first=None, last=None):
        """Sum orders and cents of each customer, over all days or some."""
        held = self.clean
        if first is not None:
            held = held[held["day"].between(pd.Timestamp(first), pd.Timestamp(last))]
        return held.groupby("customer").agg(
            orders=("order", "nunique"), lines=("cents", "size"), cents=("cents", "sum")
        )

    def holdout(self, first, last, later):
        """Compare two windows: who came back, and what the earlier top fifth holds later.

        Returns
        -------
        dict
            customers, orders, lines, cents of the training window; returning (share who
            order later); high, high_later: the part of sales of the customers at or
            above the 80 % quantile of sales, then and later.
        """
        before = self.by_customer(first, last)
        after = self.by_customer(pd.Timestamp(last) + pd.Timedelta(days=1), later)
        later_cents = after["cents"].reindex(before.index).fillna(0)
        high = before["cents"] >= before["cents"].quantile(0.8)

        def part(cents):
            return float(cents[high].sum() / cents.sum()) if cents.sum() else np.nan

        return {
            "customers": len(before),
            "orders": int(before["orders"].sum()),
            "lines": int(before["lines"].sum()),
            "cents": int(before["cents"].sum()),
            "returning": float(before.index.isin(after.index).mean()),
            "high": part(before["cents"]),
            "high_later": part(later_cents),
        }


@dataclass
class Shop:
    """Files, run file and truth of one shop."""

    name: str
    temper: Temper
    seed: int
    tables: dict[str, pd.DataFrame]
    run_file: str
    truth: Truth
    windows: dict[str, str] = field(default_factory=dict)


def make(temper, *, name, seed=0):
    """Draw a shop; the same temper, name and seed give the same shop.

    Parameters
    ----------
    temper : Temper or str
        One of `TEMPERS`, or another.
    name : str
        Name of the run.
    seed : int
        Fixes every draw.

    Returns
    -------
    Shop
    """
    temper = TEMPERS[temper] if isinstance(temper, str) else temper
    if temper.truth == "planted" and temper.categories < 2:
        raise ValueError("Kinds are planted in categories; give two or more.")
    rng = np.random.default_rng([seed, zlib.crc32(repr(temper).encode())])
    people = _people(temper, rng)
    lines = _visits(temper, people, rng)
    preferences, apart, best = _preferences(temper, people, lines, rng)
    lines["category"] = _categories(preferences(1.0), lines)
    lines = _priced(temper, people, lines, rng)
    lines = _faults(temper, lines, rng)
    written, truth = _written(temper, people, lines, apart, best)
    tables = {"lines": written} | _described(temper, people, lines, rng)
    windows = _windows(temper)
    run_file = _run_file(temper, tables, windows)
    return Shop(name, temper, seed, tables, run_file, truth, windows)


def _named(temper, what, count):
    """Name customers or goods in the way of the temper."""
    numbers = [f"{what}{i:05d}" for i in range(count)]
    match temper.names:
        case "script":
            return [f"{SCRIPTS[i % len(SCRIPTS)]} {n}" for i, n in enumerate(numbers)]
        case "long":
            return [f"{n} " + "long and longer " * 15 + "end" for n in numbers]
        case "markup":
            return [f"{MARKUP[i % len(MARKUP)]} {n}" for i, n in enumerate(numbers)]
    return numbers


def _people(temper, rng):
    """Draw who the customers are: kind, number of orders, days, level of prices."""
    count = temper.customers
    kinds = np.zeros(count, dtype=int)
    if temper.truth == "planted":
        parts = rng.dirichlet(np.full(temper.kinds, 30.0))
        if temper.tier_kind:
            parts = np.r_[0.2, parts[1:] / parts[1:].sum() * 0.8]
        kinds = np.repeat(
            np.arange(temper.kinds),
            np.diff(np.r_[0, np.round(np.cumsum(parts) * count)]).astype(int),
        )
        rng.shuffle(kinds)
    least, most = temper.orders
    orders = np.exp(rng.uniform(np.log(least), np.log(most + 1), count)).astype(int)
    level = np.exp(rng.normal(0, 0.4, count))
    # Some come later, and some go before the end.
    begins = np.where(rng.random(count) < 0.3, rng.uniform(0, 0.6, count), 0.0)
    ends = np.where(rng.random(count) < 0.2, rng.uniform(0.6, 1.0, count), 1.0)
    if temper.alike or temper.equal:
        orders[:] = max(most // 4, 1) * 4
        level[:] = 1.0
    if temper.tier_kind:
        level = np.where(kinds == 0, 40.0, 1.0) * level
    people = pd.DataFrame({"kind": kinds, "orders": orders, "level": level})
    return people.assign(customer=_named(temper, "K", count), begins=begins, ends=ends)


def _visits(temper, people, rng):
    """Draw a row for each line: customer, order and when."""
    orders = people["orders"].to_numpy()
    customer = np.repeat(np.arange(len(people)), orders)
    nth = np.arange(orders.sum()) - np.repeat(orders.cumsum() - orders, orders)
    if temper.alike or temper.equal:
        within = 0.5 if temper.alike else rng.random(len(customer))
        part = (nth + within) / orders[customer]
        pieces = np.full(len(customer), round(temper.lines))
    else:
        begins, ends = people["begins"].to_numpy(), people["ends"].to_numpy()
        part = rng.random(len(customer))
        part = begins[customer] + part * (ends - begins)[customer]
        pieces = 1 + rng.poisson(temper.lines - 1, len(customer))
    day = np.minimum((part * temper.days).astype(int), temper.days - 1)
    minute = rng.integers(8 * 60, 21 * 60, len(customer)) if temper.clock else 0
    when = OPENED + pd.to_timedelta(day, "D") + pd.to_timedelta(minute, "min")
    visits = pd.DataFrame({"customer": customer, "when": when, "day": day})
    visits["order"] = [f"A{number:07d}" for number in rng.permutation(len(visits))]
    lines = visits.loc[visits.index.repeat(pieces)].reset_index(drop=True)
    lines["nth"] = lines.groupby("order", sort=False).cumcount()
    return lines.assign(
        draw=rng.random(len(lines)), weight=np.exp(rng.normal(0, 0.5, len(lines)))
    )


def _preferences(temper, people, lines, rng):
    """Return what customers prefer as a function of how far kinds lie apart.

    Kinds are pushed apart until, in the roots of shares of sales by category in the
    earlier three quarters of days, the mean of a kind in its favourite needs lies
    `temper.apart` deviations (within kinds) from the mean of the others.
    """
    count, n = temper.categories, len(people)
    if count < 2:
        return lambda _: np.ones((n, 1)), 0.0, 0.0
    base = np.sort(np.exp(rng.normal(0, 0.3, count)))[::-1]
    if temper.mix == "rare":
        base = 1.0 / np.arange(1, count + 1) ** 2
    if temper.mix == "dominant":
        base[0] = 4 * base[1:].sum()
    base = base / base.sum()
    if temper.truth == "noise":
        return lambda _: np.tile(base, (n, 1)), 0.0, 0.0
    if temper.truth == "copula":
        loadings = rng.normal(0, 0.6, (3, count))
        logs = np.log(base) + rng.normal(size=(n, 3)) @ loadings
        own = np.exp(logs + rng.normal(0, 0.3, (n, count)))
        return lambda _: own / own.sum(1, keepdims=True), 0.0, 0.0
    each = 2 if count > 2 * temper.kinds else 1
    skip = 1 if temper.mix == "dominant" and count > temper.kinds else 0
    favourites = np.arange(skip, skip + each * temper.kinds).reshape(temper.kinds, -1)
    favourites %= count
    liked = np.zeros((temper.kinds, count))
    np.put_along_axis(liked, favourites, 1 / each, axis=1)
    own = np.exp(rng.normal(0, 0.3, (n, count)))
    kinds = people["kind"].to_numpy()

    def at(push):
        mixed = ((1 - push) * base + push * liked[kinds]) * own
        return mixed / mixed.sum(1, keepdims=True)

    some = np.flatnonzero(np.arange(n) < 2000)  # enough to measure the distance on
    early = lines[(lines["day"] < TRAINED * temper.days) & (lines["customer"] < 2000)]

    def measured(push):
        chosen = _categories(at(push), early)
        return _apart(early.assign(category=chosen), kinds[some], favourites, count)

    low, high = 0.0, 0.98
    for _ in range(12):
        push = (low + high) / 2
        low, high = (push, high) if measured(push)[0] < temper.apart else (low, push)
    return lambda _: at(high), *measured(high)


def _apart(lines, kinds, favourites, count):
    """Measure how far kinds lie apart, and how well their centres tell customers."""
    held = np.zeros((len(kinds), count))
    np.add.at(held, (lines["customer"], lines["category"]), lines["weight"])
    bought = held.sum(1) > 0
    roots = np.sqrt(held[bought] / held[bought].sum(1, keepdims=True))
    kinds = kinds[bought]
    there = np.unique(kinds)
    if len(there) < 2:
        return 0.0, 0.0
    centres = np.array([roots[kinds == kind].mean(0) for kind in there])
    within = np.sqrt(((roots - centres[np.searchsorted(there, kinds)]) ** 2).mean(0))
    within = np.maximum(within, 1e-6)
    steps = [
        (centres[i, one] - np.delete(centres[:, one], i).mean()) / within[one]
        for i, kind in enumerate(there)
        for one in favourites[kind]
    ]
    found = (((roots[:, None] - centres) / within) ** 2).sum(2).argmin(1)
    return float(np.mean(steps)), float(adjusted_rand_score(kinds, there[found]))


def _categories(preferences, lines):
    """Choose the category of each line by its draw."""
    edges = preferences.cumsum(1)
    edges[:, -1] = 1.0
    owner = lines["customer"].to_numpy()
    chosen = np.empty(len(lines), dtype=int)
    for begin in range(0, len(lines), 200_000):  # a wide table for some lines at a time
        part = slice(begin, begin + 200_000)
        wide = edges[owner[part]]
        chosen[part] = (wide < lines["draw"].to_numpy()[part, None]).sum(1)
    return chosen


def _priced(temper, people, lines, rng):
    """Give each line a product, pieces and a price in cents."""
    if temper.alike:
        lines["category"] = lines["nth"] % max(temper.categories, 1)
    good = 0 if temper.alike else rng.integers(0, 5, len(lines))
    if temper.equal:
        good = lines["nth"]
    lines["product"] = lines["category"] * 10 + good
    # Two lines of an order with the same product could be exact copies; only a number of
    # pieces tells a copy from a second one.
    two = temper.returns & (lines["nth"] % 2 == 1)
    lines = lines.assign(pieces=1 + two).drop_duplicates(["order", "product"])
    if temper.alike or temper.equal:
        return lines.assign(price=1000).reset_index(drop=True)
    level = people["level"].to_numpy()[lines["customer"]]
    price = np.maximum(np.round(800 * level * lines["weight"]), 1).astype("int64")
    if temper.whale:
        others = price[lines["customer"] != 0].sum()
        own = lines["customer"] == 0
        price = price.where(~own, np.round(price * (others / price[own].sum())))
    return lines.assign(price=price.astype("int64")).reset_index(drop=True)


def _faults(temper, lines, rng):
    """Add what notebook 1 sets aside; `fate` names the rule that takes a line."""
    lines = lines.assign(fate="", cents=lines["price"] * lines["pieces"])
    if temper.free:
        free = rng.random(len(lines)) < 0.05
        lines.loc[free, ["price", "cents"]] = 0
        lines.loc[free, "fate"] = "no price"
    added = []
    if temper.returns:
        # Only from lines that nothing else takes; a product of its own each.
        fine = lines.index[lines["fate"] == ""].to_numpy()
        some = rng.choice(fine, size=max(len(fine) // 25, 1), replace=False)
        taken, copied, nobody = np.array_split(some, 3)
        lines.loc[taken, "fate"] = "purchase cancelled later"
        lines.loc[taken, "product"] = 1_000_000 + np.arange(len(taken))
        back = lines.loc[taken].assign(fate="cancellation or return")
        back["pieces"], back["cents"] = -back["pieces"], -back["cents"]
        back["order"] = "C" + back["order"].str[1:]
        back["when"] += pd.Timedelta(hours=1 if temper.clock else 0)
        added += [back, lines.loc[copied].assign(fate="exact copy")]
        lines.loc[nobody, "fate"] = "no customer"
    if temper.negative:
        sums = lines.groupby("customer").agg(
            cents=("cents", "sum"), when=("when", "max"), day=("day", "max")
        )
        some = rng.choice(sums.index, size=max(len(sums) // 10, 1), replace=False)
        back = sums.loc[some].reset_index()
        cents = -np.round(back["cents"] * 1.3).astype("int64")
        back = back.assign(
            order=[f"N{i:05d}" for i in range(len(back))],
            category=0,
            product=2_000_000 + np.arange(len(back)),
            pieces=0,  # a credit note
            price=-cents,
            cents=cents,
            fate="cancellation or return",
        )
        added.append(back)
    lines = pd.concat([lines, *added], ignore_index=True)
    lines.loc[lines["fate"].isin(temper.kept), "fate"] = ""
    return lines


def _written(temper, people, lines, apart, best):
    """Write lines as the file holds them, and keep what is true of them."""
    goods = dict(
        zip(*_goods(temper, lines)[["product", "item"]].to_numpy().T, strict=True)
    )
    form = "%Y-%m-%d %H:%M" if temper.clock else "%Y-%m-%d"
    names = people["customer"].to_numpy()[lines["customer"]]
    written = pd.DataFrame(
        {
            "customer": np.where(lines["fate"] == "no customer", "", names),
            "order": lines["order"],
            "when": lines["when"].dt.strftime(form),
            "item": lines["product"].map(goods),
            "pieces": lines["pieces"],
        }
    )
    if temper.priced == "unit":
        written["unit_price"] = [f"{cents / 100:.2f}" for cents in lines["price"]]
    else:
        written["paid"] = [f"{cents / 100:.2f}" for cents in lines["cents"]]
    if temper.categories and not temper.products:
        written["category"] = _category_names(temper)[lines["category"]]
    clean = lines.assign(customer=names)[lines["fate"] == ""]
    clean = clean.assign(day=clean["when"].dt.normalize())
    truth = Truth(
        truth=temper.truth,
        kinds=people.set_index("customer")["kind"],
        apart=apart,
        best=best,
        received=len(lines),
        reasons=lines.loc[lines["fate"] != "", "fate"].value_counts().to_dict(),
        clean=clean[["customer", "order", "day", "cents", "category"]],
    )
    return written, truth


def _category_names(temper):
    names = _named(temper, "Need", max(temper.categories, 1))
    return np.array([name.replace("00", "") for name in names], dtype=object)


def _goods(temper, lines):
    """List the products that lines name, with their category."""
    goods = lines.drop_duplicates("product")[["product", "category"]]
    item = [f"P{number:07d}" for number in goods["product"]]
    return goods.assign(item=item, category=_category_names(temper)[goods["category"]])


def _described(temper, people, lines, rng):
    """Make the tables beside the lines that the temper asks for."""
    tables = {}
    if temper.categories and temper.products:
        tables["products"] = _goods(temper, lines)[["item", "category"]]
    own = _attributes(temper, len(people), rng)
    if temper.attributes:
        tables["customers"] = own.assign(customer=people["customer"])
    last = temper.days - 1
    if temper.answers is not None:
        tables |= _campaigns(temper, people, last, rng)
    if temper.leads is not None:
        tables["leads"] = _leads(temper, people, lines, own, rng)
    return tables


def _attributes(temper, rows, rng):
    levels = max(rows // 3, 2) if temper.tiny_groups else 4
    told = {}
    for name in ATTRIBUTES[: temper.attributes]:
        values = np.array(_named(temper, name[:2], levels), dtype=object)
        drawn = values[rng.integers(0, levels, rows)]
        told[name] = np.where(rng.random(rows) < 0.2, "", drawn)
    return pd.DataFrame(told, index=range(rows))


def _day(number):
    return (OPENED + pd.to_timedelta(number, "D")).strftime("%Y-%m-%d")


def _campaigns(temper, people, last, rng):
    """Make four campaigns that reach half of the customers each, and their answers."""
    length = max(last // 12, 1)
    begins = np.array([last * part // 100 for part in (20, 45, 65, 82)])
    campaigns = pd.DataFrame(
        {
            "campaign": [f"M{i}" for i in range(4)],
            "kind": ["letter", "call", "letter", "call"],
            "begins": _day(begins),
            "ends": _day(begins + length),
        }
    )
    reached = [
        (f"M{i}", name, begins[i])
        for i in range(4)
        for name in people["customer"][rng.random(len(people)) < 0.5]
    ] or [("M0", people["customer"].iloc[0], begins[0])]
    contacts = pd.DataFrame(reached, columns=["campaign", "customer", "begins"])
    arms = np.where(rng.random(len(contacts)) < 0.3, "control", "treated")
    chosen = contacts.iloc[rng.integers(0, len(contacts), temper.answers)]
    when = chosen["begins"].to_numpy() + rng.integers(0, length + 1, len(chosen))
    responses = chosen[["campaign", "customer"]].assign(answered=_day(when))
    contacts = contacts[["campaign", "customer"]]
    if temper.answers >= 1000:
        contacts = contacts.assign(arm=arms)
    tables = {"campaigns": campaigns, "contacts": contacts}
    return tables | ({"responses": responses} if temper.answers else {})


def _leads(temper, people, lines, own, rng):
    """Make leads, of whom a third became one of the customers."""
    rows = temper.leads
    first = lines.groupby("customer")["day"].min()
    won = rng.permutation(first.index)[: rows // 3]
    told = _attributes(temper, rows, rng)
    told.iloc[: len(won)] = own.iloc[won].to_numpy()
    created = rng.integers(0, temper.days, rows)
    created[: len(won)] = first[won]
    blank = [""] * (rows - len(won))
    told["lead"] = [f"L{i:05d}" for i in range(rows)]
    told["created"] = _day(created) if rows else []
    told["won"] = [*(_day(first[won].to_numpy()) if len(won) else []), *blank]
    told["customer"] = [*people["customer"].iloc[won], *blank]
    return told


def _windows(temper):
    """Return the windows as a run file gives them: a quarter of the days is held out."""
    last = max(int(TRAINED * temper.days) - 1, 0)
    return {
        "train_start": _day(0),
        "train_end": _day(last),
        "holdout_end": _day(temper.days - 1),
    }


# Standard column -> column of the file.
MAPPED = {
    "lines": {
        "customer_id": "customer",
        "order_id": "order",
        "ordered_at": "when",
        "product_id": "item",
        "quantity": "pieces",
        "amount": "paid",
        "unit_price": "unit_price",
        "category": "category",
    },
    "products": {"product_id": "item", "category": "category"},
    "customers": {"customer_id": "customer"},
    "campaigns": {
        "campaign_id": "campaign",
        "kind": "kind",
        "starts_on": "begins",
        "ends_on": "ends",
    },
    "contacts": {"campaign_id": "campaign", "customer_id": "customer", "arm": "arm"},
    "responses": {
        "campaign_id": "campaign",
        "customer_id": "customer",
        "responded_on": "answered",
    },
    "leads": {
        "lead_id": "lead",
        "created_on": "created",
        "won_on": "won",
        "customer_id": "customer",
    },
}


def _run_file(temper, tables, windows):
    blocks = {}
    for name, table in tables.items():
        columns = {k: v for k, v in MAPPED[name].items() if v in table}
        block = {"file": f"{name}.csv"}
        if name in ("customers", "leads"):
            told = [one for one in ATTRIBUTES if one in table]
            columns |= {one: one for one in told}
            block |= {"demographic": told} if told else {}
        blocks[name] = block | {"columns": columns}
    content = {
        "source": "files",
        "tables": blocks,
        "all": {"currency": temper.currency, "time_zone": "Europe/Berlin"},
        "01_cleaning": {"disabled_rules": list(temper.kept)},
        **{name: dict(values) for name, values in SMALL.items()},
    }
    if temper.windows:
        content["01_cleaning"] |= {
            "coverage_start": windows["train_start"],
            "coverage_end": windows["holdout_end"],
        }
        content["02_feature_engineering"] = {**windows, "min_orders": 3, "min_lines": 6}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
