"""What editors see of the functions made from the table, and the list of public names."""

import inspect
from pathlib import Path

import pytest

import autograd
from autograd import ieee
from autograd.elementwise import ELEMENTWISE
from autograd.primitives import BUILT_IN, TABLE
from tools.stubs import ROOT, STUBS


@pytest.mark.parametrize("path", STUBS)
def test_stubs_are_what_the_table_gives(path: str) -> None:
    """The committed .pyi files equal what `make stubs` writes."""
    assert (ROOT / path).read_text(encoding="utf-8") == STUBS[path](), "run `make stubs`"


def test_every_primitive_is_a_public_function() -> None:
    """autograd.<name> is there for each entry, with its formula and its operands' names."""
    for name, p in TABLE.items():
        function = getattr(autograd, name)
        assert function.__doc__
        if name in ELEMENTWISE:
            names = [operand.split("=")[0] for operand in p.operands]
            assert list(inspect.signature(function).parameters) == names or p.arity == 1


def test_public_names_are_spelled_out() -> None:
    """autograd/__init__.py consists of `from x import y as y` and nothing else."""
    lines = Path(autograd.__file__).read_text(encoding="utf-8").splitlines()
    for line in lines[1:]:
        if line:
            _, _, names = line.partition(" import ")
            first, _, second = names.partition(" as ")
            assert first == second, line


SYMBOLS = {
    "identity": "id", "stop_gradient": "stop", "add": "+", "sub": "−", "mul": "×", "div": "÷",
    "neg": "−", "pow": "^", "square": "²", "reciprocal": "1/x", "sqrt": "√", "cbrt": "∛",
    "sigmoid": "σ", "log_sigmoid": "log σ", "leaky_relu": "leaky", "digamma": "ψ",
    "polygamma": "ψₙ", "abs": "|x|", "maximum": "max", "minimum": "min", "total": "Σ", "prod": "Π",
    "dot": "w·x+b",
}  # fmt: skip


FORMULAS = {
    "total": "the sum, left to right",
    "mean": "the sum over the count",
    "prod": "the product",
    "dot": "the sum of weight times input, then the bias",
    "logsumexp": "ln(exp(x1) + exp(x2) + ...)",
}


def test_an_entrys_words_go_with_its_rule() -> None:
    """Symbol, names and formula are the committed ones; each operand named has a partial."""
    for name in BUILT_IN:
        p = TABLE[name]
        n = 3 if p.operands == ("*xs",) else len(p.operands)
        xs = [0.5 + k for k in range(n)]
        assert len(p.partials(ieee, p.forward(*xs), *xs)) == n
        # a primitive is written as its name, or as mathematics writes it
        assert p.symbol == SYMBOLS.get(name, name)
        if name not in ELEMENTWISE:
            assert p.formula == FORMULAS[name]
    assert set(SYMBOLS) | set(FORMULAS) <= BUILT_IN
    for path, text in STUBS.items():  # which have the formulas of the others, and all domains
        assert (ROOT / path).read_text(encoding="utf-8") == text()
