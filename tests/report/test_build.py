"""Pages and dashboard, on a run of two notebooks written out here."""

import base64
import hashlib
import json
import re
from itertools import pairwise
from pathlib import Path

import attacks
import nbformat.v4 as nbf
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from helpers.core import errors, paths, store
from helpers.disclosure import auditor, cube
from helpers.display import findings, tables
from helpers.report import build, dashboard, pages

BAD = "<script>alert('x')</script>"
DASH = "\N{EN DASH}"
RUN = "trial"
NAMES = ["03_clustering_choice", "04_segment_personas"]
FINDING = {
    "decision": "Keep the two segments",
    "size": "300 of 1,500 customers",
    "uncertainty": "found again in 9 of 10 samples",
    "action": "Test one offer",
    "limit": "",
}
# one white pixel, declared as what it is: a PNG 1 wide and 1 high
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mP8/x8AAwMCAO+ip1sAAAAA"
    "SUVORK5CYII="
)


def make_run(home: Path, monkeypatch) -> Path:
    """Lay out a run of two executed notebooks with every kind of output."""
    monkeypatch.setenv("STUDY_HOME", str(home))
    monkeypatch.setattr(
        paths, "notebooks", lambda _: [Path(f"{x}.ipynb") for x in NAMES]
    )
    for number, name in enumerate(NAMES, 3):
        save_notebook(name, cells(number))
        findings.write([FINDING], run=RUN, notebook=name)
    key_figures(simulated=True)
    summary().to_parquet(paths.processed(RUN) / "segment_summary.parquet")
    publish(people())
    profile().to_parquet(paths.processed(RUN) / "segment_profile.parquet")
    store.write_json(cards(), paths.processed(RUN) / "personas.json")
    knows(["C-0042", "9"])
    return paths.reports(RUN)


def knows(ids):
    """Let the run know customers by their ids."""
    table = pd.DataFrame({"customer_id": ids, "spend": 1.0})
    table.to_parquet(paths.processed(RUN) / "features.parquet")


def save_notebook(name, content):
    path = paths.executed(RUN) / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = nbf.writes(nbf.new_notebook(cells=content))
    path.write_text(text, encoding="utf-8")


def cells(number):
    sizes = pd.DataFrame({"segment": ["A", BAD], "customers": [300, 1200]})
    table = tables.show(sizes, caption="Sizes", index=False, bars=["customers"])
    declared = code('seed: int = 17  # fixes every "random" draw\nk: int = 2')
    declared.metadata.tags = ["parameters"]
    injected = code("seed = 21", nbf.new_output("stream", text="INJECTED"))
    injected.metadata.tags = ["injected-parameters"]
    hidden = code("1", nbf.new_output("stream", text="HIDDEN"))
    hidden.metadata.tags = ["hide"]
    return [
        nbf.new_markdown_cell(
            f"# {number}. Part {number}\n\n**Question.** Which *way*?\n**Answer.** This.\n"
            "**Reads** [lines](../data/README.md)"
        ),
        code("SECRET_CODE = 1"),
        declared,
        injected,
        hidden,
        nbf.new_markdown_cell(
            "## Look\n\n[next](04_segment_personas.ipynb#look) [out](https://example.org)"
            "\n\n| a |\n|---|\n| 1 |\n\n#### Deep\n\n# Again\n\n## Look"
        ),
        code("1", nbf.new_output("stream", text="5 of 9 lines <kept>.\n")),
        code("1", nbf.new_output("stream", name="stderr", text="STDERR")),
        code("1", result({"text/html": table._repr_html_()})),
        code("1", result({"text/html": sizes.to_html() + BAD})),
        code("1", result({"text/markdown": f"**bold** {BAD}"})),
        code("1", picture({"alt": 'One "white" point'})),
        nbf.new_markdown_cell("## Findings"),
        code("1", result({"text/html": findings.show([FINDING])._repr_html_()})),
    ]


def code(source, *outputs):
    return nbf.new_code_cell(source, execution_count=1, outputs=list(outputs))


def result(data):
    return nbf.new_output("execute_result", data | {"text/plain": "PLAIN"})


def picture(meta):
    data = {"image/png": PIXEL, "text/plain": "PLAIN"}
    return nbf.new_output("display_data", data, metadata={"image/png": meta})


def key_figures(**change):
    figures = {
        "title": f"Study {BAD}",
        "subtitle": "A trial",
        "answer": "Two segments.",
        "period_from": "2017-01-01",
        "period_to": "2017-12-31",
        "currency": "USD",
        "customers": 1510,
        "orders": 20000,
        "lines": 300000,
        "sales": 1234567.8,
        "train_until": "2017-09-30",
        "simulated": False,
        "provenance": ["Written out by hand."],
        "limits": ["None of it is real."],
        "glossary": {"Segment": "A group."},
    }
    path = paths.processed(RUN) / "key_figures.json"
    path.write_text(json.dumps(figures | change), encoding="utf-8")


def summary():
    return pd.DataFrame(
        {
            "segment_id": [1, 2, 3, 0],
            "name": NEEDS,
            "one_line": ["one", "two", "three", "none"],
            "low": [90.0, 95.0, 92.0, None],
            "high": [130.0, 125.0, 128.0, None],
            "stability": [0.91, 0.72, 0.5, None],
            "confidence": ["high", "fair", "low", "not measured"],
            "action": ["b", "a", "c", "d"],
        }
    )


NEEDS = ["Look", BAD, "Third", "Too little data"]
SIZES = [300, 700, 507, 3]
LEVELS = {
    "needs": NEEDS,
    "value_tier": ["high", "middle", "low"],
    "activity": ["active", "slowing"],
    "deal_proneness": ["high", "low"],
    "region": ["north", f"south {BAD}", "west"],
}
LABELS = {"needs": "Needs segment", "region": f"Region {BAD}"}


def people(times=1):
    """Draw 1,510 customers, 3 of them with too little data; the west is rare."""
    rng = np.random.default_rng(5)
    rows = sum(SIZES)
    drawn = {
        "needs": np.repeat(NEEDS, SIZES),
        "value_tier": rng.choice(LEVELS["value_tier"], rows, p=[0.2, 0.3, 0.5]),
        "activity": rng.choice(LEVELS["activity"], rows, p=[0.97, 0.03]),
        "deal_proneness": rng.choice(LEVELS["deal_proneness"], rows),
        "region": rng.choice(LEVELS["region"], rows, p=[0.6, 0.38, 0.02]),
        "sales": rng.lognormal(5, 1, rows).round(2),
        "holdout_sales": rng.lognormal(4, 1, rows).round(2),
    }
    table = pd.DataFrame(drawn)
    for name, levels in LEVELS.items():
        table[name] = pd.Categorical(table[name], levels)
    return pd.concat([table] * times, ignore_index=True)


ASKED = {"dimensions": list(LEVELS), "most": 3, "below": 10}


def publish(customers, left_out=()):
    """Save the views of some customers, as the notebook on personas does."""
    used = [name for name in LEVELS if name not in left_out]
    views = cube.views(
        customers,
        measures=["sales", "holdout_sales"],
        **ASKED | {"dimensions": used},
    ).round({"sales": 0, "holdout_sales": 0})
    views.to_parquet(paths.processed(RUN) / "views.parquet")
    described = [
        {
            "name": name,
            "label": LABELS.get(name, name.replace("_", " ").capitalize()),
            "attribute": name == "region",
            "levels": levels,
        }
        for name, levels in LEVELS.items()
        if name in used
    ]
    content = {"dimensions": described, "apart": [], "most": 3, "below": 10}
    content |= {"days": {"sales": 200, "holdout_sales": 100}}
    content |= {"later_until": "2017-12-31"}
    store.write_json(content, paths.processed(RUN) / "views.json")


def profile():
    """Twelve features and one more; only the first sets the segments clearly apart."""
    rows = [
        {
            "segment_id": segment,
            "feature": f"feature_{i}",
            "label": f"Feature {i} {BAD if i == 1 else ''}".strip(),
            "family": "needs" if i < 7 else "habits",
            "unit": ["share", "currency", "days"][i % 3],
            "value": 0.5 + (segment / 10 if i == 0 else segment / 1000),
            "low": 0.48 + (segment / 10 if i == 0 else segment / 1000),
            "high": 0.52 + (segment / 10 if i == 0 else segment / 1000),
            "overall": 0.55,
            "marker": i == 0,
        }
        for i in range(13)
        for segment in (1, 2, 3)
    ]
    return pd.DataFrame(rows)


def cards():
    return [
        {
            "segment_id": number,
            "name": name,
            "summary": f"Comes for {BAD}",
            "parts": {
                "How many?": f"400 of {BAD}",
                "What?": "index 140",
                "More?": "77",
            },
            "short": ["How many?", "What?"],
            "advice": [
                {"what": "offer", "advice": "tea", "because": "", "grade": "assumed"}
            ],
        }
        for number, name in enumerate(NEEDS[:3], 1)
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    return make_run(tmp_path, monkeypatch)


@pytest.fixture
def built(folder):
    """Every page of the run by its name, parsed."""
    assert build.build(RUN) == folder / "index.html"
    files = sorted(folder.glob("*.html"))
    return {x.stem: BeautifulSoup(x.read_text("utf-8"), "html.parser") for x in files}


def test_each_notebook_gets_a_page_that_names_all_the_others(built):
    assert sorted(built) == [*NAMES, "index"]
    for page in built.values():
        links = [a["href"] for a in page.select(".side .pages > li > a")]
        assert links == ["index.html", *(f"{name}.html" for name in NAMES)]


def test_pages_have_one_title_and_headings_in_order_with_anchors_of_their_own(built):
    for page in built.values():
        levels = [int(h.name[1]) for h in page(re.compile("^h[1-6]$"))]
        assert levels[0] == 1 and levels.count(1) == 1
        pairs = pairwise(levels)
        assert all(after <= before + 1 for before, after in pairs)
        ids = [tag["id"] for tag in page.select("[id]")]
        assert len(ids) == len(set(ids))
        anchors = {a["href"][1:] for a in page.select("a[href^='#']")}
        assert anchors <= set(ids)


def policy(page):
    return page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]


def test_pages_ask_nothing_of_the_network(built):
    for page in built.values():
        assert policy(page).startswith("default-src 'none'")
        targets = [t.get("src") or t.get("href") for t in page.select("[src], [href]")]
        assert all(re.match(r"#|data:|[\w.]+\.html", target) for target in targets)
        assert "url(" not in page.style.get_text() and "@import" not in str(page.style)


def test_pages_of_notebooks_run_no_script_and_the_dashboard_only_its_own(built):
    for name in NAMES:
        assert not built[name]("script") and "script" not in policy(built[name])
    data, script = built["index"]("script")
    assert data["type"] == "application/json"
    digest = hashlib.sha256(script.string.encode()).digest()
    assert f"'sha256-{base64.b64encode(digest).decode()}'" in policy(built["index"])
    assert "'unsafe-inline'" not in policy(built["index"]).split("script-src")[1]


def test_pages_show_what_was_found_and_hide_how_it_was_typed(built):
    text = built[NAMES[0]].get_text()
    for absent in ("SECRET_CODE", "STDERR", "INJECTED", "HIDDEN", "PLAIN", "¶"):
        assert absent not in text
    for present in ("5 of 9 lines <kept>.", "1,200", "Keep the two segments", "bold"):
        assert present in text


def test_markup_from_data_is_shown_on_every_page_and_never_obeyed(built):
    for name, page in built.items():
        assert BAD in page.main.get_text()
        assert BAD not in str(page.main)
        assert len(page("script")) == (2 if name == "index" else 0)
    assert "<" not in built["index"].find(id="data").string
    labels = [label.get_text() for label in built["index"].select("label")]
    assert LABELS["region"] in labels


def test_figures_have_their_description_and_their_size(built):
    images = [img for page in built.values() for img in page("img")]
    assert [img["alt"] for img in images] == ['One "white" point'] * 2
    assert {(img["width"], img["height"]) for img in images} == {("1", "1")}
    assert all(img.parent.name == "figure" for img in images)


def test_links_lead_to_pages_and_others_become_words(built):
    body = built[NAMES[0]].article
    links = {a.get_text(): a["href"] for a in body("a")}
    assert links == {"next": "04_segment_personas.html#look"}
    assert "out (https://example.org)" in body.get_text()
    assert "lines" in body.select_one(".reads").get_text()


def test_tables_of_every_origin_have_scopes_and_a_region_of_their_own(built):
    for page in built.values():
        assert all(th.get("scope") and th.get_text(strip=True) for th in page("th"))
        regions = [div["aria-label"] for div in page.select("[role=region]")]
        assert len(regions) == len(page("table")) == len(set(regions))


def test_a_page_lists_the_parameters_of_its_run_and_their_meaning(built):
    rows = built[NAMES[0]].select(".parameters tbody tr")
    texts = [[cell.get_text() for cell in row(["th", "td"])] for row in rows]
    assert texts == [["seed", "21", 'fixes every "random" draw'], ["k", "2", ""]]


def test_a_long_parameter_has_its_meaning_inside_brackets():
    source = (
        'a: float = (\n    0.02  # a share\n)\nb: dict = {\n    "x": 1,\n}  # parts'
    )
    assert pages._assignments(source) == [
        ("a", "0.02", "a share"),
        ("b", "{'x': 1}", "parts"),
    ]


def test_every_page_of_a_simulated_run_says_so(built):
    assert all("simulated data" in page.header.get_text() for page in built.values())


def test_pages_of_a_real_run_do_not_say_simulated(folder):
    key_figures(simulated=False)
    build.build(RUN)
    for file in folder.glob("*.html"):
        page = BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")
        assert "imulated" not in page.body.get_text()


def test_the_dashboard_opens_with_the_answer_then_findings_of_the_last_stage(built):
    page = built["index"]
    assert page.select_one(".lede").get_text() == "Two segments."
    assert page.h2 in page.select_one("section")("h2")
    heads = [h.get_text() for h in page("h2")]
    assert heads[0] == "What to decide"
    assert [h.get_text() for h in page.select(".source")] == ["4. Part 4", "3. Part 3"]
    assert [ol["start"] for ol in page.select("ol.findings")] == ["1", "2"]
    key = [dd.get_text() for dd in page.select("#glance + .key dd")]
    assert key == ["1,510", "20,000", "300,000", "$1.23m", "2017-09-30"]
    questions = [span.get_text() for span in page.select(".questions span")]
    assert questions == ["Which way?"] * 2


def texts(page, selector, tag="td"):
    return [
        [cell.get_text(" ", strip=True) for cell in row(tag)]
        for row in page.select(f"{selector} tbody tr")
    ]


def test_a_segment_of_three_is_hidden_with_the_next_smallest(built):
    rows = texts(built["index"], ".segments")
    assert [row[0] for row in rows] == ["withheld", "700", "507", "withheld"]
    assert rows[0] == [*["withheld"] * 4, "high overlap 0.91 when repeated", "b"]
    everyone = people()
    second = everyone[everyone["needs"] == BAD]
    assert rows[1][2].startswith(f"${second['sales'].mean():,.0f} ")
    before, later = second["sales"].sum() / 200, second["holdout_sales"].sum() / 100
    assert rows[1][3] == f"{later / before - 1:+.0%}".replace("-", tables.MINUS)
    link = built["index"].select_one(".segments tbody a")
    assert link["href"] == "04_segment_personas.html#look"


def embedded(page):
    """Read the groups that a page holds, as anybody can who opens its source."""
    content = json.loads(page.find(id="data").string)
    dimensions, rows = content["dimensions"], []
    for key, (customers, sales, later) in content["tables"].items():
        used = [dimensions[int(i)] for i in key.split(",") if i]
        shape = [len(one["levels"]) for one in used]
        shown = np.flatnonzero(customers)
        for at, money, after in zip(shown, sales, later, strict=True):
            places = np.unravel_index(at, shape) if used else ()
            told = [
                (one["name"], one["levels"][i])
                for one, i in zip(used, places, strict=True)
            ]
            told += [("", "")] * (3 - len(told))
            row = {f"by_{i}": name for i, (name, _) in enumerate(told, 1)}
            row |= {f"level_{i}": level for i, (_, level) in enumerate(told, 1)}
            rows.append(
                row | {"customers": customers[at], "sales": money, "later": after}
            )
    return pd.DataFrame(rows)


def true_group(customers, row):
    for i in (1, 2, 3):
        if row[f"by_{i}"]:
            customers = customers[customers[row[f"by_{i}"]] == row[f"level_{i}"]]
    return customers


def test_every_group_in_the_page_is_large_and_counted_right(built):
    found = embedded(built["index"])
    assert len(found) > 100 and found["customers"].min() >= 10
    everyone = people()
    for _, row in found.sample(60, random_state=1).iterrows():
        group = true_group(everyone, row)
        assert row["customers"] == len(group)
        assert abs(row["sales"] - group["sales"].sum()) < 0.501
        assert abs(row["later"] - group["holdout_sales"].sum()) < 0.501


def test_no_group_under_ten_can_be_worked_out_from_the_page(built):
    found = embedded(built["index"])
    assert attacks.audit(people(), found, **ASKED).empty
    # plain subtraction, without any help: each group from each wider one
    by = found[["by_1", "by_2", "by_3"]].to_numpy()
    level = found[["level_1", "level_2", "level_3"]].to_numpy()
    told = [
        frozenset(filter(any, zip(*row, strict=True)))
        for row in zip(by, level, strict=True)
    ]
    groups = dict(zip(told, found["customers"], strict=True))
    for inside, customers in groups.items():
        wider = [groups[group] for group in groups if group < inside]
        assert not any(0 < count - customers < 10 for count in wider)


def test_the_attack_finds_a_group_that_was_let_slip(built):
    found = embedded(built["index"])
    # the three with too little data are 1,510 less 700, 507 and the group let slip
    slipped = {"by_1": "needs", "level_1": "Look", "by_2": "", "level_2": ""}
    slipped |= {"by_3": "", "level_3": "", "customers": 300}
    told = attacks.audit(people(), pd.concat([found, pd.DataFrame([slipped])]), **ASKED)
    assert ("+ [needs: Too little data]", 3) in set(
        zip(told["group"], told["customers"], strict=True)
    )


def test_persona_cards_are_short_and_say_nothing_of_a_withheld_segment(built):
    first, second, third = built["index"].select(".persona")
    assert "400" not in first.get_text() and "Withheld" in first.get_text()
    for card in (second, third):
        assert f"400 of {BAD}" in card.get_text() and "140" in card.get_text()
        assert "77" not in card.get_text()
    assert first.select_one(".grade").get_text() == "assumed"
    assert first.a["href"] == "04_segment_personas.html#look"


def test_the_matrix_shows_the_published_groups_and_no_others(built):
    found = embedded(built["index"])
    pairs = found[
        (found["by_1"] == "needs")
        & (found["by_2"] == "value_tier")
        & (found["by_3"] == "")
    ]
    counts = pairs.set_index(["level_1", "level_2"])["customers"]
    shown = [
        [
            f"{counts[need, tier]:,}" if (need, tier) in counts else "withheld"
            for tier in LEVELS["value_tier"]
        ]
        for need in NEEDS
    ]
    assert [
        [cell.split()[0] for cell in row] for row in texts(built["index"], ".matrix")
    ] == shown
    assert any("withheld" in row for row in shown) and any(
        row[0] != "withheld" for row in shown
    )


@pytest.fixture
def without_segments(folder):
    """Build the overview of the run where no segments are worth acting on."""
    for name in ("segment_summary.parquet", "segment_profile.parquet", "personas.json"):
        (paths.processed(RUN) / name).unlink()
    publish(people(), left_out=["needs"])
    decided = {"verdict": "not usable", "usable": False, "why": "Chance does as well."}
    store.write_json(decided, paths.processed(RUN) / "decision.json")
    key_figures(answer="We found no groups worth acting on. Chance does as well.")
    return BeautifulSoup(build.build(RUN).read_text("utf-8"), "html.parser")


def test_where_no_groups_were_found_the_overview_says_so_and_tells_value_and_activity(
    without_segments,
):
    page = without_segments
    heads = [head.get_text() for head in page.find_all("h2")]
    assert heads[:4] == [
        *("What to decide", "At a glance"),
        *("What value and activity turned out to be worth", "Explore"),
    ]
    assert page.select_one(".lede").get_text().startswith("We found no groups")
    value, activity = page.select("section[aria-labelledby=worth] table")
    assert [th.get_text() for th in value.select("tbody th")] == [
        "High",
        "Middle",
        "Low",
    ]
    later = [row.find_all("td")[-1].get_text() for row in value.select("tbody tr")]
    parts = people().groupby("value_tier", observed=True)["holdout_sales"].sum()
    assert later == [f"{part:.1%}" for part in parts / parts.sum()]
    assert len(activity.select("tbody tr")) == 2


def test_without_groups_no_section_speaks_of_them_or_of_missing_tables(
    without_segments,
):
    page = without_segments
    for anchor in ("segments", "compare", "personas"):
        assert page.find(id=anchor) is None
        assert not page.select(f'nav a[href="#{anchor}"]')
    lacking = " ".join(p.get_text() for p in page.select(".lacking"))
    assert "segment" not in lacking and "views" not in lacking
    main = page.select_one("#explore").parent.get_text()
    assert "The matrix below follows" in main
    assert page.select_one("#matrix").get_text() == "Value and activity together"
    rows = [th.get_text() for th in page.select(".matrix tbody th")]
    assert rows == LEVELS["activity"]


def test_jargon_is_explained_where_it_is_first_said(folder):
    told = FINDING | {
        "size": "Silhouette 0.09; the silhouette is low",
        "limit": "p = 0.05 of a group",
    }
    findings.write([told], run=RUN, notebook=NAMES[1])
    build.build(RUN)
    page = BeautifulSoup((folder / "index.html").read_text("utf-8"), "html.parser")
    buttons = page.select(".findings .term")
    assert [button.get_text() for button in buttons] == ["Silhouette", "p"]
    for button in page.select("button.term"):
        assert page.find(id=button["popovertarget"]).get_text(strip=True)


def test_a_word_of_evidence_in_its_ordinary_sense_is_not_explained(folder):
    told = FINDING | {
        "size": "It is by construction",
        "limit": "Starts were not observed, and nothing is assumed of them or tested.",
    }
    findings.write([told], run=RUN, notebook=NAMES[1])
    build.build(RUN)
    page = BeautifulSoup((folder / "index.html").read_text("utf-8"), "html.parser")
    buttons = page.select(".findings .term")
    assert [button.get_text() for button in buttons] == ["by construction"]


@pytest.mark.parametrize(
    ("text", "shown"), [("<b>p = 1", "&lt;b&gt;"), ("a map", "a map")]
)
def test_what_is_explained_is_escaped_and_words_stay_whole(text, shown):
    assert str(dashboard.explainer({"p": "x"})(text)).startswith(shown)


def test_money_is_written_in_the_currency_of_the_run(folder):
    key_figures(currency="CHF")
    build.build(RUN)
    page = BeautifulSoup((folder / "index.html").read_text("utf-8"), "html.parser")
    assert "$" not in page.main.get_text()
    assert "CHF 1.23m" in page.select_one(".key").get_text()
    assert json.loads(page.find(id="data").string)["symbol"] == "CHF "


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.034, "+3%"), (-0.12, "−12%"), (-0.001, "+0%"), (None, DASH)],
)
def test_a_change_has_its_sign(value, text):
    assert dashboard.formats("USD")["change"](value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.1234, "share", "12.3%"),
        (12345.6, "currency", "$12.3k"),
        (-1.5, "log ratio", "−1.50"),
        (None, "days", DASH),
    ],
)
def test_a_feature_is_written_in_its_unit(value, unit, text):
    assert dashboard.formats("USD")["quantity"](value, unit) == text


def test_what_the_study_does_not_hold_yet_is_said_in_one_line(built):
    (line,) = [p for p in built["index"]("p") if "does not hold yet" in p.get_text()]
    assert "lifecycle" in line.get_text() and "refinement" in line.get_text()


NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def numbers(text):
    return {float(found.replace(",", "")) for found in NUMBER.findall(text)}


def test_each_number_on_the_page_stands_in_a_table_or_was_printed(built):
    page, processed = built["index"], paths.processed(RUN)
    known = numbers(json.dumps([FINDING, cards(), profile().to_dict("list")]))
    known |= numbers((processed / "key_figures.json").read_text("utf-8"))
    known |= numbers((processed / "views.json").read_text("utf-8"))
    known |= numbers(
        " ".join([*dashboard.GLOSSARY, *dashboard.GLOSSARY.values(), *NAMES])
    )
    known |= {1.23, 12.5, 80, 1, 2, 3, 4, 10, 95}  # key figures and words of the page
    known |= numbers(
        " ".join(map(str, summary()[["low", "high", "stability"]].to_numpy().ravel()))
    )
    money, rate = dashboard.formats("USD")["money"], dashboard.formats("USD")["change"]
    views = pd.read_parquet(processed / "views.parquet")
    for _, row in views.iterrows():
        trend = row["holdout_sales"] / 100 / (row["sales"] / 200) - 1
        whole = (row["customers"] / 1510, row["sales"] / views["sales"].iloc[0])
        told = [f"{row['customers']:,}", money(row["sales"]), rate(trend)]
        told += [money(row["sales"] / row["customers"]), *(f"{x:.1%}" for x in whole)]
        known |= numbers(" ".join(told))
    for value in profile()[["value", "low", "high", "overall"]].to_numpy().ravel():
        known |= numbers(f"{value:.1%} {money(value)} {value:.2f}")
    shown = " ".join(part.get_text(" ") for part in page.main("section"))
    unknown = numbers(shown) - known
    assert not unknown
    assert len(numbers(shown)) > 50


def test_sections_of_a_bare_run_say_what_they_need(folder):
    for file in paths.processed(RUN).glob("*.*"):
        file.unlink()
    for file in (paths.processed(RUN) / "findings").iterdir():
        file.unlink()
    knows(["C-0042"])
    page = BeautifulSoup(build.build(RUN).read_text("utf-8"), "html.parser")
    lacking = [p.get_text() for p in page.select(".lacking")]
    assert len(lacking) == 10
    assert any("segment_summary.parquet" in text for text in lacking)
    assert not page("script") and "script" not in policy(page)


def test_tables_of_later_notebooks_stand_on_the_dashboard_under_their_page(folder):
    table = tables.show(
        pd.DataFrame({"segment": ["Look"], "offer": [BAD]}),
        caption="What to offer",
        index=False,
    )
    findings.write_tables([("What to offer?", table)], run=RUN, notebook=NAMES[-1])
    page = BeautifulSoup(build.build(RUN).read_text("utf-8"), "html.parser")
    section = page.find("section", attrs={"aria-labelledby": "after"})
    assert section.select_one(".source a")["href"] == f"{NAMES[-1]}.html"
    assert section.select_one(".asked").get_text() == "What to offer?"
    assert section.select_one("td:last-child").get_text() == BAD
    assert not section.select(".lacking")


def test_a_page_with_several_findings_shows_the_first_and_folds_the_others(built):
    listed = built["index"].find("section", attrs={"aria-labelledby": "findings"})
    for fold in listed.select("details.more"):
        before = fold.find_previous_sibling("ol")
        assert len(before.find_all("li", recursive=False)) == 1
        inside = len(fold.select("ol.findings > li"))
        assert fold.summary.get_text() == f"{inside} more from this page"


def test_the_dashboard_stays_small(folder):
    assert build.build(RUN).stat().st_size < 150_000


def test_the_page_does_not_grow_with_the_number_of_customers(folder):
    sizes = []
    for times in (40, 400):
        publish(people(times))
        sizes.append(build.build(RUN).stat().st_size)
    assert sizes[1] < 1.1 * sizes[0]


def test_pages_of_notebooks_that_are_gone_are_removed(folder, monkeypatch):
    build.build(RUN)
    monkeypatch.setattr(paths, "notebooks", lambda _: [Path(f"{NAMES[0]}.ipynb")])
    build.build(RUN)
    left = sorted(x.name for x in folder.iterdir() if x.is_file())
    assert left == [f"{NAMES[0]}.html", "index.html"]


def customer_table(name):
    frame = pd.DataFrame({name: ["7"], "n": [1]})
    return result({"text/html": tables.show(frame, caption="x")._repr_html_()})


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        (picture({}), "no description"),
        (customer_table("customer_id"), "single customers"),
        (customer_table("Household ID"), "single customers"),
        (nbf.new_output("stream", text="best: C-0042, then others"), "'C-0042'"),
    ],
)
def test_a_page_that_must_not_go_out_is_refused_and_earlier_pages_stay(
    folder, output, fault
):
    before = build.build(RUN).read_bytes()
    save_notebook(NAMES[1], [*cells(4), code("1", output)])
    with pytest.raises(errors.BadInput, match=f"^{NAMES[1]}.*{fault}"):
        build.build(RUN)
    assert (folder / "index.html").read_bytes() == before


def test_what_gives_away_a_few_customers_is_withheld_from_its_page(folder, capsys):
    few = pd.DataFrame({"group": ["a", "b"], "Customers": [7, 90]})
    many = pd.DataFrame({"group": ["a", "b"], "Customers": [70, 90]})
    html = [
        one.to_html(index=False).replace("<thead>", f"<caption>{name}</caption><thead>")
        for name, one in (("Few", few), ("Many", many))
    ]
    printed = nbf.new_output("stream", text="Of these, 7 customers came once.")
    kept = nbf.new_output("stream", text="Of these, 70 customers came once.")
    outputs = [printed, kept, *(result({"text/html": one}) for one in html)]
    save_notebook(NAMES[1], [*cells(4), *(code("1", one) for one in outputs)])
    build.build(RUN)
    page = (folder / f"{NAMES[1]}.html").read_text("utf-8")
    assert "7 customers" not in page.replace("70 customers", "")
    assert "70 customers came once" in page
    assert page.count(build.SAID) == 1
    read = [auditor.read(x, "") for x in BeautifulSoup(page, "html.parser")("table")]
    rows = {one.caption: one.rows for one in read if one}
    assert rows["Few"] == [["a", "withheld"], ["b", "90"]]
    assert rows["Many"] == [["a", "70"], ["b", "90"]]
    told = capsys.readouterr().err
    assert f"Withheld: {NAMES[1]}.html, 'text', '7 customers'" in told
    assert "'Few'" in told
    assert not auditor.audit({NAMES[1]: page})


def hidden(rows, leak):
    """Withhold what a leak names from a table; return its cells."""
    heads = ["Segment", "Customers", "Sales", "Offer"]
    html = pd.DataFrame(rows, columns=heads).to_html(index=False)
    html = html.replace("<thead>", "<caption>Sizes</caption><thead>")
    page = build.withheld(html, [auditor.Leak("4.html", "Sizes", *leak)], whole=False)
    table = BeautifulSoup(page, "html.parser").table
    return table and auditor.read(table, "4.html").rows


def test_a_cell_goes_with_the_numbers_on_its_right_and_then_the_smallest_beside_it():
    rows = [["A", 60, "€9", "tea"], ["B", 34, "€8", "2"], ["C", 20, "€7", "bread"]]
    rows = [list(map(str, row)) for row in rows]
    once = hidden(rows, ("B / Customers", "sums leave 6"))
    assert once == [rows[0], ["B", *["withheld"] * 3], rows[2]]
    again = hidden(once, ("B / Customers", "sums leave 34"))
    assert again == [*once[:2], ["C", "withheld", "withheld", "bread"]]
    assert hidden(rows, ("A / Sales", "1")) == [
        ["A", "60", "withheld", "tea"],
        *rows[1:],
    ]
    # what is left over is hidden best beside the smallest
    others = hidden(rows, ("A / Customers", "sums leave 1 others of all"))
    assert others == [*rows[:2], again[2]]
    dark = [[name, "withheld", "withheld", "tea"] for name in "AB"]
    assert hidden(dark, ("B / Customers", "sums leave 6")) is None  # nothing else helps


def test_pages_that_tell_of_a_few_more_customers_say_so_to_ten():
    pages = {
        "1.html": "<p>421 customers, <b>421 of 421 customers</b> and 421 lines.</p>"
        "<table><tr><th>step<th>Customers</tr><tr><td>clean<td>421</tr></table>",
        "2.html": "<p>420 customers.</p>",
        "3.html": "<p>All 420 customers.</p>",
    }
    leaks = auditor.audit(pages)
    assert [(leak.page, leak.cell, leak.how) for leak in leaks] == [
        ("1.html", "421", "beside 420")
    ]
    said = BeautifulSoup(
        build.withheld(pages["1.html"], leaks, whole=False), "html.parser"
    )
    about = "about 420 customers, about 420 of about 420 customers and 421 lines."
    assert said.p.get_text() == about
    assert said.find_all("td")[1].get_text() == "about 420"
    assert not auditor.audit(pages | {"1.html": str(said)})


def test_a_page_that_cannot_be_helped_is_refused_in_one_sentence(
    folder, capsys, monkeypatch
):
    before = build.build(RUN).read_bytes()
    leak = auditor.Leak(f"{NAMES[1]}.html", "Groups to explore", "a", "7")
    monkeypatch.setattr(auditor, "audit", lambda texts: [leak])
    with pytest.raises(errors.BadInput, match=rf"{NAMES[1]}.html.*'Groups to explore'"):
        build.build(RUN)
    assert (folder / "index.html").read_bytes() == before
    capsys.readouterr()
    assert build.main([RUN]) == 1
    assert "The pages would give away 1 to 9 customers" in capsys.readouterr().err


def test_numbers_that_happen_to_be_customer_ids_are_no_fault(folder):
    knows([*map(str, range(1, 2500)), "9"])
    counts = pd.DataFrame({"k": [2, 3, 5], "customers": [444, 602, 1819]})
    fifths = pd.DataFrame({"fifth": list("12345"), "mean": [1.5] * 5})
    shown = [tables.show(one, caption="x")._repr_html_() for one in (counts, fifths)]
    more = [code("1", result({"text/html": html})) for html in shown]
    years = code("1", nbf.new_output("stream", text="Bought in 2017 by 1,204."))
    save_notebook(NAMES[1], [*cells(4), *more, years])
    assert build.build(RUN).exists()


@pytest.mark.parametrize(
    ("ids", "output", "named"),
    [
        # digits alone: more than a year has, or with a zero that no number begins with
        (["17850", "13047"], "Best: 17850, then others.", "17850"),
        (["0042", "0043"], "Best: 0042.", "0042"),
        (["anna@x.de", "7"], "Write to anna@x.de first.", "anna@x.de"),
        (["Shop 7 north", "8"], "Best: Shop 7 north.", "Shop 7 north"),
        # short ones: a column of text that holds nothing else
        (["3", "17", "204", "5"], pd.DataFrame({"who": ["3", "17", "204"]}), "17"),
        (["3"], pd.DataFrame({"Client no.": ["3"], "sales": [5.0]}), "Client no."),
    ],
)
def test_ids_of_any_form_are_found(folder, ids, output, named):
    knows(ids)
    if isinstance(output, str):
        added = nbf.new_output("stream", text=output)
    else:
        table = tables.show(output, caption="x", labels={c: c for c in output})
        added = result({"text/html": table._repr_html_()})
    save_notebook(NAMES[1], [*cells(4), code("1", added)])
    with pytest.raises(errors.BadInput, match=f"single customers.*{named}"):
        build.build(RUN)


def test_the_check_for_customers_is_not_switched_off_by_a_missing_table(folder):
    lines = paths.interim(RUN) / "lines.parquet"
    lines.parent.mkdir(parents=True)
    pd.DataFrame({"customer_id": ["17850"]}).to_parquet(lines)
    (paths.processed(RUN) / "features.parquet").unlink()
    listed = code("1", nbf.new_output("stream", text="Best: 17850."))
    save_notebook(NAMES[1], [*cells(4), listed])
    with pytest.raises(errors.BadInput, match="'17850'"):
        build.build(RUN)
    lines.unlink()
    with pytest.raises(errors.BadInput, match="no table names them"):
        build.build(RUN)


def test_a_damaged_file_of_the_dashboard_is_named(folder, capsys):
    (paths.processed(RUN) / "key_figures.json").write_text("{", encoding="utf-8")
    assert build.main([RUN]) == 1
    assert "key_figures.json is damaged" in capsys.readouterr().err


def test_a_table_of_the_dashboard_without_a_column_is_named(folder):
    views = paths.processed(RUN) / "views.parquet"
    pd.read_parquet(views).drop(columns="sales").to_parquet(views)
    with pytest.raises(errors.BadInput, match=r"views.parquet lacks the columns sales"):
        build.build(RUN)


def test_a_run_without_executed_notebooks_is_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    with pytest.raises(errors.BadInput, match="make report RUN=trial"):
        build.build(RUN)


def test_aligned_print_keeps_its_columns_and_sentences_read_as_prose():
    assert "<pre" in pages._said("k   score\n2   0.19")
    assert pages._said("Two.\n\x1b[31mThree.\x1b[0m\n") == (
        '<div class="said"><p>Two.</p><p>Three.</p></div>'
    )


def test_the_pixel_of_these_tests_is_one_wide_and_one_high():
    head = base64.b64decode(PIXEL)[16:24]
    assert head == (1).to_bytes(4) * 2


@pytest.fixture
def project(folder, tmp_path, monkeypatch):
    """Lay the notebooks and the run file of the run beside what was made of them."""
    monkeypatch.undo()
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    for name in ("notebooks", "runs"):
        (tmp_path / name).mkdir()
    (tmp_path / "runs/trial.yaml").write_text("source: uniform_supplier\n")
    for number, name in enumerate(NAMES, 3):
        text = nbf.writes(nbf.new_notebook(cells=cells(number)))
        text = text.replace("seed: int = 17", "seed: int = 17\\nrun: str = 'trial'")
        (tmp_path / f"notebooks/{name}.ipynb").write_text(text)
    return folder


def stop(name, said="no 'value_tier'", kind="KeyError"):
    """Leave a notebook of the run as far as it came: its fourth cell raised an error."""
    raised = nbf.new_output("error", ename=kind, evalue=said, traceback=[said])
    kept = [*cells(3)[:3], nbf.new_markdown_cell(f"## Rank {BAD}"), code("1", raised)]
    save_notebook(f"{name}.failed", kept)


def rendered(folder):
    """Render the run; return its pages by name, parsed."""
    build.build(RUN)
    files = sorted(folder.glob("*.html"))
    return {x.stem: BeautifulSoup(x.read_text("utf-8"), "html.parser") for x in files}


def test_a_notebook_that_stopped_has_a_page_that_says_where_why_and_what_to_do(project):
    stop(NAMES[1])
    page = rendered(project)[NAMES[1]]
    assert [h.get_text() for h in page.main(["h1", "h2"])] == [
        "4. Part 4",
        "This notebook stopped",
    ]
    assert page.select_one(".question").get_text().endswith("Which way?")
    text = page.main.get_text()
    assert (
        f"It stopped in code cell 3, Rank {BAD}:" in text
        and "KeyError: no 'value_tier'" in text
    )
    assert f"notebooks/{NAMES[1]}.failed.ipynb" in text
    assert "No other page waits for it." in text and "make report RUN=trial" in text
    # nothing of the notebook that an earlier run executed
    for stale in ("5 of 9 lines", "Keep the two segments", "Answer", "1,200"):
        assert stale not in text


def test_the_overview_begins_with_what_is_missing_and_shows_none_of_it(project):
    stop(NAMES[1])
    store.write_document({"simulated": True}, "source", run=RUN)
    pages_made = rendered(project)
    page = pages_made["index"]
    assert page.h2.get_text() == "What is missing"
    notice = page.find("section", attrs={"aria-labelledby": "halted"})
    assert "1 of 2 notebooks stopped." in notice.get_text()
    (entry,) = notice("li")
    assert entry.a["href"] == f"{NAMES[1]}.html"
    assert entry.get_text() == (
        f"4. Part 4 stopped in code cell 3, Rank {BAD}:KeyError: no 'value_tier'"
    )
    assert [h.get_text() for h in page.select(".source")] == ["3. Part 3"]
    assert not page.select(".segments, .matrix, .persona, #glance + .key")
    assert not page("script") and "1,510" not in page.main.get_text()
    for one in pages_made.values():
        marks = [mark.get_text() for mark in one.select(".side .halted")]
        assert marks == ["stopped"]
        assert "simulated data" in one.header.get_text()
    assert "5 of 9 lines" in pages_made[NAMES[0]].main.get_text()


def test_what_waits_for_a_notebook_that_stopped_says_for_which(project):
    stop(NAMES[0])
    made = rendered(project)
    assert "5 of 9 lines" not in made[NAMES[1]].main.get_text()
    assert made[NAMES[1]].main.h2.get_text() == "This notebook was not executed"
    assert made[NAMES[1]].article.li.a["href"] == f"{NAMES[0]}.html"
    assert made[NAMES[0]].article.li.a["href"] == f"{NAMES[1]}.html"
    notice = made["index"].find("section", attrs={"aria-labelledby": "halted"})
    assert (
        "1 of 2 notebooks stopped; 1 more waits for it, so it was not" in notice.p.text
    )
    assert notice("li")[1].get_text() == "4. Part 4not executed"
    assert not made["index"].select(".findings")


def test_a_first_notebook_that_stopped_leaves_an_overview_and_its_mending_everything(
    project,
):
    whole = rendered(project)["index"]
    for name in NAMES:
        (paths.executed(RUN) / f"{name}.ipynb").unlink()
    stop(NAMES[0])
    assert len(rendered(project)) == 3
    (paths.executed(RUN) / f"{NAMES[0]}.failed.ipynb").unlink()
    for number, name in enumerate(NAMES, 3):
        save_notebook(name, cells(number))
    assert rendered(project)["index"] == whole
    assert not whole.select(".halted, #halted")


@pytest.mark.parametrize(
    ("error", "kind", "shown"),
    [
        ("No price. Add it.", "BadInput", "No price. Add it."),
        (f"bad {BAD}", "ValueError", f"ValueError: bad {BAD}"),
        (
            "no file '/home/me/study/data/raw/a.csv'",
            "OSError",
            "OSError: no file '…/a.csv'",
        ),
        (
            "no 'C-0042' in the index",
            "KeyError",
            "The error names a customer, so it stands in the notebook only.",
        ),
    ],
)
def test_an_error_is_shown_without_markup_folders_and_customers(
    project, error, kind, shown
):
    stop(NAMES[0], error, kind)
    made = rendered(project)
    assert made[NAMES[0]].select(".said p")[1].get_text() == shown
    assert made["index"].select_one("ul.halted .line").get_text() == shown
    assert not made["index"]("script") and not made[NAMES[0]]("script")
