"""Where each node was made: file, line, text and variable, noted while a block is open.

The engine knows nothing of this and so pays nothing. Inside the block the interpreter itself
reports every function that returns (`sys.setprofile`); the few of ours that make nodes are looked
for, and the line that called them is the one outside autograd and nn.
"""

import sys
import threading
from types import CodeType, FrameType
from typing import Any, NamedTuple, final
from weakref import WeakSet

from autograd.elementwise import ELEMENTWISE
from autograd.functions import _dot_nodes, dot, logsumexp, mean, prod, total
from autograd.value import Value, apply, as_node

Span = tuple[int | None, int | None, int | None, int | None]  # lines, then columns

_INIT, _CONSTANT, _LAYER = Value.__init__.__code__, as_node.__code__, _dot_nodes.__code__
# Operators of two operands share the code of one, and so do the functions of one operand
_OPERATOR, _FUNCTION = Value.__sub__.__code__, ELEMENTWISE["exp"].__code__
_MAKERS = {apply.__code__, Value.__add__.__code__, Value.__mul__.__code__, _OPERATOR, _FUNCTION}
_MAKERS |= {_INIT, _LAYER}
_MADE_BY_EXEC = {f.__code__ for f in ELEMENTWISE.values()}  # these belong to no module
# What gives the user one node, and that is the last it makes. By id: to hash code takes long
_RESULT = {id(f.__code__) for f in (dot, total, mean, prod, logsumexp)}
_RESULT |= set(map(id, _MAKERS | _MADE_BY_EXEC))
_OURS = ("autograd", "nn")


class Source(NamedTuple):
    """The line that made a node.

    file: its path; of a notebook or a prompt, the name Python has for what was typed.
    text: the line itself, "" where it cannot be read.
    variable: what the node was assigned to there, such as "c" or "self.w"; None if it was not.
    """

    file: str
    line: int
    text: str
    variable: str | None

    @property
    def place(self) -> str:
        """Where it is, in words: "notebook cell 3, line 2" or "train.py, line 12"."""
        cell = _cell(self.file)
        return f"{cell or self.file.replace(chr(92), '/').split('/')[-1]}, line {self.line}"

    def __str__(self) -> str:
        return f"{self.text}  ({self.place})" if self.text else self.place


class _Made(NamedTuple):
    node: Value  # held, so that no other node takes its id
    code: CodeType
    at: int  # of the instruction, in bytes
    line: int
    result: bool  # whether it is what the call in the user's line gave


@final
class Sources:
    """The lines that made the nodes of a block: `with autograd.record_sources() as sources:`.

    A node made inside lives as long as this object does.
    """

    def __init__(self) -> None:
        self._made: dict[int, _Made] = {}
        self._assignments: dict[str, dict[Span, str]] = {}  # by file
        _tables.add(self)

    def of(self, node: Value) -> Source | None:
        """The line that made the node; None if it was not made inside the block."""
        import linecache

        made = self._made.get(id(node))
        if made is None:
            return None
        file = made.code.co_filename
        variable = None
        if made.result:
            span = list(made.code.co_positions())[made.at // 2]
            variable = self._assigned(file).get(span)
        return Source(file, made.line, linecache.getline(file, made.line).strip(), variable)

    def note_caller(self, node: Value) -> int:
        """Note the line, outside autograd and nn, that is making this node; how many are noted."""
        inner: FrameType | None = None
        user: FrameType | None = sys._getframe(1)
        while user is not None and _is_ours(user):
            inner, user = user, user.f_back
        if user is not None and inner is not None:
            place = user.f_code, user.f_lasti, user.f_lineno
            self._made[id(node)] = _Made(node, *place, id(inner.f_code) in _RESULT)
        return len(self._made)

    def forget_unused(self) -> int:
        """Let go of the nodes that nobody else holds any more; how many are left."""
        made = self._made
        for key in reversed(list(made)):  # users before their operands, which go with them
            if sys.getrefcount(made[key].node) == _UNUSED:
                del made[key]
        return len(made)

    def __len__(self) -> int:
        return len(self._made)

    def __repr__(self) -> str:
        return f"<Sources of {len(self)} nodes: .of(node)>"

    def __enter__(self) -> "Sources":
        if not _open.blocks:
            if sys.getprofile() is not None:
                raise RuntimeError(
                    "record_sources needs the place of the profiler that is running in this "
                    f"thread, {sys.getprofile()!r}; stop it first: sys.setprofile(None)"
                )
            sys.setprofile(_note)
        _open.blocks.append(self)
        return self

    def __exit__(self, *error: object) -> None:
        _open.blocks.remove(self)
        if not _open.blocks:
            sys.setprofile(None)

    def _assigned(self, file: str) -> dict[Span, str]:
        if file not in self._assignments:
            import linecache

            self._assignments[file] = assignments("".join(linecache.getlines(file)))
        return self._assignments[file]


def source_of(node: Value) -> Source | None:
    """The line that made the node, from whatever block recorded it."""
    for table in _tables:
        source = table.of(node)
        if source is not None:
            return source
    return None


# Python's versions differ in how often a node is counted that a table alone holds
_UNUSED = (lambda made: sys.getrefcount(made[0].node))({0: _Made(Value(0.0), _INIT, 0, 0, False)})


class _Open(threading.local):
    def __init__(self) -> None:
        self.blocks: list[Sources] = []


_open = _Open()
_tables: WeakSet[Sources] = WeakSet()


def _note(frame: FrameType, event: str, result: Any) -> None:
    """What the interpreter calls: if a function of ours gives back a node, note who called it."""
    if event != "return":
        return
    code = frame.f_code
    if type(result) is Value:
        nodes = [result]
    elif code is _INIT:
        nodes = [frame.f_locals["self"]]
    elif code is _LAYER and result is not None:
        nodes = result
    else:
        return
    caller = frame.f_back
    if not _is_ours(frame) or caller is None or caller.f_code is _CONSTANT:
        return
    direct = not _is_ours(caller)
    user: FrameType | None = caller
    while user is not None and _is_ours(user):
        user = user.f_back
    if user is None:
        return
    place = user.f_code, user.f_lasti, user.f_lineno
    made_here = code in _MAKERS
    for v in nodes:
        for block in _open.blocks:
            made = block._made.get(id(v))
            if made is None and made_here:
                block._made[id(v)] = _Made(v, *place, direct)
            elif made is not None and direct and made[1:] == (*place, False):
                block._made[id(v)] = made._replace(result=True)


def _is_ours(frame: FrameType) -> bool:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0] in _OURS or (not name and frame.f_code in _MADE_BY_EXEC)


def assignments(text: str) -> dict[Span, str]:
    """Where in the text an expression stands that is assigned to something, and to what."""
    import ast

    found: dict[Span, str] = {}

    def note(target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
            for t, v in zip(target.elts, value.elts, strict=False):
                note(t, v)
        elif not isinstance(target, ast.Tuple | ast.List | ast.Starred):
            found[_span(value)] = ast.unparse(target)

    try:
        tree = ast.parse(text)
    except SyntaxError:  # the file has changed since, or is no Python
        return {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            note(node.targets[0], node.value)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            note(node.target, node.value)
        elif isinstance(node, ast.AugAssign):
            found[_span(node)] = ast.unparse(node.target)
    return found


def _span(node: Any) -> Span:
    return node.lineno, node.end_lineno, node.col_offset, node.end_col_offset


def _cell(file: str) -> str | None:
    """The cell, as "notebook cell 3", if the file is IPython's name for what was typed there."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    named = getattr(getattr(shell, "compile", None), "format_code_name", None)
    label = None if named is None else named(file)
    if not label:
        return None
    number = "".join(filter(str.isdigit, str(label[-1])))
    return f"notebook cell {number}" if number else None
