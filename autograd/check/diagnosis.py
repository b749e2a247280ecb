"""Why a gradient is wrong, where that can be told: one sentence for each thing that is off."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from autograd.check.differences import measure
from autograd.order import topological_order
from autograd.primitives import TABLE
from autograd.value import Value

MOST_NODES = 2_000  # whose rules are held against differences one by one
CLOSE = 1e-5  # of a ratio to a round number, or to another number


def diagnose(problem: Any, claimed: Any, wrong: Sequence[Any]) -> list[str]:
    """Sentences on what is wrong. wrong: comparisons with where, got and expected."""
    f, xs, places = problem.scalar, problem.xs, problem.places
    leaves = [Value(x, place) for x, place in zip(xs, places, strict=True)]
    try:
        root = f(leaves)
    except Exception:  # a foreign function, which takes floats alone
        root = None
    root = root if isinstance(root, Value) else None
    found = [] if root is None else list(_wrong_rules(root))
    if not found:
        found = list(_patterns(wrong, root, dict(zip(places, leaves, strict=True))))
    return found


def _wrong_rules(root: Value) -> Iterator[str]:
    """Each primitive of the graph whose local derivative differs from differences."""
    seen: set[tuple[str, int]] = set()
    for v in topological_order(root)[:MOST_NODES]:
        if v.op not in TABLE:
            continue
        numbers = [p.data for p in v.parents]
        for k, (parent, partial) in enumerate(zip(v.parents, v.partials, strict=True)):
            if parent.op == "constant" or (v.op, k) in seen:
                continue

            def along(x: float, v: Value = v, k: int = k, numbers: list[float] = numbers) -> float:
                return TABLE[v.op or ""].forward(*numbers[:k], x, *numbers[k + 1 :])

            slope = measure(along, numbers[k])
            expected = slope.value
            if abs(partial - expected.value) <= 1e-6 * abs(partial) + 1e-9 + 20.0 * expected.error:
                continue
            if math.isnan(expected.value) or slope.corner:
                continue
            seen.add((v.op, k))
            names = TABLE[v.op].operands
            operand = names[k] if k < len(names) and not names[k].startswith("*") else str(k)
            yield (
                f"primitive {v.op!r}, operand {operand.partition('=')[0]}: its rule gives "
                f"{partial:.6g} where it is {numbers[k]:.6g}, differences give {expected.value:.6g}"
                f"{_by_factor(partial, expected.value)}"
            )


def _patterns(wrong: Sequence[Any], root: Value | None, leaves: dict[str, Value]) -> Iterator[str]:
    """What the numbers themselves look like: no gradient, another sign, a common factor ..."""
    pairs = [(c.got, c.expected) for c in wrong if c.sides is None]
    if not pairs:
        return
    silent = [c.where for c in wrong if c.got == 0.0]
    if silent:
        yield (
            f"no gradient reaches {', '.join(silent[:3])}: is it used through .data, float() or "
            "detach(), or left out of the sum?"
        )
    ratios = [got / expected for got, expected in pairs if got != 0.0 and expected != 0.0]
    first = ratios[0] if ratios else 0.0
    if len(ratios) == len(pairs) and all(abs(r - first) <= CLOSE * abs(first) for r in ratios):
        if abs(first + 1.0) <= CLOSE:
            yield "the sign is wrong: each is the negative of what it should be"
        elif upstream := _upstream(root, 1.0 / first):
            yield f"an upstream factor is missing: each lacks {upstream}"
        else:
            yield f"each is{_by_factor(first, 1.0).removeprefix(':')}"
    if root is None:
        return
    for c in wrong:
        if c.where in leaves:
            yield from _one_of_several(c, root, leaves[c.where])


def _upstream(root: Value | None, factor: float) -> str:
    """The derivative inside the graph that this factor is, in words."""
    if root is None or root.op is None:
        return ""
    root.backward()
    for v in topological_order(root):
        inside = v.op not in (None, "constant") and v is not root and v.grad not in (0.0, 1.0)
        if inside and abs(v.grad - factor) <= CLOSE * abs(factor):
            return f"the factor {factor:.6g}, which is the derivative by the result of {v.op!r}"
    return ""


def _one_of_several(comparison: Any, root: Value, leaf: Value) -> Iterator[str]:
    """Whether only some of the contributions to a number arrived: `=` in place of `+=`."""
    root.zero_grad()
    root.backward()
    flows = [
        v.grad * partial
        for v in topological_order(root)
        for p, partial in zip(v.parents, v.partials, strict=True)
        if p is leaf
    ]
    if len(flows) < 2:
        return
    for flow in flows:
        if abs(comparison.got - flow) <= CLOSE * abs(flow):
            yield (
                f"{comparison.where} is used {len(flows)} times, and only one of its contributions "
                f"({flow:.6g}) is there: add them up, += in place of ="
            )
            return


def _by_factor(got: float, expected: float) -> str:
    """How many times too large or too small."""
    if got == 0.0 or expected == 0.0 or not math.isfinite(got / expected):
        return ""
    ratio = got / expected
    if abs(ratio + 1.0) <= CLOSE:
        return ": the sign is wrong"
    sign = ", and of the wrong sign" if ratio < 0.0 else ""
    if abs(ratio) >= 1.0:
        return f": {abs(ratio):.6g} times too large{sign}"
    return f": {1.0 / abs(ratio):.6g} times too small{sign}"
