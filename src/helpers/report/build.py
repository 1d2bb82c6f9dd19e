"""Render the executed notebooks of a run as pages, and the dashboard before them."""

import itertools
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import jinja2
from bs4 import BeautifulSoup, Tag

from helpers.core import command, disk, errors, paths, store
from helpers.disclosure import auditor, suppression
from helpers.display import evidence
from helpers.report import dashboard, pages

SAID = "Withheld: it would tell of fewer than 10 customers."
CELLS, ROUNDS = 6, 9  # rounds of withholding: what is left may tell of others


def build(run: str) -> Path:
    """Save the pages of :func:`render`; return the dashboard.

    What would give away a small group of customers is withheld from a page, and said:
    cells, and after some rounds of it whole tables. On BadInput (of `render`, or where that
    does not help) the pages stay as they were.
    """
    texts = render(run)
    for number in range(ROUNDS):
        if not (leaks := auditor.audit(texts)):
            break
        for page in dict.fromkeys(leak.page for leak in leaks):
            here = [leak for leak in leaks if leak.page == page]
            texts[page] = withheld(texts[page], here, whole=number >= CELLS)
            print("\n".join(f"Withheld: {leak}" for leak in here), file=sys.stderr)
    else:
        raise errors.BadInput(
            f"The pages would give away 1 to 9 customers: {leaks[0]}. Leave out what is "
            f"named and execute its notebook again (tools/audit_report.py {run} lists all)."
        )
    folder = paths.reports(run)
    for stale in folder.glob("[0-9][0-9]_*.html"):
        if stale.name not in texts:
            stale.unlink()
    # The overview comes last: make sees from it what is done.
    made = [folder / name for name in texts]
    for file, text in zip(made, texts.values(), strict=True):
        store.write_text(text, file)
    disk.know(made, by=paths.plan(run) / "pages.made")
    return made[-1]


def withheld(text: str, leaks: Iterable[auditor.Leak], *, whole: bool) -> str:
    """Take out of a page the cells, figures and sentences that tell of a few customers.

    As a `whole`, tables go with their cells, and sentences with their numbers.
    """
    soup = BeautifulSoup(text, "html.parser")
    for leak in leaks:
        if leak.table == auditor.TOTAL and not whole:
            _rounded(soup, leak.cell)
            continue
        said = leak.cell.strip("'\"")
        for node in soup(["table", "img", *auditor.SENTENCES]):
            if node.name == "table":
                table = auditor.read(node, leak.page)
                found = bool(table and table.caption == leak.table)
                if table and found and not whole and _hidden(node, table, leak):
                    continue
            else:
                words = node.get_text(" ", strip=True)
                found = said in f"{words} {node.get('alt', '')}"
            if found and node.name in ("table", "img"):
                node.replace_with(BeautifulSoup(f"<p>{SAID}</p>", "html.parser"))
            elif found and leak.table in ("text", "figure", auditor.TOTAL):
                node.string = SAID
    return str(soup)


def _rounded(soup: BeautifulSoup, number: str) -> None:
    """Say roughly how many customers there are: to ten, so that others may be as many."""
    about = f"about {round(int(number.replace(',', '')), -1):,}"
    after = rf"\s*$| (?:of {number} )?(?:customers|households)"
    told = rf"(?<![\w,.]){number}(?={after})"
    for text in soup.find_all(string=re.compile(told)):
        if not text.find_parent(["script", "style"]):
            text.replace_with(re.sub(told, about, text))


def _hidden(node: Tag, table: auditor.Table, leak: auditor.Leak) -> bool:
    """Withhold the cell that a leak names; the smallest where it is, or others follow.

    A number of customers goes with what stands to its right. False where none is left.
    """
    for row, j in itertools.product(table.rows, range(table.labels, len(table.heads))):
        if table.leak(row, j)[1:3] == leak[1:3]:
            break
    else:
        return False
    told = [
        one for one in table.rows if re.search(r"\d", one[j]) and one[j][0] not in "<>"
    ]
    if row not in told or "others" in leak.how:
        if not told:
            return False
        row = min(told, key=lambda one: float(re.sub(r"[^\d.]", "", one[j])))
    right = len(row) if auditor.counts_customers(table.heads[j]) else j + 1
    for cell in auditor.cells(node)[1 + table.rows.index(row)][j:right]:
        if re.match(r"\W?\d", cell.get_text(strip=True)):
            cell.string = suppression.WITHHELD
    return True


def render(run: str) -> dict[str, str]:
    """Write a run's executed notebooks, a page each, and its dashboard, index.html.

    BadInput: see :func:`pages.articles`.
    """
    articles = pages.articles(run)
    contents = dashboard.contents(run, articles) | {"run": run, "articles": articles}
    templates = _templates(contents["figures"].get("currency", ""))
    page = templates.get_template("page.html.j2")
    texts = {
        f"{article.name}.html": page.render(contents, article=article, position=i)
        for i, article in enumerate(articles)
    }
    terms = [term for term in contents["glossary"] if term not in evidence.ORDINARY]
    explain = dashboard.explainer(terms)
    texts["index.html"] = templates.get_template("dashboard.html.j2").render(
        contents, explain=explain
    )
    return texts


def _templates(currency: str) -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(pages.TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= dashboard.formats(currency)
    return templates


@command.says_what_stops
def main(arguments: Sequence[str]) -> int:
    """Render the pages of the run named on the command line."""
    if len(arguments) != 1:
        print("usage: python -m helpers.report.build RUN", file=sys.stderr)
        return 2
    try:
        print(build(arguments[0]))
    except errors.BadInput as fault:
        raise errors.BadInput(f"report: {fault}") from None
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
