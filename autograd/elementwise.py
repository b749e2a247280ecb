"""exp(x), tanh(x), maximum(x, y) ...: one function for each entry of the table, and x.exp() too.

Made from the table at import; `elementwise.pyi`, generated from it by `make stubs`, tells editors
and type checkers what there is.

A function given plain numbers gives a float; a Value among them, a node; a nested list, tuple, dict
or NumPy array, the same structure with the function applied to each number (a single number beside
it goes with each). Another kind of number joins in by having a method
`__apply_primitive__(primitive, operands)`: dual numbers do.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from autograd import ieee, modes
from autograd.errors import StructureError
from autograd.methods import Methods
from autograd.operands import as_float
from autograd.primitives import TABLE, Primitive
from autograd.value import Value, apply

_CONTAINERS = (list, tuple, dict)


def call(p: Primitive, *operands: Any) -> Any:
    """The primitive on operands of any kind."""
    kinds = set(map(type, operands))
    if not kinds <= {float, Value}:
        for x in operands:
            if isinstance(x, _CONTAINERS) or _is_array(x):
                if p.arity is None:
                    raise StructureError(
                        f"{p.name} takes one flat list of numbers, but one of them is {x!r:.60}; "
                        "apply it to each row"
                    )
                return _spread(p, operands)
            if hasattr(x, "__apply_primitive__"):
                return x.__apply_primitive__(p, operands)
        operands = tuple([x if type(x) is Value else as_float(x) for x in operands])
    return apply(p, *operands) if Value in kinds else p.forward(*operands)


def primal(x: Any) -> Any:
    """The plain number inside a Value or a (nested) dual number; a traced one is plain already."""
    while type(x) is not float:
        if type(x) is Value:
            return x.data
        if hasattr(x, "primal"):
            x = x.primal
        elif hasattr(x, "__apply_primitive__"):
            return x
        else:
            x = as_float(x)
    return x


def _spread(p: Primitive, operands: tuple[Any, ...]) -> Any:
    """The primitive on each element of the structure; what is no structure goes with each."""
    for x in operands:
        if _is_array(x):
            import numpy as np

            each = np.frompyfunc(lambda *xs: call(p, *xs), len(operands), 1)
            result = each(*operands)
            floats = all(type(y) is float for y in result.flat)
            return result.astype(np.float64) if floats else result
    first = next(x for x in operands if isinstance(x, _CONTAINERS))
    keys = list(first) if isinstance(first, dict) else range(len(first))
    for x in operands:
        if not isinstance(x, _CONTAINERS):
            continue
        if isinstance(x, dict) != isinstance(first, dict) or len(x) != len(first):
            raise StructureError(
                f"{p.name} expected operands of one structure, but got {first!r:.60} and {x!r:.60}"
            )
        if isinstance(x, dict) and x.keys() != first.keys():
            raise StructureError(
                f"{p.name} expected the same keys, but got {list(first)!r:.60} and {list(x)!r:.60}"
            )
    results = [
        call(p, *[x[k] if isinstance(x, _CONTAINERS) else x for x in operands]) for k in keys
    ]
    if isinstance(first, dict):
        return dict(zip(keys, results, strict=True))
    return type(first)(results) if type(first) in (list, tuple) else results


def _is_array(x: Any) -> bool:
    return hasattr(x, "__array_ufunc__") and x.shape != ()


def function_of(p: Primitive) -> Callable[..., Any]:
    """The function of one entry, with the operands' names and defaults."""
    names = [name.split("=")[0] for name in p.operands]
    if len(names) == 1:
        forward, partials, name, new = p.forward, p.partials, p.name, object.__new__

        def function(x: Any) -> Any:
            if type(x) is not Value or modes.open_blocks:
                return call(p, x)
            # `apply`, written out for one operand: activations are a network's second cost
            a = x.data
            v = new(Value)
            v.data = y = forward(a)
            v.grad = 0.0
            v.op = name
            v.a = x
            v.da = partials(ieee, y, a)[0]
            v.label = v.b = v.db = None
            return v

    else:
        # the operands' names and defaults stand in the signature, as in a function written by hand
        text = ", ".join(p.operands)
        scope: dict[str, Any] = {"__name__": __name__, "_call": partial(call, p)}
        exec(f"def function({text}): return _call({', '.join(names)})", scope)
        function = scope["function"]
    function.__name__ = function.__qualname__ = p.name
    function.__doc__ = p.formula
    return function


ELEMENTWISE = {name: function_of(p) for name, p in TABLE.items() if p.arity is not None}
globals().update(ELEMENTWISE)

_OPERATORS = {"add", "sub", "mul", "div", "neg", "pow", "identity", "abs", "where", "polygamma"}
for _name, _f in ELEMENTWISE.items():
    if _name not in _OPERATORS:
        setattr(Methods, _name, _f)
# np.arcsin(a) on an object array calls the method x.arcsin() of each element
for _name in ("asin", "acos", "atan", "asinh", "acosh", "atanh", "atan2"):
    setattr(Methods, "arc" + _name[1:], ELEMENTWISE[_name])
