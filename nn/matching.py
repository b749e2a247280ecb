"""Which module of another library's model is which layer of ours, and what does not fit."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from nn.errors import StateDictError

Shape = tuple[int, ...]
Names = Mapping[str, str]


class Part(NamedTuple):
    """A layer with weights. image: of what it sees the shape before it was flattened."""

    name: str
    kernel: Shape
    bias: bool
    image: Shape | None


class Layout(NamedTuple):
    """How another library keeps weights.

    kernel, bias: what it calls them. channels_first: whether it has PyTorch's order of axes.
    aside: what stands beside them in its files and is no weight of a layer of ours. other: whose
    file it may be instead, with kernels turned or called otherwise.
    """

    kernel: str
    bias: str
    channels_first: bool
    aside: str
    other: str
    others_kernel: str


TORCH = Layout(
    "weight",
    "bias",
    True,
    r"(.*\.)?(running_mean|running_var|num_batches_tracked)",
    "a Keras file? nn.load_keras reads those",
    "kernel",
)
KERAS = Layout(
    "kernel",
    "bias",
    False,
    r"(.*\.)?(seed_generator_state|iteration|learning_rate)|optimizer\..*",
    "a PyTorch file? nn.load_torch reads those",
    "weight",
)


Group = dict[str, Any]


def grouped(tensors: Mapping[str, Any], layout: Layout) -> dict[str, Group]:
    """The arrays by module, and then by what they are; those that are no weights are left out."""
    groups: dict[str, Group] = {}
    aside = []
    for name, array in tensors.items():
        path = name.removesuffix(":0").replace("/", ".")
        if re.fullmatch(layout.aside, path):
            aside.append(name)
            continue
        if array is None:
            raise StateDictError(f"expected floats, but {name!r} holds whole numbers or others")
        prefix, _, kind = path.rpartition(".")
        groups.setdefault(prefix, {})[kind] = array
    if aside:
        warnings.warn(f"ignored, as no layer here has such: {', '.join(aside)}", stacklevel=4)
    return groups


def choose(
    parts: Sequence[Part],
    groups: Mapping[str, Group],
    names: Names | None,
    layout: Layout,
    where: str,
) -> list[str]:
    """For each layer the module whose weights it gets. Raises StateDictError."""
    last = {prefix.rpartition(".")[2]: prefix for prefix in groups}
    if names is not None:
        given = given_names(names, parts)
        order = [given[part.name] for part in parts]
    elif last.keys() == {part.name for part in parts}:
        order = [last[part.name] for part in parts]
    else:
        series = list(_series(groups).values())
        found = _orders(parts, groups, series, layout)
        if len(found) > 1:
            example = ", ".join(f"{p.name!r}: {x!r}" for p, x in zip(parts, found[0], strict=True))
            raise StateDictError(
                f"the modules of {where} fit the layers in several orders, and their names do not "
                f"say which; say it: names={{{example}}}, or whichever is right"
            )
        order = found[0] if found else _likely(parts, last, series)
    faults = list(_faults(parts, groups, order, layout))
    if faults:
        raise StateDictError(
            f"the weights of {where} do not fit this model, and nothing was changed:\n  "
            + "\n  ".join(faults)
        )
    return order


def given_names(names: Names, parts: Sequence[Part]) -> Names:
    expected = [part.name for part in parts]
    if set(names) != set(expected) or len(set(names.values())) < len(names):
        raise StateDictError(
            f"expected names to have another module for each of the layers {', '.join(expected)}, "
            f"but got {dict(names)!r:.200}"
        )
    return names


def _series(groups: Mapping[str, Group]) -> dict[str, list[str]]:
    """Modules whose names differ in their numbers alone, by these; Keras's first has no number."""

    def key(prefix: str) -> str:
        first = any(re.fullmatch(re.escape(prefix) + r"_\d+", other) for other in groups)
        return f"{prefix}_0" if first else prefix

    def numbers(prefix: str) -> list[int]:
        return [int(x) for x in re.findall(r"\d+", key(prefix))]

    found: dict[str, list[str]] = {}
    for prefix in sorted(groups, key=numbers):
        found.setdefault(re.sub(r"\d+", "#", key(prefix)), []).append(prefix)
    return found


def _orders(
    parts: Sequence[Part],
    groups: Mapping[str, Group],
    series: Sequence[Sequence[str]],
    layout: Layout,
) -> list[list[str]]:
    """Up to two orders of all modules in which each fits its layer; a series keeps its own."""
    if sum(map(len, series)) != len(parts):
        return []

    @cache
    def rest(taken: tuple[int, ...]) -> list[list[str]]:
        at = sum(taken)
        if at == len(parts):
            return [[]]
        found: list[list[str]] = []
        for k, one in enumerate(series):
            if taken[k] < len(one) and not list(_misfits(parts[at], groups[one[taken[k]]], layout)):
                further = rest((*taken[:k], taken[k] + 1, *taken[k + 1 :]))
                found += [[one[taken[k]], *order] for order in further]
        return found[:2]

    return rest((0,) * len(series))


def _likely(
    parts: Sequence[Part], last: Mapping[str, str], series: Sequence[Sequence[str]]
) -> list[str]:
    """Where nothing fits, what may have been meant, for the error: by name, the rest in order."""
    named = {last[part.name] for part in parts if part.name in last}
    others = [prefix for one in series for prefix in one if prefix not in named]
    rest = iter(others)
    order = [last[part.name] if part.name in last else next(rest, None) for part in parts]
    return [prefix for prefix in order if prefix is not None]


# --- what does not fit ----------------------------------------------------------------------------


def _expected(part: Part, layout: Layout) -> dict[str, Shape]:
    kernel = part.kernel
    if layout.channels_first:
        kernel = (kernel[3], kernel[2], *kernel[:2]) if len(kernel) == 4 else kernel[::-1]
    return {layout.kernel: kernel} | ({layout.bias: part.kernel[-1:]} if part.bias else {})


def _misfits(part: Part, group: Group, layout: Layout) -> Iterator[str]:
    expected = _expected(part, layout)
    for kind, shape in expected.items():
        if kind not in group:
            hint = f"; is this {layout.other}" if layout.others_kernel in group else ""
            yield f"expected a {kind} of shape {_written(shape)}, but there is none{hint}"
        elif group[kind].shape != shape:
            found = group[kind].shape
            turned = kind == layout.kernel and found in (
                shape[::-1],
                tuple([shape[k] for k in (2, 3, 1, 0)]) if len(shape) == 4 else None,
                tuple([shape[k] for k in (3, 2, 0, 1)]) if len(shape) == 4 else None,
            )
            hint = f", the same turned: is this {layout.other}" if turned else ""
            yield f"expected a {kind} of shape {_written(shape)}, found {_written(found)}{hint}"
    for kind in group.keys() - expected.keys():
        hint = "; has the layer use_bias=False?" if kind == layout.bias else ""
        yield f"left over is its {kind} of shape {_written(group[kind].shape)}{hint}"


def _faults(
    parts: Sequence[Part], groups: Mapping[str, Group], order: Sequence[str], layout: Layout
) -> Iterator[str]:
    """All that does not fit, a line each."""
    for k, part in enumerate(parts):
        if k >= len(order) or order[k] not in groups:
            shapes = ", ".join(f"{n} {_written(s)}" for n, s in _expected(part, layout).items())
            what = f"no module {order[k]!r}" if k < len(order) else "no module is left"
            yield f"layer {part.name!r}: {what} for its {shapes}"
            continue
        for fault in _misfits(part, groups[order[k]], layout):
            yield f"layer {part.name!r}, from {order[k]!r}: {fault}"
    used = set(order[: len(parts)])
    for prefix, group in groups.items():
        if prefix not in used:
            shapes = ", ".join(f"{n} {_written(x.shape)}" for n, x in group.items())
            yield f"left over in what was given: {prefix!r} with {shapes}"


def _written(shape: Shape) -> str:
    return str(list(shape))
