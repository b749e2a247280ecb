"""The namespace of vectormath over NumPy arrays: every operation rounded once, and counted."""

from collections import Counter
from typing import Any

import numpy as np

from autograd import ieee


def _exact_product(a: Any, b: Any) -> list[Any]:
    """Numbers whose sum is a * b exactly: both are cut into halves of at most 27 bits."""
    cut = np.uint64(2**64 - 2**27)
    a_high, b_high = ((x.view(np.uint64) & cut).view(np.float64) for x in (a, b))
    a_low, b_low = a - a_high, b - b_high
    halves = [(a_high, b_high), (a_high, b_low), (a_low, b_high), (a_low, b_low)]
    return [np.longdouble(p) * np.longdouble(q) for p, q in halves]


def _rounded(wide: Any, rest: Any, narrow: Any) -> Any:
    """wide + rest rounded once, `rest` being less than the last place of `wide`.

    Only if `wide` is halfway between two narrow numbers does the rest decide between them.
    """
    near = wide.astype(narrow)
    beyond = wide + (wide - near)
    other = beyond.astype(narrow)
    halfway = (other == beyond) & (other != near)
    return np.where(halfway & (rest * (wide - near) > 0), other, near)


class Vectors:
    """`m` for arrays of float64 or float32.

    garbage: what power_of_two, exponent and mantissa give out of their range.
    """

    def __init__(self, bits: int, garbage: float = 17.0) -> None:
        self.bits = bits
        self.garbage = garbage
        self.float = {64: np.float64, 32: np.float32}[bits]
        self.int = {64: np.int64, 32: np.int32}[bits]
        self.fraction, self.bias = {64: (52, 1023), 32: (23, 127)}[bits]
        self.calls: Counter[str] = Counter()

    def __getattribute__(self, name: str) -> Any:
        attribute = object.__getattribute__(self, name)
        if callable(attribute) and not isinstance(attribute, type) and not name.startswith("_"):
            self.calls[name] += 1
        return attribute

    def _array(self, x: Any) -> Any:
        return np.asarray(x, self.float)

    # fmt: off
    def add(self, a: Any, b: Any) -> Any: return self._array(a) + self._array(b)
    def sub(self, a: Any, b: Any) -> Any: return self._array(a) - self._array(b)
    def mul(self, a: Any, b: Any) -> Any: return self._array(a) * self._array(b)
    def div(self, a: Any, b: Any) -> Any: return self._array(a) / self._array(b)
    def neg(self, a: Any) -> Any: return -self._array(a)
    def abs(self, a: Any) -> Any: return np.abs(self._array(a))
    def sqrt(self, a: Any) -> Any: return np.sqrt(self._array(a))
    def copysign(self, a: Any, b: Any) -> Any: return np.copysign(self._array(a), self._array(b))
    def round(self, a: Any) -> Any: return np.rint(self._array(a))
    def gt(self, a: Any, b: Any) -> Any: return self._array(a) > self._array(b)
    def ge(self, a: Any, b: Any) -> Any: return self._array(a) >= self._array(b)
    def lt(self, a: Any, b: Any) -> Any: return self._array(a) < self._array(b)
    def le(self, a: Any, b: Any) -> Any: return self._array(a) <= self._array(b)
    def eq(self, a: Any, b: Any) -> Any: return self._array(a) == self._array(b)
    def both(self, a: Any, b: Any) -> Any: return a & b
    def either(self, a: Any, b: Any) -> Any: return a | b
    # fmt: on

    def where(self, mask: Any, a: Any, b: Any) -> Any:
        return np.where(mask, self._array(a), self._array(b))

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        a, b, c = np.broadcast_arrays(self._array(a), self._array(b), self._array(c))
        plain, wide = a * b + c, np.longdouble if self.bits == 64 else np.float64
        if self.bits == 64:
            terms = _exact_product(np.ascontiguousarray(a), np.ascontiguousarray(b))
        else:
            terms = [np.float64(a) * np.float64(b)]  # exact in float64
        total, lost = wide(c), wide(0.0)
        for term in terms:
            # Knuth's sum of two, with what its rounding loses
            larger = total + term
            back = larger - total
            lost = lost + ((total - (larger - back)) + (term - back))
            total = larger
        exact = _rounded(total + lost, lost - ((total + lost) - total), self.float)
        return np.where(np.isfinite(exact) & (exact != 0.0), exact, plain)

    def _in_range(self, good: Any, result: Any) -> Any:
        return np.where(good, result, self._array(self.garbage))

    def power_of_two(self, k: Any) -> Any:
        k = self._array(k)
        good = (k > -self.bias) & (k <= self.bias)
        exponent = np.where(good, k, 0.0).astype(self.int) + self.bias
        power = np.left_shift(exponent, self.fraction).astype(self.int).view(self.float)
        return self._in_range(good, power)

    def _split(self, a: Any) -> tuple[Any, Any, Any]:
        a = self._array(a)
        good = (a >= np.finfo(self.float).tiny) & np.isfinite(a)
        f, e = np.frexp(np.where(good, a, 1.0))
        return good, self._array(f) * self.float(2.0), self._array(e - 1)

    def mantissa(self, a: Any) -> Any:
        good, f, _ = self._split(a)
        return self._in_range(good, f)

    def exponent(self, a: Any) -> Any:
        good, _, e = self._split(a)
        return self._in_range(good, e)

    def slow(self, mask: Any, name: str, x: Any, fast: Any) -> Any:
        result = np.array(fast)
        for i in zip(*np.nonzero(mask), strict=True):
            result[i] = getattr(ieee, name)(float(x[i]))
        return result
