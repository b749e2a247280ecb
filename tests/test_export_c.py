"""A function in C99 computes what the eager engine computes, to the bit, and compiles silently."""

import ctypes
import math
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pages
import pytest
from hypothesis import given, settings
from strategies import SPECIAL, WildProgram, wild_programs

import autograd
from autograd import Value, value_and_grad
from autograd.compiler.tape import EXTRA, FORWARD
from autograd.elementwise import call
from autograd.errors import ExportError, LengthError
from autograd.export import c, c_compiler, to_c
from autograd.export.c_functions import expression, functions
from autograd.export.c_names import comment, identifier
from autograd.export.portable import Portable
from autograd.primitives import TABLE
from nn import MLP

STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-O2")
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
needs_compiler = pytest.mark.skipif(not COMPILERS, reason="there is neither gcc nor clang here")
# gcc and clang write pow(x, -1.0) as a division, which is the nearer one, but not what Python calls
AS_CALLED = "-fno-builtin-pow"


def same(got: float, want: float) -> bool:
    """Equal bit for bit, so that -0.0 is not 0.0; but any nan is nan."""
    return struct.pack("d", got) == struct.pack("d", want) or (got != got and want != want)


def eager(portable: Portable, point: list[Any]) -> list[float]:
    flat = portable.flat(*point)
    return [float(y.data if isinstance(y, Value) else y) for array in flat for y in array]


def assert_same(made: c.CFunction, run: Callable[..., Any], point: list[Any]) -> None:
    got = [y for array in run(*point) for y in array.tolist()]
    want = eager(made._portable, [np.asarray(x) for x in point])
    off = [(k, g, w) for k, (g, w) in enumerate(zip(got, want, strict=True)) if not same(g, w)]
    assert not off, f"{off[:5]} at {point}"


@pytest.fixture(params=["straight", "loops"])
def written(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to write a function, whatever its size."""
    monkeypatch.setattr(c, "STRAIGHT", 10**6 if request.param == "straight" else 0)
    return request.param  # type: ignore[no-any-return]


# --- operations -----------------------------------------------------------------------------------

ARITIES = {op: TABLE[op].arity if op in TABLE else 2 for op in [*TABLE, *EXTRA]}
ARITIES |= {"take": None, "largest": None}
del ARITIES["inner"]  # written as a sum


def points_of(op: str, n: int, random: Random) -> list[tuple[float, ...]]:
    if op == "polygamma":
        orders = (0.0, 1.0, 2.0, 3.0, 10.0, 40.0, 149.0, 150.0, 151.0, 0.5, math.nan)
        near = [(random.choice(orders), random.uniform(-9.0, 30.0)) for _ in range(100)]
        return [*near, *[(k, x) for k in orders for x in SPECIAL]]
    found = [tuple(random.choice(SPECIAL) for _ in range(n)) for _ in range(150)]
    found += [tuple(random.uniform(-4.0, 4.0) for _ in range(n)) for _ in range(150)]
    signs = (-1.0, 1.0)
    for _ in range(100):
        found.append(
            tuple(random.choice(signs) * math.exp(random.uniform(-40, 40)) for _ in range(n))
        )
    if op == "take":
        found += [(float(k), *xs[1:]) for k, xs in zip(range(-1, n), found, strict=False)]
    if op in ("lgamma", "digamma"):  # around the zeros, where a series takes over
        found += [(x + d,) for x in (1.0, 2.0, 1.4616) for d in (-1e-3, -1e-5, 1e-9, 2e-3)]
    return found


@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_operation_has_the_bits_of_the_table(compiler: str, tmp_path: Path) -> None:
    """Each operation of a tape, at special, moderate and extreme operands, compiled silently."""
    parts = []
    for op, arity in ARITIES.items():
        n = arity or 5
        y = expression(op, [f"x[{k}]" for k in range(n)], "float64")
        head = f"void {op}_all(int n, const double *x, double *y)"
        parts.append(f"{head};\n{head}\n{{\n    for (int q = 0; q < n; q++, x += {n}) {{")
        parts.append(f"        y[q] = {y};\n    }}\n}}\n")
    body = "\n".join(parts)
    source = "\n".join(["#include <math.h>", *functions(body, "float64"), body])
    path, library = tmp_path / "all.c", tmp_path / "all.so"
    path.write_text(source)
    flags = [*STRICT, *c_compiler.FLAGS, AS_CALLED, "-shared", "-fPIC"]
    subprocess.run([compiler, path, *flags, "-o", library, "-lm"], check=True)
    loaded = ctypes.CDLL(str(library))
    random = Random(0)
    for op, arity in ARITIES.items():
        points = points_of(op, arity or 5, random)
        given, found = np.array(points), np.zeros(len(points))
        run = getattr(loaded, f"{op}_all")
        run(len(points), ctypes.c_void_p(given.ctypes.data), ctypes.c_void_p(found.ctypes.data))
        for point, got in zip(points, found.tolist(), strict=True):
            want = float(FORWARD[op](*point))
            assert same(got, want), f"{op}{point} is {got!r}, expected {want!r}"


def test_a_new_operation_is_refused_by_name() -> None:
    """What a Python function computes cannot be written, and the error says what to do."""
    with autograd.temporary_primitives():
        half = autograd.primitive("half", lambda x: x / 2.0, lambda m, y, x: (0.5,))
        with pytest.raises(ExportError, match=r"'half'.*expression over m"):
            to_c(lambda x: half(x[0]) * 2.0, [1.0], gradient=False)


@needs_compiler
def test_an_own_primitive_of_expressions_is_written() -> None:
    """A user's own primitive over m is traced like anything else."""
    with autograd.temporary_primitives():
        twice = autograd.primitive(
            "twice_sin", lambda m, x: m.mul(2.0, m.sin(x)), lambda m, y, x: (m.mul(2.0, m.cos(x)),)
        )
        made = to_c(lambda x: twice(x[0]), [0.3])
    assert made.agreement is not None
    assert made.agreement.ulp == 0.0
    assert "twice_sin" not in made.source
    assert "cos(" in made.source


# --- functions ------------------------------------------------------------------------------------


def every_primitive(a: Any, b: Any, o: Any) -> list[Any]:
    """Of each primitive the value, and the derivatives at these operands."""
    found = []
    for p in TABLE.values():
        n = p.arity or 5
        xs = [o[0], a[0]] if p.name == "polygamma" else [*a, *b, a[0]][:n]

        def along(*operands: Any, p: Any = p) -> Any:
            return call(p, *operands)

        value, partials = value_and_grad(along, tuple(range(n)))(*xs)
        found += [value, *partials]
    return found


@needs_compiler
def test_every_primitive_and_its_gradient_at_special_values(written: str) -> None:
    """The contract of special values holds in C: value and gradient, compiled silently."""
    made = to_c(every_primitive, [0.3, 0.7], [0.4, 1.2], [1.0], gradient=False)
    assert made.agreement is not None
    assert made.agreement.relative < 1e-15
    assert ("work[" in made.source) == (written == "loops")
    random = Random(1)
    runs = [made.compiled(compiler, *STRICT, AS_CALLED) for compiler in COMPILERS]
    for k in range(25):
        numbers = [random.choice(SPECIAL) for _ in range(4)]
        point = [numbers[:2], numbers[2:], [float(k % 4)]]
        for run in runs:
            assert_same(made, run, point)


@needs_compiler
def test_float32_has_no_double_anywhere(written: str) -> None:
    """Every primitive in float32: no double in the text, none made by a conversion."""
    made = to_c(every_primitive, [0.3, 0.7], [0.4, 1.2], [1.0], gradient=False, dtype="float32")
    code = re.sub(r"/\*.*?\*/", "", made.source, flags=re.DOTALL)
    assert not re.search(r"\bdouble\b", code)
    literals = re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?\w*", code)
    assert all(x.isdigit() or x.endswith("f") for x in literals)
    for compiler in COMPILERS:
        made.compiled(compiler, *STRICT, "-O1", "-Wdouble-promotion")
    assert made.agreement is not None
    assert made.agreement.relative < 1e-5


@needs_compiler
@settings(max_examples=5, deadline=None)
@given(program=wild_programs(size=30))
def test_random_graphs(program: WildProgram) -> None:
    """Any graph, at any floats, gives in both forms the bits of the eager engine."""
    before = c.STRAIGHT
    for c.STRAIGHT in (0, 10**6):
        try:
            made = to_c(lambda x: program(x), [0.5] * len(program.leaves), gradient=False)
            run = made.compiled(COMPILERS[0], *STRICT, AS_CALLED)
            assert_same(made, run, [list(program.leaves)])
        finally:
            c.STRAIGHT = before


@needs_compiler
@settings(max_examples=6, deadline=None)
@given(program=wild_programs(size=12))
def test_gradients_of_random_graphs(program: WildProgram) -> None:
    """The gradient of the last number, wherever the graph has branches, poles, infinities."""
    made = to_c(lambda x: program(x)[-1], [0.5] * len(program.leaves), gradient=True)
    run = made.compiled(COMPILERS[0], *STRICT, AS_CALLED)
    assert_same(made, run, [list(program.leaves)])


# --- models ---------------------------------------------------------------------------------------


def xor_net() -> MLP:
    model = MLP(2, [2, 1], activation="tanh", seed=3)
    for k, parameter in enumerate(model.parameters()):
        parameter.data = 0.5 + 0.25 * k
    return model


@needs_compiler
def test_a_model_with_its_weights() -> None:
    """A model is a function: its weights are in the file, under their names."""
    made = to_c(xor_net(), [0.0, 1.0], gradient=False, name="xor_net")
    assert made.function == "xor_net_value"
    assert "0.5, /* layers.0.neurons.0.w.0 */" in made.source
    assert "0.0 +" not in made.source  # the sum's start is idle where a bias is none
    run = made.compiled(COMPILERS[0], *STRICT)
    assert_same(made, run, [[1.0, 0.0]])
    assert made.flash is not None
    assert 100 < made.flash < 2000
    assert made.state_size == 5 * 8


@needs_compiler
def test_a_sum_that_starts_at_zero_keeps_its_sign(written: str) -> None:
    """Dropping the 0.0 in front of a sum must not make -0.0 of 0.0."""
    model = MLP(2, [1], activation="linear")
    for parameter in model.parameters():
        parameter.data = -0.0
    made = to_c(model, [0.0, 1.0], gradient=False)
    assert_same(made, made.compiled(COMPILERS[0]), [[1.0, 1.0]])


@needs_compiler
def test_hypot_of_float32_is_rounded_once() -> None:
    """The steps that keep what is rounded off fit the digits of float32."""
    made = to_c(lambda x: autograd.hypot(x[0], x[1]), [3.0, 4.0], gradient=False, dtype="float32")
    run, random = made.compiled(COMPILERS[0], "-O2"), Random(0)
    for _ in range(500):
        x = np.array([random.uniform(0.1, 9.0), random.uniform(0.1, 9.0)], np.float32)
        assert run(x)[0][0] == np.float32(math.hypot(*x.tolist()))


@needs_compiler
def test_models_of_several_outputs_need_no_word_about_gradients() -> None:
    """Whatever a model gives, to_c(model, x) writes it: gradients of single numbers."""
    one, several = to_c(MLP(2, [3, 1]), [0.0, 1.0]), to_c(MLP(2, [3, 2]), [0.0, 1.0])
    assert (one.function, several.function) == ("mlp_gradient", "mlp_value")
    assert "value[2]" in several.header


@needs_compiler
def test_a_network_becomes_loops() -> None:
    """A larger network, with the gradient by its weights, is short: its loops, named, are loops."""
    model = MLP(10, [16, 8, 1], seed=0)
    weights = [p.data for p in model.parameters()]

    def loss(w: Any, x: Any) -> Any:
        rows, at = list(x), 0
        for n_in, n_out in ((10, 16), (16, 8), (8, 1)):
            layer = []
            for _ in range(n_out):
                s = autograd.dot(w[at : at + n_in], rows) + w[at + n_in]
                layer.append(autograd.tanh(s))
                at += n_in + 1
            rows = layer
        return rows[0] * rows[0]

    made = to_c(loss, weights, [0.1 * k for k in range(10)])
    assert made.agreement is not None
    assert made.agreement.ulp == 0.0
    assert made.source.count("for (") > 8
    assert made.source.count("\n") < 160
    for compiler in COMPILERS:
        assert_same(made, made.compiled(compiler, *STRICT), [weights, [0.3] * 10])


def attention(w: Any, x: Any) -> Any:
    """A lookup, a softmax and shared results: tables of places, and outputs that are copies."""
    rows = [[w[3 * k + i] for i in range(3)] for k in range(6)]
    picked = [autograd.take(rows, float(k)) for k in (4, 1, 5, 1, 0)]
    scores = [[autograd.dot(a, b) for b in picked] for a in picked]
    p = [autograd.softmax(row) for row in scores]
    mixed = [sum(pk * picked[k][0] for k, pk in enumerate(row)) for row in p]
    return autograd.logsumexp([*mixed, x[0]]) + picked[2][1]


@needs_compiler
def test_tables_of_places(written: str) -> None:
    """What moves by no constant stride is found through tables; equal results are copied."""
    made = to_c(attention, [0.1 * k for k in range(18)], [0.2])
    assert made.agreement is not None
    assert made.agreement.ulp == 0.0
    assert ("static const unsigned char places_1" in made.source) == (written == "loops")
    for compiler in COMPILERS:
        made.compiled(compiler, *STRICT)


@needs_compiler
def test_static_memory_and_large_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is on the stack, or static if asked; too much of it for a stack is refused."""
    monkeypatch.setattr(c, "STRAIGHT", 0)
    made = to_c(attention, [0.1 * k for k in range(18)], [0.2], static=True)
    assert f"static double work[{made.state_size // 8}]" in made.source
    assert "one call at a time" in made.header
    monkeypatch.setattr(c, "STACK", 64)
    with pytest.raises(ExportError, match="static=True"):
        to_c(attention, [0.1 * k for k in range(18)], [0.2])


@needs_compiler
def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any number of calls at a time: each has its own memory, and nothing is allocated."""
    monkeypatch.setattr(c, "STRAIGHT", 0)
    made = to_c(attention, [0.1 * k for k in range(18)], [0.2])
    run = made.compiled(COMPILERS[0], "-O2")
    points = [([0.01 * k * i for i in range(18)], [0.1 * k]) for k in range(40)]
    alone = [np.concatenate(run(*point)).tolist() for point in points]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            found = list(pool.map(lambda point: np.concatenate(run(*point)).tolist(), points))
            assert found == alone
    assert not re.search(r"\b(malloc|calloc|alloca)\b", made.source)
    assert not re.search(r"^static (?!const)[^(]*;", made.source, flags=re.MULTILINE)


# --- names and files ------------------------------------------------------------------------------

HOSTILE = ["int", "main", "exp", "expf", "double", "value", "d_x", "work", "constants", "i", "s"]
HOSTILE += ["NAN", "M_PI", "sum_1", "tanh_1", "class_", "xor_", "x", "linux", "isnan", "bool_"]


@needs_compiler
def test_arguments_of_any_name(written: str) -> None:
    """No name of an argument can clash with C, with the library, or with a name of ours."""
    names: dict[str, Any] = {}
    used = " + ".join(f"exp({x}[0]) * tanh({x}[0] - 0.5)" for x in HOSTILE)
    body = used.replace("exp(", "autograd.exp(", 1).replace("exp(", "E(").replace("autograd.E", "E")
    exec(f"def f({', '.join(HOSTILE)}):\n    return {body.replace('tanh(', 'T(')}", names)
    names |= {"E": autograd.exp, "T": autograd.tanh}
    made = to_c(names["f"], *[[0.1 * k] for k in range(len(HOSTILE))])
    assert made.agreement is not None
    assert made.agreement.ulp == 0.0
    for compiler in COMPILERS:
        made.compiled(compiler, *STRICT)


@needs_compiler
def test_functions_of_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a function is called, its file declares a function that nothing else is."""
    sources: list[str] = []
    monkeypatch.setattr(Portable, "agreement", lambda *_: None)  # one compilation does for all
    monkeypatch.setattr(c.CFunction, "compiled", lambda *_: None)
    for name in ("int", "main", "a b", "*/", "é", "printf", "malloc", "1x", "", "__x", "xor"):

        def f(x: Any) -> Any:
            return x[0] * x[0]

        f.__name__ = name
        made = to_c(f, [1.0])
        sources.append(made.source.replace("gradient", f"gradient{len(sources)}"))
        assert re.fullmatch(r"[A-Za-z]\w*_gradient", made.function)
        with pytest.raises(ValueError, match="identifier in C"):
            to_c(f, [1.0], name=name + "*/")
    path = tmp_path / "names.c"
    path.write_text("\n".join(sources))
    for compiler in COMPILERS:
        flags = [*STRICT, "-std=c99", "-c", "-o", str(tmp_path / "names.o")]
        subprocess.run([compiler, str(path), *flags], check=True)


@needs_compiler
def test_labels_of_any_text() -> None:
    """A label cannot end its comment, nor a line, nor bring in a trigraph."""
    texts = ["*/ int x = 1; /*", "a\nb", "??/", "end\\", "é \u2028", "//", "#include <x>", "\x00"]
    weights = [Value(0.5 + k) for k in range(len(texts))]
    for w, text in zip(weights, texts, strict=True):
        w.label = text
    key = {"*/ evil": 1.0, "x\n": [2.0, 3.0]}
    made = to_c(
        lambda x, p: autograd.dot(weights, [x[0]] * len(texts)) * p["*/ evil"] * p["x\n"][1],
        [1.0],
        key,
    )
    for text in (made.source, made.header):
        assert text.isascii()
        assert text.count("/*") == text.count("*/")
    made.compiled(COMPILERS[0], *STRICT)


def test_comments_and_identifiers() -> None:
    """Long text is cut; names that are taken get an underscore, and stay apart."""
    assert comment("x" * 100) == "x" * 69 + "..."
    assert identifier("x", ["x", "x_"]) == "x__"
    assert identifier("double") == "double_"
    assert identifier("3 a/b") == "x3_a_b"


@needs_compiler
def test_a_program_that_includes_the_header(tmp_path: Path) -> None:
    """What is saved is called from C by its header, which says what each number is."""
    made = to_c(
        lambda p, x: autograd.tanh(p["w"][0] * x[0] + p["b"]), {"w": [0.5, 2.0], "b": 1.0}, [2.0],
        name="unit",
    )  # fmt: skip
    source, header = made.save(tmp_path)
    assert Path(header).read_text() == made.header
    assert " *     p[2]: p['b']" in made.header
    main = tmp_path / "main.c"
    main.write_text(
        '#include <stdio.h>\n#include "unit.h"\nint main(void)\n{\n'
        "    const double p[3] = {0.5, 2.0, 1.0}, x[1] = {2.0};\n"
        "    double value[1], d_p[3], d_x[1];\n    unit_gradient(p, x, value, d_p, d_x);\n"
        '    printf("%.17g %.17g", value[0], d_p[1]);\n    return 0;\n}\n'
    )
    program = tmp_path / "main"
    flags = [*STRICT, *c_compiler.FLAGS, "-o", str(program), "-lm"]
    subprocess.run([COMPILERS[0], str(main), source, *flags], check=True)
    told = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    assert [float(x) for x in told.split()] == [math.tanh(2.0), 0.0]


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written all the same, and one notice says that it was not run."""
    monkeypatch.setattr(c_compiler, "find_compiler", lambda: None)
    with pytest.warns(UserWarning, match="no C compiler|there is none") as told:
        made = to_c(lambda x: x[0] * x[0], [3.0])
    assert len(told) == 1
    assert told[0].filename == __file__
    assert made.agreement is None
    assert made.flash is None
    assert "not run" in repr(made)


@needs_compiler
def test_what_is_refused() -> None:
    """An unknown dtype, no numbers at all, C that the compiler refuses: each with what to do."""
    with pytest.raises(ValueError, match="'float64' or 'float32'"):
        to_c(lambda x: x[0], [1.0], dtype="float16")
    with pytest.raises(LengthError, match="at least one number"):
        to_c(lambda x: 1.0, [])
    made = to_c(lambda x: x[0] * 2.0, [1.0])
    made.source += "int 3;"
    with pytest.raises(ExportError, match="refuses what was written"):
        made.compiled(COMPILERS[0])


@needs_compiler
def test_arguments_without_use_or_numbers() -> None:
    """An unused argument compiles silently; an empty one is left out; constants are results."""
    made = to_c(lambda z_x, x, z: [z_x[0], 2.0, -0.0, math.inf], [1.0], [2.0], [], gradient=False)
    assert " x[1]" in made.header
    assert " z[" not in made.header
    for compiler in COMPILERS:
        assert_same(made, made.compiled(compiler, *STRICT), [[5.0], [1.0], []])


@needs_compiler
def test_the_page_shows_what_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page's example runs, and its C is what comes out, but for the numbers of a training."""
    [(_, code), (_, shown)] = pages.blocks(pages.page("export", "C"), "python|c")
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    weight = re.compile(r"^    -?[\d.]+(e-?\d+)?f,", flags=re.MULTILINE)
    written = (tmp_path / "xor_net.c").read_text()
    assert weight.sub("    W,", written) == weight.sub("    W,", shown)
    assert weight.sub("    W,", written).count("W,") == 9
    assert written in capsys.readouterr().out


@needs_compiler
def test_a_product_with_zero_is_computed() -> None:
    """Only the 0.0 a sum starts with may go: 0.0 * x is nan where x is infinite."""
    made = to_c(lambda x: [0.0 * x[0] + x[1] + 3.0, x[0] * 0.0 + x[1] + 3.0], [1.0, 1.0])
    assert_same(made, made.compiled(COMPILERS[0]), [[math.inf, 1.0]])
