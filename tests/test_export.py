"""What every export starts from, and how it is checked."""

from typing import Any

import numpy as np
import pytest

import autograd
from autograd import Value
from autograd.compiler.interpret import run_program
from autograd.errors import ExportError, LengthError, OperandError
from autograd.export import to_c, to_json, to_latex, to_python, to_sympy
from autograd.export.portable import Portable


def run_loops(portable: Portable) -> Any:
    """The function's loops, run one index at a time by the compiler's oracle."""
    rolled = portable.rolled

    def run(*arrays: Any) -> Any:
        inputs = [np.zeros(0), *arrays, portable.constants]
        outputs = [np.zeros(n) for n in rolled.output_widths]
        run_program(rolled.program, [*inputs, *outputs])
        return outputs[1:]

    return run


WEIGHTS = [Value(0.3), Value(-0.2)]


def loss(p: Any, x: Any) -> Any:
    return autograd.tanh(autograd.dot(p["w"], x) + WEIGHTS[0] * WEIGHTS[1]) * p["b"]


EXAMPLES: list[Any] = [{"w": [1.0, 2.0], "b": 0.5}, (3.0, 4.0)]


def test_arguments_become_flat_arrays() -> None:
    """Arguments and results have names, sizes, structures; captured Values are constants."""
    portable = Portable(loss, EXAMPLES, gradient=True)
    assert [(a.name, a.size) for a in portable.arguments] == [("p", 3), ("x", 2)]
    assert [(r.name, r.size) for r in portable.results] == [("value", 1), ("d_p", 3), ("d_x", 2)]
    assert portable.constants.tolist() == [0.3, -0.2]
    expected = autograd.value_and_grad(loss, (0, 1))(*EXAMPLES)
    assert portable.structured(run_loops(portable)(*portable.example)) == expected


def test_agreement_says_how_far_off() -> None:
    """The loops themselves are equal bit for bit; what is off by 3 ulp is told so, and where."""
    portable = Portable(loss, EXAMPLES, gradient=True)
    run = run_loops(portable)
    assert portable.agreement(run).ulp == 0.0

    def off(*arrays: Any) -> Any:
        results = run(*arrays)
        results[1][2] += 3 * np.spacing(results[1][2])
        return results

    found = portable.agreement(off)
    assert found.ulp == 3.0
    assert found.where == "d_p[2]"


def test_an_export_that_is_wrong_is_refused() -> None:
    """A wrong number, a nan, or a result of another size is an error, never a report."""
    portable = Portable(loss, EXAMPLES, gradient=False)
    run = run_loops(portable)
    for wrong in (
        lambda *a: [run(*a)[0] * 1.000001],
        lambda *a: [run(*a)[0] * np.nan],
        lambda *a: [np.zeros(2)],
    ):
        with pytest.raises(ExportError, match="value"):
            portable.agreement(wrong)


def test_no_numbers_no_export() -> None:
    """An example without numbers is refused."""
    with pytest.raises(LengthError, match="at least one number"):
        Portable(lambda x: 1.0, [[]], gradient=False)


def test_an_index_or_an_infinity_stays_where_it_is() -> None:
    """Arguments that cannot be moved a little are checked at the example."""
    rows = [[1.0, 2.0], [3.0, 4.0]]

    def chosen(k: Any, x: Any) -> Any:
        return autograd.dot(autograd.take(rows, k), [x, 2.0])

    for example in ([1.0, 0.5], [0.0, float("inf")]):
        portable = Portable(chosen, example, gradient=False)
        assert portable.agreement(run_loops(portable)).ulp == 0.0


def test_what_is_no_function_is_named() -> None:
    """A graph, or a number, in place of a function is a TypeError that says what goes where."""
    x = Value(2.0, "x")
    for write in (to_c, to_python, to_sympy, to_latex):
        given: Any = x * x
        with pytest.raises(TypeError, match=r"expected a function.*\(Value\).*to_json"):
            write(given)
    with pytest.raises(OperandError, match=r"expected a Value.*3\.0 \(float\)"):
        to_json(3.0)
