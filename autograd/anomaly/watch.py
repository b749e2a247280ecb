"""Where nan or inf first came up in a graph: what counts as an anomaly, and the search for it."""

from collections.abc import Iterable, Sequence
from math import isfinite, isinf, isnan
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn

from autograd import modes
from autograd.errors import AnomalyError
from autograd.order import topological_order
from autograd.primitives import TABLE, Primitive
from autograd.value import Value, apply

if TYPE_CHECKING:
    from autograd.sources import Source

_SWEEP_FROM = 10_000  # nodes; from then on whenever there are twice as many as were in use


class Anomaly(NamedTuple):
    """A number or a gradient that turned nan or infinite; print it.

    kind: "forward" if the node's number did, of the operands it was made of; "given" if a nan was
        there from the start, in a leaf; "backward" if the gradient that the node passed to one of
        its operands did.
    operand: backward and given, the one in question. upstream, local, before: backward, the node's
        gradient, its derivative by the operand, what the operand's gradient was before; masked_by:
        the node that made the upstream gradient 0, if it is.
    where: in what compiled function, training or row, if it was in one.
    """

    kind: Literal["forward", "backward", "given"]
    node: Value
    operand: Value | None = None
    upstream: float = 0.0
    local: float = 0.0
    before: float = 0.0
    masked_by: Value | None = None
    where: str = ""

    @property
    def source(self) -> "Source | None":
        """The line that made the node, if it was noted."""
        from autograd.sources import source_of

        return source_of(self.node)

    def __str__(self) -> str:
        from autograd.anomaly.report import report

        return report(self)


class Look(NamedTuple):
    """What counts as an anomaly, and the search for the first one in a graph."""

    nan: bool
    inf: bool

    def bad(self, x: float) -> bool:
        return (self.nan and isnan(x)) or (self.inf and isinf(x))

    def turned(self, y: float, operands: Iterable[float]) -> bool:
        """Whether a number made of these is an anomaly."""
        return self.nan if isnan(y) else self.inf and isinf(y) and all(map(isfinite, operands))

    def forward(self, root: Value) -> Anomaly | None:
        """The first node in forward order that has a say in the root."""
        if self.nan and root.op is None and isnan(root.data):
            return Anomaly("given", root, root)
        for v in _in_use(root):
            if v.op in TABLE and self.turned(v.data, [p.data for p in v.parents]):
                return self.entered(v) or Anomaly("forward", v)
        return None

    def entered(self, v: Value) -> Anomaly | None:
        """The operand that brought nan with it, if one did; of what it was made, if it was."""
        for p in _operands_in_use(v):
            if isnan(p.data):
                return (self.forward(p) if p.parents else None) or Anomaly("given", v, p)
        return None

    def backward(self, root: Value, seed: float, ends: Iterable[Value] = ()) -> Anomaly | None:
        """The first contribution, in backward order, with which a gradient turned nan or inf.

        ends: the variables derived by, beyond which no gradient flows. No node's own is written.
        """
        from autograd.graph.paths import edges
        from autograd.transforms import _flow_order

        if self.bad(seed):
            return Anomaly("backward", root, root, seed, 1.0)
        gradients = {root: seed}
        order = _flow_order(root, set(ends))
        for v in reversed(order):
            if v not in gradients:
                continue
            g = gradients[v]
            for p, d in edges(v):
                before = gradients.get(p, 0.0)
                gradients[p] = after = before + g * d
                if after - after != 0.0 and self.bad(after):
                    mask = _mask(v, order, gradients) if g == 0.0 else None
                    return Anomaly("backward", v, p, g, d, before, mask)
        return None


class Watch:
    """One block of `detect_anomaly`: what the engine tells of nodes, gradients, compiled results.

    where: what is being run again, for the report.
    """

    def __init__(self, nan: bool, inf: bool) -> None:
        from autograd.sources import Sources

        self.look = Look(nan, inf)
        self.where = ""
        self._sources = Sources()
        self._note = self._sources.note_caller
        self._sweep_at = _SWEEP_FROM

    def made(self, v: Value, p: Primitive, operands: Sequence[Any]) -> None:
        """A node was made. Raises AnomalyError."""
        if v.data - v.data != 0.0:
            numbers = [x.data if type(x) is Value else x for x in operands]
            if self.look.turned(v.data, numbers):
                token = modes.paused.set(0)  # so that the error shows what it was made of
                try:
                    with modes.watching(None):
                        v = apply(p, *operands)
                finally:
                    modes.paused.reset(token)
                self._note(v)
                self.stop(self.look.entered(v) or Anomaly("forward", v))
        if self._note(v) > self._sweep_at:
            self._sweep_at = max(_SWEEP_FROM, 2 * self._sources.forget_unused())

    def backward(self, root: Value, seed: float = 1.0, ends: Iterable[Value] = ()) -> None:
        """A backward pass is about to begin. Raises AnomalyError, with no gradient written."""
        found = self.look.backward(root, seed, ends)
        if found is not None:
            self.stop(found)

    def named(
        self, f: Any, positions: Sequence[int], args: Any, variables: Sequence[Value]
    ) -> None:
        """The variables by which f is derived, made of some of its arguments, get their names."""
        from autograd.anomaly.rerun import argument_paths

        for v, name in zip(variables, argument_paths(f, args, positions), strict=True):
            v.label = v.label or name

    def compiled(self, f: Any, result: Any, args: Any, kwargs: Any) -> None:
        """Compiled code gave a result. Raises AnomalyError."""
        from autograd.anomaly.rerun import after_call

        after_call(self, f, result, args, kwargs)

    def diverged(
        self, loss: Any, args: Sequence[Any], batched: set[int], rows: Iterable[int], dtype: str
    ) -> None:
        """A compiled step of training met nan or inf. Raises AnomalyError."""
        from autograd.anomaly.rerun import after_step

        after_step(self, loss, args, batched, rows, dtype)

    def stop(self, found: Anomaly) -> NoReturn:
        found = found._replace(where=self.where)
        raise AnomalyError(str(found), found)


def _in_use(root: Value) -> list[Value]:
    """All behind the root, operands first, without the branches that a `where` did not take."""
    order = topological_order(root)
    used = {root}
    for v in reversed(order):
        if v in used:
            used.update(_operands_in_use(v))
    return [v for v in order if v in used]


def _operands_in_use(v: Value) -> tuple[Value, ...]:
    if v.op != "where":
        return v.parents
    condition, x, y = v.parents
    return (condition, x if condition.data else y)


def _mask(v: Value, order: Sequence[Value], gradients: dict[Value, float]) -> Value | None:
    """The node that made the gradient 0 which came to v: the first with another on the way up."""
    from autograd.graph.paths import edges

    silent = {v}
    for u in order[order.index(v) + 1 :]:
        if u in gradients and any(p in silent for p, d in edges(u) if gradients[u] * d == 0.0):
            if gradients[u] != 0.0:
                return u
            silent.add(u)
    return None
