"""Seeing a computation graph: view.py says what to draw, dot.py how, render.py lays it out.

stepwise.py tells the forward and the backward pass step by step, words.py in what words; explorer/
is the page in which to step through them. explain.py says why one gradient is what it is, by the
paths of paths.py; blame.py to which part of a model it comes; symbolic.py writes a small graph and
its derivative as formulas.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autograd.errors import LengthError, OperandError
from autograd.value import Value

if TYPE_CHECKING:
    from autograd.graph.blame import Blame, By
    from autograd.graph.drawing import Drawing
    from autograd.graph.explain import Explanation
    from autograd.graph.explorer import Explorer
    from autograd.graph.stepwise import Steps
    from autograd.graph.symbolic import Symbolic
    from autograd.sources import Sources


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
    left as they are. Raises OperandError if the root is not a Value, GraphTooLargeError.
    """
    from autograd.graph.stepwise import all_steps

    return all_steps(root, unfold)


def explore(root: Value, *, limit: int = 400) -> "Explorer":
    """The forward and the backward pass to step through, in Jupyter or as one HTML file.

    root:  what is derived at first; in the page any other node can be.
    limit: the most nodes to draw; a larger graph is folded by module.
    Raises OperandError if the root is not a Value, GraphTooLargeError, RenderError.
    """
    from autograd.graph.explorer import Explorer

    if not isinstance(root, Value):
        raise OperandError(f"expected a Value whose graph to explore, but got {root!r:.80}")
    return Explorer(root, limit)


def explain(root: Value, wrt: Value, *, k: int = 5) -> "Explanation":
    """Why d(root)/d(wrt) is what it is: the sum over all paths from one to the other. Print it.

    Shows the k paths with the largest contributions, however many there are, and what the rest
    adds up to. Inside `record_sources()` it says which line made each node.
    The graph's own gradients are left as they are.
    Raises OperandError if root or wrt is not a Value, ValueError if k is not at least 1.
    """
    from autograd.graph.explain import explanation

    return explanation(root, wrt, k)


def blame(root: Value, *, by: "By" = "layer") -> "Blame":
    """How large the gradient of the root is over each part of a model, the largest first. Print it.

    by: "layer" or "neuron"; parameters are told by the path that is their label.
    The graph's own gradients are left as they are.
    Raises OperandError if the root is not a Value, LengthError if no parameter has a path,
    ValueError for another `by`.
    """
    from autograd.graph.blame import all_blame

    return all_blame(root, by)


def symbolic(root: Value, wrt: Value | None = None) -> "Symbolic":
    """The formula of a small graph, and its derivative by `wrt`, as SymPy expressions and LaTeX.

    The derivative is made of the engine's own rules. Leaves become symbols, constants numbers. A
    graph has the branch of a `where` that was taken, not the other: for both give the function to
    `autograd.export.to_sympy`.
    Raises OperandError if root or wrt is not a Value, GraphTooLargeError beyond some 200 nodes,
    MissingExtraError without SymPy.
    """
    from autograd.graph.symbolic import formulas

    return formulas(root, wrt)


def record_sources() -> "Sources":
    """A block that notes the line, and the variable, that each node made inside it comes from.

    `explain` says them then, inside the block or as long as what `as` named lives. Holds for this
    thread. Inside, Python is several times slower, as under a profiler; outside nothing changes.
    Entering the block raises RuntimeError while another profiler is running.
    """
    from autograd.sources import Sources

    return Sources()
