"""Strides by themselves: the loops found visit the very addresses that were given, in order."""

from itertools import product
from operator import mul

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograd.compiler.loops import SPACE, Access, Ints
from autograd.compiler.strides import (
    MOST_MEMBER_LOOPS,
    MOST_TERM_LOOPS,
    cuts_between,
    double_nests,
    equal_rows,
    nest_of,
    nests,
)

Nest = list[tuple[int, list[int]]]  # of each loop, the outermost first: times, strides


def visited(members: tuple[int, ...], terms: tuple[int, ...], access: Access) -> list[int]:
    """The addresses that an access visits, for each member and term."""
    found = []
    for m, member in enumerate(product(*map(range, members))):
        for t, term in enumerate(product(*map(range, terms))):
            address = access.address + sum(map(mul, access.strides, member + term))
            if access.table is not None:
                address += int(access.table[m] if access.table.ndim == 1 else access.table[m, t])
            found.append(address)
    return found


def addresses(nest: Nest, bases: list[int]) -> Ints:
    """What loops visit: [members, columns]."""
    rows = []
    for indices in product(*[range(n) for n, _ in nest]):
        steps = [sum(i * s[k] for i, (_, s) in zip(indices, nest)) for k in range(len(bases))]  # noqa: B905
        rows.append([base + step for base, step in zip(bases, steps, strict=True)])
    return np.array(rows, np.int64)


@st.composite
def loops(draw: st.DrawFn, most: int = 4) -> tuple[Nest, list[int]]:
    """Loops inside one another over some columns, and where each column begins."""
    columns = draw(st.integers(1, 3))
    stride = st.sampled_from((0, 1, 2, 3, 8, 100, -1, -5))
    each = st.tuples(st.integers(2, 4), st.lists(stride, min_size=columns, max_size=columns))
    bases = [SPACE * draw(st.integers(0, 3)) + 10_000 for _ in range(columns)]
    return draw(st.lists(each, max_size=most)), bases


@given(loops())
def test_a_nest_is_found_again(drawn: tuple[Nest, list[int]]) -> None:
    """Of addresses that loops visit some loops are found, no more of them, that visit the same."""
    nest, bases = drawn
    columns = addresses(nest, bases)
    found = nest_of(columns)
    assert found is not None
    assert len(found) <= len(nest)
    assert all(n > 1 for n, _ in found)
    again = addresses([(n, s.tolist()) for n, s in found], bases)
    assert np.array_equal(again, columns)


IRREGULAR = {
    "no stride": [[0], [1], [3], [4], [5]],
    "blocks of unequal length": [[0], [1], [2], [10], [11], [20]],
    "blocks of unequal stride": [[0], [1], [10], [12]],
    "a block that ends too soon": [[0], [1], [10], [11], [20]],
    "blocks at odd places": [[0], [1], [10], [11], [21], [22]],
    "the second column": [[0, 0], [1, 1], [2, 3], [3, 5]],
}


@pytest.mark.parametrize("name", IRREGULAR)
def test_what_no_loops_visit(name: str) -> None:
    """None, rather than loops that are wrong somewhere; and `nests` goes through a table."""
    columns = np.array(IRREGULAR[name], np.int64)
    assert nest_of(columns) is None or name == "the second column"
    ((times, accesses),) = nests(columns)
    for k, access in enumerate(accesses):
        assert visited(times, (), access) == columns[:, k].tolist()


@settings(max_examples=200)
@given(loops(), st.data())
def test_nests_visit_every_address(drawn: tuple[Nest, list[int]], data: st.DataObject) -> None:
    """Whatever the addresses, regular or not; and strides are used wherever a column has them."""
    nest, bases = drawn
    columns = addresses(nest, bases)
    spoiled = set()
    for _ in range(data.draw(st.integers(0, 2))):
        row = data.draw(st.integers(0, len(columns) - 1))
        k = data.draw(st.integers(0, len(bases) - 1))
        columns[row, k] += data.draw(st.sampled_from((1, 7)))
        spoiled.add(k)
    found = list(nests(columns))
    assert len(found) == 1, "one loop nest, not pieces"
    times, accesses = found[0]
    assert int(np.prod(times)) == len(columns)
    assert len(times) <= MOST_MEMBER_LOOPS
    for k, access in enumerate(accesses):
        assert visited(times, (), access) == columns[:, k].tolist()
        assert len(access.strides) == len(times)
        if access.table is not None:
            assert access.address % SPACE == 0, "a table holds places in one space"
    if not spoiled and len(nest) <= MOST_MEMBER_LOOPS:
        assert all(access.table is None for access in accesses)
    for k, access in enumerate(accesses):
        if len(nest) <= 2 and k not in spoiled:
            assert access.table is None, "what strides visit needs no table"


def test_more_loops_than_there_may_be_go_through_tables() -> None:
    """Four loops inside one another are one over a table, and so are columns out of step."""
    strides = [1000, 100, 10, 1]
    four = addresses([(2, [s]) for s in strides], [0])
    ((times, (access,)),) = nests(four)
    assert times == (16,)
    assert access.table is not None
    three = addresses([(2, [s]) for s in strides[1:]], [0])
    ((times, (access,)),) = nests(three)
    assert times == (2, 2, 2)
    assert access.table is None
    irregular = np.array([0, 1, 5, 2, 9, 3, 8, 4])
    ((times, (a, b)),) = nests(np.column_stack([three[:, 0], irregular]))
    assert times == (8,), "three loops beside a table are one too many"
    assert a.table is not None
    steps = [([8, 1, 0], 2), ([0, 1, 0], 2), ([0, 1, 1], 2)]
    apart = addresses([(n, s) for s, n in steps], [0, 0, 0])
    apart[:, 1] = irregular
    ((times, (a, b, c)),) = nests(apart)
    assert times == (2, 2, 2), "three loops that two columns make together"
    assert (a.table, c.table) == (None, None)
    assert visited(times, (), b) == irregular.tolist()
    two = addresses([(4, [10]), (2, [1])], [0])
    ((times, (a, b)),) = nests(np.column_stack([two[:, 0], irregular]))
    assert times == (4, 2)
    assert a.table is None
    assert b.table is not None
    assert visited(times, (), b) == irregular.tolist()


@settings(max_examples=150)
@given(st.data())
def test_double_nests_visit_every_address(data: st.DataObject) -> None:
    """[member, term] addresses of sums: a part by the member and one by the term, or a table."""
    members, terms = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    stride = st.sampled_from((0, 1, 2, 16))
    results = 500 + data.draw(st.sampled_from((1, 3))) * np.arange(members)
    factors = []
    for _ in range(data.draw(st.integers(1, 2))):
        base = SPACE * data.draw(st.integers(0, 3)) + 40
        f = base + data.draw(stride) * np.arange(members)[:, None]
        f = f + data.draw(stride) * np.arange(terms)[None, :]
        kind = data.draw(st.sampled_from(("regular", "regular", "by term", "by place")))
        if kind == "by term":
            f = f + np.array(data.draw(st.permutations(range(terms))))[None, :]
        elif kind == "by place":
            f[data.draw(st.integers(0, members - 1)), data.draw(st.integers(0, terms - 1))] += 5
        factors.append(f)
    pieces = list(double_nests(results, factors))
    assert len(pieces) == 1
    times, times_of_terms, (result, *accesses) = pieces[0]
    assert int(np.prod(times)) == members
    assert int(np.prod(times_of_terms)) == terms
    assert len(times_of_terms) <= MOST_TERM_LOOPS
    assert visited(times, (), result) == results.tolist()
    for f, access in zip(factors, accesses, strict=True):
        assert visited(times, times_of_terms, access) == f.ravel().tolist()
        assert len(access.strides) == len(times) + len(times_of_terms)


def test_the_terms_of_a_sum_are_at_most_two_loops() -> None:
    """A layer's sums are one loop over members and one over terms; three over terms, a table."""
    weights = 100 + 5 * np.arange(3)[:, None] + np.arange(5)[None, :]
    inputs = SPACE + np.arange(5)[None, :] + np.zeros((3, 1), np.int64)
    ((members, terms, (result, w, x)),) = double_nests(7 + np.arange(3), [weights, inputs])
    assert (members, terms) == ((3,), (5,))
    assert (result.address, result.strides) == (7, (1,))
    assert (w.address, w.strides, w.table) == (100, (5, 1), None)
    assert (x.address, x.strides, x.table) == (SPACE, (0, 1), None)
    three = addresses([(2, [100]), (2, [10]), (2, [1])], [0])[:, 0]
    ((members, terms, (_, found)),) = double_nests(np.arange(2), [np.stack([three, three + 1000])])
    assert terms == (8,)
    assert found.table is not None
    two = addresses([(2, [10]), (2, [1])], [0])[:, 0]
    ((members, terms, (_, found)),) = double_nests(np.arange(2), [np.stack([two, two + 1000])])
    assert (members, terms) == ((2,), (2, 2))
    assert (found.strides, found.table) == ((1000, 10, 1), None)


def test_one_irregular_factor_leaves_the_other_its_strides() -> None:
    """A table for what needs one, of places in its space, [members, terms]."""
    weights = 100 + 5 * np.arange(3)[:, None] + np.arange(5)[None, :]
    rows = SPACE + np.array([[3, 1, 4, 1, 5], [9, 2, 6, 5, 3], [5, 8, 9, 7, 9]])
    ((members, terms, (_, w, x)),) = double_nests(np.arange(3), [weights, rows])
    assert (members, terms) == ((3,), (5,))
    assert (w.strides, w.table) == ((5, 1), None)
    assert x.address == SPACE
    assert x.strides == (0, 0)
    assert np.array_equal(x.table, rows - SPACE)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=12))
def test_cuts_and_equal_rows(rows: list[tuple[int, int]]) -> None:
    """Cuts stand where a row differs from the one before; equal rows are found anywhere."""
    keys = np.array(rows, np.int64)
    cuts = cuts_between(keys).tolist()
    assert cuts == [i for i in range(1, len(rows)) if rows[i] != rows[i - 1]]
    found = equal_rows(keys)
    assert [rows[x[0]] for x in found] == list(dict.fromkeys(rows))
    assert all(len({rows[i] for i in x}) == 1 for x in found)
    assert sorted(i for x in found for i in x.tolist()) == list(range(len(rows)))
