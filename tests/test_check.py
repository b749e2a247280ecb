"""check_gradients: right gradients pass, wrong ones are explained, corners are corners."""

import math
import re
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pages
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import Program, programs

import autograd
from autograd import (
    Value,
    check_gradients,
    dot,
    error_by_step,
    exp,
    maximum,
    relu,
    sin,
    tanh,
    where,
)
from autograd.check.differences import complex_step, measure
from autograd.check.verdict import MOST_COORDINATES
from autograd.errors import GradientError, LengthError, OperandError, StructureError
from autograd.primitives import TABLE


@settings(max_examples=40)
@given(programs(size=8))
def test_right_gradients_pass(program: Program) -> None:
    """Random graphs, first and second derivatives, both modes."""
    assert check_gradients(program, list(program.leaves), order=2)


def f(x: Any) -> Any:
    """A foreign function: of plain floats."""
    return x[0] * math.sin(x[1]) + x[0] ** 2


def slope(x: Any) -> list[float]:
    """Its gradient."""
    return [math.sin(x[1]) + 2.0 * x[0], x[0] * math.cos(x[1])]


def diagnosis(function: Any, xs: Any, gradient: Any) -> str:
    """What is said of a wrong gradient."""
    report = check_gradients(function, xs, gradient=gradient, raise_error=False)
    assert not report.ok
    with pytest.raises(GradientError, match="wrong"):
        check_gradients(function, xs, gradient=gradient)
    return " ".join(report.diagnosis)


def test_hand_written_gradients() -> None:
    """Right ones pass to many digits; each classic mistake is named."""
    report = check_gradients(f, [1.0, 2.0], gradient=slope)
    assert report.worst is not None
    assert report.worst.off < 1e-9
    assert "sign is wrong" in diagnosis(f, [1.0, 2.0], lambda x: [-g for g in slope(x)])
    assert "3 times too large" in diagnosis(f, [1.0, 2.0], lambda x: [3.0 * g for g in slope(x)])
    assert "no gradient reaches argument[1]" in diagnosis(
        f, [1.0, 2.0], lambda x: [slope(x)[0], 0.0]
    )


def test_forgotten_accumulation_and_upstream() -> None:
    """With a function that also takes nodes, the graph tells what was forgotten."""

    def twice(x: Any) -> Any:
        return exp(x[0] * x[1]) + 3.0 * x[0]

    found = diagnosis(twice, [0.3, 0.7], lambda x: [3.0, x[0] * math.exp(x[0] * x[1])])
    assert "argument[0] is used 2 times" in found
    assert "+= in place of =" in found
    found = diagnosis(lambda x: tanh(x[0] * x[1]), [0.3, 0.7], lambda x: [x[1], x[0]])
    assert "upstream factor is missing" in found
    assert "'mul'" in found


@pytest.mark.parametrize("factor", [2.0, -1.0, 0.5])
def test_a_wrong_rule_is_found_by_name(factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A primitive whose rule is off is named, with the operand and the factor."""
    right = TABLE["tanh"]

    def wrong_tanh(x: Any) -> Any:
        rule = right._replace(partials=lambda m, y, a: (m.mul(factor, right.partials(m, y, a)[0]),))
        return autograd.value.apply(rule, x) if isinstance(x, Value) else autograd.tanh(x)

    report = check_gradients(
        lambda x: wrong_tanh(sin(x)) * x, 0.4, modes=["reverse"], raise_error=False
    )
    (sentence,) = report.diagnosis
    assert "primitive 'tanh', operand x" in sentence
    said = {2.0: "2 times too large", -1.0: "the sign is wrong", 0.5: "2 times too small"}
    assert said[factor] in sentence


CORNERS = {
    "relu": (relu, 0.0, (0.0, 1.0)),
    "abs": (autograd.abs, 0.0, (-1.0, 1.0)),
    "maximum": (lambda x: maximum(x, 2.0 * x - 1.0), 1.0, (1.0, 2.0)),
    "where": (lambda x: where(x > 0.5, 3.0 * x, 1.0 + x), 0.5, (1.0, 3.0)),
}


@pytest.mark.parametrize("name", CORNERS)
def test_corners_are_no_errors(name: str) -> None:
    """At a kink the slopes of both sides are given, and what lies between them is right."""
    function, at, expected = CORNERS[name]
    report = check_gradients(function, at)
    assert report.ok
    assert len(report.corners) == 2
    for corner in report.corners:
        assert corner.sides == pytest.approx(expected, abs=1e-6)
    assert "corner" in str(report)
    for outside in (expected[0] - 0.5, expected[1] + 0.5):
        assert not check_gradients(function, at, gradient=lambda x: outside, raise_error=False).ok


@pytest.mark.parametrize("distance", [1e-1, 1e-3, 1e-6])
def test_a_corner_nearby_is_no_false_alarm(distance: float) -> None:
    """Beside a corner the step becomes small enough to stay on its side."""
    for x, expected in ((distance, 1.0), (-distance, 0.0)):
        report = check_gradients(relu, x)
        assert report.ok
        assert report.corners == []
        assert report.comparisons[0].got == expected


def test_structures_of_arguments_and_results() -> None:
    """Nested arguments are named by their paths; of several results a combination is checked."""

    def outputs(params: Any, x: Any) -> Any:
        return {"a": dot(params["w"], x), "b": [exp(params["b"]), x[0] * x[1]]}

    report = check_gradients(outputs, {"w": [1.0, 2.0], "b": 0.1}, [0.5, -0.5])
    assert report
    names = {c.where for c in report.comparisons}
    assert {"argument 0['w'][1]", "argument 0['b']", "argument 1[0]"} <= names
    big = check_gradients(lambda xs: dot(xs, xs), [0.01 * k for k in range(200)])
    assert len(big.comparisons) == 2 * MOST_COORDINATES
    assert all("a direction in" in c.where for c in big.comparisons)


def test_nan_is_right_only_where_the_function_is_nan() -> None:
    """A gradient that is nan where the function is smooth is wrong."""
    broken = lambda x: [math.nan, slope(x)[1]]  # noqa: E731
    report = check_gradients(f, [1.0, 2.0], gradient=broken, raise_error=False)
    assert [c.where for c in report.wrong] == ["argument[0]"]


def test_bad_calls() -> None:
    """What cannot be checked is refused, with what to do."""
    with pytest.raises(ValueError, match="modes"):
        check_gradients(sin, 1.0, modes=["backward"])
    with pytest.raises(ValueError, match="order"):
        check_gradients(sin, 1.0, order=3)
    with pytest.raises(LengthError, match="number"):
        check_gradients(lambda x: 1.0, [])
    with pytest.raises(StructureError, match="built like"):
        check_gradients(f, [1.0, 2.0], gradient=lambda x: [1.0])


SMOOTH = {
    "exp": (math.exp, 1.0, math.e),
    "log": (math.log, 1e-3, 1e3),
    "sqrt": (math.sqrt, 1e-6, 500.0),
    "fast": (lambda x: math.sin(100.0 * x), 0.3, 100.0 * math.cos(30.0)),
    "large": (lambda x: 1e8 + x, 1.0, 1.0),
    "constant": (lambda x: 5.0, 0.0, 0.0),
    "steep": (lambda x: x**20, 1.0, 20.0),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_differences_know_how_far_they_are_off(name: str) -> None:
    """The error they state is above the error they make, and small; no corner is seen."""
    function, x, expected = SMOOTH[name]
    slope = measure(function, x)
    assert slope.kind == "smooth"
    for found in (slope.value, slope.left, slope.right):
        assert abs(found.value - expected) <= 4.0 * found.error
    assert slope.value.error <= 1e-8 * max(abs(expected), 1.0, 1e-5 * abs(function(x)))


def test_extrapolation_is_worth_its_name() -> None:
    """A smooth function is known to 1e-9 from a handful of points."""
    points: list[float] = []

    def counted(x: float) -> float:
        points.append(x)
        return math.exp(x)

    assert measure(counted, 1.0).value.value == pytest.approx(math.e, rel=1e-9)
    assert len(points) < 20


def test_complex_steps() -> None:
    """Exact to rounding where the function takes complex numbers, None where it does not."""
    assert complex_step(lambda z: z**3 / (1.0 + z), 2.0) == pytest.approx(28.0 / 9.0, rel=1e-15)
    assert complex_step(lambda z: math.sin(z), 1.0) is None  # type: ignore[arg-type]
    assert complex_step(lambda z: abs(z), 1.0) is None


def test_two_ways_to_one_number() -> None:
    """Modes agree to 1e-13, in many directions as well; what differs by 1e-9 is told."""

    def outputs(x: Any) -> Any:
        return [exp(x[0] * x[1]), dot(x, x), sin(x[2]) / x[0]]

    xs = [0.3, -0.7, 1.1, *[0.01 * k for k in range(70)]]
    for arguments in (xs[:3], xs):
        report = check_gradients(outputs, arguments, order=2)
        assert report.between_modes is not None
        assert report.between_modes <= 1e-13
        names = " ".join(a.what for a in report.agreements)
        assert "<J' u, v> and <u, J v>" in names
        assert "u' H v and v' H u" in names
        assert "H v, reverse and forward over reverse" in names

    def apart(x: Any) -> Any:
        return sin(x) * (1.0 + 1e-9 if isinstance(x, Value) else 1.0)

    report = check_gradients(apart, 0.4, raise_error=False)
    assert not report.wrong  # differences are not as fine as that
    assert not report.ok
    assert "<J' u, v> and <u, J v> at argument" in str(report)
    assert check_gradients(apart, 0.4, modes=["reverse"])


@pytest.mark.parametrize("modes", [["reverse"], ["forward"], ["forward", "reverse"]])
def test_second_derivatives_in_each_mode(modes: list[str]) -> None:
    """Reverse over reverse, forward over reverse, forward over forward: all right, all checked."""
    report = check_gradients(lambda x: exp(x[0]) * tanh(x[1]), [0.3, 0.4], order=2, modes=modes)
    names = {c.what for c in report.comparisons if c.what.startswith("second")}
    assert len(names) == len(modes)
    assert all(mode in " ".join(names) for mode in modes)


def test_gradients_in_any_form() -> None:
    """Lists, tuples and arrays of one shape are alike; another shape is refused."""
    for form in (list, tuple, np.array):
        assert check_gradients(f, [1.0, 2.0], gradient=lambda x, form=form: form(slope(x)))
    assert check_gradients(f, [1.0, 2.0], gradient=lambda x: np.array(slope(x), dtype=np.float32))
    with pytest.raises(StructureError, match="built like"):
        check_gradients(f, [1.0, 2.0], gradient=lambda x: np.array([slope(x)]))
    with pytest.raises(ValueError, match="finite"):
        check_gradients(f, [1.0, math.inf], gradient=slope)
    with pytest.raises(ValueError, match="Hessian"):
        check_gradients(f, [1.0, 2.0], gradient=slope, order=2)


def test_tolerances() -> None:
    """A tolerance that is given is kept, relative or absolute."""
    off = lambda x: [g * (1.0 + 1e-4) for g in slope(x)]  # noqa: E731
    assert not check_gradients(f, [1.0, 2.0], gradient=off, raise_error=False)
    assert check_gradients(f, [1.0, 2.0], gradient=off, rtol=1e-3)
    assert check_gradients(f, [1.0, 2.0], gradient=off, atol=1e-3)
    assert not check_gradients(f, [1.0, 2.0], gradient=off, rtol=1e-5, raise_error=False)


def test_notes() -> None:
    """A function of chance, and derivatives that are hardly known, are told of."""
    numbers = iter(range(10**9))

    def wavering(x: float) -> float:
        return math.sin(x) + 1e-2 * math.sin(1e4 * next(numbers))

    notes = " ".join(check_gradients(wavering, 0.7, gradient=math.cos).notes)
    assert "other numbers for the same arguments" in notes
    assert "known to no better than" in notes


def test_a_gradient_written_by_hand_is_of_one_number() -> None:
    """Of several results it would have to know the random weights; without it they are checked."""

    def several(x: Any) -> Any:
        return np.array([x[0], x[1] ** 2])

    with pytest.raises(LengthError, match=r"with gradient= f must give one number, but it gives 2"):
        check_gradients(several, np.array([3.0, 1.0]), gradient=lambda x: np.array([1.0, 2.0]))
    assert check_gradients(lambda x: [x[0] ** 2], [3.0], gradient=lambda x: [2.0 * x[0]])

    def wrong(x: Any) -> Any:
        return [autograd.stop_gradient(x[0]), x[1]]

    report = check_gradients(wrong, [3.0, 1.0], raise_error=False)
    assert "f gives 2 results: what is compared are derivatives of a random" in str(report)
    assert "random combination" not in str(check_gradients(several, np.array([3.0, 1.0])))


@pytest.mark.parametrize("nothing", [None, "text", 1j])
def test_who_gave_no_number_is_said(nothing: Any) -> None:
    """f, or the gradient that was written by hand."""
    with pytest.raises(OperandError, match=r"^f gave what is no number"):
        check_gradients(lambda x: nothing, 1.0)
    with pytest.raises(OperandError, match=r"^gradient gave what is no number"):
        check_gradients(lambda x: x * x, 1.0, gradient=lambda x: nothing)


def test_corners_that_cancel_are_named() -> None:
    """A rule knows its own corner alone: f is x*x, and the second derivative comes out as 0."""
    report = check_gradients(lambda x: autograd.abs(x) ** 2, 0.0, order=2, raise_error=False)
    assert any("'abs' is at a corner here, and f has none" in s for s in report.diagnosis)
    beside = check_gradients(lambda x: relu(x) * autograd.stop_gradient(x), 0.5, raise_error=False)
    assert not any("corner" in s for s in beside.diagnosis)


def test_pytest_shows_the_users_lines_alone() -> None:
    """Of a failing check none of the library's source is printed; of a failing f all of it."""
    with pytest.raises(GradientError) as failed:
        check_gradients(lambda x: x * x, 3.0, gradient=lambda x: x)
    assert {entry.path for entry in failed.traceback.filter(failed)} == {Path(__file__)}


# --- errors by step -------------------------------------------------------------------------------


def rational(x: Any) -> Any:
    """Takes floats, nodes and complex numbers."""
    return (x**3 + 2.0 * x) / (1.0 + x * x)


def test_errors_by_step_make_a_v() -> None:
    """Errors fall as h, central ones as h**2; rounding grows as 1/h, but not in a complex step."""
    found = error_by_step(rational, 0.7)
    at = {round(-4 * math.log10(h)): k for k, h in enumerate(found.steps)}
    forward, central, exact = (
        [values[at[4 * k]] for k in range(1, 17)]
        for values in (found.forward, found.central, found.complex)
    )
    for k in range(1, 5):  # steps of 1e-2 ... 1e-5
        assert forward[k] / forward[k - 1] == pytest.approx(0.1, rel=0.3)
    for k in range(1, 3):
        assert central[k] / central[k - 1] == pytest.approx(0.01, rel=0.3)
    for errors in (forward, central):  # epsilon over h
        assert 1e-17 < max(errors[k] * 10.0 ** -(k + 1) for k in range(8, 14)) < 1e-14
    assert max(exact[8:]) < 1e-15
    assert found.best["central"][1] < found.best["forward"][1] < 1e-6
    assert found.derivative == pytest.approx(autograd.grad(rational)(0.7), rel=1e-15)
    assert "central differences are best with a step near" in str(found)


def test_errors_by_step_of_a_foreign_function(tmp_path: Path) -> None:
    """One number among several, by path or place; the picture has its named arms."""
    by_path = error_by_step(f, [1.0, 2.0], where="argument[1]", gradient=slope)
    assert by_path.complex == ()
    assert by_path == error_by_step(f, [1.0, 2.0], where=1, gradient=slope)
    assert by_path.derivative == math.cos(2.0)
    without = error_by_step(f, [1.0, 2.0], where=1)
    assert without.derivative == pytest.approx(math.cos(2.0), rel=1e-10)
    with pytest.raises(LookupError, match=r"argument\[0\], argument\[1\]"):
        error_by_step(f, [1.0, 2.0], where="x")
    (axes,) = by_path.figure().axes
    said = [text.get_text() for text in axes.texts]
    assert {"∝ h", "∝ h²", "rounding ∝ 1/h"} <= set(said)
    assert by_path.save(tmp_path / "v.svg").read_text(encoding="utf-8").count("<svg") == 1
    assert by_path._repr_png_().startswith(b"\x89PNG")


def test_what_a_picture_of_errors_says_is_true() -> None:
    """At a corner no step is right, next to 0 no error is relative, and of nan there are none."""
    corner = error_by_step(relu, 0.0)
    (axes,) = corner.figure().axes
    assert axes.get_title(loc="left") == (
        "argument = 0: at a corner no step is right, for there are two slopes or none"
    )
    assert "best" not in str(corner)
    assert str(corner).endswith("two slopes or none")
    assert str(error_by_step(lambda x: x**1.5, 0.0)).endswith("f is defined on one side only")
    flat = error_by_step(lambda x: x * x, 0.0)
    assert "absolute errors" in str(flat)
    (axes,) = flat.figure().axes
    assert axes.get_ylabel() == "absolute error of the derivative"
    assert "long steps cut the curve short" in axes.get_title(loc="left")
    (axes,) = error_by_step(rational, 0.7).figure().axes
    assert axes.get_ylabel() == "relative error of the derivative"
    for g, x, found in ((autograd.log, -1.0, "nan"), (autograd.sqrt, 0.0, "inf")):
        with pytest.raises(ValueError, match=f"where f has a derivative, but .* it is {found}"):
            error_by_step(g, x)


# --- the page -------------------------------------------------------------------------------------


def test_the_page_on_checking_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The examples on docs/checking.md run, and print what stands there, but for rounding."""
    monkeypatch.chdir(tmp_path)
    compared = 0
    for printed, shown in pages.printed_and_shown(pages.page("checking"), capsys):
        small = r"[\d.]+e-\d\d"  # of rounding, which the machine's libm has a say in
        assert re.sub(small, "~", printed) == re.sub(small, "~", shown)
        compared += 1
    assert compared == 3
    assert (tmp_path / "steps.png").stat().st_size > 10_000


@given(st.floats(-50.0, 50.0), st.sampled_from([1.0, 0.125, 1e-3]))
def test_a_function_of_steps_is_flat(x: float, step: float) -> None:
    """Of results rounded to steps a gradient of 0 is right, whatever the slope across them.

    Not so near to the edge of a step that it shows in the differences closest to the point.
    """

    def rounded(x: float) -> float:
        return step * math.floor(math.sin(x) * 8.0 / step + 0.37)

    assume(rounded(x - 2e-5) == rounded(x + 2e-5))
    autograd.check_gradients(rounded, x, gradient=lambda _: 0.0)


@pytest.mark.parametrize(("factor", "offset"), [(8.0, 0.0), (1.0, 100.0), (1.0, -2.0)])
def test_float32_is_no_function_of_steps(factor: float, offset: float) -> None:
    """Of results in float32 a gradient of 0 is wrong, though nearest to the point they are flat.

    Where the slope is next to 0 that is hidden by the rounding.
    """

    def single(x: float) -> float:
        return float(np.float32(offset + factor * math.sin(x)))

    def passes(x: float, slope: float) -> bool:
        return check_gradients(single, x, gradient=lambda _: slope, raise_error=False).ok

    rng = Random(0)
    xs = [x for x in (rng.uniform(-3.0, 3.0) for _ in range(60)) if abs(math.cos(x)) > 0.1]
    assert sum(passes(x, 0.0) for x in xs) <= 1
    assert sum(passes(x, factor * math.cos(x)) for x in xs) >= len(xs) - 1


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e10, 1e12])
def test_rounding_is_no_step(offset: float) -> None:
    """Next to a large constant a function looks flat from near; a gradient of 0 is wrong there."""
    for x in (0.7, -2.3):
        with pytest.raises(autograd.GradientError):
            autograd.check_gradients(lambda x: offset + x * x, x, gradient=lambda _: 0.0)
