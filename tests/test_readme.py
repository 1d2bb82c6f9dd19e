"""Findings, picture and lists in README and docs are those of the committed notebooks."""

import base64
import json
import re

import pytest

from helpers.core import paths

LONGEST = 90  # lines of the README
README = (paths.ROOT / "README.md").read_text("utf-8")
FINDINGS = (paths.ROOT / "docs/findings.md").read_text("utf-8")
PAGES = [paths.ROOT / "README.md", *(paths.ROOT / "docs").glob("layout.md")]


def concluded():
    """Gather the findings that the committed notebooks end with."""
    books = [json.loads(book.read_text("utf-8")) for book in paths.notebooks()]
    last = [
        [cell for cell in book["cells"] if cell["cell_type"] == "code"][-1]
        for book in books
    ]
    return "".join(
        line
        for cell in last
        for output in cell["outputs"]
        for line in output["data"]["text/plain"]
    )


def test_the_readme_is_read_in_a_minute():
    assert len(README.splitlines()) <= LONGEST


@pytest.mark.parametrize("text", [README, FINDINGS], ids=["README", "findings"])
def test_every_number_of_the_findings_is_in_those_of_a_notebook(text):
    found = text.partition("On the bundled data")[2].partition("\n## ")[0] or text
    found = re.sub(r"2017(-\d\d)*", "", found.partition("## Limits")[0])
    numbers = re.findall(r"\$?\d[\d,.-]*\d%?|\d%", found)
    text = concluded()
    assert len(numbers) > 5
    assert [number for number in numbers if number not in text] == []


def test_the_picture_is_the_one_of_the_personas_notebook():
    file = paths.ROOT / re.search(r"!\[.+?\]\((.+?)\)", README)[1]
    book = json.loads(paths.notebooks()[3].read_text("utf-8"))
    pictures = [
        base64.b64decode(output["data"]["image/png"])
        for cell in book["cells"]
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert file.read_bytes() == pictures[0], "run make notebooks"


def test_every_notebook_and_folder_of_helpers_is_listed():
    for book in paths.notebooks():
        title = json.loads(book.read_text("utf-8"))["cells"][0]["source"][0].strip(
            "# \n"
        )
        assert f"[{title}](notebooks/{book.name})" in README
    layout = (paths.ROOT / "docs/layout.md").read_text("utf-8")
    for folder in (paths.ROOT / "src/helpers").glob("[a-z]*/"):
        assert f"| `{folder.name}` |" in layout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_exist(page):
    linked = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8"))
    assert linked
    assert [one for one in linked if not (page.parent / one).exists()] == []
