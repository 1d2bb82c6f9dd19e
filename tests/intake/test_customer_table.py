"""What is made of a table with one row per customer: measured, judged, received, drafted."""

import json
import sqlite3

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml

from helpers.core import paths
from helpers.core.errors import BadInput
from helpers.intake import check, customer_table, own_files, recognise, scaffold
from helpers.runs import run_file

ROWS = 24


def table(rows=ROWS):
    """Make customers whose every column is known by hand."""
    places = range(rows)
    return pd.DataFrame(
        {
            "No": [f"K{n:02d}" for n in places],
            "Age": [20 + n % 7 * 3 for n in places],
            "Visits": [n % 5 for n in places],
            "Part": [n % 4 / 4 for n in places],
            "Likes": [("Yes", "No")[n % 2] for n in places],
            "School": [("secondary", "primary", "tertiary")[n % 3] for n in places],
            "Place": [("North", "South")[n % 2] for n in places],
            "Spend": [f"$1,{100 + n}.50" for n in places],
            "Left": [n % 2 for n in places],
            "Weight": [1.5 for _ in places],
            "Remark": [f"said the {n}th thing" for n in places],
        }
    )


GIVEN = {
    "thousands": ",",
    "columns": {"customer_id": "No", "age": "Age", "spend": "Spend"},
    "demographic": ["age", "School", "Place"],
    "behavioural": ["Visits", "Part"],
    "requirement": ["Likes"],
    "value": "spend",
    "outcome": "Left",
    "left_out": ["Remark"],
}


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Lay out a run of a table; return what check says of it."""
    monkeypatch.delenv("STUDY_HOME", raising=False)
    for folder in ("runs", "data/raw/own"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("notebooks", "src"):
        (tmp_path / folder).symlink_to(paths.ROOT / folder)
    monkeypatch.setattr(paths, "ROOT", tmp_path)

    def checked(frame=None, *, block="customers", file="own.csv", more=None, **given):
        frame = table() if frame is None else frame
        place = tmp_path / "data/raw/own" / file
        if file.endswith(".csv"):
            frame.to_csv(place, index=False)
        elif file.endswith(".xlsx"):
            frame.to_excel(place, index=False)
        elif file.endswith(".parquet"):
            frame.to_parquet(place)
        told = {"file": file} | GIVEN | given
        told = {key: value for key, value in told.items() if value}
        tables = {block: told} | (more or {})
        content = {"source": "files", "all": {"currency": "USD"}, "tables": tables}
        (tmp_path / "runs/own.yaml").write_text(yaml.safe_dump(content))
        found, said = check.check("own")
        checked.picture = said
        checked.warnings = found.loc[found["level"] == "warning", "said"].to_list()
        return found.loc[found["level"] == "error", "said"].to_list()

    return checked


def received(name="received_customers"):
    with duckdb.connect() as con:
        overview = own_files.receive(con, run="own")
        return con.execute(f"from {name}").df(), overview


def test_a_table_is_measured_by_its_values_and_received(run):
    frame = table()
    frame.loc[3, ["Age", "Place"]] = [np.nan, "n/a"]
    again = pd.concat([frame, frame.iloc[[5]]])
    assert run(again) == []
    rows, _ = received("received_rows")
    assert rows["row"].tolist() == list(range(2, ROWS + 3))
    assert rows["duplicate"].tolist() == [False] * ROWS + [True]
    told, overview = received()
    assert "25 rows, 4 sums of numbers and 4 counts of words" in overview["notes"][0]
    assert told["customer_id"].tolist() == frame["No"].tolist()
    assert "Remark" not in told  # what is left out is not read
    assert told["spend"].tolist() == [1100.5 + n for n in range(ROWS)]
    assert told.loc[3, ["age", "Place"]].isna().all()
    assert told["Likes"].tolist()[:2] == ["yes", "no"]
    assert told["Left"].tolist()[:2] == ["no", "yes"]
    attributes, _ = received("received_attributes")
    assert (attributes["table"] == "customers").all()
    attributes = attributes.set_index("attribute")
    assert attributes["measure"].to_dict() == {
        "age": "number",
        "School": "ordered",
        "Place": "unordered",
        "Likes": "yes_no",
        "Visits": "count",
        "Part": "share",
        "spend": "number",
        "Left": "yes_no",
        "Remark": "text",
    }
    levels = {
        name: json.loads(one) for name, one in attributes["levels"].items() if one
    }
    assert levels == {
        "School": ["primary", "secondary", "tertiary"],
        "Place": ["North", "South"],
        "Likes": ["no", "yes"],
        "Left": ["no", "yes"],
    }
    assert attributes["role"][attributes["role"] != ""].to_dict() == {
        "spend": "value",
        "Left": "outcome",
        "Remark": "left_out",
    }
    assert (
        attributes["kind"]["Left"] == "none"
        and attributes["kind"]["age"] == "demographic"
    )
    assert run.picture == [
        "24 customers are known. Copies of a row, which count once: 1.",
        "Columns that build segments: 3 (requirement, behavioural). count: Visits; share: "
        "Part; yes_no: Likes.",
        "Value: spend.",
        "Usefulness is judged by Left.",
        "Columns that describe and build nothing: age, School, Place.",
        "Left out by the run file: Remark.",
        "Not mapped, so not read: Weight.",
    ]


@pytest.mark.parametrize("file", ["own.xlsx", "own.parquet", "own.db"])
def test_every_kind_of_file_gives_the_same_table(run, file):
    assert run() == []
    wanted, _ = received()
    given = {}
    if file.endswith(".db"):
        with sqlite3.connect(paths.ROOT / "data/raw/own" / file) as base:
            table().to_sql("people", base, index=False)
        given = {"database": "sqlite:///own.db", "table": "people"}
    assert run(file="" if given else file, **given) == []
    pd.testing.assert_frame_equal(received()[0], wanted)


def test_a_wide_survey_is_a_customer_table_and_rows_may_be_numbered(run):
    items = {f"Q{n}": [(n + place) % 5 + 1 for place in range(ROWS)] for n in range(4)}
    frame = pd.DataFrame(items)
    columns = {"customer_id": "derived"}
    given = {"columns": columns, "demographic": 0, "behavioural": 0, "requirement": 0}
    given |= {"value": 0, "outcome": 0, "left_out": 0, "psychographic": list(items)}
    assert run(frame, block="surveys", **given) == []
    told, _ = received()
    assert sorted(told["customer_id"], key=int) == [str(n + 1) for n in range(ROWS)]
    attributes, _ = received("received_attributes")
    assert set(attributes["measure"]) == {"ordered"}
    assert set(attributes["levels"]) == {'["1", "2", "3", "4", "5"]'}
    assert run.picture[-1] == "No column is `outcome:`, so usefulness is not judged."
    # Two who answer alike are two.
    assert run(pd.concat([frame, frame]), block="surveys", **given) == []
    assert len(received()[0]) == 2 * ROWS


def test_leads_are_measured_as_customers_are(run):
    leads = "lead,day,Age,Likes,School\nl1,2024-01-05,31,no,tertiary\n"
    folder = paths.ROOT / "data/raw/own"
    (folder / "leads.csv").write_text(leads)
    columns = {"lead_id": "lead", "created_on": "day", "age": "Age"}
    more = {"file": "leads.csv", "columns": columns, "demographic": ["age", "School"]}
    assert run(more={"leads": more | {"requirement": ["Likes"]}}) == []
    told, _ = received("received_leads")
    row = told.iloc[0][["age", "Likes", "School"]].to_list()
    assert row == [31.0, "no", "tertiary"]


def changed(**columns):
    return table().assign(**columns)


def at(column, row, value):
    frame = table().astype({column: object})
    frame.loc[row, column] = value
    return frame


BAD = [
    (
        lambda: at("No", 5, "K01"),
        {},
        "Table customers: customer_id stands more than once: K01 in lines 3, 7 (1 in all). Keep "
        "one row for each.",
    ),
    (
        lambda: table(2),
        {},
        "Table customers: own.csv holds 2 customers, and 10 are the fewest that a study can tell "
        "of. Add rows, or wait for more.",
    ),
    (lambda: table(0), {}, "Table customers: own.csv holds no row. Export it again."),
    (
        table,
        {"requirement": ["Likes", "Remark"], "left_out": None},
        "Table customers: column Remark holds free text, such as said the 0th thing, said the "
        "10th thing, from which no segments can be built. List it as `left_out:`, or give its measure.",
    ),
    (
        lambda: changed(Key=range(100, 100 + ROWS)),
        {"requirement": ["Likes", "Key"]},
        "Table customers: column Key holds an id of each customer, such as 100, 101, from which "
        "no segments can be built. List it as `left_out:`.",
    ),
    (
        lambda: changed(Since=[f"2024-01-{n + 1:02d}" for n in range(ROWS)]),
        {"requirement": ["Likes", "Since"]},
        "Table customers: column Since holds dates, such as 2024-01-01, 2024-01-02, from which "
        "no segments can be built. List it as `left_out:`.",
    ),
    (
        lambda: changed(Visits=None),
        {},
        "Table customers: column Visits has no value in any row. Fill it, or list it as `left_out:`.",
    ),
    (
        lambda: table()[["No"]].reindex(columns=table().columns),
        {},
        "Table customers: all 8 columns are empty in every row of own.csv. Export it again.",
    ),
    (
        table,
        {"requirement": ["Likes", "Left"]},
        "Table customers: column Left is `outcome:`, and requirement builds the segments: it "
        "would predict itself. Take it out of `requirement:`.",
    ),
    (
        table,
        {"outcome": ["Place"], "demographic": ["age", "School"]},
        "Table customers: column Place is `outcome:`, but unordered: yes or no, a number or "
        "ordered levels judge. Measure it so, or take it out.",
    ),
    (
        table,
        {"requirement": ["Likes", "Weight"], "weight": "Weight"},
        "Table customers: column Weight is `weight:`, and requirement builds the segments. Take "
        "it out of `requirement:`.",
    ),
    (
        lambda: at("School", 4, "nursery"),
        {"measures": {"School": ["primary", "secondary", "tertiary"]}},
        "Table customers: column School holds what is none of its levels (primary, secondary, "
        "tertiary): line 6: 'nursery' (1 line). Correct `measures:`, or mend these values.",
    ),
    (
        table,
        {"measures": {"Place": "ordered"}},
        "Table customers: column Place is ordered, but North, South have no order that is "
        "known. Write its levels from low to high: `Place: [low, ..., high]` under `measures:`.",
    ),
    (
        lambda: at("Likes", 2, "perhaps"),
        {"measures": {"Likes": "yes_no"}},
        "Table customers: column Likes is neither yes nor no: line 4: 'perhaps' (1 line). Mend "
        "these values, or measure it as unordered.",
    ),
    (
        lambda: at("Age", 7, "old"),
        {"measures": {"age": "number"}},
        "Table customers: column Age (age) cannot be read as a number: line 9: 'old' (1 line). "
        "Mend these values, set `decimal:` and `thousands:`, or measure the column otherwise.",
    ),
    (
        lambda: at("Weight", 7, -1),
        {"weight": "Weight"},
        "Table customers: column Weight is below 0: line 9: '-1' (1 line). Mend these values.",
    ),
    (
        lambda: changed(Part=[n * 4 for n in range(ROWS)]),
        {"measures": {"Part": "share"}},
        "Table customers: column Part is no share from 0 to 1: line 3: '4'; line 4: '8'; line 5: "
        "'12' (23 lines). Measure it as percent if 100 is all, or as number.",
    ),
    (
        table,
        {
            "columns": {"customer_id": "No", "spend": "Spend"},
            **dict.fromkeys(["behavioural", "requirement", "demographic"]),
        },
        "Table customers: no column builds segments: `segment_on:` names none, and the table has "
        "no family. List columns under such a family.",
    ),
]


@pytest.mark.parametrize(
    ("frame", "given", "said"), BAD, ids=[one[2][17:60] for one in BAD]
)
def test_bad_input_gets_one_sentence_and_nothing_is_received(run, frame, given, said):
    assert run(frame(), **given) == [said]
    with pytest.raises(BadInput) as refused:
        received()
    assert str(refused.value) == said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"measures": {"age": "numbers"}},
            "gives age 'numbers', no measure. Did you mean number?",
        ),
        (
            {"measures": {"agee": "number"}},
            "holds agee, which has no family or role. Did you",
        ),
        (
            {"measures": {"School": ["a", "a"]}},
            "gives School the levels ['a', 'a']; write two",
        ),
        (
            {"tenure": ["age", "Visits"]},
            "`tenure:` is ['age', 'Visits']; name one column.",
        ),
        ({"tenure": "spend"}, "spend is both value and tenure; keep one of them."),
        (
            {"left_out": ["Remark", "Place"]},
            "Place is left out and has a family; keep one",
        ),
        (
            {"churned": "Left", "measures": {"Left": "number"}},
            "but `churned:` needs yes_no.",
        ),
        (
            {"behavioural": ["ratio"]},
            "rename it: list given_ratio under `behavioural:`",
        ),
        (
            {"columns": {"age": "Age"}},
            "`columns:` lacks customer_id; name the column of",
        ),
        ({"behavioural": [f"x{n}" for n in range(1001)]}, "at most 1,000 are read."),
        (
            {"behavioural": ["Visits", "visits"]},
            "visits stands twice, in other capitals",
        ),
        ({"valued": "spend"}, "`valued:` is no key of it. Did you mean value?"),
    ],
)
def test_a_faulty_declaration_is_refused_before_the_file_is_read(run, given, said):
    assert any(said in one for one in run(**given))


def test_what_is_odd_and_no_fault_is_a_warning(run):
    scale = ["none", "primary", "secondary", "tertiary"]
    ticked = changed(Visits=3, Likes=["x", None] * (ROWS // 2))
    assert run(ticked, measures={"School": scale, "Likes": "yes_no"}) == []
    assert run.warnings == [
        "Table customers: column School never has none, which `measures:` lists. There are: "
        "primary, secondary, tertiary.",
        "Table customers: column Likes has one answer only, yes or no. If nothing means "
        "no, measure it as `ticked`; else leave it out.",
        "Table customers: column Visits has one value only, which tells no customers apart.",
    ]


def test_a_box_that_is_not_ticked_says_no(run):
    frame = changed(Likes=["Likes", None] * (ROWS // 2))
    assert run(frame, measures={"School": ["primary", "secondary", "tertiary"]}) == []
    assert run.warnings == [
        "Table customers: nothing counts as no in column Likes. If it means no answer, list "
        "it as `left_out:`."
    ]
    attributes = received("received_attributes")[0].set_index("attribute")
    assert attributes["measure"]["Likes"] == "yes_no"
    assert received()[0]["Likes"].value_counts().to_dict() == {
        "yes": ROWS // 2,
        "no": ROWS // 2,
    }


def test_columns_of_one_question_are_named_by_their_answers(run):
    frame = table().rename(
        columns={n: f"What counts? - {n}" for n in ("Likes", "Visits", "School")}
    )
    names = {n: f"What counts? - {n}" for n in ("Likes", "Visits", "School")}
    assert run(frame, columns=GIVEN["columns"] | names) == []
    labels = received("received_attributes")[0].set_index("attribute")["label"]
    assert [labels[name] for name in names] == [*names]


def test_an_answer_that_nobody_gave_is_one_of_the_scale(run):
    given = {
        "behavioural": ["Visits", "Part", "Stars"],
        "measures": {"Stars": "ordered"},
    }
    assert run(changed(Stars=["1.0", "2.0", "5.0", None] * (ROWS // 4)), **given) == []
    attributes = received("received_attributes")[0].set_index("attribute")
    assert attributes["levels"]["Stars"] == '["1", "2", "3", "4", "5"]'
    assert received()[0]["Stars"].tolist()[:3] == ["1", "2", "5"] and run.warnings == []


def test_who_has_left_judges_and_money_of_orders_is_the_value(run):
    both = {
        "churned": "Left",
        "outcome": ["Left"],
        "monetary": "spend",
        "value": "spend",
    }
    assert run(**both) == []
    assert run.picture[2:4] == ["Value: spend.", "Usefulness is judged by Left."]
    roles = received("received_attributes")[0].set_index("attribute")["role"]
    assert roles[["Left", "spend"]].tolist() == ["churned", "monetary"]


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (["50+", "18-24", "<18", "25-49"], ["<18", "18-24", "25-49", "50+"]),
        (
            ["more than $240,001", "Less than $30,000", "$30,001 to $60,000"],
            ["Less than $30,000", "$30,001 to $60,000", "more than $240,001"],
        ),
        (
            ["Agree", "Strongly disagree", "Neutral"],
            ["Strongly disagree", "Neutral", "Agree"],
        ),
        (["10", "2", "1"], ["1", "2", "10"]),
        (["red", "green"], []),
        (["10 bis 49", "1 bis 9"], ["1 bis 9", "10 bis 49"]),
        (["A 1", "A 2"], []),
    ],
)
def test_levels_are_ordered_where_their_words_or_numbers_are(texts, wanted):
    assert list(customer_table.ordered(texts)) == wanted


@pytest.mark.parametrize(
    ("name", "texts", "measure"),
    [
        ("Channel", ["1", "2"] * 30, "unordered"),
        ("Region", ["1", "2", "3"] * 20, "unordered"),
        ("Purchases", [str(n % 30) for n in range(60)], "count"),
        ("Annual Income (k$)", [str(15 + n) for n in range(60)], "number"),
        ("rate", ["15%", "20%", "31%"] * 20, "share"),
        ("overall satisfaction", ["1", "2", "3", "4"] * 15, "ordered"),
        ("member", ["1.0", "0.0"] * 30, "yes_no"),
        ("Signup", ["05.01.2024", "07.02.2024"] * 30, "text"),
        ("staff", ["1 bis 9", "10 bis 49"] * 30, "ordered"),
        ("CustomerID", [str(n) for n in range(60)], "text"),
        ("E-mail", [f"a{n}@x.de" for n in range(60)], "text"),
    ],
)
def test_a_column_is_measured_by_its_values_and_name(name, texts, measure):
    one = recognise.Column(name, texts)
    assert customer_table.infer(one).measure == measure


def drafted(frame, run, **how):
    frame.to_csv(paths.ROOT / "data/raw/own/own.csv", index=False, **how)
    text, pictured = scaffold.propose("own")
    (paths.ROOT / "runs/own.yaml").write_text(text)
    assert check.check("own")[0].query("level == 'error'")["said"].to_list() == []
    content = run_file.read("own")
    return content["tables"]["customers"], content["02_feature_engineering"], pictured


def test_ready_made_features_are_known_by_their_names(run):
    g = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "CustomerID": range(12346, 12396),
            "Recency": g.integers(0, 370, 50),
            "Frequency": g.integers(1, 60, 50),
            "Monetary": g.lognormal(6, 1, 50).round(2),
        }
    )
    told, windows, pictured = drafted(frame, run)
    assert [told[name] for name in ("recency", "frequency", "monetary")] == [
        *("recency", "frequency", "monetary")
    ]
    assert told["behavioural"] == ["recency", "frequency", "monetary"]
    assert windows["segment_on"] == ["behavioural"]
    assert pictured[0] == "50 customers are known."
    span = g.uniform(20, 40, 50).round(2)
    frame = pd.DataFrame(
        {
            "frequency": g.poisson(2, 50),
            "recency": (span * g.uniform(0, 1, 50)).round(2),
            "T": span,
            "monetary_value": g.lognormal(3, 1, 50).round(2),
        }
    )
    told, _, _ = drafted(frame, run)
    assert told["columns"]["customer_id"] == "derived"
    roles = ("repeat_orders", "last_order", "observed", "monetary")
    assert [told[role] for role in roles] == [
        "frequency",
        "recency",
        "t",
        "monetary_value",
    ]


def test_an_export_of_firms_leaves_persons_and_segments_out(run):
    n = 60
    frame = pd.DataFrame(
        {
            "Account ID": [f"A-{i:03d}" for i in range(n)],
            "Contact Name": [f"Ann {i} Smith" for i in range(n)],
            "E-mail": [f"p{i}@x.com" for i in range(n)],
            "Phone": [f"+49 30 {i * 37:06d}" for i in range(n)],
            "Industry": ["Food", "Retail", "Health"] * 20,
            "Customer since": pd.date_range("2015-01-01", periods=n).strftime(
                "%d.%m.%Y"
            ),
            "Logins last month": [i % 9 for i in range(n)],
            "Needs delivery": ["yes", "no"] * 30,
            "Segment": list("ABC") * 20,
            "Currency": "EUR",
            "Renewed": ["Yes", "No", "No"] * 20,
        }
    )
    told, windows, _ = drafted(frame, run, sep=";")
    assert told["columns"]["customer_id"] == "Account ID"
    assert told["left_out"] == [
        *("contact_name", "e_mail", "phone", "customer_since"),
        *("given_segment", "currency"),
    ]
    assert told["firmographic"] == ["industry"]
    assert told["requirement"] == ["needs_delivery"]
    assert told["outcome"] == ["renewed"]
    assert windows["segment_on"] == ["requirement", "behavioural"]


def test_a_survey_builds_from_its_items_and_not_from_published_segments(run):
    n = 120
    g = np.random.default_rng(2)
    words = ["Strongly disagree", "Disagree", "Neutral", "Agree", "Strongly agree"]
    names = ["good company", "do sports", "cultural offers", "Q4: a bargain"]
    frame = pd.DataFrame({name: g.choice(words, n) for name in names})
    frame.insert(0, "respondent", range(1, n + 1))
    frame["Gender"] = g.choice(["f", "m"], n)
    frame["published_segment"] = g.integers(1, 7, n)
    told, windows, _ = drafted(frame, run)
    assert told["psychographic"] == [
        *("good_company", "do_sports", "cultural_offers", "q4_a_bargain"),
    ]
    assert told["measures"]["do_sports"] == words
    assert told["left_out"] == ["published_segment"]
    assert windows["segment_on"] == ["psychographic"]


def test_amounts_without_a_name_for_money_are_asked_for(run):
    g = np.random.default_rng(3)
    spent = {
        name: g.lognormal(8, 1, 90).astype(int) for name in ("Fresh", "Milk", "Frozen")
    }
    frame = pd.DataFrame({"Channel": [1, 2] * 45, "Region": [1, 2, 3] * 30} | spent)
    told, windows, _ = drafted(frame, run)
    assert told["value"] == told["behavioural"] == ["fresh", "milk", "frozen"]
    assert told["demographic"] == ["channel", "region"]
    assert told["measures"]["channel"] == "unordered"
    assert windows["segment_on"] == ["behavioural"]


def test_churn_judges_and_a_campaigns_answer_too(run):
    n = 80
    frame = pd.DataFrame(
        {
            "age": [20 + i % 50 for i in range(n)],
            "job": ["clerk", "nurse"] * 40,
            "contact": ["cellular", "telephone", "unknown", "unknown"] * 20,
            "tenure": [i % 60 for i in range(n)],
            "MonthlyCharges": [20 + i * 0.55 for i in range(n)],
            "TotalCharges": [" ", *(str(50.5 + i * 9) for i in range(1, n))],
            "month": ["jan", "feb"] * 40,
            "Churn": ["Yes", "No"] * 40,
            "y": ["no", "yes", "no", "no"] * 20,
        }
    )
    told, _, _ = drafted(frame, run, sep=";")
    assert (told["churned"], told["outcome"]) == ("churn", ["y"])
    assert (told["tenure"], told["monthly_fee"]) == ("tenure", "monthly_charges")
    assert told["value"] == "total_charges"
    assert told["left_out"] == ["month"]
    assert told["demographic"] == ["age", "job"] and "contact" in told["behavioural"]


def test_answers_on_several_rows_are_no_table_of_customers(run):
    rows = [(n, item, n % 5) for n in range(30) for item in ("trust", "price", "range")]
    frame = pd.DataFrame(rows, columns=["respondent", "question", "answer"])
    with pytest.raises(
        BadInput, match="is a survey, but not with one row per respondent"
    ):
        drafted(frame, run)


def test_other_tables_are_drafted_beside_a_customer_table(run):
    n = 40
    frame = pd.DataFrame(
        {
            "Customer": [f"C{i}" for i in range(n)],
            "Company Size": ["1-9", "10-49", "50+", "50+"] * 10,
            "Logins": [i % 9 for i in range(n)],
            "Tickets": [i % 4 for i in range(n)],
        }
    )
    folder = paths.ROOT / "data/raw/own"
    leads = "Lead ID,Created,Company Size,Source\n" + "".join(
        f"L{i},2024-01-{i + 1:02d},1-9,web\n" for i in range(12)
    )
    (folder / "leads.csv").write_text(leads)
    contracts = "Contract,Customer,Start,End,Monthly Fee\n" + "".join(
        f"V{i},C{i % n},2023-01-01,2024-01-31,{20 + i}.5\n" for i in range(60)
    )
    (folder / "contracts.csv").write_text(contracts)
    told, _, _ = drafted(frame, run)
    assert told["columns"]["customer_id"] == "Customer"
    tables = run_file.read("own")["tables"]
    assert tables["leads"]["firmographic"] == ["company_size"]
    assert tables["contracts"]["columns"]["monthly_fee"] == "Monthly Fee"
    leads, _ = received("received_leads")
    assert leads["company_size"].tolist() == ["1-9"] * 12


def test_days_and_counts_of_each_customer_are_no_numbers_of_customers(run):
    frame = pd.DataFrame(
        {
            "Account ID": [f"001A{n}" for n in range(90)],
            "Company Name": [f"Firm {n} Ltd" for n in range(90)],
            "Industry": ["Retail", "Care", "Food"] * 30,
            "Annual Revenue": [f"${n * 1_000_001:,}" for n in range(1, 91)],
            "ARR": [f"${n * 100:,.2f}" for n in range(1, 91)],
            "Customer Since": [f"20{10 + n % 9}-0{1 + n % 7}-11" for n in range(90)],
            "Email Opens": [n % 17 for n in range(90)],
            "Account Owner": ["Ann Lee", "Bo Ray"] * 45,
            "Num Store Purchases": [n % 12 for n in range(90)],
            "gekündigt": ["ja", "nein", "nein"] * 30,
        }
    )
    table, _, _ = drafted(frame, run)
    assert table["value"] == "arr" and table["outcome"] == ["gekundigt"]
    assert table["behavioural"] == ["email_opens", "num_store_purchases"]
    assert table["firmographic"] == ["industry", "annual_revenue"]
    assert table["left_out"] == ["company_name", "customer_since", "account_owner"]


def test_a_summary_as_models_of_lifetimes_write_it_is_known_by_its_letters(run):
    frame = pd.DataFrame(
        {
            "Id": range(1, 61),
            "x": [n % 4 for n in range(60)],
            "t.x": [(n % 4) * 2.5 for n in range(60)],
            "T.cal": [20.5 + n % 9 for n in range(60)],
            "Spending": [10.5 * (n % 4) for n in range(60)],
        }
    )
    table, _, _ = drafted(frame, run)
    roles = ("repeat_orders", "last_order", "observed", "monetary")
    assert [table[role] for role in roles] == ["x", "t_x", "t_cal", "spending"]
