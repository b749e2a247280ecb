"""Seeing a computation graph: view.py says what to draw, dot.py how, render.py lays it out."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autograd.errors import LengthError, OperandError
from autograd.value import Value

if TYPE_CHECKING:
    from autograd.graph.drawing import Drawing


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
    Raises OperandError if a root is not a Value, LengthError if there is none, GraphTooLargeError.
    """
    # here, so that `import autograd` does not pay for what only a picture needs
    from autograd.graph.drawing import Drawing
    from autograd.graph.view import view

    roots = list(root) if isinstance(root, Iterable) else [root]
    for r in roots:
        if not isinstance(r, Value):
            hint = "; draw what it returns: draw(f(x))" if callable(r) else ""
            raise OperandError(
                f"draw expected a Value or several, but got a {type(r).__name__}{hint}"
            )
    if not roots:
        raise LengthError("draw expected at least one Value, but got none")
    return Drawing(view(roots, limit=limit, fold=fold, unfold=unfold))
