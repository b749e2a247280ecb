"""The tool of mutation testing: which changes it makes, and how its figures are counted."""

import ast

import pytest

from tools.mutants.__main__ import explained, interval
from tools.mutants.changes import changes

SOURCE = '''
"""A module's docstring."""
TABLE = [lambda m, a, b: m.sub(a, b)]


@cache
def f(x: "int" = 1, *, strict: bool = True) -> int:
    """A docstring."""
    for a, b in zip(x, x, strict=True):
        if a < b and not x:
            continue
        x += 2.5
    if x:
        raise ValueError("wording")
    assert x, "wording"
    self.x = g(-x, key=f"text {x * 1}")
    return "s"
'''


def test_which_changes() -> None:
    """One of each kind; annotations, docstrings, decorators and the wording of errors stay."""
    found = [change.key for change in changes(ast.parse(SOURCE))]
    assert sorted(found) == sorted(
        [
            "module: TABLE = [lambda m, a, b: m.sub(a, b)] -> TABLE = None",
            "module: m.sub(a, b) -> m.add(a, b)",
            "module: m.sub(a, b) -> m.sub(b, a)",
            "f: 1 -> 2",
            "f: True -> False",
            "f: a < b and (not x) -> a < b or not x",
            "f: a < b -> a <= b",
            "f: not x -> x",
            "f: continue -> break",
            "f: x += 2.5 -> pass",
            "f: x += 2.5 -> x -= 2.5",
            "f: 2.5 -> 3.5",
            "f: if x -> if not x",
            "f: raise ValueError('wording') -> pass",
            "f: self.x = g(-x, key=f'text {x * 1}') -> pass",
            "f: g(-x, key=f'text {x * 1}') -> g(-x)",
            "f: -x -> x",
            "f: x * 1 -> x / 1",
            "f: 1 -> 2 #2",
            "f: return 's' -> return None",
            "f: 's' -> 'XXs'",
        ]
    )


def test_a_change_is_made_where_it_is_said() -> None:
    """Each is another program that compiles, and the tree of the others is not touched."""
    texts = set()
    for i, change in enumerate(changes(ast.parse(SOURCE))):
        tree = ast.parse(SOURCE)
        changes(tree)[i].make()
        compile(ast.fix_missing_locations(tree), "", "exec")
        texts.add(ast.unparse(tree))
        inside = change.where == "f" and change.line > 7
        assert (change.function is not None) == (inside or "m.sub(a, b)" == change.text[:11])
    assert len(texts) == len(changes(ast.parse(SOURCE)))
    assert ast.unparse(ast.parse(SOURCE)) not in texts


def test_figures() -> None:
    """Wilson's interval, against figures from a table; explanations name file and change."""
    low, high = interval(36, 40)
    assert (low, high) == (pytest.approx(0.7695, abs=1e-4), pytest.approx(0.9604, abs=1e-4))
    assert interval(40, 40)[1] == pytest.approx(1.0)
    assert all(" -> " in key and key.split()[0].endswith(".py") for key in explained())
