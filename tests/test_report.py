"""Pages and dashboard, on a run of two notebooks written out here."""

import base64
import json
import re
from itertools import pairwise
from pathlib import Path

import nbformat.v4 as nbf
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from helpers import findings, pages, paths, report, schema, tables

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
    monkeypatch.setattr(paths, "notebooks", lambda: [Path(f"{x}.ipynb") for x in NAMES])
    for number, name in enumerate(NAMES, 3):
        save_notebook(name, cells(number))
        findings.write([FINDING], run=RUN, notebook=name)
    key_figures(simulated=True)
    summary().to_parquet(paths.processed(RUN) / "segment_summary.parquet")
    matrix().to_parquet(paths.processed(RUN) / "matrix.parquet")
    return paths.reports(RUN)


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
            "segment_id": [1, 2, 0],
            "name": ["Look", BAD, "Too little data"],
            "one_line": ["one", "two", "none"],
            "customers": [300, 1207, 3],
            "share_customers": [0.199, 0.799, 0.002],
            "sales": [654321.0, 580111.0, 135.8],
            "share_sales": [0.53, 0.4699, 0.0001],
            "sales_per_customer": [2181.07, 480.62, 45.27],
            "stability": [0.91, 0.72, None],
            "confidence": ["high", "fair", ""],
            "action": ["a", "b", "c"],
        }
    )


def matrix():
    counts = {"top": [5, 40, 11], "high": [20, 50, 12], "low": [275, 1117, 13]}
    rows = [
        (tier, order, segment, f"Segment {segment}", size, size * 7.77)
        for order, (tier, sizes) in enumerate(counts.items())
        for segment, size in enumerate(sizes, 1)
    ]
    names = ["value_tier", "tier_order", "segment_id", "name", "customers", "sales"]
    return pd.DataFrame(rows, columns=names)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    return make_run(tmp_path, monkeypatch)


@pytest.fixture
def built(folder):
    """Every page of the run by its name, parsed."""
    assert report.build(RUN) == folder / "index.html"
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


def test_pages_ask_nothing_of_the_network_and_run_no_script(built):
    for page in built.values():
        policy = page.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
        assert policy.startswith("default-src 'none'") and "script" not in policy
        assert not page("script")
        targets = [t.get("src") or t.get("href") for t in page.select("[src], [href]")]
        assert all(re.match(r"#|data:|[\w.]+\.html", target) for target in targets)
        assert "url(" not in page.style.get_text() and "@import" not in str(page.style)


def test_pages_show_what_was_found_and_hide_how_it_was_typed(built):
    text = built[NAMES[0]].get_text()
    for absent in ("SECRET_CODE", "STDERR", "INJECTED", "HIDDEN", "PLAIN", "¶"):
        assert absent not in text
    for present in ("5 of 9 lines <kept>.", "1,200", "Keep the two segments", "bold"):
        assert present in text


def test_markup_from_data_is_shown_on_every_page_and_never_obeyed(built):
    for page in built.values():
        assert not page("script")
        assert BAD in page.main.get_text()


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


def test_every_page_of_a_simulated_run_says_so(built):
    assert all("simulated data" in page.header.get_text() for page in built.values())


def test_pages_of_a_real_run_do_not_say_simulated(folder):
    key_figures(simulated=False)
    report.build(RUN)
    for file in folder.glob("*.html"):
        page = BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")
        assert "imulated" not in page.body.get_text()


def test_the_dashboard_opens_with_the_answer_then_findings_of_the_last_stage(built):
    page = built["index"]
    assert page.select_one(".lede").get_text() == "Two segments."
    heads = [h.get_text() for h in page("h2")]
    assert heads[0] == "What to decide"
    assert [h.get_text() for h in page.select(".source")] == ["4. Part 4", "3. Part 3"]
    assert [ol["start"] for ol in page.select("ol.findings")] == ["1", "2"]
    key = [dd.get_text() for dd in page.select(".key dd")]
    assert key == ["1,510", "20,000", "300,000", "$1.23m", "2017-09-30"]
    questions = [span.get_text() for span in page.select(".questions span")]
    assert questions == ["Which way?"] * 2


def test_a_segment_of_three_is_hidden_and_cannot_be_worked_out(built):
    rows = built["index"].select(".segments tbody tr")
    texts = [[cell.get_text(" ", strip=True) for cell in row("td")] for row in rows]
    assert [row[0] for row in texts] == [DASH, "1,207", "<10"]
    assert [row[1] for row in texts] == [DASH, "79.9% 47.0%", DASH]
    assert [row[2] for row in texts] == [DASH, "$481", DASH]
    assert texts[0][3] == "high stability 0.91"
    assert rows[0].a["href"] == "04_segment_personas.html#look"


def test_a_small_cell_is_hidden_with_its_money_and_with_three_others(built):
    rows = built["index"].select(".matrix tbody tr")
    texts = [[cell.get_text(" ", strip=True) for cell in row("td")] for row in rows]
    # 5 goes; 20 in its row, 11 in its column and 12 across close the way back
    assert texts == [
        ["<10", DASH, "275 $2,137"],
        ["40 $311", "50 $388", "1,117 $8,679"],
        [DASH, DASH, "13 $101"],
    ]


def test_sections_of_a_bare_run_say_what_they_need(folder):
    for file in paths.processed(RUN).glob("*.*"):
        file.unlink()
    for file in (paths.processed(RUN) / "findings").iterdir():
        file.unlink()
    text = report.build(RUN).read_text(encoding="utf-8")
    assert text.count('class="lacking"') == 7
    assert "This section needs segment_summary.parquet" in text


def test_the_dashboard_stays_small(folder):
    assert report.build(RUN).stat().st_size < 150_000


def test_pages_of_notebooks_that_are_gone_are_removed(folder, monkeypatch):
    report.build(RUN)
    monkeypatch.setattr(paths, "notebooks", lambda: [Path(f"{NAMES[0]}.ipynb")])
    report.build(RUN)
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
    before = report.build(RUN).read_bytes()
    ids = pd.DataFrame({"customer_id": ["C-0042", "9"], "spend": [1.0, 2.0]})
    ids.to_parquet(paths.processed(RUN) / "features.parquet")
    save_notebook(NAMES[1], [*cells(4), code("1", output)])
    with pytest.raises(schema.BadInput, match=f"^{NAMES[1]}.*{fault}"):
        report.build(RUN)
    assert (folder / "index.html").read_bytes() == before


def test_numbers_that_happen_to_be_customer_ids_are_no_fault(folder):
    ids = pd.DataFrame({"customer_id": ["300", "9"]})
    ids.to_parquet(paths.processed(RUN) / "features.parquet")
    assert report.build(RUN).exists()


def test_a_damaged_file_of_the_dashboard_is_named(folder, capsys):
    (paths.processed(RUN) / "key_figures.json").write_text("{", encoding="utf-8")
    assert report.main([RUN]) == 1
    assert "key_figures.json is damaged" in capsys.readouterr().err


def test_a_table_of_the_dashboard_without_a_column_is_named(folder):
    matrix().drop(columns="sales").to_parquet(paths.processed(RUN) / "matrix.parquet")
    with pytest.raises(
        schema.BadInput, match=r"matrix.parquet lacks the columns sales"
    ):
        report.build(RUN)


def test_a_run_without_executed_notebooks_is_told_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_HOME", str(tmp_path))
    with pytest.raises(schema.BadInput, match="make report RUN=trial"):
        report.build(RUN)


def test_aligned_print_keeps_its_columns_and_sentences_read_as_prose():
    assert "<pre" in pages._said("k   score\n2   0.19")
    assert pages._said("Two.\n\x1b[31mThree.\x1b[0m\n") == (
        '<div class="said"><p>Two.</p><p>Three.</p></div>'
    )


def test_the_pixel_of_these_tests_is_one_wide_and_one_high():
    head = base64.b64decode(PIXEL)[16:24]
    assert head == (1).to_bytes(4) * 2
