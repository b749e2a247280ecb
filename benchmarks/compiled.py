"""Compiled code against peers: `python -m benchmarks.compiled [--only TASK] [--rounds N]`.

Each measurement runs in a process of its own, the rounds interleaved. First all must compute the
same numbers. Reported are medians over the rounds, and the lowest and highest.

dense: an epoch of a small network; random-N: irregular expressions; fit: a user's own formula.
"""

import argparse
import math
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.dense_tasks import STEPS
from benchmarks.peers import OURS, install, run
from benchmarks.plots import save

PEERS = (
    "casadi==3.8.2",
    "jax==0.10.2",
    "keras==3.15.1",
    "numpy==2.4.6",
    "scikit-learn==1.9.1",
    "torch==2.13.0",
)
# An engine of `dense` is a name, a precision and the cores it may use: 0 is as many as it takes.
Engine = tuple[str, ...]
DENSE: list[Engine] = [
    *(
        (name, dtype, "1")
        for name in ("glassgrad", "glassgrad-bare", "c")
        for dtype in ("float64", "float32")
    ),
    *(
        (name, dtype, cores)
        for name in ("jax-scan", "jax-step", "numpy", "torch")
        for dtype in ("float64", "float32")
        for cores in ("0", "1")
    ),
    *((name, "float32", cores) for name in ("keras-jax", "keras-jax-39") for cores in ("0", "1")),
    ("sklearn", "float64", "0"),
]
TASKS: dict[str, list[Engine]] = {
    "dense": DENSE,
    "random-1000": [("glassgrad",), ("casadi",), ("jax",), ("eager",)],
    "random-5000": [("glassgrad",), ("casadi",), ("eager",)],
    "random-20000": [("glassgrad",), ("casadi",), ("eager",)],
    "fit": [("glassgrad",), ("casadi-vectors",), ("casadi-map",), ("jax",), ("numpy",), ("eager",)],
}
# How many times as fast as the peer glassgrad is to be.
TARGETS = {"c": 1 / 1.3, "jax-scan": 2.0, "jax-step": 3.0, "keras-jax": 10.0, "torch": 25.0}
TARGETS |= {"casadi": 1.0, "casadi-vectors": 1.0, "casadi-map": 1.0}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=TASKS, help="one task")
    parser.add_argument("--rounds", type=int, default=5, help="processes for each engine")
    arguments = parser.parse_args()
    python = install(*PEERS)
    saved: dict[str, Any] = {}
    for task in [arguments.only] if arguments.only else TASKS:
        engines = TASKS[task]
        results: dict[Engine, list[Any]] = {engine: [] for engine in engines}
        for number in range(arguments.rounds):
            for engine in engines:
                results[engine].append(measure(python, task, engine))
            if number == 0:
                check_equal(python, task, results)
        if task == "dense":
            report_dense(results)
            saved = {" ".join(e): _medians(r, "seconds", 1e6 / STEPS) for e, r in results.items()}
        else:
            report_formula(task, results)
    if saved:
        save("dense", saved)


def measure(python: Path, task: str, engine: Engine) -> Any:
    """One process's results."""
    if engine[0].startswith("glassgrad"):
        return run(OURS, "benchmarks.compiled_tasks", task, *engine)
    if task == "dense":
        return run(python, "benchmarks.dense_peers", *engine)
    return run(OURS if engine[0] == "eager" else python, "benchmarks.formula_peers", task, *engine)


def check_equal(python: Path, task: str, results: dict[Engine, list[Any]]) -> None:
    """Stop if an engine does not compute what NumPy by hand does, or our eager engine."""
    plain: Engine = ("numpy", "float64", "1") if task == "dense" else ("eager",)
    expected = early = measure(python, task, plain)["check"]
    if task == "dense":
        early = measure(python, task, ("numpy-early-eps", "float64", "1"))["check"]
    for engine, rounds in results.items():
        tolerance = 1e-3 if "float32" in engine else 1e-6 if task == "dense" else 1e-9
        # Keras and scikit-learn add Adam's epsilon before v is corrected: the fourth digit differs
        numbers = early if engine[0].startswith(("keras", "sklearn")) else expected
        for a, b in zip(numbers, rounds[0]["check"], strict=True):
            if not math.isclose(a, b, rel_tol=tolerance, abs_tol=1e-12):
                sys.exit(f"{task}: {' '.join(engine)} computed {b}, the reference {a}")


def report_dense(results: dict[Engine, list[Any]]) -> None:
    """Print the table of the network."""
    print("\ndense: microseconds a step in an epoch, median (lowest to highest round)")
    times = {engine: _medians(rounds, "seconds", 1e6 / STEPS) for engine, rounds in results.items()}
    for engine, numbers in times.items():
        name, dtype, cores = engine
        ours = times.get(("glassgrad", dtype, "1"))
        used = "one core" if cores == "1" else "default "
        print(f"  {name:15}{dtype}  {used}  {_spread(numbers)}{_factor(name, numbers, ours)}")
    for engine, rounds in results.items():
        if "first" in rounds[0]:
            first = statistics.median(r["first"] for r in rounds)
            print(f"  {engine[0]}, {engine[1]}: {first:.2f} seconds to the end of the first epoch")


def report_formula(task: str, results: dict[Engine, list[Any]]) -> None:
    """Print the table of a formula."""
    unit, scale = "microseconds", 1e6
    if task != "fit":
        unit, scale = "nanoseconds a node", 1e9 / int(task.removeprefix("random-"))
    print(f"\n{task}: {unit}, median (lowest to highest round); seconds to the first gradient")
    print(f"  {'':15}{'value and gradient':36}{'value alone':36}first")
    times = {engine: _medians(rounds, "seconds", scale) for engine, rounds in results.items()}
    for engine, numbers in times.items():
        alone = _spread(_medians(results[engine], "alone", scale))
        first = statistics.median(r["first"] for r in results[engine])
        factor = _factor(engine[0], numbers, times.get(("glassgrad",)))
        print(f"  {engine[0]:15}{_spread(numbers)}{alone}{first:6.2f}{factor}")


def _medians(rounds: list[Any], what: str, scale: float) -> list[float]:
    """Of each round."""
    return [statistics.median(r[what]) * scale for r in rounds]


def _spread(numbers: list[float]) -> str:
    return f"{statistics.median(numbers):10.1f}  {f'({min(numbers):.1f} to {max(numbers):.1f})':24}"


def _factor(name: str, numbers: list[float], ours: list[float] | None) -> str:
    if ours is None or name.startswith("glassgrad"):
        return ""
    times = statistics.median(numbers) / statistics.median(ours)
    target = f" (at least {TARGETS[name]:.2g})" if name in TARGETS else ""
    return f"  glassgrad is {times:.2f} times as fast{target}"


if __name__ == "__main__":
    main()
