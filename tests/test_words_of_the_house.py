"""What readers see is said in plain English: words that the house has better ones for."""

import ast
import json
import re

import pytest
import yaml

from helpers.core import paths

# What is not said -> what is said instead.
FORBIDDEN = {
    r"foretell\w*|foretold": "predict",
    r"told": "explained, known, said",
    r"stands? on the page": "is shown",
    r"rightly": "in the right segment, correctly",
    r"own gaps?": "inter-purchase time, usual time between orders",
    r"rhythm\w*": "inter-purchase time, usual time between orders",
    r"so many": "the number itself",
    r"held to": "compared with, judged by",
    r"found again": "reliable, recovered",
    r"leagues?": "benchmark comparison",
    r"firm(?:er|est|ly)?": "stable",
    r"by [−-]?0\.\d+": "a rank correlation of, an overlap of",
    r"deal sensitivit\w+": "deal proneness",
    r"random half unwritten": "leave out a random half",
    r"(?:sales|orders|cost|gain|sums?|contacts|visits) an? "
    r"(?:customer|order|week|month|year|contact|answer)": "per customer",
}
SAID = re.compile(rf"\b(?:{'|'.join(FORBIDDEN)})\b|\d %", re.IGNORECASE)
SQL = re.compile(r"\b(select|regexp_extract|left join)\b", re.IGNORECASE)
WORDS = paths.ROOT / "src/helpers"
BOOKS = [*paths.notebooks(), *paths.notebooks("customer_table")]
FTL = sorted(WORDS.glob("display/words/*/*.ftl"))
YAML = sorted(WORDS.rglob("*.yaml"))
CODE = sorted(WORDS.rglob("*.py"))
PAGES = [paths.ROOT / "README.md", *sorted((paths.ROOT / "docs").rglob("*.md"))]


def of_code(source):
    """List the texts of a piece of Python: its strings, and f-strings with … for values."""
    inside = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            parts = [getattr(part, "value", None) for part in node.values]
            inside |= {id(part) for part in node.values}
            yield "".join(one if isinstance(one, str) else "…" for one in parts)
        elif isinstance(node, ast.Constant) and id(node) not in inside:
            yield from [node.value] if isinstance(node.value, str) else []


def of_book(book):
    """List the texts of a notebook: markdown, and the strings of its code."""
    for cell in json.loads(book.read_text("utf-8"))["cells"]:
        text = "".join(cell["source"])
        yield from [text] if cell["cell_type"] == "markdown" else of_code(text)


def of_messages(file):
    """List the sentences in a module's strings, but for docstrings and SQL."""
    tree = ast.parse(file.read_text("utf-8"))
    said = {
        node.body[0].value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
    }
    for text in of_code(ast.unparse(tree)):
        if " " in text and text not in said and not SQL.search(text):
            yield text


def of_values(content):
    """List the texts among the values of plain data."""
    if isinstance(content, dict):
        content = list(content.values())
    if isinstance(content, list):
        for one in content:
            yield from of_values(one)
    elif isinstance(content, str):
        yield re.sub(r"\{\w*\}", "…", content)


def of_markdown(file):
    """List the paragraphs of a page, without its blocks of code."""
    return re.sub(r"(?s)```.*?```|`[^`]*`", "", file.read_text("utf-8")).split("\n\n")


def of_catalogue(file):
    """List the lines of a catalogue, without comments and what stands in braces."""
    lines = file.read_text("utf-8").splitlines()
    return [
        re.sub(r"\{ ?[A-Z$\"][^{}]*\}", "…", line) for line in lines if line[:1] != "#"
    ]


def texts(file):
    """List what a file says."""
    match file.suffix:
        case ".ipynb":
            return of_book(file)
        case ".yaml":
            return of_values(yaml.safe_load(file.read_text("utf-8")))
        case ".ftl":
            return of_catalogue(file)
        case ".py":
            return of_messages(file)
    return of_markdown(file)


@pytest.mark.parametrize(
    "file",
    [*BOOKS, *FTL, *YAML, *CODE, *PAGES],
    ids=lambda file: f"{file.parent.name}/{file.name}",
)
def test_nothing_is_said_that_the_house_says_better(file):
    found = [
        (hit[0], text[max(hit.start() - 40, 0) : hit.end() + 40])
        for text in texts(file)
        for hit in SAID.finditer(re.sub(r"\s+", " ", text))
    ]
    assert found == []


def test_a_word_is_noticed_wherever_it_stands(tmp_path):
    book = tmp_path / "book.ipynb"
    code = 'print(f"It foretells {share:.0%} rightly", "for 95 % of them")'
    cells = [("markdown", "A league of shops"), ("code", code)]
    cells = [{"cell_type": kind, "source": [text]} for kind, text in cells]
    book.write_text(json.dumps({"cells": cells}))
    catalogue = tmp_path / "words.ftl"
    catalogue.write_text("# told\none = Sales a customer { $told } by 0.67\n")
    values = tmp_path / "words.yaml"
    values.write_text("told: {note: [it is held to that]}")
    found = [
        hit
        for one in (book, catalogue, values)
        for text in texts(one)
        for hit in SAID.findall(text)
    ]
    of_book = ["league", "foretells", "rightly", "5 %"]
    assert found == [*of_book, "Sales a customer", "by 0.67", "held to"]
