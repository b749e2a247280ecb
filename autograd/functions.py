"""Functions of many numbers: dot, linear, total, mean, prod, logsumexp, softmax, log_softmax.

Like those of one or two numbers (`elementwise.py`) they give a float for plain numbers and a node
as soon as one of the numbers is a Value.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from operator import mul
from typing import Any

from autograd import ieee, modes
from autograd.elementwise import call, primal
from autograd.errors import LengthError, StructureError
from autograd.ieee import left_sum
from autograd.primitives import TABLE
from autograd.value import Value

Number = Value | float
_PLAIN = {float, Value}
_new = object.__new__


def dot(weights: Iterable[Number], inputs: Iterable[Number], bias: Number = 0.0) -> Any:
    """The sum of weight times input, plus the bias, as one node with 2n + 1 parents.

    weights, inputs: n numbers each.
    Raises LengthError if there is not one weight for each input.
    """
    ws, xs = _sequence(weights), _sequence(inputs)
    _check_lengths(len(ws), xs)
    kinds = set(map(type, chain(ws, xs, (bias,))))
    # what is partly constant goes the general way: a constant gets no gradient
    nodes = kinds == {Value} or (
        kinds <= _PLAIN
        and set(map(type, ws)) == {Value}
        and len(set(map(type, xs))) == 1
        and (type(bias) is Value or type(xs[0]) is Value)
    )
    if nodes and not modes.is_recording():
        return _dot_nodes([_with_bias(ws, bias)], xs)[0]
    return call(TABLE["dot"], *ws, *xs, bias)


def linear(
    inputs: Sequence[Any], weights: Sequence[Sequence[Number]], biases: Sequence[Number]
) -> list[Any]:
    """A layer before its activation: for each unit `dot(weights[unit], inputs, biases[unit])`.

    inputs: [n_in], or a batch [rows, n_in]; weights: [n_out, n_in]; biases: [n_out].
    Gives [n_out], or [rows, n_out]. The same nodes as `dot` would make, for less: the weights are
    read once for the whole batch.
    Raises LengthError where the lengths do not fit.
    """
    if len(weights) != len(biases):
        raise LengthError(
            f"expected one bias for each unit, but got {len(biases)} for {len(weights)} units"
        )
    batch = _sequence(inputs)
    single = not (batch and _is_sequence(batch[0]))
    rows = [batch] if single else [_sequence(row) for row in batch]
    for n_in in {len(ws) for ws in weights}:
        for row in rows:
            _check_lengths(n_in, row)
    kinds = set(map(type, chain(*rows)))
    if kinds <= {float, int, bool} and kinds != {float}:
        rows, kinds = [list(map(float, row)) for row in rows], {float}
    nodes = kinds in ({float}, {Value}) and set(map(type, chain(biases, *weights))) == {Value}
    if nodes and not modes.is_recording():
        units = [_with_bias(ws, b) for ws, b in zip(weights, biases, strict=True)]
        out = [_dot_nodes(units, row) for row in rows]
    else:
        out = [[dot(ws, row, b) for ws, b in zip(weights, biases, strict=True)] for row in rows]
    return out[0] if single else out


def _with_bias(ws: Sequence[Any], bias: Any) -> tuple[tuple[Value, ...], list[float]]:
    """The operands (*weights, bias), and their numbers; a bias that is no node in these alone."""
    if type(bias) is Value:
        operands = (*ws, bias)
        return operands, [x.data for x in operands]
    return tuple(ws), [*[x.data for x in ws], bias]


def _dot_nodes(
    units: list[tuple[tuple[Value, ...], list[float]]], inputs: Sequence[Number]
) -> list[Value]:
    """One dot node for each unit, on the same inputs: all nodes, or all floats."""
    b: tuple[Any, ...] = ()
    if inputs and type(inputs[0]) is Value:
        b = tuple(inputs)
        da = (*[x.data for x in b], 1.0)
    else:
        da = (*inputs, 1.0)
    nodes = []
    recording = not (modes.open_blocks and modes.paused.get())
    for operands, data in units:
        v = _new(Value)
        v.data = left_sum(map(mul, data, da))
        v.grad = 0.0
        v.label = None
        if recording:
            v.op = "dot"
            v.a = operands
            v.da = da
            v.b = b
            v.db = data if b else ()
        else:
            v.op = v.a = v.b = v.da = v.db = None
        nodes.append(v)
    if modes.open_blocks and (watch := modes.watcher()) is not None:
        for v, (operands, data) in zip(nodes, units, strict=True):
            n = len(inputs)  # a bias that is no node is in the data alone
            watch.made(v, TABLE["dot"], (*operands[:n], *inputs, *(operands[n:] or data[n:])))
    return nodes


def total(xs: Iterable[Any]) -> Any:
    """The sum of the numbers, as one node; 0.0 of none."""
    xs = _sequence(xs)
    return call(TABLE["total"], *xs) if xs else 0.0


def mean(xs: Iterable[Any]) -> Any:
    """The sum over the count, as one node. Raises LengthError if there are no numbers."""
    return call(TABLE["mean"], *_at_least_one("mean", xs))


def prod(xs: Iterable[Any]) -> Any:
    """The product of the numbers, as one node; 1.0 of none."""
    xs = _sequence(xs)
    return call(TABLE["prod"], *xs) if xs else 1.0


def logsumexp(xs: Iterable[Any]) -> Any:
    """ln(exp(x1) + exp(x2) + ...), without overflow. Raises LengthError if there are none."""
    return call(TABLE["logsumexp"], *_at_least_one("logsumexp", xs))


def softmax(xs: Iterable[Any]) -> list[Any]:
    """exp(x) over the sum of all exp(x): positive numbers that add up to 1.

    Has as many results as operands, so it is built of several primitives and not one itself.
    Raises LengthError if there are none.
    """
    e = [call(TABLE["exp"], z) for z in _shifted("softmax", xs)]
    s = total(e)
    return [call(TABLE["div"], ei, s) for ei in e]


def log_softmax(xs: Iterable[Any]) -> list[Any]:
    """The logarithms of `softmax`, exact where softmax itself would round to 0 or 1."""
    zs = _shifted("log_softmax", xs)
    s = logsumexp(zs)
    return [call(TABLE["sub"], z, s) for z in zs]


def take(rows: Sequence[Any], index: Any) -> Any:
    """rows[index], where index may be a number of a function that is being compiled.

    rows: numbers, or rows of one structure. index: a whole number from 0; of a Value, its number.
    Nothing is differentiated by the index. Raises IndexError if there is no such row; where the
    index is known only when compiled code runs, the result is nan instead.
    """
    if len(rows) == 0:
        raise LengthError("take expected at least one row, but got none")
    place = primal(index)
    if hasattr(place, "__take__"):
        return place.__take__(rows)
    if not 0 <= place < len(rows) or place != int(place):
        raise IndexError(
            f"take expected a whole number from 0 to {len(rows) - 1}, but got {place!r}"
        )
    return rows[int(place)]


def _shifted(name: str, xs: Iterable[Any]) -> list[Any]:
    """The operands less a constant near the largest one.

    Softmax does not change under a shift, so no gradient needs to flow through it, and what is
    left over of the rounding of logsumexp is divided out again by the caller.
    """
    xs = _at_least_one(name, xs)
    shift = call(TABLE["stop_gradient"], logsumexp(xs))
    return [call(TABLE["sub"], x, shift) for x in xs]


def _sequence(xs: Iterable[Any]) -> Sequence[Any]:
    if type(xs) is tuple or type(xs) is list:
        return xs
    if not isinstance(xs, Iterable):
        raise StructureError(
            f"expected a list of numbers, but got {xs!r:.80}; put numbers into one: [a, b]"
        )
    return xs.tolist() if hasattr(xs, "tolist") else tuple(xs)


def _is_sequence(x: Any) -> bool:
    return isinstance(x, (list, tuple)) or getattr(x, "shape", ()) != ()


def _at_least_one(name: str, xs: Iterable[Any]) -> Sequence[Any]:
    xs = _sequence(xs)
    if not xs:
        raise LengthError(f"{name} expected at least one number, but got none")
    return xs


def _check_lengths(n_in: int, inputs: Sequence[Any]) -> None:
    if n_in != len(inputs):
        raise LengthError(
            f"expected one input for each of {n_in} weights, but got {len(inputs)} inputs; "
            "check the shape of the data against the size of the layer"
        )


class _Namespace:
    """`m` for Values and dual numbers: the table's rules, spread over any kind of number."""

    # fmt: off
    def gt(self, a: Any, b: Any) -> Any: return primal(a) > primal(b)
    def lt(self, a: Any, b: Any) -> Any: return primal(a) < primal(b)
    # fmt: on

    def eq(self, a: Any, b: Any) -> Any:
        a, b = primal(a), primal(b)
        if hasattr(b, "compare"):
            a, b = b, a
        return a.compare("eq", b) if hasattr(a, "compare") else a == b

    def branch(self, c: Any) -> tuple[Any, Any]:
        c = primal(c)
        return c.__branch__() if hasattr(c, "__branch__") else ieee.branch(c)

    def __getattr__(self, name: str) -> Any:
        function = partial(call, TABLE[name])
        setattr(self, name, function)  # found without coming here the next time
        return function


NAMESPACE: Any = _Namespace()
