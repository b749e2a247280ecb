"""Notices: said once, at the user's line, silenceable by name, errors if asked; and strict()."""

import asyncio
import contextvars
import copy
import pickle
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
from told import told

import autograd
from autograd import Notice, Value, is_strict, notice, silence, strict, watches
from autograd.notices import STRICT_ONLY, TRAPS

ALWAYS = [name for name in TRAPS if name not in STRICT_ONLY]


class Thing:
    """Something a notice can be about."""


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    """A call of strict() or silence() in a test ends with it."""
    with strict(False), silence():
        yield


@pytest.mark.parametrize("name", TRAPS)
def test_each_trap_is_watched_as_the_table_says(name: str) -> None:
    """Always, or inside strict() alone; never where it is silenced, and then the others are."""
    assert watches(name) == (name not in STRICT_ONLY)
    with strict():
        assert watches(name)
        with silence(name):
            assert [other for other in TRAPS if not watches(other)] == [name]
        assert watches(name)
    assert watches(name) == (name not in STRICT_ONLY)


@pytest.mark.parametrize("name", ALWAYS)
def test_said_once_of_a_thing(name: str) -> None:
    """Of one thing each name is said once, of another again, and of nothing in particular always.

    The text ends with the name.
    """
    one, two = Thing(), Thing()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for about in (one, one, two, None, None):
            notice(name, "It is so", about)
    assert [str(w.message) for w in caught] == [f"It is so [{name}]"] * 4
    assert {w.category for w in caught} == {Notice}


def test_what_was_an_error_is_not_yet_said() -> None:
    """A notice that a filter or strict(errors=True) raised comes again, until it has been said."""
    thing = Thing()
    for _ in range(2):
        with strict(errors=True), pytest.raises(Notice, match=r"so \[dead-relu\]$"):
            notice("dead-relu", "so", thing)
        with warnings.catch_warnings():
            warnings.simplefilter("error", Notice)
            with pytest.raises(Notice):
                notice("dead-relu", "so", thing)
    with pytest.warns(Notice, match="so"):
        notice("dead-relu", "so", thing)


@pytest.mark.parametrize("wrong", ["dead_relu", "", "Dead-Relu"])
@pytest.mark.parametrize("function", [silence, watches, lambda name: notice(name, "so")])
def test_a_name_that_no_trap_has(function: Callable[[str], object], wrong: str) -> None:
    """A misspelt name is an error that lists the right ones, and silences nothing."""
    with pytest.raises(ValueError, match=f"unknown trap '{wrong}'.*dead-relu"):
        function(wrong)
    assert all(map(watches, ALWAYS))


def test_silence_as_a_call_holds_until_the_block_around_it_ends() -> None:
    """A call silences from there on, and calls add up; a block puts back what was before it."""
    with silence("saturated"):
        silence("dead-relu")
        assert not watches("saturated")
        assert not watches("dead-relu")
    assert watches("saturated")
    assert watches("dead-relu")


def test_strict_as_a_call_and_as_a_block() -> None:
    """strict() holds from there on, strict(False) ends it, and blocks nest in any order."""
    strict()
    assert is_strict()
    with strict(False):
        assert not is_strict()
        with strict(errors=True):
            assert is_strict()
        assert not is_strict()
    assert is_strict()
    strict(False)
    assert not is_strict()


def test_an_error_leaves_the_block() -> None:
    """What was before comes back also if the block ends with an exception."""
    with pytest.raises(KeyError), strict(), silence("saturated"):
        raise KeyError
    assert not is_strict()
    assert watches("saturated")


def test_local_to_a_thread_and_to_a_task() -> None:
    """Another thread sees nothing of strict() and silence() here, nor do tasks of one another."""
    seen: list[tuple[bool, bool]] = []

    def look() -> None:
        seen.append((is_strict(), watches("saturated")))

    def switch() -> None:
        strict()
        silence("saturated")
        look()

    with strict(), silence("saturated"):
        # an empty context: newer Pythons may hand a thread that of its parent
        thread = threading.Thread(target=contextvars.Context().run, args=(look,))
        thread.start()
        thread.join()
    thread = threading.Thread(target=contextvars.Context().run, args=(switch,))
    thread.start()
    thread.join()
    look()

    async def task(own: bool) -> None:
        if own:
            switch()
        await asyncio.sleep(0)
        look()

    async def both() -> None:
        await asyncio.gather(task(True), task(False))

    asyncio.run(both())
    assert seen == [(False, True), (True, False), (False, True), (True, False), (True, False),
                    (False, True)]  # fmt: skip


def test_pickles_and_copies() -> None:
    """A notice comes back whole from another process, as pytest-xdist needs it to."""
    for twin in (pickle.loads(pickle.dumps(Notice("saturated", "so"))),
                 copy.copy(Notice("saturated", "so"))):  # fmt: skip
        assert (twin.name, twin.sentence, str(twin)) == ("saturated", "so", "so [saturated]")


# --- stale gradients in a loop by hand ------------------------------------------------------------


def descend(steps: int = 4, zero: Callable[[list[Value], Value], object] = lambda ps, loss: 0,
            passes: int = 1) -> list[Value]:  # fmt: skip
    """A line fitted by hand; zero: what stands before backward()."""
    w, b = params = [Value(0.3, "w"), Value(-0.1, "b")]
    for _ in range(steps):
        for k in range(passes):
            loss = (w * 2.0 + b - 1.0 - k) ** 2
            if k == 0:
                zero(params, loss)
            loss.backward()
        for p in params:
            p.data -= 0.01 * p.grad
    return params


def by_hand(params: list[Value], loss: Value) -> None:
    for p in params:
        p.grad = 0.0


def test_a_loop_without_zero_grad_is_told_under_strict() -> None:
    """micrograd's classic: each pass adds to the gradient of the steps before. Said once a run."""
    with told() as names:
        descend()
    assert names == []
    for passes in (1, 3):
        with told() as names, strict():
            descend(passes=passes)
        assert names == ["stale-gradient"]
    with strict(errors=True), pytest.raises(Notice, match=r"'w' was moved .* p\.grad = 0\.0"):
        descend()


@pytest.mark.parametrize(
    "zero", [by_hand, lambda params, loss: loss.zero_grad()], ids=["by hand", "zero_grad"]
)
@pytest.mark.parametrize("passes", [1, 2, 5])
def test_deliberate_accumulation_is_silent(zero: Callable[..., object], passes: int) -> None:
    """Several passes and then one step are meant, and so is backward() again on one graph."""
    with strict(errors=True):
        descend(zero=zero, passes=passes)
        w = Value(3.0)
        for _ in range(3):
            (w * w).backward()
        assert w.grad == 18.0


def test_other_moves_of_a_parameter_are_silent() -> None:
    """A number set anew, against its gradient or with gradient 0, was no step down the gradient."""
    x = Value(1.0)
    with strict(errors=True):
        for number in (2.0, 3.0, 4.0):
            (x * 2.0).backward()
            x.data = number
        (x * 0.0).backward()


def test_an_input_that_is_set_anew_is_no_parameter() -> None:
    """It may go down its gradient by chance: what the most of what moved did is what counts."""
    w, b, x = Value(0.3), Value(-0.1), Value(2.0)
    with strict(errors=True):
        for number in (1.5, 1.2, 0.7):
            w.grad = b.grad = 0.0
            ((w * x + b - 1.0) ** 2 + 4.0 * x).backward()
            for p in (w, b):
                p.data -= 0.01 * p.grad
            x.data = number


@pytest.mark.parametrize("block", [nullcontext, strict])
def test_strict_changes_no_gradient(block: Callable[[], object]) -> None:
    """backward() gives the same under strict, seeds and all, and after it."""
    a, b = Value(0.7), Value(-1.3)
    with block():  # type: ignore[attr-defined]
        (autograd.tanh(a * b) + a).backward(seed=3.0)
    g = 1.0 - autograd.tanh(0.7 * -1.3) ** 2
    assert (a.grad, b.grad) == (pytest.approx(3.0 * (1.0 - 1.3 * g)), pytest.approx(3.0 * 0.7 * g))
