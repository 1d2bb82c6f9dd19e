"""Executed notebooks in, articles out: the parts that a page is made of."""

import ast
import base64
import dataclasses
import html
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
from bs4 import BeautifulSoup

from helpers.core import engines, errors, paths
from helpers.runs import failures, run_file

if TYPE_CHECKING:
    from nbconvert.exporters import TemplateExporter
    from nbformat import NotebookNode

TEMPLATES = Path(__file__).parent / "templates"
# heading of a list of persons
SINGLE = (
    r"(customer|client|account|member|household|lead|user)[ _]?(id|no\.?|number|key)"
)
# An id that no number of a page reads as: those have commas from 1,000 on, and no zero
# before them; four digits may be a year.
PLAIN_ID = re.compile(r"(?=.*[\d@])(?!\d{1,4}$).*|0\d{2,}", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Article:
    """One notebook, rendered: title, question, body, and what navigation needs."""

    name: str
    title: str
    question: str
    body: str
    words: frozenset[str]  # all that a reader sees, and up to three beside each other
    columns: frozenset[str]  # headings of its tables
    lists: frozenset[
        tuple[str, ...]
    ]  # columns of whole numbers that are written as text
    sections: dict[str, str]  # anchor to heading, of the second level
    anchors: dict[str, str]  # heading to anchor, of every level
    parameters: list[dict[str, str]]
    failure: failures.Failure | None = None  # where it stopped, fit to be shown
    waits: tuple[str, ...] = ()  # notebooks that stopped, so it was not executed

    @property
    def lacking(self) -> str:
        """Say in a word why the page has no results; empty if it has."""
        return "stopped" if self.failure else "not executed" if self.waits else ""


def articles(run: str) -> list[Article]:
    """Render the executed notebooks of a run, and a notice for each that has no result.

    BadInput if none was executed, a page shows single customers or a figure is not
    described.
    """
    # imported here: notebooks that only show their findings need not wait for it
    import nbformat

    traced = failures.causes(run)
    sources = {path.stem: path for path in paths.notebooks(run_file.track_of(run))}
    found = {name: paths.executed(run) / path.name for name, path in sources.items()}
    found = {n: path for n, path in found.items() if n in traced or path.exists()}
    if not found:
        raise errors.BadInput(
            f"run {run!r} has no executed notebook in {paths.executed(run)}; "
            f"make report RUN={run} executes them"
        )
    exporter = _exporter()
    books = {
        name: nbformat.read(sources[name] if name in traced else path, as_version=4)
        for name, path in found.items()
    }
    links = {name: f"- [{_title(b)}]({name}.ipynb)\n" for name, b in books.items()}
    made = []
    for name, book in books.items():
        state = {}
        if traced.get(name) == [name]:
            failure = _fit(failures.read(failures.kept(run, name)), run)
            later = [links[n] for n in traced if n != name and name in traced[n]]
            book.cells = [*_opening(book), *_stopped(failure, later, run)]
            state = {"failure": failure}
        elif causes := traced.get(name):
            told = _waiting([links[cause] for cause in causes], run)
            book.cells = [*_opening(book), *told]
            state = {"waits": tuple(causes)}
        article = _article(name, book, exporter, set(found))
        made.append(dataclasses.replace(article, **state))
    _refuse_customers([one for one in made if not one.lacking], run)
    return made


def _title(book: "NotebookNode") -> str:
    return book.cells[0].source.partition("\n")[0].strip("# ")


def _opening(book: "NotebookNode") -> list["NotebookNode"]:
    """Keep a notebook's title and question: its answer is none of this run's."""
    book.cells[0].source = book.cells[0].source.partition("**Answer.")[0].rstrip()
    return book.cells[:1]


def _stopped(
    failure: failures.Failure, later: Sequence[str], run: str
) -> list["NotebookNode"]:
    """Say where a notebook stopped, what follows and where to look."""
    from nbformat import v4

    # What comes from data is shown as printed text is: markup in it is not obeyed.
    where = (
        f"It stopped in code cell {failure.cell}, {failure.heading}:\n{failure.error}"
    )
    waiting = "Not executed for want of its tables:\n\n" + "".join(later)
    return [
        v4.new_markdown_cell("## This notebook stopped"),
        v4.new_code_cell(outputs=[v4.new_output("stream", text=where)]),
        v4.new_markdown_cell(
            "So this page holds no result of this run."
            f" {waiting if later else 'No other page waits for it.'}\n\n"
            f"The notebook as far as it came is `notebooks/{failure.file.name}`, beside"
            " this page; it shows the cell and the full error. When the fault is mended,"
            f" `make report RUN={run}` goes on from here."
        ),
    ]


def _waiting(causes: Sequence[str], run: str) -> list["NotebookNode"]:
    """Say for what a notebook waits that was not executed."""
    from nbformat import v4

    return [
        v4.new_markdown_cell(
            "## This notebook was not executed\n\nIt needs tables of a notebook that"
            f" stopped; the reason stands there:\n\n{''.join(causes)}\nSo this page"
            " holds no result of this run. When the fault is mended,"
            f" `make report RUN={run}` executes this notebook too."
        )
    ]


def _fit(failure: failures.Failure, run: str) -> failures.Failure:
    """Leave out of an error what a page must not show: folders, single customers."""
    error = re.sub(r"(?<![\w.:/])/(?:[^\s/'\"]+/)+", "…/", failure.error)
    if _persons(run, filter(PLAIN_ID.fullmatch, _phrases(failure.error))):
        error = "The error names a customer, so it stands in the notebook only."
    return dataclasses.replace(failure, error=errors.blurred(error))


def _exporter() -> "TemplateExporter":
    from nbconvert.exporters import TemplateExporter
    from traitlets.config import Config

    hidden = {"hide", "injected-parameters"}
    return TemplateExporter(
        config=Config(TagRemovePreprocessor={"remove_cell_tags": hidden}),
        template_name="cells",
        template_file="index.html.j2",
        extra_template_basedirs=[str(TEMPLATES)],
        filters={"figure": _figure, "said": _said, "data_markdown": _data_markdown},
    )


def _article(
    name: str, notebook: "NotebookNode", exporter: "TemplateExporter", pages: set[str]
) -> Article:
    first = notebook.cells[0]
    # labels of the opening, each a paragraph even where lines follow one another
    first.source = re.sub(r"\n(?=\*\*)", "\n\n", first.source)
    try:
        body, _ = exporter.from_notebook_node(notebook)
    except errors.BadInput as fault:
        raise errors.BadInput(f"{name}: {fault}") from None
    soup = BeautifulSoup(body, "html.parser")
    for foreign in soup(["style", "script"]):
        foreign.decompose()
    anchors = _order_headings(soup)
    _mend_links(soup, pages)
    _frame_tables(soup)
    question = _mark_opening(soup)
    return Article(
        name=name,
        title=soup.h1.get_text() if soup.h1 else name,
        question=question,
        body=str(soup),
        words=frozenset(_phrases(_seen(soup))),
        columns=frozenset(head.get_text() for head in soup.find_all("th")),
        lists=frozenset(_number_lists(soup)),
        sections={head["id"]: head.get_text() for head in soup.find_all("h2")},
        anchors=anchors,
        parameters=_parameters(notebook),
    )


def _seen(soup: BeautifulSoup) -> str:
    return " ".join([soup.get_text(" "), *(x.get("alt", "") for x in soup("img"))])


def _phrases(text: str) -> Iterator[str]:
    words = text.split()
    for many in range(1, 4):
        for parts in zip(*(words[i:] for i in range(many)), strict=False):
            yield " ".join(parts).strip(".,;:()[]{}'\"")


def _number_lists(soup: BeautifulSoup) -> Iterator[tuple[str, ...]]:
    """Give the columns of text that hold whole numbers, three or more in no sequence."""
    for body in soup("tbody"):
        rows = [row(["th", "td"]) for row in body("tr")]
        for cells in zip(*rows, strict=False):
            found = {c.get_text() for c in cells if "t" in c.get("class", [])}
            whole = len(found) > 2 and all(map(str.isdecimal, found))
            if whole and np.ptp([int(number) for number in found]) >= len(found):
                yield tuple(sorted(found))


def _persons(run: str, words: Iterable[str]) -> set[str] | None:
    """Give the words that are ids of customers or leads in any table of a run.

    None if there is no table to tell by.
    """
    con, asked, found = duckdb.connect(), list(words), None
    for folder in (paths.interim(run), paths.processed(run)):
        for file in sorted(folder.glob("*.parquet")):
            for name in {"customer_id", "lead_id"} & set(engines.columns(file)):
                rows = con.execute(
                    f"select distinct {name}::varchar as id from read_parquet(?) "
                    "where id in (select unnest(?::varchar[]))",
                    [engines.literal(file), asked],
                ).fetchall()
                found = (found or set()) | {row[0] for row in rows}
    return found


def _refuse_customers(articles: Sequence[Article], run: str) -> None:
    """Stop where a page lists persons, or where no table is left to tell by."""
    words = {one.name: set(filter(PLAIN_ID.fullmatch, one.words)) for one in articles}
    listed = itertools.chain(*(cells for one in articles for cells in one.lists))
    ids = _persons(run, {*itertools.chain(*words.values()), *listed})
    for article in articles:
        if ids is None:
            raise errors.BadInput(
                f"{article.name} cannot be compared with the customers of the run: no "
                f"table names them any more. make report RUN={run} makes the tables again."
            )
        lists = [c for c in article.columns if re.fullmatch(SINGLE, c.strip(), re.I)]
        whole = [cells[0] for cells in article.lists if set(cells) <= ids]
        if shown := sorted(words[article.name] & ids) or sorted(whole) or sorted(lists):
            raise errors.BadInput(
                f"{article.name} shows single customers ({shown[0]!r}); pages show groups "
                "only: leave the list out, or tag its cell 'hide'"
            )


def _order_headings(soup: BeautifulSoup) -> dict[str, str]:
    """Leave one h1, no jump between levels, and an anchor on each heading."""
    for sign in soup.select("a.anchor-link"):
        sign.decompose()
    anchors, level, taken = {}, 0, {"main"}
    for heading in soup.find_all(re.compile("^h[1-6]$")):
        level = min(max(int(heading.name[1]), 2 if level else 1), level + 1)
        heading.name = f"h{level}"
        slug = re.sub(r"\W+", "-", heading.get_text().lower()).strip("-") or "part"
        heading["id"] = _unique(slug, taken, "{}-{}")
        anchors.setdefault(heading.get_text(), heading["id"])
    return anchors


def _unique(text: str, taken: set[str], form: str) -> str:
    numbered = (form.format(text, number) for number in itertools.count(2))
    free = next(t for t in itertools.chain([text], numbered) if t not in taken)
    taken.add(free)
    return free


def _mend_links(soup: BeautifulSoup, pages: set[str]) -> None:
    """Point links at pages; what a page cannot reach becomes plain text."""
    for link in soup.find_all("a"):
        target = link.get("href", "")
        notebook, _, anchor = target.partition("#")
        if target.startswith("#"):
            continue
        if notebook.endswith(".ipynb") and Path(notebook).stem in pages:
            link["href"] = (
                Path(notebook).stem + ".html" + (f"#{anchor}" if anchor else "")
            )
            continue
        if re.match("https?://", target) and target != link.get_text():
            link.append(f" ({target})")
        link.unwrap()


def _frame_tables(soup: BeautifulSoup) -> None:
    """Give every table a scroll region of its own name, and scopes."""
    for table in soup.find_all("table"):
        if not table.find_parent(class_="study-table"):
            table.wrap(soup.new_tag("div", attrs={"class": "study-table"}))
            for head in table("th"):
                if head.get_text(strip=True):
                    head["scope"] = "col" if head.find_parent("thead") else "row"
                else:
                    head.name = "td"
    taken = {"Parameters of this run"}
    for region in soup.select("div.study-table"):
        label = _unique(region.get("aria-label", "Table"), taken, "{} ({})")
        region.attrs |= {"role": "region", "tabindex": "0", "aria-label": label}


def _mark_opening(soup: BeautifulSoup) -> str:
    """Name the paragraphs of the first cell by their label; return the question."""
    for paragraph in soup.select(".opening p"):
        if paragraph.strong:
            label = re.sub(r"\W", "", paragraph.strong.get_text().lower())
            paragraph["class"] = label
            paragraph.strong.string = paragraph.strong.get_text().rstrip(".")
    question = soup.select_one(".opening .question")
    return question.get_text().removeprefix("Question").strip() if question else ""


def _parameters(notebook: "NotebookNode") -> list[dict[str, str]]:
    """List declared parameters with their value in this run and their meaning."""
    rows = {}
    for tag in ("parameters", "injected-parameters"):
        for cell in notebook.cells:
            if tag in cell.metadata.get("tags", []):
                for name, value, meaning in _assignments(cell.source):
                    meaning = meaning or rows.get(name, {}).get("meaning", "")
                    rows[name] = {"name": name, "value": value, "meaning": meaning}
    return list(rows.values())


def _assignments(source: str) -> list[tuple[str, str, str]]:
    lines, found = source.splitlines(), []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            end = node.value  # a long line has its comment inside brackets
            rest = lines[end.end_lineno - 1].encode()[end.end_col_offset :].decode()
            found.append(
                (ast.unparse(target), ast.unparse(node.value), rest.strip(" #"))
            )
    return found


def _figure(output: "NotebookNode", kind: str) -> str:
    meta = output.metadata.get(kind, {})
    alt = meta.get("alt", "").strip()
    if not alt:
        raise errors.BadInput(
            'a figure has no description; show it with metadata={"image/png": {"alt": …}}'
        )
    data = output.data[kind]
    if kind == "image/svg+xml":
        data = base64.b64encode(data.encode()).decode()
    size = {name: meta[name] for name in ("width", "height") if name in meta}
    if kind == "image/png" and not size:
        # the header of a PNG holds its width and height: the page need not jump
        head = base64.b64decode(data[:32])
        size["width"], size["height"] = (
            int.from_bytes(head[at : at + 4]) for at in (16, 20)
        )
    size = "".join(f' {name}="{int(pixels)}"' for name, pixels in size.items())
    data = data.replace("\n", "")
    return (
        f'<figure><img src="data:{kind};base64,{data}" alt="{html.escape(alt)}"'
        f'{size} decoding="async"></figure>'
    )


def _said(text: str) -> str:
    """Show printed text: sentences as prose, what is aligned in columns as typed."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).rstrip()
    aligned = re.search(r"\S {2,}\S|^ ", text, re.MULTILINE)
    if aligned:
        return f'<pre class="typed" tabindex="0">{html.escape(text)}</pre>'
    lines = "".join(f"<p>{html.escape(x)}</p>" for x in text.splitlines() if x.strip())
    return f'<div class="said">{lines}</div>'


def _data_markdown(text: str) -> str:
    """Render markdown that came from data: markup inside it is shown, not obeyed."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    renderer = IPythonRenderer(escape=True, exclude_anchor_links=True)
    return MarkdownWithMath(renderer=renderer).render(text)
