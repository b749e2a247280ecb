"""Seeing a computation graph: view.py says what to draw, dot.py how, render.py lays it out.

stepwise.py tells the forward and the backward pass step by step, words.py in what words.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autograd.errors import LengthError, OperandError
from autograd.value import Value

if TYPE_CHECKING:
    from autograd.graph.drawing import Drawing
    from autograd.graph.stepwise import Steps


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


def steps(root: Value, *, unfold: bool = False) -> "Steps":
    """Every step of computing a number and of its backward pass, as data and in words: print them.

    root: the result, L in the words if it has no label. unfold: show a `dot` as its products and
    their sum.
    Gradients are those of `root.backward()` after `zero_grad()`, to the bit; the graph's own are
    left as they are. Raises OperandError if the root is not a Value.
    """
    from autograd.graph.stepwise import all_steps

    return all_steps(root, unfold)
