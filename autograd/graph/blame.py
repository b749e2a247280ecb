"""Which part of a model the gradient comes to: its size over the parameters of each."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, final, get_args, overload

from autograd.errors import LengthError, OperandError
from autograd.graph.explain import gradients
from autograd.graph.words import decimal
from autograd.order import topological_order
from autograd.scope import Scope
from autograd.value import Value

By = Literal["layer", "neuron"]
BAR = 24  # characters of a full bar


@dataclass(frozen=True, slots=True)
class Part:
    """The gradient over one part of a model.

    path: as "layers.0.neurons.1", "" for the model itself. parameters: their number.
    norm: the Euclidean norm of their gradients. share: of the whole, norm**2 over that of all
    parameters, so that shares add up to 1.
    largest, gradient: the parameter whose gradient is the largest, and that gradient.
    """

    path: str
    parameters: int
    norm: float
    share: float
    largest: Value
    gradient: float


@final
class Blame(Sequence[Part]):
    """The parts, the one with the largest gradient first (nan and inf before all); print it.

    root: what is derived. norm: the Euclidean norm of the gradient over all parameters.
    """

    def __init__(self, root: Value, by: By, parts: list[Part]) -> None:
        self.root, self.by, self._parts = root, by, parts
        self.norm = math.hypot(*[part.norm for part in parts])

    @overload
    def __getitem__(self, k: int) -> Part: ...
    @overload
    def __getitem__(self, k: slice) -> list[Part]: ...
    def __getitem__(self, k: int | slice) -> Part | list[Part]:
        return self._parts[k]

    def __len__(self) -> int:
        return len(self._parts)

    def __iter__(self) -> Iterator[Part]:
        return iter(self._parts)

    def __str__(self) -> str:
        """A table with a bar for each share, for terminals."""
        rows = [(str(self.by), "parameters", "norm", "share", "", "largest")]
        for part in self:
            share = "" if math.isnan(part.share) else f"{part.share:.1%}"
            largest = f"{decimal(part.gradient)} ({part.largest.label})"
            name = part.path or "the whole"
            bar = "" if math.isnan(part.share) else "█" * round(part.share * BAR)
            rows.append((name, f"{part.parameters:,}", decimal(part.norm, 4), share, bar, largest))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            f"{a:{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}  "
            f"{e:{widths[4]}}  {f}".rstrip()
            for a, b, c, d, e, f in rows
        ]
        name = self.root.label or "L"
        head = f"the gradient of {name} = {decimal(self.root.data)}: norm {decimal(self.norm)}"
        return "\n".join([head, "", *lines])

    def __repr__(self) -> str:
        return f"<Blame by {self.by}: {len(self)} parts, norm {decimal(self.norm)}>"


def all_blame(root: Value, by: By) -> Blame:
    """What `autograd.blame` gives."""
    if not isinstance(root, Value):
        raise OperandError(f"blame expected a Value, such as a loss, but got {root!r:.80}")
    if by not in get_args(By):
        raise ValueError(f"blame expected by='layer' or by='neuron', but got {by!r}")
    found: dict[str, list[tuple[Value, float]]] = {}
    for v, grad in gradients(root, topological_order(root)).items():
        if v.op is None and isinstance(v.label, Scope):
            found.setdefault(_part(v.label, by), []).append((v, grad))
    if not found:
        raise LengthError(
            "blame found no parameter of a model behind this node: a parameter is a leaf whose "
            "label is a path, Scope('layers.0.neurons.1.w.0'), as nn gives them; "
            "for a single node ask autograd.explain(root, wrt=node)"
        )
    norms = {path: math.hypot(*[g for _, g in pairs]) for path, pairs in found.items()}
    total = math.hypot(*norms.values())
    parts = []
    for path, pairs in found.items():
        # where nothing flows nobody is to blame; of inf and nan there are no shares
        share = (norms[path] / total) ** 2 if total else 0.0
        largest, gradient = max(pairs, key=lambda pair: _size(pair[1]))
        parts.append(Part(path, len(pairs), norms[path], share, largest, gradient))
    return Blame(root, by, sorted(parts, key=lambda part: _size(part.norm), reverse=True))


def _size(gradient: float) -> float:
    return math.inf if math.isnan(gradient) else abs(gradient)


def _part(parameter: str, by: By) -> str:
    """The module that holds the parameter: "layers.0.neurons.1", and by layer "layers.0"."""
    module = _without_last(parameter)
    return _without_last(module) if by == "layer" and _NEURON.search(module) else module


_NEURON = re.compile(r"(^|\.)neurons\.\d+$")


def _without_last(path: str) -> str:
    return re.sub(r"(^|\.)[^.]+(\.\d+)*$", "", path)
