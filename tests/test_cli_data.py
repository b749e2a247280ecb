"""`python -m nn digits`, iris, moons ... and csv: what they print, write and refuse."""

import re
from random import Random

import numpy as np
import pytest

import nn
from nn.__main__ import main
from nn.cli import learn
from nn.cli.options import parse
from nn.cli.scaling import standardising
from nn.cli.tasks import TASKS

SETS = [name for name in TASKS if name != "csv"]


def run(capsys, *argv, status=0):
    """What the command prints, without the time it took."""
    assert main([*map(str, argv), "--quiet"]) == status
    out, err = capsys.readouterr()
    assert (err == "") == (status == 0)
    return re.sub(r"\d+\.\d s, pictures aside", "", out) + err


def options_of(name, *argv):
    """The options as the command gets them."""
    return parse([name, *map(str, argv)])


def right(text):
    """The rows held out that are answered right, and all of them."""
    found = re.search(r"(\d+) of (\d+) rows held out are right", text)
    return int(found[1]), int(found[2])


def write(path, header, rows):
    path.write_text("\n".join([header, *[",".join(map(str, row)) for row in rows]]) + "\n")
    return path


@pytest.fixture
def flowers(tmp_path):
    """60 rows with text labels, which are told apart by two lengths."""
    rng = Random(1)
    kinds = ["rose", "tulip", "lily"]
    rows = [
        (f"{rng.gauss(3 * k, 0.4):.3f}", f"{rng.gauss(-2 * k, 0.4):.3f}", kinds[k])
        for k in [i % 3 for i in range(60)]
    ]
    return write(tmp_path / "flowers.csv", "length,width,kind", rows)


@pytest.fixture
def prices(tmp_path):
    """80 rows with a price that is a straight line of the rooms and the area, in the thousands."""
    rng = Random(2)
    rows = [
        (rooms, f"{area:.1f}", f"{9000 * rooms + 3000 * area + rng.gauss(0, 2000):.2f}")
        for rooms, area in [(rng.randint(1, 6), rng.uniform(30, 200)) for _ in range(80)]
    ]
    return write(tmp_path / "prices.csv", "rooms,area,price", rows)


# --- the data sets --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETS)
def test_every_data_set(tmp_path, capsys, name):
    """Each command trains, and scores a fifth of the rows, of each class, and the least sure."""
    out = run(capsys, name, "--epochs", 3, "--no-pictures", "--out", tmp_path / "none")
    data = TASKS[name].load(options_of(name))
    assert right(out)[1] == round(0.2 * len(data.xs))
    assert "after 3 epochs" in out
    assert "in machine code" in out
    table = [line.split() for line in out.splitlines() if line.startswith("  ")]
    for k, class_name in enumerate(data.class_names):
        words = [*class_name.split(), str(round(0.2 * (data.ys == k).sum()))]
        found = [row for row in table if row[: len(words) - 1] == words[:-1] and len(row) > 4]
        assert abs(int(found[0][-1]) - int(words[-1])) <= 1
    sure = [float(p) for p in re.findall(r"\(([\d.e-]+) %\), then ", out)]
    assert len(sure) == 5
    assert sure == sorted(sure)
    assert not (tmp_path / "none").exists()


def test_the_defaults_learn(capsys):
    """Digits, with and without a convolution, iris and spirals: as well as is promised."""
    for argv, least in (
        (["digits"], 0.96),
        (["digits", "--cnn"], 0.97),
        (["iris"], 0.9),
        (["spirals"], 0.99),
    ):
        good, rows = right(run(capsys, *argv, "--no-pictures"))
        assert good / rows >= least, argv


def test_the_seed_decides_everything(capsys):
    """The same seed prints the same, another seed something else."""
    texts = [
        run(capsys, "iris", "--epochs", 5, "--dropout", 0.2, "--no-pictures", "--seed", seed)
        for seed in (3, 3, 4)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_options_reach_the_network(monkeypatch, capsys):
    """--hidden, --activation, --dropout, --optimizer, --lr, --batch-size, --epochs, --seed."""
    seen = {}
    fit = nn.Sequential.fit

    def spy(model, xs, ys, **options):
        seen.update(options, model=model, rows=len(xs))
        return fit(model, xs, ys, **options)

    monkeypatch.setattr(nn.Sequential, "fit", spy)
    argv = "--hidden 7 5 --activation tanh --dropout 0.25 --optimizer nesterov --lr 0.02 --seed 9"
    run(capsys, "wine", *argv.split(), "--epochs", 2, "--batch-size", 10, "--no-pictures")
    model = seen["model"]
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "Dropout"] * 2 + ["Dense"]
    assert [model.layers[k].units for k in (0, 2, 4)] == [7, 5, 3]
    assert {model.layers[k].activation for k in (0, 2)} == {"tanh"}
    assert model.layers[1].rate == 0.25
    assert (model.optimizer.lr, model.optimizer.nesterov, model.seed) == (0.02, True, 9)
    assert (seen["batch_size"], seen["epochs"]) == (10, 2)
    assert model.optimizer.steps == 2 * -(-seen["rows"] // 10)
    argv = ["--cnn", "--dropout", 0.5, "--epochs", 1, "--batch-size", 720, "--no-pictures"]
    run(capsys, "digits", *argv)
    layers = [type(layer).__name__ for layer in seen["model"].layers]
    assert layers == ["Reshape", "Conv2D", "MaxPooling2D", "Flatten", "Dropout", "Dense"]


def test_without_hidden_layers(capsys):
    """--hidden 0 draws one straight line, which is not enough for circles."""
    good, rows = right(run(capsys, "circles", "--hidden", 0, "--no-pictures"))
    assert good / rows < 0.8
    good, rows = right(run(capsys, "circles", "--no-pictures"))
    assert good / rows > 0.9


def test_rows_held_out_are_not_trained_on(monkeypatch):
    """Neither the training, nor its scaling, nor early stopping sees a row that is scored on."""
    options = options_of("iris", "--patience", 3, "--epochs", 4, "--quiet")
    learner = learn.Learner("iris", TASKS["iris"].load(options), options)
    seen = []
    fit = nn.Sequential.fit

    def spy(model, xs, ys, **given):
        seen.extend([xs, given["validation_data"][0]])
        return fit(model, xs, ys, **given)

    monkeypatch.setattr(nn.Sequential, "fit", spy)
    learner.train()
    trained, validating = seen
    assert (len(trained), len(validating)) == (96, 24)
    used = np.sort(np.concatenate([trained, validating]), axis=0)
    assert (used == np.sort(learner.xs[learner.train_rows], axis=0)).all()
    assert not set(learner.train_rows) & set(learner.test_rows)
    assert np.allclose(learner.xs[learner.train_rows].mean(axis=0), 0.0)
    assert np.allclose(learner.xs[learner.train_rows].std(axis=0), 1.0)


def test_early_stopping(capsys):
    """--patience stops early, and says which epoch's weights are kept."""
    out = run(capsys, "moons", "--patience", 2, "--epochs", 500, "--no-pictures")
    epochs = int(re.search(r"stopped after (\d+) epochs", out)[1])
    best = int(re.search(r"epoch (\d+) was the best", out)[1])
    assert epochs == best + 2 < 500


# --- pictures -------------------------------------------------------------------------------------


def drawn(folder):
    """The names of the pictures, each of which is there as PNG and as SVG, and no other file."""
    starts = {".png": b"\x89PNG\r\n", ".svg": b"<?xml"}
    for path in folder.iterdir():
        assert path.read_bytes().startswith(starts[path.suffix])
    files = {path.name for path in folder.iterdir()}
    names = {path.stem for path in folder.iterdir()}
    assert files == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
    return names


def test_pictures_of_digits(tmp_path, capsys, monkeypatch):
    """Digits, without --out: all that suits pictures, in runs/digits."""
    monkeypatch.chdir(tmp_path)
    out = run(capsys, "digits", "--cnn", "--epochs", 1)
    expected = {"history", "confusion", "answers", "hidden", "network", "gradient"}
    assert drawn(tmp_path / "runs" / "digits") == expected
    assert "in runs/digits: " in out.replace("\\", "/")
    for name in expected:
        assert name in out


def test_pictures_in_the_plane(tmp_path, capsys):
    """Moons: the regions of both classes; what an earlier run left is gone, other files stay."""
    (tmp_path / "answers.png").write_text("of an earlier run")
    (tmp_path / "notes.txt").write_text("mine")
    run(capsys, "moons", "--epochs", 1, "--out", tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    (tmp_path / "notes.txt").unlink()
    assert drawn(tmp_path) == {"history", "confusion", "boundary", "network", "gradient"}
    assert "upper" in (tmp_path / "boundary.svg").read_text(encoding="utf-8")


def test_pictures_of_odd_tables(tmp_path, capsys):
    """Names with $ are no formulas; a constant feature spans no plane; one feature is drawn too."""
    rows = [(1, k % 2 + k / 100, "no$ \\frac$" if k % 2 else "yes") for k in range(30)]
    file = write(tmp_path / "$a$^$.csv", "$x^$,b$$,y$", rows)
    argv = ["csv", file, "--label", "y$", "--epochs", 1, "--out", tmp_path / "p"]
    run(capsys, *argv)
    assert drawn(tmp_path / "p") == {"history", "confusion", "network", "gradient"}
    run(capsys, *argv, "--drop", "$x^$", "--hidden", 0)
    assert drawn(tmp_path / "p") == {"history", "confusion", "network", "gradient"}


def test_pictures_of_a_regression(tmp_path, capsys, prices):
    """A table of quantities: predictions against targets, the network, the gradient."""
    run(capsys, "csv", prices, "--label", "price", "--epochs", 1, "--out", tmp_path / "p")
    assert drawn(tmp_path / "p") == {"history", "answers", "network", "gradient"}


# --- tables ---------------------------------------------------------------------------------------


def test_a_table_with_text_labels(capsys, flowers):
    """Text is classes: it says so, and names them; rows are counted as in the file."""
    out = run(capsys, "csv", flowers, "--label", "kind", "--no-pictures")
    assert "classification, for the labels are of 3 kinds; if not: --task regression" in out
    assert right(out)[1] == 12
    assert right(out)[0] >= 11
    lines = flowers.read_text().splitlines()
    unsure = re.findall(r"row (\d+): (\w+) \(.*%\)(?:: wrong, it is (\w+))?$", out, re.M)
    assert len(unsure) == 5
    for row, said, truth in unsure:
        assert lines[int(row) - 1].endswith(truth or said)


def test_a_table_with_quantities(capsys, prices):
    """Real numbers are quantities: it says so, and scores them in their own unit."""
    out = run(capsys, "csv", prices, "--label", "price", "--no-pictures")
    assert "regression, for the labels are quantities; if not: --task classification" in out
    assert float(re.search(r"R2 +(\S+)", out)[1]) > 0.95
    mae = float(re.search(r"absolute error +(\S+)", out)[1])
    rmse = float(re.search(r"squared error +(\S+)", out)[1])
    assert 100.0 < mae < rmse < 30_000.0  # the noise alone is 2,000


@pytest.mark.parametrize(
    ("labels", "task", "found"),
    [
        ([0, 1], None, "classification, for"),
        ([3, 4, 5], None, "classification, for"),
        (range(21), None, "regression, for"),  # too many kinds
        ([0.5, 1.5], None, "regression, for"),
        ([0, 1], "regression", "regression, as asked"),
        ([0.5, 1.5], "classification", "classification, as asked"),
        (range(21), "classification", "classification, as asked"),
    ],
)
def test_classes_or_quantities(tmp_path, capsys, labels, task, found):
    """Whole numbers of at most 20 kinds are classes, other numbers quantities, unless --task."""
    rows = [(k % 7, y) for k, y in enumerate(list(labels) * 4)]
    file = write(tmp_path / "t.csv", "a,y", rows)
    argv = ["csv", file, "--label", "y", "--epochs", 1, "--no-pictures"]
    out = run(capsys, *argv, *(["--task", task] if task else []))
    assert out.startswith(found)
    assert ("rows held out are right" in out) == ("classification" in found)
    if "classification" in found:
        for label in labels:
            assert re.search(rf"^  {label} ", out, re.M)


def test_options_of_a_table(tmp_path, capsys):
    """--no-header, --delimiter and --drop, also of a column without a name."""
    labels = ["yes" if i % 3 else "no" for i in range(20)]
    rows = [f"{i};{len(label) + 0.1};{label}" for i, label in enumerate(labels)]
    file = tmp_path / "t.csv"
    argv = ["csv", file, "--delimiter", ";", "--epochs", 30, "--no-pictures"]
    file.write_text("\n".join(rows))
    out = run(capsys, *argv, "--no-header", "--label", "C", "--drop", "A")
    assert right(out) == (4, 4)
    for row, said in re.findall(r"row (\d+): (\w+)", out):
        assert rows[int(row) - 1].endswith(said)
    file.write_text("\n".join([";x;y", *rows]))
    assert right(run(capsys, *argv, "--label", "y", "--drop", "")) == (4, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,y\n1,2,x\n3,,z\n", "row 3, column B ('b') is missing"),
        ("a,b,y\n1,2,x\n3,4.5.6,z\n", "in row 3, column B ('b'), but got '4.5.6'"),
        ("a,b,y\n1,2,x\n3,4\n", "expected 3 cells in row 3, as in row 1, but got 2"),
        ("a,b,y\n1,2,x\n3,4,1.5\n", "--task classification"),
        ("a,b,z\n1,2,x\n", "there is no column called 'y'"),
        ("1,2,y\n1,2,x\n", "--no-header"),
        (",2,y\n1,2,x\n", '--drop ""'),
        ("a,b,y\n1,2,x\n3,4,x\n", "but all are 'x'"),
        ("a,b,y\n1,2,x\n3,4,x\n5,6,z\n", "but 'z' stands in one row alone"),
        ("a,b,y\n1,2,0.5\n", "expected at least two rows to split"),
        ("", "is empty"),
    ],
)
def test_bad_tables(tmp_path, capsys, monkeypatch, text, message):
    """One line that says where and what to do, in words of the command line; status 2, no files."""
    (tmp_path / "t.csv").write_text(text)
    monkeypatch.chdir(tmp_path)
    out = run(capsys, "csv", "t.csv", "--label", "y", status=2)
    assert message in out
    assert "t.csv" in out or "split" in message
    assert "Traceback" not in out
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


# --- the model file -------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", ["8 4", "0"])
def test_a_saved_regression_takes_the_rows_of_the_file(tmp_path, capsys, prices, hidden):
    """The saved model gives, for unscaled rows, the prices whose error was printed."""
    file = tmp_path / "models" / "m.safetensors"
    argv = ["csv", prices, "--label", "price", "--hidden", *hidden.split(), "--save", file]
    out = run(capsys, *argv, "--no-pictures")
    table = nn.data.read_csv(prices, label="price")
    _, held_out = table.split(0.2, seed=0)
    found = nn.load(file).predict(held_out.xs)[:, 0]
    mae = abs(found - held_out.ys).mean()
    assert f"absolute error     {mae:.4g}\n" in out


@pytest.mark.parametrize("option", ["--cnn", "--quiet"])
def test_a_saved_classifier_takes_the_pixels(tmp_path, capsys, option):
    """The saved model gives, for unscaled pixels, probabilities of the answers counted as right."""
    file = tmp_path / "m.safetensors"
    out = run(capsys, "digits", option, "--epochs", 2, "--save", file, "--no-pictures")
    _, held_out = nn.data.digits().split(0.2, seed=0, stratify=True)
    found = nn.load(file).predict(held_out.xs)
    assert np.allclose(found.sum(axis=1), 1.0)
    assert (found.argmax(axis=1) == held_out.ys).sum() == right(out)[0]


def test_scaling_goes_into_the_weights():
    """The finished network gives what the trained one gives for scaled rows, to 1e-9."""
    options = options_of("wine", "--epochs", 3, "--quiet")
    learner = learn.Learner("wine", TASKS["wine"].load(options), options)
    learner.train()
    logits = learner.model.predict(learner.xs)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected = powers / powers.sum(axis=1, keepdims=True)
    assert abs(learner.finished().predict(learner.data.xs) - expected).max() < 1e-9


@pytest.mark.parametrize("column", [[1.0, 2.0, 4.0], [0.1, 0.1, 0.1], [1e9, 1e9 + 1, 1e9 + 5]])
def test_standardising_is_a_straight_line(column):
    """The line gives what `standardise` gives; without centring, 0 stays 0 on the same slope."""
    table = np.array(column)[:, None]
    line, uncentred = standardising(table), standardising(table, centre=False)
    assert np.allclose(line(table), nn.data.standardise(table)[0], rtol=0.0, atol=1e-6)
    assert uncentred(0.0) == 0.0
    assert uncentred.slope == line.slope


# --- how it fails ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["digit"], "invalid choice: 'digit'"),
        (["csv"], "required: FILE, --label"),
        (["csv", "t.csv", "--label", "y", "--task", "guess"], "--task: invalid choice: 'guess'"),
        (["iris", "--cnn"], "unrecognized arguments: --cnn"),
        (["iris", "--hidden", "16", "0"], "--hidden: expected 0 alone"),
        (["iris", "--hidden", "-1"], "--hidden: expected a whole number from 0, but got '-1'"),
        (["iris", "--dropout", "1"], "--dropout: expected a share from 0 to below 1"),
        (["iris", "--dropout", "some"], "--dropout: expected a share from 0 to below 1"),
        (["iris", "--patience", "0"], "--patience: expected a whole number from 1, but got '0'"),
        (["iris", "--batch-size", "0"], "--batch-size: expected a whole number from 1"),
        (["iris", "--activation", "step"], "flat, so no gradient reaches"),
        (["iris", "--optimizer", "sdg"], "--optimizer: invalid choice: 'sdg'"),
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
    assert (err.count("\n"), out) == (1, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["csv", "nowhere.csv", "--label", "y"], "cannot read nowhere.csv: No such file"),
        (["csv", ".", "--label", "y"], "cannot read .: Is a directory"),
        (["csv", "file", "--label", "y", "--delimiter", ";;"], "--delimiter ';;'"),
        (["iris", "--seed", "4294967296"], "expected seed to be a whole number from 0 to 2**32"),
        (["iris", "--out", "file/x"], "cannot write to --out"),
        (["iris", "--save", "file/m.safetensors"], "cannot write to --save"),
        (["iris", "--save", "."], "cannot write to --save"),
    ],
)
def test_what_cannot_be_done(tmp_path, capsys, monkeypatch, argv, message):
    """What only turns out later is one line as well, before any training, status 2."""
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(nn.Sequential, "fit", lambda *args, **options: pytest.fail("trained"))
    assert main([*argv, "--quiet"]) == 2
    out, err = capsys.readouterr()
    assert message in err
    assert (err.count("\n"), out) == (1, "")


def test_divergence_is_told(tmp_path, capsys):
    """A learning rate far too large: the reason and the remedy, no score of nan, no crash."""
    out = run(capsys, "moons", "--lr", 1e200, "--out", tmp_path)
    assert "a smaller learning rate usually helps" in out
    assert "there is nothing to score" in out
    assert "rows held out are right" not in out


def test_ctrl_c_keeps_what_was_learned(capsys, monkeypatch):
    """Ctrl-C in the middle of training: the scores all the same, status 130."""

    def interrupt(callback, epoch, logs=None):
        if epoch == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(learn._Bar, "on_epoch_end", interrupt)
    assert main(["blobs", "--no-pictures"]) == 130
    out = capsys.readouterr().out
    assert "what was learned is kept" in out
    assert right(out)[1] == 100


def test_the_bar(capsys):
    """Without --quiet: the rows, the layers, and a bar with the losses on stderr."""
    assert main(["iris", "--epochs", "3", "--hidden", "8", "--no-pictures"]) == 0
    out, err = capsys.readouterr()
    assert "iris: 120 rows to train on, 30 held out" in out
    assert "4 inputs → 8 dense → 3 dense_1: 67 parameters" in out
    assert "3/3" in err
    assert "val_accuracy" in err


def test_help(capsys):
    """--help has a line for each command, and each command's help its options and defaults."""
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    assert exit_.value.code == 0
    out = capsys.readouterr().out
    for name in ("and", "or", "nand", "nor", "xor", "xnor", "all", *TASKS):
        assert re.search(rf"^  {name} .*\w", out, re.M), name
    assert max(map(len, out.splitlines())) <= 100
    for name in TASKS:
        with pytest.raises(SystemExit):
            main([name, "--help"])
        out = capsys.readouterr().out
        assert f"(default {TASKS[name].epochs})" in out
        assert ("--label" in out) == (name == "csv")
        assert ("--cnn" in out) == (name == "digits")
