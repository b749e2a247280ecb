"""Module: anything with parameters. Layers and whole networks are modules made of modules."""

from abc import ABCMeta, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from inspect import Signature, signature
from typing import TYPE_CHECKING, Any

from autograd import OperandError, Scope, Value
from nn.errors import StateDictError
from nn.interrupts import set_at_once


class _NamedWhenBuilt(ABCMeta):
    """Gives every part its path once `__init__` is through: a subclass cannot forget to.

    The outermost module is built last, and so its paths are the ones that stay.
    """

    if not TYPE_CHECKING:  # or editors would show this signature in place of `__init__`'s

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            module = super().__call__(*args, **kwargs)
            name_parts(module)
            return module

        @property
        def __signature__(cls) -> Signature:
            """What help() and inspect.signature show: the parameters of `__init__`."""
            _, *parameters = signature(cls.__init__).parameters.values()
            return Signature(parameters)


class Module(metaclass=_NamedWhenBuilt):
    """Base class: set Values and modules as attributes, also in lists or tuples; write `forward`.

    path: where this module stands in the outermost one, such as "layers.0.neurons.1"; "" for the
    outermost itself. Parameters carry theirs as their label, unless they have been given another.
    """

    path: Scope = Scope("")

    @abstractmethod
    def forward(self, x: Any) -> Any:
        """The module's output for an input."""

    def __call__(self, x: Any) -> Any:
        return self.forward(x)

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Each parameter with its path, such as ("layers.0.neurons.1.w.0", Value(...)).

        A parameter that is used in two places comes once, under its first name. A node that was
        computed from others is not a parameter.
        """
        for path, part in _parts(self):
            if isinstance(part, Value):
                yield path, part

    def parameters(self) -> list[Value]:
        """The numbers that training changes."""
        return [p for _, p in self.named_parameters()]

    def zero_grad(self) -> None:
        """Set the gradient of each parameter to 0.0."""
        for p in self.parameters():
            p.grad = 0.0

    def state_dict(self) -> dict[str, float]:
        """The parameters' numbers by path."""
        return {path: p.data for path, p in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Set the parameters to the numbers of a `state_dict()`.

        Raises StateDictError if the names differ from this module's, OperandError if something is
        not a number; nothing is changed then.
        """
        if not isinstance(state, Mapping):
            raise OperandError(
                f"expected a dict from paths to numbers, but got a {type(state).__name__}; "
                "state_dict() of a module of the same shape gives one"
            )
        parameters = dict(self.named_parameters())
        missing = [path for path in parameters if path not in state]
        unexpected = [path for path in state if path not in parameters]
        if missing or unexpected:
            raise StateDictError(
                "the state is not one of a module like this: "
                + "; ".join(
                    f"{kind} {len(paths)} of its parameters ({', '.join(map(repr, paths[:3]))}"
                    + (", ...)" if len(paths) > 3 else ")")
                    for kind, paths in (("it lacks", missing), ("unexpected are", unexpected))
                    if paths
                )
            )
        numbers = {}
        for path in parameters:
            try:
                numbers[path] = Value(state[path]).data
            except OperandError as error:
                raise OperandError(f"parameter {path!r}: {error}") from None
        values = [numbers[path] for path in parameters]
        set_at_once(list(parameters.values()), ["data"] * len(values), values)

    def describe(self) -> str:
        """What stands in brackets after the class name in the tree, such as the shape."""
        return ""

    def __repr__(self) -> str:
        """The tree of modules, one line each; neighbours that read alike share a line."""
        lines = [f"{type(self).__name__}({self.describe()}), {len(self.parameters())} parameters"]
        below: list[tuple[str, str, str]] = []  # first path, last path, text
        for path, child in _children(self):
            text = repr(child)
            if below and below[-1][2] == text:
                below[-1] = (below[-1][0], path, text)
            else:
                below.append((path, path, text))
        for first, last, text in below:
            name = first if first == last else f"{first} to {last}"
            lines.append("  " + f"{name}: {text}".replace("\n", "\n  "))
        return "\n".join(lines)


def name_parts(module: Module) -> None:
    """Give every part its path: called when a module is made, and for parts that come later."""
    for path, part in _parts(module):
        if isinstance(part, Module):
            part.path = Scope(path)
        elif part.label is None or isinstance(part.label, Scope):
            part.label = Scope(path)


def _children(module: Module) -> list[tuple[str, Module]]:
    """The modules directly below, with their paths from here."""
    children: list[tuple[str, Module]] = []
    for path, part in _parts(module)[1:]:
        inside = any(path.startswith(above + ".") for above, _ in children)
        if isinstance(part, Module) and not inside:
            children.append((path, part))
    return children


def _parts(module: Module) -> list[tuple[str, Value | Module]]:
    """The module itself and each module and parameter below it, once, with its dotted path."""
    found: dict[Value | Module, str] = {}
    _find("", module, found)
    return [(path, x) for x, path in found.items()]


# no function inside `_parts`: one that calls itself keeps all it knows until the collector comes by
def _find(path: str, x: Any, found: dict[Value | Module, str]) -> None:
    if type(x) is Value:
        if x.op is None and x not in found:
            found[x] = path
        return
    if isinstance(x, (list, tuple)):
        children: Iterable[tuple[Any, Any]] = enumerate(x)
    elif Module in type(x).__mro__ and x not in found:  # isinstance asks the metaclass: slow
        found[x] = path
        children = vars(x).items()
    else:
        return
    for name, child in children:
        if type(child) not in _PLAIN:
            _find(f"{path}.{name}" if path else str(name), child, found)


_PLAIN = frozenset((bool, int, float, str, type(None)))
