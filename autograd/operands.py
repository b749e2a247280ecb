"""What counts as a number, and what to answer to everything else."""

from numbers import Real
from typing import Any

from autograd.errors import OperandError


def operand(x: Any) -> Any:
    """A number as a float; NotImplemented for a foreign type; an error for what is no number."""
    if isinstance(x, (int, float)):
        return float(x)
    if x is None or isinstance(x, (str, bytes, complex, list, tuple, dict, set)) or _is_decimal(x):
        return as_float(x)
    return as_float(x) if isinstance(x, Real) or _is_numpy_bool(x) else NotImplemented


def as_float(x: Any) -> float:
    """A real number as a float64: int, float, bool, Fraction or a NumPy scalar.

    Raises OperandError for everything else, with what to write instead.
    """
    if type(x) is float:
        return x
    if isinstance(x, Real) or _is_numpy_bool(x):
        try:
            return float(x)
        except OverflowError:
            raise OverflowError(
                f"expected a number within float64's range, up to 1.8e308, but got one of type "
                f"{type(x).__name__} beyond it; math.inf is infinity"
            ) from None
    if type(x).__name__ == "Value":
        hint = "write v.data for its number"
    elif isinstance(x, (str, bytes)) or _is_decimal(x):
        hint = "convert it with float(...)"
    elif isinstance(x, complex):
        hint = "only real numbers can be differentiated here; use its .real and .imag"
    elif getattr(x, "shape", None) == ():
        hint = "write x.item() for the number in an array without axes"
    elif hasattr(x, "__len__") or hasattr(x, "__array__"):
        hint = "make one Value for each number, as in [Value(x) for x in xs]"
    else:
        hint = "give an int, a float, a bool, a Fraction or a NumPy scalar"
    raise OperandError(f"expected a real number, but got {x!r:.80} ({type(x).__name__}); {hint}")


def _is_numpy_bool(x: Any) -> bool:  # the one NumPy scalar that is not registered as a Real
    return type(x).__module__ == "numpy" and type(x).__name__ in ("bool", "bool_")


def _is_decimal(x: Any) -> bool:  # told by name, for importing decimal takes milliseconds
    return type(x).__module__ == "decimal"
