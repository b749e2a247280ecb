"""The traps of training: each is told of in the trap, and never where all is well."""

import copy
import gc
import pickle
import re
import subprocess
import sys
import warnings
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from told import told
from trap_cases import (
    CASES,
    LINE,
    XS,
    YS,
    Own,
    by_hand,
    column,
    explode,
    fit,
    forgotten,
    loss_of_numbers,
    majority,
    number,
    train,
)

import nn
from autograd import Notice, Value, silence, strict
from autograd.notices import STRICT_ONLY, TRAPS
from nn.layers import Dense, Dropout
from nn.models import Sequential
from nn.traps.outcome import look_at_loss

SPOKEN = [(name, k, trap) for name, case in CASES.items() for k, trap in enumerate(case.traps)]
STRICTLY = [(name, k, trap) for name, case in CASES.items() for k, trap in enumerate(case.strictly)]
WELL = [(name, k, well) for name, case in CASES.items() for k, well in enumerate(case.well)]


def each(cases: list[tuple[str, int, Any]]) -> Any:
    ids = [f"{name}-{k}" for name, k, _ in cases]
    return pytest.mark.parametrize(("name", "run"), [(n, run) for n, _, run in cases], ids=ids)


def test_every_trap_is_tried() -> None:
    """Each of the table has its trap, here or with the files, and three cases where all is well."""
    assert CASES.keys() | {"file-suffix"} == TRAPS.keys()
    for name, case in CASES.items():
        assert len(case.well) >= 3
        assert bool(case.traps) == (name not in STRICT_ONLY)
        assert case.traps or case.strictly


@each(SPOKEN)
def test_the_trap_is_told_of(name: str, run: Callable[[], object]) -> None:
    """Once, by its name and no other, without asking; and not where that name is silenced."""
    with told() as names:
        run_anyway(run)
    assert set(names) == {name}
    with told() as names, silence(name):
        run_anyway(run)
    assert names == []


@each(WELL)
def test_where_all_is_well_nothing_is_said(name: str, run: Callable[[], object]) -> None:
    """No notice of any name; strict() does not speak of this one either."""
    with told() as names:
        run()
    assert names == []
    with told() as names, strict():
        run()
    assert name not in names


@each(STRICTLY)
def test_what_strict_adds(name: str, run: Callable[[], object]) -> None:
    """It is told of under strict() alone."""
    with told() as names:
        run()
    assert names == []
    with told() as names, strict():
        run()
    assert name in names


def run_anyway(run: Callable[[], object]) -> None:
    """A loss that depends on nothing is told of, and then the error it ends in comes."""
    try:
        run()
    except AttributeError as error:
        assert "backward" in str(error)  # noqa: PT017


# --- what is said, and where ----------------------------------------------------------------------


def sentence(run: Callable[[], object]) -> str:
    """The first notice of a trap."""
    with pytest.raises(Notice) as caught, strict(errors=True):
        run()
    return str(caught.value)


def test_where_a_loss_was_cut() -> None:
    """The layer after which nothing depends on a parameter is named, or the loss, or the model."""

    def first_layer_cut() -> object:
        return fit(Dense(2), Own(number), Dense(1, use_bias=False), ys=LINE, loss="mse")

    def layer_cut() -> object:
        return fit(Dense(2), Own(Value.detach), ys=XS[:, :2], loss="mse")

    def model_cut() -> object:
        p = Value(1.0)
        return nn.train(lambda rows: [Value(2.0) for _ in rows], XS, LINE, epochs=1, compiled=False,
                        optimizer=nn.SGD([p], 0.1), progress=False)  # fmt: skip

    def cut_behind_what_has_no_weights() -> object:
        return fit(Dropout(0.1), Own(Value.detach), ys=XS, loss="mse")

    assert "what layer 'own' gives no longer does" in sentence(layer_cut)
    assert "what layer 'own' gives no longer does" in sentence(cut_behind_what_has_no_weights)
    assert "what the model gives does not" in sentence(model_cut)
    assert "but the loss function drops that" in sentence(lambda: fit(loss=loss_of_numbers))
    assert "unused-parameter" in sentence(first_layer_cut)


@pytest.mark.parametrize(
    ("columns", "named"), [(None, "column 1 of x"), (["a", "size", "c"], r"column 1 ('size') of x")]
)
def test_the_column_is_named(columns: list[str] | None, named: str) -> None:
    """By its number, and by its name where a table or a data set tells it."""
    pandas = pytest.importorskip("pandas")
    xs: Any = column(500.0)
    tables = [xs] if columns is None else [
        (pandas.DataFrame(xs, columns=columns), YS),
        (nn.DataSet(xs, YS, feature_names=tuple(columns)), None),
    ]  # fmt: skip
    for table, ys in [(xs, YS)] if columns is None else tables:
        model = Sequential([Dense(1, "sigmoid")])
        model.compile("sgd", "mse", compiled=False)
        with pytest.warns(Notice, match="unscaled-input") as caught:
            model.fit(table, ys, verbose=0)
        assert named in str(caught[0].message)


def test_a_tenth_of_the_rate_is_suggested() -> None:
    """Where the loss explodes, and where it is no longer finite, by fit and by train."""
    assert "try lr=0.3, a tenth" in sentence(lambda: explode(3.0))
    for compiled in (False, None):
        model = nn.Neuron(3, "linear")
        with pytest.warns(RuntimeWarning, match=r"a tenth of it is lr=1e\+11$"):
            train(model, optimizer=nn.SGD(model.parameters(), 1e12), epochs=99, compiled=compiled)
        model = Sequential([Dense(1)])
        model.compile(nn.SGD(lr=1e12), "mse", compiled=compiled)
        with pytest.warns(RuntimeWarning, match=r"a tenth of it is lr=1e\+11$"):
            model.fit(XS, LINE, epochs=99, verbose=0)


@pytest.mark.parametrize(
    ("history", "spoken"),
    [
        ([1e-3, 50.0], False),  # it was better, and is of the size of the targets still
        ([1e-3, 1e4], True),
        ([2e4, 1e5], False),  # it was bad from the start, and has not grown tenfold
        ([9e3, 1e5], True),
        ([1e5, 1e-3], False),
    ],
)
def test_a_loss_explodes_beyond_what_nothing_learned_costs(
    history: list[float], spoken: bool
) -> None:
    """Tenfold, and a thousand times the loss of an answer of 0, which is some 4 here."""
    with told() as names:
        look_at_loss(None, nn.mse, LINE, history, 0.1)
    assert names == ["exploding-loss"] * spoken


@pytest.mark.parametrize(
    ("loss", "ys", "bias", "named"),
    [
        (partial(nn.binary_cross_entropy, from_logits=True), YS, 0.2, "class 1,"),
        (partial(nn.binary_cross_entropy, from_logits=True), YS, -0.2, "class 0,"),
        (nn.hinge, 2.0 * YS - 1.0, 0.2, "class 1,"),
        (nn.hinge, 2.0 * YS - 1.0, -0.2, "class -1,"),
    ],
)
def test_the_class_that_is_always_given(loss: Any, ys: Any, bias: float, named: str) -> None:
    """It is that of the loss: from logits and of margins the sign decides."""
    assert named in sentence(lambda: majority("linear", ys, loss, bias))


@pytest.mark.parametrize("name", ["m.h5", "m.keras", "m.PT", "m.pkl", "m.json"])
def test_a_file_named_as_of_another_format(name: str, tmp_path: Path) -> None:
    """It is told of, and written and read all the same."""
    model = fit(epochs=1)
    with told() as names:
        model.save(tmp_path / name)
    assert names == ["file-suffix"]
    assert nn.load(tmp_path / name).state_dict() == model.state_dict()


@pytest.mark.parametrize("name", ["m.safetensors", "m", "m.model", "m.h5.safetensors", "v1.2"])
def test_other_names_of_files_are_well(name: str, tmp_path: Path) -> None:
    """Whatever does not promise another format."""
    with told() as names, strict():
        fit(epochs=1).save(tmp_path / name)
    assert "file-suffix" not in names


def test_once_for_each_model() -> None:
    """A second training of one model says nothing new; the same model made anew is told again."""
    model = Sequential([Dense(1, "softmax")])
    with told() as names:
        for _ in range(2):
            model.compile("sgd", "mse", compiled=False)
            model.fit(XS, YS, epochs=0, verbose=0)
        fit(Dense(1, "softmax"), loss="mse", epochs=1)
    assert names == ["softmax-of-one"] * 2


def test_a_loop_with_an_optimiser_is_told_once() -> None:
    """Of gradients that are not set to 0, by the optimiser and not by strict's backward() again."""
    with told() as names, strict():
        by_hand(forgotten)
    assert names == ["stale-gradient"]


@pytest.mark.parametrize("compiled", [False, None])
def test_looking_leaves_gradients_alone(compiled: bool | None) -> None:
    """What stands in the parameters before a training is there after looking at its graph."""
    model = Sequential([Dense(2, "tanh", input_dim=3), Dense(1)])
    for p in model.parameters():
        p.grad = 7.0
    model.compile("sgd", "mse", compiled=compiled)
    model.fit(XS, LINE, epochs=0, verbose=0)
    assert {p.grad for p in model.parameters()} == {7.0}


# --- a used gradient ------------------------------------------------------------------------------


def test_a_used_gradient_is_the_number_it_was() -> None:
    """Marking changes no bit of training, prints alike, and does not outlive copies and pickles."""
    p = Value(1.0)
    opt = nn.SGD([p], 0.5)
    p.grad = 0.3
    opt.step()
    assert (p.data, p.grad, repr(p)) == (0.85, 0.3, "Value(data=0.85, grad=0.3)")
    for twin in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert (twin.data, twin.grad) == (0.85, 0.3)
    assert type(pickle.loads(pickle.dumps(p.grad))) is float
    with told() as names:
        for _ in range(2):
            copy.deepcopy(opt).step()
            pickle.loads(pickle.dumps(opt)).step()
    assert names == []


def test_two_optimisers_may_share_gradients() -> None:
    """Only gradients that an optimiser has itself used are stale to it."""
    p = Value(1.0)
    one, two = nn.SGD([p], 0.1), nn.Adam([p], 0.1)
    with told() as names:
        for _ in range(3):
            one.zero_grad()
            (p * p).backward()
            one.step()
            (p * 2.0).backward()
            two.step()
    assert names == []


def test_a_trained_model_is_freed_by_reference_counting() -> None:
    """What watches over a training holds no model, nor makes a cycle."""
    gc.collect()
    gc.disable()
    try:
        model = nn.MLP(3, [2, 1], output_activation="linear")
        opt = nn.SGD(model.parameters(), 0.01)
        for _ in range(2):
            opt.zero_grad()
            nn.mse(model(XS.tolist()), LINE.tolist()).backward()
            opt.step()
        gone = weakref.ref(model)
        del model, opt
        assert gone() is None
    finally:
        gc.enable()


# --- as a script ----------------------------------------------------------------------------------

SCRIPT = """
import nn
from nn.models import Sequential
from nn.layers import Dense, Dropout
for seed in range(3):
    model = Sequential([Dense(1, "softmax", input_dim=1)])
    model.compile("sgd", "mse")
    model.fit([[0.0], [1.0]], [[1.0], [1.0]], epochs=1, verbose=0)  # HERE
"""


def run(*options: str, code: str = SCRIPT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, timeout=120
    )


def test_a_script_is_shown_its_own_line_once() -> None:
    """The line is the user's, not one of ours; a loop over it shows the text once."""
    line = 1 + SCRIPT.splitlines().index(next(x for x in SCRIPT.splitlines() if "HERE" in x))
    shown = run().stderr
    assert shown.count(f"<string>:{line}: Notice: ") == 1
    assert shown.count("[softmax-of-one]") == 1
    assert shown.count("Notice") == 1


def test_filters_of_python_hold() -> None:
    """-W ignore and error work as on every UserWarning, filters by class and by text as well."""
    assert run("-W", "ignore::UserWarning").stderr == ""
    failed = run("-W", "error::UserWarning")
    assert failed.returncode == 1
    assert "[softmax-of-one]" in failed.stderr.splitlines()[-1]
    by_class = "import warnings, autograd\nwarnings.simplefilter('ignore', autograd.Notice)\n"
    assert run(code=by_class + SCRIPT).stderr == ""
    by_name = "import warnings\nwarnings.filterwarnings('ignore', r'.*\\[softmax-of-one\\]')\n"
    assert run(code=by_name + SCRIPT).stderr == ""
    assert run(code="import autograd\nautograd.silence('softmax-of-one')\n" + SCRIPT).stderr == ""


def test_the_page_lists_every_trap_and_runs() -> None:
    """docs/traps.md says of each trap by name, and its examples give the notices they show."""
    page = (Path(__file__).resolve().parent.parent / "docs" / "traps.md").read_text("utf-8")
    part = page.split("\n## Traps\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", part, flags=re.MULTILINE) == list(TRAPS)
    blocks = re.findall(
        r"```python\n(.*?)```\n\n```text\n[\w.]+:(\d+): Notice: (.*?)```", part, re.DOTALL
    )
    assert len(blocks) == 2
    for code, line, shown in blocks:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            exec(compile(code, "page.py", "exec"), {"__name__": "page"})
        assert " ".join(shown.split()) == str(caught[0].message)
        assert (caught[0].filename, caught[0].lineno) == ("page.py", int(line))
