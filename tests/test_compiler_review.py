"""What a review of the compiler found, each held by a test of its own."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import autograd
from autograd import StructureError, jit
from autograd.compiler import jit as compiler

pytest.importorskip("llvmlite")


def in_a_fresh_python(program: str) -> str:
    """What a program prints; it must end well."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("first", ["float64", "float32"])
def test_large_batches_of_both_widths(first: str) -> None:
    """The helping threads serve float64 and float32, whichever was first in the process."""
    second = "float32" if first == "float64" else "float64"
    program = f"""
import autograd, numpy as np
xs = np.random.default_rng(0).normal(size=(4096, 3))
expected = float(np.tanh(xs @ [0.1, 0.2, 0.3]).mean())
def f(w, x): return autograd.tanh(sum(a * b for a, b in zip(w, x)))
for dtype in ("{first}", "{second}"):
    got = autograd.jit(f, batch_argnums=1, dtype=dtype)([0.1, 0.2, 0.3], xs)
    print(abs(got - expected) < 1e-6)
"""
    assert in_a_fresh_python(program).split() == ["True", "True"]


