"""Out of Python: a traced function, its value and its gradient, as C, ONNX, JAX, text or JSON.

portable.py makes a function ready to leave, and checks what was written against the eager engine;
each format has a file of its own.
"""

from typing import Any


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
