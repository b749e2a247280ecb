"""Strides: finding the few nested loops that visit given addresses, one after another."""

from collections.abc import Iterator

import numpy as np

from autograd.compiler.loops import SPACE, Access, Ints

MOST_MEMBER_LOOPS, MOST_TERM_LOOPS = 3, 2
_NONE: Ints = np.zeros(0, np.int64)  # the strides of no columns


def cuts_between(keys: Ints) -> Ints:
    """Where the rows of keys change."""
    return np.flatnonzero((np.diff(keys, axis=0) != 0).any(axis=1)) + 1


def equal_rows(keys: Ints) -> list[Ints]:
    """The indices of the rows that are equal, for each kind of row, in order of appearance."""
    found: dict[bytes, list[int]] = {}
    for i, row in enumerate(np.ascontiguousarray(keys)):
        found.setdefault(row.tobytes(), []).append(i)
    return [np.array(indices) for indices in found.values()]


def nest_of(columns: Ints) -> list[tuple[int, Ints]] | None:
    """The loops [(times, strides of each column)] that visit these addresses; None if none do.

    columns: [members, columns].
    """
    n = len(columns)
    if n == 1:
        return []
    steps = np.diff(columns, axis=0)
    regular = (steps == steps[0]).all(axis=1)
    if regular.all():
        return [(n, steps[0])]
    inner = int(np.argmin(regular)) + 1
    if n % inner:
        return None
    blocks = columns.reshape(n // inner, inner, -1)
    if not (np.diff(blocks, axis=1) == steps[0]).all():
        return None
    outer = nest_of(blocks[:, 0])
    return None if outer is None else [*outer, (inner, steps[0])]


def nests(columns: Ints) -> Iterator[tuple[tuple[int, ...], list[Access]]]:
    """The members (times of each loop) and accesses of the few loops that visit all addresses."""
    nest = nest_of(columns)
    if nest is not None and len(nest) <= MOST_MEMBER_LOOPS:
        times = tuple([n for n, _ in nest])
        yield (
            times,
            [
                Access(int(columns[0, k]), tuple([int(s[k]) for _, s in nest]))
                for k in range(columns.shape[1])
            ],
        )
        return
    # those that no strides visit go through tables; the others share what loops they can
    n = len(columns)
    alone = [nest_of(columns[:, k : k + 1]) for k in range(columns.shape[1])]
    fits = [k for k, found in enumerate(alone) if found is not None and len(found) <= 2]
    nest = nest_of(columns[:, fits]) if fits else None
    if nest is None or len(nest) > MOST_MEMBER_LOOPS:
        fits, nest = [], [(n, _NONE)]
    accesses = []
    for k in range(columns.shape[1]):
        base = int(columns[0, k])
        if k in fits:
            accesses.append(Access(base, tuple([int(s[fits.index(k)]) for _, s in nest])))
        else:
            space = base // SPACE * SPACE
            accesses.append(Access(space, (0,) * len(nest), columns[:, k] - space))
    yield tuple([times for times, _ in nest]), accesses


def double_nests(
    results: Ints, factors: list[Ints]
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], list[Access]]]:
    """Likewise for sums: (members, terms, [result, factors...]).

    results: [members]; factors: each [members, terms].
    """
    separable = [
        bool((f - f[:, :1] == f[:1] - f[0, 0]).all()) for f in factors
    ]  # the address is a part that goes with the member plus one that goes with the term
    across = [f[:, 0] for f, s in zip(factors, separable, strict=True) if s]
    along = [f[0] for f, s in zip(factors, separable, strict=True) if s]
    n_terms = factors[0].shape[1]
    terms = nest_of(np.column_stack(along)) if along else [(n_terms, _NONE)]
    if terms is None or len(terms) > MOST_TERM_LOOPS:
        separable = [False] * len(factors)
        across, terms = [], [(n_terms, _NONE)]
    for members, (result, *found) in nests(np.column_stack([results, *across])):
        accesses = [result]
        column = 0
        for f, s in zip(factors, separable, strict=True):
            if s:
                access = found[column]
                strides = tuple([int(step[column]) for _, step in terms])
                accesses.append(access._replace(strides=(*access.strides, *strides)))
                column += 1
            else:
                space = int(f[0, 0]) // SPACE * SPACE
                none = (0,) * (len(members) + len(terms))
                accesses.append(Access(space, none, f - space))
        yield members, tuple([n for n, _ in terms]), accesses
