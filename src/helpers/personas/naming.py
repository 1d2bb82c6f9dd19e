"""Name segments after the needs in which they most exceed the others."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from helpers.core.errors import BadInput
from helpers.core.paths import beside
from helpers.display import words
from helpers.features.labels import say


@dataclass(frozen=True)
class Theme:
    """Needs that go together, with the words of themes.yaml for them.

    A habit's needs are ways of buying, which say nothing of what is wanted.
    """

    needs: tuple[str, ...]
    wants: str
    offer: str
    message: str
    habit: bool = False

    @property
    def line(self) -> str:
        """Say in a line what a customer of the theme is known by."""
        if self.habit and not self.needs:
            return "Near the average in how they buy."
        return f"{'Above others in' if self.habit else 'Comes for'} {self.wants}."


# A segment that exceeds the others in no theme by at least a small effect.
MIN_EFFECT = 0.2
MIXED = "Mixed basket"
RESERVED = (
    "Too little data",
    "All customers",
    "Too few answers",
)  # what is no segment is called so
_WORDS = beside(__file__, "themes.yaml")
THEMES = {
    name: Theme(**theme | {"needs": tuple(theme["needs"])})
    for name, theme in _WORDS.items()
}
# For a run whose needs are its own words: what those of a shop's shelves mean in it, no
# table here can know, so each need is a theme of its own.
GENERAL = ("the general offer", "Everything in one place")
OWN = {MIXED: Theme((), THEMES[MIXED].wants, *GENERAL)}


def listed(words: Iterable[str]) -> str:
    """Write words as a list: a, b and c."""
    *first, last = map(str, words)
    return f"{', '.join(first)} and {last}" if first else last


def facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of a row to a sentence: None where a number is missing."""
    return {str(k): None if v != v else v for k, v in row.items()}


def in_use(columns: list[str], *, themes: dict[str, Theme]) -> dict[str, Theme]:
    """Keep the themes with a need among the columns that built the segments.

    Each need becomes its column. A plain theme follows for each column
    that none names, and the mixed basket.
    """
    by_need = {column.removeprefix("share_"): column for column in columns}
    used, left = {}, dict(by_need)
    for name, theme in themes.items():
        own = tuple(by_need[need] for need in theme.needs if need in by_need)
        if own:
            used[name] = replace(theme, needs=own)
        left = {need: c for need, c in left.items() if need not in theme.needs}
    taken = {*used, MIXED, *RESERVED}
    for column in left.values():
        said = say(column)
        name = free(said[:1].upper() + said[1:], taken)
        taken.add(name)
        used[name] = plain([column])
    mixed = themes.get(MIXED, THEMES[MIXED])
    if columns and not any(column.startswith("share_") for column in columns):
        mixed = Theme((), "", *GENERAL, habit=True)
    return used | {MIXED: mixed}


def listing(themes: Mapping[str, Theme]) -> pd.DataFrame:
    """List the themes with their needs in words."""
    needs = [", ".join(map(say, theme.needs)) for theme in themes.values()]
    return pd.DataFrame(
        {"theme": list(themes), "needs": [one or "none stands out" for one in needs]}
    )


def free(name: str, taken: set[str]) -> str:
    """Give a name that is taken a number: needs may differ by a capital only."""
    return next(
        one
        for one in (name, *(f"{name} ({i})" for i in range(2, len(taken) + 3)))
        if one not in taken
    )


def plain(columns: list[str]) -> Theme:
    """Put features in the words of a theme, for a segment that a table does not know."""
    said = listed(map(say, columns))
    if not any(column.startswith("share_") for column in columns):
        return Theme(tuple(columns), said, *GENERAL, habit=True)
    return Theme(
        tuple(columns), f"more {said} than others", f"more of {said}", f"More {said}"
    )


def draw(table: pd.DataFrame, *, themes: dict[str, Theme]) -> dict[int, str]:
    """Give each segment, by its id, the theme in which it most exceeds the others.

    The segment that stands out most chooses first, so that names stay when others move
    a little; a theme is given twice only when there are more segments than themes. Only
    a theme with a need clearly above the average (side) in `table`, of
    `profiles.differences`, can name a segment; below `MIN_EFFECT` it has a mixed
    basket.
    """
    effects = table.pivot(index="segment_id", columns="feature", values="effect")
    clear = table.assign(clear=table["side"] == "above").pivot(
        index="segment_id", columns="feature", values="clear"
    )
    needs = {name: list(theme.needs) for name, theme in themes.items() if theme.needs}
    strength = {
        name: effects[own].mean(axis=1).where(clear[own].any(axis=1))
        for name, own in needs.items()
    }
    # A segment without company has no effect.
    strength = pd.DataFrame(strength, index=effects.index).fillna(-1.0)
    if strength.empty:
        return dict.fromkeys(map(int, effects.index), MIXED)
    drawn, left = {}, strength
    while len(left):
        segment_id, name = left.stack().idxmax()
        if left.loc[segment_id, name] < MIN_EFFECT:
            drawn |= dict.fromkeys(map(int, left.index), MIXED)
            break
        drawn[int(segment_id)] = name
        rest = strength.drop(index=list(drawn))
        left = left.drop(index=segment_id, columns=name)
        left = left if left.shape[1] else rest
    return dict(sorted(drawn.items()))


def names(drawn: dict[int, str], *, overrides: dict[str, str]) -> dict[str, str]:
    """Name segments, by id as text, after the themes drawn or as a person chose.

    `overrides` are those of `own`. Raises BadInput if one names no segment, or two get
    one name.
    """
    if unknown := sorted(set(overrides) - {str(i) for i in drawn}):
        raise BadInput(
            f"Run file: `segments:` names segment {unknown[0]}, but there are only "
            f"segments {', '.join(map(str, drawn))}. Correct its id."
        )
    named: dict[str, str] = {}
    for i, theme in drawn.items():
        times = sum(other == theme for j, other in drawn.items() if j < i)
        name = overrides.get(str(i), f"{theme} {times + 1}" if times else theme)
        if name in named.values():
            raise BadInput(
                f"Run file: two segments would be called {name!r}. Give one of them "
                "another name under `segments:`."
            )
        named[str(i)] = name
    return named


def own(given: dict[str, str], *, model: str) -> tuple[dict[str, str], str]:
    """Keep a person's names if they are of this model (its short checksum), and say so.

    Numbers of segments mean others in another model: names of one that `given` says by
    "model" are set aside.
    """
    kept = {number: name for number, name in given.items() if number != "model"}
    branch = "none"
    if kept:
        known = given.get("model")
        branch = "unbound" if known is None else "same" if known == model else "other"
    said = words.say("personas-own-names", branch=branch, model=model)
    return {} if branch == "other" else kept, said


def followed(
    drawn: Mapping[int, str],
    marks: pd.DataFrame,
    *,
    themes: Mapping[str, Theme],
    own: Collection[str],
    of: Collection[str],
) -> dict[int, Theme]:
    """Give each segment the theme that its card goes by.

    A name given by a person (ids as text in `own`) says nothing that was counted: its
    theme comes from up to three features, among `of`, that mark it from above.
    """
    found = {i: themes[name] for i, name in drawn.items()}
    above = marks[
        marks["used_to_build"] & marks["feature"].isin(of) & (marks["side"] == "above")
    ]
    for i in map(int, own):
        top = above.loc[above["segment_id"] == i, "feature"].head(3).tolist()
        found[i] = plain(top) if top else themes[MIXED]
    return found
