"""Reverse mode from tape to tape: the adjoints of a value, as further instructions.

The local derivatives are the table's own expressions, with the numbers of values for `m`'s numbers.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from autograd.compiler.tape import EXTRA, LEAVES, Namespace, Operand, Tape
from autograd.primitives import BUILT_IN, TABLE


class Gate(NamedTuple):
    """The local derivative of `where`: 1 if the condition's truth is `taken`, nothing otherwise."""

    condition: int
    taken: bool


class Rules(Namespace):
    """`m` for the table's rules on a tape."""

    def branch(self, condition: int) -> tuple[Gate, Gate]:
        return Gate(condition, True), Gate(condition, False)


def adjoints(tape: Tape, root: int, variables: list[int], exact: bool) -> list[Operand]:
    """d(root)/d(variable) for each of the variables, which are values of the tape.

    exact: the sums are spelled out and run in the order of the eager engine, so that they, and what
    is differentiated from them again, have its bits; otherwise each is one `inner`.

    Behind a branch of `where` that is not taken there is no gradient at all, which is not the same
    as a gradient of 0.0 (0.0 * inf is nan). So an adjoint has a condition under which it exists
    ("active"), and where it does not, it adds -0.0, to which adding changes nothing.
    """
    rules = Rules(tape)
    apply = tape.apply
    order = _flow_order(tape, root, variables)
    needed = {*variables, *order}
    terms: dict[int, list[Operand]] = {root: [1.0, 1.0]}  # what adds up to the adjoint, in pairs
    active: dict[int, int] = {}  # no entry: always
    for v in reversed(order):
        g = _sum(tape, terms[v], exact)
        condition = active.get(v)
        for p, d in zip(tape.args[v], _partials(rules, tape.ops[v], v, tape.args[v]), strict=True):
            if d is None or p not in needed:
                continue
            gate, factor = condition, d
            if type(d) is Gate:
                taken = d.condition if d.taken else apply("where", (d.condition, 0.0, 1.0))
                gate = taken if gate is None else apply("where", (gate, taken, 0.0))
                factor = 1.0
            pair = [g, factor]
            if gate is not None and not (_is_one(factor) and gate == condition):
                pair = [apply("where", (gate, _product(tape, g, factor), -0.0)), 1.0]
            if p not in terms:
                terms[p] = pair
                if gate is not None:
                    active[p] = gate
                continue
            terms[p] += pair
            if p in active:
                if gate is None:
                    del active[p]
                elif gate != active[p]:
                    active[p] = apply("where", (active[p], 1.0, gate))
    results: list[Operand] = []
    for x in variables:
        g = _sum(tape, terms[x], exact) if x in terms else 0.0
        results.append(apply("where", (active[x], g, 0.0)) if x in active else g)
    return results


def _is_one(x: Operand) -> bool:
    return type(x) is float and x == 1.0


def _product(tape: Tape, a: Operand, b: Operand) -> Operand:
    if _is_one(b):
        return a
    return b if _is_one(a) else tape.apply("mul", (a, b))


def _sum(tape: Tape, factors: list[Operand], exact: bool) -> Operand:
    """The sum of products, of which two factors each are given."""
    if len(factors) > 4 and not exact:
        return tape.apply("inner", tuple(factors))
    total = _product(tape, factors[0], factors[1])
    for i in range(2, len(factors), 2):
        total = tape.apply("add", (total, _product(tape, factors[i], factors[i + 1])))
    return total


def _partials(rules: Rules, op: str, y: int, operands: tuple[int, ...]) -> tuple[Any, ...]:
    if op == "inner":
        return tuple([operands[i ^ 1] for i in range(len(operands))])
    if op == "take":
        index, *rows = operands
        chosen = [Gate(rules.eq(index, float(i)), True) for i in range(len(rows))]
        return (None, *chosen)
    return TABLE[op].partials(rules, y, *operands)


# Operands that never get a gradient
_BLOCKED = {"stop_gradient": slice(0), "where": slice(1, None), "take": slice(1, None)}
_BLOCKED["polygamma"] = slice(1, None)
_FLAT = {*LEAVES, *EXTRA} - {"take", "inner"}


@lru_cache(maxsize=1024)
def _flows(partials: Callable[..., tuple[Any, ...]], n: int) -> tuple[bool, ...]:
    """Along which of n operands of a user's own primitive a gradient flows."""
    tape = Tape()
    y, *operands = [tape.input() for _ in range(1 + n)]
    return tuple([d is not None for d in partials(Rules(tape), y, *operands)])


def _flow_order(tape: Tape, root: int, variables: list[int]) -> list[int]:
    """The values that gradient passes from the root on its way to a variable, operands first.

    The order is that of the eager engine (a depth-first search, operands from left to right).
    """
    ops, args = tape.ops, tape.args
    own = set(ops) - BUILT_IN - EXTRA.keys() - set(LEAVES)
    first = min(variables, default=0)  # what comes before all variables depends on none
    reaches = dict.fromkeys(variables, True)
    if root in reaches:
        return []
    order: list[int] = []

    def operands(v: int) -> Any:
        op = ops[v]
        if op in _FLAT:
            return iter(())
        if op in own:
            flows = _flows(TABLE[op].partials, len(args[v]))
            return iter([x for x, flow in zip(args[v], flows, strict=True) if flow])
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
            if any(reaches.get(p) for p in operands(v)):
                reaches[v] = True
                order.append(v)
    return order
