"""draw(): the picture of a computation graph and of the gradient that flows through it."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from autograd.errors import OperandError
from autograd.graph.dot import dot
from autograd.graph.render import render
from autograd.graph.view import View, view
from autograd.value import Value

RENDERED = ("svg", "png", "pdf")
TEXT = ("dot", "gv")


def draw(
    root: Value | Iterable[Value],
    *,
    limit: int = 400,
    fold: bool | None = None,
    unfold: bool = False,
) -> "Drawing":
    """A picture of all that the root, or several roots, were made from. Call it after backward().

    limit:  the most nodes to draw; a larger graph is folded by module.
    fold:   True folds the innermost modules of a small graph too; False never folds.
    unfold: True shows each `dot` node as its products and their sum.
    Raises OperandError if a root is not a Value, GraphTooLargeError.
    """
    roots = [root] if isinstance(root, Value) else list(root)
    for r in roots:
        if not isinstance(r, Value):
            raise OperandError(
                f"draw expects a Value or several, but got {r!r:.60} ({type(r).__name__})"
            )
    return Drawing(view(roots, limit=limit, fold=fold, unfold=unfold))


class Drawing:
    """A picture; Jupyter shows it, `save` writes it.

    view: what is drawn, as plain data.
    dot:  the picture in the DOT language.
    svg:  the picture as SVG text. Raises RenderError.
    """

    def __init__(self, view: View) -> None:
        self.view = view

    @cached_property
    def dot(self) -> str:
        return dot(self.view)

    @cached_property
    def svg(self) -> str:
        return render(self.dot, "svg").decode()

    def save(self, path: str | Path) -> Path:
        """Write .svg, .png, .pdf, .dot or .gv, by the suffix. Gives the path.

        Raises ValueError for another suffix, FileNotFoundError if there is no such folder,
        RenderError.
        """
        path = Path(path)
        format = path.suffix.lower().removeprefix(".")
        if format not in RENDERED + TEXT:
            allowed = ", ".join(f".{f}" for f in RENDERED + TEXT)
            raise ValueError(f"expected a path that ends in one of {allowed}, but got {path}")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"no folder {path.parent}; make it first, or save elsewhere")
        picture = self.dot.encode() if format in TEXT else render(self.dot, format)
        path.write_bytes(picture)
        return path

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        nodes, edges = len(self.view.nodes), len(self.view.edges)
        return f"<Drawing of {nodes} nodes and {edges} edges: .save('graph.svg'), .svg, .dot>"
