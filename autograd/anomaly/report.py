"""An anomaly in words: what turned nan or inf, where, of what it was made, why, and what to do."""

from collections.abc import Iterator, Sequence
from math import isfinite
from textwrap import fill
from typing import TYPE_CHECKING

from autograd.anomaly.causes import (
    operand_names,
    remedy_gradient,
    remedy_value,
    why_gradient,
    why_value,
)
from autograd.graph.explain import named
from autograd.graph.words import decimal, factor, formula
from autograd.primitives import TABLE, Primitive
from autograd.sources import source_of
from autograd.value import Value

if TYPE_CHECKING:
    from autograd.anomaly.watch import Anomaly

LINES = 8  # the most nodes of the chain behind an anomaly
SEEN = 1000  # nodes looked at
WIDTH = 60  # characters of a formula


def report(a: "Anomaly") -> str:
    """The whole message."""
    behind = list(_behind(a.node))
    after = [] if a.masked_by is None else [a.masked_by]
    names = named([*reversed(behind), a.node, *after])
    tell = {"forward": _forward, "given": _given, "backward": _backward}[a.kind]
    head, advice = tell(a, names)
    lines = [paragraph(head)]
    source = source_of(a.node)
    if source is not None:
        lines += ["", f"    {source}"]
    lines += _chain(behind, names)
    if a.where:
        lines += ["", f"found {a.where}"]
    return "\n".join([*lines, "", paragraph(f"what to do: {advice}")])


def paragraph(text: str) -> str:
    """The text in lines that a terminal has room for."""
    return fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _forward(a: "Anomaly", names: dict[Value, str]) -> tuple[str, str]:
    p, xs, operands = _operation(a.node, names)
    why = why_value(p, xs, operands, a.node.data)
    head = f"{_formula(a.node, names)} gave {decimal(a.node.data)}: {why}"
    return head, remedy_value(p, xs, operands)


def _given(a: "Anomaly", names: dict[Value, str]) -> tuple[str, str]:
    assert a.operand is not None
    who = "an input without a label"
    if a.operand.label is not None:
        who = f"the input {a.operand.label}"
    elif a.operand.op == "constant":
        who = "a plain number"
    user = "" if a.node is a.operand else f", before {_formula(a.node, names)} used it"
    return f"{who} was {decimal(a.operand.data)} already{user}", (
        "look where this number comes from: a missing value in the data, or a parameter that an "
        "update with too large a learning rate has spoilt"
    )


def _backward(a: "Anomaly", names: dict[Value, str]) -> tuple[str, str]:
    assert a.operand is not None
    if a.node is a.operand:
        head = f"the gradient that the backward pass was to begin with is {decimal(a.upstream)}"
        return head, "pass a finite seed to backward()"
    p, xs, operands = _operation(a.node, names)
    term = a.upstream * a.local
    head = (
        f"the gradient of {names[a.operand]} turned {decimal(a.before + term)}: "
        f"{_formula(a.node, names)} = {decimal(a.node.data)} passed back "
        f"{decimal(a.upstream)} * {factor(a.local)}"
    )
    if isfinite(term) or not isfinite(a.before):
        why = f"added to the {decimal(a.before)} of another way, this has no finite sum"
    else:
        why = why_gradient(p, xs, operands, a.node.data, a.upstream, a.local)
    if a.masked_by is not None:
        why += f". The gradient became 0 at {_formula(a.masked_by, names)}"
        source = source_of(a.masked_by)
        why += "" if source is None else f" ({source.place})"
    return f"{head}: {why}", remedy_gradient(p, a.upstream, a.local)


def _chain(behind: Sequence[Value], names: dict[Value, str]) -> list[str]:
    """How the operands came about, the nearest first, down to the leaves."""
    rows = []
    for v in behind[:LINES]:
        if v.op is None:
            rows.append((f"{names[v]} = {decimal(v.data)}", ""))
        else:
            source = source_of(v)
            text = f"{names[v]} = {_formula(v, names)} = {decimal(v.data)}"
            rows.append((text, "" if source is None else f"({source.place})"))
    width = max([len(text) for text, place in rows if place], default=0)
    lines = [f"    {text:{width}}  {place}".rstrip() for text, place in rows]
    if len(behind) > LINES:
        more = f"{len(behind) - LINES:,}" if len(behind) <= SEEN else "many"
        lines.append(f"    and {more} more: autograd.draw(error.anomaly.node) shows them")
    return ["", "of these", *lines] if lines else []


def _behind(v: Value) -> Iterator[Value]:
    """What it was made of, the nearest first, and of those what is not finite; no plain numbers.

    No more than would be read: a graph may have millions of nodes.
    """
    seen = {v}
    level = [v]
    while level and len(seen) <= SEEN:
        found = dict.fromkeys(p for u in level for p in u.parents if p.op != "constant")
        level = sorted([p for p in found if p not in seen], key=lambda p: isfinite(p.data))
        seen.update(level)
        yield from level


def _operation(v: Value, names: dict[Value, str]) -> tuple[Primitive, tuple[float, ...], list[str]]:
    """The primitive, the numbers it was given, and names for these."""
    assert v.op is not None
    p = TABLE[v.op]
    parents = v.parents
    generic = operand_names(p, len(parents))
    pairs = zip(parents, generic, strict=True)
    words = [name if x.op == "constant" or x not in names else names[x] for x, name in pairs]
    return p, tuple([x.data for x in parents]), words


def _formula(v: Value, names: dict[Value, str]) -> str:
    if v.op is None:
        return names[v]
    parts = [names.get(p) or decimal(p.data) for p in v.parents]
    text = formula(v.op, parts)
    if len(text) > WIDTH:
        text = f"{v.op}({', '.join(parts[:3])} ... {len(parts)} operands)"
    return text
