"""Trusting a gradient: held against differences, with a diagnosis if it is wrong.

differences.py takes derivatives by differences, each with its error, for noise.py knows how much f
trembles; problem.py makes of a function of nested numbers one of a flat list, and judges what is
said of its slopes; verdict.py asks all modes; diagnosis.py and patterns.py say why a gradient is
wrong; comparison.py is what comes back. stepsizes.py shows how the error of a difference depends on
its step.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograd.check.comparison import Agreement as Agreement
    from autograd.check.comparison import Comparison as Comparison
    from autograd.check.comparison import GradientReport as GradientReport
    from autograd.check.stepsizes import StepErrors as StepErrors


def check_gradients(
    f: Callable[..., Any],
    *args: Any,
    gradient: Callable[..., Any] | None = None,
    order: int = 1,
    modes: Sequence[str] = ("reverse", "forward"),
    rtol: float | None = None,
    atol: float = 0.0,
    seed: int = 0,
    raise_error: bool = True,
) -> "GradientReport":
    """Hold the gradient of f at these arguments against differences.

    f: a function of numbers in nested lists, tuples, dicts or arrays; of several results a random
        combination is checked. Without `gradient`, f must take autograd's numbers.
    gradient: a hand-written gradient of any f of floats to one: gradient(*args) gives what is built
        like the argument, or like the tuple of all. It is checked in place of the modes.
    order: 2 checks the second derivatives as well. modes: "reverse", "forward" or both, which are
        then also held against each other (to 1e-13 relative: the dot-product test).
    rtol, atol: how far a derivative may be off, relative to its size (by default 1e-7, of a
        gradient in float32 2e-5) and at all. What differences cannot tell comes on top.
    raise_error: whether a gradient that is wrong raises GradientError, an AssertionError, with the
        diagnosis; otherwise look at the report's `ok`.
    Corners are no errors: a gradient between the slopes of both sides is right; and where the first
    derivative jumps, a second one is a convention, which a note tells.
    Raises StructureError for a gradient that is not built like the arguments, LengthError,
    OperandError, ValueError.
    """
    # here, so that `import autograd` does not pay for what only a check needs
    from autograd.check.verdict import check

    __tracebackhide__ = True  # of pytest
    return check(f, args, gradient, order, modes, rtol, atol, seed, raise_error)


def error_by_step(
    f: Callable[..., Any],
    *args: Any,
    where: str | int = 0,
    gradient: Callable[..., Any] | None = None,
    seed: int = 0,
) -> "StepErrors":
    """How the error of plain differences depends on their step: print it, or `.figure()`.

    Forward, central and complex differences with steps from 1e-1 to 1e-16, beside the derivative
    (reverse mode's, or `gradient`'s; of a function that takes no Values, by extrapolation).
    f, args, gradient, seed: as in `check_gradients`.
    where: the argument's number, by its path, such as "argument 0['w'][2]", or counted from 0.
    Raises LookupError if there is no such number, ValueError if the derivative is nan or infinite.
    """
    from autograd.check.stepsizes import errors

    return errors(f, args, where, gradient, seed)


def __getattr__(name: str) -> Any:
    """The classes of what comes back."""
    if name in ("Agreement", "Comparison", "GradientReport"):
        from autograd.check import comparison

        return getattr(comparison, name)
    if name == "StepErrors":
        from autograd.check.stepsizes import StepErrors

        return StepErrors
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
