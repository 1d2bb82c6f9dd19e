import duckdb
import pandas as pd
import pytest

from helpers.runs import data_sufficiency

ENOUGH = {
    "customers": 3,
    "segmented": 2,
    "events": 1,
}
PARTS = [
    *("value", "activity", "needs segments", "later window", "lifetime value"),
    *("contracts", "surveys", "campaigns", "effect of campaigns", "leads"),
]


@pytest.fixture
def counted(tmp_path):
    """Save small tables and give a function that counts their facts."""
    # customer, order, day, product
    bought = [
        *[("a", "1", "2024-01-01", "tea"), ("a", "1", "2024-01-01", "cup")],
        *[("a", "2", "2024-01-20", "tea"), ("a", "3", "2024-02-03", "tea")],
        *[("b", "4", "2024-01-05", "tea"), ("b", "5", "2024-01-06", "cup")],
        ("c", "6", "2024-01-07", "post"),
        ("d", "7", "2024-02-09", "tea"),
    ]
    lines = pd.DataFrame(
        bought, columns=["customer_id", "order_id", "ordered_at", "product_id"]
    )
    lines["ordered_at"] = pd.to_datetime(lines["ordered_at"])
    products = pd.DataFrame(
        {
            "product_id": ["tea", "cup", "post", "gift"],
            "need_state": ["drink", "kitchen", "other", "unclassified"],
        }
    )

    def count(min_lines=2, **tables):
        files = {}
        for name, table in ({"lines": lines, "products": products} | tables).items():
            files[name] = tmp_path / f"{name}.parquet"
            table.to_parquet(files[name], index=False)
        return data_sufficiency.facts(
            duckdb.connect(),
            files,
            first="2024-01-01",
            last="2024-01-31",
            later="2024-02-10",
            min_orders=2,
            min_lines=min_lines,
        )

    return count


def test_facts_of_lines_are_those_counted_by_hand(counted):
    facts = counted()
    assert facts.drop(facts.index[7:]).to_dict() == {
        "customers": 3,  # a, b and c in January
        "enough": 2,  # a and b
        "repeat": 2,
        "needs": 2,  # post serves no need that could be told apart
        "training_days": 20,
        "holdout_days": 9,
        "returning": 1,  # a; d came only later
    }
    assert counted(min_lines=3)["enough"] == 1
    assert (facts.iloc[7:] == 0).all()


def test_facts_of_other_tables_are_counted_where_there_are_any(counted):
    facts = counted(
        campaigns=pd.DataFrame({"campaign_id": ["k"]}),
        contacts=pd.DataFrame({"arm": ["treated", "treated", "control"]}),
        responses=pd.DataFrame({"campaign_id": ["k"]}),
        contracts=pd.DataFrame(
            {"renewed": pd.array([True, False, None], dtype="boolean")}
        ),
        surveys=pd.DataFrame({"score": [1.0, 2.0]}),
        leads=pd.DataFrame({"won_on": pd.to_datetime(["2024-01-01", None, None])}),
    )
    assert facts.iloc[7:].to_dict() == {
        "contacts": 3,
        "responses": 1,
        "contracts_ended": 2,
        "contracts_lost": 1,
        "answers": 2,
        "interactions": 0,
        "leads": 3,
        "leads_won": 1,
        "treated": 2,
        "control": 1,
    }


def test_contacts_without_arms_are_no_experiment(counted):
    facts = counted(
        campaigns=pd.DataFrame({"campaign_id": ["k"]}),
        contacts=pd.DataFrame({"customer_id": ["a"]}),
    )
    assert (facts["contacts"], facts["treated"], facts["control"]) == (1, 0, 0)


def test_a_shop_with_lines_alone_is_ready_for_what_lines_tell(counted):
    facts = counted() + pd.Series({"returning": 2, "repeat": 1}).reindex(
        counted().index, fill_value=0
    )
    table = data_sufficiency.verdict(facts, **ENOUGH).set_index("part")
    assert list(table.index) == PARTS
    assert list(table.index[table["ready"]]) == PARTS[:5]
    assert table.loc["needs segments"].to_dict() == {
        "needs": "2 customers with enough orders and lines; 2 features of what or how they "
        "buy",
        "found": "fewer than 10; 2",
        "ready": True,
        "said": "Ready.",
    }


@pytest.mark.parametrize(
    ("fact", "part", "said"),
    [
        ("customers", "value", "it needs 3 customers (found: fewer than 10)."),
        (
            "repeat",
            "activity",
            "3 customers with two orders or more (found: fewer than 10)",
        ),
        (
            "enough",
            "needs segments",
            "2 customers with enough orders and lines (found: fewer than 10)",
        ),
        ("needs", "needs segments", "2 features of what or how they buy (found: 1)"),
        ("holdout_days", "later window", "1 day after the training window (found: 0)"),
        ("contracts_lost", "contracts", "1 contracts that were not renewed (found: 0)"),
        (
            "control",
            "effect of campaigns",
            "1 contacts drawn at random to be left out (found: 0)",
        ),
        ("leads_won", "leads", "1 leads that were won (found: 0)"),
    ],
)
def test_one_short_of_what_is_asked_leaves_a_part_out_and_says_why(
    counted, fact, part, said
):
    names = counted().index
    enough = pd.Series(
        {
            **dict.fromkeys(names, 1),
            "customers": 3,
            "enough": 2,
            "repeat": 3,
            "needs": 2,
            "returning": 3,
            "leads": 2,
        }
    )
    assert data_sufficiency.verdict(enough, **ENOUGH)["ready"].all()
    enough[fact] -= 1
    table = data_sufficiency.verdict(enough, **ENOUGH).set_index("part")
    assert said in table.loc[part, "said"]
    assert not table.loc[part, "ready"]


@pytest.mark.parametrize(
    ("customers", "said"),
    [
        (10, ""),
        (
            9,
            "Table lines: 9 customers with sales above 0 from 2024-01-01 to 2024-02-01, ",
        ),
        (
            1,
            "Table lines: 1 customer with sales above 0 from 2024-01-01 to 2024-02-01, ",
        ),
    ],
)
def test_too_few_customers_for_any_study_are_told_in_one_sentence(customers, said):
    window = {"first": "2024-01-01", "last": "2024-02-01"}
    told = data_sufficiency.few(customers, least=10, **window)
    assert told.startswith(said) and bool(told) == (customers < 10)
    if told:
        with pytest.raises(data_sufficiency.BadInput, match="the study needs 10"):
            data_sufficiency.refuse_few(customers, least=10, **window)


def test_a_section_asks_the_table_of_verdicts():
    parts = pd.DataFrame(
        {
            "part": ["value", "leads"],
            "ready": [True, False],
            "said": ["Ready.", "Left."],
        }
    )
    data_sufficiency.ask(parts, "value")
    with pytest.raises(data_sufficiency.TooLittle, match=r"Leads: left\."):
        data_sufficiency.ask(parts, "leads")
