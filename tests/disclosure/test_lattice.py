"""Disclosure: what a reader can work out from shown sums, on tables of a few cells."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.optimize import linprog

from helpers.disclosure import lattice as disclosure_lattice


def table(cells):
    """Number the views of a full table; count cells, totals of lines, and everyone."""
    cells = np.array(cells)
    lattice = disclosure_lattice.lattice(cells.shape, most=cells.ndim, apart=[])
    counts = np.concatenate(
        [
            cells.sum(axis=tuple(set(range(cells.ndim)) - set(kept))).ravel()
            for kept in lattice.ids
        ]
    ).astype(float)
    return lattice, counts


def hide(lattice, counts, *cells):
    hidden = np.zeros(len(counts), bool)
    hidden[[lattice.ids[where][at] for where, at in cells]] = True
    return hidden


def leaks(lattice, counts, hidden):
    nothing = np.zeros(len(counts), bool)
    return disclosure_lattice.leaks(lattice, counts, hidden, nothing, below=10)


def protect(cells):
    lattice, counts = table(cells)
    nothing = np.zeros(len(counts), bool)
    hidden = disclosure_lattice.protect(lattice, counts, nothing, below=10)
    return lattice, counts, hidden


BOTH = (0, 1)


def test_views_are_numbered_from_everyone_to_the_finest():
    lattice = disclosure_lattice.lattice([2, 3], most=2, apart=[])
    assert list(lattice.ids) == [(), (0,), (1,), (0, 1)]
    assert lattice.ids[()].tolist() == 0
    assert lattice.ids[(1,)].tolist() == [3, 4, 5]
    assert lattice.ids[BOTH].tolist() == [[6, 7, 8], [9, 10, 11]]
    assert lattice.orders.tolist() == [0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]


def test_every_whole_is_the_sum_of_its_parts():
    lattice, counts = table([[1, 2, 3], [4, 5, 6]])
    assert (lattice.children @ counts == counts[lattice.parents]).all()
    assert counts[:6].tolist() == [21, 6, 15, 5, 7, 9]


def test_dimensions_that_stay_apart_meet_in_no_view():
    lattice = disclosure_lattice.lattice([2, 2, 2], most=3, apart=[frozenset({0, 2})])
    assert set(lattice.ids) == {(), (0,), (1,), (2,), (0, 1), (1, 2)}


def test_a_single_hidden_cell_is_its_total_less_the_others():
    lattice, counts = table([[4, 20], [30, 40]])
    found = leaks(lattice, counts, hide(lattice, counts, (BOTH, (0, 0))))
    assert ((4, (lattice.ids[BOTH][0, 0],), "sum")) in {
        (leak.customers, leak.views, leak.way) for leak in found
    }


def test_four_hidden_corners_give_nothing_away():
    lattice, counts = table([[14, 20], [30, 40]])
    corners = [(BOTH, at) for at in np.ndindex(2, 2)]
    assert leaks(lattice, counts, hide(lattice, counts, *corners)) == []


def test_the_rest_of_a_shown_group_counts_as_a_group():
    # 52 of the 55 of the first row are shown: the other 3 are given away
    lattice, counts = table([[52, 2, 1], [30, 40, 50]])
    hidden = hide(lattice, counts, *((BOTH, (i, j)) for i in (0, 1) for j in (1, 2)))
    assert any(
        leak.customers == 3 and leak.signs == (1, -1)
        for leak in leaks(lattice, counts, hidden)
    )


def test_who_meets_neither_of_two_conditions_counts_as_a_group():
    # 100 - 60 - 40 + 5 = 5 are neither in the first row nor in the first column
    lattice, counts = table([[5, 55], [35, 5]])
    hidden = hide(lattice, counts, (BOTH, (1, 1)))
    signs = {leak.signs for leak in leaks(lattice, counts, hidden)}
    assert (1, -1, -1, 1) in signs


def test_what_must_be_empty_is_known():
    # four hidden corners, but the first row is used up by the cell it shows: two of
    # them are empty, so the third is the total of its column, 55, less the shown 50
    lattice, counts = table([[30, 0, 0], [20, 5, 45], [40, 50, 60]])
    block = [(BOTH, (i, j)) for i in (0, 1) for j in (1, 2)]
    found = leaks(lattice, counts, hide(lattice, counts, *block))
    five = (lattice.ids[BOTH][1, 1],)
    assert (5, five, "sum") in {(x.customers, x.views, x.way) for x in found}


def test_nine_are_too_few_and_ten_are_enough():
    for size in (9, 10):
        lattice, counts = table([[size, 20], [30, 40]])
        found = leaks(lattice, counts, hide(lattice, counts, (BOTH, (0, 0))))
        sums = {leak.customers for leak in found if leak.way == "sum"}
        assert sums == ({9} if size == 9 else set())


# Found by search: hiding company for every small cell is not enough in these two.
LEAKY_BY_BOUNDS = [
    [[1, 30, 12], [1, 12, 30]],
    [[5, 12, 0], [30, 1, 3]],
    [[0, 30, 30], [0, 5, 0]],
]
LEAKY_BY_SUM = [
    [[15, 0, 5], [8, 3, 8], [30, 12, 1]],
    [[0, 0, 1], [15, 1, 15], [1, 12, 5]],
    [[30, 8, 30], [30, 12, 8], [15, 30, 1]],
]


@pytest.mark.parametrize(
    ("cells", "way"), [(LEAKY_BY_BOUNDS, "bounds"), (LEAKY_BY_SUM, "sum")]
)
def test_what_company_alone_leaves_open_is_found_and_closed(cells, way):
    lattice, counts = table(cells)
    small = counts < 10
    price = disclosure_lattice._prices(lattice, counts)
    hidden = disclosure_lattice._accompany(lattice, counts, small, price, below=10)
    (leak,) = leaks(lattice, counts, hidden)
    assert leak.way == way and 0 < leak.customers < 10
    _, _, closed = protect(cells)
    assert leaks(lattice, counts, closed) == []
    assert closed.sum() > hidden.sum()


def test_a_sensitive_cell_is_hidden_whatever_its_size():
    lattice, counts = table([[100, 200], [300, 400]])
    sensitive = hide(lattice, counts, (BOTH, (0, 0)))
    hidden = disclosure_lattice.protect(lattice, counts, sensitive, below=10)
    assert hidden[lattice.ids[BOTH]].all()
    assert not hidden[:5].any()


def test_small_cells_take_the_smallest_company_that_will_do():
    lattice, _, hidden = protect([[5, 20, 30], [40, 50, 60], [70, 80, 90]])
    expected = [[True, True, False], [True, True, False], [False, False, False]]
    assert hidden[lattice.ids[BOTH]].tolist() == expected
    assert not hidden[:7].any()


def test_nothing_is_hidden_where_nothing_is_small():
    _, _, hidden = protect([[10, 20], [30, 40]])
    assert not hidden.any()


def test_total_of_everyone_is_always_shown():
    _, _, hidden = protect([[1, 2], [3, 40]])
    assert not hidden[0]


cubes = st.tuples(*[st.integers(2, 3)] * 3).flatmap(
    lambda shape: st.lists(
        st.one_of(st.integers(0, 12), st.integers(0, 60)),
        min_size=int(np.prod(shape)),
        max_size=int(np.prod(shape)),
    ).map(lambda cells: np.reshape(cells, shape))
)


@settings(max_examples=40, deadline=None)
@given(cubes.filter(lambda cells: cells.sum() >= 10))
def test_protection_leaves_no_leak_and_shows_nothing_small(cells):
    lattice, counts, hidden = protect(cells)
    assert leaks(lattice, counts, hidden) == []
    shown = counts[~hidden]
    assert (shown[1:] >= 10).all()


@settings(max_examples=15, deadline=None)
@given(cubes.filter(lambda cells: cells.sum() >= 10))
def test_no_small_count_is_fixed_even_for_who_solves_the_inequalities(cells):
    """An independent attack: the least and the largest count by linear programming."""
    lattice, counts, hidden = protect(cells)
    finest = lattice.ids[(0, 1, 2)].ravel()
    shape = cells.shape
    member = np.concatenate(
        [
            np.array(
                [np.ravel(_inside(shape, kept, at)) for at in np.ndindex(ids.shape)]
            )
            for kept, ids in lattice.ids.items()
        ]
    ).astype(float)
    assert (member @ counts[finest] == counts).all()
    for view in np.flatnonzero(hidden & (counts > 0) & (counts < 10)):
        ends = [
            sign
            * linprog(
                sign * member[view], A_eq=member[~hidden], b_eq=counts[~hidden]
            ).fun
            for sign in (1, -1)
        ]
        assert ends[1] - ends[0] > 1e-6


def _inside(shape, kept, at):
    places = np.indices(shape)
    inside = np.ones(shape, bool)
    for axis, level in zip(kept, at, strict=True):
        inside &= places[axis] == level
    return inside


@pytest.mark.parametrize("below", [5, 10])
def test_the_limit_can_be_chosen(below):
    lattice, counts = table([[7, 20], [30, 40]])
    nothing = np.zeros(len(counts), bool)
    hidden = disclosure_lattice.protect(lattice, counts, nothing, below=below)
    assert hidden[lattice.ids[BOTH]].all() == (below == 10)
