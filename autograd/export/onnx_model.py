"""A function as an ONNX model: the loops of arrays.py, with a graph of nodes for its namespace.

Elementary functions for which runtimes have no float64 kernel are spelled out by the formulas of
`compiler/vectormath`, to a few ulp. What depends on constants alone is computed here, so that the
weights stand in the model as the nodes want them.
"""

import math
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, final

import numpy as np

from autograd.compiler.lower import compute
from autograd.compiler.vectormath import FUNCTIONS
from autograd.errors import ExportError, MissingExtraError
from autograd.export.arranging import array_program
from autograd.export.arrays import run, shape_of
from autograd.export.portable import Agreement, Portable, Slot
from autograd.files import write_file

try:
    import onnx
    import onnxruntime
    from onnx import helper
except ImportError as error:
    raise MissingExtraError(
        "ONNX models need onnx and onnxruntime: pip install 'glassgrad[onnx]'"
    ) from error

OPSET, IR_VERSION = 18, 8  # of December 2022, which runtimes of today have
BATCH = "N"  # the name of the batch's size


@final
class OnnxModel:
    """What `to_onnx` gives.

    proto: the onnx.ModelProto. operations: how many nodes it has. agreement: how near onnxruntime
    came to the eager engine with it when it was made.
    """

    def __init__(self, portable: Portable, dtype: str, batch: bool) -> None:
        self.proto = _model(portable, dtype, batch)
        self.operations = len(self.proto.graph.node)
        self._dtype, self._batch = dtype, batch
        onnx.checker.check_model(self.proto, full_check=True)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            self.proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self.agreement: Agreement = portable.agreement(self._flat, dtype)

    def __repr__(self) -> str:
        return f"<{self.proto.graph.name} in ONNX, {self.operations} nodes, {self.agreement}>"

    def __call__(self, *args: Any) -> list[Any]:
        """What onnxruntime computes: an array for each output, from one for each input."""
        inputs = self._session.get_inputs()
        feeds = {x.name: np.asarray(a, self._dtype) for x, a in zip(inputs, args, strict=True)}
        found: list[Any] = self._session.run(None, feeds)
        return found

    def save(self, path: "str | os.PathLike[str]") -> None:
        """Write the model as a file, whole or not at all. Raises as `autograd.files.write_file`."""
        write_file(path, self.proto.SerializeToString())

    def _flat(self, *arrays: Any) -> list[Any]:
        """The flat results; of a batch, those of its second row, the first being zeros."""
        args = []
        for x, array in zip(self._session.get_inputs(), arrays, strict=True):
            shape = [n for n in x.shape if n != BATCH]
            row = np.reshape(array, shape)
            args.append(np.stack([0.0 * row, row]) if self._batch else row)
        return [y[1] if self._batch else y for y in self(*args)]


def to_onnx(
    f: Callable[..., Any], examples: Sequence[Any], gradient: bool, dtype: str, batch: bool
) -> OnnxModel:
    """See `autograd.export.to_onnx`."""
    if dtype not in ("float32", "float64"):
        raise ValueError(f"expected dtype 'float32' or 'float64', but got {dtype!r}")
    return OnnxModel(Portable(f, examples, gradient, exact=False), dtype, batch)


def _model(portable: Portable, dtype: str, batch: bool) -> Any:
    graph = _Graph(dtype)
    names: list[str] = []
    arguments = []
    first = (BATCH,) if batch else ()
    for slot in portable.arguments:
        names.append(_free(slot.name, names))
        graph.batch_of = graph.batch_of or (names[-1] if batch else "")
        given = _Array(names[-1], _shape(slot), batch)
        arguments.append(graph.reshape(given, (slot.size,)))
    inputs = [
        helper.make_tensor_value_info(name, graph.type, [*first, *_shape(slot)])
        for name, slot in zip(names, portable.arguments, strict=True)
    ]
    outputs = []
    for slot, found in zip(
        portable.results, run(graph, array_program(portable), arguments), strict=True
    ):
        names.append(_free(slot.name, names))
        y = graph.reshape(graph.spread(found) if batch else found, _shape(slot))
        graph.nodes.append(helper.make_node("Identity", [graph.name(y)], [names[-1]]))
        outputs.append(
            helper.make_tensor_value_info(names[-1], graph.type, [*first, *_shape(slot)])
        )
    body = helper.make_graph(graph.nodes, portable.name, inputs, outputs, graph.initializers())
    return helper.make_model(
        body,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="glassgrad",
    )


def _shape(slot: Slot) -> tuple[int, ...]:
    shape = shape_of(slot.structure)
    return (slot.size,) if shape is None else shape


def _free(name: str, taken: list[str]) -> str:
    while name in taken:
        name += "_"
    return name


class _Array(NamedTuple):
    """An array of the graph.

    shape: without the batch. batched: whether its first axis is the batch. numbers: where it is a
    constant, in place of a name.
    """

    node: str
    shape: tuple[int, ...]
    batched: bool
    numbers: Any = None


class _Graph:
    """What `arrays.run` and the formulas of `compiler/lower.py` write nodes with."""

    exact, outlined = True, None  # what `each` does not know is a formula of its own

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.bits = 64 if dtype == "float64" else 32
        self.type = onnx.TensorProto.DOUBLE if dtype == "float64" else onnx.TensorProto.FLOAT
        self.nodes: list[Any] = []
        self.batch_of = ""  # an input that is batched
        self._constants: dict[tuple[Any, ...], tuple[str, Any]] = {}

    # --- nodes ------------------------------------------------------------------------------------

    def initializers(self) -> list[Any]:
        return [onnx.numpy_helper.from_array(x, name) for name, x in self._constants.values()]

    def name(self, x: Any) -> str:
        """The name of an array; a constant is now put into the model."""
        if isinstance(x, _Array) and x.numbers is None:
            return x.node
        numbers = np.asarray(x.numbers if isinstance(x, _Array) else x)
        if numbers.dtype.kind == "f":
            numbers = numbers.astype(self.dtype)
        key = (numbers.dtype.str, numbers.shape, numbers.tobytes())
        return self._constants.setdefault(key, (f"/c{len(self._constants)}", numbers))[0]

    def node(self, op: str, *inputs: Any, **attributes: Any) -> str:
        result = f"/{op}{len(self.nodes)}"
        names = [self.name(x) for x in inputs]
        self.nodes.append(helper.make_node(op, names, [result], **attributes))
        return result

    def spread(self, x: _Array) -> _Array:
        """With the batch for its first axis."""
        if x.batched:
            return x
        n = _Array(self.node("Shape", _Array(self.batch_of, (), True), start=0, end=1), (1,), False)
        inner = np.array(x.shape, np.int64)
        shape = _Array(self.node("Concat", n, inner, axis=0), (1 + len(x.shape),), False)
        return _Array(self.node("Expand", x, shape), x.shape, True)

    # --- arrays -----------------------------------------------------------------------------------

    def constant(self, numbers: Any) -> _Array:
        return _Array("", numbers.shape, False, np.asarray(numbers, np.float64))

    def concatenate(self, arrays: list[_Array]) -> _Array:
        size = sum([x.shape[0] for x in arrays])
        if all(x.numbers is not None for x in arrays):
            return self.constant(np.concatenate([x.numbers for x in arrays]))
        batched = any(x.batched for x in arrays)
        parts = [self.spread(x) for x in arrays] if batched else arrays
        return _Array(self.node("Concat", *parts, axis=int(batched)), (size,), batched)

    def cut(self, x: _Array, first: int, past: int) -> _Array:
        if (first, past) == (0, x.shape[-1]):
            return x
        if x.numbers is not None:
            return self.constant(x.numbers[..., first:past])
        ends = [np.array([n], np.int64) for n in (first, past, len(x.shape) - 1 + x.batched)]
        return x._replace(node=self.node("Slice", x, *ends), shape=(*x.shape[:-1], past - first))

    def reshape(self, x: _Array, shape: tuple[int, ...]) -> _Array:
        if x.shape == shape:
            return x
        if x.numbers is not None:
            return self.constant(x.numbers.reshape(shape))
        to = np.array((0, *shape) if x.batched else shape, np.int64)  # 0: as it is
        return x._replace(node=self.node("Reshape", x, to), shape=shape)

    def transpose(self, x: _Array, axes: tuple[int, ...]) -> _Array:
        if x.numbers is not None:
            return self.constant(np.transpose(x.numbers, axes))
        order = [0, *[1 + a for a in axes]] if x.batched else list(axes)
        shape = tuple([x.shape[a] for a in axes])
        return x._replace(node=self.node("Transpose", x, perm=order), shape=shape)

    def gather(self, x: _Array, places: Any) -> _Array:
        if x.numbers is not None:
            return self.constant(x.numbers[places])
        return x._replace(
            node=self.node("Gather", x, places.astype(np.int64), axis=int(x.batched)),
            shape=places.shape,
        )

    def broadcast(self, x: Any, shape: tuple[int, ...]) -> _Array:
        array: _Array = x if isinstance(x, _Array) else self.constant(np.asarray(x))
        if array.shape == shape:
            return array
        if array.numbers is not None:
            return self.constant(np.broadcast_to(array.numbers, shape))
        to = np.array((1, *shape) if array.batched else shape, np.int64)
        return array._replace(node=self.node("Expand", array, to), shape=shape)

    def einsum(self, equation: str, *factors: _Array) -> _Array:
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
            return _Array(self.node("ReduceSum", x, to, keepdims=0), shape, batched)
        product = self._matmul(labels, kept, factors)
        if product is not None:
            return _Array(product, shape, batched)
        for k, x in enumerate(factors):
            labels[k] = "z" * x.batched + labels[k]
        written = f"{','.join(labels)}->{'z' * batched}{kept}"
        return _Array(self.node("Einsum", *factors, equation=written), shape, batched)

    def _matmul(self, labels: list[str], kept: str, factors: tuple[_Array, ...]) -> str | None:
        """The product of a matrix that is no batch with a vector, for which kernels are best."""
        for vector, matrix, rows, m in (
            (factors[0], factors[1], labels[0], labels[1]),
            (factors[1], factors[0], labels[1], labels[0]),
        ):
            if (
                len(rows) != 1
                or matrix.batched
                or sorted(m) != sorted(rows + kept)
                or len(kept) != 1
            ):
                continue
            if m[0] != rows:  # [out, in], but a vector stands before its matrix
                matrix = self.transpose(matrix, (1, 0))
            return self.node("MatMul", vector, matrix)
        return None

    # --- numbers ----------------------------------------------------------------------------------

    def elementwise(self, op: str, *operands: Any) -> Any:
        if op in _NATIVE:
            return self._apply(_NATIVE[op], *operands)
        return compute(self, op, *operands)

    def _apply(self, op: str, *operands: Any) -> Any:
        arrays = [x for x in operands if isinstance(x, _Array)]
        shape = np.broadcast_shapes(*[x.shape for x in arrays])
        batched = any(x.batched for x in arrays)
        return _Array(self.node(op, *[self._number(x) for x in operands]), shape, batched)

    def _number(self, x: Any) -> Any:
        return x if isinstance(x, _Array) else np.asarray(x, self.dtype)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in _NODES:
            raise AttributeError(name)
        op = _NODES[name]
        return lambda *operands: self._apply(op, *operands)

    def truth(self, x: Any) -> Any:
        return self._apply("Not", self._apply("Equal", x, 0.0))

    def copysign(self, a: Any, b: Any) -> Any:
        size = self._apply("Abs", a) if isinstance(a, _Array) else abs(a)
        opposite = self._apply("Neg", size) if isinstance(a, _Array) else -size
        # one over -0.0 is -inf
        below = self._apply("Less", self._apply("Div", 1.0, b), 0.0)
        negative = self._apply("Or", below, self._apply("Less", b, 0.0))
        return self._apply("Where", negative, opposite, size)

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
        if name in FUNCTIONS:
            return FUNCTIONS[name](self, *operands)
        raise ExportError(
            f"expected primitives that ONNX can express, but {name!r} is none; leave it out of "
            "what is exported, or export to JAX (to_jax) or C (to_c), which have it"
        )


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
    "cbrt": lambda m, x: m.copysign(m.each("pow", m.abs(x), 1.0 / 3.0), x),
}
