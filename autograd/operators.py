"""x - y, x / y, x ** y, x < y ...: the operators of Values and dual numbers, from the table.

Only `Value + Value` and `Value * Value` are written out, in value.py, for speed.
"""

import operator
from collections.abc import Callable
from typing import Any

from autograd import ieee, modes
from autograd.elementwise import ELEMENTWISE, call, primal
from autograd.methods import Methods
from autograd.operands import operand
from autograd.primitives import TABLE, Primitive
from autograd.value import Value

BINARY = {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "pow": "pow"}
UNARY = ("neg", "abs")
COMPARISONS = ("lt", "le", "gt", "ge")


def _operand(x: Any) -> Any:
    """A node, a dual number or a float; NotImplemented for a type that may know better."""
    return x if hasattr(x, "__apply_primitive__") or type(x) is Value else operand(x)


def _binary(p: Primitive, reflected: bool) -> Callable[[Any, Any], Any]:
    forward, partials, name, new = p.forward, p.partials, p.name, object.__new__

    def method(self: Any, other: Any) -> Any:
        plain = type(self) is Value and not modes.open_blocks
        if type(other) is not Value and type(other) is not float:
            other = _operand(other)
            if other is NotImplemented:
                return NotImplemented
            plain = plain and type(other) is float
        a, b = (other, self) if reflected else (self, other)
        if not plain:
            return call(p, a, b)
        # `apply`, written out for two operands
        x = a.data if type(a) is Value else a
        z = b.data if type(b) is Value else b
        v = new(Value)
        v.data = y = forward(x, z)
        v.grad = 0.0
        v.op = name
        v.label = None
        v.a = a
        v.b = b
        da, db = partials(ieee, y, x, z)
        v.da = da if type(a) is Value else None
        v.db = db if type(b) is Value else None
        return v

    return method


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        other = _operand(other)
        if other is NotImplemented:
            return NotImplemented
        if type(self) is Value and modes.is_recording():  # on as a number of the traced function
            self = call(TABLE["identity"], self)
        return compare(primal(self), primal(other))

    return method


for _name, _primitive in BINARY.items():
    setattr(Methods, f"__{_name}__", _binary(TABLE[_primitive], reflected=False))
    setattr(Methods, f"__r{_name}__", _binary(TABLE[_primitive], reflected=True))
for _name in UNARY:
    setattr(Methods, f"__{_name}__", ELEMENTWISE[_name])
for _name in COMPARISONS:
    setattr(Methods, f"__{_name}__", _comparison(getattr(operator, _name)))
