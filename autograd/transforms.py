"""grad, value_and_grad, vjp, jacobian, hessian, hvp: derivatives of functions of nested numbers.

They nest: `grad(grad(f))`, `jvp` of `grad`, `grad` of `jvp`. Where an outer derivative is being
taken, the chain rule itself is computed on Values (with the table's rules) and so recorded.
Functions are left as they were: no `grad` of a Value that `f` uses is written.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from autograd import modes
from autograd.elementwise import call
from autograd.errors import StructureError
from autograd.forward import Dual, jvp
from autograd.functions import NAMESPACE
from autograd.operands import as_float
from autograd.primitives import TABLE
from autograd.tree import flatten, same_structure
from autograd.value import Value

Argnums = int | tuple[int, ...]


def grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that gives the gradient of `f`, in the structure of the argument.

    argnums: the position of the argument to differentiate by, or a tuple of positions (then the
        result is a tuple of gradients).
    f must return one number; the gradient's function raises StructureError if it does not.
    """
    with_value = value_and_grad(f, argnums)
    return _named("grad", f, lambda *args, **kwargs: with_value(*args, **kwargs)[1])


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., tuple[Any, Any]]:
    """A function that gives (f(...), the gradient of f); see `grad`."""
    _check_function(f)

    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        trace = _Trace(f, args, kwargs, argnums)
        if not _is_number(trace.result):
            raise StructureError(
                f"expected a function that returns one number, but it returned "
                f"{trace.result!r:.80} ({type(trace.result).__name__}); for several use jacobian"
            )
        return trace.value(), trace.gradient(trace.result)

    return value_and_gradient


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of `f`, and a function from cotangents to their product with the Jacobian.

    The function takes cotangents built like the value and gives one result for each primal.
    """
    trace = _Trace(f, primals, {}, tuple(range(len(primals))))

    def pullback(cotangents: Any) -> tuple[Any, ...]:
        cs = same_structure("cotangents", trace.result, cotangents)
        with _recording():
            terms = [
                call(TABLE["mul"], y, c)
                for y, c in zip(trace.outputs, cs, strict=True)
                if not (type(c) is float and c == 0.0)
            ]
            root = call(TABLE["total"], *terms)
        gradients: tuple[Any, ...] = trace.gradient(root)
        return gradients

    return trace.value(), pullback


def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that gives the gradient of each number that `f` returns.

    For f from a list of n to a list of m numbers: m lists of n. In general the structure of the
    result, with the structure of the argument in place of each number.
    """
    _check_function(f)

    def rows(*args: Any, **kwargs: Any) -> Any:
        trace = _Trace(f, args, kwargs, argnums)
        return trace.rebuild_result([trace.gradient(y) for y in trace.outputs])

    return _named("jacobian", f, rows)


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that gives the second derivatives: the argument's structure, nested in itself."""
    return _named("hessian", f, jacobian(grad(f, argnums), argnums))


def hvp(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The Hessian of `f` at the primals times the tangents, without making the Hessian.

    Forward over reverse (Pearlmutter 1994): the cost of a few gradients, whatever the size.
    primals, tangents: as in `jvp`. Gives the structure of the argument; of several, a tuple.
    """
    several = isinstance(primals, tuple) and len(primals) > 1
    argnums: Argnums = tuple(range(len(primals))) if several else 0
    return jvp(grad(f, argnums), primals, tangents)[1]


class _Trace:
    """One run of `f` with the chosen arguments replaced by fresh variables."""

    def __init__(
        self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: Any, argnums: Argnums
    ) -> None:
        positions = argnums if isinstance(argnums, tuple) else (argnums,)
        chosen = self._chosen(args, positions)
        xs, self.rebuild = flatten(chosen if isinstance(argnums, tuple) else chosen[0])
        with _recording():
            variables = [_variable(x) for x in xs]
        self.variables = [_innermost(v) for v in variables]
        if modes.open_blocks and (watch := modes.watcher()) is not None:
            watch.named(f, positions, args, self.variables)
        self.from_values = any(type(v) is not Value or v.op is not None for v in self.variables)
        given = self.rebuild(variables)
        new_args = list(args)
        if not isinstance(argnums, tuple):
            given = (given,)
        for position, arg in zip(positions, given, strict=True):
            new_args[position] = arg
        with _recording(), _inside_derivative():
            self.result = f(*new_args, **kwargs)
        self.outputs, self.rebuild_result = flatten(self.result)
        for y in self.outputs:
            if not _is_number(y):
                raise StructureError(
                    f"expected a function whose result is made of numbers, but it returned "
                    f"{y!r:.80} ({type(y).__name__})"
                )

    @staticmethod
    def _chosen(args: tuple[Any, ...], positions: tuple[int, ...]) -> tuple[Any, ...]:
        for position in positions:
            if not -len(args) <= position < len(args):
                raise StructureError(
                    f"argnums={position} names an argument that is not there: {len(args)} given; "
                    "differentiate by a positional argument"
                )
        if len({position % len(args) for position in positions}) < len(positions):
            raise StructureError(f"argnums={positions} names an argument twice")
        return tuple([args[position] for position in positions])

    def value(self) -> Any:
        """What `f` returned: floats, or nodes where an outer derivative needs them."""
        return self.rebuild_result([y if self._outer(y) else _as_float(y) for y in self.outputs])

    def gradient(self, y: Any) -> Any:
        """The derivatives of one output, in the structure of the arguments."""
        return self.rebuild(self._gradients(y))

    def _gradients(self, y: Any) -> list[Any]:
        if type(y) is Dual:  # the gradient of a dual number: of its primal, and of its tangent
            both = zip(self._gradients(y.primal), self._gradients(y.tangent), strict=True)
            return [Dual(p, t, y.level) for p, t in both]
        if hasattr(y, "__settle__"):  # a tangent that exists on one branch of a traced `where`
            return self._gradients(y.__settle__())
        if hasattr(y, "__gradients__"):  # of a traced number, the compiler's
            gradients: list[Any] = y.__gradients__(self.variables)
            return gradients
        if type(y) is not Value:
            return [0.0] * len(self.variables)
        return _adjoints(y, self.variables, self._outer(y))

    def _outer(self, y: Any) -> bool:
        """Whether an outer derivative may depend on this output."""
        if type(y) is Dual:
            return self._outer(y.primal) or self._outer(y.tangent)
        if type(y) is Value and not self.from_values and modes.inside_derivative.get():
            own = set(self.variables)
            return any(v.op is None and v not in own for v in _flow_order(y, own))
        return type(y) is Value and self.from_values


def _adjoints(root: Value, variables: list[Value], recorded: bool) -> list[Any]:
    """d(root)/d(variable) for each: floats, or nodes if `recorded`. Writes to no node's grad."""
    if modes.open_blocks and (watch := modes.watcher()) is not None:
        watch.backward(root, ends=variables)
        with modes.watching(None):  # rules compute branches as well that they do not take
            return _adjoints(root, variables, recorded)
    adjoint: dict[Value, Any] = {root: 1.0}
    with _recording():
        for v in reversed(_flow_order(root, set(variables))):
            if v not in adjoint:  # behind a branch that was not taken
                continue
            for p, d in _recorded_edges(v) if recorded else _edges(v):
                if d is None:
                    continue
                term = _times(adjoint[v], d)
                adjoint[p] = call(TABLE["add"], adjoint[p], term) if p in adjoint else term
    return [adjoint.get(v, 0.0) for v in variables]


def _times(g: Any, d: Any) -> Any:
    """g * d, without a node for a factor of 1."""
    if type(d) is float and d == 1.0:
        return g
    if type(g) is float and g == 1.0:
        return d
    return call(TABLE["mul"], g, d)


def _flow_order(root: Value, stop: set[Value]) -> list[Value]:
    """The nodes that gradient reaches from the root, operands first; variables are ends."""
    order: list[Value] = []
    seen = {root}
    path = [(root, iter(() if root in stop else _edges(root)))]
    while path:
        node, edges = path[-1]
        for p, _ in edges:
            if p not in seen:
                seen.add(p)
                path.append((p, iter(() if p in stop else _edges(p))))
                break
        else:
            order.append(node)
            path.pop()
    return order


def _edges(v: Value) -> list[tuple[Value, float | None]]:
    """The parents that get a gradient, with the local derivatives saved when the node was made.

    Both branches of a `where`, None for the one not taken: the order in which the gradient's sums
    run, and so their rounding, does not depend on the branch.
    """
    if v.op == "where" and v.b is not None:
        return [(p, d) for p, d in zip(v.b[0][1:], v.b[1][1:], strict=True) if type(p) is Value]
    if type(v.da) is tuple:
        edges = list(zip(v.a, v.da, strict=False))  # see Value for a dot's slots
        if v.db:  # weights, inputs, bias
            n = len(v.b)
            edges[n:n] = zip(v.b, v.db, strict=False)
        return edges
    return [(p, d) for p, d in ((v.a, v.da), (v.b, v.db)) if d is not None]


def _recorded_edges(v: Value) -> list[tuple[Value, Any]]:
    """The same edges, with each local derivative computed anew as a node."""
    flows = {p for p, d in _edges(v) if d is not None}
    if not flows:
        return []
    assert v.op is not None  # a leaf has no edges
    operands = [p.data if p.op == "constant" else p for p in v.parents]
    partials = TABLE[v.op].partials(NAMESPACE, v, *operands)
    return [(p, d) for p, d in zip(operands, partials, strict=True) if p in flows]


def _named(what: str, f: Any, made: Callable[..., Any]) -> Callable[..., Any]:
    """A transform is called after its function, as `autograd.export` writes it."""
    name = getattr(f, "__name__", "f")
    made.__name__ = f"{what}_of_{name if name.isidentifier() else 'f'}"
    return made


def _check_function(f: Any) -> None:
    if not callable(f):
        raise TypeError(
            f"expected a function to differentiate, but got {f!r:.80}; write grad(f)(x), or for "
            "nodes y.backward() and then x.grad"
        )


def _variable(x: Any) -> Any:
    """A fresh variable in place of a number; of a Value, a node of its own that is linked to it."""
    if type(x) is Dual:
        return Dual(_variable(x.primal), x.tangent, x.level)
    if type(x) is Value or hasattr(x, "__apply_primitive__"):
        return call(TABLE["identity"], x)
    return Value(as_float(x))


def _innermost(x: Any) -> Value:
    while type(x) is Dual:
        x = x.primal
    variable: Value = x
    return variable


def _as_float(y: Any) -> Any:
    if type(y) is Dual:
        return Dual(_as_float(y.primal), _as_float(y.tangent), y.level)
    if hasattr(y, "__apply_primitive__"):
        return y
    return y.data if type(y) is Value else as_float(y)


def _is_number(y: Any) -> bool:
    if isinstance(y, (float, int, Value)) or hasattr(y, "__apply_primitive__"):
        return True
    return getattr(y, "shape", None) == ()


@contextmanager
def _recording() -> Iterator[None]:
    """Derivatives are taken inside `no_grad` as well: it is about the graphs of others."""
    token = modes.paused.set(0)
    try:
        yield
    finally:
        modes.paused.reset(token)


@contextmanager
def _inside_derivative() -> Iterator[None]:
    token = modes.inside_derivative.set(True)
    try:
        yield
    finally:
        modes.inside_derivative.reset(token)
