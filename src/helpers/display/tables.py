"""Accessible tables for notebooks and pages: captioned, aligned, small cells hidden."""

import html
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Number

import numpy as np
import pandas as pd

from helpers.disclosure.suppression import WITHHELD

MISSING, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"

# JupyterLab has no page stylesheet: these few rules travel with each table.
# Pages take them out again, because they have a stylesheet of their own.
STYLE = (
    "<style>.study-table caption{caption-side:top;text-align:left;font-weight:600;"
    "color:inherit}.study-table .t.t{text-align:left}.study-table .n.n{text-align:right;"
    "font-variant-numeric:tabular-nums}</style>"
)


def show(
    frame: pd.DataFrame,
    *,
    caption: str,
    labels: Mapping[Hashable, str] | None = None,
    formats: Mapping[Hashable, str | Callable] | None = None,
    bars: Sequence[Hashable | tuple] = (),
    note: str = "",
    index: bool = True,
) -> "Table":
    """Prepare a table that reads well as a page, in JupyterLab and as plain text.

    Parameters
    ----------
    frame : DataFrame
        Any table; its rows and columns are shown in the order they have.
    caption : str
        Title of the table, unique on its page: screen readers list tables by it.
    labels : mapping, optional
        Column (or index level) name to heading, with the unit.
    formats : mapping, optional
        Column (or index level) name to a format such as ``"{:,.0f}"`` or a function
        of one value. Without one, whole numbers get thousands separators and other
        numbers two decimals.
    bars : sequence
        Number columns drawn with a bar, each on its own scale from zero; columns in
        an inner tuple share one scale: ``bars=[("share_customers", "share_sales")]``.
    note : str
        One sentence under the table.
    index : bool
        Whether the index is shown. The first column shown heads its row.

    Returns
    -------
    Table
        Displays itself as the last expression of a cell.

    Raises
    ------
    KeyError
        When labels, formats or bars name a column that the table does not have.
    """
    labels, formats = dict(labels or {}), dict(formats or {})
    _known([*labels, *formats], frame)
    scales = _scales(frame, bars)
    parts = [frame.iloc[:, i] for i in range(frame.shape[1])]
    if index:
        levels = map(frame.index.get_level_values, range(frame.index.nlevels))
        parts = [pd.Series(level, name=level.name) for level in levels] + parts
    columns = [_column(part, formats, scales) for part in parts]
    heads = [labels.get(part.name, _heading(part.name)) for part in parts]
    n_heads = frame.index.nlevels if index else 1
    return Table(caption, heads, columns, n_heads, note)


def symbol(currency: str) -> str:
    """Return the sign that stands before an amount of money.

    Parameters
    ----------
    currency : str
        Code of ISO 4217, such as USD.

    Returns
    -------
    str
        Its sign; the code and a space where none is in common use.
    """
    signs = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
    return signs.get(currency, f"{currency} ")


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
        plain = (
            texts.to_string(index=False, header=self.heads) if len(texts) else "none"
        )
        return "\n".join(filter(None, [self.caption, plain, self.note]))

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
            '<span class="bar" aria-hidden="true" style="display:block;height:4px;'
            f"width:{self.widths[i]:.1f}%;"
            'background:var(--accent,#1f5673)"></span>'
        )


def _column(values: pd.Series, formats: Mapping, scales: Mapping) -> _Column:
    as_text = formats.get(values.name, _plain)
    if isinstance(as_text, str):
        as_text = as_text.format
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
    hidden = all(text.startswith("<") or text == WITHHELD for text in texts)
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


def _heading(name: Hashable) -> str:
    if name is None:
        return ""
    name = " · ".join(map(str, name)) if isinstance(name, tuple) else str(name)
    name = name.replace("_", " ").strip()
    return name[:1].upper() + name[1:]
