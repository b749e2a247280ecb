"""jit_step: gradient and rule in one call, against the two taken one after the other."""

import warnings
from typing import Any

import numpy as np
import pytest

from autograd import (
    LengthError,
    MissingExtraError,
    Packed,
    TraceError,
    Value,
    dot,
    exp,
    jit,
    jit_rule,
    jit_step,
    sqrt,
    total,
    value_and_grad,
)
from autograd.compiler import llvm
from nn.optim import adam


def loss(params: Any, x: Any, y: Any) -> Any:
    """A neuron's squared error."""
    return (exp(dot(params["w"], x) + params["b"]) - y) ** 2


def loss_of_list(params: Any, xs: Any) -> Any:
    """Of any number of numbers: a program for each length, with constants of its own in memory."""
    n = len(xs)
    scales = [1.0 / (3.0 * n + k) for k in range(n)]
    terms = [params["w"][k % 3] * x + params["b"] for k, x in enumerate(xs)]
    return dot(terms, scales) ** 2


def rule(param: Any, grad: Any, m: Any, v: Any, step: Any, lr: Any) -> Any:
    """Adam."""
    return adam(param, grad, m, v, step, lr=lr, betas=(0.85, 0.99), eps=1e-8)


def start(dtype: str = "float64") -> tuple[Packed, list[Any]]:
    """Parameters, and the state of Adam."""
    params = Packed.of({"w": [0.1, -0.2, 0.3], "b": 0.5}, dtype)
    return params, [0.0 * params.flat, 0.0 * params.flat]


def apart(f: Any, batch: tuple[Any, ...], exact: bool, steps: int, *args: Any) -> Any:
    """The same steps by jit and jit_rule."""
    gradient = jit(value_and_grad(f), batch_argnums=batch, exact=exact)
    move = jit_rule(rule, states=2, exact=exact)
    params, state = start()
    losses = []
    for step in range(1, steps + 1):
        value, grads = gradient(params, *args)
        move(params, grads, *state, step=step, lr=0.1 / step)
        losses.append(value)
    return losses, params.flat.tolist(), [s.tolist() for s in state]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("rows", [0, 1, 5, 700])
def test_a_step_is_the_gradient_and_then_the_rule(exact: bool, rows: int) -> None:
    """One call has the bits of jit followed by jit_rule, for one sample and for batches."""
    rng = np.random.default_rng(rows)
    args: Any = ([0.3, 0.2, 0.1], 1.5)
    if rows:
        args = (rng.normal(size=(rows, 3)), rng.normal(size=rows))
    batch = (1, 2) if rows else ()
    step = jit_step(loss, rule, states=2, batch_argnums=batch, exact=exact)
    params, state = start()
    losses = [step(params, state, *args, step=k, lr=0.1 / k) for k in range(1, 6)]
    got = losses, params.flat.tolist(), [s.tolist() for s in state]
    assert got == apart(loss, batch, exact, 5, *args)


def test_programs_of_all_lengths_share_their_memory() -> None:
    """Steps of different structures may follow each other in any order, back and forth."""
    step = jit_step(loss_of_list, rule, states=2, exact=True)
    gradient = value_and_grad(loss_of_list)
    params, state = start()
    for k, n in enumerate([2, 40, 3, 40, 2, 1, 40, 3], 1):
        xs = [0.1 * j for j in range(n)]
        before = params.copy()
        wanted = gradient(before.tree, xs)
        moved = [
            rule(*numbers, k, 0.01)
            for numbers in zip(
                before.flat.tolist(),
                Packed.of(wanted[1]).flat.tolist(),
                *[s.tolist() for s in state],
                strict=True,
            )
        ]
        assert step(params, state, xs, step=k, lr=0.01) == wanted[0]
        assert [params.flat.tolist(), *[s.tolist() for s in state]] == list(
            map(list, zip(*moved, strict=True))
        )


def test_a_step_follows_arrays_and_values_wherever_they_are() -> None:
    """Other parameters, another sample and captured Values are read afresh at each call."""
    scale = Value(1.0)
    step = jit_step(
        lambda p, x: (p[0] * x * scale - 1.0) ** 2, lambda p, g, step, lr: (p - lr * g,)
    )
    for start_at, x, factor in [(1.0, 2.0, 1.0), (3.0, 2.0, 0.5), (-1.0, -4.0, 2.0)]:
        params, scale.data = Packed.of([start_at]), factor
        off = start_at * x * factor - 1.0
        assert step(params, [], x, step=1, lr=0.5) == pytest.approx(off**2)
        assert params.flat[0] == pytest.approx(start_at - off * x * factor)


def take_away_llvmlite(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where it is not installed: what is compiled from here on is interpreted."""

    def missing() -> None:
        raise MissingExtraError("none")

    monkeypatch.setattr(llvm, "binding", missing)


@pytest.mark.parametrize("without_llvmlite", [False, True])
def test_a_step_to_nowhere_is_not_taken(
    without_llvmlite: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss or a gradient that is nan or infinite raises, and parameters and state stay."""
    if without_llvmlite:
        take_away_llvmlite(monkeypatch)
    step = jit_step(loss, rule, states=2)
    params, state = start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the one notice, which may have been given already
        first = step(params, state, [1.0, 2.0, 3.0], 0.0, step=1, lr=0.1)
    assert first > 0.0
    before = params.flat.tolist(), [s.tolist() for s in state]
    for bad in ([1e200, 1.0, 1.0], [float("nan"), 1.0, 1.0]):
        with pytest.raises(FloatingPointError, match="not moved"):
            step(params, state, bad, 0.0, step=2, lr=0.1)
        assert (params.flat.tolist(), [s.tolist() for s in state]) == before
    assert step(params, state, [1.0, 2.0, 3.0], 0.0, step=2, lr=0.1) < first


@pytest.mark.parametrize("interpreted", [False, True])
def test_a_loss_or_a_gradient_alone_may_be_infinite(
    interpreted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Either is enough not to move, of whichever parameter."""
    if interpreted:
        take_away_llvmlite(monkeypatch)
    losses: list[Any] = [
        lambda p, x: p[0] * 2.0 + p[1] + x,
        lambda p, x: sqrt(p[0] - x) + p[1],
        lambda p, x: p[0] + sqrt(p[1] - x),
    ]
    for f, bad in zip(losses, (float("inf"), 1.0, 1.0), strict=True):
        step = jit_step(f, lambda p, g, step, lr: (p - lr * g,))
        params = Packed.of([1.0, 1.0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert np.isfinite(step(params, [], 0.0, step=1, lr=0.0))
        with pytest.raises(FloatingPointError, match="not moved"):
            step(params, [], bad, step=2, lr=0.1)
        assert params.flat.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("n", [1, 8, 9, 40, 65])
def test_each_gradient_is_looked_at(n: int) -> None:
    """Wherever among many the one is that is not finite."""
    params = Packed.of([1.0] * n)
    step = jit_step(
        lambda p, x: total([sqrt(a - y) for a, y in zip(p, x, strict=True)]),
        lambda p, g, step, lr: (p - lr * g,),
    )
    for k in range(n):  # the loss is finite
        with pytest.raises(FloatingPointError, match="not moved"):
            step(params, [], [1.0 if i == k else 0.0 for i in range(n)], step=1, lr=0.1)
    assert params.flat.tolist() == [1.0] * n


@pytest.mark.parametrize("interpreted", [False, True])
def test_steps_with_and_without_machine_code_agree(
    interpreted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is told its number and rate, and moves parameters and every state."""
    if interpreted:
        take_away_llvmlite(monkeypatch)

    def counting(p: Any, g: Any, a: Any, b: Any, step: Any, lr: Any) -> Any:
        return p - lr * g, a + step, b - g * lr

    step = jit_step(lambda p, x: p["w"] * x[0] + p["b"] * x[1], counting, states=2, batch_argnums=1)
    params, state = Packed.of({"w": 2.0, "b": 3.0}), [np.zeros(2), np.ones(2)]
    w, b = 2.0, 3.0
    for k, rows in enumerate([1, 3, 3, 2], 1):
        xs = np.array([[1.0 * k, 0.5]] * rows)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert step(params, state, xs, step=k, lr=0.5) == w * k + b * 0.5
        w, b = w - 0.5 * k, b - 0.25
        assert params.flat.tolist() == [w, b]
        assert state[0].tolist() == [k * (k + 1) / 2] * 2
        assert state[1].tolist() == [w - 1.0, b - 2.0]


def test_a_step_without_parameters_is_refused() -> None:
    """An empty structure has nothing to move; one of one number has."""
    step = jit_step(lambda p, x: x * 1.0, lambda p, g, step, lr: (p - lr * g,))
    with pytest.raises(LengthError, match="at least one parameter"):
        step(Packed.of([]), [], 1.0, step=1, lr=0.1)
    assert step(Packed.of([1.0]), [], 1.0, step=1, lr=0.1) == 1.0


def test_a_step_refuses_what_it_cannot_change_in_place() -> None:
    """Parameters must be packed and of the dtype, the state as many flat arrays, all writable."""
    step = jit_step(loss, rule, states=2)
    params, state = start()
    args = ([1.0, 2.0, 3.0], 0.0)
    with pytest.raises(TypeError, match=r"Packed\.of"):
        step({"w": [1.0, 2.0, 3.0], "b": 0.0}, state, *args, step=1, lr=0.1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2 arrays of state"):
        step(params, state[:1], *args, step=1, lr=0.1)
    with pytest.raises(TypeError, match="float64"):
        step(params, [state[0], state[1].astype("float32")], *args, step=1, lr=0.1)
    with pytest.raises(TypeError, match="float64"):
        step(start("float32")[0], state, *args, step=1, lr=0.1)
    with pytest.raises(TypeError, match="one number"):
        jit_step(lambda p: p["w"], rule, states=2)(params, state, step=1, lr=0.1)
    with pytest.raises(TraceError, match="where"):
        jit_step(lambda p: 1.0 if p["b"] > 0.0 else 2.0, rule, states=2)(
            params, state, step=1, lr=0.1
        )


def test_vanished_state_is_no_slower_than_none() -> None:
    """Means that have decayed to subnormal numbers are taken for 0 by the rule, unless exact."""
    if not llvm.is_x86():
        pytest.skip("other processors are as fast with them")
    for exact in (False, True):
        step = jit_step(lambda p: 0.0 * p[0], rule, states=2, exact=exact)
        params, state = Packed.of([1.0]), [np.full(1, 5e-310), np.full(1, 1.0)]
        step(params, state, step=5, lr=0.1)
        assert (state[0][0] != 0.0) == exact
