"""Choose which tempers meet in one shop: all pairs of them, and what is recovered."""

import itertools

import numpy as np
from shops import Temper

FACTORS = {
    "customers": [200, 40, 24, 1500, 20_000],
    "orders": [(8, 40), (1, 1), (1, 6), (100, 300)],
    "categories": [10, 0, 2, 400],
    "mix": ["even", "rare", "dominant"],
    "truth": ["planted", "copula", "noise"],
    "days": [400, 10, 1095],
    "shape": ["usual", "whale", "tier_kind", "alike", "equal"],
    "clock": [True, False],
    "dirt": ["none", "returns", "free", "negative"],
    "attributes": [2, 0, 20, "tiny"],
    "answers": [None, 0, 5, 5000],
    "leads": [None, 12, 400],
    "names": ["plain", "script", "long", "markup"],
    "windows": [True, False],
    "priced": ["amount", "unit"],
    "currency": ["EUR", "GBP", "JPY"],
}
MAX_LINES = 400_000  # of one shop: many customers with many orders have fewer of them
# Values that cannot meet: kinds need categories, and the alike have none.
APART = [
    ({"categories": 0}, {"truth": "planted"}),
    ({"categories": 0}, {"truth": "copula"}),
    ({"categories": 0}, {"shape": "tier_kind"}),
    ({"shape": "tier_kind"}, {"truth": "copula"}),
    ({"shape": "tier_kind"}, {"truth": "noise"}),
    ({"shape": "alike"}, {"truth": "planted"}),
    ({"shape": "alike"}, {"truth": "copula"}),
]


def _may_meet(one, other):
    pair = {one, other}
    return all({*first.items(), *second.items()} != pair for first, second in APART)


def pairs():
    """List every two values of two factors that can meet in one shop."""
    values = [(name, value) for name, all_of in FACTORS.items() for value in all_of]
    return [
        (one, other)
        for one, other in itertools.combinations(values, 2)
        if one[0] != other[0] and _may_meet(one, other)
    ]


def design(*, seed=0, tries=8):
    """Choose shops in which all `pairs` meet: each covers the most that are left.

    Returns
    -------
    list of dict
        One value of each factor a shop.
    """
    rng = np.random.default_rng(seed)
    left = {frozenset(pair) for pair in pairs()}
    chosen = []
    while left:
        drawn = [_row(left, rng) for _ in range(tries)]
        best = max(drawn, key=lambda row: len(_met(row) & left))
        chosen.append(best)
        left -= _met(best)
    return chosen


def _met(row):
    return {frozenset(pair) for pair in itertools.combinations(row.items(), 2)}


def _row(left, rng):
    """Begin with a pair that is left and add, factor by factor, what covers most."""
    row = dict(sorted(left, key=sorted_by)[rng.integers(len(left))])
    for name in rng.permutation(list(FACTORS)):
        if name in row:
            continue
        may = [
            (name, value)
            for value in FACTORS[name]
            if all(_may_meet((name, value), held) for held in row.items())
        ]
        new = [
            sum(frozenset(((name, value), held)) in left for held in row.items())
            for _, value in may
        ]
        ties = np.flatnonzero(np.array(new) == max(new))
        row[name] = may[rng.choice(ties)][1]
    return {name: row[name] for name in FACTORS}


def sorted_by(pair):
    """Order pairs alike in every process: sets have no order."""
    return sorted(map(repr, pair))


def temper_of(row):
    """Make the temper of a row of the design."""
    least, most = row["orders"]
    each = MAX_LINES // (4 * row["customers"])  # lines of an order: four
    dirt, shape = row["dirt"], row["shape"]
    tiny = row["attributes"] == "tiny"
    return Temper(
        customers=row["customers"],
        orders=(min(least, max(each // 2, 1)), min(most, max(each, 1))),
        days=row["days"],
        categories=row["categories"],
        mix=row["mix"],
        truth=row["truth"],
        whale=shape == "whale",
        tier_kind=shape == "tier_kind",
        alike=shape == "alike",
        equal=shape == "equal",
        clock=row["clock"],
        returns=dirt == "returns",
        free=dirt in ("free", "returns"),
        negative=dirt == "negative",
        kept={
            "free": ("no price",),
            "negative": ("cancellation or return", "no price"),
        }.get(dirt, ()),
        attributes=4 if tiny else row["attributes"],
        tiny_groups=tiny,
        answers=row["answers"],
        leads=row["leads"],
        names=row["names"],
        windows=row["windows"],
        priced="amount" if dirt == "negative" else row["priced"],
        currency=row["currency"],
    )


def whole():
    """Make the 40 shops for whole runs: all pairs of tempers, the cheap ones first."""
    rows = design()
    rng = np.random.default_rng(1)
    while len(rows) < 40:  # more, drawn by chance
        row = {
            name: all_of[rng.integers(len(all_of))] for name, all_of in FACTORS.items()
        }
        if all(_may_meet(*pair) for pair in itertools.combinations(row.items(), 2)):
            rows.append(row)
    return {f"pairs_{i:02d}": temper_of(row) for i, row in enumerate(rows)}


def recovery():
    """Make 200 shops for notebooks 1 to 3: 60 with kinds, 60 of noise, 80 of all sorts."""
    rng = np.random.default_rng(2)
    told = {}
    for i in range(120):
        kinds = int(rng.integers(3, 6))
        temper = Temper(
            customers=int(rng.integers(150, 401)),
            orders=(int(rng.integers(6, 12)), int(rng.integers(25, 50))),
            categories=int(rng.integers(2 * kinds + 1, 18)),  # two favourites a kind
            kinds=kinds,
            days=int(rng.integers(300, 800)),
            truth="planted" if i < 60 else "noise",
        )
        told[f"{'kinds' if i < 60 else 'noise'}_{i % 60:02d}"] = temper
    while len(told) < 200:
        row = {
            name: all_of[rng.integers(len(all_of))] for name, all_of in FACTORS.items()
        }
        if all(_may_meet(*pair) for pair in itertools.combinations(row.items(), 2)):
            told[f"sorts_{len(told) - 120:02d}"] = temper_of(row)
    return told
