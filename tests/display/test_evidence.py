"""One vocabulary: no other word says what a claim rests on."""

import ast
import json
import re

import pytest

from helpers.core import paths, schema
from helpers.display import evidence
from helpers.report import dashboard

# What stood for these words before, where a claim is graded.
OTHERS = (
    r"[Aa]ssociated with|[Aa]ssociation(,| only| among)|not tried|randomised effect"
)


def test_the_words_are_those_of_the_house():
    assert list(evidence.WORDS) == ["tested", "observed", "by construction", "assumed"]
    assert all(meaning.endswith(".") for meaning in evidence.WORDS.values())


def test_one_column_that_built_the_groups_makes_a_claim_by_construction():
    assert evidence.of([False, False]) == "observed"
    assert evidence.of([False, True]) == "by construction"
    assert evidence.of([]) == "observed"


def test_the_page_explains_every_word():
    for word, meaning in evidence.WORDS.items():
        assert dashboard.GLOSSARY[word.capitalize()] == meaning


def test_the_contracts_name_no_other_word():
    promised = paths.beside(schema.__file__, "schema.yaml")
    graded = promised["processed"]["06_activation"]["campaign_effects"]["columns"]
    assert set(graded["grade"]) <= set(evidence.WORDS)


@pytest.mark.parametrize("book", paths.notebooks(), ids=lambda book: book.stem)
def test_no_notebook_grades_a_claim_by_another_word(book):
    cells = json.loads(book.read_text("utf-8"))["cells"]
    for cell in cells:
        assert not re.search(OTHERS, "".join(cell["source"])), cell["id"]


def test_no_helper_grades_a_claim_by_another_word():
    for file in sorted((paths.ROOT / "src/helpers").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.search(OTHERS, node.value), (file.name, node.lineno)
