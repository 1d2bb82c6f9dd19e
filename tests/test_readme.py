"""The README's findings, picture and lists are those of the committed notebooks."""

import base64
import json
import re

from helpers.core import paths
from helpers.personas import profiles

README = (paths.ROOT / "README.md").read_text("utf-8")


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


def test_every_number_of_the_findings_is_in_those_of_a_notebook():
    found = README.partition("## What was found")[2].partition("\n## ")[0]
    numbers = re.findall(r"\$?\d[\d,.-]*\d%?|\d%", found)
    text = concluded()
    assert len(numbers) > 10
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


def test_every_notebook_helper_and_term_is_listed():
    for book in paths.notebooks():
        title = json.loads(book.read_text("utf-8"))["cells"][0]["source"][0].strip(
            "# \n"
        )
        assert f"[{title}](notebooks/{book.name})" in README
    for helper in (paths.ROOT / "src/helpers").glob("[a-z]*.py"):
        assert f"`{helper.stem}`" in README
    for term in profiles.GLOSSARY:
        assert f"| {term} |" in README
