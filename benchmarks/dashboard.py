"""Measure the dashboard of a large run: size of the page, time to load and to redraw.

    python benchmarks/dashboard.py [CUSTOMERS]

It draws so many customers (100,000 unless told) from the default run with replacement, gives
every tenth of their attributes to another, publishes their views, writes index.html to a folder of its
own and opens it in headless Chromium. `make report` must have been run.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from helpers.core import paths, store
from helpers.disclosure import cube
from helpers.report import build, dashboard

RUN = "complete_journey"
REPEATS = 20
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run")
# Choose a level, then force style and layout: what a reader waits for.
REDRAW = """
const select = document.querySelectorAll('#filters select')[arguments[0]];
const start = performance.now();
select.selectedIndex = arguments[1];
select.dispatchEvent(new Event('change'));
document.body.getBoundingClientRect();
return performance.now() - start;
"""
LOADED = """
const [page] = performance.getEntriesByType('navigation');
return [page.domContentLoadedEventEnd, page.loadEventEnd];
"""


def draw(customers: int) -> tuple[pd.DataFrame, dict]:
    """Draw customers with every dimension of the default run, and its description."""
    described = store.read_json(paths.processed(RUN) / "views.json", made_by="04")
    names = [one["name"] for one in described["dimensions"]]
    assigned = store.read("segments", run=RUN)
    summary = store.read("segment_summary", run=RUN).set_index("segment_id")["name"]
    table = (
        assigned.assign(needs=assigned["segment_id"].map(summary))
        .merge(store.read("features", run=RUN)[["customer_id", "sales"]])
        .merge(store.read("outcomes", run=RUN)[["customer_id", "holdout_sales"]])
        .merge(store.read("customers", run=RUN), how="left", on="customer_id")
        .fillna({"sales": 0, "holdout_sales": 0})
        .sample(customers, replace=True, random_state=1, ignore_index=True)
    )
    rng = np.random.default_rng(1)
    for one in described["dimensions"]:
        moved = np.flatnonzero(rng.random(customers) < 0.1)
        values = table[one["name"]].to_numpy(copy=True)
        values[moved] = rng.permutation(values[moved])
        order = None if one["attribute"] else one["levels"]
        values = pd.Series(pd.Categorical(values, order) if order else values)
        table[one["name"]] = cube.dimension(values, below=10, most=12)
        one["levels"] = list(table[one["name"]].cat.categories)
    return table[[*names, "sales", "holdout_sales"]], described


def publish(customers: int, home: Path) -> Path:
    """Write the page of so many customers; print how long their views took."""
    people, described = draw(customers)
    processed = paths.processed(RUN)
    os.environ["STUDY_HOME"] = str(home)
    shutil.copytree(processed, paths.processed(RUN))
    start = time.perf_counter()
    views = cube.views(
        people,
        dimensions=[one["name"] for one in described["dimensions"]],
        measures=["sales", "holdout_sales"],
        most=described["most"],
        below=described["below"],
        dominance=0.8,
        apart=[tuple(pair) for pair in described["apart"]],
    ).round({"sales": 0, "holdout_sales": 0})
    print(
        f"{customers:,} customers: {len(views):,} groups in {time.perf_counter() - start:.1f} s"
    )
    store.write(views, "views", run=RUN)
    store.write_json(described, paths.processed(RUN) / "views.json")
    found = dashboard.contents(RUN, []) | {"run": RUN, "articles": []}
    template = build._templates(found["figures"]["currency"])
    page = template.get_template("dashboard.html.j2").render(
        found, explain=dashboard.explainer(found["glossary"])
    )
    file = home / "index.html"
    store.write_text(page, file)
    print(f"page {file.stat().st_size / 1000:,.0f} kB")
    return file


def measure(file: Path) -> None:
    """Open the page again and again, choose levels, print the medians and the worst."""
    options = webdriver.ChromeOptions()
    for flag in FLAGS:
        options.add_argument(flag)
    driver = webdriver.Chrome(
        options=options, service=Service(shutil.which("chromedriver"))
    )
    loads, redraws = [], []
    for _ in range(REPEATS):
        driver.get("about:blank")
        driver.get(file.as_uri())
        loads.append(driver.execute_script(LOADED)[1])
    view = "#split=age&feature=all&cell_tier=high&cell_needs=Home+cooking"
    driver.get("about:blank")
    driver.get(file.as_uri() + view)
    for turn in range(REPEATS):
        redraws.append(driver.execute_script(REDRAW, turn % 4, 1 + turn % 3))
        redraws.append(driver.execute_script(REDRAW, turn % 4, 0))
    driver.quit()
    for name, times in (("load", loads), ("redraw", redraws)):
        print(
            f"{name}: best {min(times):.0f} ms, median {np.median(times):.0f} ms, worst {max(times):.0f} ms"
        )


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        measure(publish(wanted, Path(folder)))
