"""`python -m nn`: what it prints, what it writes, how it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from autograd import RenderError
from nn import MLP, gate
from nn.__main__ import main
from nn.cli import gates
from nn.data import GATES

ROOT = Path(__file__).parent.parent
PICTURES = {f"{stem}.{kind}" for stem in ("graph", "boundary", "loss") for kind in ("svg", "png")}


def command(*args, **options):
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-m", "nn", *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
        **options,
    )


def files(folder):
    """The names of the files, each checked to be what its suffix says."""
    starts = {".png": b"\x89PNG\r\n", ".svg": b"<?xml"}
    for path in folder.iterdir():
        assert path.read_bytes().startswith(starts[path.suffix])
    return {path.name for path in folder.iterdir()}


def answers(text):
    """The rounded predictions in the printed truth table, and how many are marked wrong."""
    rows = [line for line in text.splitlines() if line.startswith((" 0 ", " 1 "))]
    return [float(line.split("->")[1].split()[0]) for line in rows], sum("wrong" in r for r in rows)


# --- the main job ---------------------------------------------------------------------------------


def test_xor_from_another_folder(tmp_path):
    """The real command: table and bar as promised, six pictures in runs/xor, status 0."""
    process = command("xor", cwd=tmp_path)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert answers(out) == ([0.0, 1.0, 1.0, 0.0], 0)
    assert "4 of 4 rows right" in out
    assert str(Path("runs/xor")) in out
    assert "epoch/s, loss 0.00" in err
    assert files(tmp_path / "runs" / "xor") == PICTURES


def test_ctrl_c_keeps_what_was_learned(tmp_path):
    """SIGINT in the middle of training: the table and the pictures all the same, status 130."""
    process = command("xor", "--hidden", "0", "--epochs", "1000000000", cwd=tmp_path)
    seen = ""
    while "loss 0.693" not in seen:  # the bar is moving, so training is under way
        seen += process.stderr.read(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "interrupted after" in out
    assert "what was learned is kept" in out
    assert len(answers(out)[0]) == 4
    assert files(tmp_path / "runs" / "xor") == PICTURES


def test_all_gates(tmp_path, capsys):
    """`all` learns each gate, into a folder of its own."""
    assert main(["all", "--out", str(tmp_path), "--quiet"]) == 0
    out = capsys.readouterr().out
    assert answers(out) == ([y for name in GATES for y in gate(name)[1]], 0)
    assert {path.name for path in tmp_path.iterdir()} == set(GATES)
    for name in GATES:
        assert files(tmp_path / name) == PICTURES


def test_the_graph_shows_the_loss_of_one_sample(tmp_path):
    """graph.svg has the inputs, every neuron and the loss."""
    assert main(["and", "--hidden", "2", "--out", str(tmp_path), "--quiet"]) == 0
    svg = (tmp_path / "graph.svg").read_text(encoding="utf-8")
    for text in ("x1", "x2", "neuron 0", "neuron 1", "layer 0", "layer 1", "tanh", "loss"):
        assert text in svg


def test_quiet(tmp_path, capsys):
    """--quiet writes no bar, and the table still."""
    assert main(["or", "--out", str(tmp_path), "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert answers(out) == ([0.0, 1.0, 1.0, 1.0], 0)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
def test_options_reach_the_training(tmp_path, monkeypatch, optimizer):
    """--optimizer, --lr, --epochs, --seed, --hidden and --activation arrive where they belong."""
    seen = {}

    def spy(model, xs, ys, **options):
        seen.update(options, model=model)
        return train(model, xs, ys, **options)

    train = gates.train
    monkeypatch.setattr(gates, "train", spy)
    monkeypatch.setattr(gates.Gate, "draw", lambda *args: None)
    argv = f"xor --optimizer {optimizer} --lr 0.01 --epochs 3 --seed 8 --hidden 3 --activation gelu"
    assert main([*argv.split(), "--out", str(tmp_path), "--quiet"]) == 0
    opt = seen["optimizer"]
    assert (opt.lr, opt.steps, seen["epochs"]) == (0.01, 3, 3)
    assert type(opt).__name__ == ("Adam" if optimizer == "adam" else "SGD")
    if optimizer != "adam":
        assert (opt.momentum > 0, opt.nesterov) == (optimizer != "sgd", optimizer == "nesterov")
    assert repr(seen["model"]) == repr(MLP(2, [3, 1], activation="gelu"))
    start = MLP(2, [3, 1], activation="gelu", seed=8).state_dict()
    for name, number in seen["model"].state_dict().items():  # three small steps from seed 8
        assert 0.0 < abs(number - start[name]) < 0.05


# --- one perceptron -------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["sigmoid", "step"])
@pytest.mark.parametrize("name", ["and", "or", "nand", "nor"])
def test_a_single_perceptron_learns_what_a_line_can_part(
    tmp_path, capsys, monkeypatch, name, activation
):
    """--hidden 0 learns AND, OR, NAND and NOR, by slope or by the perceptron rule."""
    if name != "and":  # the pictures of one gate will do
        monkeypatch.setattr("nn.cli.gates.Gate.draw", lambda *args: None)
    argv = [name, "--hidden", "0", "--activation", activation, "--out", str(tmp_path), "--quiet"]
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert answers(out) == (gate(name)[1], 0)
    assert "cannot" not in out
    assert files(tmp_path) == (PICTURES if name == "and" else set())


@pytest.mark.parametrize("activation", ["sigmoid", "step"])
@pytest.mark.parametrize("name", ["xor", "xnor"])
def test_a_single_perceptron_cannot_learn_xor(tmp_path, capsys, name, activation):
    """--hidden 0 on XOR and XNOR: says that it cannot, and why, in words and in the picture."""
    argv = [name, "--hidden", "0", "--activation", activation, "--out", str(tmp_path), "--quiet"]
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert answers(out)[1] > 0
    assert f"one perceptron cannot learn {name.upper()}" in out
    assert "not linearly separable" in out
    assert files(tmp_path) == PICTURES
    svg = (tmp_path / "boundary.svg").read_text(encoding="utf-8")
    assert "<!-- No straight line will do." in svg


def test_hidden_neurons_without_a_bend(tmp_path, capsys):
    """Linear hidden neurons are one perceptron again, and are told so."""
    argv = ["xor", "--activation", "linear", "--epochs", "50", "--out", str(tmp_path), "--quiet"]
    assert main(argv) == 0
    assert "all layers together are one perceptron" in capsys.readouterr().out


# --- how it fails ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["xro"], "invalid choice: 'xro'"),
        ([], "required: COMMAND"),
        (["xor", "--hidden", "-1"], "--hidden: expected a whole number from 0, but got '-1'"),
        (["xor", "--hidden", "2.5"], "--hidden: expected a whole number from 0, but got '2.5'"),
        (["xor", "--epochs", "0"], "--epochs: expected a whole number from 1, but got '0'"),
        (["xor", "--lr", "0"], "--lr: expected a number above 0, but got '0'"),
        (["xor", "--lr", "nan"], "--lr: expected a number above 0, but got 'nan'"),
        (["xor", "--lr", "fast"], "--lr: expected a number above 0, but got 'fast'"),
        (["xor", "--seed", "x"], "--seed: expected a whole number from 0"),
        (["xor", "--activation", "rellu"], "--activation: invalid choice: 'rellu'"),
        (["xor", "--optimizer", "adamw"], "--optimizer: invalid choice: 'adamw'"),
        (["xor", "--activation", "step"], "flat, so no gradient reaches"),
        (["xor", "--hidden", "0", "--activation", "relu"], "sigmoid or step, not with relu"),
        (["xor", "--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_bad_arguments(tmp_path, capsys, monkeypatch, argv, message):
    """One line on stderr, status 2, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        main(argv)
    out, err = capsys.readouterr()
    assert exit_.value.code == 2
    assert message in err
    assert err.count("\n") == 1
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_bad_gate_for_real():
    """The status reaches the shell."""
    process = command("xro")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.count("\n")) == (2, 1)


def test_a_folder_that_cannot_be_made(tmp_path, capsys):
    """--out below a file: one line before any training, status 2."""
    (tmp_path / "file").write_text("")
    assert main(["xor", "--out", str(tmp_path / "file" / "x"), "--quiet"]) == 2
    out, err = capsys.readouterr()
    assert "cannot write to --out" in err
    assert (err.count("\n"), out) == (1, "")


def test_divergence_is_told(tmp_path, capsys):
    """A learning rate far too large: the reason and the remedy, the pictures, no warning."""
    argv = ["xor", "--activation", "relu", "--lr", "1e200", "--out", str(tmp_path), "--quiet"]
    assert main(argv) == 0
    assert "a smaller learning rate usually helps" in capsys.readouterr().out
    assert files(tmp_path) == PICTURES


# --- the defaults ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["xor", "xnor"])
def test_every_seed_learns(tmp_path, capsys, monkeypatch, name):
    """The defaults learn XOR from each of the seeds 0 to 49."""
    monkeypatch.setattr("nn.cli.gates.Gate.draw", lambda *args: None)
    for seed in range(50):
        assert main([name, "--quiet", "--seed", str(seed), "--out", str(tmp_path)]) == 0
        assert answers(capsys.readouterr().out) == (gate(name)[1], 0), f"{seed=}"


def test_without_an_engine_for_the_layout(tmp_path, capsys, monkeypatch):
    """No way to lay the graph out: its DOT text is kept, the other pictures are drawn, status 0."""

    class Unrenderable:
        def save(self, path):
            raise RenderError("no layout engine; install graphviz", "digraph { a -> b }")

    monkeypatch.setattr("autograd.draw", lambda root: Unrenderable(), raising=False)
    assert main(["or", "--quiet", "--out", str(tmp_path)]) == 0
    assert "graph.dot, but: no layout engine" in capsys.readouterr().err
    assert (tmp_path / "graph.dot").read_text() == "digraph { a -> b }"
    assert {p.name for p in tmp_path.iterdir()} == {"graph.dot"} | {
        name for name in PICTURES if not name.startswith("graph")
    }
