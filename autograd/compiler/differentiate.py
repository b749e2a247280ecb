"""Reverse mode from tape to tape: the adjoints of a value, as further instructions.

The local derivatives are the table's own expressions, with the numbers of values for `m`'s numbers.
"""

from typing import Any, NamedTuple

from autograd.compiler.tape import EXTRA, LEAVES, Namespace, Operand, Tape
from autograd.primitives import TABLE


class Gate(NamedTuple):
    """The local derivative of `where`: 1 if the condition's truth is `taken`, nothing otherwise."""

    condition: int
    taken: bool


class Rules(Namespace):
    """`m` for the table's rules on a tape."""

    def branch(self, condition: int) -> tuple[Gate, Gate]:
        return Gate(condition, True), Gate(condition, False)


def adjoints(tape: Tape, root: int, variables: list[int]) -> list[Operand]:
    """d(root)/d(variable) for each of the variables, which are values of the tape.

    The sums run in the order of the eager engine, so that they give its bits.

    Behind a branch of `where` that is not taken there is no gradient at all, which is not the same
    as a gradient of 0.0 (0.0 * inf is nan). So an adjoint has a condition under which it exists
    ("active"), and where it does not, it adds -0.0, to which adding changes nothing.
    """
    rules = Rules(tape)
    apply = tape.apply
    ops, args = tape.ops, tape.args
    order = _flow_order(tape, root, variables)
    needed = set(order)
    ends = set(variables)
    adjoint: dict[int, Operand] = {root: 1.0}
    active: dict[int, int] = {}  # no entry: always
    for v in reversed(order):
        if v in ends:
            continue
        g = adjoint[v]
        condition = active.get(v)
        for p, d in zip(args[v], _partials(rules, ops[v], v, args[v]), strict=True):
            if d is None or p not in needed:
                continue
            gate = condition
            if type(d) is Gate:
                taken = d.condition if d.taken else apply("where", (d.condition, 0.0, 1.0))
                gate = taken if gate is None else apply("where", (gate, taken, 0.0))
                term: Operand = g
            elif d == 1.0 and type(d) is float:
                term = g
            elif g == 1.0 and type(g) is float:
                term = d
            else:
                term = apply("mul", (g, d))
            if gate is not None and not (term is g and gate == condition):
                term = apply("where", (gate, term, -0.0))
            if p in adjoint:
                if p in active:
                    if gate is None:
                        del active[p]
                    elif gate != active[p]:
                        active[p] = apply("where", (active[p], 1.0, gate))
                adjoint[p] = apply("add", (adjoint[p], term))
            else:
                adjoint[p] = term
                if gate is not None:
                    active[p] = gate
    results: list[Operand] = []
    for x in variables:
        g = adjoint.get(x, 0.0)
        results.append(apply("where", (active[x], g, 0.0)) if x in active else g)
    return results


def _partials(rules: Rules, op: str, y: int, operands: tuple[int, ...]) -> tuple[Any, ...]:
    if op == "take":
        index, *rows = operands
        chosen = [Gate(rules.eq(index, float(i)), True) for i in range(len(rows))]
        return (None, *chosen)
    return TABLE[op].partials(rules, y, *operands)


# Operands that never get a gradient
_BLOCKED = {"stop_gradient": slice(0), "where": slice(1, None), "take": slice(1, None)}
_BLOCKED["polygamma"] = slice(1, None)
_FLAT = {*LEAVES, *EXTRA} - {"take"}


def _flow_order(tape: Tape, root: int, variables: list[int]) -> list[int]:
    """The values that gradient reaches from the root on its way to a variable, operands first.

    The order is that of the eager engine (a depth-first search, operands from left to right).
    """
    ops, args = tape.ops, tape.args
    first = min(variables, default=0)  # what comes before all variables depends on none
    reaches = dict.fromkeys(variables, True)
    if root in reaches:
        return [root]
    order: list[int] = []

    def operands(v: int) -> Any:
        op = ops[v]
        if op in _FLAT:
            return iter(())
        return iter(args[v][_BLOCKED[op]] if op in _BLOCKED else args[v])

    path = [(root, operands(root))]
    while path:
        v, rest = path[-1]
        for p in rest:
            if p >= first and p not in reaches:
                reaches[p] = False
                path.append((p, operands(p)))
                break
        else:
            path.pop()
            if any([reaches.get(p) for p in operands(v)]):
                reaches[v] = True
                order.append(v)
    return [*variables, *order]
