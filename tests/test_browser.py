"""Pages in a real browser: offline, silent, accessible; the dashboard does its work."""

import base64
import importlib.util
import json
import re
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from report.test_build import BAD, DASH, LEVELS, NAMES, NEEDS, make_run, people
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from helpers.core import paths
from helpers.personas import exports
from helpers.report import build

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
AXE = importlib.util.find_spec("axe_core_python")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND"),
)
PAGES = [*NAMES, "index"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (BROWSER and DRIVER),
        reason="needs chromium and chromedriver on PATH (Debian: chromium-driver)",
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = make_run(tmp_path_factory.mktemp("home"), patch)
        build.build(folder.name)
        processed = paths.processed(folder.name)
        shutil.copytree(processed, folder / "processed")
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    logs = {"browser": "ALL", "performance": "ALL"}
    options.set_capability("goog:loggingPrefs", logs)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.get("about:blank")
    yield driver
    driver.quit()


def visit(browser, file: Path, width=1280, scheme="light", view=""):
    """Load a page; return the addresses asked for and what the console said."""
    browser.get("about:blank")  # so that another view of one file is loaded anew
    size = {
        "width": width,
        "height": 900,
        "deviceScaleFactor": 1,
        "mobile": width < 500,
    }
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get_log("browser"), browser.get_log("performance")
    browser.get(file.as_uri() + view)
    events = [
        json.loads(x["message"])["message"] for x in browser.get_log("performance")
    ]
    asked = [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]
    return asked, [entry["message"] for entry in browser.get_log("browser")]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_for_nothing_but_itself_and_the_console_stays_silent(
    browser, folder, name
):
    file = folder / f"{name}.html"
    asked, said = visit(browser, file)
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    assert said == []
    broken = "return [...document.images].filter(i => !i.naturalWidth).length"
    assert browser.execute_script(broken) == 0


def test_a_planted_request_is_counted_and_the_page_itself_refuses_it(
    browser, folder, tmp_path
):
    page = (folder / "index.html").read_text(encoding="utf-8")
    planted = tmp_path / "planted.html"
    main, image = '<main id="main" tabindex="-1">', "https://example.invalid/x.png"
    assert main in page
    planted.write_text(page.replace(main, f'{main}<img alt="" src="{image}">'), "utf-8")
    asked, said = visit(browser, planted)
    assert image in asked
    assert len(said) == 1 and "Content Security Policy" in said[0]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_no_wider_than_its_screen(browser, folder, name, width):
    visit(browser, folder / f"{name}.html", width)
    assert browser.execute_script("return innerWidth") == width
    widest = browser.execute_script("return document.documentElement.scrollWidth")
    assert widest <= width


@pytest.mark.skipif(AXE is None, reason="needs the package axe-core-python")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_no_fault(browser, folder, name, width, scheme):
    visit(browser, folder / f"{name}.html", width, scheme)
    browser.execute_script(
        "document.querySelectorAll('details').forEach(d => d.open = 1)"
    )
    assert faults(browser) == []


@pytest.mark.skipif(AXE is None, reason="needs the package axe-core-python")
def test_axe_would_find_a_fault(browser, folder):
    visit(browser, folder / "index.html")
    browser.execute_script(
        "document.querySelector('.lede').style.color = '#eee';"
        "document.documentElement.removeAttribute('lang')"
    )
    assert faults(browser) == ["color-contrast", "html-has-lang"]


# a view with everything open: filter, split, cell
OPEN = (
    "#value_tier=high&sort=-customers&split=region&feature=all"
    "&cell_tier=high&cell_needs=Third"
)


@pytest.mark.skipif(AXE is None, reason="needs the package axe-core-python")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_no_fault_with_everything_open(browser, folder, width, scheme):
    visit(browser, folder / "index.html", width, scheme, OPEN)
    assert browser.find_element("id", "cell").is_displayed()
    assert browser.find_element("css selector", "#split table").is_displayed()
    browser.execute_script(
        "document.querySelectorAll('details').forEach(d => d.open = 1);"
        "document.querySelector('.meaning').showPopover()"
    )
    assert faults(browser) == []
    widest = browser.execute_script("return document.documentElement.scrollWidth")
    assert widest <= width


CONTRASTS = """
const number = (c) => c.match(/[\\d.]+/g).map(Number);
const over = (top, under) => {
  const a = top.length > 3 ? top[3] : 1;
  return [0, 1, 2].map((i) => a * top[i] + (1 - a) * under[i]);
};
const light = (c) => {
  const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) layers.push(number(getComputedStyle(e).backgroundColor));
  return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
};
const found = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const e = walk.currentNode.parentElement, text = walk.currentNode.textContent.trim();
  if (!text || !e.checkVisibility() || e.closest("script, noscript, option, .off, .skip, :disabled")) continue;
  const under = behind(e), ink = over(number(getComputedStyle(e).color), under);
  const [a, b] = [light(ink), light(under)].sort((x, y) => y - x);
  found.push([(a + 0.05) / (b + 0.05), text.slice(0, 40)]);
}
return found;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_text_stands_out_from_its_ground(browser, folder, width, scheme):
    visit(browser, folder / "index.html", width, scheme, OPEN)
    found = browser.execute_script(CONTRASTS)
    assert len(found) > 200
    assert [one for one in found if one[0] < 4.5] == []


def test_pale_text_would_be_noticed(browser, folder):
    visit(browser, folder / "index.html")
    browser.execute_script("document.querySelector('.lede').style.color = '#999'")
    assert min(browser.execute_script(CONTRASTS))[0] < 3


def test_nothing_of_a_table_is_off_a_phones_screen(browser, folder):
    visit(browser, folder / "index.html", 390, view=OPEN)
    ends = browser.execute_script(
        "return [...document.querySelectorAll('.stack :is(th, td, button)')]"
        ".filter(e => e.checkVisibility()).map(e => e.getBoundingClientRect())"
        ".flatMap(box => [box.left, box.right])"
    )
    assert len(ends) > 100
    assert min(ends) >= 0 and max(ends) <= 390
    shown = browser.find_element("css selector", ".segments tbody tr").text
    for heading in ("Customers", "How sure", "What to do"):
        assert heading in browser.execute_script(
            "return [...document.querySelectorAll('.segments tbody tr:first-child td')]"
            ".map(e => e.dataset.label).join()"
        )
    assert "when repeated" in shown
    # a number is not broken over lines
    tall = browser.execute_script(
        "return Math.max(...[...document.querySelectorAll('.segments td')]"
        ".filter(e => /^[\\d,]+$/.test(e.textContent)).map(e => e.offsetHeight))"
    )
    assert 0 < tall < 40


EVERYONE = people()
BY_NEED = EVERYONE["needs"].value_counts()


def pick(browser, name, text):
    """Choose what starts with a text in a native control."""
    control = Select(browser.find_element("id", name))
    (option,) = [o for o in control.options if o.text.startswith(text)][:1]
    control.select_by_visible_text(option.text)


def place(name):
    return f"by-{list(LEVELS).index(name)}"


def rows(browser, selector):
    found = browser.find_elements("css selector", f"{selector} tbody tr")
    cells = [row.find_elements("css selector", "th, td") for row in found]
    return [[cell.text for cell in row] for row in cells if row[0].is_displayed()]


def test_a_filter_counts_what_the_tables_hold(browser, folder):
    visit(browser, folder / "index.html")
    pick(browser, place("value_tier"), "high")
    pick(browser, place("region"), "north")
    chosen = EVERYONE[
        (EVERYONE["value_tier"] == "high") & (EVERYONE["region"] == "north")
    ]
    said = browser.find_element("id", "said").text
    assert said.startswith(f"{len(chosen)} of 1,510 customers.")
    assert "Value tier: high" in said and "north" in said
    counts = chosen["needs"].value_counts()
    found = {row[0].split("\n")[0]: row[1] for row in rows(browser, ".segments")}
    assert found["Third"] == str(counts["Third"])
    assert found[BAD] == str(counts[BAD])
    assert found["Too little data"] == "fewer than 10 or withheld"


def test_options_count_what_choosing_them_would_leave(browser, folder):
    visit(browser, folder / "index.html")
    pick(browser, place("value_tier"), "high")
    high = EVERYONE[EVERYONE["value_tier"] == "high"]
    texts = [
        o.text for o in Select(browser.find_element("id", place("region"))).options
    ]
    assert texts[1] == f"north ({(high['region'] == 'north').sum()})"
    assert any("fewer than 10 or withheld" in text for text in texts)


def test_a_fourth_condition_is_closed_and_says_why(browser, folder):
    visit(browser, folder / "index.html")
    for name, level in [
        ("value_tier", "low"),
        ("deal_proneness", "high"),
        ("needs", "Third"),
    ]:
        pick(browser, place(name), level)
    fourth = browser.find_element("id", place("region"))
    assert not fourth.is_enabled()
    assert "At most 3 conditions" in browser.find_element("id", "why").text
    assert fourth.get_attribute("aria-describedby") == "why"
    pick(browser, place("needs"), "any")
    assert fourth.is_enabled() and browser.find_element("id", "why").text == ""


def test_three_conditions_leave_nothing_to_split_by(browser, folder):
    view = "#value_tier=low&deal_proneness=high&region=north&activity=active"
    visit(browser, folder / "index.html", view=f"{view}&split=needs")
    assert "region" not in browser.current_url  # a fourth in the address is dropped
    control = Select(browser.find_element("id", "split-by"))
    assert [o.text for o in control.options] == ["nothing: three conditions are set"]
    assert not browser.find_element("id", "save-split").is_displayed()
    assert rows(browser, "#split") == []
    said = browser.find_element("css selector", "[data-within=segments]").text
    assert said.startswith("Too many conditions")


def told(browser, selector):
    """Read what the cells of a table say, in one wording for what is withheld."""
    found = browser.execute_script(
        f"return [...document.querySelectorAll('{selector} td')].map(e => "
        "[...e.querySelectorAll('.off')].reduce((t, o) => t.replace(o.textContent, ''),"
        " e.textContent))"
    )
    return [re.sub(f"fewer than 10 or withheld|{DASH}", "withheld", t) for t in found]


def test_the_script_writes_the_same_figures_as_the_page_without_it(browser, folder):
    file = folder / "index.html"
    page = BeautifulSoup(file.read_text("utf-8"), "html.parser")
    visit(browser, file)
    for selector in (".segments", ".matrix"):
        written = [cell.get_text() for cell in page.select(f"{selector} td")]
        shown = told(browser, selector)
        assert [re.sub(r"\s", "", t) for t in shown] == [
            re.sub(r"\s", "", t) for t in written
        ]
        assert any("%" in text for text in shown)


def test_a_column_sorts_both_ways_and_says_so(browser, folder):
    visit(browser, folder / "index.html")
    head = browser.find_element("css selector", "th[data-sort=customers]")
    head.find_element("css selector", "button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert [row[1] for row in rows(browser, ".segments")][:2] == ["700", "507"]
    head.find_element("css selector", "button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert [row[1] for row in rows(browser, ".segments")][2:] == ["507", "700"]
    browser.find_element("css selector", "th[data-sort=action] button").click()
    assert head.get_attribute("aria-sort") is None
    assert [row[6] for row in rows(browser, ".segments")] == ["a", "b", "c", "d"]


def test_two_segments_are_compared_on_any_feature(browser, folder):
    visit(browser, folder / "index.html")
    pick(browser, "one", "Look")
    pick(browser, "other", "Third")
    pick(browser, "feature", "Feature 0")
    ((name, one, other, overall, _, verdict),) = rows(browser, "#comparison")
    assert name == "Feature 0"
    assert [one, other] == ["60.0%\n58.0% to 62.0%", "80.0%\n78.0% to 82.0%"]
    assert (overall, verdict) == ("55.0%", "Third is higher")
    pick(browser, "feature", "the 12 features")
    found = rows(browser, "#comparison")
    assert len(found) == 12 and found[0][0] == "Feature 0"
    assert [row[5] for row in found[1:]] == ["not clearly apart"] * 11


def cell(browser, need, tier):
    row = NEEDS.index(need) + 1
    column = LEVELS["value_tier"].index(tier) + 1
    path = f".matrix tbody tr:nth-child({row}) td:nth-of-type({column}) button"
    return browser.find_element("css selector", path)


def test_a_cell_opens_takes_the_focus_and_gives_it_back(browser, folder):
    visit(browser, folder / "index.html")
    button = cell(browser, "Third", "low")
    button.send_keys(Keys.ENTER)
    panel = browser.find_element("id", "cell")
    assert browser.switch_to.active_element == panel
    assert button.get_attribute("aria-expanded") == "true"
    inside = EVERYONE[
        (EVERYONE["needs"] == "Third") & (EVERYONE["value_tier"] == "low")
    ]
    assert panel.text.startswith("Third, low value")
    north = (inside["region"] == "north").sum()
    assert f"{len(inside)}" in panel.text
    assert f"{north} ({north / len(inside):.1%})" in panel.text
    panel.send_keys(Keys.ESCAPE)
    assert not panel.is_displayed()
    assert browser.switch_to.active_element == cell(browser, "Third", "low")


def test_the_address_brings_the_same_view_back(browser, folder):
    visit(browser, folder / "index.html")
    pick(browser, place("value_tier"), "low")
    pick(browser, "split-by", "Deal")
    pick(browser, "other", "Third")
    browser.find_element("css selector", "th[data-sort=trend] button").click()
    cell(browser, "Third", "low").click()
    seen = browser.find_element("id", "main").text
    address = browser.current_url
    browser.refresh()
    assert browser.find_element("id", "main").text == seen
    browser.get("about:blank")
    browser.get(address)
    assert browser.find_element("id", "main").text == seen
    assert browser.current_url == address
    browser.find_element("css selector", ".side a[href='#compare']").click()
    assert browser.find_element("id", "main").text == seen
    assert "#compare&value_tier=low" in browser.current_url


@pytest.mark.parametrize(
    "view",
    [
        "#value_tier=none&cell_tier=x&compare=a|b&sort=constructor",
        "#%E0%A4%A",
        "#feature=x",
    ],
)
def test_an_address_that_makes_no_sense_opens_the_plain_page(browser, folder, view):
    visit(browser, folder / "index.html")
    seen = browser.find_element("id", "main").text
    _, said = visit(browser, folder / "index.html", view=view)
    assert browser.find_element("id", "main").text == seen
    assert said == []


def saved(browser, folder, name):
    """Press a download button; read the file."""
    where = {"behavior": "allow", "downloadPath": str(folder)}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", where)
    file = folder / f"{name}.csv"
    file.unlink(missing_ok=True)
    browser.execute_script(f"document.getElementById('save-{file.stem}').click()")
    for _ in range(50):
        if file.exists() and file.stat().st_size:
            break
        time.sleep(0.1)
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    return pd.read_csv(file, encoding="utf-8-sig")


def test_the_segments_saved_are_those_of_the_processed_table(browser, folder, tmp_path):
    visit(browser, folder / "index.html", view="#value_tier=high&sort=-customers")
    found = saved(browser, tmp_path, "segments")
    assert found.columns[:2].tolist() == ["Value tier", "Needs segment"]
    views = pd.read_parquet(folder / "processed" / "views.parquet")
    here = views[
        (views["by_1"] == "needs")
        & (views["by_2"] == "value_tier")
        & (views["level_2"] == "high")
        & (views["by_3"] == "")
    ]
    here = here.set_index("level_1")
    shown = found.set_index("Needs segment").reindex(here.index)
    assert len(here) >= 2
    assert (shown["customers"].astype(int) == here["customers"]).all()
    assert (shown["sales"] == here["sales"]).all()
    assert (shown["holdout_sales"] == here["holdout_sales"]).all()
    rest = found[~found["Needs segment"].isin(here.index)]
    assert set(rest["customers"]) == {"fewer than 10 or withheld"}
    assert rest["sales"].isna().all()


def test_matrix_split_and_comparison_are_saved_too(browser, folder, tmp_path):
    visit(browser, folder / "index.html", view="#split=region")
    matrix = saved(browser, tmp_path, "matrix")
    assert len(matrix) == len(NEEDS) * 3
    split = saved(browser, tmp_path, "split")
    north = split.set_index(split.columns[0]).loc["north", "customers"]
    assert int(north) == (EVERYONE["region"] == "north").sum()
    (tmp_path / "comparison.csv").unlink(missing_ok=True)
    browser.execute_script("document.getElementById('save-compare').click()")
    time.sleep(0.5)
    told = pd.read_csv(tmp_path / "comparison.csv", encoding="utf-8-sig")
    assert told.loc[0, "Look"] == 0.6


def test_a_spreadsheet_is_given_no_formula(browser, folder, tmp_path):
    page = (folder / "index.html").read_text("utf-8")
    assert page.count('"north"') == 1
    planted = tmp_path / "index.html"
    for text in ("=1+1", "\N{FULLWIDTH EQUALS SIGN}1", " @x", "\ufeff+1", "-a;=1"):
        planted.write_text(page.replace('"north"', f'"{text}"'), "utf-8")
        visit(browser, planted, view="#split=region")
        split = saved(browser, tmp_path, "split")
        assert split.iloc[0, 0] == exports.spreadsheet_safe(text)


def test_every_control_is_reached_and_worked_by_keys(browser, folder):
    visit(browser, folder / "index.html")
    wanted = browser.execute_script(
        "return [...document.querySelectorAll('main :is(button, select, summary, a[href])')]"
        ".filter(e => e.checkVisibility() && !e.disabled).length"
    )
    assert wanted > 40
    body = browser.find_element("tag name", "body")
    reached = set()
    for _ in range(3 * wanted):
        body.send_keys(
            Keys.TAB
        ) if not reached else browser.switch_to.active_element.send_keys(Keys.TAB)
        now = browser.switch_to.active_element
        if browser.execute_script(
            "return arguments[0].matches('main :is(button, select, summary, a[href])')",
            now,
        ):
            assert now.id not in reached or len(reached) == wanted
            reached.add(now.id)
        if len(reached) == wanted:
            break
    assert len(reached) == wanted


def test_keys_alone_filter_sort_explain_and_open(browser, folder):
    visit(browser, folder / "index.html")
    tier = browser.find_element("id", place("value_tier"))
    tier.send_keys("l")  # as one types in a native list
    assert browser.find_element("id", "said").text.endswith("Value tier: low.")
    assert browser.switch_to.active_element == tier
    sort = browser.find_element("css selector", "th[data-sort=name] button")
    sort.send_keys(Keys.SPACE)
    assert rows(browser, ".segments")[0][0].startswith(BAD)
    assert browser.switch_to.active_element == sort
    term = browser.find_element("css selector", ".segments ~ .study-note .term")
    term.send_keys(Keys.ENTER)
    meaning = browser.find_element("id", term.get_attribute("popovertarget"))
    assert meaning.is_displayed()
    term.send_keys(Keys.ESCAPE)
    assert not meaning.is_displayed()
    reset = browser.find_element("id", "reset")
    reset.send_keys(Keys.ENTER)
    assert browser.find_element("id", "said").text.startswith("All 1,510 customers")
    assert browser.switch_to.active_element == browser.find_element("id", "by-0")


def test_markup_in_names_is_text_wherever_the_script_writes_it(browser, folder):
    view = "#value_tier=low&split=region&feature=all"
    _, said = visit(browser, folder / "index.html", view=view)
    assert said == []
    assert (
        browser.execute_script("return document.querySelectorAll('main script').length")
        == 0
    )
    for part in ("#split", ".segments", "#comparison", "#filters"):
        assert BAD in browser.find_element("css selector", part).text


def test_without_its_script_the_page_shows_all_main_tables(browser, folder):
    switch = "Emulation.setScriptExecutionDisabled"
    try:
        browser.execute_cdp_cmd(switch, {"value": True})
        visit(browser, folder / "index.html")
        page = browser.find_element("id", "main").text
    finally:
        browser.execute_cdp_cmd(switch, {"value": False})
    assert "need the page's own script" in page
    assert "700" in page and "overlap 0.72 when repeated" in page
    assert "Download CSV" not in page and "Remove all conditions" not in page


def test_the_printed_brief_has_two_to_four_pages(browser, folder):
    visit(browser, folder / "index.html")
    sheet = {"preferCSSPageSize": True, "paperWidth": 8.27, "paperHeight": 11.69}
    made = browser.execute_cdp_cmd("Page.printToPDF", sheet)
    pages = re.findall(rb"/Type\s*/Page\b", base64.b64decode(made["data"]))
    assert 2 <= len(pages) <= 4


def faults(browser) -> list[str]:
    source = Path(AXE.origin).with_name("axe.min.js").read_text(encoding="utf-8")
    # through the debugger: the page itself allows no script
    browser.execute_cdp_cmd("Runtime.evaluate", {"expression": source})
    found = browser.execute_async_script(
        "const done = arguments[0]; axe.run(document).then(r => done(r.violations))"
    )
    return sorted(rule["id"] for rule in found)
