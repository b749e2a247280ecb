"""Checks of answers: what is right passes, what is wrong is shown where, as small as possible."""

import math
import sys
from collections.abc import Callable
from typing import Any

import pytest

import autograd
from autograd import Value
from autograd.graph.drawing import Drawing
from nn.exercises import Verdict, check_derivative, check_function, check_number
from nn.exercises.functions import points


def cube(x: Any) -> Any:
    return x * x * x


# --- numbers, derivatives, functions --------------------------------------------------------------


def test_what_is_right_passes() -> None:
    """A true derivative agrees at every point, whatever kind of number it returns."""
    assert check_number(7, 7.0, "").passed
    assert check_number((1, 2), [1.0, 2.0], "").passed
    assert check_derivative(cube, lambda x: 3 * x**2).passed
    assert check_derivative(lambda a, b: a * b + a, lambda a, b: (b + 1, a)).passed
    assert check_derivative(cube, lambda x: Value(3.0) * x * x).passed
    assert check_function(lambda a, b: (a + b, a * b), lambda a, b: [a + b, a * b]).passed


@pytest.mark.parametrize(
    "verdict",
    [
        check_number(..., 1.0, ""),
        check_number((1.0, ...), (1.0, 2.0), ""),
        check_derivative(cube, ...),
        check_derivative(cube, lambda x: ...),
        check_derivative(cube, lambda x: None),
        check_derivative(lambda a, b: a * b, lambda a, b: (b, ...)),
    ],
)
def test_no_answer_is_not_a_wrong_answer(verdict: Verdict) -> None:
    """`...` anywhere, or a function that returns nothing yet, is told apart from a mistake."""
    assert verdict.passed is None
    assert str(verdict) == "not answered yet"


def test_a_wrong_number_is_given_the_hint() -> None:
    """The hint is shown, and not the answer."""
    verdict = check_number(3.0, 7.0, "Add what they bring.")
    assert verdict.passed is False
    assert verdict.text == "not yet. Add what they bring."
    assert check_number((1, 2, 3), (1, 2), "").text.endswith("2 numbers are asked for, not 3")


def test_a_wrong_derivative_is_answered_with_the_simplest_point() -> None:
    """3x for x**3 is right at 0 and 1, so the point is -1: with expression, numbers, picture."""
    verdict = check_derivative(cube, lambda x: 3 * x)
    assert verdict.passed is False
    assert verdict.text.splitlines() == [
        "not yet. At x = -1.0: the derivative by x is 3, yours is -3.",
        "    v1 = x * x = (-1.0) * (-1.0) = 1.0",
        "    y = v1 * x = 1.0 * (-1.0) = -1.0",
    ]
    assert isinstance(verdict.picture, Drawing)
    assert {node.grad for node in verdict.picture.view.nodes if node.label == "x"} == {3.0}


def test_no_simpler_point_would_do() -> None:
    """The point shown is the first of the list at which the two differ."""

    def wrong(a: float, b: float) -> tuple[float, float]:
        return (b, a if a * b < 4 else 0.0)

    verdict = check_derivative(lambda a, b: a * b, wrong)
    differing = [p for p in points(2) if p[0] * p[1] >= 4]
    assert verdict.text.startswith(f"not yet. At a = {differing[0][0]}, b = {differing[0][1]}:")
    assert differing[0] == (2.0, 2.0)


def test_points_go_from_simple_to_less_simple() -> None:
    """All of zeros and ones come before what has a 10 in it, and there are not too many."""
    assert points(1)[:4] == [(0.0,), (1.0,), (-1.0,), (2.0,)]
    assert points(2)[:3] == [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0)]
    assert all(len(points(n)) <= 2500 for n in range(1, 7))


def test_the_result_has_a_name_of_its_own() -> None:
    """An argument called y is not taken for the result."""
    text = check_derivative(lambda x, y: x * y, lambda x, y: (x, y)).text
    assert "z = x * y" in text


def test_an_error_is_a_counterexample() -> None:
    """math.exp(1000) raises where softplus is 1000: that is where the answer is wrong."""
    numbers = (0.0, 1.0, 1000.0)
    verdict = check_function(
        lambda x: autograd.softplus(x), lambda x: math.log1p(math.exp(x)), numbers
    )
    assert verdict.text.startswith("not yet. At x = 1000.0: the result is 1000; yours is an error")


def test_a_mistake_in_the_code_is_left_to_python() -> None:
    """A misspelt name or a missing argument is no wrong answer: its own message says it best."""
    with pytest.raises(NameError):
        check_derivative(cube, lambda x: xx)  # type: ignore[name-defined]  # noqa: F821
    with pytest.raises(TypeError, match="positional argument"):
        check_derivative(cube, lambda: 3.0)


def test_how_many_numbers_are_asked_for() -> None:
    """Two derivatives asked for, one given: it says which two."""
    text = check_derivative(lambda a, b: a * b, lambda a, b: b).text
    assert text.startswith("not yet: 2 numbers are asked for (the derivative by a, the derivative")


def test_points_without_a_derivative_are_left_out() -> None:
    """1/x at 0 is nobody's mistake; a function that is nowhere finite cannot be asked about."""
    assert check_derivative(lambda x: 1 / x, lambda x: -1 / x**2).passed
    with pytest.raises(autograd.LengthError, match="finite"):
        check_derivative(lambda x: autograd.log(x), lambda x: 1 / x, numbers=(0.0, -1.0))


@pytest.mark.parametrize("f", [lambda: 1.0, lambda *xs: xs[0], autograd.grad(cube)])
def test_a_function_without_named_arguments_is_refused(f: Callable[..., Any]) -> None:
    """Its arguments' names stand in the answer, so it must have some."""
    with pytest.raises(TypeError, match="named numbers"):
        check_derivative(f, lambda x: x)


def test_a_loop_without_end_is_stopped() -> None:
    """Also one that stands on a single line; and whoever traced before goes on tracing."""

    def stuck(x: float) -> float:
        while True: pass  # noqa: E701  # fmt: skip

    before = sys.gettrace()
    with pytest.raises(Exception, match="loop without end"):
        check_derivative(cube, stuck)
    assert sys.gettrace() is before


def test_a_verdict_shows_its_words_and_its_picture(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Jupyter the text is printed and the picture displayed below it."""
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    verdict = check_derivative(cube, lambda x: 3 * x)
    verdict._ipython_display_()
    assert capsys.readouterr().out == verdict.text + "\n"
    assert shown == [verdict.picture]
    check_number(1, 1, "")._ipython_display_()
    assert capsys.readouterr().out == "right!\n"
    assert len(shown) == 1
