"""Pictures of what was measured: `python -m benchmarks.plots` draws docs/*.svg.

`benchmarks.compiled` and `benchmarks.scaling` leave their results in benchmarks/results.
"""

import json
import re
import statistics
from io import StringIO
from typing import Any

from benchmarks.peers import ROOT

RESULTS = ROOT / "benchmarks" / "results"
OURS, OTHER, PEERS = "#2f81f7", "#e8710a", "#8b949e"
# Text and axes take the colour of the page's text: dark on a light page, light on a dark one.
INK = "#123456"
STYLE = (
    "<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}"
    "text,tspan{font-family:system-ui,sans-serif!important}</style>"
)
NAMES = {
    "glassgrad": "glassgrad",
    "glassgrad-bare": "glassgrad, bare sums",
    "c": "C by hand, gcc -O3",
    "jax-scan": "JAX, epoch in lax.scan",
    "jax-step": "JAX jit, a call a step",
    "numpy": "NumPy by hand",
    "keras-jax-39": "Keras on JAX, 39 steps a call",
    "keras-jax": "Keras on JAX",
    "sklearn": "scikit-learn",
    "torch": "PyTorch eager",
}
OUR_NAMES = ("glassgrad", "glassgrad-bare")


def save(name: str, results: Any) -> None:
    """Keep results for the pictures."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")


def load(name: str) -> Any:
    """The results of the last measurement."""
    return json.loads((RESULTS / f"{name}.json").read_text())


def dense(results: dict[str, list[float]]) -> Any:
    """Bars of a training step, each engine with the number of cores that suits it best."""
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(10, 4), sharex=True, layout="constrained")
    for axes, dtype in zip(panels, ("float64", "float32"), strict=True):
        best: dict[str, list[float]] = {}
        for engine, times in results.items():
            name, precision, _ = engine.split()
            if precision == dtype:
                best[name] = min(best.get(name, times), times, key=statistics.median)
        names = sorted(best, key=lambda name: statistics.median(best[name]), reverse=True)
        medians = [statistics.median(best[name]) for name in names]
        colours = [OURS if name in OUR_NAMES else PEERS for name in names]
        axes.barh([NAMES[name] for name in names], medians, color=colours, height=0.7)
        for y, (name, median) in enumerate(zip(names, medians, strict=True)):
            low, high = min(best[name]), max(best[name])
            axes.plot([low, high], [y, y], color=INK, linewidth=1)
            ours = statistics.median(best["glassgrad"])
            label = f"{median:.0f}" + ("" if name in OUR_NAMES else f" ({median / ours:.1f} ×)")
            axes.annotate(label, (high, y), (5, 0), textcoords="offset points", va="center")
        axes.set_title(dtype, loc="left", fontweight="bold")
        axes.set_xlabel("microseconds a step (times glassgrad's)")
        axes.margins(x=0.25)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    return figure


def scaling(results: dict[str, Any]) -> Any:
    """Compile time, code and run time against the number of nodes; rows a second."""
    from matplotlib import pyplot as plt

    figure, ((compiling, code), (running, rows)) = plt.subplots(
        2, 2, figsize=(10, 7), layout="constrained"
    )
    dots, bare = ([n for n in results["networks"] if n["kind"] == kind] for kind in ("dot", "bare"))
    nodes = [n["nodes"] for n in bare]
    _line(compiling, nodes, [n["first"] for n in bare], OTHER, "bare sums", (-12, 0, "right"))
    _line(compiling, nodes, [n["first"] for n in dots], OURS, "dot", (4, -14, "center"))
    tape, loops = ([n["instructions"][k] for n in bare] for k in ("fuse", "roll (loops)"))
    _line(code, nodes, [[y] * 3 for y in tape], PEERS, "instructions", (-14, 2, "right"))
    _line(code, nodes, [[y] * 3 for y in loops], OURS, "loops they become", (0, 12, "right"))
    per_node = [[s * 1e9 / n["nodes"] / 64 for s in n["seconds"]] for n in bare]
    _line(running, nodes, per_node, OURS)
    for cores, spreads in results["seconds"].items():
        rates = [
            [n / s / 1e6 for s in reversed(seconds)]
            for n, seconds in zip(results["batches"], spreads, strict=True)
        ]
        colour, label, dy = (OURS, "1 core", -12) if cores == "1" else (OTHER, f"{cores} cores", 12)
        _line(rows, results["batches"], rates, colour, label, (0, dy, "center"))
    size = statistics.median(n["characters"] for n in bare) / 1000
    of_nodes = "scalar operations in function and gradient"
    for axes, title, x, y in (
        (compiling, "Compile time", of_nodes, "seconds to the first result"),
        (code, f"Code: {size:.0f} kB of LLVM text for each", of_nodes, "how many"),
        (running, "Run time in a batch of 64, one core", of_nodes, "ns an operation and row"),
        (rows, "Gradients of 10-64-32-16-8-4-1", "rows in a batch", "million rows/s"),
    ):
        axes.set_title(title, loc="left", fontweight="bold")
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        _logarithmic(axes.xaxis)
        _logarithmic(axes.yaxis)
        axes.margins(y=0.1)
        axes.grid(color=PEERS, alpha=0.25, linewidth=0.6)
    return figure


def _line(
    axes: Any,
    xs: list[float],
    spreads: list[Any],
    colour: str,
    label: str = "",
    offset: tuple[float, float, str] = (0, 0, "left"),
) -> None:
    """Medians, the spread as a band, the label beside the last point."""
    lows, medians, highs = zip(*spreads, strict=True)
    axes.loglog(xs, medians, color=colour, marker="o", markersize=4)
    axes.fill_between(xs, lows, highs, color=colour, alpha=0.2, linewidth=0)
    dx, dy, side = offset
    style = {"textcoords": "offset points", "color": colour, "ha": side, "va": "center"}
    axes.annotate(label, (xs[-1], medians[-1]), (dx, dy), **style)


def _logarithmic(axis: Any) -> None:
    """Ticks at 1, 10, 100, and at 2 and 5 between them where there is room, in plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = sorted(axis.get_view_interval())
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 500 else (1.0,)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(
        FuncFormatter(lambda x, _: f"{x:,.10g}".replace(",000,000", " million"))
    )


def main() -> None:
    """Draw what there are results for."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {
        **dict.fromkeys(
            ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK
        ),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "font.size": 10.0,
        "svg.fonttype": "none",
        "svg.hashsalt": "glassgrad",
    }
    for name, draw in (("dense", dense), ("scaling", scaling)):
        if (RESULTS / f"{name}.json").exists():
            text = StringIO()
            draw(load(name)).savefig(text, format="svg", transparent=True, metadata={"Date": None})
            svg = re.sub(r"(\.\d\d)\d+", r"\1", text.getvalue())  # finer than a pixel is no use
            svg = svg.replace(INK, "currentColor").replace("<defs>", STYLE + "<defs>", 1)
            (ROOT / "docs" / f"{name}.svg").write_text(svg)


if __name__ == "__main__":
    main()
