"""Render the executed notebooks of a run as pages, and the dashboard before them."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import jinja2
from bs4 import BeautifulSoup

from helpers.core import command, disk, errors, paths, store
from helpers.disclosure import auditor
from helpers.display import evidence
from helpers.report import dashboard, pages

WITHHELD = "Withheld: it would tell of fewer than 10 customers."
ROUNDS = 5  # of withholding: what is left may tell of others


def build(run: str) -> Path:
    """Save the pages of :func:`render`; return the dashboard.

    What would give away a small group of customers is withheld from a page, and said. On
    BadInput (of `render`, or where that does not help) the pages stay as they were.
    """
    texts = render(run)
    for _ in range(ROUNDS):
        if not (leaks := auditor.audit(texts)):
            break
        for page in dict.fromkeys(leak.page for leak in leaks):
            here = [leak for leak in leaks if leak.page == page]
            texts[page] = withheld(texts[page], here)
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


def withheld(text: str, leaks: Iterable[auditor.Leak]) -> str:
    """Take the tables, figures and sentences out of a page that tell of a few customers."""
    soup = BeautifulSoup(text, "html.parser")
    for leak in leaks:
        said = leak.cell.strip("'\"")
        for node in soup(["table", "img", *auditor.SENTENCES]):
            told = node.caption if node.name == "table" else node
            words = told.get_text(" ", strip=True) if told else ""
            if node.name == "table":
                found = words == leak.table
            else:
                found = said in f"{words} {node.get('alt', '')}"
            if found and node.name in ("table", "img"):
                node.replace_with(BeautifulSoup(f"<p>{WITHHELD}</p>", "html.parser"))
            elif found and leak.table in ("text", "figure"):
                node.string = WITHHELD
    return str(soup)


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
