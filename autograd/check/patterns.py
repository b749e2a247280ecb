"""What the numbers of a wrong gradient look like: a sign, a factor, an order, a missing part."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from autograd.check.comparison import Comparison, GradientReport
from autograd.check.problem import Problem
from autograd.order import topological_order
from autograd.value import Value

CLOSE = 1e-5  # of a ratio to a round number, or of a number to another
NAMED = 3  # numbers that a sentence names, of those it is about


def patterns(
    problem: Problem,
    claimed: list[float] | None,
    report: GradientReport,
    root: Value | None,
    leaves: Sequence[Value],
) -> Iterator[str]:
    """Sentences on a wrong gradient. root: f's graph above the leaves, if it takes nodes."""
    wrong = [c for c in report.wrong if c.kind == "smooth" and not math.isnan(c.got)]
    for c in report.wrong:
        if math.isnan(c.got):
            yield f"{c.where}: the gradient is nan, where the function has a slope"
            break
    if not wrong:
        return
    what = wrong[0].what
    wrong = [c for c in wrong if c.what == what]
    whole = [c for c in report.comparisons if c.what == what and c.where in problem.places]
    place = {name: k for k, name in enumerate(problem.places)}
    complete = len(whole) == len(problem.places)
    if complete and (sentence := _order(problem, [c.got for c in whole], whole)):
        yield sentence
        return
    everywhere = complete and all(
        not c.right or abs(c.expected) <= c.tolerance or c in wrong for c in whole
    )
    ratio = common([c.got for c in wrong], [c.expected for c in wrong])
    if ratio is not None and (everywhere or len(wrong) > 1):
        yield _whole(problem, wrong, ratio, root, everywhere)
        return
    shift = wrong[0].got - wrong[0].expected
    if len(wrong) > 2 and all(same(c.got - c.expected, shift, abs(c.got)) for c in wrong):
        yield f"each of {_names(wrong)} is off by the same {shift:.6g}"
        return
    said: dict[str, list[Comparison]] = {}
    for c in wrong:
        leaf = leaves[place[c.where]] if c.where in place and c.what != "second" else None
        said.setdefault(_single(c, root, leaf), []).append(c)
    for sentence, about in said.items():
        if sentence:
            yield sentence.replace("{names}", _names(about))


# --- all numbers together -------------------------------------------------------------------------


def _order(problem: Problem, got: list[float], whole: list[Comparison]) -> str:
    """Whether the right numbers stand in a wrong order."""
    expected, size = [c.expected for c in whole], max(abs(c.expected) for c in whole)

    def alike(xs: Sequence[float], ys: Sequence[float]) -> bool:
        return all(same(x, y, 1e-2 * size) for x, y in zip(xs, ys, strict=True))

    if not alike(sorted(got), sorted(expected)):
        return ""
    start = 0
    for rows, columns in [table for arg in problem.args for table in _matrices(arg)]:
        end = start + rows * columns
        by_columns = [
            expected[start + r * columns + c] for c in range(columns) for r in range(rows)
        ]
        if end > start + 1 and alike(got[start:end], by_columns) and columns > 1 < rows:
            first, last = whole[start].where, whole[end - 1].where
            return f"{first} ... {last}: the gradient is transposed"
        start = end
    if alike(got, expected[::-1]):
        return "the right numbers in reverse order"
    moved = [k for k, c in enumerate(whole) if not c.right]
    if len(moved) == 2:
        return f"{whole[moved[0]].where} and {whole[moved[1]].where} are swapped"
    for shift in range(1, len(got)):
        if alike(got, expected[shift:] + expected[:shift]):
            return f"the right numbers, shifted by {min(shift, len(got) - shift)}"
    return f"the right numbers in a wrong order: {len(moved)} of {len(got)} are out of place"


def _matrices(args: Any) -> Iterator[tuple[int, int]]:
    """The shape of each table of numbers in the arguments; of anything else, one row."""
    if isinstance(args, dict):
        args = list(args.values())
    shape = _shape(args)
    if shape is not None and len(shape) == 2:
        yield shape[0], shape[1]
    elif shape is not None:
        yield 1, math.prod(shape)
    else:
        for item in args:
            yield from _matrices(item)


def _shape(x: Any) -> tuple[int, ...] | None:
    """The shape, of nested lists as well; None if they are ragged."""
    if isinstance(x, (list, tuple)):
        shapes = {_shape(item) for item in x}
        if len(shapes) != 1 or None in shapes:
            return None if shapes else (0,)
        (shape,) = shapes
        return (len(x), *(shape or ()))
    return None if isinstance(x, dict) else tuple(getattr(x, "shape", ()))


def _whole(
    problem: Problem, wrong: list[Comparison], ratio: float, root: Value | None, everywhere: bool
) -> str:
    each = "each" if everywhere else f"each of {_names(wrong)}"
    if ratio == 0.0:
        return (
            f"no gradient reaches {_names(wrong)}: is it used through .data, float() or detach(), "
            "or left out of the sum?"
        )
    if ratio == -1.0:
        return f"the sign is wrong: {each} is the negative of what it should be"
    for n in sorted(_lengths(problem.args) - {1}):
        if same(ratio, n, n):
            return (
                f"{each} is {n} times too large, and {n} is a length in the arguments: it looks "
                "like the sum over the batch in place of the mean"
            )
        if same(ratio, 1.0 / n, 1.0 / n):
            return (
                f"{each} is {n} times too small, and {n} is a length in the arguments: it looks "
                "like the mean over the batch in place of the sum"
            )
    if upstream := _upstream(root, 1.0 / ratio):
        return f"an upstream factor is missing: {each} lacks {upstream}"
    return f"{each} is{factor(ratio).removeprefix(':')}"


def _lengths(x: Any) -> set[int]:
    if isinstance(x, dict):
        x = list(x.values())
    if isinstance(x, (list, tuple)):
        return {len(x)}.union(*map(_lengths, x))
    return set(getattr(x, "shape", ()))


def _upstream(root: Value | None, missing: float) -> str:
    """The derivative inside the graph that this factor is, in words."""
    if root is None or root.op is None:
        return ""
    root.zero_grad()
    root.backward()
    for v in reversed(topological_order(root)):
        inside = v.op not in (None, "constant") and v is not root and v.grad not in (0.0, 1.0)
        if inside and same(v.grad, missing, abs(missing)):
            return f"the factor {missing:.6g}, which is the derivative by the result of {v.op!r}"
    return ""


# --- one number -----------------------------------------------------------------------------------


def _single(c: Comparison, root: Value | None, leaf: Value | None) -> str:
    if c.got == 0.0:
        return (
            "no gradient reaches {names}: is it used through .data, float() or detach(), or left "
            "out of the sum?"
        )
    if root is not None and leaf is not None and (sentence := _contributions(c, root, leaf)):
        return sentence
    ratio = common([c.got], [c.expected])
    if ratio == -1.0:
        return "{names}: the sign is wrong"
    if ratio is None:
        return f"{{names}}: it is {c.got:.6g}, but the function does not change with it"
    if upstream := _upstream(root, 1.0 / ratio):
        return f"an upstream factor is missing: {{names}} lacks {upstream}"
    return f"{{names}}:{factor(ratio).removeprefix(':')}"


def _contributions(c: Comparison, root: Value, leaf: Value) -> str:
    """Whether some of the contributions to a number are missing: `=` in place of `+=`."""
    root.zero_grad()
    root.backward()
    flows = [
        v.grad * partial
        for v in topological_order(root)
        for p, partial in zip(v.parents, v.partials, strict=True)
        if p is leaf and v.grad * partial != 0.0
    ]
    if len(flows) < 2:
        return ""
    times = f"{c.where} is used {len(flows)} times, and"
    for flow in flows:
        if same(c.got, flow, abs(flow)):
            return (
                f"{times} only one of its contributions ({flow:.6g}) is there: add them up, += in "
                "place of ="
            )
    for flow in flows:
        if same(c.expected - c.got, flow, abs(flow)):
            return f"{times} one of its contributions ({flow:.6g}) is missing"
        if same(c.got - c.expected, flow, abs(flow)):
            return f"{times} one of its contributions ({flow:.6g}) is counted twice"
    return ""


# --- numbers --------------------------------------------------------------------------------------


def same(a: float, b: float, size: float) -> bool:
    """Whether two numbers are alike, for numbers of this size."""
    return abs(a - b) <= CLOSE * size


def common(got: Sequence[float], expected: Sequence[float]) -> float | None:
    """The factor between the two, if it is one for all; whole if it is nearly so."""
    if not any(expected) or not all(map(math.isfinite, (*got, *expected))):
        return None
    k = max(range(len(expected)), key=lambda i: abs(expected[i]))
    ratio = got[k] / expected[k]
    size = abs(ratio) or 1.0
    for g, e in zip(got, expected, strict=True):
        sizes = max(abs(g), abs(e) * size)
        # of what is nearly right, the little that is wrong must have the factor too
        if abs(g - ratio * e) > min(CLOSE * sizes, 1e-2 * abs(g - e) + 1e-8 * sizes):
            return None
    whole = float(round(ratio))
    return whole if same(ratio, whole, 1.0) and (whole or abs(ratio) < 1e-12) else ratio


def factor(ratio: float) -> str:
    """How many times too large or too small, after a colon."""
    if ratio == -1.0:
        return ": the sign is wrong"
    sign = ", and of the wrong sign" if ratio < 0.0 else ""
    if abs(ratio) >= 1.0:
        return f": {abs(ratio):.7g} times too large{sign}"
    return f": {1.0 / abs(ratio):.7g} times too small{sign}"


def _names(wrong: Sequence[Comparison]) -> str:
    names = list(dict.fromkeys(c.where for c in wrong))
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + rest
