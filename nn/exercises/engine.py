"""An engine of the learner's own: compared on every small graph, the smallest first."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import autograd
from autograd import Value
from nn.exercises.answers import (
    MOST_STEPS,
    UNANSWERED,
    TooLongError,
    Verdict,
    at_most,
    floats,
    is_blank,
    same,
    short,
)

LINKS = 5_000  # far more than Python lets functions call each other
SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/"}

Operation = tuple[str, tuple[int, ...]]  # its name, and which of the numbers so far it is given


def check_engine(
    engine: Any, operations: Sequence[str] = ("add", "mul"), backward: bool = True
) -> Verdict:
    """Whether a class of nodes computes as Value does, on every graph of up to three operations.

    engine: called as engine(number); its nodes have data, grad, parents and partials.
    operations: of `operator` (add, sub, mul, truediv), else methods without arguments (tanh).
    backward: with it, `backward()` as well, on graphs with many paths and in a long chain too.
    """
    checked = 0
    for size in (1, 2, 3) if backward else (1, 2):
        for program in programs(size, operations):
            try:
                with at_most(MOST_STEPS):
                    verdict = _disagreement(engine, program, backward)
            except TooLongError:
                verdict = _endless(program)
            except Exception as error:
                error.add_note("while checking\n" + _written(engine, program, backward))
                raise
            if verdict is not None:
                return verdict
            checked += 1
    if not backward:
        return Verdict(True, f"right! Yours agrees on all {checked} graphs of one or two steps.")
    return (
        _many_paths(engine)
        or _long_chain(engine)
        or Verdict(
            True,
            f"right! Yours agrees on all {checked} graphs of up to three operations, on one of "
            f"{2**40:,} paths, and on a chain of {LINKS:,}.",
        )
    )


def programs(size: int, operations: Sequence[str] = ("add", "mul")) -> Iterator[list[Operation]]:
    """Every way to do so many operations on two numbers, each result but the last used again."""
    steps: list[list[Operation]] = [
        [
            (name, operands)
            for name in operations
            for operands in product(range(2 + k), repeat=2 if name in SYMBOLS else 1)
        ]
        for k in range(size)
    ]
    for program in product(*steps):
        used = {k for _, operands in program for k in operands}
        if used.issuperset(range(2, size + 1)):
            yield list(program)


def _run(engine: Any, program: Iterable[Operation]) -> list[Any]:
    nodes = [engine(3.0), engine(-2.0)]  # of which sum, product and square all differ
    for name, places in program:
        operands = [nodes[k] for k in places]
        f = getattr(operator, name) if name in SYMBOLS else operator.methodcaller(name)
        nodes.append(f(*operands))
    return nodes


def _disagreement(engine: Any, program: list[Operation], backward: bool) -> Verdict | None:
    ours, theirs = _run(Value, program), _run(engine, program)
    if is_blank(theirs[-1]):
        return UNANSWERED
    names = _names(len(program))
    for v, name in zip(ours, names, strict=True):
        v.label = name
    if backward:
        ours[-1].backward()
        theirs[-1].backward()
        if theirs[-1].grad == 0.0 and all(x.grad == 0.0 for x in theirs):
            return UNANSWERED
    for name, v, x in zip(names, ours, theirs, strict=True):
        for what in ("data", "grad") if backward else ("data", "parents", "partials"):
            expected, given = getattr(v, what), getattr(x, what)
            if what == "parents":
                expected = [names[ours.index(p)] for p in v.parents]
                given = [names[theirs.index(p)] if p in theirs else repr(p) for p in given]
                agree = expected == given
            elif what == "partials":
                expected, given = list(expected), floats(tuple(given))
                agree = len(expected) == len(given) and all(map(same, expected, given))
            else:
                agree = same(expected, float(given))
            if not agree:
                text = f"not yet. In\n{_written(engine, program, backward)}\n"
                text += f"{name}.{what} is {short(expected)}, yours is {short(given)}."
                return Verdict(False, text, autograd.draw(ours[-1]))
    return None


def _endless(program: list[Operation]) -> Verdict:
    picture = autograd.draw(_run(Value, program)[-1])
    return Verdict(False, "not yet. On this small graph yours does not come to an end.", picture)


def _many_paths(engine: Any) -> Verdict | None:
    """Forty doublings: one node each, but twice as many paths each time."""
    nodes = _run(engine, [("add", (1 + k, 1 + k)) for k in range(40)])
    try:
        with at_most(MOST_STEPS):
            nodes[-1].backward()
    except (TooLongError, RecursionError):
        text = (
            "not yet. The results are right, but yours goes along every path. Here are three "
            f"doublings, with {2**3} paths; forty have {2**40:,}.\nVisit each node once: when all "
            "that used it have reported."
        )
        return Verdict(False, text, _example([("add", (1 + k, 1 + k)) for k in range(3)]))
    return None


def _long_chain(engine: Any) -> Verdict | None:
    try:
        node = first = engine(1.0)
        for _ in range(LINKS):
            node = node + engine(1.0)
        node.backward()
    except RecursionError:
        text = (
            f"not yet. A chain like this one, but {LINKS:,} links long, is too deep for a function "
            "that calls itself.\nKeep a list of what is still to do instead."
        )
        return Verdict(False, text, _example([("add", (0, 1)), ("add", (2, 1)), ("add", (3, 1))]))
    if first.grad != 1.0:
        return Verdict(False, f"not yet. In a chain of {LINKS:,} sums the gradient is 1 all along.")
    return None


def _example(program: list[Operation]) -> Any:
    nodes = _run(Value, program)
    nodes[-1].backward()
    return autograd.draw(nodes[-1])


def _names(size: int) -> list[str]:
    return ["a", "b", *[f"v{k}" for k in range(1, size)], "y"]


def _written(engine: Any, program: Iterable[Operation], backward: bool) -> str:
    """The program as Python."""
    program = list(program)
    names, new = _names(len(program)), engine.__name__
    lines = [f"a, b = {new}(3.0), {new}(-2.0)"]
    for name, (op, places) in zip(names[2:], program, strict=True):
        x, *y = [names[k] for k in places]
        lines.append(f"{name} = {x} {SYMBOLS[op]} {y[0]}" if y else f"{name} = {x}.{op}()")
    return "\n".join(f"    {line}" for line in [*lines, *["y.backward()"] * backward])
