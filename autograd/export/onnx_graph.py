"""The nodes of an ONNX graph, written by the operations of arrays.py and the engine's formulas.

Elementary functions for which runtimes have no float64 kernel are spelled out by the formulas of
`compiler/vectormath`, to a few ulp. What depends on constants alone is computed here, so that the
weights stand in the model as the nodes want them.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import helper

from autograd.compiler.lower import compute
from autograd.compiler.vectormath import FUNCTIONS
from autograd.errors import ExportError
from autograd.export import gamma


class Array(NamedTuple):
    """An array of the graph.

    shape: without the batch. batched: whether its first axis is the batch. numbers: where it is a
    constant, in place of a name.
    """

    node: str
    shape: tuple[int, ...]
    batched: bool
    numbers: Any = None


class Graph:
    """What `arrays.run` and the formulas of `compiler/lower.py` write nodes with."""

    exact, outlined = True, None  # what `each` does not know is a formula of its own

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.bits = 64 if dtype == "float64" else 32
        self.type = onnx.TensorProto.DOUBLE if dtype == "float64" else onnx.TensorProto.FLOAT
        self.nodes: list[Any] = []
        self.batch_of = ""  # an input that is batched
        self._constants: dict[tuple[Any, ...], tuple[str, Any]] = {}
        self._reshaped: dict[str, Array] = {}  # what each Reshape is of

    # --- nodes ------------------------------------------------------------------------------------

    def used(self, outputs: list[str]) -> tuple[list[Any], list[Any]]:
        """The nodes and the initializers that outputs need: of two Reshapes in a row the last."""
        needed, nodes = set(outputs), []
        for node in reversed(self.nodes):
            if node.output[0] in needed:
                needed.update(node.input)
                nodes.append(node)
        constants = [x for x in self._constants.values() if x[0] in needed]
        return nodes[::-1], [onnx.numpy_helper.from_array(x, name) for name, x in constants]

    def name(self, x: Any) -> str:
        """The name of an array; a constant is now put into the model."""
        if isinstance(x, Array) and x.numbers is None:
            return x.node
        numbers = np.asarray(x.numbers if isinstance(x, Array) else x)
        if numbers.dtype.kind == "f":
            numbers = numbers.astype(self.dtype)
        key = (numbers.dtype.str, numbers.shape, numbers.tobytes())
        return self._constants.setdefault(key, (f"/c{len(self._constants)}", numbers))[0]

    def node(self, op: str, *inputs: Any, **attributes: Any) -> str:
        result = f"/{op}{len(self.nodes)}"
        names = [self.name(x) for x in inputs]
        self.nodes.append(helper.make_node(op, names, [result], **attributes))
        return result

    def spread(self, x: Array) -> Array:
        """With the batch for its first axis."""
        if x.batched:
            return x
        n = Array(self.node("Shape", Array(self.batch_of, (), True), start=0, end=1), (1,), False)
        inner = np.array(x.shape, np.int64)
        shape = Array(self.node("Concat", n, inner, axis=0), (1 + len(x.shape),), False)
        return Array(self.node("Expand", x, shape), x.shape, True)

    # --- arrays -----------------------------------------------------------------------------------

    def constant(self, numbers: Any) -> Array:
        return Array("", numbers.shape, False, np.asarray(numbers, np.float64))

    def concatenate(self, arrays: list[Array]) -> Array:
        size = sum([x.shape[0] for x in arrays])
        if all(x.numbers is not None for x in arrays):
            return self.constant(np.concatenate([x.numbers for x in arrays]))
        batched = any(x.batched for x in arrays)
        parts = [self.spread(x) for x in arrays] if batched else arrays
        return Array(self.node("Concat", *parts, axis=int(batched)), (size,), batched)

    def cut(self, x: Array, first: int, past: int) -> Array:
        if (first, past) == (0, x.shape[-1]):
            return x
        if x.numbers is not None:
            return self.constant(x.numbers[..., first:past])
        ends = [np.array([n], np.int64) for n in (first, past, len(x.shape) - 1 + x.batched)]
        return x._replace(node=self.node("Slice", x, *ends), shape=(*x.shape[:-1], past - first))

    def reshape(self, x: Array, shape: tuple[int, ...]) -> Array:
        if x.shape == shape:
            return x
        if x.numbers is not None:
            return self.constant(x.numbers.reshape(shape))
        origin = self._reshaped.get(x.node, x)
        if origin.shape == shape:
            return origin
        to = np.array((0, *shape) if x.batched else shape, np.int64)  # 0: as it is
        result = x._replace(node=self.node("Reshape", origin, to), shape=shape)
        self._reshaped[result.node] = origin
        return result

    def transpose(self, x: Array, axes: tuple[int, ...]) -> Array:
        if x.numbers is not None:
            return self.constant(np.transpose(x.numbers, axes))
        order = [0, *[1 + a for a in axes]] if x.batched else list(axes)
        shape = tuple([x.shape[a] for a in axes])
        return x._replace(node=self.node("Transpose", x, perm=order), shape=shape)

    def gather(self, x: Array, places: Any) -> Array:
        if x.numbers is not None:
            return self.constant(x.numbers[places])
        return x._replace(
            node=self.node("Gather", x, places.astype(np.int64), axis=int(x.batched)),
            shape=places.shape,
        )

    def broadcast(self, x: Any, shape: tuple[int, ...]) -> Array:
        array: Array = x if isinstance(x, Array) else self.constant(np.asarray(x))
        if array.shape == shape:
            return array
        if array.numbers is not None:
            return self.constant(np.broadcast_to(array.numbers, shape))
        to = np.array((1, *shape) if array.batched else shape, np.int64)
        return array._replace(node=self.node("Expand", array, to), shape=shape)

    def einsum(self, equation: str, *factors: Array) -> Array:
        operands, kept = equation.split("->")
        labels = operands.split(",")
        sizes = {c: n for s, x in zip(labels, factors, strict=True)
                 for c, n in zip(s, x.shape, strict=True)}  # fmt: skip
        shape = tuple([sizes[c] for c in kept])
        if all(x.numbers is not None for x in factors):
            return self.constant(np.einsum(equation, *[x.numbers for x in factors]))
        batched = any(x.batched for x in factors)
        if len(factors) == 1:
            (x,), (label,) = factors, labels
            axes = [k + batched for k, c in enumerate(label) if c not in kept]
            if not axes:
                return x
            to = np.array(axes, np.int64)
            return Array(self.node("ReduceSum", x, to, keepdims=0), shape, batched)
        product = self._matmul(labels, kept, factors)
        if product is not None:
            return Array(product, shape, batched)
        for k, x in enumerate(factors):
            labels[k] = "z" * x.batched + labels[k]
        written = f"{','.join(labels)}->{'z' * batched}{kept}"
        return Array(self.node("Einsum", *factors, equation=written), shape, batched)

    def _matmul(self, labels: list[str], kept: str, factors: tuple[Array, ...]) -> str | None:
        """The product of a vector with a matrix or vector that has no batch: one fast kernel."""
        for k in (0, 1):
            vector, matrix, row, m = factors[k], factors[1 - k], labels[k], labels[1 - k]
            if len(row) == 1 and len(kept) <= 1 and sorted(m) == sorted(row + kept):
                if matrix.batched:
                    continue
                if m[0] != row:  # [out, in], but a vector stands before its matrix
                    matrix = self.transpose(matrix, (1, 0))
                return self.node("MatMul", vector, matrix)
        return None

    # --- numbers ----------------------------------------------------------------------------------

    def elementwise(self, op: str, *operands: Any) -> Any:
        if op in _NATIVE:
            return self._apply(_NATIVE[op], *operands)
        return compute(self, op, *operands)

    def _apply(self, op: str, *operands: Any) -> Any:
        arrays = [x for x in operands if isinstance(x, Array)]
        shape = np.broadcast_shapes(*[x.shape for x in arrays])
        batched = any(x.batched for x in arrays)
        return Array(self.node(op, *[self._number(x) for x in operands]), shape, batched)

    def _number(self, x: Any) -> Any:
        return x if isinstance(x, Array) else np.asarray(x, self.dtype)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in _NODES:
            raise AttributeError(name)
        op = _NODES[name]
        return lambda *operands: self._apply(op, *operands)

    def truth(self, x: Any) -> Any:
        return self._apply("Not", self._apply("Equal", x, 0.0))

    def copysign(self, a: Any, b: Any) -> Any:
        size = self._apply("Abs", a) if isinstance(a, Array) else abs(a)
        # one over -0.0 is -inf
        below = self._apply("Less", self._apply("Div", 1.0, b), 0.0)
        negative = self._apply("Or", below, self._apply("Less", b, 0.0))
        # a product, for onnxruntime's Where takes 0.0 for -0.0
        return self._apply("Mul", size, self._apply("Where", negative, -1.0, 1.0))

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        return self.add(self.mul(a, b), c)

    def power_of_two(self, k: Any) -> Any:
        return self._apply("Pow", 2.0, k)

    def exponent(self, x: Any) -> Any:
        # at a power of two it may be off by one, where either is as good
        return self._apply("Floor", self._apply("Mul", self._apply("Log", x), 1.0 / math.log(2.0)))

    def each(self, name: str, *operands: Any) -> Any:
        """A function of the C library."""
        name = name.removeprefix("glassgrad_")
        if name in _NATIVE:
            return self._apply(_NATIVE[name], *operands)
        if name in _COMPOSED:
            return _COMPOSED[name](self, *operands)
        return FUNCTIONS[name](self, *operands)


def _polygamma(m: Graph, order: Any, x: Any) -> Any:
    orders = order.numbers if isinstance(order, Array) else np.asarray(order)
    if orders is None:
        raise ExportError(
            "expected the order of polygamma to be a constant, but it is computed or an input; "
            "give a number, or export to JAX (to_jax) or C (to_c), which take any"
        )
    first, *others = np.unique(orders).tolist()
    y = gamma.polygamma(m, first, x)
    for n in others:
        y = m.where(m.eq(order, n), gamma.polygamma(m, n, x), y)
    return y


# By the names of the table, and by those of the formulas' namespace
_NATIVE = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "neg": "Neg", "abs": "Abs",
    "sqrt": "Sqrt", "exp": "Exp", "log": "Log", "sin": "Sin", "cos": "Cos", "tanh": "Tanh",
    "pow": "Pow", "sigmoid": "Sigmoid", "reciprocal": "Reciprocal",
}  # fmt: skip
_NODES = {
    **{name: _NATIVE[name] for name in ("add", "sub", "mul", "div", "neg", "abs", "sqrt")},
    "gt": "Greater", "ge": "GreaterOrEqual", "lt": "Less", "le": "LessOrEqual", "eq": "Equal",
    "where": "Where", "either": "Or", "both": "And", "is_nan": "IsNaN", "round": "Round",
}  # fmt: skip
_COMPOSED: dict[str, Callable[..., Any]] = {
    "exp2": lambda m, x: m.power_of_two(x),
    "log2": lambda m, x: m.mul(m.each("log", x), 1.0 / math.log(2.0)),
    "log10": lambda m, x: m.mul(m.each("log", x), 1.0 / math.log(10.0)),
    "tan": lambda m, x: m.div(m.each("sin", x), m.each("cos", x)),
    "lgamma": gamma.lgamma,
    "digamma": lambda m, x: gamma.polygamma(m, 0, x),
    "polygamma": _polygamma,
    "cbrt": lambda m, x: m.copysign(m.each("pow", m.abs(x), 1.0 / 3.0), x),
}
