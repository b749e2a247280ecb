"""The public names of both packages, with their signatures and docstrings."""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import autograd
from autograd.primitives import TABLE
from tools.pages.files import fresh, write


def write_reference(folder: Path) -> None:
    """The public names of both packages, with their signatures and docstrings."""
    import nn
    import nn.callbacks
    import nn.layers
    import nn.losses
    import nn.metrics
    import nn.models
    import nn.optim
    import nn.schedules

    fresh(folder)
    parts = {
        "nn": nn,
        "nn.models": nn.models,
        "nn.layers": nn.layers,
        "nn.optim": nn.optim,
        "nn.schedules": nn.schedules,
        "nn.callbacks": nn.callbacks,
        "nn.metrics": nn.metrics,
    }
    head = (
        "# autograd",
        "",
        "Beside [the primitives](../primitives/index.md):",
        "",
        "## Names",
        "",
    )
    write(folder / "autograd.md", *head, *_names(autograd, skip=TABLE))
    lines = ["# nn", ""]
    shown: set[int] = set()
    for title, module in parts.items():
        lines += [f"## {title}", "", *_names(module, shown=shown)]
    write(folder / "nn.md", *lines)


def _names(
    module: ModuleType, skip: Iterable[str] = (), shown: set[int] | None = None
) -> Iterable[str]:
    """A section for each public function and class."""
    package = module.__name__.split(".")[0]
    for name, thing in sorted(vars(module).items(), key=lambda pair: pair[0].lower()):
        public = not name.startswith("_") and (inspect.isclass(thing) or callable(thing))
        ours = getattr(thing, "__module__", "").split(".")[0] == package
        if not public or not ours or name in skip or (shown is not None and id(thing) in shown):
            continue
        if shown is not None:
            shown.add(id(thing))
        yield from (f"### `{name}`", "", *_described(name, thing))
        if inspect.isclass(thing):
            for member, method in _methods(thing):
                yield from (f"**`{name}.{member}`**", "", *_described(member, method))


def _methods(cls: type) -> list[tuple[str, Any]]:
    return [
        (name, f)
        for name, f in vars(cls).items()
        if not name.startswith("_") and inspect.isfunction(f) and f.__doc__
    ]


def _described(name: str, thing: Callable[..., Any]) -> Iterable[str]:
    try:
        signature = str(inspect.signature(thing))
    except (TypeError, ValueError):
        signature = "(...)"
    text = inspect.getdoc(thing) or ""
    signature = signature.replace("~", "")
    yield from (
        "```text",
        f"{name}{signature}",
        *(["", *text.splitlines()] if text else []),
        "```",
        "",
    )
