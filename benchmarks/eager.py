"""The eager engine against micrograd: `python -m benchmarks.eager [--only TASK] [--rounds N]`.

Each engine runs in a process of its own, the rounds interleaved, the garbage collector on. First
all must compute the same numbers. Reported are medians over the rounds, and the lowest and highest.
"""

import argparse
import math
import statistics
import sys
from typing import Any

from benchmarks.peers import OURS, install, run

TASKS = "benchmarks.eager_tasks"
ENGINES = {
    "chain": ["micrograd", "glassgrad"],
    "moons": ["micrograd", "glassgrad", "glassgrad-fused"],
    "memory": ["micrograd", "glassgrad"],
    "startup": ["glassgrad"],
}
TARGETS = {("chain", "glassgrad"): 9, ("moons", "glassgrad"): 16, ("moons", "glassgrad-fused"): 100}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=sorted(ENGINES), help="one task")
    parser.add_argument("--rounds", type=int, default=5, help="processes for each engine")
    arguments = parser.parse_args()
    micrograd = install("micrograd==0.1.0")
    for task in [arguments.only] if arguments.only else ENGINES:
        results: dict[str, list[Any]] = {name: [] for name in ENGINES[task]}
        for _ in range(arguments.rounds):
            for name in ENGINES[task]:
                python = micrograd if name == "micrograd" else OURS
                results[name].append(run(python, TASKS, task, name))
        _check_equal(task, results)
        report(task, results)


def _check_equal(task: str, results: dict[str, list[Any]]) -> None:
    """Stop if the engines did not compute the same."""
    first = next(iter(results.values()))[0]["check"]
    for name, rounds in results.items():
        for a, b in zip(first, rounds[0]["check"], strict=True):
            if not math.isclose(a, b, rel_tol=1e-9):
                sys.exit(f"{task}: {name} computed {b}, the others {a}")


def report(task: str, results: dict[str, list[Any]]) -> None:
    """Print one table."""
    if task == "memory":
        print("\nmemory: bytes a node, built / after backward (at most 170)")
        for name, rounds in results.items():
            built, after = (statistics.median(r[k] for r in rounds) for k in ("built", "after"))
            print(f"  {name:16} {built:8.0f} / " + (f"{after:.0f}" if after != built else "-"))
        return
    unit, scale = {
        "chain": ("ns a node", 1e9 / 100_000),
        "moons": ("ms a step", 1e3),
        "startup": ("ms to import", 1e3),
    }[task]
    print(f"\n{task}: {unit}, median (lowest to highest round)")
    medians = {
        name: [statistics.median(r["seconds"]) * scale for r in rounds]
        for name, rounds in results.items()
    }
    for name, ms in medians.items():
        line = f"  {name:16} {statistics.median(ms):8.2f}  ({min(ms):.2f} to {max(ms):.2f})"
        if (task, name) in TARGETS:
            ratio = statistics.median(medians["micrograd"]) / statistics.median(ms)
            line += f"   {ratio:.1f} times as fast as micrograd (at least {TARGETS[task, name]})"
        print(line)


if __name__ == "__main__":
    main()
