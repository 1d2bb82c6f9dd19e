"""Render the executed notebooks of a run as pages, and the dashboard before them."""

import sys
from collections.abc import Sequence
from pathlib import Path

import jinja2

from helpers.core import command, errors, paths, store
from helpers.disclosure import auditor
from helpers.display import evidence
from helpers.report import dashboard, pages


def build(run: str) -> Path:
    """Save the pages of :func:`render`; return the dashboard.

    On BadInput (of `render`, or where they would give away a small group of customers)
    the pages stay as they were.
    """
    texts = render(run)
    if leaks := auditor.audit(texts):
        more = f", and {len(leaks) - 1} more such cells" if leaks[1:] else ""
        raise errors.BadInput(
            f"the pages would give away 1 to 9 customers: {leaks[0]}{more}; withhold or "
            "leave out what is named and execute its notebook again "
            f"(tools/audit_report.py {run} lists all)"
        )
    folder = paths.reports(run)
    for name, text in texts.items():
        store.write_text(text, folder / name)
    for stale in folder.glob("[0-9][0-9]_*.html"):
        if stale.name not in texts:
            stale.unlink()
    return folder / "index.html"


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
