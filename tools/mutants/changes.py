"""The changes that `tools.mutants` makes: one at a time, to the syntax tree of a file.

Module level and lambdas included, for the tables of this library are made of them. Left alone are
annotations, docstrings, decorators, the wording of errors, the text in f-strings, and `strict=` of
zip, which is an assertion.
"""

import ast
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple


class Change(NamedTuple):
    """One change: the field `name` of `node` gets `value` instead of what it has.

    where:    the class and function around it, "" at module level.
    text:     before -> after.
    line:     in the file.
    function: the lines of the body of the innermost function around it, None at module level.
    """

    where: str
    text: str
    line: int
    function: range | None
    node: ast.AST
    name: str
    value: Any

    @property
    def key(self) -> str:
        """What it is called from one version of the file to the next."""
        return f"{self.where or 'module'}: {self.text}"

    def make(self) -> None:
        """Change the tree."""
        setattr(self.node, self.name, self.value)


_COMPARE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_BINARY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.LShift: ast.RShift,
    ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
}  # fmt: skip
# Functions of the namespaces over which the rules, the laws and the formulas are written
_NAMESPACES = {"m", "rules"}
_METHODS = {
    "add": "sub", "sub": "add", "mul": "div", "div": "mul", "gt": "ge", "ge": "gt", "lt": "le",
    "le": "lt", "eq": "ge", "maximum": "minimum", "minimum": "maximum",
}  # fmt: skip
_ORDERED = {"sub", "div", "gt", "ge", "lt", "le", "pow", "where", "copysign", "atan2"}
_SKIPPED = {"annotation", "returns", "decorator_list", "type_comment", "ctx", "op", "ops"}


def changes(tree: ast.Module) -> list[Change]:
    """All changes, in the order of the file; of equal ones in a function the later are numbered."""
    seen: Counter[str] = Counter()
    found = []
    for m in _of(tree, "", None):
        seen[m.key] += 1
        n = seen[m.key]
        found.append(m if n == 1 else m._replace(text=f"{m.text} #{n}"))
    return found


def _of(node: Any, where: str, function: range | None) -> Iterator[Change]:
    """The changes of a node and of all below it."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        where = f"{where}.{node.name}".lstrip(".")
    for name, value in _changes(node):
        yield Change(where, _text(node, name, value), node.lineno, function, node, name, value)
    for name, field in ast.iter_fields(node):
        if name in _SKIPPED or isinstance(node, ast.Raise):
            continue
        if isinstance(node, ast.Assert) and name == "msg":
            continue
        inside = function
        if isinstance(node, (ast.FunctionDef, ast.Lambda)) and name == "body":
            first = field[0] if isinstance(field, list) else field
            inside = range(first.lineno, (node.end_lineno or first.lineno) + 1)
        children = field if isinstance(field, list) else [field]
        for i, child in enumerate(children):
            if not isinstance(child, ast.AST) or _is_left_alone(node, child):
                continue
            for new in _replacements(child):
                value = [*children[:i], new, *children[i + 1 :]] if isinstance(field, list) else new
                text = f"{_line(child)} -> {_line(new)}"
                yield Change(where, text, child.lineno, inside, node, name, value)  # type: ignore[attr-defined]
            yield from _of(child, where, inside)


def _is_left_alone(parent: ast.AST, child: ast.AST) -> bool:
    if isinstance(child, ast.keyword):
        return child.arg == "strict"
    if isinstance(child, ast.Expr):
        return isinstance(child.value, ast.Constant)  # a docstring, or ...
    return isinstance(parent, ast.JoinedStr) and isinstance(child, ast.Constant)


def _changes(node: Any) -> Iterator[tuple[str, Any]]:
    """Changes of a node's own fields."""
    match node:
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                yield "ops", [*ops[:i], _COMPARE[type(op)](), *ops[i + 1 :]]
        case ast.AugAssign(op=op) | ast.BinOp(op=op) if type(op) in _BINARY:
            yield "op", _BINARY[type(op)]()
        case ast.BoolOp(op=op):
            yield "op", ast.Or() if isinstance(op, ast.And) else ast.And()
        case ast.Constant(value=bool() as number):
            yield "value", not number
        case ast.Constant(value=int() as number):
            yield "value", number + 1
        case ast.Constant(value=float() as number):
            yield "value", number + 1.0 if math.isfinite(number) else 0.0
        case ast.Constant(value=str() as text):
            yield "value", "XX" + text
        case ast.Call(func=func, args=args, keywords=keywords):
            for i, keyword in enumerate(keywords):
                if keyword.arg != "strict":
                    yield "keywords", [*keywords[:i], *keywords[i + 1 :]]
            match func:
                case ast.Attribute(value=ast.Name(id=m), attr=name) if m in _NAMESPACES:
                    if name in _METHODS:
                        other = ast.Attribute(func.value, _METHODS[name], ast.Load())
                        yield "func", ast.copy_location(other, func)
                    if name in _ORDERED and len(args) >= 2:
                        yield "args", [*args[:-2], args[-1], args[-2]]
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            if isinstance(test, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
                yield "test", ast.copy_location(ast.UnaryOp(ast.Not(), test), test)
        case ast.Return(value=value) | ast.Assign(targets=[ast.Name()], value=value):
            if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
                yield "value", ast.copy_location(ast.Constant(None), value)


def _replacements(node: Any) -> Iterator[ast.AST]:
    """What may stand in place of a node."""
    match node:
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Call(func=ast.Attribute(value=ast.Name(id=m)), args=[operand], keywords=[]):
            if m in _NAMESPACES:
                yield operand
        case ast.Break():
            yield ast.copy_location(ast.Continue(), node)
        case ast.Continue():
            yield ast.copy_location(ast.Break(), node)
        case ast.Expr() | ast.Raise() | ast.AugAssign():
            yield ast.copy_location(ast.Pass(), node)
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.copy_location(ast.Pass(), node)


def _text(node: Any, name: str, value: Any) -> str:
    before, old = _line(node), getattr(node, name)
    setattr(node, name, value)
    after = _line(node)
    setattr(node, name, old)
    return f"{before} -> {after}"


def _line(node: Any) -> str:
    """A node as one line of source; of a compound statement, the condition."""
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        return f"if {ast.unparse(node.test)}"
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 120 else text[:117] + "..."
