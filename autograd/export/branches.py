"""The operations of a traced function on SymPy's formulas, with all their branches.

SymPy takes conditions that hold branches apart for ever. So an operation that has conditions on
its operands is written for each case of the branches in these, where they have none.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, final

from autograd.compiler.tape import EXTRA
from autograd.errors import GraphTooLargeError
from autograd.graph.meanings import has_branches, meanings, partial_formulas, sympy
from autograd.primitives import TABLE

CASES = 8  # of the operands of one operation; beyond them nobody would read the formula
# What the first operand alone decides; the others may be formulas of any kind
CHOICES = ("where", "take")


@final
class AllBranches:
    """What operations mean, and their rules, of formulas in which there may be branches."""

    def value(self, op: str, operands: Sequence[Any]) -> Any:
        return _by_case(op, operands, lambda xs: [_meaning(op, xs)])[0]

    def partials(self, op: str, y: Any, operands: Sequence[Any]) -> Sequence[Any]:
        return _by_case(op, operands, lambda xs: _partials(op, xs))


def _meaning(op: str, operands: Sequence[Any]) -> Any:
    sp = sympy()
    if op == "take":
        index, *rows = operands
        cases = [(row, sp.Eq(index, k)) for k, row in enumerate(rows)]
        return sp.Piecewise(*cases, (sp.nan, True))
    if op in EXTRA:
        relation = {"gt": sp.Gt, "ge": sp.Ge, "lt": sp.Lt, "le": sp.Le, "eq": sp.Eq}[op]
        return sp.Piecewise((1, relation(*operands)), (0, True))
    return meanings()[op](*operands)


def _partials(op: str, operands: Sequence[Any]) -> Sequence[Any]:
    sp = sympy()
    if op == "take":
        index, *rows = operands
        return [None, *[sp.Piecewise((1, sp.Eq(index, k)), (0, True)) for k in range(len(rows))]]
    if op in EXTRA:
        return [None] * len(operands)
    return partial_formulas(TABLE[op], _meaning(op, operands), operands)


def _by_case(
    op: str, operands: Sequence[Any], formulas: Callable[[Sequence[Any]], Sequence[Any]]
) -> list[Any]:
    """The formulas of the operands: branches over the cases, if the operation has conditions."""
    if op not in EXTRA and not has_branches(TABLE[op], len(operands)):
        return list(formulas(operands))
    rows, conditions = [], []
    for xs, condition in _cases(operands, 1 if op in CHOICES else len(operands)):
        rows.append(formulas(xs))
        conditions.append(condition)
        if len(rows) > CASES:
            raise GraphTooLargeError(
                f"the condition of {op!r} depends on more than {CASES} cases of the choices before "
                "it (where, relu, maximum ...): nobody would read the formula; to_python writes it "
                "as a program"
            )
    columns = list(zip(*rows, strict=True))
    choose = sympy().Piecewise
    return [None if c[0] is None else choose(*zip(c, conditions, strict=True)) for c in columns]


def _cases(operands: Sequence[Any], deciding: int) -> Iterator[tuple[Sequence[Any], Any]]:
    """The operands without branches in the deciding ones, each with its condition.

    As in a `Piecewise`, a condition holds where none before it did.
    """
    sp = sympy()
    operands = [sp.sympify(x) for x in operands]
    parts = [part for x in operands[:deciding] for part in sp.preorder_traversal(x)]
    choice = next((part for part in parts if isinstance(part, sp.Piecewise)), None)
    if choice is None:
        yield operands, sp.true
        return
    known: dict[Any, Any] = {}
    for value, condition in choice.args:
        here = {**known, choice: value}
        if condition is not sp.true:
            here[condition] = sp.true
            known[condition] = sp.false
        for xs, inner in _cases([x.xreplace(here) for x in operands], deciding):
            yield xs, sp.And(condition, inner)
