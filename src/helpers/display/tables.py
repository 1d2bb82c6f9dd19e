"""Accessible tables for notebooks and pages: captioned, aligned, small cells hidden."""

import functools
import html
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number

import numpy as np
import pandas as pd

from helpers.disclosure import suppression
from helpers.disclosure.suppression import WITHHELD
from helpers.display import columns, words

MISSING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"

# JupyterLab has no page stylesheet: these few rules travel with each table.
# Pages take them out again, because they have a stylesheet of their own.
STYLE = (
    "<style>.study-table caption{caption-side:top;text-align:left;font-weight:600;"
    "color:inherit}.study-table .t.t{text-align:left}.study-table .n.n{text-align:right;"
    "font-variant-numeric:tabular-nums}</style>"
)

_QUANTILE = re.compile(r"\d+(\.\d+)? ?%|median(_\w+)?")  # names of columns of them

_sign = ""  # of the currency in headings of money, in this process


def in_currency(currency: str) -> str:
    """Let headings of money end in the sign of an ISO 4217 code from now on."""
    global _sign
    _sign = columns.symbol(currency)
    words.in_currency(currency)
    return _sign


def show(
    frame: pd.DataFrame,
    *,
    caption: str,
    labels: Mapping[Hashable, str] | None = None,
    formats: Mapping[Hashable, str | Callable] | None = None,
    names: Mapping[Hashable, str] | None = None,
    bars: Sequence[Hashable | tuple] = (),
    of: Mapping[Hashable, Hashable | pd.Series] | None = None,
    note: str = "",
    index: bool | None = None,
) -> "Table":
    """Prepare a table that reads well as a page, in JupyterLab and as plain text.

    Headings and formats come from the column dictionary (columns.yaml): what a cell
    passes are exceptions to it. The ends of an interval are written as its estimate.
    What tells of few customers is withheld, by :func:`suppression.guard`. KeyError if labels, formats or bars name a column that the table does not have.

    Parameters
    ----------
    caption : str
        Title, unique on its page: screen readers list tables by it.
    labels, formats : mapping, optional
        Column (or index level) to heading, with the unit, and to a format such as
        ``"{:,.0f}"`` or a function of one value. Where neither they nor the dictionary
        say it, whole numbers get thousands separators, other numbers two decimals.
    names : mapping, optional
        Number of a segment, as int or str, to its name, for columns of segments.
    bars : sequence
        Number columns drawn with a bar, each on its own scale from zero; columns in
        an inner tuple share one scale: ``bars=[("share_customers", "share_sales")]``.
    of : mapping, optional
        Count or share to the column of the customers it is a part of, or their number,
        or one a row, where the page says it elsewhere: ``of={"missing_share": 2444}``.
    index : bool, optional
        Whether the index is shown; else it is if it has a name or holds no numbers.
        The first column shown heads its row.
    """
    labels, formats = dict(labels or {}), dict(formats or {})
    _known([*labels, *formats, *(of or {})], frame)
    frame = guarded(frame, of=of)
    scales = _scales(frame, bars)
    parts = [frame.iloc[:, i] for i in range(frame.shape[1])]
    if index is None:
        counted = pd.api.types.is_integer_dtype(frame.index.dtype)
        index = any(name is not None for name in frame.index.names) or not counted
    if index:
        levels = map(frame.index.get_level_values, range(frame.index.nlevels))
        parts = [pd.Series(level, name=level.name) for level in levels] + parts
    heads = [labels.get(part.name, heading(part.name)) for part in parts]
    said = _formats([part.name for part in parts], formats, names)
    shown = [_column(*one, scales) for one in zip(parts, said, strict=True)]
    n_heads = frame.index.nlevels if index else 1
    return Table(caption, heads, shown, n_heads, note)


def guarded(
    frame: pd.DataFrame, *, of: Mapping[Hashable, Hashable | pd.Series] | None = None
) -> pd.DataFrame:
    """Withhold what tells of few customers, as :func:`show` does, for charts and texts."""
    return suppression.guard(frame, **columns.roles(list(frame), of or {}))


def p_value(p: float) -> str:
    """Write a p-value with three decimals, or say that it is smaller."""
    return f"{p:.3f}" if p >= 0.001 else "<0.001"


@dataclass(frozen=True)
class Table:
    """A table ready to be displayed; made by :func:`show`."""

    caption: str
    heads: list[str]
    columns: list["_Column"]
    n_heads: int
    note: str

    def _repr_html_(self) -> str:
        """Give the table as HTML with scopes, a caption and a scroll region."""
        caption, note = html.escape(self.caption), html.escape(self.note)
        heads = "".join(map(self._head, self.heads, self.columns))
        rows = (self._row(i) for i in range(len(self.columns[0].texts)))
        body = "".join(f"<tr>{row}</tr>\n" for row in rows) or (
            f'<tr><td colspan="{len(self.heads)}" class="t">none</td></tr>\n'
        )
        note = f'<p class="study-note">{note}</p>' if note else ""
        return (
            f'{STYLE}<div class="study-table" role="region" tabindex="0" '
            f'aria-label="{caption}">\n<table><caption><span>{caption}</span></caption>\n'
            f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody></table></div>{note}"
        )

    def __repr__(self) -> str:
        """Give the table as plain text with the same figures."""
        texts = pd.DataFrame({i: column.texts for i, column in enumerate(self.columns)})
        plain = texts.to_string(index=False, header=self.heads)
        shown = [self.caption, plain if len(texts) else "none", self.note]
        return "\n".join(filter(None, shown))

    def _head(self, text: str, column: "_Column") -> str:
        # an empty heading would be read out as one: a plain cell is not
        if not text:
            return "<td></td>"
        return f'<th scope="col" class="{column.kind}">{html.escape(text)}</th>'

    def _row(self, i: int) -> str:
        cells = []
        for j, column in enumerate(self.columns):
            tag, scope = ("th", ' scope="row"') if j < self.n_heads else ("td", "")
            inner = html.escape(column.texts[i]) + column.bar(i)
            cells.append(f'<{tag}{scope} class="{column.kind}">{inner}</{tag}>')
        return "".join(cells)


@dataclass(frozen=True)
class _Column:
    """Texts of one column, ``kind`` n(umber) or t(ext), and bar widths in percent."""

    texts: list[str]
    kind: str
    widths: list[float] | None

    def bar(self, i: int) -> str:
        if self.widths is None:
            return ""
        return (
            '<span class="bar" aria-hidden="true" style="display:block;height:4px;width:'
            f'{self.widths[i]:.1f}%;background:var(--accent,#1f5673)"></span>'
        )


def _formats(
    parts: Sequence[Hashable], given: Mapping, names: Mapping | None
) -> list[Callable]:
    """Find how each column is written: as given, as its estimate, as in the dictionary."""
    found = []
    for i, name in enumerate(parts):
        at = i if name in given else columns.estimate(parts, i)
        entry = columns.find(parts[at])
        if entry.unit == "segment" and names:
            entry_format = functools.partial(_named, names)
        elif _QUANTILE.fullmatch(str(parts[at])):
            entry_format = suppression.about
        elif entry.unit == "cents":
            entry_format = functools.partial(_hundredths, entry.format)
        elif entry.unit == "words":
            entry_format = _in_words
        else:
            entry_format = entry.format or _plain
        as_text = given.get(parts[at], entry_format)
        found.append(as_text.format if isinstance(as_text, str) else as_text)
    return found


def _named(names: Mapping, number: object) -> str:
    return names[number] if number in names else names[str(number)]


def _in_words(name: object) -> str:
    return str(name).replace("_", " ")


def _hundredths(form: str, cents: float) -> str:
    return form.format(cents / 100)


def _column(values: pd.Series, as_text: Callable, scales: Mapping) -> _Column:
    texts = [_text(value, as_text) for value in values]
    # a number that its format turns into a name, such as a segment's, reads as text
    named = any(text[:1].isalpha() and text != WITHHELD for text in texts)
    kind = "n" if _is_number(values) and not named else "t"
    widths = None
    if values.name in scales:
        sizes = pd.to_numeric(values, errors="coerce").abs().fillna(0)
        widths = (sizes / scales[values.name] * 100).clip(upper=100).tolist()
    return _Column(texts, kind, widths)


def _text(value: object, as_text: Callable) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return MISSING
    if isinstance(value, str) and as_text is not _plain:
        # a suppressed cell such as "<10" among numbers keeps its text
        try:
            return str(as_text(value))
        except (ValueError, TypeError):
            return value
    text = str(as_text(value))
    if isinstance(value, Number) and text.startswith("-"):
        # minus zero is noise of the last digit, and differs between machines
        return MINUS + text[1:] if re.search("[1-9]", text) else text[1:]
    return text


def _plain(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp) and value == value.normalize():
        return f"{value:%Y-%m-%d}"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return f"{value:,.2f}"
    return str(value)


def _is_number(values: pd.Series) -> bool:
    found = [v for v in values if not isinstance(v, str) and not pd.isna(v)]
    texts = [v for v in values if isinstance(v, str)]
    numbers = all(isinstance(v, Number) and not isinstance(v, bool) for v in found)
    hidden = all(text.startswith(("<", ">")) or text == WITHHELD for text in texts)
    return bool(found) and numbers and hidden


def _scales(frame: pd.DataFrame, bars: Sequence) -> dict[Hashable, float]:
    scales = {}
    for group in bars:
        inside = isinstance(group, tuple) and group not in frame.columns
        names = list(group) if inside else [group]
        _known(names, frame)
        numbers = frame[names].apply(pd.to_numeric, errors="coerce").abs()
        top = numbers.max().max()
        scales |= dict.fromkeys(names, top if top > 0 else 1.0)
    return scales


def _known(names: Sequence[Hashable], frame: pd.DataFrame) -> None:
    there = [*frame.columns, *frame.index.names]
    unknown = [name for name in names if name not in there]
    if unknown:
        raise KeyError(f"no column {unknown[0]!r} in the table; it has {there}")


def heading(name: Hashable) -> str:
    """Head a column as the dictionary does, with the currency, or by its name."""
    if name is None:
        return ""
    if label := columns.find(name).heading(_sign):
        return label
    name = " · ".join(map(str, name)) if isinstance(name, tuple) else str(name)
    name = name.replace("_", " ").strip()
    return name[:1].upper() + name[1:]
