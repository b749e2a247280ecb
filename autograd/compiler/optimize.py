"""From tape to smaller tape: what is computed twice, is known already, or is never used goes.

`simplify` rewrites by the laws below, folds constants, shares equal instructions (hash-consing) and
spells out the operations of many operands.
"""

import math
import struct
from collections.abc import Callable
from itertools import chain
from typing import Any, NamedTuple

from autograd.compiler.tape import ARITY, FORWARD, LEAVES, Namespace, Operand, Tape
from autograd.primitives import TABLE

# --- the laws -------------------------------------------------------------------------------------


class Law(NamedTuple):
    """left = right, for all floats: nan, inf and -0.0 too.

    left, right: expressions over a namespace and the variables.
    exact: whether to the bit; if not, to the rounding of the last one.
    """

    left: Callable[..., Any]
    right: Callable[..., Any]
    exact: bool = True


# What is missing here is false for some float: x + 0 = x (for -0.0), x * 0 = 0 and x - x = 0 (for
# inf and nan), 0 - x = -x (for 0.0), sqrt(x) for x ** 0.5 (for -0.0 and -inf), 1 / (1 / x) = x.
# fmt: off
LAWS = [
    Law(lambda m, x: m.identity(x),              lambda m, x: x),
    Law(lambda m, x: m.stop_gradient(x),         lambda m, x: x),
    Law(lambda m, x: m.mul(x, 1.0),              lambda m, x: x),
    Law(lambda m, x: m.mul(1.0, x),              lambda m, x: x),
    Law(lambda m, x: m.div(x, 1.0),              lambda m, x: x),
    Law(lambda m, x: m.mul(x, -1.0),             lambda m, x: m.neg(x)),
    Law(lambda m, x: m.mul(-1.0, x),             lambda m, x: m.neg(x)),
    Law(lambda m, x: m.div(x, -1.0),             lambda m, x: m.neg(x)),
    Law(lambda m, x: m.add(x, -0.0),             lambda m, x: x),
    Law(lambda m, x: m.add(-0.0, x),             lambda m, x: x),
    Law(lambda m, x: m.sub(x, 0.0),              lambda m, x: x),
    Law(lambda m, x: m.sub(-0.0, x),             lambda m, x: m.neg(x)),
    Law(lambda m, x: m.neg(m.neg(x)),            lambda m, x: x),
    Law(lambda m, x, y: m.sub(x, m.neg(y)),      lambda m, x, y: m.add(x, y)),
    Law(lambda m, x, y: m.add(x, m.neg(y)),      lambda m, x, y: m.sub(x, y)),
    Law(lambda m, x, y: m.add(m.neg(x), y),      lambda m, x, y: m.sub(y, x)),
    Law(lambda m, x, y: m.mul(m.neg(x), m.neg(y)), lambda m, x, y: m.mul(x, y)),
    Law(lambda m, x: m.square(m.neg(x)),         lambda m, x: m.square(x)),
    Law(lambda m, x: m.square(m.abs(x)),         lambda m, x: m.square(x)),
    Law(lambda m, x: m.abs(m.neg(x)),            lambda m, x: m.abs(x)),
    Law(lambda m, x: m.abs(m.abs(x)),            lambda m, x: m.abs(x)),
    Law(lambda m, x: m.relu(m.relu(x)),          lambda m, x: m.relu(x)),
    Law(lambda m, x: m.maximum(x, x),            lambda m, x: x),
    Law(lambda m, x: m.minimum(x, x),            lambda m, x: x),
    Law(lambda m, c, x: m.where(c, x, x),        lambda m, c, x: x),
    Law(lambda m, c, x, y: m.where(m.where(c, 0.0, 1.0), x, y),
                                                 lambda m, c, x, y: m.where(c, y, x)),
    Law(lambda m, x: m.pow(x, 0.0),              lambda m, x: 1.0),
    Law(lambda m, x: m.pow(x, 1.0),              lambda m, x: x),
    Law(lambda m, x: m.pow(x, 2.0),              lambda m, x: m.square(x), exact=False),
    Law(lambda m, x: m.pow(x, 3.0),              lambda m, x: m.mul(m.square(x), x), exact=False),
    Law(lambda m, x: m.pow(x, 4.0),              lambda m, x: m.square(m.square(x)), exact=False),
    Law(lambda m, x: m.pow(x, -1.0),             lambda m, x: m.reciprocal(x), exact=False),
]
# fmt: on


class _Term(NamedTuple):
    op: str
    operands: tuple[Any, ...]


class _Terms:
    """A namespace whose functions give expressions as data."""

    def __getattr__(self, op: str) -> Callable[..., _Term]:
        return lambda *operands: _Term(op, operands)


class _Variable(NamedTuple):
    name: str


def _bits(number: float) -> bytes:
    return struct.pack("d", number)


_Rows = list[tuple["_Term", tuple[str, ...], Law]]
_OWN = "own"  # stands for all that users enter into the table later


def _patterns() -> dict[str, dict[tuple[int, str], _Rows]]:
    """The laws by their operation, and by the place and operation of one of their operands."""
    index: dict[str, dict[tuple[int, str], _Rows]] = {}
    for law in LAWS:
        code = law.left.__code__
        names = code.co_varnames[1 : code.co_argcount]
        pattern = law.left(_Terms(), *[_Variable(name) for name in names])
        keys = [(0, kind) for kind in (*ARITY, *LEAVES, _OWN)]  # any operand
        for i, x in enumerate(pattern.operands):
            if not isinstance(x, _Variable):
                keys = [(i, x.op if isinstance(x, _Term) else "constant")]
                break
        for key in keys:
            index.setdefault(pattern.op, {}).setdefault(key, []).append((pattern, names, law))
    return index


_INDEX = _patterns()

# --- simplify -------------------------------------------------------------------------------------

_COMMUTES = {"add", "mul", "eq"}
# The operands of sums and products for which there is a law
_DECIDING = {kind for op in ("add", "mul") for _, kind in _INDEX[op]}


class _Builder(Tape):
    """A tape that computes nothing twice, and nothing that is known."""

    def __init__(self, exact: bool) -> None:
        super().__init__()
        self.exact = exact
        self.m = Namespace(self)
        self._known: dict[tuple[str, tuple[int, ...]], int] = {}

    def apply(self, op: str, operands: tuple[Operand, ...]) -> int:
        ops = self.ops
        places: Any = operands
        if float in map(type, operands):
            places = tuple([self.constant(x) if type(x) is float else x for x in operands])
        if op in _COMMUTES:
            a, b = places
            if (ops[a] == "constant", a) > (ops[b] == "constant", b):  # a constant comes second
                places = (b, a)
        key = (op, places)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._new(op, places, [ops[x] for x in places])
        return found

    def pair(self, op: str, a: int, b: int) -> int:
        """`apply` for a sum or a product: written out, for a long tape is made of these."""
        ops = self.ops
        if ops[a] in _DECIDING or ops[b] in _DECIDING:
            return self.apply(op, (a, b))
        key = (op, (a, b) if a <= b else (b, a))
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(ops)
            ops.append(op)
            self.args.append(key[1])
        return found

    def _new(self, op: str, places: tuple[Any, ...], below: list[str]) -> Any:
        if "constant" in below and op != "mean_over_rows":
            known = self._known_number(op, places, below)
            if known is not None:
                return known
        if op in _SPELLED_OUT:
            return _SPELLED_OUT[op](self.m, places, self.exact)
        if op not in ARITY and (expression := TABLE[op].expression) is not None:
            result = expression(self.m, *places)
            return self.constant(result) if type(result) is float else result
        if op == "step" and (relu := self._known.get(("relu", places), places[0])) != places[0]:
            # of the relu, which is kept anyway, so that what it was of need not be
            return self.apply("step", (relu,))
        laws = _INDEX.get(op)
        if laws is not None:
            for i, kind in enumerate(below):
                for pattern, names, law in laws.get((i, kind), laws.get((i, _OWN), ())):
                    if law.exact or not self.exact:
                        bound = self._match(pattern, places)
                        if bound is not None:
                            result = law.right(self.m, *[bound[name] for name in names])
                            return self.constant(result) if type(result) is float else result
        return super().apply(op, places)

    def _known_number(self, op: str, places: tuple[int, ...], below: list[str]) -> int | None:
        """The result, if constants among the operands decide it."""
        if below.count("constant") == len(below):
            return self.constant(FORWARD[op](*[self.args[x][0] for x in places]))
        if below[0] == "constant" and op in ("where", "take"):
            first, *choices = places
            number = self.args[first][0]
            if op == "where":
                return choices[0 if number else 1]
            inside = 0.0 <= number < len(choices) and number == int(number)
            return choices[int(number)] if inside else self.constant(math.nan)
        return None

    def _match(self, pattern: _Term, places: tuple[int, ...]) -> dict[str, int] | None:
        bound: dict[str, int] = {}
        path = [(pattern, places)]
        while path:
            term, values = path.pop()
            for x, v in zip(term.operands, values, strict=True):
                if isinstance(x, _Variable):
                    if bound.setdefault(x.name, v) != v:
                        return None
                elif isinstance(x, _Term):
                    if self.ops[v] != x.op:
                        return None
                    path.append((x, self.args[v]))
                else:
                    number = self.number(v)
                    if number is None or _bits(number) != _bits(x):
                        return None
        return bound


def simplify(tape: Tape, exact: bool, stops: bool = False) -> Tape:
    """The same results by fewer and simpler instructions.

    exact: to the bit; otherwise laws may differ in the last rounding. stops: keep `stop_gradient`,
    for who will differentiate the result.
    """
    new = _Builder(exact)
    inputs = [new.input(b) for b in tape.batched]
    place: dict[int, int] = {}
    for i in tape.live():
        op, args = tape.ops[i], tape.args[i]
        if op == "input":
            place[i] = inputs[args[0]]
        elif op == "constant":
            place[i] = new.constant(args[0])
        elif op == "identity":  # the law, ahead of its turn: each variable of a gradient is one
            place[i] = place[args[0]]
        elif op == "stop_gradient" and stops:
            place[i] = Tape.apply(new, op, (place[args[0]],))
        elif op == "add" or op == "mul":
            place[i] = new.pair(op, place[args[0]], place[args[1]])
        else:
            place[i] = new.apply(op, tuple([place[x] for x in args]))
    new.outputs = [place[x] for x in tape.outputs]
    del new.m  # which records on it: a cycle, that would keep all this until the collector came by
    return new


# --- operations of many operands, spelled out as `ieee` computes them -----------------------------


def _dot(m: Any, operands: tuple[int, ...], exact: bool) -> int:
    n = len(operands) // 2
    pairs = zip(operands[:n], operands[n : 2 * n], strict=True)
    return _inner(m, 0.0, 1.0, *chain.from_iterable(pairs), operands[-1], 1.0)


def _total(m: Any, operands: tuple[int, ...], exact: bool) -> int:
    return _inner(m, 0.0, 1.0, *chain.from_iterable([(x, 1.0) for x in operands]))


def _inner(m: Any, *factors: Operand) -> int:
    result: int = m.inner(*factors)
    return result


def _mean(m: Any, operands: tuple[int, ...], exact: bool) -> int:
    result: int = m.div(_total(m, operands, exact), float(len(operands)))
    return result


def _prod(m: Any, operands: tuple[int, ...], exact: bool) -> Any:
    product = operands[0]
    for x in operands[1:]:
        product = m.mul(product, x)
    return product


def _logsumexp(m: Any, operands: tuple[int, ...], exact: bool) -> Any:
    """The largest plus log1p over the others, of which the first that is largest is left out.

    Unless `exact`, those as large as the largest are counted apart: then all is as far from the
    operands, whether there are one or twenty, and what follows for the positions of a sequence
    keeps in step and rolls into one loop.
    """
    top = m.largest(*operands)
    are_top = [m.eq(x, top) for x in operands]
    # exp(0.0) where it is the largest: no difference of two infinities
    es = [m.exp(m.where(t, 0.0, m.sub(x, top))) for t, x in zip(are_top, operands, strict=True)]
    if not exact:
        smaller = [m.where(t, -0.0, e) for t, e in zip(are_top, es, strict=True)]
        factors = [x for y in (*are_top, *smaller) for x in (y, 1.0)]
        return m.add(top, m.log1p(m.inner(-1.0, 1.0, *factors)))
    terms = []
    still: Operand = 1.0  # whether the largest is still to come
    for is_top, e in zip(are_top, es, strict=True):
        first = m.where(still, is_top, 0.0)
        terms.append(m.where(first, -0.0, e))
        still = m.where(first, 0.0, still)
    return m.add(top, m.log1p(_total(m, tuple(terms), exact)))


_SPELLED_OUT: dict[str, Callable[[Any, tuple[int, ...], bool], int]] = {
    "dot": _dot, "total": _total, "mean": _mean, "prod": _prod, "logsumexp": _logsumexp,
}  # fmt: skip
