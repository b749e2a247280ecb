"""Programs in machine code by themselves: memory, addresses, moves of rows, rows of any number."""

import itertools
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from passes import Passes

import autograd
from autograd import jit
from autograd.compiler import llvm, machine
from autograd.compiler.machine import Machine, address

pytest.importorskip("llvmlite")


def loss(w: Any, x: Any) -> Any:
    return autograd.tanh(autograd.dot(w, x)) * 3.0 + autograd.exp(w[0])


def made(
    bits: int = 64, exact: bool = False, rows: int = 64, share: bool = False, f: Any = loss
) -> Machine:
    """The gradient of a loss of two weights and rows of two numbers: buffers w, x, results."""
    passes = Passes(autograd.value_and_grad(f), [[0.5, -0.5], [1.0, 2.0]], exact, (1,))
    widths = [*passes.widths, len(passes.tape.outputs)]
    return Machine(passes.program, widths, bits, exact, rows, 3, share)


def expected(w: Any, xs: Any) -> Any:
    y = np.tanh(xs @ w)
    value, slope = 3.0 * y.mean() + np.exp(w[0]), 3.0 * ((1.0 - y * y)[:, None] * xs).mean(axis=0)
    return [value, slope[0] + np.exp(w[0]), slope[1]]


# --- addresses ------------------------------------------------------------------------------------


def test_where_an_array_begins() -> None:
    """Of any array, one that may not be written, and a part of another."""
    array = np.arange(6.0)
    fixed = np.arange(6.0)
    fixed.flags.writeable = False
    for x in (array, fixed, array[2:], array.astype(np.float32), np.zeros(0)):
        assert address(x) == x.ctypes.data


rows_of_moves = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 1), st.integers(0, 9)), max_size=12
)
runs = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 3), st.integers(1, 4)),
    max_size=5,
).map(lambda found: [(i + k, b, p + k) for i, b, p, n in found for k in range(n)])


@settings(max_examples=60)
@given(rows_of_moves | runs)
def test_neighbours_are_moved_together(found: list[tuple[int, int, int]]) -> None:
    """Each number once and in order; no two moves that follow each other could be one."""
    moves = machine._moves(found, [10, 10])
    assert [(i + k, b, p + k) for i, b, p, n in moves for k in range(n)] == found
    for (i, b, p, n), (j, c, q, _) in itertools.pairwise(moves):
        assert (i + n, b, p + n) != (j, c, q)


def test_rows_are_counted_as_far_as_asked() -> None:
    """0, 1, 2 ... of at least so many, whichever was asked for before."""
    for n in (0, 1, 1024, 1025, 5000, 3, 5001):
        counting = machine._iota(n)
        assert len(counting) >= n
        assert np.array_equal(counting, np.arange(len(counting)))
        assert counting.dtype == np.int64


# --- memory ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize("rows", [0, 1, 5, 9, 16, 17, 40, 64, 127, 128, 1000])
def test_a_block_is_as_large_as_the_rows_need(bits: int, rows: int) -> None:
    """Vectors, doubled until all rows are in it; eight at most."""
    width = llvm.vector_bits() // bits
    block = made(bits, rows=rows).block
    assert block in [width, 2 * width, 4 * width, 8 * width]
    assert block >= min(rows, 8 * width)
    assert block == width or block < 2 * min(rows, 8 * width)


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize("offset", [0, 8, 24, 32, 56])
def test_working_memory_is_used_within_its_size(bits: int, offset: int) -> None:
    """From a vector's boundary to `memory_size`, wherever the memory given begins."""
    built = made(bits)
    size, dtype = built.memory_size, built.dtype
    around = np.full(size + 400, -77.0, dtype)
    begin = (-around.ctypes.data % 64 + 64 + offset) // dtype.itemsize
    memory = around[begin : begin + size]
    assert memory.ctypes.data % 64 == offset
    buffers = [np.zeros(n, dtype) for n in built.widths]
    inside, once, spaces = built.working_memory(buffers, memory)
    assert spaces.tolist()[2:] == [b.ctypes.data for b in buffers]
    assert spaces[1] % 64 == 0
    assert 0 <= spaces[1] - memory.ctypes.data < 64
    assert (spaces[0] - spaces[1]) == built.program.each_row * built.block * dtype.itemsize
    assert (once.ctypes.data, inside.ctypes.data) == (spaces[0], spaces[1])
    constants = built.program.constants
    assert once[: len(constants)].tolist() == np.array(constants, dtype).tolist()
    # what the program may write: both spaces whole
    assert len(once) >= built.program.once
    assert inside[-1:].ctypes.data + dtype.itemsize <= memory.ctypes.data + memory.nbytes
    assert np.all(around[:begin] == -77.0)
    assert np.all(around[begin + size :] == -77.0)


def test_memory_of_its_own_begins_where_vectors_do() -> None:
    """And holds all that the program needs."""
    for bits in (64, 32):
        built = made(bits)
        for _ in range(5):
            inside, once, spaces = built.working_memory([])
            assert inside.dtype == once.dtype == built.dtype
            assert len(once) >= built.program.once
            assert spaces[1] % 64 == 0


def test_what_is_the_callers_is_let_go() -> None:
    """Inputs stay in the machine's hands, for their addresses; results beyond the first do not."""
    f = jit(lambda a, x: (a * x, a + x), exact=True)
    a = np.arange(3.0)
    first, second = f(a, 2.0)
    assert max(sys.getrefcount(first), sys.getrefcount(second)) <= 2
    own = f._latest.machine
    (free,) = own._free
    held = free[2]
    assert [x is None for x in held] == [False] * (own.inputs + 1) + [True] * 2
    assert any(x is a for x in held)
    other = np.full(3, 7.0)
    assert f(other, 2.0)[0].tolist() == [14.0] * 3
    assert first.tolist() == [0.0, 2.0, 4.0]


def test_memory_of_a_call_serves_the_next() -> None:
    """One after the other they share it; a call during another has its own."""
    f = jit(lambda x: x * x + 1.0)
    for x in (1.0, 2.0, 3.0):
        assert f(x) == x * x + 1.0
    assert len(f._latest.machine._free) == 1


# --- runs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [False, True])
@pytest.mark.parametrize("bits", [64, 32])
def test_rows_in_any_order_and_number(
    bits: int, share: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of fewer than expected, of more, of a block and one; as they lie or as the order says."""
    monkeypatch.setattr(llvm, "addresses", {})  # what runs programs is written anew
    built = made(bits, share=share)
    rng = np.random.default_rng(0)
    w, xs = rng.normal(size=2).astype(built.dtype), rng.normal(size=(3000, 2)).astype(built.dtype)
    close = {64: 1e-13, 32: 2e-5}[bits]
    for rows in (1, 2, 7, 8, 9, 63, 64, 65, 129, 511, 512, 513, 1023, 2990):
        result = np.zeros(3, built.dtype)
        buffers = [w, xs, np.zeros(0, built.dtype), result]
        built.run(buffers, rows)
        assert result == pytest.approx(expected(w, xs[:rows]), abs=close)
        order = rng.integers(0, 3000, rows)
        built.run(buffers, rows, order)
        assert result == pytest.approx(expected(w, xs[order]), abs=close)


def test_large_batches_are_shared_and_only_where_they_may() -> None:
    """Not what is exact, nor what is asked not to be, nor what has a result for each row."""
    team_of = lambda m: m.descriptor[machine.PROGRAM.index("team")]  # noqa: E731
    assert team_of(made(share=True)) != 0
    assert team_of(made(share=False)) == 0
    assert team_of(made(exact=True, share=True)) == 0
    by_row = jit(lambda x: x * 2.0, batch_argnums=0, mean=False)
    assert by_row(np.arange(3.0)).tolist() == [0.0, 2.0, 4.0]
    assert team_of(by_row._latest.machine) == 0
    one = jit(lambda x: x * 2.0)
    assert one(1.0) == 2.0
    assert team_of(one._latest.machine) == 0
    many = jit(loss, batch_argnums=1)
    many([0.5, -0.5], np.ones((2, 2)))
    assert team_of(many._latest.machine) != 0


def test_what_a_shared_batch_sums() -> None:
    """Sums that are results, and sums on the way to them, are those of all rows and cores."""
    rng = np.random.default_rng(1)
    w, xs, ys = rng.normal(size=5), rng.normal(size=(2048, 5)), rng.normal(size=2048)

    def f(w: Any, x: Any, y: Any) -> Any:
        off = autograd.dot(w, x) - y
        return [off * off, x[0] * y, 2.0, autograd.tanh(off) + w[1]]

    value = jit(lambda w, x, y: f(w, x, y), batch_argnums=(1, 2))
    off = xs @ w - ys
    want = [(off * off).mean(), (xs[:, 0] * ys).mean(), 2.0, np.tanh(off).mean() + w[1]]
    for rows in (2048, 700, 513):
        off = xs[:rows] @ w - ys[:rows]
        want = [(off * off).mean(), (xs[:rows, 0] * ys[:rows]).mean(), 2.0]
        want.append(np.tanh(off).mean() + w[1])
        assert value(w, xs[:rows], ys[:rows]) == pytest.approx(want, rel=1e-12, abs=1e-13)


def test_the_text_of_the_kernels_is_what_llvm_reads() -> None:
    """Each kernel once, numbered, one after the other."""
    f = jit(lambda x: [autograd.dot(x[:20], x[20:]), *[a * 2.0 + 1.0 for a in x]], exact=True)
    f([1.0] * 40)
    text = f.explain().llvm
    kernels = len(f._latest.machine._code)
    assert kernels > 1
    assert [line.split("(")[0] for line in text.splitlines() if line.startswith("define")] == [
        f"define void @kernel_{k}" for k in range(kernels)
    ]
    llvm.binding().parse_assembly(f"{text}\nattributes #0 = {{ nounwind }}").verify()


def test_code_that_became_better_before_it_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine calls the best code there is, also if that came while the machine was made."""
    llvm.finish()
    monkeypatch.setattr(llvm, "LONG", 1)
    use = llvm.Code.use

    def late(code: llvm.Code, user: Any) -> None:
        llvm.finish()
        use(code, user)

    monkeypatch.setattr(llvm.Code, "use", late)
    f = jit(lambda x: [autograd.sin(x[0]) * 1.0625, x[1] - 7.5])
    assert f([0.0, 8.0]) == [0.0, 0.5]
    built = f._latest.machine
    assert any(code.is_long for code in built._code.values())
    for phase, now in zip(built.calls, built._lists, strict=True):
        assert now[:, 0].tolist() == [built._code[c.kind].addresses[c.kind] for c in phase]
