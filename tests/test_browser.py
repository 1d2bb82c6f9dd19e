"""Pages in a real browser: offline, silent, as wide as the screen, accessible."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from test_report import NAMES, make_run

from helpers import report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
AXE = importlib.util.find_spec("axe_core_python")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND"),
)
PAGES = [*NAMES, "index"]

pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER),
    reason="needs chromium and chromedriver on PATH (Debian: chromium-driver)",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        folder = make_run(tmp_path_factory.mktemp("home"), patch)
        report.build(folder.name)
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


def visit(browser, file: Path, width=1280, scheme="light"):
    """Load a page; return the addresses asked for and what the console said."""
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
    browser.get(file.as_uri())
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


def faults(browser) -> list[str]:
    source = Path(AXE.origin).with_name("axe.min.js").read_text(encoding="utf-8")
    # through the debugger: the page itself allows no script
    browser.execute_cdp_cmd("Runtime.evaluate", {"expression": source})
    found = browser.execute_async_script(
        "const done = arguments[0]; axe.run(document).then(r => done(r.violations))"
    )
    return sorted(rule["id"] for rule in found)
