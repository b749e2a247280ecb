"""The functions that written Python needs beside `math`: those of `ieee.py`, with what they use.

They are cut out of its source, so that each formula stands once. Annotations are left out, which
would need more imports.
"""

import ast
import inspect
from collections.abc import Iterable, Iterator
from functools import cache
from types import ModuleType

from autograd import ieee
from autograd.compiler import tape

TAKE = "_take"  # the one that stands with the tape


class _Plain(ast.NodeTransformer):
    """The same without annotations."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        for argument in (*node.args.args, *filter(None, [node.args.vararg])):
            argument.annotation = None
        self.generic_visit(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        assert node.value is not None
        return ast.Assign([node.target], node.value)


@cache
def _statements() -> dict[str, ast.stmt]:
    """What makes each name, in order."""
    found = _all_made(ieee) | {TAKE: _all_made(tape)[TAKE]}
    return {name: ast.fix_missing_locations(_Plain().visit(one)) for name, one in found.items()}


def _all_made(module: ModuleType) -> dict[str, ast.stmt]:
    statements = ast.parse(inspect.getsource(module)).body
    return dict(pair for statement in statements for pair in _made(statement))


def _made(statement: ast.stmt) -> Iterator[tuple[str, ast.stmt]]:
    if isinstance(statement, ast.Import):
        yield from ((alias.name, ast.Import([alias])) for alias in statement.names)
    elif isinstance(statement, ast.ImportFrom):
        for alias in statement.names:
            yield alias.name, ast.ImportFrom(statement.module, [alias], 0)
    elif isinstance(statement, ast.FunctionDef):
        yield statement.name, statement
    elif isinstance(statement, ast.If):  # a function that depends on the version of Python
        yield from ((name, statement) for name, _ in _made(statement.body[0]))
    elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for name in {
            x.id for target in targets for x in ast.walk(target) if isinstance(x, ast.Name)
        }:
            yield name, statement


def reserved() -> set[str]:
    """The names that the functions have."""
    return set(_statements())


def functions(names: Iterable[str]) -> str:
    """The source of these functions, and of all that they use, in the order of `ieee.py`."""
    statements = _statements()
    needed: set[str] = set()
    new = [name for name in names if name in statements]
    while new:
        name = new.pop()
        if name in needed:
            continue
        needed.add(name)
        used = [x.id for x in ast.walk(statements[name]) if isinstance(x, ast.Name)]
        new += [x for x in used if x in statements]
    chosen = [one for name, one in statements.items() if name in needed]
    once = list({id(one): one for one in chosen}.values())
    imports = [x for x in once if isinstance(x, (ast.Import, ast.ImportFrom))]
    others = [x for x in once if not isinstance(x, (ast.Import, ast.ImportFrom))]
    text = "\n".join(map(ast.unparse, imports))
    last = True  # whether what came last needs lines around it
    for one in others:
        block = isinstance(one, (ast.FunctionDef, ast.If))
        text += ("\n\n\n" if block or last else "\n") + ast.unparse(one)
        last = block
    return text.strip("\n")
