"""A function as an ONNX model: the loops of arrays.py, with the nodes of onnx_graph.py."""

import os
from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np

from autograd.errors import LengthError, MissingExtraError
from autograd.export.arranging import array_program
from autograd.export.arrays import run, shape_of
from autograd.export.portable import Agreement, Portable, Slot
from autograd.files import write_file

try:
    import onnx
    import onnxruntime
    from onnx import helper

    from autograd.export.onnx_graph import Array, Graph
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
        """What onnxruntime computes: an array for each output, from one for each input.

        Raises LengthError for another number of arguments.
        """
        inputs = self._session.get_inputs()
        if len(args) != len(inputs):
            names = ", ".join([x.name for x in inputs])
            raise LengthError(f"expected {len(inputs)} arguments ({names}), but got {len(args)}")
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
    graph = Graph(dtype)
    names: list[str] = []
    arguments = []
    first = (BATCH,) if batch else ()
    for slot in portable.arguments:
        names.append(_free(slot.name, names))
        graph.batch_of = graph.batch_of or (names[-1] if batch else "")
        given = Array(names[-1], _shape(slot), batch)
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
    nodes, initializers = graph.used([x.name for x in outputs])
    body = helper.make_graph(nodes, portable.name, inputs, outputs, initializers)
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
