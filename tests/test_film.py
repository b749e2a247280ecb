"""The film: what it keeps is what the model said, and its page shows that, offline, by keyboard."""

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest

import nn
from autograd import LengthError, tanh
from nn.callbacks import Callback, EarlyStopping, LambdaCallback
from nn.errors import HyperparameterError
from nn.layers import Dense
from nn.models import Sequential

EPOCHS, FRAMES = 120, 41  # every third epoch
XS, YS = nn.gate("xor")
HOSTILE = "</script><img src=x onerror=alert(1)> & $data {{x}} \u2028"


def xor(seed: int = 0) -> Sequential:
    layers = [Dense(4, input_dim=2, activation="tanh"), Dense(1, activation="sigmoid")]
    model = Sequential(layers, seed=seed)
    model.compile(nn.Adam(lr=0.05), "binary_crossentropy", ["accuracy"])
    return model


class Witness(Callback):
    """What the model itself says after each epoch, the first being before any."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.weights: list[Any] = []
        self.losses: list[float] = []

    def look(self) -> None:
        self.answers.append(self.model.predict(XS).ravel())
        self.weights.append(np.array(self.model.get_weights()[0]))

    def on_train_begin(self, logs: Any = None) -> None:
        self.look()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.losses.append(logs["loss"])
        self.look()


@pytest.fixture(scope="module")
def filmed() -> tuple[nn.Film, Witness]:
    """XOR's film, and what the model said meanwhile."""
    witness = Witness()
    film = nn.film(xor(), XS, YS, epochs=EPOCHS, frames=FRAMES, callbacks=witness, title="XOR")
    return film, witness


# --- what is kept ---------------------------------------------------------------------------------


def test_frames_are_evenly_spaced_from_before_training_to_the_end(
    filmed: tuple[nn.Film, Witness],
) -> None:
    """The first frame is the untrained model, the last the trained one."""
    epochs = [frame["epoch"] for frame in filmed[0].data["frames"]]
    assert epochs == list(range(0, EPOCHS + 1, 3))


def test_a_frame_holds_the_models_own_numbers(filmed: tuple[nn.Film, Witness]) -> None:
    """Weights, answers, losses and wrong rows are the model's, to the five digits kept."""
    film, witness = filmed
    assert film.data["curves"]["loss"] == pytest.approx(witness.losses, rel=1e-4)
    for frame in film.data["frames"]:
        epoch = frame["epoch"]
        answers = witness.answers[epoch]
        said = [look["answer"][0] for look in frame["looks"]]
        assert said == pytest.approx(answers.tolist(), rel=1e-4)
        assert np.allclose(frame["weights"][0], witness.weights[epoch], rtol=1e-4)
        right = (answers > 0.5) == np.array(YS)
        assert frame["wrong"] == np.flatnonzero(~right).tolist()


def test_the_gradients_of_a_sample_are_differences_of_its_loss() -> None:
    """∂ at a weight is how the sample's loss changes with it."""
    model = xor()
    film = nn.film(model, XS, YS, epochs=0, frames=2)
    [frame] = film.data["frames"]
    look = frame["looks"][1]
    neuron, h = model.layers[0].neurons[2], 1e-6
    losses = []
    for sign in (1.0, -1.0):
        neuron.w[1].data += sign * h
        losses.append(model.evaluate([XS[1]], [YS[1]])[0])
        neuron.w[1].data -= sign * h
    assert look["weights"][0][1][2] == pytest.approx((losses[0] - losses[1]) / (2 * h), rel=1e-3)
    assert look["loss"] == pytest.approx(model.evaluate([XS[1]], [YS[1]])[0], rel=1e-4)


def test_the_plane_is_what_the_model_answers_there(filmed: tuple[nn.Film, Witness]) -> None:
    """A byte of the grid, decoded, is the answer at its point; the border is at 0.5."""
    model = xor()
    film = nn.film(model, XS, YS, epochs=EPOCHS, frames=2)
    plane, frame = film.data["plane"], film.data["frames"][-1]
    n = plane["steps"]
    across, up = (np.linspace(a, b, n) for a, b in zip(plane["low"], plane["high"], strict=True))
    answers = model.predict([[a, b] for b in up for a in across]).ravel()
    sides = np.frombuffer(b64decode(frame["shades"]), np.uint8) / 127.5 - 1.0
    decoded = 0.5 + np.sign(sides) * sides**2 / 2.0
    assert np.abs(decoded - answers).max() < 0.005
    assert ((sides > 0) == (answers > 0.5)).all()


def test_several_classes_have_a_range_of_bytes_each() -> None:
    """In it the answer, and how far it is ahead; class numbers or one-hot targets, the same."""
    data = nn.data.blobs(60, centers=3, seed=1)
    films = []
    for ys, loss in (
        (data.ys, "sparse_categorical_crossentropy"),
        (nn.data.one_hot(data.ys), "categorical_crossentropy"),
    ):
        model = Sequential([Dense(3, input_dim=2, activation="softmax")])
        model.compile(nn.Adam(lr=0.05), loss)
        films.append(nn.film(model, data.xs, ys, epochs=10, frames=3))
        frame, plane = films[-1].data["frames"][-1], films[-1].data["plane"]
        axes = [np.linspace(*ends, plane["steps"]) for ends in zip(plane["low"], plane["high"],
                                                                   strict=True)]  # fmt: skip
        answers = model.predict([[a, b] for b in axes[1] for a in axes[0]])
        shades = np.frombuffer(b64decode(frame["shades"]), np.uint8)
        clear = np.diff(np.sort(answers, axis=1)[:, -2:]).ravel() > 1e-3
        assert (shades // 85 == answers.argmax(axis=1))[clear].all()
        said = model.predict(data.xs).argmax(axis=1)
        assert frame["wrong"] == np.flatnonzero(said != data.ys).tolist()
    assert films[0].data["points"] == films[1].data["points"]


def test_an_mlp_is_filmed_by_train() -> None:
    """nn.train is given what nn.film is given beside; a data set brings its names."""
    data = nn.data.moons(40, seed=0)
    model = nn.MLP(2, [3, 1], output_activation="sigmoid")
    adam = nn.Adam(model.parameters(), lr=0.1)
    film = nn.film(
        model, data, epochs=6, frames=4, optimizer=adam, loss=nn.binary_cross_entropy, batch_size=8
    )
    assert [frame["epoch"] for frame in film.data["frames"]] == [0, 2, 4, 6]
    assert film.data["classes"] == ["upper", "lower"]
    last = film.data["frames"][-1]
    row = film.data["samples"][0]["row"]
    assert last["looks"][0]["answer"][0] == pytest.approx(model(data.xs[row].tolist()).data, 1e-4)
    same = nn.MLP(2, [3, 1], output_activation="sigmoid")
    adam = nn.Adam(same.parameters(), lr=0.1)
    nn.train(same, *data, optimizer=adam, loss=nn.binary_cross_entropy, batch_size=8, epochs=6,
             progress=False)  # fmt: skip
    assert [p.data for p in model.parameters()] == [p.data for p in same.parameters()]


def test_an_activation_that_cannot_be_traced_is_filmed_all_the_same() -> None:
    """The eager engine answers where the compiler cannot."""
    model = nn.MLP(2, [2, 1], activation=lambda z: tanh(z) if z > 0 else z)
    sgd = nn.SGD(model.parameters(), lr=0.1)
    film = nn.film(model, XS, YS, epochs=1, frames=2, optimizer=sgd)
    said = [look["answer"][0] for look in film.data["frames"][-1]["looks"]]
    assert said == pytest.approx([y.data for y in model(XS)], rel=1e-4)


def test_the_last_frame_is_where_training_stopped() -> None:
    """Whichever of camera and EarlyStopping comes first, and before weights are restored."""
    for first in (True, False):
        model, witness = xor(), Witness()
        stop = EarlyStopping("loss", patience=2, min_delta=1.0, restore_best_weights=True)
        camera = nn.Camera(XS, YS, frames=3)
        callbacks = [camera, stop] if first else [stop, camera]
        model.fit(XS, YS, epochs=100, verbose=0, callbacks=[witness, *callbacks])
        last = camera.film.data["frames"][-1]
        assert last["epoch"] == 3
        assert np.allclose(last["weights"][0], witness.weights[3], rtol=1e-4)


def test_a_diverged_training_is_a_film_and_json() -> None:
    """What JSON has no number for is kept as text."""
    model = Sequential([Dense(2, input_dim=2, activation="relu"), Dense(1)])
    model.compile(nn.SGD(lr=1e200), "mse")
    with pytest.warns(RuntimeWarning, match="smaller learning rate"):
        film = nn.film(model, XS, YS, epochs=5, frames=3, shuffle=False)
    assert "nan" in json.dumps(film.data, allow_nan=False) or "inf" in json.dumps(film.data)


def test_large_layers_show_their_ends() -> None:
    """Ten neurons of a column at most, and the film of digits stays small."""
    data = nn.data.digits()
    model = Sequential(
        [Dense(16, input_dim=64, activation="relu"), Dense(10, activation="softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    film = nn.film(model, data.xs[:100] / 16, data.ys[:100], epochs=3, frames=4)
    sizes = [(c["size"], c["shown"]) for c in film.data["columns"]]
    ends = [0, 1, 2, 3, 4, 11, 12, 13, 14, 15]
    assert sizes[1:] == [(16, ends), (10, list(range(10)))]
    kernel = np.array(model.get_weights()[0])[:, ends][[*range(5), *range(59, 64)]]
    assert np.allclose(film.data["frames"][-1]["weights"][0], kernel, rtol=1e-4)
    assert film.data["plane"] is None


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"frames": 1}, HyperparameterError, "frames to be a whole number from 2"),
        ({"samples": [4]}, LengthError, "rows from 0 to 3, but got 4"),
        ({"samples": []}, LengthError, "at least one sample"),
    ],
)
def test_what_makes_no_sense_is_refused(options: Any, error: type[Exception], words: str) -> None:
    """Before training, with what was expected."""
    with pytest.raises(error, match=words):
        nn.film(xor(), XS, YS, **options)


def test_a_camera_without_training_has_no_film() -> None:
    """The error says what to do."""
    with pytest.raises(RuntimeError, match=r"fit\(xs, ys, callbacks=\[camera\]\)"):
        _ = nn.Camera(XS, YS).film


def test_files_have_their_suffix_and_their_folder(
    filmed: tuple[nn.Film, Witness], tmp_path: Path
) -> None:
    """The page of XOR is written, under 1 MB; elsewhere an error says what is wrong."""
    film, _ = filmed
    path = film.save(tmp_path / "film.html")
    assert path.stat().st_size < 1_000_000
    with pytest.raises(ValueError, match=r"ends in \.html"):
        film.save(tmp_path / "film.svg")
    with pytest.raises(FileNotFoundError, match="there is no"):
        film.save(tmp_path / "none" / "film.html")


def test_equal_trainings_give_equal_pages() -> None:
    """A film depends on nothing but the training."""
    pages = [nn.film(xor(), XS, YS, epochs=4, frames=3).html for _ in range(2)]
    assert pages[0] == pages[1]


def test_other_callbacks_are_told_as_well() -> None:
    """A list, or a single one."""
    heard: list[int] = []
    listener = LambdaCallback(on_epoch_end=lambda epoch, logs: heard.append(epoch))
    nn.film(xor(), XS, YS, epochs=2, frames=2, callbacks=[listener])
    nn.film(xor(), XS, YS, epochs=2, frames=2, callbacks=listener)
    assert heard == [0, 1, 0, 1]


# --- the page, in a browser -----------------------------------------------------------------------

CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium on the PATH")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    """open(path, hash, ...): a page from a file, with the network off. It must log nothing."""
    said: list[str] = []
    asked: list[str] = []

    def page_of(path: Path, fragment: str = "", **options: Any) -> Any:
        context = browser.new_context(offline=True, **options)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri() + fragment)
        return page

    yield page_of
    for context in browser.contexts:
        context.close()
    assert said == []
    assert all(url.startswith("file:") for url in asked)


@pytest.fixture(scope="module")
def path(filmed: tuple[nn.Film, Witness], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filmed[0].save(tmp_path_factory.mktemp("film") / "film.html")


def now(page: Any) -> str:
    return str(page.text_content("#now"))


def until(page: Any, condition: str) -> None:
    """Wait until it is true. (Playwright's own waiting is an eval, which the page forbids.)"""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never came true: {condition}")


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("≈", ""))


@in_a_browser
def test_the_page_shows_the_numbers_of_the_moment_in_its_address(
    opened: Any, path: Path, filmed: tuple[nn.Film, Witness]
) -> None:
    """Loss, rows right, answers, the neurons' numbers and the lines' widths are the model's."""
    film, witness = filmed
    page = opened(path, "#seed=0&epoch=60&sample=2")
    said = re.fullmatch(
        r"epoch 60 of 120 · loss (\S+) · (\d) of 4 rows right · "
        r"the sample: answer (\S+), loss (\S+)", now(page),
    )  # fmt: skip
    assert said is not None
    right = int(((witness.answers[60] > 0.5) == np.array(YS)).sum())
    assert number(said[1]) == pytest.approx(witness.losses[59], rel=5e-3)
    assert int(said[2]) == right
    assert number(said[3]) == pytest.approx(witness.answers[60][2], rel=5e-3)
    look = film.data["frames"][20]["looks"][2]
    hidden = page.locator("[data-neuron^='1,'] text.data").all_text_contents()
    assert [number(text) for text in hidden] == pytest.approx(look["data"][1], rel=0.06)
    hidden = page.locator("[data-neuron^='1,']")
    labels = [hidden.nth(k).get_attribute("aria-label") for k in range(4)]
    for label, gradient in zip(labels, look["grad"][1], strict=True):
        assert number(label.split("gradient ")[1]) == pytest.approx(gradient, rel=5e-3)
    lines = page.locator("line.weight[data-edge^='0,']")
    for k, w in enumerate(witness.weights[60].ravel()):
        dashed = lines.nth(k).get_attribute("stroke-dasharray") != "none"
        assert dashed == (w < 0)
    widths = [float(lines.nth(k).get_attribute("stroke-width")) for k in range(8)]
    assert np.argsort(widths).tolist() == np.argsort(np.abs(witness.weights[60]).ravel()).tolist()


@in_a_browser
def test_the_keyboard_alone_moves_through_the_film(opened: Any, path: Path) -> None:
    """Arrows, home, end and space, wherever the focus is; the address follows."""
    page = opened(path)
    assert now(page).startswith("epoch 0 of 120 · before training")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert now(page).startswith("epoch 6 ")
    page.keyboard.press("ArrowLeft")
    assert now(page).startswith("epoch 3 ")
    assert page.evaluate("location.hash") == "#seed=0&epoch=3&sample=0"
    page.keyboard.press("End")
    assert now(page).startswith("epoch 120 ")
    page.focus("#time")  # which has arrow keys of its own: one press is one frame all the same
    page.keyboard.press("ArrowLeft")
    assert now(page).startswith("epoch 117 ")
    page.keyboard.press("Home")
    page.focus("#next")
    page.keyboard.press(" ")  # on a button, space presses it
    assert now(page).startswith("epoch 3 ")
    page.hover("[data-neuron='1,1']")
    assert page.text_content("#detail").startswith("dense 1: ")
    page.mouse.move(1, 1)
    assert page.text_content("#detail").startswith("Point at a neuron")
    page.focus("[data-neuron='1,0']")
    assert "Its weights for input" in page.text_content("#detail")
    page.keyboard.press("ArrowRight")
    assert now(page).startswith("epoch 6 ")
    assert page.evaluate("document.activeElement.dataset.neuron") == "1,0"
    page.keyboard.press("Tab")
    page.wait_for_timeout(50)
    assert page.evaluate("document.activeElement.dataset.neuron") == "1,1"
    assert page.text_content("#detail").startswith("dense 1: ")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.wait_for_timeout(50)
    assert page.evaluate("document.activeElement.dataset.neuron") == "0,1"
    page.focus("#play")
    page.wait_for_timeout(50)
    assert page.text_content("#detail").startswith("Point at a neuron")


@in_a_browser
def test_it_plays_to_the_end_and_pauses(opened: Any, path: Path) -> None:
    """Play moves on by itself, pause stops it; at the end it stops, and plays from the start."""
    page = opened(path)
    page.select_option("#speed", "15")
    page.keyboard.press(" ")
    until(page, "document.getElementById('time').value > 3")
    page.keyboard.press(" ")
    moment = page.input_value("#time")
    page.wait_for_timeout(200)
    assert page.input_value("#time") == moment
    page.fill("#time", "39")
    page.click("#play")
    until(page, "document.getElementById('play').textContent.includes('play')")
    assert now(page).startswith("epoch 120 ")
    page.click("#play")
    until(page, "document.getElementById('time').value < 10")


@in_a_browser
def test_the_address_leads_anywhere_and_warns_of_another_seed(opened: Any, path: Path) -> None:
    """The nearest frame, a new address in the same page, and no trust in what it says."""
    page = opened(path, "#epoch=44&sample=1&seed=7")
    assert now(page).startswith("epoch 45 ")
    assert page.input_value("#sample") == "1"
    assert "film with seed 7; this one has seed 0" in page.text_content("#note")
    page.evaluate("location.hash = '#epoch=90'")
    until(page, "document.getElementById('now').textContent.startsWith('epoch 90 ')")
    assert page.is_hidden("#note")
    page.evaluate("location.hash = '#epoch=<b>&sample=99&seed='")
    page.wait_for_timeout(50)
    assert now(page).startswith("epoch 90 ")


@in_a_browser
@pytest.mark.parametrize("width", [390, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_can_be_read(opened: Any, path: Path, width: int, scheme: str) -> None:
    """No sideways scrolling, nothing small, and text stands out by 4.5 to 1 (WCAG 2.2 AA)."""
    page = opened(path, "#epoch=60", viewport={"width": width, "height": 860}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    colors = page.evaluate(
        "() => { const style = getComputedStyle(document.documentElement);"
        "return Object.fromEntries(['paper', 'panel', 'ink', 'faint', 'data', 'grad', 'accent',"
        "'on-accent'].map(name => [name, style.getPropertyValue('--' + name).trim()])); }"
    )
    for text, ground in (
        *[(text, ground) for text in ("ink", "faint", "grad") for ground in ("paper", "panel")],
        ("on-accent", "accent"),
    ):
        assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
    assert contrast(colors["data"], colors["panel"]) >= 3.0  # lines
    sizes = page.evaluate(
        "[...document.querySelectorAll('text, p, label, button')]"
        ".map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 11.0
    heights = page.evaluate(
        "[...document.querySelectorAll('button, select, input')]"
        ".map(e => e.getBoundingClientRect().height)"
    )
    assert min(heights) >= 24.0


def contrast(one: str, other: str) -> float:
    """Of two colours "#rrggbb", by WCAG 2.2."""
    lights = []
    for color in (one, other):
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        lights.append(sum(c * f for c, f in zip(linear, (0.2126, 0.7152, 0.0722), strict=True)))
    return (max(lights) + 0.05) / (min(lights) + 0.05)


@in_a_browser
def test_hostile_names_stay_text(opened: Any, tmp_path: Path) -> None:
    """In the title, of the classes and of the inputs: no element, no script comes of them."""
    data = nn.DataSet(np.array(XS), np.array(YS), ("<b>x</b>", HOSTILE), ("<i>no", HOSTILE))
    film = nn.film(xor(), data, epochs=1, frames=2, title=HOSTILE)
    page = opened(film.save(tmp_path / "film.html"))
    assert page.text_content("h1") == HOSTILE
    assert page.locator("img, b, i").count() == 0
    assert page.locator("text", has_text="onerror").count() >= 1
    assert page.locator("#plane-legend", has_text="<i>no").count() == 1
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<meta charset=utf-8>{film._repr_html_()}", encoding="utf-8")
    page = opened(notebook)
    frame = page.frame_locator("iframe")
    assert frame.locator("h1").text_content() == HOSTILE
    frame.locator("#next").click()
    assert frame.locator("#now").text_content().startswith("epoch 1 of 1")
    assert page.locator("img").count() == 0


@in_a_browser
def test_the_policy_runs_no_other_script(filmed: tuple[nn.Film, Witness], browser: Any,
                                         tmp_path: Path) -> None:  # fmt: skip
    """A script or a handler that came into the page all the same would not run."""
    html = filmed[0].html.replace(
        "</header>", "</header><script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"
    )
    (tmp_path / "film.html").write_text(html, encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "film.html").as_uri())
    assert page.evaluate("window.ran") is None
    assert now(page).startswith("epoch 0 ")
    page.close()


@in_a_browser
def test_films_without_a_plane_or_of_numbers_are_shown(opened: Any, tmp_path: Path) -> None:
    """Three inputs have no plane; real targets have no wrong rows; nan is shown as such."""
    three = Sequential([Dense(12, input_dim=3, activation="relu"), Dense(1)])
    three.compile("adam", "mse")
    xs = np.array([[0.0, 1.0, 2.0], [1.0, 0.0, 1.0], [2.0, 2.0, 0.0]])
    film = nn.film(three, xs, xs.sum(axis=1), epochs=3, frames=3)
    page = opened(film.save(tmp_path / "three.html"))
    assert page.is_hidden("#plane")
    assert page.locator("text", has_text="2 more").count() == 1
    plain = Sequential([Dense(1, input_dim=2)])
    plain.compile("adam", "mse")
    film = nn.film(plain, xs[:, :2], xs[:, 2] / 3.0, epochs=3, frames=3)
    page = opened(film.save(tmp_path / "numbers.html"), "#epoch=3")
    assert "rows right" not in now(page)
    assert page.is_visible("#plane canvas")
    film.data["frames"][-1]["looks"][0]["data"][-1] = ["nan"]
    page = opened(film.save(tmp_path / "nan.html"), "#epoch=3")
    assert page.locator("text.data", has_text="nan").count() == 1
