"""Nothing right is called wrong, nothing wrong is passed, and what is wrong is named."""

import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
from gradient_cases import CASES, Case
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import (
    Program,
    domains,
    far_from_kinks,
    function_of,
    operand_names,
    programs,
)

from autograd import check_gradients, exp, grad, ieee, mul, sin
from autograd.elementwise import call
from autograd.primitives import TABLE, Primitive

# --- verdicts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_no_false_alarm_and_no_miss(case: Case) -> None:
    """The right gradient passes, the wrong one does not: noise, corners, jumps, poles, scales."""
    assert check_gradients(case.f, *case.args, gradient=case.right)
    assert not check_gradients(case.f, *case.args, gradient=case.wrong, raise_error=False)


def spoiled(p: Primitive, k: int, change: Callable[..., Any]) -> Primitive:
    """The primitive with another rule for operand k: change(m, partial, y, *operands)."""

    def partials(m: Any, y: Any, *xs: Any) -> tuple[Any, ...]:
        found = p.partials(m, y, *xs)
        if k >= len(found):  # the engine's own sums
            return found
        return (*found[:k], change(m, found[k], y, *xs), *found[k + 1 :])

    return p._replace(partials=partials)


@settings(max_examples=60)
@given(programs(size=8), st.data())
def test_a_partial_off_by_1e_minus_5_is_found(program: Program, data: st.DataObject) -> None:
    """One operand of one node of a random graph is enough, if the gradient depends on it."""
    step = data.draw(st.integers(0, len(program.steps) - 1))
    k = data.draw(st.integers(0, len(program.steps[step].operands) - 1))
    bad = spoiled(
        TABLE[program.steps[step].name],
        k,
        lambda m, d, y, *xs: None if d is None else m.mul(1.0 + 1e-5, d),
    )

    def f(leaves: Any) -> Any:
        place = iter(range(len(program.steps)))

        def function(name: str) -> Any:
            return (lambda *xs: call(bad, *xs)) if next(place) == step else function_of(name)

        return program(leaves, function)

    leaves = list(program.leaves)
    right, wrong = grad(program)(leaves), grad(f)(leaves)
    size = abs(program(leaves))
    assume(any(abs(a - b) > 1e-6 * abs(a) + 1e-9 * size for a, b in zip(right, wrong, strict=True)))
    assert not check_gradients(f, leaves, raise_error=False)


# --- rules that are wrong -------------------------------------------------------------------------


def points(p: Primitive, random: Random) -> list[float]:
    """Operands inside the domain, away from kinks."""
    n = p.arity or (5 if p.name == "dot" else 3)
    fixed = {"order": 1.0, "condition": 1.0}
    while True:
        xs = [
            fixed.get(name, low + (high - low) * random.uniform(0.15, 0.85))
            for name, (low, high) in zip(
                operand_names(p, n),
                [(max(low, -1.6), min(high, 1.9)) for low, high in domains(p, n)],
                strict=True,
            )
        ]
        if far_from_kinks(p, xs, 0.3):
            return xs


def faults(p: Primitive, xs: list[float], random: Random) -> Iterator[tuple[int, Any, str]]:
    """An operand, a change to its rule, and what must be said of it."""
    flows = p.partials(ieee, p.forward(*xs), *xs)
    names = operand_names(p, len(xs))
    moving = [k for k in range(len(xs)) if flows[k] is not None and names[k] != "order"]
    k = random.choice(moving)
    if flows[k]:
        yield k, lambda m, d, y, *xs: m.mul(2.0, d), "2 times too large"
        yield k, lambda m, d, y, *xs: m.mul(1.00003, d), "1.00003 times too large"
        yield k, lambda m, d, y, *xs: m.neg(d), "the sign is wrong"
        yield k, lambda m, d, y, *xs: None, "no gradient flows"
    yield k, lambda m, d, y, *xs: m.add(0.25, d), "a constant is off, it is 0.25 too large"
    yield k, lambda m, d, y, *xs: m.sub(d, m.mul(0.3, m.square(xs[k]))), "lacks the term 0.3 * "
    for j in moving:
        if flows[j] not in (flows[k], 0.0):
            other = p.partials
            yield k, lambda m, d, y, *xs: other(m, y, *xs)[j], "operands are swapped"
            break


@pytest.mark.parametrize("name", sorted(TABLE.keys() - {"stop_gradient"}))
def test_a_wrong_rule_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For each primitive and each kind of fault: primitive, operand and cause, inside a graph."""
    p, random = TABLE[name], Random(name)
    xs = points(p, random)
    fixed = [operand in ("order", "condition") for operand in operand_names(p, len(xs))]

    def f(zs: Any) -> Any:
        zs = [x if still else z for x, z, still in zip(xs, zs, fixed, strict=True)]
        y = call(TABLE[name], *zs)
        return exp(y) if name in ("sin", "mul") else sin(mul(0.5, y))

    for k, change, cause in faults(p, xs, random):
        monkeypatch.setitem(TABLE, name, spoiled(p, k, change))
        report = check_gradients(f, xs, raise_error=False)
        operand = p.operands[k].split("=")[0] if p.arity else str(k)
        assert not report.ok
        (sentence,) = [s for s in report.diagnosis if f"{name!r}, operand {operand}:" in s]
        assert cause in sentence


def test_a_rule_that_is_right_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that drops out of the graph gives right gradients and wrong second derivatives."""
    right = TABLE["sigmoid"]
    dropped = spoiled(right, 0, lambda m, d, y, a: m.stop_gradient(d))
    monkeypatch.setitem(TABLE, "sigmoid", dropped)

    def f(x: Any) -> Any:
        return exp(call(TABLE["sigmoid"], x))

    assert check_gradients(f, 0.4)
    report = check_gradients(f, 0.4, order=2, raise_error=False)
    assert not report.ok
    assert "primitive 'sigmoid'" in report.diagnosis[0]
    assert "taken out of the graph" in report.diagnosis[0]


# --- gradients written by hand --------------------------------------------------------------------

X = np.array([[0.2, -0.7, 0.3], [1.1, 0.4, -0.8], [-0.5, 0.9, 0.1], [0.6, -0.2, 1.3]])
Y = np.array([0.3, -0.2, 0.8, 0.1])
W = np.array([0.4, -0.3, 0.7])
M = np.array([[0.3, -0.2], [0.7, 0.1]])


def mean_loss(w: Any) -> Any:
    """Mean squares of a linear model on four rows."""
    return ((X @ w - Y) ** 2).mean()


def mean_gradient(w: Any) -> Any:
    """Its gradient."""
    return 2.0 * X.T @ (X @ w - Y) / 4.0


def changed(k: int, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The gradient with one component changed."""

    def gradient(w: Any) -> Any:
        g = mean_gradient(w)
        g[k] = change(g[k])
        return g

    return gradient


def matrix_loss(m: Any) -> Any:
    """A function of a matrix."""
    return (np.sin(m) * [[1.0, 2.0], [3.0, 4.0]]).sum()


def matrix_gradient(m: Any) -> Any:
    """Its gradient."""
    return np.cos(m) * [[1.0, 2.0], [3.0, 4.0]]


def chain(x: Any) -> Any:
    """Uses x[0] three times; takes floats and nodes."""
    return exp(x[0] * x[1]) + 3.0 * x[0] + sin(x[0])


def parts(x: Any) -> list[float]:
    """What flows to x[0]."""
    return [x[1] * math.exp(x[0] * x[1]), 3.0, math.cos(x[0])]


def second(x: Any) -> float:
    """The derivative by x[1]."""
    return x[0] * math.exp(x[0] * x[1])


AT = [0.3, 0.7]
BY_HAND: dict[str, Any] = {
    "sign": (mean_loss, W, lambda w: -mean_gradient(w), "the sign is wrong: each"),
    "factor": (mean_loss, W, lambda w: 2.5 * mean_gradient(w), "each is 2.5 times too large"),
    "half": (mean_loss, W, lambda w: mean_gradient(w) / 2.0, "each is 2 times too small"),
    "sum": (mean_loss, W, lambda w: 4.0 * mean_gradient(w), "each lacks the factor 0.25"),
    "constant": (mean_loss, W, lambda w: mean_gradient(w) + 0.1, "off by the same 0.1"),
    "nothing": (mean_loss, W, lambda w: 0.0 * w, "no gradient reaches argument[0]"),
    "one sign": (mean_loss, W, changed(1, lambda g: -g), "argument[1]: the sign is wrong"),
    "one lost": (mean_loss, W, changed(2, lambda g: 0.0), "no gradient reaches argument[2]"),
    "one factor": (mean_loss, W, changed(0, lambda g: 3 * g), "argument[0]: 3 times too large"),
    "nan": (mean_loss, W, changed(0, lambda g: math.nan), "argument[0]: the gradient is nan"),
    "reversed": (mean_loss, W, lambda w: mean_gradient(w)[::-1], "in reverse order"),
    "shifted": (mean_loss, W, lambda w: np.roll(mean_gradient(w), 1), "shifted by 1"),
    "swapped": (
        matrix_loss, M, lambda m: matrix_gradient(m)[:, ::-1] * [[1, 1], [0, 0]]
        + matrix_gradient(m) * [[0, 0], [1, 1]], "argument[0, 0] and argument[0, 1] are swapped",
    ),
    "transposed": (matrix_loss, M, lambda m: matrix_gradient(m).T, "the gradient is transposed"),
    "transposed lists": (
        lambda m: matrix_loss(np.array(m)), M.tolist(),
        lambda m: matrix_gradient(np.array(m)).T.tolist(), "the gradient is transposed",
    ),
    "upstream": (
        lambda x: exp(sin(x[0] * x[1])), AT,
        lambda x: [x[1] * math.cos(x[0] * x[1]), x[0] * math.cos(x[0] * x[1])],
        "derivative by the result of 'sin'",
    ),
    "overwritten": (
        chain, AT, lambda x: [parts(x)[2], second(x)], "used 3 times, and only one of its",
    ),
    "a part missing": (
        chain, AT, lambda x: [sum(parts(x)[1:]), second(x)], "contributions (0.863575) is missing",
    ),
    "a part twice": (
        chain, AT, lambda x: [sum(parts(x)) + 3.0, second(x)], "contributions (3) is counted twice",
    ),
    "not constant": (
        lambda x: 2.0 * x[0], AT, lambda x: [2.0, 0.5], "does not change with it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_a_wrong_gradient_is_explained(name: str) -> None:
    """Each of the classic mistakes of a gradient written by hand is called by its name."""
    f, x, gradient, cause = BY_HAND[name]
    report = check_gradients(f, x, gradient=gradient, raise_error=False)
    assert not report.ok
    assert cause in " ".join(report.diagnosis)


def test_the_sum_over_a_batch_in_place_of_the_mean() -> None:
    """Where the factor is a length in the arguments, that is said."""

    def f(w: Any, x: Any) -> Any:
        return np.tanh(x @ w).mean()

    def gradient(w: Any, x: Any, n: float = 1.0) -> Any:
        slope = 1.0 - np.tanh(x @ w) ** 2
        return x.T @ slope / n, np.outer(slope, w) / n

    assert check_gradients(f, W, X, gradient=lambda w, x: gradient(w, x, 4.0))
    report = check_gradients(f, W, X, gradient=gradient, raise_error=False)
    assert "the sum over the batch in place of the mean" in report.diagnosis[0]


def test_a_fault_in_many_numbers_is_traced_to_its_number() -> None:
    """Of 1,000 numbers blocks are checked; the one that is wrong is named all the same."""
    xs = [0.001 * k + 0.1 for k in range(1000)]

    def f(xs: Any) -> float:
        return math.fsum(x**3 for x in xs)

    def gradient(xs: Any) -> list[float]:
        return [3.0 * x * x * (1.001 if k == 617 else 1.0) for k, x in enumerate(xs)]

    report = check_gradients(f, xs, gradient=gradient, raise_error=False)
    assert [c.where for c in report.wrong] == ["argument[617]"]
    assert "argument[617]: 1.001 times too large" in report.diagnosis[0]
