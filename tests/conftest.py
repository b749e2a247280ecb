"""Profiles of hypothesis: the same examples every time in CI, fresh ones at the desk."""

import os
import random
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import settings

import autograd

# No deadline: the first example of a test also pays for SymPy's differentiation.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

# A shell without job control starts what runs in the background with Ctrl-C ignored, and children
# inherit that: the tests of Ctrl-C would wait for ever
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _draws_without_a_seed_repeat() -> None:
    """A network that a test starts at random, as scikit-learn's do, starts alike in each run."""
    random.seed(0)
    np.random.seed(0)  # what scikit-learn falls back on


@pytest.fixture(autouse=True)
def _settings_end_with_the_test() -> Iterator[None]:
    """What a test, or a notebook in it, silences from there on ends with it."""
    with autograd.silence(), autograd.strict(False):
        yield
