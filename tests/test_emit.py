"""What LLVM text is written from: arithmetic in lanes against NumPy, loops, and memory."""

import ctypes
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from test_llvm import check_declared
from vectors import Vectors

from autograd import ieee
from autograd.compiler import llvm
from autograd.compiler.emit import Code, Vector, literal

pytest.importorskip("llvmlite")

FLOAT: dict[int, Any] = {64: np.float64, 32: np.float32}
KINDS = [(64, 1), (64, 2), (64, 8), (32, 1), (32, 4), (32, 16)]
every_kind = pytest.mark.parametrize(("bits", "width"), KINDS)
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -3.5, 1e-3, 7e8, math.inf, -math.inf, math.nan, 1e300]
SPECIAL += [1 / 3, 0.1, -1e-310, 1e-40, 1 - 2.0**-24]
NORMAL = [1.0, 2.0, 3.75, 0.1, 1e-30, 7e8, 2.0**-120, 1.99999]


class Function:
    """A body that is written into `code`, of pointers %p0, %p1 ... and an i64 %n, to be called."""

    def __init__(self, pointers: int) -> None:
        self.code = Code()
        self.code.label("entry")
        self.pointers = pointers
        self.outlined: dict[str, str] = {}
        self.engine: Any = None

    def __call__(self, *arrays: Any, n: int = 0) -> None:
        if self.engine is None:
            names = [*[f"ptr %p{k}" for k in range(self.pointers)], "i64 %n"]
            head = f"define void @f({', '.join(names)}) {{"
            declared = {**self.code.declared, **self.outlined}
            lines = [*declared.values(), head, *self.code.lines, "  ret void", "}"]
            check_declared("\n".join(lines))
            self.engine = llvm._engine("\n".join([*lines, "attributes #0 = { nounwind }"]), True)
            kinds = [*[ctypes.c_void_p] * self.pointers, ctypes.c_int64]
            address = self.engine.get_function_address("f")
            self.run = ctypes.CFUNCTYPE(None, *kinds)(address)
        assert len(arrays) == self.pointers
        self.run(*[x.ctypes.data for x in arrays], n)


def lanewise(
    f: Callable[..., Any], columns: list[list[float]], bits: int, width: int, exact: bool = True
) -> Any:
    """What a formula gives for each row of operands; the last vector is filled up with ones."""
    made = Function(len(columns) + 1)
    code, m = made.code, Vector(made.code, bits, width, exact)
    with np.errstate(over="ignore"):
        arrays = [np.array(column, FLOAT[bits]) for column in columns]
    n = len(arrays[0])
    padded = [np.append(x, np.ones(-n % width, x.dtype)) for x in arrays]
    with code.loop("%n", width) as (i, _, _):
        at = [
            code.let(f"getelementptr {m.scalar}, ptr %p{k}, i64 {i}") for k in range(made.pointers)
        ]
        m.store(f(m, *[m.load(pointer) for pointer in at[:-1]]), at[-1])
    result = np.zeros_like(padded[0])
    made(*padded, result, n=n)
    return result[:n]


# name: the formula, over a Vector as over NumPy's namespace; how many operands
Formula = Callable[..., Any]
FORMULAS: dict[str, tuple[Formula, int]] = {
    name: (lambda m, *xs, name=name: getattr(m, name)(*xs), n)
    for n, names in enumerate(
        ["", "neg abs sqrt round", "add sub mul div copysign", "fma"],
    )
    for name in names.split()
}
FORMULAS |= {
    name: (lambda m, a, b, name=name: m.where(getattr(m, name)(a, b), a, 2.5), 2)
    for name in ("gt", "ge", "lt", "le", "eq")
}
FORMULAS |= {
    "both": (lambda m, a, b: m.where(m.both(m.gt(a, 0.0), m.gt(b, 0.0)), 1.0, 2.0), 2),
    "either": (lambda m, a, b: m.where(m.either(m.gt(a, 0.0), m.gt(b, 0.0)), 1.0, 2.0), 2),
    "constants": (lambda m, a: m.add(m.mul(a, 0.1), 1e300), 1),
    "constants first": (lambda m, a: m.sub(-1e300, m.div(1 / 3, a)), 1),
}


def bits_of(x: Any) -> list[Any]:
    """The numbers, told apart by their bits; but any nan is nan."""
    pairs = zip(x.tolist(), x.view(np.int64 if x.itemsize == 8 else np.int32).tolist(), strict=True)
    return [k if y == y else None for y, k in pairs]


@every_kind
@pytest.mark.parametrize("name", FORMULAS)
def test_arithmetic_has_the_bits_of_numpy(name: str, bits: int, width: int) -> None:
    """Each operation in each lane, of numbers and constants, is rounded once."""
    formula, n = FORMULAS[name]
    numbers = SPECIAL if n < 3 else [*NORMAL, -0.1, -7e8, 0.0]
    columns = [list(column) for column in zip(*itertools.product(numbers, repeat=n), strict=True)]
    got = lanewise(formula, columns, bits, width)
    with np.errstate(all="ignore"):
        operands = [np.array(column, FLOAT[bits]) for column in columns]
        want = np.asarray(formula(Vectors(bits), *operands), FLOAT[bits])
    assert bits_of(got) == bits_of(want)


@every_kind
def test_what_is_true_of_a_number(bits: int, width: int) -> None:
    """nan is told from numbers, and as in Python all but zeros are true, nan too."""
    with np.errstate(over="ignore"):
        numbers = np.array(SPECIAL, FLOAT[bits]).tolist()
    got = lanewise(lambda m, a: m.where(m.is_nan(a), 1.0, 0.0), [SPECIAL], bits, width)
    assert got.tolist() == [float(x != x) for x in numbers]
    got = lanewise(lambda m, a: m.where(m.truth(a), 1.0, 0.0), [SPECIAL], bits, width)
    assert got.tolist() == [float(bool(x)) for x in numbers]


@every_kind
def test_the_parts_of_a_float(bits: int, width: int) -> None:
    """Exponent and mantissa put together are the number; powers of two from end to end."""
    columns = [NORMAL]
    got = lanewise(lambda m, a: m.exponent(a), columns, bits, width).tolist()
    parts = [math.frexp(x) for x in np.array(NORMAL, FLOAT[bits]).tolist()]
    assert got == [e - 1 for _, e in parts]
    got = lanewise(lambda m, a: m.mantissa(a), columns, bits, width).tolist()
    assert got == [2.0 * f for f, _ in parts]
    bias = 1023 if bits == 64 else 127
    powers = [float(k) for k in (1 - bias, -1, 0, 1, 3, bias)]
    got = lanewise(lambda m, k: m.power_of_two(k), [powers], bits, width).tolist()
    assert got == [2.0**k for k in powers]


@every_kind
def test_functions_of_c_lane_by_lane(bits: int, width: int) -> None:
    """Each lane gets its own result, rounded once to the width of the numbers."""
    xs, ys = (
        [1.5, 2.0, 3.0, 0.1, 7.0, 9.0, 0.5, 1.0, 1.25],
        [2.0, 0.5, -1.0, 3.0, 1 / 3] + [1.5] * 4,
    )
    got = lanewise(lambda m, a, b: m.each("pow", a, b), [xs, ys], bits, width)
    rows = zip(np.array(xs, FLOAT[bits]).tolist(), np.array(ys, FLOAT[bits]).tolist(), strict=True)
    want = np.array([math.pow(a, b) for a, b in rows], FLOAT[bits])
    assert bits_of(got) == bits_of(want)


@every_kind
def test_the_slow_way_is_for_some_lanes(bits: int, width: int) -> None:
    """Lanes of the mask get the C function's result, also if they are few or all; others keep."""

    def formula(m: Any, a: Any) -> Any:
        fast = m.mul(a, 2.0)
        return m.add(m.slow(m.gt(a, 3.0), "exp", a, fast), 1.0)

    rng = np.random.default_rng(0)
    xs = [
        *np.where(rng.random(20 * width) < 1.5 / width, 4.0, 0.25),
        *[0.5] * width,
        *[4.0] * width,
    ]
    got = lanewise(formula, [xs], bits, width)
    want = [(FLOAT[bits](ieee.exp(x)) if x > 3.0 else FLOAT[bits](2.0 * x)) + 1 for x in xs]
    assert got.tolist() == np.array(want, FLOAT[bits]).tolist()


@every_kind
def test_what_is_outlined_is_the_formula(bits: int, width: int) -> None:
    """A formula as a function of its own gives the same, and is written once."""
    made = Function(3)
    code, m = made.code, Vector(made.code, bits, width, True)
    m.outlined = made.outlined
    a, b = m.load("%p0"), m.load("%p1")

    def formula(m: Any, a: Any, b: Any) -> Any:
        return m.sub(m.each("exp", a), m.mul(b, b))

    y = m.outline("two", formula, (a, b))
    m.store(m.add(y, m.outline("two", formula, (b, 0.5))), "%p2")
    assert len(made.outlined) == 1
    rng = np.random.default_rng(0)
    xs, ys, result = (rng.normal(size=width).astype(FLOAT[bits]) for _ in range(3))
    made(xs, ys, result)
    exp = [np.array([math.exp(x) for x in z.tolist()], FLOAT[bits]) for z in (xs, ys)]
    quarter = FLOAT[bits](0.25)
    assert result.tolist() == ((exp[0] - ys * ys) + (exp[1] - quarter)).tolist()
    assert "exp" in code.declared


def test_outlined_functions_are_told_apart() -> None:
    """By name, width, precision and exactness: each may be in one module with the others."""
    code = Code()
    outlined: dict[str, str] = {}
    for bits, width, exact in itertools.product((64, 32), (1, 4), (False, True)):
        m = Vector(code, bits, width, exact)
        m.outlined = outlined
        for name in ("one", "other"):
            m.outline(name, lambda m, a: m.neg(a), (1.0,))
    assert len(outlined) == 16


@every_kind
def test_the_first_lanes(bits: int, width: int) -> None:
    """Of any count, below 0 and beyond the width; memory of other lanes is left and not read."""
    made = Function(3)
    code, m = made.code, Vector(made.code, bits, width, True)
    mask = m.first("%n")
    if width > 1:
        m.store_masked(m.add(m.load_masked("%p0", mask), 1.0), "%p1", mask)
        m.store(m.load_masked("%p0", mask), "%p2")
    else:
        m.store(m.where(mask, m.add(m.load("%p0"), 1.0), m.load("%p1")), "%p1")
        m.store(m.where(mask, m.load("%p0"), 0.0), "%p2")
    xs = np.arange(1.0, width + 1.0).astype(FLOAT[bits])
    for count in range(-2, width + 3):
        kept, read = np.full(width, -7.0, FLOAT[bits]), np.full(width, -7.0, FLOAT[bits])
        made(xs, kept, read, n=count)
        n = min(max(count, 0), width)
        assert kept.tolist() == [*(xs[:n] + 1), *[-7.0] * (width - n)]
        assert read.tolist() == [*xs[:n], *[0.0] * (width - n)]
    assert code.lines


@every_kind
def test_one_number_in_every_lane(bits: int, width: int) -> None:
    """From memory, or from a register."""
    made = Function(3)
    m, one = (Vector(made.code, bits, w, True) for w in (width, 1))
    m.store(m.broadcast("%p0"), "%p1")
    m.store(m.spread(one.mul(one.load("%p0"), 2.0)), "%p2")
    single, double = np.zeros(width, FLOAT[bits]), np.zeros(width, FLOAT[bits])
    made(np.array([0.1, 5.0], FLOAT[bits]), single, double)
    assert single.tolist() == [FLOAT[bits](0.1)] * width
    assert double.tolist() == [FLOAT[bits](0.2)] * width


@every_kind
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("start", [None, -0.0, 0.25, 3e38, "register"])
def test_sums_of_lanes(bits: int, width: int, exact: bool, start: Any) -> None:
    """The start and all lanes; if exact, from the first to the last. Of nothing it is -0.0."""
    made = Function(3)
    m, one = Vector(made.code, bits, width, exact), Vector(made.code, bits, 1, exact)
    x = m.load("%p0")
    register = one.load("%p1")
    total = m.sum(x) if start is None else m.sum(x, register if start == "register" else start)
    one.store(total, "%p2")
    first = FLOAT[bits](-0.0 if start is None else 0.75 if start == "register" else start)
    rng = np.random.default_rng(width)
    result = np.zeros(1, FLOAT[bits])
    for xs in (np.full(width, -0.0), rng.normal(size=width), 10.0 ** rng.uniform(-9, 9, width)):
        lanes = xs.astype(FLOAT[bits])
        made(lanes, np.full(1, 0.75, FLOAT[bits]), result)
        want = first
        for y in lanes:
            want = want + y
        if exact:
            assert bits_of(result) == bits_of(np.array([want]))
        else:
            rounding = 2.0 * np.finfo(FLOAT[bits]).eps * np.abs([first, *lanes]).astype(float).sum()
            assert abs(float(result[0]) - float(want)) <= rounding * width
            assert math.copysign(1.0, result[0]) == math.copysign(1.0, want)


@pytest.mark.parametrize(("bits", "width"), [(64, 4), (64, 8), (32, 4), (32, 8), (32, 16)])
def test_sums_of_four_vectors(bits: int, width: int) -> None:
    """Each lane of the result is the sum of one of the four, with every lane in it once."""
    made = Function(2)
    m, four = (Vector(made.code, bits, w, False) for w in (width, 4))
    size = bits // 8
    xs = [made.code.let(f"getelementptr i8, ptr %p0, i64 {k * width * size}") for k in range(4)]
    four.store(m.sums_of_four([m.load(x) for x in xs]), "%p1")
    numbers = np.random.default_rng(0).integers(0, 1000, (4, width)).astype(FLOAT[bits])
    result = np.zeros(4, FLOAT[bits])
    made(numbers, result)
    assert result.tolist() == numbers.sum(axis=1).tolist()


@pytest.mark.parametrize("or_never", [False, True])
@pytest.mark.parametrize("step", [1, 3, "register"])
def test_loops(or_never: bool, step: Any) -> None:
    """Indices 0, step, 2 step ... below the count; what is carried goes from turn to turn."""
    made = Function(2)
    code, m = made.code, Vector(made.code, 64, 1, True)
    by = code.let("load i64, ptr %p1, align 8") if step == "register" else step
    with code.loop("%n", by, (("i64", "0"), ("double", "0x0")), or_never) as (i, (k, s), new):
        at = code.let(f"getelementptr double, ptr %p0, i64 {k}")
        x = m._cast("sitofp", i, "double", "i64")
        m.store(x, at)
        new += [code.let(f"add i64 {k}, 1"), m.add(s, m.add(x, 0.5))]
    turns, total = new
    code.do(f"store i64 {turns}, ptr %p1, align 8")
    slot = code.let("getelementptr double, ptr %p1, i64 1")
    m.store(total, slot)
    steps = 2 if step == "register" else step
    for n in range(0 if or_never else 1, 12):
        seen, last = np.full(20, -1.0), np.zeros(2, np.int64)
        last[0] = steps
        made(seen, last, n=n)
        want = list(range(0, n, steps))
        assert seen.tolist() == [*want, *[-1.0] * (20 - len(want))]
        assert last[0] == len(want)
        assert last.view(np.float64)[1] == sum(want) + 0.5 * len(want)


def test_loops_inside_loops() -> None:
    """What an inner loop ends with is what the outer one carries, whether or not it ran."""
    made = Function(1)
    code, m = made.code, Vector(made.code, 64, 1, True)
    with code.loop("%n", 1, (("double", "0x0"),), or_never=True) as (i, (s,), new):
        with code.loop(i, 1, (("double", s),), or_never=True) as (j, (t,), inner):
            inner.append(m.add(t, m._cast("sitofp", j, "double", "i64")))
        new.append(m.add(inner[0], 1.0))
    m.store(new[0], "%p0")
    for n in range(6):
        result = np.zeros(1)
        made(result, n=n)
        assert result[0] == n + sum(j for i in range(n) for j in range(i))


def test_constants_are_spelled_by_their_bits() -> None:
    """Of the double; for a float the nearest, and beyond its range infinity with the sign."""
    assert literal(1.0, 64) == "0x3FF0000000000000"
    assert literal(-0.0, 64) == literal(-0.0, 32) == "0x8000000000000000"
    assert literal(0.1, 32) == literal(float(np.float32(0.1)), 64) != literal(0.1, 64)
    for x in (1e300, -1e300):
        assert literal(x, 32) == literal(math.copysign(math.inf, x), 64)
    assert math.isnan(np.array([int(literal(math.nan, 64), 16)]).view(np.float64)[0])
