"""A graph as JSON, and back: the same operations, order, labels, numbers and gradients, to the bit.

    {"format": "glassgrad graph", "version": 1, "root": 2, "nodes": [
    {"data": 3.0, "label": "x"},
    {"op": "constant", "data": 2.0},
    {"op": "mul", "parents": [0, 1], "data": 6.0}]}

A parent is the place of a node further up, so no text can describe a cycle. "path" in place of
"label" is a `Scope`; a gradient that is 0.0 is left out. What JSON has no number for is "nan",
"inf" or "-inf", and a nan of other bits "nan:" with its bits in hexadecimal.

Reading executes nothing but the table's primitives: each node is computed again from its operands,
and a number that is not what they give is refused.
"""

import json
import math
import struct
from collections.abc import Callable, Iterable
from contextvars import Context
from typing import Any

from autograd.errors import ExportError, GraphFormatError, LengthError, OperandError
from autograd.functions import dot
from autograd.operands import as_float
from autograd.order import topological_order
from autograd.primitives import TABLE
from autograd.scope import Scope
from autograd.value import Value, apply

FORMAT, VERSION = "glassgrad graph", 1
# Another machine's C library may round exp, tanh ... otherwise; the largest primitives are sums of
# some ten of those
ULPS = 64
NAN = struct.unpack("<q", struct.pack("<d", math.nan))[0]
WHOLE = 2**53  # up to here every int is a float
FIELDS = {"op", "parents", "data", "grad", "label", "path"}


# --- writing --------------------------------------------------------------------------------------


def write_graph(root: Any) -> str:
    """What `to_json` gives of a graph."""
    single = isinstance(root, Value)
    roots = list(root) if isinstance(root, Iterable) else [root]
    for v in roots:
        if not isinstance(v, Value):
            raise OperandError(
                f"to_json expected a Value, several, or a function and an example of each of its "
                f"arguments, but got {v!r:.80} ({type(v).__name__})"
            )
    if not roots:
        raise LengthError("to_json expected at least one Value, but got none")
    order = topological_order(*roots)
    places = {v: k for k, v in enumerate(order)}
    found = [places[v] for v in roots]
    head = {"format": FORMAT, "version": VERSION}
    head |= {"root": found[0]} if single else {"roots": found}
    lines = ",\n".join([json.dumps(_described(v, places)) for v in order])
    text = f'{json.dumps(head)[:-1]}, "nodes": [\n{lines}]}}\n'
    try:
        read_graph(text)
    except GraphFormatError as error:
        raise ExportError(
            f"the graph does not hold what its operations compute, perhaps as a parameter was "
            f"moved since: make it again, as in loss = f(x), and export that ({error})"
        ) from None
    return text


def _described(v: Value, places: dict[Value, int]) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if v.op is not None:
        entry["op"] = v.op
        if v.op != "constant":
            entry["parents"] = [places[p] for p in v.parents]
    entry["data"] = _written(v.data)
    grad = _written(v.grad)
    if grad != 0.0 or math.copysign(1.0, grad) < 0.0:
        entry["grad"] = grad
    if v.label is not None:
        entry["path" if isinstance(v.label, Scope) else "label"] = v.label
    return entry


def _written(x: Any) -> Any:
    x = float(as_float(x))  # float(): an optimiser marks gradients by a class of its own
    if math.isfinite(x):
        return x
    bits = struct.unpack("<q", struct.pack("<d", x))[0]
    return str(x) if math.isinf(x) or bits == NAN else f"nan:{bits % 2**64:016x}"


# --- reading --------------------------------------------------------------------------------------


def read_graph(text: str | bytes) -> Any:
    """What `from_json` gives."""
    if not isinstance(text, (str, bytes)):
        raise TypeError(f"expected a str or bytes of JSON, but got a {type(text).__name__}")
    try:
        whole = json.loads(
            text.decode() if isinstance(text, bytes) else text,
            object_pairs_hook=_unique,
            parse_constant=_no_number,
        )
    except GraphFormatError:
        raise
    # too deep; or not JSON, not UTF-8, an int of thousands of digits
    except (RecursionError, ValueError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise GraphFormatError(
            f"expected JSON as to_json writes it, but it is none: {reason}"
        ) from None
    # In a context of its own: whoever reads it inside no_grad() or the like wants the graph, too
    return Context().run(_rebuild, whole)


def _rebuild(whole: Any) -> Any:
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise GraphFormatError(
            f'expected an object with "format": "{FORMAT}", but got {whole!r:.80}'
        )
    if type(whole.get("version")) is not int or whole["version"] != VERSION:
        raise GraphFormatError(
            f"expected format version {VERSION}, but got {whole.get('version')!r:.40}; "
            "a newer glassgrad may have written it: update"
        )
    ends = whole.keys() - {"format", "version", "nodes"}
    if ends not in ({"root"}, {"roots"}) or not isinstance(whole.get("nodes"), list):
        raise GraphFormatError(
            'expected "nodes", a list, and "root" or "roots", "format" and "version", but got '
            f"{sorted(whole)!r:.120}"
        )
    nodes: list[Value] = []
    unused = dict[int, None]()
    for k, entry in enumerate(whole["nodes"]):
        try:
            v, parents = _node(entry, nodes)
        except GraphFormatError as error:
            raise GraphFormatError(f"node {k}: {error}") from None
        for place in parents:
            unused.pop(place, None)
        nodes.append(v)
        unused[k] = None
    single = "root" in whole
    places = _places("root", [whole["root"]] if single else whole["roots"], len(nodes))
    for place in places:
        unused.pop(place, None)
    if unused:
        raise GraphFormatError(f"node {next(iter(unused))}: no root is made from it")
    return nodes[places[0]] if single else [nodes[place] for place in places]


def _node(entry: Any, nodes: list[Value]) -> tuple[Value, list[int]]:
    """The node of an entry, and the places of its parents."""
    if not isinstance(entry, dict) or not entry.keys() <= FIELDS or "data" not in entry:
        raise GraphFormatError(
            f'expected an object with "data", and of {sorted(FIELDS)} what there is, but got '
            f"{entry!r:.80}"
        )
    data, op = _number("data", entry["data"]), entry.get("op")
    parents: list[int] = []
    if op is None or op == "constant":
        if "parents" in entry or ("op" in entry and op is None):
            raise GraphFormatError("a leaf has no operation, and neither it nor a constant parents")
        v = Value(data)
        v.op = op
    else:
        parents = _places("a parent", entry.get("parents"), len(nodes))
        v = _computed(op, [nodes[place] for place in parents])
        if not _agree(v.data, data):
            raise GraphFormatError(
                f"{op} of {[nodes[place].data for place in parents]!r:.80} is {v.data!r}, but its "
                f"data says {data!r}"
            )
        v.data = data
    v.grad = _number("grad", entry.get("grad", 0.0))
    v.label = _label(entry)
    return v, parents


def _computed(op: Any, operands: list[Value]) -> Value:
    """The node that the engine itself makes of these operands."""
    p = TABLE.get(op) if isinstance(op, str) else None
    if p is None:
        raise GraphFormatError(
            f"there is no primitive {op!r:.80}; if it is one of your own, enter it before reading"
        )
    n = len(operands)
    fits = n == p.arity if p.arity is not None else n > 0 and (op != "dot" or n % 2 == 1)
    if not fits:
        several = "n weights, n inputs and a bias" if op == "dot" else "at least one operand"
        raise GraphFormatError(f"{op} takes {p.arity or several}, but got {n} operands")
    plain = [x.data if x.op == "constant" else x for x in operands]
    try:
        if op == "dot" and Value in set(map(type, plain)):
            v: Value = dot(plain[: n // 2], plain[n // 2 : -1], plain[-1])
        else:
            v = apply(p, *plain)
    except Exception as error:  # a primitive of the reader's own may refuse these operands
        raise GraphFormatError(
            f"{op} cannot be computed: {type(error).__name__}: {error}"
        ) from error
    _keep_constants(v, operands)
    return v


def _keep_constants(v: Value, operands: list[Value]) -> None:
    """The operands themselves where `parents` would make a node for a constant; see value.py."""
    if type(v.da) is not tuple:
        v.a, v.b = (*operands, None)[:2]
    elif v.db is not None:
        n = len(operands) // 2
        v.b = tuple(operands[n:-1])
        if len(v.a) == n:
            v.db[n] = operands[-1]
    elif v.b is not None:
        v.b = tuple(operands), v.b[1]


def _agree(computed: float, given: float) -> bool:
    if math.isnan(computed) or math.isnan(given):
        return math.isnan(computed) and math.isnan(given)
    if math.copysign(1.0, computed) != math.copysign(1.0, given):
        return False
    if math.isinf(computed) or math.isinf(given):
        return computed == given
    return abs(computed - given) <= ULPS * math.ulp(computed)


# --- the parts of a text --------------------------------------------------------------------------


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise GraphFormatError(f"a key is there twice in {[name for name, _ in pairs]!r:.80}")
    return found


def _no_number(name: str) -> Any:
    raise GraphFormatError(f'{name} is no JSON; expected "nan", "inf" or "-inf", in quotes')


def _places(what: str, given: Any, count: int) -> list[int]:
    """The list, if it has places of nodes that come before."""
    if not isinstance(given, list):
        raise GraphFormatError(f"expected a list of places of nodes, but got {given!r:.80}")
    for place in given:
        if type(place) is not int or not 0 <= place < count:
            raise GraphFormatError(
                f"{what} is one of the {count} nodes before, by its place from 0, not {place!r:.40}"
            )
    return given


def _number(name: str, given: Any) -> float:
    if type(given) is float and math.isfinite(given):  # not 1e999
        return given
    if type(given) is int and abs(given) <= WHOLE:
        return float(given)
    if given in ("nan", "inf", "-inf"):
        return float(given)
    if isinstance(given, str) and given.startswith("nan:") and len(given) == 20:
        try:
            x: float = struct.unpack(">d", bytes.fromhex(given[4:]))[0]
        except (ValueError, struct.error):
            x = 0.0
        if math.isnan(x):
            return x
    raise GraphFormatError(
        f'expected {name} to be a number of float64, "nan", "inf" or "-inf", but got {given!r:.40}'
    )


def _label(entry: dict[str, Any]) -> str | None:
    kinds: dict[str, Callable[[str], str]] = {"label": str, "path": Scope}
    found = [name for name in kinds if name in entry]
    if not found:
        return None
    if len(found) > 1 or not isinstance(entry[found[0]], str):
        raise GraphFormatError(f"expected one label, a text, but got {entry!r:.80}")
    return kinds[found[0]](entry[found[0]])
