"""Tracing: a function is run once on numbers that record what is done with them.

What would depend on the numbers' values (a branch, an index, a conversion to float) cannot be
recorded, and is refused with the line where it happened.
"""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from autograd import modes
from autograd.compiler.differentiate import Gate, adjoints
from autograd.compiler.tape import Tape
from autograd.elementwise import call
from autograd.errors import LengthError, OperandError, StructureError, TraceError
from autograd.locks import Lock
from autograd.methods import Methods
from autograd.operands import as_float, operand
from autograd.order import topological_order
from autograd.primitives import TABLE, Primitive
from autograd.tree import flatten
from autograd.value import Value


class Trace:
    """The tape being recorded, and the nodes from outside that the function uses.

    exact: whether to keep the eager engine's order of sums.
    captured: Values that are no arguments, with their inputs on the tape: they are read afresh at
        each call, as the eager function would.
    """

    def __init__(self, exact: bool) -> None:
        self.tape = Tape()
        self.exact = exact
        self.captured: dict[Value, int] = {}

    def input(self, batched: bool = False) -> "Traced":
        return Traced(self, self.tape.input(batched))

    def operand(self, x: Any) -> int | float:
        """The value's place on the tape, or the number itself."""
        if type(x) is Traced:
            if x.trace is not self:
                _refuse("a number was kept from another traced run of the function", "return it")
            return x.value
        if type(x) is Value:
            if x not in self.captured:
                self.captured[x] = self.tape.input()
            return self.captured[x]
        return as_float(x)

    def place(self, x: Any) -> int:
        """`operand`, with a number put on the tape."""
        found = self.operand(x)
        return self.tape.constant(found) if type(found) is float else int(found)

    def record(self, p: Primitive, operands: tuple[Any, ...]) -> "Traced":
        TABLE[p.name]  # machine code is made from the entry: it raises if that is gone
        place = self.operand
        value = self.tape.apply(p.name, tuple([place(x) for x in operands]))
        if modes.paused.get():  # no_grad: a number without history
            value = self.tape.apply("stop_gradient", (value,))
        return Traced(self, value)


@contextmanager
def substitute(values: Sequence[Value], numbers: Sequence[Any]) -> Iterator[None]:
    """Inside, while a function is traced, these numbers of it take the place of the Values.

    So an argument can stand for the parameters of a model: `jit` can map over them, as over any.
    Raises OperandError for numbers that are not traced ones, LengthError if there are not as many.
    """
    if len(values) != len(numbers):
        raise LengthError(f"expected a number for each of {len(values)} Values, got {len(numbers)}")
    for x in numbers:
        if type(x) is not Traced:
            raise OperandError(
                f"expected numbers of a function that is being compiled, but got {x!r:.60}; call "
                "it through jit"
            )
    captured = numbers[0].trace.captured if values else {}
    before = dict(captured)
    captured.update(zip(values, [x.value for x in numbers], strict=True))
    try:
        yield
    finally:
        for v in values:
            del captured[v]
        captured.update({v: before[v] for v in values if v in before})


@contextmanager
def recording(trace: Trace) -> Iterator[None]:
    """Inside, operations on Values go to the tape as well, and `.data` of one cannot be read."""
    with modes.recording(trace.record), _guarded_data():
        yield


_data = Value.__dict__["data"]  # the slot itself
_guards = 0
_lock = Lock()


@contextmanager
def _guarded_data() -> Iterator[None]:
    """In place of the slot `Value.data`, for as long as something is traced, a property.

    A number read from a Value would be compiled in as a constant, unnoticed; a slot cannot tell.
    Other threads, which trace nothing, read through the property as usual.
    """
    global _guards
    with _lock:
        _guards += 1
        Value.data = property(_read_data, _write_data)  # type: ignore[assignment]
    try:
        yield
    finally:
        with _lock:
            _guards -= 1
            if not _guards:
                Value.data = _data


def _read_data(v: Value) -> float:
    # printing a node while debugging is harmless
    if modes.is_recording() and sys._getframe(1).f_code not in _PRINTING:
        _refuse("`.data` of a number was read", _READ_REMEDY)
    data: float = _data.__get__(v)
    return data


def _write_data(v: Value, x: Any) -> None:
    if type(x) is Traced:
        _refuse("a number was stored in the `.data` of a Value", "return it from the function")
    _data.__set__(v, x)


_PRINTING = (Value.__repr__.__code__, Value.__format__.__code__)
_READ_REMEDY = (
    "leave .data out, and use stop_gradient(x) for a number that gets no gradient, where, maximum "
    "or clip for a choice"
)


def replay(root: Value, inputs: Sequence[Value], numbers: Sequence[Any]) -> Any:
    """What a graph gives with other numbers for some of its nodes."""
    computed: dict[Value, Any] = dict(zip(inputs, numbers, strict=True))
    for v in topological_order(root, seen=set(inputs)):
        if v.op is None:
            computed[v] = v
        elif v.op == "constant":
            computed[v] = _data.__get__(v)
        else:
            computed[v] = call(TABLE[v.op], *[computed[p] for p in v.parents])
    return computed[root]


class Traced(Methods):
    """A number of a traced function: its place on the tape."""

    __slots__ = ("label", "trace", "value")

    def __init__(self, trace: Trace, value: int) -> None:
        self.trace = trace
        self.value = value
        self.label: str | None = None

    def __apply_primitive__(self, p: Primitive, operands: tuple[Any, ...]) -> Any:
        for x in operands:  # a dual number of traced ones takes precedence
            if type(x) is not Traced and hasattr(x, "__apply_primitive__"):
                return x.__apply_primitive__(p, operands)
        return self.trace.record(p, operands)

    def __gradients__(self, variables: list[Any]) -> list[Any]:
        """The derivative of this number by each of the variables."""
        trace = self.trace
        places = [trace.place(v) for v in variables]
        found = adjoints(trace.tape, self.value, places, trace.exact)
        return [g if isinstance(g, float) else Traced(trace, g) for g in found]

    def __branch__(self) -> "tuple[Open, Open]":
        """The local derivatives of a `where` with this condition."""
        return Open(Gate(self.value, True), self), Open(Gate(self.value, False), self)

    def __take__(self, rows: Sequence[Any]) -> Any:
        """The row of this number."""
        columns, rebuild = [], None
        for row in rows:
            numbers, rebuild_row = flatten(row)
            columns.append(numbers)
            rebuild = rebuild or rebuild_row
        if len(set(map(len, columns))) > 1:
            raise StructureError("take expected rows of one structure, but they differ in length")
        assert rebuild is not None
        return rebuild([self._choose(column) for column in zip(*columns, strict=True)])

    def _choose(self, numbers: tuple[Any, ...]) -> Any:
        if not any(hasattr(x, "primal") for x in numbers):
            place = self.trace.operand
            operands = (self.value, *[place(x) for x in numbers])
            return Traced(self.trace, self.trace.tape.apply("take", operands))
        chosen: Any = math.nan  # dual numbers go the long way
        for i, x in enumerate(numbers):
            chosen = call(TABLE["where"], self.compare("eq", float(i)), x, chosen)
        return chosen

    def compare(self, op: str, other: Any) -> Any:
        other = _number(other)
        if type(other) not in (Traced, Value, float):  # a dual number compares its primal
            return NotImplemented
        place = self.trace.operand
        return Traced(self.trace, self.trace.tape.apply(op, (self.value, place(other))))

    def __gt__(self, other: Any) -> Any:
        return self.compare("gt", other)

    def __ge__(self, other: Any) -> Any:
        return self.compare("ge", other)

    def __lt__(self, other: Any) -> Any:
        return self.compare("lt", other)

    def __le__(self, other: Any) -> Any:
        return self.compare("le", other)

    def __pos__(self) -> "Traced":
        return self

    def detach(self) -> Any:
        """The number without its history: nothing is differentiated through it."""
        return call(TABLE["stop_gradient"], self)

    # --- what cannot be recorded ------------------------------------------------------------------

    def __bool__(self) -> NoReturn:
        _refuse(
            "a branch (if, while, and, or, not, max, min, sorted) depends on a number",
            "write where(condition, x, y), maximum, minimum or clip, which are computed for every "
            "input",
        )

    @property
    def data(self) -> NoReturn:
        _refuse("`.data` of a number was read", _READ_REMEDY)

    @property
    def grad(self) -> NoReturn:
        _refuse("`.grad` of a number was read", "take gradients with autograd.grad")

    def backward(self, seed: float = 1.0) -> NoReturn:
        _refuse("backward() was called", "compile jit(value_and_grad(f))")

    def __float__(self) -> NoReturn:
        _refuse(
            "float(x) was called, by math.exp(x) or the like",
            "use autograd.exp(x) and the like, and where, maximum or clip for a choice",
        )

    __complex__ = __round__ = __trunc__ = __floor__ = __ceil__ = __float__

    def __index__(self) -> NoReturn:
        _refuse(
            "a number was used as an index or a whole number",
            "read a row with autograd.take(rows, index), or choose with where",
        )

    __int__ = __index__

    def __repr__(self) -> str:
        return f"Traced(%{self.value})"

    def __format__(self, spec: str) -> str:  # printing while debugging is harmless
        return repr(self)


class Open:
    """1 on the branch that `where` takes, and off it nothing at all: what it multiplies is gone."""

    def __init__(self, gate: Gate, condition: Traced) -> None:
        self.gate = gate
        self.condition = condition

    def __apply_primitive__(self, p: Primitive, operands: tuple[Any, ...]) -> Any:
        _, tangent = operands
        where = TABLE["where"]
        taken = self.condition if self.gate.taken else call(where, self.condition, 0.0, 1.0)
        if type(tangent) is PartialTangent:
            taken = call(where, taken, tangent.active, 0.0)
            tangent = tangent.value
        return PartialTangent(call(where, taken, tangent, -0.0), taken)


class PartialTangent:
    """A tangent that exists only under a condition; where it does not, nothing moves.

    Which is not the same as a tangent of 0.0: `0.0 * inf` is nan. value is -0.0 there, to which
    adding changes nothing.
    """

    def __init__(self, value: Any, active: Any) -> None:
        self.value = value
        self.active = active

    def __apply_primitive__(self, p: Primitive, operands: tuple[Any, ...]) -> Any:
        """Of "mul" by a local derivative and "total", all that forward mode does with tangents."""
        partial = [x for x in operands if type(x) is PartialTangent]
        result = call(p, *[x.value if type(x) is PartialTangent else x for x in operands])
        if p.name == "mul":
            return PartialTangent(call(TABLE["where"], self.active, result, -0.0), self.active)
        assert p.name == "total", p.name
        if len(partial) < len(operands):
            return result
        active = self.active
        for x in partial[1:]:
            active = call(TABLE["where"], active, 1.0, x.active)
        return PartialTangent(result, active)

    def __settle__(self) -> Any:
        """The tangent as a number for all cases."""
        return call(TABLE["where"], self.active, self.value, 0.0)


def _number(x: Any) -> Any:
    """A traced number, a node or a float; NotImplemented for a type that may know better."""
    return x if type(x) is Value or hasattr(x, "__apply_primitive__") else operand(x)


def _refuse(what: str, remedy: str) -> NoReturn:
    """Raises TraceError with the line of the user's function that asked for the impossible."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    raise TraceError(
        f"{what} while the function was being traced for compilation, in "
        f"{frame.f_code.co_filename}, line {frame.f_lineno}: what it is differs from call to call, "
        f"and would be compiled in as a constant; {remedy}"
    )


def _is_ours(module: str) -> bool:
    return module.split(".")[0] in ("autograd", "nn", "numpy", "contextlib")


def _operator(name: str, op: str, reflected: bool) -> Callable[[Traced, Any], Any]:
    """`Methods` has it already; written out here, for a network's trace is made of + and *."""
    general = getattr(Methods, name)

    def method(self: Traced, other: Any) -> Any:
        if modes.paused.get():
            return general(self, other)
        if type(other) is Traced and other.trace is self.trace:
            return Traced(self.trace, self.trace.tape.apply(op, (self.value, other.value)))
        if type(other) is float:
            pair = (other, self.value) if reflected else (self.value, other)
            return Traced(self.trace, self.trace.tape.apply(op, pair))
        return general(self, other)

    return method


for _op in ("add", "mul", "sub"):
    for _name, _reflected in ((f"__{_op}__", False), (f"__r{_op}__", True)):
        setattr(Traced, _name, _operator(_name, _op, _reflected))
