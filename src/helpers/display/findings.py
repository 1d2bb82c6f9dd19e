"""What a notebook concludes, shown and kept for the report: findings, cards, tables."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from helpers.core import errors, paths, store
from helpers.display import plots
from helpers.display.plots import Picture
from helpers.display.tables import STYLE, Table
from helpers.display.words import FIELDS

MAX_ROWS = 12  # of a table on the dashboard: more is no longer a glance
KEPT = ("id", "facts")  # of `words.finding`, kept with its texts
Finding = Mapping[str, Any]


def show(rows: Sequence[Finding]) -> "Findings":
    """Prepare findings, in the order given, as the last expression of a cell.

    Each is of `words.finding`, or has its keys decision, size, uncertainty, action and
    limit: plain text, possibly empty except the decision; else BadInput is raised.
    """
    return Findings(_checked(rows))


def write(rows: Sequence[Finding], *, run: str, notebook: str) -> None:
    """Save the findings of a notebook, such as ``01_cleaning``, checked as by `show`.

    As the last line of a cell this shows no path of the machine: nothing is returned.
    """
    folder = paths.processed(run) / "findings"
    store.write_json(_checked(rows), folder / f"{notebook}.json")


@dataclass(frozen=True)
class Findings:
    """Findings ready to be displayed; made by :func:`show`."""

    rows: list[dict[str, Any]]

    def _repr_html_(self) -> str:
        """Give the findings as a numbered list of cards."""
        return f'<ol class="findings">\n{"".join(map(_card, self.rows))}</ol>'

    def __repr__(self) -> str:
        """Give the findings as plain text."""
        return "\n\n".join(map(_plain_card, range(1, len(self.rows) + 1), self.rows))


def _card(row: Finding) -> str:
    terms = "".join(
        f'<div class="{field}"><dt>{field.capitalize()}</dt>'
        f"<dd>{html.escape(row[field])}</dd></div>"
        for field in FIELDS[1:]
        if row[field]
    )
    decision = f"<strong>{html.escape(row['decision'])}</strong>"
    terms = f"<dl>{terms}</dl>" if terms else ""
    return f'<li><p class="decision">{decision}</p>{terms}</li>\n'


def _plain_card(number: int, row: Finding) -> str:
    filled = [field for field in FIELDS[1:] if row[field]]
    lines = [f"   {field.capitalize()}: {row[field]}" for field in filled]
    return "\n".join([f"{number}. {row['decision']}", *lines])


def _checked(rows: Sequence[Finding]) -> list[dict[str, Any]]:
    for number, row in enumerate(rows, 1):
        wrong = sorted((set(row) - set(KEPT)) ^ set(FIELDS)) or [
            field for field in FIELDS if not isinstance(row[field], str)
        ]
        if wrong or not row["decision"].strip():
            raise errors.BadInput(
                f"finding {number}: {', '.join(wrong) or 'decision'} missing, unknown or "
                f"not text; give text (possibly '') for each of {', '.join(FIELDS)}"
            )
    return [
        {field: row[field].strip() for field in FIELDS}
        | {name: row[name] for name in KEPT if name in row}
        for row in rows
    ]


def write_personas(
    cards: Sequence["Persona"],
    *,
    run: str,
    advice: Mapping[int, Sequence[Mapping[str, str]]],
    short: Sequence[str],
) -> None:
    """Save persona cards for the dashboard, in personas.json.

    `advice` maps a segment's id to its recommendations (what, advice, because, grade);
    `short` lists the questions of a short card: BadInput if a card has no answer to
    one.
    """
    for card in cards:
        if missing := sorted(set(short) - set(card.parts)):
            raise errors.BadInput(
                f"persona {card.name!r} has no answer to {missing[0]!r}; it answers "
                f"{', '.join(card.parts)}"
            )
    rows = [
        asdict(card)
        | {"segment_id": int(card.segment_id), "short": list(short)}
        | {"advice": [dict(row) for row in advice[card.segment_id]]}
        for card in cards
    ]
    store.write_json(rows, paths.processed(run) / "personas.json")


@dataclass(frozen=True)
class Persona:
    """One segment's card."""

    segment_id: int  # gives the card its colour
    name: str
    summary: str  # one line on what its customers come for
    # question -> answer, such as "How firm is it?"; a list is shown point by point
    parts: dict[str, str | list[str]]


@dataclass(frozen=True)
class Personas:
    """Persona cards, one a segment, displayed as the last expression of a cell."""

    cards: Sequence[Persona]

    def _repr_html_(self) -> str:
        """Give each card as an article under a heading of its own."""
        return "".join(map(_persona, self.cards))

    def __repr__(self) -> str:
        """Give the cards as plain text."""
        return "\n\n".join(map(_plain_persona, self.cards))


def _persona(card: Persona) -> str:
    answers = "".join(
        f"<div><dt>{html.escape(ask)}</dt><dd>{_answer(answer)}</dd></div>"
        for ask, answer in card.parts.items()
    )
    return (
        '<article class="persona" style="--segment:'
        f'{plots.segment_colour(card.segment_id)}"><h3>{html.escape(card.name)}</h3>'
        f'<p class="summary">{html.escape(card.summary)}</p><dl>{answers}</dl></article>\n'
    )


def _plain_persona(card: Persona) -> str:
    lines = [f"{card.segment_id}. {card.name}: {card.summary}"]
    for ask, answer in card.parts.items():
        text = answer if isinstance(answer, str) else " ".join(answer)
        lines.append(f"   {ask} {text}")
    return "\n".join(lines)


def _answer(answer: str | Sequence[str]) -> str:
    """Write an answer as text, a list of them as points."""
    if isinstance(answer, str):
        return html.escape(answer)
    points = "".join(f"<li>{html.escape(point)}</li>" for point in answer)
    return f'<ul class="points">{points}</ul>'


def write_tables(
    questions: Sequence[tuple[str, Table | Picture]], *, run: str, notebook: str
) -> None:
    """Save tables and charts of a notebook for the dashboard, and each one's question.

    They hold nothing that a page may not show; BadInput above `MAX_ROWS` rows.
    """
    for question, table in questions:
        rows = len(table.columns[0].texts) if isinstance(table, Table) else 0
        if rows > MAX_ROWS:
            raise errors.BadInput(
                f"The table for the dashboard on {question!r} has {rows} rows; a glance "
                f"takes {MAX_ROWS} at most. Show its head."
            )
    # The page has a stylesheet of its own.
    content = [
        {"question": question, "html": table._repr_html_().removeprefix(STYLE)}
        for question, table in questions
    ]
    store.write_json(content, _file(run, notebook))


def read_tables(run: str, notebook: str) -> list[dict[str, str]]:
    """Read what `write_tables` saved: question and html, escaped; empty if nothing."""
    file = _file(run, notebook)
    return store.read_json(file, made_by=notebook) if file.exists() else []


def _file(run: str, notebook: str) -> Path:
    return paths.processed(run) / "board" / f"{notebook}.json"
