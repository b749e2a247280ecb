"""What operations are in machine arithmetic: a formula for each, so that none calls Python."""

import pytest

from autograd import jit
from autograd.compiler.lower import _LONG, CALLBACKS, FORMULAS
from autograd.compiler.tape import FORWARD
from autograd.primitives import BUILT_IN

# what is left of them on a tape are sums of products, and nothing
TAKEN_APART = {"dot", "inner", "logsumexp", "mean", "prod", "stop_gradient", "total"}


def test_each_operation_has_a_formula() -> None:
    """And no formula is of no operation: what has none is called in Python, number by number."""
    assert FORMULAS.keys() == FORWARD.keys() - TAKEN_APART
    assert FORMULAS.keys() >= BUILT_IN - TAKEN_APART
    assert FORMULAS.keys() >= _LONG


def test_only_what_c_has_not_is_called_in_python() -> None:
    """Under names of ours."""
    names = {f"glassgrad_{name}" for name in ("hypot", "lgamma", "digamma", "polygamma")}
    assert CALLBACKS.keys() == names
    pytest.importorskip("llvmlite")
    f = jit(lambda x: [x.hypot(2.0), x.lgamma(), x.leaky_relu(0.1)], exact=True)
    f(1.5)
    text = f.explain().llvm
    assert "glassgrad_hypot" in text
    assert "glassgrad_own" not in text
