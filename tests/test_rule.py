"""An optimiser's rule by itself: the loops it becomes, what runs without a compiler, refusals."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from passes import same

import autograd
from autograd import LengthError, Packed, StructureError, Value, jit_rule
from autograd.compiler import rule as compiled_rule
from autograd.compiler.interpret import run_program
from autograd.compiler.loops import SPACE
from autograd.compiler.merge import _places
from autograd.compiler.rule import Rule, _for_all
from autograd.errors import MissingExtraError

# A rule, and how many numbers of state it has
RULES: dict[str, tuple[Callable[..., Any], int]] = {
    "descent": (lambda p, g, step, lr: (p - lr * g,), 0),
    "momentum": (lambda p, g, v, step, lr: (p - lr * (0.9 * v + g), 0.9 * v + g), 1),
    "of sums of products": (
        lambda p, g, v, u, step, lr: (
            p * g + v * u + lr * p + step,
            p * 2.0 + g * 3.0 + v * v,
            u - g,
        ),
        2,
    ),
    "with numbers that are one for all": (
        lambda p, g, v, step, lr: (
            p - g * lr / (1.0 - 0.9**step) + autograd.exp(lr) * autograd.sqrt(step),
            lr * step + step,
        ),
        1,
    ),
    "that forgets": (lambda p, g, v, step, lr: (2.0, lr), 1),
    "that exchanges": (lambda p, g, v, u, step, lr: (v, u, p), 2),
}


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("n", [1, 2, 9])
@pytest.mark.parametrize("name", RULES)
def test_loops_machine_code_and_interpreter_move_alike(name: str, n: int, exact: bool) -> None:
    """As the formula of plain numbers says, for each parameter; to the bit if exact."""
    f, states = RULES[name]
    rng = np.random.default_rng(n)
    arrays = [rng.normal(size=n) for _ in range(2 + states)]
    want = [
        list(column)
        for column in zip(*[f(*xs, 3.0, 0.25) for xs in np.transpose(arrays).tolist()], strict=True)
    ]

    def agrees(found: list[Any]) -> None:
        for got, expected in zip(found, want, strict=True):
            if exact:
                assert all(map(same, got.tolist(), expected))
            else:
                assert got == pytest.approx(expected, rel=1e-13)

    rule = Rule(f, states, n, "float64", exact)
    program = _for_all(rule.tape, n, states)
    given = [np.array([3.0, 0.25]), *arrays]
    results = [np.zeros(n) for _ in range(1 + states)]
    sizes = [program.once, 0, *[len(x) for x in (*given, *results)]]
    for loop in program.before:
        for access in (loop.result, *loop.operands):
            if access.literal is None:
                assert type(access.address) is int
                assert len(access.strides) == len(loop.members)
                space, places = _places(access, loop.members, ())
                assert 0 <= places.min() <= places.max() < sizes[space]
                assert access.address % SPACE > 1 or space > 0, "two numbers are taken"
        assert not loop.rows
    run_program(program, [*given, *results])
    agrees(results)
    for machine in (rule.machine, None):
        moved = [x.copy() for x in arrays]
        rule.machine = machine
        rule(moved, 3, 0.25)
        parameters, gradient, *state = moved
        agrees([parameters, *state])
        assert gradient.tolist() == arrays[1].tolist()


def test_a_rule_is_compiled_once_for_each_number_of_parameters() -> None:
    """Whatever their structure; none at all are not moved."""
    update = jit_rule(lambda p, g, step, lr: (p - lr * g,))
    one, two = np.ones(3), Packed.of([[1.0], [2.0, 3.0]])
    update(one, np.ones(3), step=1, lr=1.0)
    first = update.of(3)
    update(two, Packed.of([[1.0], [1.0, 1.0]]), step=1, lr=1.0)
    assert update.of(3) is first
    assert update.of(2) is not first
    assert two.flat.tolist() == [0.0, 1.0, 2.0]
    update(np.zeros(0), np.zeros(0), step=1, lr=1.0)
    assert len(update._compiled) == 2


def test_what_is_no_rule_is_refused() -> None:
    """Too few results, nodes of its own, and more than fits in one pass over the parameters."""
    zeros, ones = np.zeros(3), np.ones(3)
    w = Value(2.0)

    def long(p: Any, g: Any, step: Any, lr: Any) -> Any:
        for _ in range(300):  # two passes
            p = autograd.tanh(p + g)
        return (p,)

    for rule, states, message in (
        (lambda p, g, step, lr: (p, g), 0, "parameter and 0 numbers of state, but got 2"),
        (lambda p, g, v, step, lr: (p,), 1, "parameter and 1 numbers of state, but got 1"),
        (lambda p, g, step, lr: (p - w * g,), 0, "without Values of its own"),
        (long, 0, "fewer operations than"),
    ):
        with pytest.raises(ValueError, match=message):
            jit_rule(rule, states=states)(*[zeros] * (2 + states), step=1, lr=1.0)
    update = jit_rule(lambda p, g, v, step, lr: (p - lr * g, v), states=1)
    with pytest.raises(LengthError, match="expected 1 arrays of state, but got 0"):
        update(zeros, ones, step=1, lr=1.0)
    with pytest.raises(LengthError, match="expected 1 arrays of state, but got 2"):
        update(zeros, ones, zeros, zeros, step=1, lr=1.0)
    for arrays in ((zeros, ones, np.zeros(2)), (zeros, np.ones(4), ones), (zeros, [1.0], ones)):
        with pytest.raises(StructureError, match="flat arrays of 3 numbers of float64"):
            update(*arrays, step=1, lr=1.0)
    with pytest.raises(StructureError, match="flat arrays of 1 numbers"):
        update(2.0, ones, zeros, step=1, lr=1.0)
    assert zeros.tolist() == [0.0] * 3


def test_without_a_compiler_it_is_interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the notice that says so."""
    told = []

    def missing(*args: Any, **options: Any) -> Any:
        raise MissingExtraError("llvmlite is not installed")

    monkeypatch.setattr(compiled_rule, "Machine", missing)
    monkeypatch.setattr(compiled_rule, "warn_interpreted", told.append)
    parameters = np.ones(3)
    jit_rule(lambda p, g, step, lr: (p - lr * g,))(parameters, np.ones(3), step=1, lr=0.5)
    assert parameters.tolist() == [0.5] * 3
    assert [str(error) for error in told] == ["llvmlite is not installed"]
