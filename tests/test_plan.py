"""Planning by itself: the calls of kernels visit what a statement visits, in the tiles that pay."""

import ctypes
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from operator import mul
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from passes import Passes
from strategies import WildProgram, wild_programs
from test_roll import ROLLED

import autograd
from autograd import primitive, temporary_primitives
from autograd.compiler.kernels import MEMBERS, TIMES
from autograd.compiler.loops import ROWS, SPACE, Access
from autograd.compiler.merge import Merged, Statement, merge
from autograd.compiler.plan import Call, Target, calls

V = [0.1 * i for i in range(50)]
TARGETS = [
    Target(64, 8, 64, False), Target(64, 8, 64, True), Target(64, 4, 8, False),
    Target(32, 16, 64, False), Target(64, 2, 64, False),
]  # fmt: skip


def loss(w: Any, x: Any) -> Any:
    hidden = [autograd.tanh(z) for z in autograd.linear(x, w, [0.0] * len(w))]
    return autograd.dot(hidden, [1.0] * len(w))


# beside those of test_roll: sizes that fill no vector, every direction of lanes, means over rows
PLANNED: dict[str, tuple[Callable[..., Any], list[Any], tuple[int, ...]]] = {
    "37 numbers": (lambda x: [autograd.exp(a) for a in x[:37]], [V], ()),
    "a layer, 37 units of 19": (
        lambda w, x: autograd.linear(x[:19], w, [0.5] * 37), [[V[:19]] * 37, V], (),
    ),
    "a layer, transposed": (
        lambda w, x: [autograd.dot([r[j] for r in w], x[:19]) for j in range(37)], [[V] * 19, V],
        (),
    ),
    "a layer, its weights last": (
        lambda x, w: autograd.linear(x[:19], w, [0.5] * 37), [V, [V[:19]] * 37], (),
    ),
    "a matrix for each vector": (
        lambda w, x: [[autograd.dot(r, v) for r in m] for m, v in zip(w, x, strict=True)],
        [[[V[:19]] * 6] * 3, [V[:19]] * 3],
        (),
    ),
    "windows in each row": (
        lambda w, x: autograd.prod([autograd.dot(w[:9], x[i : i + 9]) for i in range(6)]),
        [V, V],
        (1,),
    ),
    "three loops, no vector": (
        lambda a: [[[[autograd.exp(x), x] for x in r[:3]] for r in m[:3]] for m in a],
        [[[V[:5]] * 4] * 3],
        (),
    ),
    "three loops in each row": (
        lambda a: autograd.prod([autograd.exp(x) for m in a for r in m[:3] for x in r[:3]]),
        [[[V[:5]] * 4] * 3],
        (0,),
    ),
    "a column times a row": (
        lambda w, x: autograd.dot([r[2] for r in w], x), [[V[:5]] * 50, V], (),
    ),
    "a row times a column": (
        lambda x, w: autograd.dot([r[2] for r in w], x), [V, [V[:5]] * 50], (),
    ),
    "a sum of 50 products": (autograd.dot, [V, V], ()),
    "a batch, 6 units of 5": (autograd.value_and_grad(loss), [[V[:5]] * 6, V[:5]], (1,)),
    "rows that are matrices, times one": (
        lambda w, x: autograd.total(
            [autograd.dot(r, [y[j] for y in x]) for r in w for j in range(3)]
        ),
        [[V[:5]] * 6, [V[:3]] * 5],
        (1,),
    ),
    "rows that are matrices, one layer further": (
        lambda w, x: autograd.total(
            [autograd.dot(r, [autograd.tanh(y[j]) for y in x]) for r in w for j in range(3)]
        ),
        [[V[:5]] * 6, [V[:3]] * 5],
        (1,),
    ),
    "a batch, 1 unit": (autograd.value_and_grad(loss), [[V[:5]], V[:5]], (1,)),
    "a batch, 9 units of 1": (autograd.value_and_grad(loss), [[V[1:2]] * 9, V[1:2]], (1,)),
}  # fmt: skip
PLANNED |= {name: (f, args, batched) for name, (f, args, batched, _) in ROLLED.items()}


def accesses_of(s: Statement) -> list[Access]:
    """In the order of a kernel: a sum's home and operands, the results, the inputs."""
    if not isinstance(s, Merged):
        return [s.result, *s.operands]
    own = [] if s.sum is None else [s.sum.result, *s.sum.operands]
    return [*own, *[access for _, access in s.results], *s.inputs]


def visited(s: Statement, target: Target) -> Iterator[tuple[Any, ...]]:
    """For each member and term of a statement, the space and place in bytes of each access."""
    loop = s.sum if isinstance(s, Merged) else s
    terms = () if loop is None else loop.terms
    for m, member in enumerate(product(*map(range, s.members))):
        for t, term in enumerate(product(*map(range, terms))):
            places: list[Any] = []
            for access in accesses_of(s):
                if access.literal is not None:
                    places.append(None)
                    continue
                # (of the accesses of steps, strides and tables know no terms)
                address = access.address + sum(
                    map(mul, access.strides, (member + term)[: len(access.strides)])
                )
                if access.table is not None:
                    table = access.table
                    address += int(table[m] if table.ndim == 1 else table[m, t])
                space, place = divmod(address, SPACE)
                unit = target.bits // 8 * (target.block if space == ROWS else 1)
                places.append((space, place * unit))
            yield tuple(places)


def visited_by(call: Call) -> Iterator[tuple[Any, ...]]:
    """Likewise what a call visits, as its descriptor says."""
    kind, d = call.kind, call.descriptor.tolist()
    if kind.places:
        found = iter(kind.places)
        yield tuple([None if a.literal is not None else next(found) for a in kind.accesses])
        return
    times = d[:TIMES]
    for m, member in enumerate(product(*map(range, times[:3]))):
        for t, term in enumerate(product(*map(range, times[3:]))):
            places: list[Any] = []
            for k, access in enumerate(kind.accesses):
                space, place, *strides, table = d[TIMES + 8 * k :][:8]
                if access.literal is not None:
                    places.append(None)
                    continue
                place += sum(map(mul, strides, member + term))
                if access.table:
                    entry = m if access.table == MEMBERS else m * times[3] * times[4] + t
                    place += ctypes.c_int64.from_address(table + 8 * entry).value
                places.append((space, place))
            yield tuple(places)


def check_call(call: Call) -> None:
    """What a kernel is told of itself is true of its descriptor."""
    kind, d = call.kind, call.descriptor.tolist()
    if kind.places:
        assert kind.loops == (False,) * 5
        return
    times, (tile1, tile2, vectors) = d[:TIMES], kind.tile
    if not kind.sums or any(access.table for access in kind.accesses):
        assert kind.tile == (1, 1, 1), "tiles are of sums that strides say all of"
    assert times[1] % tile1 == 0
    size = kind.bits // 8
    lanes = {"members": 2, "terms": 4}.get(kind.lanes)
    turn = [1, tile1, tile2, 1, 1]
    if kind.lanes == "members":
        turn[2] = tile2 * vectors * kind.width
    else:
        assert times[2] % tile2 == 0
    if kind.lanes == "terms":
        turn[4] = kind.width
    assert kind.loops == tuple(n > step for n, step in zip(times, turn, strict=True))
    assert kind.masked == (lanes is not None and times[lanes] % turn[lanes] != 0)
    for k, access in enumerate(kind.accesses):
        if access.literal is not None:
            assert access.moves == (False,) * 3
            continue
        strides = d[TIMES + 8 * k + 2 :][:5]
        if kind.sums == "rows" and k == 0:  # whether four means are written at once
            side_by_side = tile2 == 4 and strides[2] == size
            assert access.along == (side_by_side and kind.width >= 4 and not kind.exact)
        assert access.moves == tuple(s != 0 for s in strides[:3])
        if lanes is not None and (lanes == 2 or k in (1, 2)):
            assert strides[lanes] == (size if access.along else 0)
        elif kind.lanes == "rows" and not (kind.sums == "rows" and k == 0):
            assert access.along == (d[TIMES + 8 * k] == ROWS)
        elif not kind.lanes:
            assert not access.along


def statements(passes: Passes) -> list[Statement]:
    return [s for part in merge(passes.program) for s in part]


def sums_of(s: Statement) -> str:
    """What kind of sum a statement is."""
    loop = s.sum if isinstance(s, Merged) else s
    if loop is None:
        return ""
    return "rows" if loop.op == "mean_over_rows" else "go on" if loop.start is None else "start"


def check(found: Sequence[Statement], target: Target) -> None:
    for s in found:
        planned = list(calls(s, target))
        for call in planned:
            check_call(call)
            assert call.kind.sums == sums_of(s)
            if call.kind.lanes == "rows":
                width, vectors = call.kind.width, call.kind.tile[2]
                assert target.block % (vectors * width) == 0, "whole vectors in a block"
                if width > 1 and sums_of(s) in ("start", "go on") and not call.tables:
                    assert vectors == min(4, target.block // width)
        by_calls = Counter(x for call in planned for x in visited_by(call))
        assert by_calls == Counter(visited(s, target)), str(s)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", PLANNED)
def test_calls_visit_each_member_once(name: str, target: Target) -> None:
    """Each member and each term of a statement, once, with all operands where they belong."""
    f, args, batched = PLANNED[name]
    check(statements(Passes(f, args, target.exact, batched)), target)


@settings(max_examples=40)
@given(wild_programs())
def test_calls_of_any_graph(program: WildProgram) -> None:
    """The same of any graph with its gradients."""
    f = autograd.jacobian(lambda v: program(v)[-2:])
    passes = Passes(lambda v: (program(v), f(v)), [list(program.leaves)], exact=False)
    check(statements(passes), TARGETS[0])


def shape(call: Call) -> str:
    """Sum, lanes, width, tile, members x terms, and whether lanes are masked."""
    k, d = call.kind, call.descriptor
    times = "x".join(str(n) for n in d[:3]) + " of " + "x".join(str(n) for n in d[3:TIMES])
    tile = "x".join(map(str, k.tile))
    masked = " masked" if k.masked else ""
    return f"{k.sums or 'no sum'}, {k.lanes or 'one'} {k.width}, tile {tile}: {times}{masked}"


# what is planned for 8 lanes of 64 bits, not exact, but for the last one
SHAPES: dict[str, list[str]] = {
    "37 numbers": ["no sum, members 8, tile 1x1x1: 1x1x37 of 1x1 masked"],
    "five are": ["no sum, members 8, tile 1x1x1: 1x1x5 of 1x1 masked"],
    "a layer, 37 units of 19": [
        "start, terms 8, tile 1x4x1: 1x1x36 of 1x19 masked",
        "start, terms 8, tile 1x1x1: 1x1x1 of 1x19 masked",
    ],
    "a layer, transposed": [
        "start, members 8, tile 1x1x4: 1x1x32 of 1x19",
        "start, members 8, tile 1x1x1: 1x1x5 of 1x19 masked",
    ],
    "a product of matrices": [
        "start, members 8, tile 4x1x1: 1x4x5 of 1x6 masked",
        "start, members 8, tile 2x1x1: 1x2x5 of 1x6 masked",
        "start, members 8, tile 1x1x1: 1x1x5 of 1x6 masked",
        "no sum, members 8, tile 1x1x1: 1x1x35 of 1x1 masked",
    ],
    "a layer, its weights last": [
        "start, terms 8, tile 1x4x1: 1x1x36 of 1x19 masked",
        "start, terms 8, tile 1x1x1: 1x1x1 of 1x19 masked",
    ],
    "a matrix for each vector": [
        "start, terms 8, tile 1x4x1: 1x3x4 of 1x19 masked",
        "start, terms 8, tile 1x2x1: 1x3x2 of 1x19 masked",
        "no sum, members 8, tile 1x1x1: 1x1x18 of 1x1 masked",
    ],
    "windows in each row": [
        "no sum, one 1, tile 1x1x1:  of ",
        "start, rows 8, tile 1x4x4: 1x1x4 of 1x9",
        "start, rows 8, tile 1x2x4: 1x1x2 of 1x9",
        "no sum, rows 8, tile 1x1x1:  of ",
        "rows, rows 8, tile 1x1x1: 1x1x1 of 1x1",
        "no sum, one 1, tile 1x1x1:  of ",
    ],
    "three loops, no vector": ["no sum, one 1, tile 1x1x1: 3x3x3 of 1x1"] * 2,
    "a column times a row": ["start, one 1, tile 1x1x1: 1x1x1 of 1x50"],
    "a row times a column": ["start, one 1, tile 1x1x1: 1x1x1 of 1x50"],
    "a long sum": [
        "no sum, members 8, tile 1x1x1: 1x1x40 of 1x1",
        "start, terms 8, tile 1x1x1: 1x1x1 of 1x40",
    ],
    "a sum of 50 products": ["start, terms 8, tile 1x1x1: 1x1x1 of 1x50 masked"],
    "operands in no order go through a table": [
        "no sum, members 8, tile 1x1x1: 1x1x41 of 1x1 masked",
        "no sum, one 1, tile 1x1x1: 41x1x1 of 1x1",
    ],
    "rows that are matrices, times one": [
        "no sum, one 1, tile 1x1x1:  of ",
        "start, rows 8, tile 1x4x4: 1x3x4 of 1x5",
        "start, rows 8, tile 1x2x4: 1x3x2 of 1x5",
        "no sum, rows 8, tile 1x1x1: 18x1x1 of 1x1",
        "rows, rows 8, tile 1x1x1: 1x1x1 of 1x1",
        "rows, rows 8, tile 1x1x1: 1x1x1 of 1x18",
        "no sum, one 1, tile 1x1x1:  of ",
    ],
    "rows that are matrices, one layer further": [
        "no sum, one 1, tile 1x1x1:  of ",
        "no sum, rows 8, tile 1x1x1: 15x1x1 of 1x1",
        "start, rows 8, tile 1x4x4: 1x3x4 of 1x5",
        "start, rows 8, tile 1x2x4: 1x3x2 of 1x5",
        "no sum, rows 8, tile 1x1x1: 18x1x1 of 1x1",
        "rows, rows 8, tile 1x1x1: 1x1x1 of 1x1",
        "rows, rows 8, tile 1x1x1: 1x1x1 of 1x18",
        "no sum, one 1, tile 1x1x1:  of ",
    ],
    "a batch, 6 units of 5": [
        "no sum, members 8, tile 1x1x1: 1x1x31 of 1x1 masked",
        "start, rows 8, tile 1x4x4: 1x1x4 of 1x5",
        "start, rows 8, tile 1x2x4: 1x1x2 of 1x5",
        "rows, rows 8, tile 1x1x1: 1x1x1 of 1x2",
        "rows, rows 8, tile 1x1x1: 1x1x1 of 1x6",
        "rows, rows 8, tile 4x4x1: 1x4x4 of 1x1",
        "rows, rows 8, tile 4x1x1: 1x4x1 of 1x1",
        "rows, rows 8, tile 2x4x1: 1x2x4 of 1x1",
        "rows, rows 8, tile 2x1x1: 1x2x1 of 1x1",
        "no sum, members 8, tile 1x1x1: 1x1x31 of 1x1 masked",
    ],
}


@pytest.mark.parametrize("name", SHAPES)
def test_tiles(name: str) -> None:
    """Four rows of a matrix, or four vectors, share what they read; the rest by twos and ones."""
    f, args, batched = PLANNED[name]
    found = statements(Passes(f, args, False, batched))
    assert [shape(c) for s in found for c in calls(s, TARGETS[0])] == SHAPES[name]


def test_what_python_computes_has_no_vectors() -> None:
    """A vector may have lanes to spare, which hold no operand: of members, of rows and in a sum."""
    with temporary_primitives():
        f = primitive("plan_shifted", lambda x: float(x) + 1.0, lambda m, y, x: (1.0,))
        for g, args, batched in (
            (lambda x: [f(a) for a in x[:37]], [V], ()),
            (lambda x: f(autograd.dot(x, x)), [V], (0,)),
            (lambda w, x: [f(z) for z in autograd.linear(x, w, [0.0] * 6)], [[V] * 6, V], ()),
        ):
            found = statements(Passes(g, args, False, batched))
            for s in found:
                own = isinstance(s, Merged) and any(op == "plan_shifted" for op, _ in s.steps)
                for call in calls(s, TARGETS[0]):
                    check_call(call)
                    assert (call.kind.width == 1) == own or call.kind.lanes == ""
                    assert call.kind.tile[2] == 1 or not own
            assert "plan_shifted" in str([s.steps for s in found if isinstance(s, Merged)])


def test_what_is_exact_is_not_summed_across_lanes() -> None:
    """A long sum runs one term at a time, and the mean over rows too."""
    f, args, _ = PLANNED["a sum of 50 products"]
    (call,) = [c for s in statements(Passes(f, args)) for c in calls(s, TARGETS[1])]
    assert shape(call) == "start, one 1, tile 1x1x1: 1x1x1 of 1x50"
    f, args, batched = PLANNED["a batch, 6 units of 5"]
    for exact in (False, True):
        found = statements(Passes(f, args, exact, batched))
        side = [
            c.kind.accesses[0].along
            for s in found
            for c in calls(s, TARGETS[exact])
            if c.kind.sums == "rows" and c.kind.tile[1] == 4
        ]
        assert side == [not exact] * 2, "four results side by side are written at once"


@pytest.mark.parametrize(
    ("n", "width"), [(2, 2), (3, 4), (4, 4), (5, 8), (8, 8), (9, 8), (1000, 8)]
)
def test_vectors_are_no_wider_than_the_numbers_are_many(n: int, width: int) -> None:
    """Half a vector does where half its lanes are enough."""
    loops = Passes(lambda x: [autograd.exp(a) for a in x], [[0.5] * max(n, 5)]).program.before
    loop = loops[0]._replace(members=(n,))
    program = Passes(lambda x: x, [[0.5]]).program._replace(before=[loop], after=[])
    (statement,) = merge(program).before
    assert [c.kind.width for c in calls(statement, TARGETS[0])] == [width]


def test_tables_are_as_wide_as_the_numbers() -> None:
    """In bytes, and in the space of rows a block apart."""
    f, args, _ = PLANNED["operands in no order go through a table"]
    for target in TARGETS:
        *_, last = statements(Passes(f, args, target.exact))
        (call,) = calls(last, target)
        want = [(5 + i * i * i % 41) * target.bits // 8 for i in range(41)]
        assert [np.array(table).tolist() for table in call.tables] == [want]
