"""READ FIRST. Value: the node, its operators, backward(). The whole idea.

Every operation makes a node that keeps its result, its parents and, for each parent, the local
derivative as a plain number, computed there and then. `backward()` walks the graph from the result
to the leaves and multiplies: the gradient of a parent grows by the gradient of the node times the
local derivative, once for each edge between them. That is the chain rule, and that is all.
"""

from typing import Any, SupportsIndex, final

from autograd import ieee, modes
from autograd.errors import OperandError
from autograd.methods import Methods
from autograd.operands import as_float
from autograd.order import operands_first, topological_order
from autograd.primitives import TABLE, Primitive


@final
class Value(Methods):
    """A number that remembers how it was made.

    data:  the number, a float; write a number to it to change a parameter: p.data -= lr * p.grad.
    grad:  the derivative of whatever `backward()` was last called on, with respect to this number.
    op:    the name of the primitive that made it, None for a leaf.
    label: a name for pictures and messages.

    Raises OperandError (a TypeError) if `data` is not a real number.
    """

    # Inline slots, not tuples of parents and partials: one object per node for the garbage
    # collector to visit, which costs more than the arithmetic. How they are used:
    #   one or two operands:  a and b (a Value, or a plain float if constant), with their partials
    #                         da and db; None for an operand that gets no gradient
    #   any number:           a, a tuple of Values, and da, the tuple of their partials; where some
    #                         operands get no gradient, b is (all operands, all partials)
    #   dot:                  a = (*weights, bias), da = (*inputs, 1.0); b = inputs, db = the
    #                         weights and the bias; b and db are empty if the inputs are constant,
    #                         and a bias that is constant is not in a
    __slots__ = ("data", "grad", "op", "label", "a", "b", "da", "db")

    data: float
    grad: float
    op: str | None
    label: str | None
    a: Any
    b: Any
    da: Any
    db: Any

    def __init__(self, data: float, label: str | None = None) -> None:
        if label is not None and not isinstance(label, str):
            raise TypeError(
                f"a label is a str, but got {label!r} ({type(label).__name__}); "
                "Value takes one number and then its label"
            )
        self.data = as_float(data)
        self.grad = 0.0
        self.op = None
        self.label = label
        self.a = self.b = self.da = self.db = None

    # --- what the node was made of ----------------------------------------------------------------

    @property
    def parents(self) -> "tuple[Value, ...]":
        """The operands, in order; a constant such as the 2 in `x * 2` is a node here as well."""
        if self.op is None or self.op == "constant":
            return ()
        if type(self.da) is not tuple:
            self.a = as_node(self.a)
            if self.b is None:
                return (self.a,)
            self.b = as_node(self.b)
            return (self.a, self.b)
        if self.db is not None:
            n = len(self.da) - 1
            if len(self.b) < n:  # constant inputs, made nodes when first asked for
                self.b = tuple([as_node(x) for x in self.da[:-1]])
            if len(self.a) == n:  # a constant bias
                self.db[n] = as_node(self.db[n])
            return (*self.a[:n], *self.b, *self.a[n:], *self.db[len(self.a) :])
        if self.b is None:
            parents: tuple[Value, ...] = self.a
            return parents
        operands, partials = self.b
        parents = tuple([as_node(x) for x in operands])
        self.b = (parents, partials)
        return parents

    @property
    def partials(self) -> tuple[float, ...]:
        """The local derivative for each of `parents`, as of the moment this node was made.

        0.0 for an operand that gets no gradient: a constant, or the branch `where` did not take.
        """
        if self.op is None or self.op == "constant":
            return ()
        if type(self.da) is not tuple:
            pair = (self.da or 0.0, self.db or 0.0)
            return pair[:1] if self.b is None else pair
        if self.db is not None:
            n = len(self.da) - 1
            weights = self.db[:n] or (0.0,) * n
            return (*self.da[:n], *weights, 1.0 if len(self.a) > n else 0.0)
        return self.da if self.b is None else tuple([d or 0.0 for d in self.b[1]])

    # --- operators --------------------------------------------------------------------------------
    # + and * of two nodes, written out for speed; a test holds them to the table. All others are
    # made from it, in operators.py: - / ** neg abs, those with a plain number, and < <= > >=, which
    # compare the numbers. Equality and hash are the node's own: two nodes that hold the same number
    # are still two nodes.

    def __add__(self, other: "Value | float") -> "Value":
        if type(other) is Value and not modes.open_blocks:
            v = _new(Value)
            v.data = self.data + other.data
            v.grad = 0.0
            v.op = "add"
            v.label = None
            v.a = self
            v.b = other
            v.da = v.db = 1.0
            return v
        return Methods.__add__(self, other)

    def __mul__(self, other: "Value | float") -> "Value":
        if type(other) is Value and not modes.open_blocks:
            v = _new(Value)
            v.db = a = self.data
            v.da = b = other.data
            v.data = a * b
            v.grad = 0.0
            v.op = "mul"
            v.label = None
            v.a = self
            v.b = other
            return v
        return Methods.__mul__(self, other)

    def __pos__(self) -> "Value":
        return self

    def __bool__(self) -> bool:
        if modes.is_recording():  # a compiled function must not be built for one outcome
            return bool(apply(TABLE["identity"], self))
        return self.data != 0.0

    def __float__(self) -> float:
        raise OperandError(
            "float(v), and so math.exp(v) and the like, would drop the gradient in silence; "
            "write v.data for the number, or autograd.exp(v), v.exp() for a node"
        )

    def __round__(self, digits: int = 0) -> float:
        return self.__float__()

    def __index__(self) -> int:
        raise OperandError(
            "a Value is not an index or a whole number; write int(v.data) if you mean the number"
        )

    __int__ = __index__

    def __repr__(self) -> str:
        op = "" if self.op is None else f", op={self.op!r}"
        label = "" if self.label is None else f", label={self.label!r}"
        return f"Value(data={self.data!r}, grad={self.grad!r}{op}{label})"

    def __format__(self, spec: str) -> str:
        """`f"{v:.3f}"` formats the number; `f"{v}"` is the repr."""
        return format(self.data, spec) if spec else repr(self)

    def __copy__(self) -> "Value":
        from autograd.copying import copy_node

        return copy_node(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Value":
        from autograd.copying import copy_graph

        return copy_graph(self, memo)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        from autograd.copying import reduce_graph

        return reduce_graph(self)

    # --- the chain rule ---------------------------------------------------------------------------

    def backward(self, seed: float = 1.0) -> None:
        """Add d(self)/d(leaf) * seed to the `grad` of every leaf this node was made from.

        The nodes between get their gradient afresh; leaves accumulate over calls, so that the
        gradients of several losses add up, until `zero_grad()`.

        Raises OperandError if `seed`, or the number of this node, is not a real number.
        """
        seed = as_float(seed)
        as_float(self.data)  # a .data behind this node may have been set to something else
        if modes.open_blocks and (watch := modes.watcher()) is not None:
            watch.backward(self, seed)
        if self.op is None:
            self.grad += seed
            return
        order = operands_first(self)
        self.grad = seed
        for v in reversed(order):
            g = v.grad
            d = v.da
            if type(d) is tuple:
                # A dead relu passes 0.0 on to its dot; if the dot's value is finite, so are its
                # partials, and adding 0.0 * partial changes nothing
                if g == 0.0 and v.op == "dot" and v.data - v.data == 0.0:
                    continue
                # no strict=True: it costs, and of a dot the partials end with the bias
                for p, partial in zip(v.a, d):  # noqa: B905
                    p.grad += g * partial
                if v.db is not None:
                    for p, partial in zip(v.b, v.db):  # noqa: B905
                        p.grad += g * partial
                continue
            if d is not None:
                v.a.grad += g * d
            d = v.db
            if d is not None:
                v.b.grad += g * d

    def zero_grad(self) -> None:
        """Set `grad` to 0.0 on this node and on all it was made from."""
        for v in topological_order(self):
            v.grad = 0.0

    def detach(self) -> "Value":
        """A new leaf with this number and label, and no history."""
        if modes.is_recording():
            return apply(TABLE["stop_gradient"], self)
        return Value(self.data, self.label)


# --- making nodes ---------------------------------------------------------------------------------


def apply(p: Primitive, *operands: "Value | float") -> Value:
    """A node: its value and its local derivatives, computed now, from the table."""
    if modes.open_blocks and (record := modes.recorder.get()) is not None:
        recorded: Value = record(p, operands)
        return recorded
    numbers = [x.data if type(x) is Value else x for x in operands]
    v = _new(Value)
    v.data = y = p.forward(*numbers)
    v.grad = 0.0
    v.label = v.op = v.a = v.b = v.da = v.db = None
    if modes.open_blocks:
        if (watch := modes.watcher()) is not None:
            watch.made(v, p, operands)
        if modes.paused.get():
            return v
    partials = p.partials(ieee, y, *numbers)
    v.op = p.name
    if p.arity == 1:
        v.a = operands[0]
        v.da = partials[0]
    elif p.arity == 2:
        v.a, v.b = operands
        if type(v.a) is Value:
            v.da = partials[0]
        if type(v.b) is Value:
            v.db = partials[1]
    elif set(map(type, operands)) == {Value} and None not in partials:
        v.a = operands
        v.da = partials
    else:
        flows = [d if type(x) is Value else None for x, d in zip(operands, partials, strict=True)]
        v.a = tuple([x for x, d in zip(operands, flows, strict=True) if d is not None])
        v.da = tuple([d for d in flows if d is not None])
        v.b = operands, tuple(flows)
    return v


def as_node(x: "Value | float") -> Value:
    """The operand as a node: a constant becomes a leaf that gets no gradient."""
    if type(x) is Value:
        return x
    v = Value(x)
    v.op = "constant"
    return v


_new = object.__new__
