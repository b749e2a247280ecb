"""What draw() returns: a picture that shows itself in Jupyter and can be saved."""

from functools import cached_property
from pathlib import Path

from autograd.files import write_file
from autograd.graph.dot import dot
from autograd.graph.render import render
from autograd.graph.view import View

RENDERED = ("svg", "png", "pdf")
TEXT = ("dot", "gv")


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

        Raises ValueError for another suffix, RenderError, and what `autograd.write_file` does.
        """
        path = Path(path)
        suffix = path.suffix.lower().removeprefix(".")
        if suffix not in RENDERED + TEXT:
            allowed = ", ".join(f".{f}" for f in RENDERED + TEXT)
            raise ValueError(f"expected a path that ends in one of {allowed}, but got {path}")
        write_file(path, self.dot if suffix in TEXT else render(self.dot, suffix))
        return path

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        nodes, edges = len(self.view.nodes), len(self.view.edges)
        return f"<Drawing of {nodes} nodes and {edges} edges: .save('graph.svg'), .svg, .dot>"
