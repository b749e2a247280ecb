"""Who may import whom. A layer sees only what stands to its left."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Each module of autograd, and the modules of autograd it may import. What stands in several rooms'
# lists is below all of them.
BASE = {
    "errors",
    "ieee",
    "locks",
    "modes",
    "operands",
    "methods",
    "scope",
    "tree",
    "order",
    "primitives",
}
NODE = BASE | {"value"}
FUNCTIONS = NODE | {"elementwise", "operators", "functions"}
ALLOWED = {
    "errors": set(),
    "files": {"errors"},
    "ieee": set(),
    "locks": set(),
    "modes": {"locks"},
    "methods": set(),
    "scope": set(),
    "operands": {"errors"},
    "tree": {"errors"},
    "order": set(),
    "primitives": {"errors", "ieee"},
    "value": BASE | {"copying"},  # copying: inside the methods that copy and pickle
    "copying": NODE,
    "elementwise": NODE,
    "operators": NODE | {"elementwise"},
    "functions": NODE | {"elementwise"},
    "forward": FUNCTIONS,
    "transforms": FUNCTIONS | {"forward"},
    "notices": {"stale"},  # inside strict(), which pays for it
    "stale": NODE | {"notices"},
    "check": FUNCTIONS | {"check", "files", "forward", "transforms"},
    "reading": BASE,
    "registering": FUNCTIONS | {"reading", "check"},
    "sources": FUNCTIONS,
    "strategies": FUNCTIONS | {"strategies", "graph"},
    "pytest_plugin": {"check", "files"},
    "graph": FUNCTIONS | {"files", "graph", "sources"},
    "vmap": NODE,
    "compiler": FUNCTIONS | {"compiler", "vmap"},
    "anomaly": FUNCTIONS | {"anomaly", "graph", "sources", "transforms"},
    "export": FUNCTIONS | {"compiler", "export", "files", "forward", "graph", "transforms"},
}
# Inside the compiler: what a pass may import of the others. Each sees the form it works on, and
# only what puts them together sees several passes.
TAPE = {"tape"}
MACHINE = TAPE | {"loops", "roll", "merge", "machine"}
COMPILER = {
    "tape": set(),
    "differentiate": TAPE,
    "trace": TAPE | {"differentiate"},
    "optimize": TAPE,
    "fuse": TAPE,
    "loops": set(),
    "strides": {"loops"},
    "roll": TAPE | {"loops", "strides"},
    "merge": {"loops"},
    "interpret": TAPE | {"loops"},
    "vectormath": {"vectormath"},
    "callbacks": set(),
    "emit": set(),
    "lower": {"callbacks", "vectormath"},
    "kernels": {"emit", "lower", "merge"},
    "plan": {"callbacks", "kernels", "loops", "merge"},
    "llvm": {"lower"},
    "moves": {"emit"},
    "driver": {"emit", "moves"},
    "team": {"driver"},
    "epoch": {"callbacks", "emit", "llvm"},
    "machine": {
        "callbacks",
        "driver",
        "epoch",
        "kernels",
        "llvm",
        "loops",
        "merge",
        "plan",
        "team",
    },
    "newest": set(),
    "packed": set(),
    "arguments": {"packed"},
    # all but newest and packed inside functions
    "jit": {"arguments", "newest", "packed", "trace"}
    | {"mapped", "portable", "program", "rule", "step", "training"},
    "mapped": {"jit", "newest"},
    "portable": {"arguments", "llvm", "machine", "rolled"},
    "rolled": TAPE | {"arguments", "fuse", "optimize", "packed", "roll", "trace"},
    "program": {"arguments", "interpret", "jit", "machine", "rolled"},
    "rule": MACHINE | {"fuse", "interpret", "newest", "optimize", "packed", "program", "trace"},
    "step": {"arguments", "epoch", "machine", "newest", "packed", "program", "rolled", "rule"},
    "training": {"arguments", "epoch", "machine", "program", "rolled", "rule"},
}
FILES = sorted((ROOT / "autograd").rglob("*.py"))


def imports(path: Path) -> set[str]:
    """The dotted names a file imports when it runs, not those for type checkers alone."""
    names: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return names


@pytest.mark.parametrize("path", FILES, ids=[str(f.relative_to(ROOT)) for f in FILES])
def test_autograd_imports_only_what_is_below(path: Path) -> None:
    """Each module imports only the layers below it, and autograd never imports nn."""
    module = path.relative_to(ROOT / "autograd").parts[0].removesuffix(".py")
    seen = {name.split(".")[1] for name in imports(path) if name.startswith("autograd.")}
    assert not any(name.split(".")[0] == "nn" for name in imports(path))
    if module == "__init__":
        return
    assert module in ALLOWED, f"a new module: say in ALLOWED what {module} may import"
    assert seen <= ALLOWED[module]


@pytest.mark.parametrize("module", COMPILER)
def test_each_pass_of_the_compiler_sees_its_own_form(module: str) -> None:
    """A pass imports the forms it reads and writes, not the other passes."""
    room = ROOT / "autograd" / "compiler"
    files = sorted((room / module).rglob("*.py")) or [room / f"{module}.py"]
    for path in files:
        seen = {
            name.split(".")[2]
            for name in imports(path)
            if name.startswith("autograd.compiler.") and name.count(".") > 1
        }
        assert seen <= COMPILER[module]


def test_every_file_of_the_compiler_is_listed() -> None:
    """No pass escapes the rule."""
    room = ROOT / "autograd" / "compiler"
    found = {path.stem for path in room.iterdir() if path.stem not in ("__init__", "__pycache__")}
    assert found == set(COMPILER)


def test_nn_sees_only_public_names() -> None:
    """Nn imports autograd's public names (and its named errors), nothing from inside."""
    import autograd

    for path in sorted((ROOT / "nn").rglob("*.py")):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] != "autograd" or parts[1:2] == ["errors"]:
                continue
            assert len(parts) <= 2, f"{path.name} imports {name}"
            assert len(parts) == 1 or hasattr(autograd, parts[1])


def test_the_node_reads_in_one_sitting() -> None:
    """value.py, the file to read first, stays short: the whole idea, and nothing else."""
    source = (ROOT / "autograd" / "value.py").read_text(encoding="utf-8")
    code = [
        line for line in source.splitlines() if line.strip() and not line.strip().startswith("#")
    ]
    assert len(code) < 250
