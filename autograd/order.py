"""The order of a graph: every node after all it was made from. Without recursion."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autograd.value import Value


def topological_order(*roots: "Value", seen: "set[Value] | None" = None) -> "list[Value]":
    """Every node the roots were made from, each once and after all its parents.

    seen: nodes to leave out, with all they were made from; those found are added.

    A depth-first search with a stack of its own: a chain of a million nodes is no deeper than one.
    """
    order: list[Value] = []
    seen = set() if seen is None else seen
    for root in roots:
        if root in seen:
            continue
        seen.add(root)
        path = [(root, iter(root.parents))]
        while path:
            node, parents = path[-1]
            for p in parents:
                if p not in seen:
                    seen.add(p)
                    path.append((p, iter(p.parents)))
                    break
            else:
                order.append(node)
                path.pop()
    return order


def operands_first(root: "Value") -> "list[Value]":
    """The nodes between the root and the leaves that gradient reaches, each after its operands.

    `topological_order` for backward(), which spends a fifth of its time here: constants and leaves
    are left out, and a set of visited nodes is spared. A visited node is one whose `grad` is the
    very object `zero`, and so is also reset. (CPython makes a new object of each float("0.0").)
    """
    zero = float("0.0")
    order: list[Value] = []
    path: list[Any] = []  # nodes whose operand b is still to see, or (node, operands still to see)
    done: set[int] = set()  # ids of tuples of operands; the neurons of a layer share theirs
    v = root
    while True:
        v.grad = zero
        if type(v.da) is tuple:
            new: list[Value] = []
            for operands in (v.a, v.b) if v.db else (v.a,):
                if id(operands) not in done:
                    unseen = [p for p in operands if p.op is not None and p.grad is not zero]
                    if unseen:
                        new += unseen
                    else:  # only now: while some are still to see, another node must look again
                        done.add(id(operands))
            if new:
                path.append((v, iter(new)))
            else:
                order.append(v)
        else:
            if v.da is not None:
                p = v.a
                if p.grad is not zero and p.op is not None:
                    path.append(v)
                    v = p
                    continue
            if v.db is not None:
                p = v.b
                if p.grad is not zero and p.op is not None:
                    path.append(v)
                    v = p
                    continue
            order.append(v)
        while path:
            v = path.pop()
            if type(v) is tuple:
                node, operands = v
                for p in operands:
                    if p.grad is not zero:
                        break
                else:
                    order.append(node)
                    continue
            else:
                p = v.b if v.db is not None else None
                if p is None or p.grad is zero or p.op is None:
                    order.append(v)
                    continue
            path.append(v)
            v = p
            break
        else:
            return order
