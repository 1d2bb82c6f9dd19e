"""What is planted comes back by plain counting, and nothing gives the truth away."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2_contingency
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, roc_auc_score, silhouette_score

from helpers.core.errors import BadInput
from helpers.sources import uniform_supplier

LAST = pd.Timestamp("2025-12-31")
DRIFT = pd.Timestamp("2025-10-01")
WHEN, TEXT, NUMBER, FLAG = "datetime64[us]", "str", "int64", "bool"
COLUMNS = {
    "attributes": {"table": TEXT, "attribute": TEXT, "kind": TEXT, "label": TEXT},
    "lines": {
        **{"line_id": NUMBER, "customer_id": TEXT, "order_id": TEXT},
        **{"ordered_at": WHEN, "product_id": TEXT, "quantity": NUMBER},
        **{"amount_cents": NUMBER, "shelf_amount_cents": NUMBER},
        **{"coupon_cents": NUMBER, "channel": TEXT, "lead_days": NUMBER},
        **{"returned": NUMBER, "logo": FLAG},
    },
    "products": dict.fromkeys(
        ("product_id", "need_state", "department", "category", "brand"), TEXT
    ),
    "campaigns": {
        **{"campaign_id": TEXT, "kind": TEXT, "starts_on": WHEN, "ends_on": WHEN},
        "cost_cents": NUMBER,
    },
    "contacts": {"campaign_id": TEXT, "customer_id": TEXT, "arm": TEXT},
    "responses": {
        **{"campaign_id": TEXT, "customer_id": TEXT, "responded_on": WHEN},
        "amount_cents": NUMBER,
    },
    "surveys": {
        **{"customer_id": TEXT, "answered_on": WHEN, "question": TEXT},
        "score": "float64",
    },
    "contracts": {
        **{"contract_id": TEXT, "customer_id": TEXT, "starts_on": WHEN},
        **{"ends_on": WHEN, "monthly_fee_cents": NUMBER, "renewed": "boolean"},
    },
    "interactions": {
        **{"customer_id": TEXT, "happened_at": WHEN, "kind": TEXT, "topic": TEXT},
        **{"outcome": TEXT, "minutes": "float64"},
    },
}
KEYS = {
    "customers": ["customer_id"],
    "attributes": ["table", "attribute"],
    "lines": ["line_id"],
    "products": ["product_id"],
    "campaigns": ["campaign_id"],
    "contacts": ["campaign_id", "customer_id"],
    "responses": ["campaign_id", "customer_id"],
    "contracts": ["contract_id"],
    "leads": ["lead_id"],
}


@pytest.fixture(scope="module")
def supplier():
    return uniform_supplier.uniform_supplier(seed=17, accounts=3000)


@pytest.fixture(scope="module")
def without():
    return uniform_supplier.uniform_supplier(seed=17, accounts=3000, effects=False)


@pytest.fixture(scope="module")
def lines(supplier):
    """Give the lines as cleaned: each once, with need and sales."""
    rows = supplier[0]["lines"]
    rows = rows.drop_duplicates([c for c in rows if c != "line_id"])
    rows = rows.merge(supplier[0]["products"], on="product_id", validate="m:1")
    return rows.assign(sales=rows["amount_cents"] + rows["coupon_cents"])


def shares(rows, column, value=None):
    """Count or sum rows of each level over those of the customer."""
    rows = rows.assign(one=1)
    groups = rows.groupby(["customer_id", column])[value or "one"]
    table = groups.sum().unstack(fill_value=0)
    return table.div(table.sum(axis=1), axis=0)


@pytest.fixture(scope="module")
def behaviour(supplier, lines):
    """Give accounts with 10 orders up to March 2025 and their shares."""
    early = lines[lines["ordered_at"] < "2025-04-01"]
    orders = early.drop_duplicates("order_id")
    contacts = supplier[0]["interactions"]
    tickets = contacts[
        (contacts["kind"] == "support ticket")
        & (contacts["happened_at"] < "2025-04-01")
    ]
    parts = [
        *(shares(early, "need_state", "sales"), shares(orders, "channel")),
        *(
            shares(tickets, "topic"),
            shares(early, "logo").rename(columns=str)[["True"]],
        ),
    ]
    many = orders["customer_id"].value_counts()
    table = pd.concat(parts, axis=1).loc[many.index[many >= 10]].sort_index()
    return table.fillna(table.mean())  # two or three never asked for support


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        uniform_supplier.save(
            *uniform_supplier.uniform_supplier(seed=3, accounts=60),
            folder=tmp_path / folder,
        )
    files = sorted((tmp_path / "one").iterdir())
    assert [f.stem for f in files] == sorted(
        [*KEYS, "interactions", "surveys", "truth"]
    )
    for file in files:
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_another_seed_gives_other_rows():
    one, two = (
        uniform_supplier.uniform_supplier(seed=s, accounts=60)[0] for s in (3, 4)
    )
    for name in KEYS.keys() - {"attributes", "campaigns"}:
        assert not one[name].equals(two[name])


def test_saved_tables_are_read_back_with_their_types(tmp_path):
    tables, truth = uniform_supplier.uniform_supplier(seed=3, accounts=60)
    uniform_supplier.save(tables, truth, folder=tmp_path)
    for name, table in tables.items():
        saved = pd.read_parquet(tmp_path / f"{name}.parquet")
        pd.testing.assert_frame_equal(saved, table.reset_index(drop=True))
    assert json.loads((tmp_path / "truth.json").read_text("utf-8")) == truth


def test_a_table_that_cannot_be_written_leaves_the_earlier_file(tmp_path):
    tables, truth = uniform_supplier.uniform_supplier(seed=3, accounts=60)
    uniform_supplier.save(tables, truth, folder=tmp_path)
    before = (tmp_path / "lines.parquet").read_bytes()
    broken = tables["lines"].assign(logo=[object()] * len(tables["lines"]))
    with pytest.raises(Exception, match="object"):
        uniform_supplier.save({"lines": broken}, truth, folder=tmp_path)
    assert (tmp_path / "lines.parquet").read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))


def test_too_few_accounts_are_refused():
    with pytest.raises(BadInput, match=r"accounts is 49; .* at least 50"):
        uniform_supplier.uniform_supplier(seed=1, accounts=49)


@pytest.mark.parametrize("name", COLUMNS)
def test_tables_have_the_promised_columns_and_types(supplier, name):
    assert supplier[0][name].dtypes.astype(str).to_dict() == COLUMNS[name]


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_unique_and_known(supplier, name):
    table = supplier[0][name]
    assert not table.duplicated(KEYS[name]).any()
    assert table[KEYS[name]].notna().all(axis=None)


def test_every_reference_is_found(supplier):
    tables, _ = supplier
    for name in (
        *("lines", "contacts", "responses", "surveys", "contracts", "interactions"),
        "leads",
    ):
        ids = tables[name]["customer_id"].dropna()
        assert ids.isin(tables["customers"]["customer_id"]).all()
    assert tables["lines"]["product_id"].isin(tables["products"]["product_id"]).all()
    pairs = pd.MultiIndex.from_frame(tables["contacts"][KEYS["contacts"]])
    answered = pd.MultiIndex.from_frame(tables["responses"][KEYS["responses"]])
    assert answered.isin(pairs).all()


def test_every_attribute_is_a_column_with_few_levels(supplier):
    tables, _ = supplier
    listed = tables["attributes"]
    for name, group in listed.groupby("table"):
        early = group.loc[group["kind"] != "later", "attribute"]
        assert set(group["attribute"]) <= set(tables[name])
        assert tables[name][early].nunique().max() <= 12
    assert set(listed["kind"]) == {
        *("firmographic", "requirement", "psychographic", "later")
    }


def test_lines_carry_only_the_two_faults_that_cleaning_expects(supplier, lines):
    received = supplier[0]["lines"]
    assert (received["line_id"] == np.arange(len(received))).all()
    assert received["ordered_at"].is_monotonic_increasing
    assert 0.0015 < 1 - len(lines) / len(received) < 0.0025
    empty = lines["quantity"] == 0
    assert 0.002 < empty.mean() < 0.004
    assert (lines.loc[empty, "shelf_amount_cents"] == 0).all()
    assert (lines.loc[~empty, "amount_cents"] > 0).all()
    assert (lines["sales"] <= lines["shelf_amount_cents"]).all()
    assert (lines["returned"] <= lines["quantity"]).all()
    assert lines["ordered_at"].between("2023-01-01", "2025-12-31 23:59").all()
    of_order = ["order_id", "customer_id", "ordered_at", "channel"]
    assert len(lines[of_order].drop_duplicates()) == lines["order_id"].nunique()


def test_nothing_happens_before_an_account_begins(supplier):
    tables, _ = supplier
    since = tables["customers"].set_index("customer_id")["account_since"]
    days = {"lines": "ordered_at", "contracts": "starts_on", "surveys": "answered_on"}
    for name, day in days.items():
        began = tables[name]["customer_id"].map(since)
        assert (tables[name][day] >= began - pd.Timedelta(days=1)).all()


def test_a_contract_follows_another_exactly_where_it_was_renewed(supplier):
    contracts = supplier[0]["contracts"].sort_values(["customer_id", "starts_on"])
    known = contracts["ends_on"] <= LAST
    assert (contracts["renewed"].notna() == known).all()
    following = contracts.groupby("customer_id")["starts_on"].shift(-1)
    assert ((contracts["ends_on"] + pd.Timedelta(days=1)) == following)[
        following.notna()
    ].all()
    seen = known & (contracts["ends_on"] < LAST)
    assert (contracts["renewed"].eq(True) == following.notna())[seen].all()
    assert contracts.loc[known, "renewed"].mean() == pytest.approx(0.8, abs=0.04)


def test_most_accounts_stop_ordering_after_a_contract_that_was_not_renewed(supplier):
    tables, _ = supplier
    contracts = tables["contracts"]
    lost = contracts[
        contracts["renewed"].eq(False) & (contracts["ends_on"] < "2025-06")
    ]
    last = tables["lines"].groupby("customer_id")["ordered_at"].max()
    after = (lost["customer_id"].map(last) - lost["ends_on"]).dt.days
    assert (after <= 60).mean() == pytest.approx(0.85, abs=0.05)


# Needs segments.


def test_k_means_finds_the_planted_segments(supplier, behaviour):
    roots = np.sqrt(behaviour)
    scores = (roots - roots.mean()) / roots.std()
    labels = {
        k: KMeans(k, n_init=5, random_state=0).fit_predict(scores) for k in (4, 5, 6)
    }
    planted = behaviour.index.map(supplier[1]["segments"])
    assert adjusted_rand_score(planted, labels[5]) > 0.93
    widths = {k: silhouette_score(scores, found) for k, found in labels.items()}
    assert widths[5] >= 0.3
    assert widths[5] > max(widths[4], widths[6])


def best_guess(column, segment):
    """Share of accounts right if each level, or twentieth, names its commonest segment."""
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > 20:
        column = pd.qcut(column, 20, duplicates="drop")
    table = pd.crosstab(column.astype(str), np.asarray(segment))
    return table.max(axis=1).sum() / table.to_numpy().sum()


def test_no_single_column_gives_the_segment_away(supplier, behaviour):
    tables, truth = supplier
    customers = tables["customers"].copy()
    customers["number"] = customers["customer_id"].str[1:].astype(int)
    customers["account_since"] = customers["account_since"].astype("int64")
    segment = customers["customer_id"].map(truth["segments"])
    early = behaviour.index.map(truth["segments"])
    guesses = {
        **{c: best_guess(customers[c], segment) for c in customers.columns[1:]},
        **{c: best_guess(behaviour[c], early) for c in behaviour},
    }
    leads, planted = tables["leads"].copy(), truth["lead_segments"]
    leads["number"] = leads["lead_id"].str[1:].astype(int)
    known = leads.drop(columns=["lead_id", "customer_id", "created_on", "won_on"])
    segment = leads["lead_id"].map(planted)
    guesses |= {f"lead {c}": best_guess(known[c], segment) for c in known}
    assert max(guesses.values()) < 0.7, guesses
    assert guesses["number"] < 0.35
    assert best_guess(pd.Series(early), early) == 1


def test_segments_cross_industry_and_hardly_follow_size(supplier):
    tables, truth = supplier
    customers = tables["customers"]
    segment = customers["customer_id"].map(truth["segments"])
    strength = {}
    for column in ("industry", "company_size", "region"):
        table = pd.crosstab(customers[column], segment)
        degrees = min(table.shape) - 1
        chi2 = chi2_contingency(table).statistic
        strength[column] = np.sqrt(chi2 / len(customers) / degrees)
    assert 0.25 < strength["industry"] < 0.4
    assert max(strength["company_size"], strength["region"]) < 0.06
    assert pd.crosstab(customers["industry"], segment).to_numpy().min() >= 5


def test_how_much_is_bought_hangs_on_employees_and_not_on_the_segment(supplier, lines):
    tables, truth = supplier
    sales = np.log(lines.groupby("customer_id")["sales"].sum())
    between = sales.groupby(sales.index.map(truth["segments"])).transform("mean")
    assert between.var() / sales.var() < 0.01
    employees = tables["customers"].set_index("customer_id")["employees"]
    assert np.corrcoef(sales, np.log(employees.loc[sales.index]))[0, 1] > 0.35


# Effects of campaigns.


def counted(tables, truth):
    """Count conversions: difference between the arms, and its standard error."""
    keys = KEYS["responses"]
    sent = tables["contacts"].merge(tables["campaigns"], on="campaign_id")
    answered = pd.MultiIndex.from_frame(tables["responses"][keys])
    sent["converted"] = pd.MultiIndex.from_frame(sent[keys]).isin(answered)
    sent["segment"] = sent["customer_id"].map(truth["segments"])
    for row in truth["campaign_effects"]:
        part = sent[(sent["kind"] == row["kind"]) | (row["kind"] == "all")]
        part = part[(part["segment"] == row["segment"]) | (row["segment"] == 0)]
        arms = part.groupby("arm")["converted"].agg(["mean", "size"])
        error = np.sqrt((arms["mean"] * (1 - arms["mean"]) / arms["size"]).sum())
        found = arms.loc["treated", "mean"] - arms.loc["control", "mean"]
        yield row["effect"], found, error


def test_planted_effects_of_campaigns_come_back(supplier):
    rows = list(counted(*supplier))
    assert len(rows) == 24  # three kinds and all of them, five segments and all
    for planted, found, error in rows:
        assert abs(found - planted) < 4 * error
    clear = [found / error for planted, found, error in rows if planted >= 0.08]
    assert min(clear) > 1.5
    assert sum(planted == 0 for planted, *_ in rows) >= 5


def test_without_effects_the_arms_answer_alike(without):
    for planted, found, error in counted(*without):
        assert planted == 0
        assert abs(found) < 4 * error


def test_the_control_arm_is_a_random_three_in_ten(supplier):
    contacts = supplier[0]["contacts"]
    control = contacts["arm"] == "control"
    assert (control.groupby(contacts["campaign_id"]).mean().round(2) == 0.3).all()
    segment = contacts["customer_id"].map(supplier[1]["segments"])
    assert control.groupby(segment).mean().between(0.27, 0.33).all()


# Drivers of renewal.


def drivers(tables):
    """Measure the drivers from the raw rows of each ended contract."""
    ended = tables["contracts"].dropna(subset="renewed")

    def during(rows, day):
        pairs = ended.merge(rows, on="customer_id")
        on = pairs[day].dt.normalize()
        inside = (on >= pairs["starts_on"]) & (on <= pairs["ends_on"])
        return pairs[inside].groupby("contract_id")

    lines = tables["lines"]
    lines = lines.drop_duplicates([c for c in lines if c != "line_id"])
    lines = lines[["customer_id", "ordered_at", "returned", "quantity"]]
    tickets = tables["interactions"].query("kind == 'support ticket'")
    tickets = tickets.drop(columns="kind")
    scores = tables["surveys"].query("question != 'recommend'")
    pieces = during(lines, "ordered_at")[["returned", "quantity"]].sum()
    table = ended.set_index("contract_id")[["renewed"]].astype(float)
    waits = during(tickets, "happened_at")["minutes"]
    table["response_hours"] = waits.mean() / 60
    table["return_share"] = pieces["returned"] / pieces["quantity"] / 0.1
    table["return_share"] = table["return_share"].fillna(0)  # nothing was ordered
    table["satisfaction"] = during(scores, "answered_on")["score"].mean()
    assert (waits.size().reindex(table.index, fill_value=0) >= 2).all()
    return table


def logistic(table):
    """Fit log-odds by maximum likelihood; errors from the information matrix."""
    x = np.column_stack([np.ones(len(table)), table.iloc[:, 1:]])
    y = table["renewed"].to_numpy()

    def loss(b):
        return np.logaddexp(0, x @ b).sum() - y @ (x @ b)

    def slope(b):
        return x.T @ (1 / (1 + np.exp(-x @ b)) - y)

    found = minimize(loss, np.zeros(4), jac=slope, method="BFGS").x
    p = 1 / (1 + np.exp(-x @ found))
    covariance = np.linalg.inv((x * (p * (1 - p))[:, None]).T @ x)
    return found[1:], np.sqrt(np.diag(covariance))[1:]


def test_planted_drivers_of_renewal_come_back(supplier):
    tables, truth = supplier
    table = drivers(tables)
    assert table.notna().all(axis=None)
    found, error = logistic(table)
    planted = np.array([truth["renewal"][driver] for driver in table.columns[1:]])
    assert (np.abs(found - planted) < 3 * error).all()
    assert (np.abs(planted) > 4 * error).all()
    assert set(truth["units"]) == set(table.columns[1:])


def test_without_effects_nothing_drives_renewal(without):
    tables, truth = without
    found, error = logistic(drivers(tables))
    assert set(truth["renewal"].values()) == {0}
    assert (np.abs(found) < 3 * error).all()
    assert tables["contracts"]["renewed"].mean() == pytest.approx(0.8, abs=0.03)


# The drift.


def test_the_drift_shows_after_its_day_and_not_before(supplier, lines):
    truth = supplier[1]
    drift, segments = truth["drift"], pd.Series(truth["segments"])
    assert pd.Timestamp(drift["day"]) == DRIFT
    moved = pd.Index(drift["accounts"])
    assert (segments[moved] == drift["from_segment"]).all()
    late = lines.loc[lines["ordered_at"] >= DRIFT, "customer_id"].unique()
    assert moved.isin(late).mean() > 0.85
    candidates = (segments[late] == drift["from_segment"]).sum()
    assert len(moved) / candidates == pytest.approx(0.35, abs=0.06)
    group = lines["customer_id"].map(segments).mask(lines["customer_id"].isin(moved), 0)
    quarter = lines["ordered_at"].dt.to_period("Q")
    sales = lines.groupby([quarter, group, "need_state"])["sales"].sum().unstack()
    sales = sales.div(sales.sum(axis=1), axis=0)
    for period in sales.index.unique(0):
        apart = (sales.loc[period] - sales.loc[(period, 0)]).abs().sum(axis=1)
        like, unlike = drift["from_segment"], drift["to_segment"]
        if period.start_time >= DRIFT:
            like, unlike = unlike, like
        assert apart[like] < 0.2 and apart[unlike] > 0.7


def test_without_effects_nothing_drifts_and_all_else_is_alike(supplier, without):
    tables, truth = without
    assert truth["drift"] is None
    assert truth["segments"] == supplier[1]["segments"]
    for name in ("customers", "attributes", "products", "campaigns"):
        pd.testing.assert_frame_equal(tables[name], supplier[0][name])
    # Before the first contract ends, not even orders can differ.
    for name, day in {"lines": "ordered_at", "surveys": "answered_on"}.items():
        one, other = (
            t[name][t[name][day] < "2023-04-30"] for t in (tables, supplier[0])
        )
        pd.testing.assert_frame_equal(one, other)


# Leads.


def test_leads_are_won_as_often_as_planted(supplier):
    tables, truth = supplier
    leads = tables["leads"]
    chance = leads["lead_id"].map(truth["leads"])
    won = leads["won_on"].notna()
    fifths = pd.qcut(chance.rank(method="first"), 5, labels=False)
    rows = pd.DataFrame({"chance": chance, "won": won}).groupby(fifths).mean()
    error = np.sqrt(rows["chance"] * (1 - rows["chance"]) / (len(leads) / 5))
    assert (np.abs(rows["chance"] - rows["won"]) < 4 * error).all()
    assert truth["best_auc"] == pytest.approx(roc_auc_score(won, chance), abs=1e-4)
    assert truth["best_auc"] > 0.65


def test_without_effects_leads_are_won_at_random(without):
    tables, truth = without
    assert set(truth["leads"].values()) == {0.25}
    assert truth["best_auc"] == 0.5
    leads = tables["leads"]
    won = leads["won_on"].notna().groupby(leads["source"]).agg(["mean", "size"])
    assert (np.abs(won["mean"] - 0.25) < 4 * np.sqrt(0.1875 / won["size"])).all()


def test_what_is_known_later_is_filled_in_consistently(supplier):
    leads = supplier[0]["leads"]
    won = leads["won_on"].notna()
    assert (leads["first_order_cents"].notna() == won).all()
    taken = (leads["won_on"] - leads["created_on"]).dt.days
    assert (taken[won] == leads.loc[won, "days_to_decision"]).all()
    assert leads["created_on"].between("2024-01-01", "2025-10-31").all()
    assert leads["won_on"].max() <= LAST


def test_a_lead_that_became_an_account_was_won_and_is_the_same_company(supplier):
    tables, truth = supplier
    linked = tables["leads"].dropna(subset="customer_id")
    assert linked["won_on"].notna().all()
    assert linked["customer_id"].is_unique and len(linked) > 200
    both = linked.merge(
        tables["customers"], on="customer_id", suffixes=("", "_account")
    )
    assert (both["account_since"] > both["won_on"]).all()
    assert (both["account_since"] - both["won_on"]).dt.days.max() <= 60
    for column in ("industry", "region"):
        assert (both[column] == both[f"{column}_account"]).all()
    segments = both["customer_id"].map(truth["segments"])
    assert (segments == both["lead_id"].map(truth["lead_segments"])).all()
