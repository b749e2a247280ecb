"""Out of Python: a traced function, its value and its gradient, as C, ONNX, JAX, text or JSON.

portable.py makes a function ready to leave, and checks what was written against the eager engine;
each format has a file of its own.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograd.export.c import CFunction
    from autograd.export.formulas import FunctionFormulas
    from autograd.export.jax_function import JaxFunction
    from autograd.export.onnx_model import OnnxModel
    from autograd.export.python_source import PythonSource


def to_json(root: Any, *examples: Any) -> str:
    """The graph of a Value, or of several, as JSON that `from_json` reads back, to the bit.

    root: also a function, with an example of each of its arguments, whose numbers become leaves.
    Raises ExportError for a graph whose numbers were changed since it was computed, OperandError if
    there is no Value, LengthError if there are none.
    """
    from autograd.export.json_graph import write_graph

    if callable(root):
        from autograd.export.leaves import result_of

        root = result_of(root, examples)
    return write_graph(root)


def from_json(text: str | bytes) -> Any:
    """The Value, or the list of Values, that `to_json` wrote, with all they were made from.

    Each number is computed again from its operands, which executes the primitives and nothing else.
    Raises GraphFormatError for any text that is not such a graph.
    """
    from autograd.export.json_graph import read_graph

    return read_graph(text)


def to_jax(f: Callable[..., Any], *examples: Any, gradient: bool = False) -> "JaxFunction":
    """A function of JAX arrays that computes f, in jax.jit, grad, vmap and on any device.

    examples: an argument each, which say the structure. gradient: (value, gradients) for the value.
    Weights of a network are constants of it, as they are now.
    Raises MissingExtraError without jax, ExportError for a primitive that only Python computes,
    LengthError, StructureError, TraceError.
    """
    from autograd.export.jax_function import to_jax as export

    return export(f, examples, gradient)


def to_c(
    f: Callable[..., Any],
    *examples: Any,
    gradient: bool | None = None,
    name: str | None = None,
    dtype: str = "float64",
    static: bool = False,
) -> "CFunction":
    """A function as one C99 file that needs math.h alone, checked against the eager engine.

    examples: one for each argument of f. gradient: whether to give the gradient by all arguments,
    too; if not said, it is given where f gives one number. name: of the file, and of the function.
    dtype: "float64", or "float32" with no double anywhere. static: keep what a large function holds
    meanwhile in static memory in place of the stack; then only one call may run at a time.
    Raises ExportError if it cannot be written in C, or what was written computes something else;
    LengthError, StructureError, TraceError for functions that cannot be exported at all.
    """
    from autograd.export.c import export

    return export(f, examples, gradient, name, dtype, static)


def to_python(
    f: Callable[..., Any], *examples: Any, gradient: bool | None = None
) -> "PythonSource":
    """A Python module that computes f and needs `math` alone: print it, or save(path).

    examples: an argument each, which say the structure; in the module each is one flat list.
    gradient: the function gives the value, and a gradient for each argument; if not said, where f
    gives one number. Weights of a network are numbers in it, as they are now.
    Raises ExportError for a primitive that only Python computes, LengthError, StructureError,
    TraceError.
    """
    from autograd.export.portable import Portable
    from autograd.export.python_source import PythonSource

    return PythonSource(Portable(f, examples, gradient))


def to_sympy(f: Callable[..., Any], *examples: Any, gradient: bool = False) -> "FunctionFormulas":
    """A small function as SymPy expressions over the numbers of its arguments.

    gradient: the derivative by each of them as well. Weights of a network are numbers in it.
    Raises GraphTooLargeError beyond some 200 nodes, or where choices decide over choices in more
    cases than are read; MissingExtraError without SymPy, LengthError, StructureError, TraceError.
    """
    from autograd.export.formulas import FunctionFormulas

    return FunctionFormulas(f, examples, gradient)


def to_latex(f: Callable[..., Any], *examples: Any, gradient: bool = False) -> str:
    """The formulas of `to_sympy` in LaTeX, for a display. Raises as that does."""
    from autograd.export.formulas import latex_of

    return latex_of(f, examples, gradient)


def to_onnx(
    f: Callable[..., Any],
    *examples: Any,
    gradient: bool = False,
    dtype: str = "float64",
    batch: bool = False,
) -> "OnnxModel":
    """An ONNX model of f, checked by onnx.checker and run by onnxruntime.

    examples: an argument each, which say the shapes. gradient: value and gradients, the outputs
    "value", "d_x" ... for arguments x ... dtype: "float64" or "float32".
    batch: every input and output has rows, of any number, for its first axis.
    Weights of a network are constants of it, as they are now. `.save(path)` writes it.
    Raises MissingExtraError without onnx and onnxruntime, ExportError for primitives that only
    Python computes and an order of polygamma that is no constant, LengthError, StructureError,
    TraceError.
    """
    from autograd.export.onnx_model import to_onnx as export

    return export(f, examples, gradient, dtype, batch)
