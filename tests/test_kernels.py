"""Kernels by themselves: memory after a call is what its kind and its descriptor say, no more."""

import ctypes
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from passes import Passes
from test_llvm import check_declared
from test_plan import PLANNED, calls, statements

import autograd
from autograd import ieee
from autograd.compiler import llvm
from autograd.compiler.kernels import ACCESS, MEMBERS, TIMES, Kind, kernel
from autograd.compiler.loops import ROWS
from autograd.compiler.merge import Literal, Statement
from autograd.compiler.plan import Call, Target
from autograd.primitives import TABLE

pytest.importorskip("llvmlite")

TARGETS = [Target(64, 4, 16, False), Target(64, 2, 8, True), Target(32, 4, 16, False)]


def long(x: Any) -> Any:
    """So many steps that a kernel calls its functions."""
    for k in range(25):
        x = autograd.tanh(x * (1.0 + 0.125 * k))
    return x


EVERY: dict[str, Any] = {
    **PLANNED,
    "many steps": (lambda x: [long(a) for a in x[:5]], [[0.1] * 5], ()),
    "many steps for each row": (lambda x: long(autograd.dot(x, x)), [[0.1] * 3], (0,)),
}
SLACK = 80  # numbers on either side of what a call may touch


class Places:
    """Where each access of a call lies, in numbers."""

    def __init__(self, call: Call) -> None:
        self.kind, self.d = call.kind, call.descriptor.tolist()
        self.size = call.kind.bits // 8
        times = (1,) * TIMES if call.kind.places else tuple(self.d[:TIMES])
        self.members = list(product(*map(range, times[:3])))
        self.terms = list(product(*map(range, times[3:])))

    def __call__(self, k: int, m: int, t: int, row: int) -> tuple[int, int]:
        kind, access = self.kind, self.kind.accesses[k]
        if kind.places:
            space, place = kind.places[k]
        else:
            space, place, *strides, table = self.d[TIMES + ACCESS * k :][:ACCESS]
            place += sum(
                s * i for s, i in zip(strides, self.members[m] + self.terms[t], strict=True)
            )
            if access.table:
                entry = m if access.table == MEMBERS else m * len(self.terms) + t
                place += ctypes.c_int64.from_address(table + 8 * entry).value
        along = access.along and kind.lanes == "rows" and not (kind.sums == "rows" and k == 0)
        return space, place // self.size + (row if along else 0)


def computed(op: str, numbers: list[float]) -> float:
    if op == "fma":
        return numbers[0] * numbers[1] + numbers[2]
    result: float = TABLE[op].forward(*numbers) if op in TABLE else getattr(ieee, op)(*numbers)
    return result


def interpreted(call: Call, memory: dict[int, Any], rows: int) -> None:
    """Do slowly what a kernel does."""
    at, kind = Places(call), call.kind

    def get(k: int, m: int, t: int, row: int) -> float:
        literal = kind.accesses[k].literal
        if literal is not None:
            return literal.number
        space, i = at(k, m, t, row)
        return float(memory[space][i + SLACK])

    def put(k: int, m: int, row: int, x: float) -> None:
        space, i = at(k, m, 0, row)
        with np.errstate(all="ignore"):
            memory[space][i + SLACK] = x

    each = range(rows) if kind.lanes == "rows" or kind.sums == "rows" else range(1)
    for m in range(len(at.members)):
        if kind.sums == "rows":
            total = get(0, m, 0, 0)
            for row, t in product(each, range(len(at.terms))):
                total += get(1, m, t, row) * get(2, m, t, row)
            put(0, m, 0, total)
            continue
        for row in each:
            if kind.sums:
                total = get(0, m, 0, row) if kind.sums == "go on" else kind.start.number
                for t in range(len(at.terms)):
                    total += get(1, m, t, row) * get(2, m, t, row)
            first, values = 3 if kind.sums else 0, []
            inputs = first + len(kind.results)
            for op, operands in kind.steps:
                if op == "sum":
                    values.append(total)
                    continue
                numbers = [
                    x.number if isinstance(x, Literal)
                    else values[x] if x >= 0 else get(inputs - 1 - x, m, 0, row)
                    for x in operands
                ]  # fmt: skip
                values.append(computed(op, numbers))
            for k, step in enumerate(kind.results):
                put(first + k, m, row, values[step])


def memory_of(call: Call, rows: int, block: int) -> dict[int, Any]:
    """Numbers for all that a call touches, such that sums of products of them are exact."""
    at, kind = Places(call), call.kind
    most: dict[int, int] = {}
    for k, access in enumerate(kind.accesses):
        if access.literal is None:
            for m, t in product(range(len(at.members)), range(len(at.terms))):
                space, i = at(k, m, t, rows - 1)
                most[space] = max(most.get(space, 0), i + block)
    rng = np.random.default_rng(len(kind.steps))
    dtype = np.float64 if kind.bits == 64 else np.float32
    return {
        space: (rng.integers(-12, 13, n + 2 * SLACK) / 8.0).astype(dtype)
        for space, n in most.items()
    }


def run(code: llvm.Code, call: Call, memory: dict[int, Any], rows: int) -> None:
    spaces = np.zeros(max(memory) + 1, np.int64)
    for space, array in memory.items():
        spaces[space] = array[SLACK:].ctypes.data
    d = call.descriptor
    prototype = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    prototype(code.addresses[call.kind])(d.ctypes.data, spaces.ctypes.data, rows)


def check(found: list[Call], target: Target, rows: int) -> None:
    """All of memory, compared; of rows that fill no vector, what lies beyond them is free."""
    code = llvm.load({c.kind: (f"f{i}", *kernel(f"f{i}", c.kind)) for i, c in enumerate(found)})
    for call in found:
        text, declared = kernel("f", call.kind)
        check_declared("\n".join([*declared.values(), text]))
        memory = memory_of(call, rows, target.block)
        wanted = {space: array.copy() for space, array in memory.items()}
        before = {space: array.copy() for space, array in memory.items()}
        run(code, call, memory, rows)
        interpreted(call, wanted, rows)
        close = 1e-13 if target.bits == 64 else 2e-5
        for space, array in memory.items():
            if space == ROWS and call.kind.lanes == "rows" and call.kind.sums != "rows":
                at = Places(call)
                first = 3 if call.kind.sums else 0
                for k in range(first, first + len(call.kind.results)):
                    for m in range(len(at.members)):
                        where, i = at(k, m, 0, 0)
                        if where == ROWS:
                            wanted[space][i + SLACK + rows : i + SLACK + target.block] = np.nan
            fixed = ~np.isnan(wanted[space])
            untouched = fixed & (wanted[space] == before[space])
            assert np.array_equal(array[untouched], before[space][untouched])
            assert np.allclose(array[fixed], wanted[space][fixed], close, close), call.kind


@cache
def planned_statements(name: str, exact: bool) -> list[Statement]:
    f, args, batched = EVERY[name]
    return statements(Passes(f, args, exact, batched))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", EVERY)
def test_memory_after_a_call(name: str, target: Target) -> None:
    """Results are where they belong, and all else is as it was; of many rows, of one, of most."""
    found: dict[Kind, Call] = {}
    for s in planned_statements(name, target.exact):
        for call in calls(s, target):
            found.setdefault(call.kind, call)
    every = list(found.values())
    check(every, target, target.block)
    by_rows = [c for c in every if c.kind.lanes == "rows" or c.kind.sums == "rows"]
    for rows in (1, target.block - 1):
        check(by_rows, target, rows)
