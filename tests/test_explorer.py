"""The explorer: its page in a real browser, from a file, with the network off."""

import html
import json
import math
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from strategies import Program, programs

import autograd
import nn
from autograd import GraphTooLargeError, OperandError, Value, dot, explore, steps
from autograd.graph.explorer import SCRIPTS
from autograd.graph.stepwise import Step

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH")

PARTS = Path(autograd.__file__).parent / "graph" / "explorer"
WIDTHS = {"phone": (390, 844), "desk": (1400, 900)}


def xor(rows: int) -> Value:
    """The loss of a small network on so many rows of XOR."""
    model = nn.MLP(2, [4, 1])
    table = [((1.0, 0.0), 1.0), ((0.0, 1.0), 1.0), ((0.0, 0.0), 0.0), ((1.0, 1.0), 0.0)]
    errors = []
    for k, (x, y) in enumerate(table[:rows]):
        errors.append((model([Value(v, f"x{k}{i}") for i, v in enumerate(x)]) - y) ** 2)
    loss = autograd.total(errors) if rows > 1 else errors[0]
    loss.label = "loss"
    return loss


def small() -> Value:
    """L = (c + a) * c with c = a * b: two nodes are used twice."""
    a, b = Value(2.0, "a"), Value(3.0, "b")
    c = a * b
    c.label = "c"
    return (c + a) * c


# --- the browser ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as p:
        started = p.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=["--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


Opener = Callable[..., Any]


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    """Opens the explorer of a root; at the end, nothing must have been complained about."""
    complaints: list[str] = []
    contexts = []

    def opener(
        root: Value, hash_: str = "", *, width: str = "desk", scheme: str = "light", **options: Any
    ) -> Any:
        size = dict(zip(("width", "height"), WIDTHS[width], strict=True))
        context = browser.new_context(
            viewport=size, color_scheme=scheme, reduced_motion="reduce", offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: r.url.startswith("file:") or complaints.append(r.url))
        path = explore(root, **options).save(tmp_path / f"{len(contexts)}.html")
        page.goto(f"{path.as_uri()}{hash_}")
        return page

    yield opener
    for context in contexts:
        context.close()
    assert complaints == []


def sentence(page: Any) -> str:
    return str(page.text_content(".words"))


def counter(page: Any) -> str:
    return str(page.text_content(".counter"))


def card(page: Any, name: str) -> Any:
    """The card of that name; a comma follows the name in what is read out."""
    return page.locator(f'.card:not([hidden])[aria-label^="{name}"]').first


def details(page: Any) -> dict[str, str]:
    """What stands in the panel of the node looked at."""
    terms, texts = [page.locator(f".details {tag}").all_text_contents() for tag in ("dt", "dd")]
    found = dict(zip(terms, texts, strict=True))
    return {"gradient" if k.startswith("gradient") else k: text for k, text in found.items()}


def without_order_of_operands(all_steps: list[tuple[str | None, str]]) -> list[list[str]]:
    """The sentences, those of one node's flows as a group: a dot's operands come in any order.

    So without the sums so far, which depend on it where an operand repeats.
    """
    return [
        sorted(text.split("; with ")[0] for _, text in group)
        for _, group in groupby(all_steps, lambda step: step[0])
    ]


def words_of(found: list[Step]) -> list[tuple[str | None, str]]:
    return [(step.source or f"{k}", step.words) for k, step in enumerate(found)]


# --- the steps ------------------------------------------------------------------------------------


def test_the_keyboard_goes_through_the_whole_xor_loss_and_back(opened: Opener) -> None:
    """Each press of an arrow is one step of autograd.steps, in the same words; and back again."""
    root = xor(1)
    expected = steps(root)
    page = opened(root)
    n = len(expected)
    assert counter(page) == f"0 / {n}"
    forth = []
    for k in range(n):
        page.keyboard.press("ArrowRight")
        assert counter(page) == f"{k + 1} / {n}"
        forth.append(sentence(page))
    sources = [source for source, _ in words_of(list(expected))]
    read = list(zip(sources, forth, strict=True))
    assert without_order_of_operands(read) == without_order_of_operands(words_of(list(expected)))
    page.keyboard.press("ArrowRight")
    assert counter(page) == f"{n} / {n}"
    for k in reversed(range(n)):
        assert sentence(page) == forth[k]
        page.keyboard.press("ArrowLeft")
    assert counter(page) == f"0 / {n}"


@pytest.mark.parametrize("rows", [1, 4])
def test_the_numbers_on_the_page_are_the_engines(opened: Opener, rows: int) -> None:
    """At the end each node's panel shows its value and gradient, to the last digit."""
    root = xor(rows)
    root.zero_grad()
    root.backward()
    page = opened(root)
    page.keyboard.press("End")
    shown = page.evaluate(
        """() => [...document.querySelectorAll('.card:not([hidden])')].map(card => {
            card.focus();
            return [...document.querySelectorAll('.details dd')].map(dd => dd.textContent);
        })"""
    )
    order = autograd.topological_order(root)
    assert len(shown) == len(order)
    for v, (value, gradient, *_) in zip(order, shown, strict=True):
        assert value == repr(v.data)
        if v.op != "constant":
            assert gradient == repr(v.grad)


def test_any_node_can_be_the_one_that_is_derived(opened: Opener) -> None:
    """Choosing another node starts the backward pass there; the gradients are its own."""
    root = xor(1)
    page = opened(root, "#step=99")
    for i, v in enumerate(autograd.topological_order(root)):
        if v.op in (None, "constant") and i > 2:
            continue
        root.zero_grad()
        v.backward()
        page.select_option(".options select >> nth=0", str(i))
        assert "it starts at" in page.text_content(".phase")
        page.keyboard.press("End")
        for p in {root, v, *root.parents}:
            if p.op == "constant":
                continue
            j = autograd.topological_order(root).index(p)
            page.evaluate(f"document.querySelectorAll('.card')[{j}].focus()")
            expected = repr(p.grad) if p.grad or p is v else "nothing has arrived yet"
            assert details(page)["gradient"] == expected


@pytest.fixture(scope="module")
def passes(browser: Any) -> Any:
    """A page that runs nothing but the arithmetic and the words."""
    page = browser.new_page()
    source = (PARTS / "passes.js").read_text(encoding="utf-8").replace("export ", "")
    page.evaluate(
        f"""() => {{ {source}
        window.run = (json) => {{
            const nodes = JSON.parse(json).nodes;
            for (const node of nodes) {{
                node.data = number(node.data);
                node.partials = node.partials.map(number);
            }}
            const {{ steps }} = allSteps(nodes, nodes.length - 1), gradients = {{}};
            for (const {{ node, after }} of steps) if (after !== undefined) gradients[node] = after;
            const words = (step) => sentence(nodes, nodes.length - 1, step);
            return {{
                words: steps.map((step) => [step.source ?? null, words(step)]),
                gradients: Object.entries(gradients).map(([i, x]) => [Number(i), exact(x)]),
            }};
        }}; }}"""
    )
    yield page
    page.close()


def run(passes: Any, root: Value) -> tuple[list[tuple[str, str]], dict[int, float]]:
    found = passes.evaluate("(json) => run(json)", explore(root).json)
    read = [
        (f"n{source}" if source is not None else f"{k}", text)
        for k, (source, text) in enumerate(found["words"])
    ]
    return read, {i: float(x) for i, x in found["gradients"]}


def same(x: float, y: float) -> bool:
    """Equal to the bit, nan aside."""
    return (math.isnan(x) and math.isnan(y)) or (
        x == y and math.copysign(1.0, x) == math.copysign(1.0, y)
    )


def assert_as_the_engine(passes: Any, root: Value) -> None:
    read, gradients = run(passes, root)
    expected = steps(root)
    assert without_order_of_operands(read) == without_order_of_operands(words_of(list(expected)))
    root.zero_grad()
    root.backward()
    for i, v in enumerate(autograd.topological_order(root)):
        if v.op != "constant":
            assert same(gradients.get(i, 0.0), v.grad)


@given(program=programs())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_random_graphs_have_the_engines_numbers_and_words(passes: Any, program: Program) -> None:
    """Whatever the graph: gradients equal backward()'s to the bit, sentences those of steps."""
    root = program([Value(x, f"x{i}") for i, x in enumerate(program.leaves)])
    if root.op is not None:
        assert_as_the_engine(passes, root)


@pytest.mark.parametrize(
    "x", [math.inf, math.nan, 1e300, 1e-300, -1e-5, 123456789.0, 1e16, 0.1, 5e-324, -0.0]
)
def test_every_size_of_number_is_written_as_python_does(passes: Any, x: float) -> None:
    """Also inf, nan, minus zero and numbers with an exponent."""
    a = Value(x, "a")
    assert_as_the_engine(passes, (a * 3.0 + a).tanh() * a)


def test_a_dots_operand_that_repeats_is_summed_in_the_engines_order(passes: Any) -> None:
    """A node that is weight, input and bias of one dot: the order of the sum decides its bits."""
    x, y = Value(0.1, "x"), Value(0.7, "y")
    root = dot([x, y, x], [y, x, x], x) * dot([y], [x], 1.0) * 0.3
    root.zero_grad()
    root.backward()
    gradients = run(passes, root)[1]
    order = autograd.topological_order(root)
    assert gradients[order.index(x)] == x.grad
    assert gradients[order.index(y)] == y.grad


def test_a_node_waits_and_shows_the_running_sum(opened: Opener) -> None:
    """When a second report arrives the card shows "before + now", then the sum."""
    page = opened(small(), "#step=8")
    c = card(page, "c,")
    assert c.locator(".grad").text_content() == "∂ 8"
    assert c.locator(".wait").text_content() == "waiting for 1 more"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert c.locator(".grad").text_content() == "∂ 8 + 6"
    assert c.locator(".wait").text_content() == ""
    assert page.locator(".pill").text_content() == "+6"
    assert "with 8.0 from before: 14.0" in sentence(page)
    page.keyboard.press("ArrowRight")
    assert c.locator(".grad").text_content() == "∂ 14"


def test_values_appear_one_by_one(opened: Opener) -> None:
    """Before it is made a node shows no number."""
    page = opened(small())
    made = []
    for _ in range(6):
        made.append([t for t in page.locator(".card .data").all_text_contents() if t])
        page.keyboard.press("ArrowRight")
    assert made == [[], ["2"], ["2", "3"], ["2", "3", "6"], ["2", "3", "6", "8"], [*"2368", "48"]]


# --- looking, folding, playing --------------------------------------------------------------------


def test_a_node_tells_value_gradient_local_derivatives_and_users(opened: Opener) -> None:
    """By pointing at it as by focusing it, as of the current step."""
    page = opened(small(), "#step=3")
    card(page, "v1,").hover()
    assert details(page) == {
        "value": "not yet made",
        "gradient": "nothing has arrived yet",
        "made by": "c + a",
        "local derivatives": "not yet made",
        "users": "L",
    }
    page.keyboard.press("End")
    card(page, "c,").focus()
    assert details(page) == {
        "value": "6.0",
        "gradient": "14.0",
        "made by": "a * b",
        "local derivatives": "dc/da = 3.0, dc/db = 2.0",
        "users": "v1, L",
    }


def test_a_chosen_node_marks_what_it_was_made_from_and_what_was_made_from_it(
    opened: Opener,
) -> None:
    """Enter on a card as a click; Escape takes the marks away."""
    page = opened(small())

    def marked(kind: str) -> set[str]:
        labels = page.locator(f".card.{kind}").evaluate_all(
            "cards => cards.map(c => c.getAttribute('aria-label').split(',')[0])"
        )
        return set(labels)

    card(page, "c,").focus()
    page.keyboard.press("Enter")
    assert (marked("up"), marked("down"), marked("chosen")) == ({"a", "b"}, {"v1", "L"}, {"c"})
    page.keyboard.press("Escape")
    assert marked("up") == marked("down") == marked("dim") == set()
    card(page, "b").click()
    assert (marked("up"), marked("down"), marked("dim")) == (set(), {"c", "v1", "L"}, {"a"})


def test_folding_hides_the_steps_inside(opened: Opener) -> None:
    """With layers folded, next goes from what one sees to what one sees; unfolding brings all."""
    root = xor(1)
    page = opened(root)
    assert page.locator(".card:not([hidden])").count() == len(autograd.topological_order(root))
    page.select_option(".options select >> nth=1", label="layers folded")
    assert page.locator(".card.module:not([hidden])").count() == 2
    read = []
    while counter(page) != f"{len(steps(root))} / {len(steps(root))}":
        page.keyboard.press("ArrowRight")
        read.append(sentence(page))
    every = [step.words for step in steps(root)]
    seen = [
        text.removeprefix("layer 0, folded: ").removeprefix("layer 1, folded: ") for text in read
    ]
    assert set(seen) <= set(every)
    assert len(seen) < len(every) / 2
    assert not any(text.startswith("l0.n0.w0") for text in seen)
    assert any(text.startswith("l1.n0 =") for text in seen)  # the output of what is folded
    page.select_option(".options select >> nth=1", label="every number")
    assert page.locator(".card.module:not([hidden])").count() == 0


def test_one_module_folds_where_it_stands(opened: Opener) -> None:
    """Its frame becomes a box with the output's numbers; the same key unfolds it."""
    page = opened(xor(1), "#step=99")
    before = page.locator(".card:not([hidden])").count()
    frame = page.get_by_role("button", name="fold neuron 1")
    frame.focus()
    page.keyboard.press("Enter")
    assert page.locator(".card:not([hidden])").count() == before - 4
    box = card(page, "neuron 1")
    assert "−0.1575" in box.text_content()
    assert "fold=0.3" in page.evaluate("location.hash")
    page.reload()
    assert page.locator(".card.module:not([hidden])").count() == 1
    page.get_by_role("button", name="unfold neuron 1").focus()
    page.keyboard.press("Enter")
    assert page.locator(".card:not([hidden])").count() == before


def test_space_plays_and_pauses_home_and_end_jump(opened: Opener) -> None:
    """The keyboard alone runs everything; playing stops at the end."""
    page = opened(small())
    page.select_option(".options select >> nth=2", label="slow")
    page.locator(".stage").focus()
    page.keyboard.press(" ")
    page.wait_for_selector(".counter:text-matches('^[1-9]')")
    page.keyboard.press(" ")
    assert page.text_content(".play") == "▶ Play"
    paused = counter(page)
    page.wait_for_timeout(600)
    assert counter(page) == paused
    page.keyboard.press("End")
    assert counter(page) == "14 / 14"
    page.keyboard.press("ArrowLeft")
    page.select_option(".options select >> nth=2", label="fast")
    page.locator(".stage").focus()
    page.keyboard.press(" ")
    page.wait_for_selector(".play:text('▶ Play')")
    assert counter(page) == "14 / 14"
    page.keyboard.press("Home")
    assert counter(page) == "0 / 14"
    page.locator("input[type=range]").focus()
    page.keyboard.press("ArrowRight")
    assert counter(page) == "1 / 14"


def test_tab_reaches_every_control_and_every_node(opened: Opener) -> None:
    """In the order of the page, with a name for each."""
    page = opened(small())
    reached = []
    for _ in range(24):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => {
                    const e = document.activeElement, label = e.closest('label');
                    return e.getAttribute('aria-label') ?? label?.textContent ?? e.tagName;
                }"""
            )
        )
    for name in ("one step on", "step", "a", "c, mul", "fit the graph in", "Speed", "Predict"):
        assert any(label.startswith(name) for label in reached), (name, reached)


def test_the_address_holds_the_moment(opened: Opener) -> None:
    """Step, derived node, fold and mode stand in the hash, both ways."""
    page = opened(xor(1), "#step=40&target=n31&fold=0&mode=show")
    first = sentence(page)
    page.keyboard.press("ArrowRight")
    assert page.evaluate("location.hash") == "#step=41&target=n31&fold=0&mode=show"
    page.evaluate("location.hash = '#step=40&target=n31&fold=1&mode=predict'")
    page.wait_for_selector(".ask:not([hidden])")
    assert page.locator("input[type=checkbox]").is_checked()
    page.uncheck("input[type=checkbox]")
    assert sentence(page).endswith(first)
    for nonsense in ("#step=-3&target=x&fold=9.9.x", "#step=1e9&target=n999", "#%%%=&mode"):
        page.evaluate(f"location.hash = '{nonsense}'")
        page.wait_for_timeout(50)
        assert re.fullmatch(r"\d+ / 76", counter(page))


def test_predicting_hides_the_number_until_it_is_asked_for(opened: Opener) -> None:
    """Nowhere on the page before; a wrong guess is told which way; a right one shows it."""
    page = opened(small(), "#step=9&mode=predict")
    page.keyboard.press("ArrowRight")
    assert sentence(page) == "v1 passes dL/dv1 on to c. How much arrives?"
    card(page, "c,").hover()
    assert "14" not in page.inner_text(".explain") + page.text_content(".stage")
    assert "?" in card(page, "c,").locator(".grad").text_content()
    assert "14" not in card(page, "c,").get_attribute("aria-label")
    for guess, answer in {
        "five": "Type a number",
        "-6": "sign",
        "7": "smaller",
        "5": "larger",
    }.items():
        page.fill(".ask input", guess)
        page.keyboard.press("Enter")
        assert answer in page.text_content(".verdict")
    page.fill(".ask input", "6")
    page.keyboard.press("Enter")
    assert page.text_content(".verdict") == "✓ Right: 6.0."
    assert "= 6.0" in sentence(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert "What is dL/dc?" in sentence(page)
    page.click("text=Reveal")
    assert "14.0" in sentence(page)


# --- how it looks ---------------------------------------------------------------------------------

CONTRASTS = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_meets_wcag_aa(opened: Opener, scheme: str) -> None:
    """Text 4.5 to 1 and lines 3 to 1 on what is behind them (WCAG 2.2: 1.4.3, 1.4.11)."""
    page = opened(xor(1), "#step=60", scheme=scheme)
    page.click("text=fit")
    seen = 0
    for predict in (False, True):
        page.set_checked("input[type=checkbox]", predict)
        found = page.evaluate(CONTRASTS)
        # the legend's strokes are pictures of lines
        assert [t for t in found["texts"] if t[0] < (3.0 if t[1].startswith("◀") else 4.5)] == []
        assert [line for line in found["lines"] if line[0] < 3.0] == []
        seen += len(found["texts"])
    assert seen > 250


def test_the_switch_turns_light_to_dark_and_back(opened: Opener) -> None:
    """Whatever the system's choice was."""
    page = opened(small(), scheme="dark")

    def ground() -> str:
        return str(
            page.evaluate("getComputedStyle(document.querySelector('main')).backgroundColor")
        )

    dark = ground()
    page.click("text=◐")
    light = ground()
    assert (dark, light) == ("rgb(17, 21, 28)", "rgb(255, 255, 255)")
    page.click("text=◐")
    assert ground() == dark


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_the_width_and_brings_the_step_into_sight(opened: Opener, width: str) -> None:
    """Nothing is cut off at the sides, text is large enough, the step's node is in the stage."""
    page = opened(xor(1), width=width)
    for step in (0, 20, 34, 50, 76):
        page.evaluate(f"location.hash = '#step={step}'")
        page.wait_for_selector(f".counter:text-is('{step} / 76')")
        assert page.evaluate("document.querySelector('main').scrollWidth") <= WIDTHS[width][0]
        if step:
            stage = page.locator(".stage").bounding_box()
            box = page.locator(".card.current").bounding_box()
            assert stage["x"] - 1 <= box["x"]
            assert box["x"] + box["width"] <= stage["x"] + stage["width"] + 1
            assert stage["y"] - 1 <= box["y"]
            assert box["y"] + box["height"] <= stage["y"] + stage["height"] + 1
    name = page.locator(".card.current .name")
    assert name.evaluate("e => 12 * e.getScreenCTM().a") >= 10.0


def test_nothing_is_told_by_colour_alone(opened: Opener) -> None:
    """Negative edges are dashed, gradients carry a sign and ∂, the step's card a heavy frame."""
    page = opened(xor(1), "#step=76")

    def style(query: str, name: str) -> str:
        return str(page.locator(query).first.evaluate(f"e => getComputedStyle(e).{name}"))

    assert style(".edge.negative", "strokeDasharray") != "none"
    assert style(".edge.positive", "strokeDasharray") == "none"
    assert float(style(".card.current .body", "strokeWidth").removesuffix("px")) >= 4.0
    assert all(t.startswith("∂ ") for t in page.locator(".card .grad").all_text_contents() if t)
    assert page.locator(".pill").text_content()[0] in "+−"


# --- safety and size ------------------------------------------------------------------------------

HOSTILE = [
    "<script>window.stolen = 1</script>",
    "</script><script>window.stolen = 1</script>",
    '"><img src=x onerror="window.stolen = 1">',
    "<!--<script>",
    "&lt;b&gt; $script ${style} %s {graph}",
    "\u202eevil\u2028\u2029\x00\n",
    "משקל",
    "' onmouseover='window.stolen = 1",
    "a]]>\\N\\",
]


def test_hostile_labels_stay_text(opened: Opener) -> None:
    """They run nothing, break nothing, and are there to read."""
    root = autograd.total([Value(float(k), label) for k, label in enumerate(HOSTILE)])
    page = opened(root)
    page.keyboard.press("End")
    for i, label in enumerate(HOSTILE):
        page.locator(".card").nth(i).focus()
        shown = page.text_content(".details h2")
        plain = "".join(c for c in shown if c not in "\u2068\u2069")
        escaped = "".join(
            c if c.isprintable() else c.encode("unicode_escape").decode() for c in label
        )
        assert plain == escaped
    assert page.evaluate("window.stolen") is None
    assert page.locator("script").count() == 2
    assert page.locator("img").count() == 0


def test_a_label_that_runs_from_right_to_left_does_not_turn_the_sentence(opened: Opener) -> None:
    """The name is isolated: what follows it stays on its right."""
    page = opened(Value(2.0, "משקל") * 1.5, "#step=1")
    assert sentence(page) == "\u2068משקל\u2069 = 2.0 is given"


def test_the_policy_lets_only_the_pages_own_script_run(browser: Any, tmp_path: Path) -> None:
    """A script put in later does not run, and nothing can be loaded or sent."""
    page = browser.new_page()
    page.goto(explore(small()).save(tmp_path / "x.html").as_uri())
    policy = page.get_attribute("meta[http-equiv]", "content")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    blocked = page.evaluate(
        """() => new Promise(done => {
            document.addEventListener('securitypolicyviolation', (e) => done(e.effectiveDirective));
            const script = document.createElement('script');
            script.textContent = 'window.stolen = 1';
            document.body.append(script);
            setTimeout(() => done('ran'), 500);
        })"""
    )
    assert blocked == "script-src-elem"
    assert page.evaluate("window.stolen") is None
    page.close()


@pytest.mark.parametrize("rows", [1, 4])
def test_xors_page_is_small_and_names_no_other(rows: int) -> None:
    """Under 1 MB, without an address but the names of SVG and of nothing else."""
    page = explore(xor(rows)).html
    assert len(page.encode()) < 200_000
    assert set(re.findall(r"https?://[^\"'\s]+", page)) == {"http://www.w3.org/2000/svg"}


def test_a_thousand_nodes_step_within_50_ms(opened: Opener) -> None:
    """A step and the layout after it, in the middle of the backward pass."""
    model = nn.MLP(8, [16, 16, 8, 1])
    x = model([Value(0.1 * i, f"x{i}") for i in range(8)])
    for i in range(150):
        x = (x * 1.01 + float(i)).tanh()
    page = opened(x, limit=2000)
    assert page.locator(".card:not([hidden])").count() >= 1000
    times = page.evaluate(
        """() => {
            const press = (key) => document.dispatchEvent(new KeyboardEvent('keydown', { key }));
            press('End');
            const times = [];
            for (let i = 0; i < 60; i++) {
                const start = performance.now();
                press('ArrowLeft');
                document.querySelector('svg').getBoundingClientRect();
                times.push(performance.now() - start);
            }
            return times.sort((a, b) => a - b);
        }"""
    )
    assert times[len(times) // 2] < 50.0


def test_a_large_graph_is_folded_and_says_so(opened: Opener) -> None:
    """What cannot be read is not drawn: only the folded views are there, with a note."""
    page = opened(xor(4), limit=60)
    options = page.locator(".options select >> nth=1").locator("option").all_text_contents()
    assert options == ["neurons folded", "layers folded"]
    assert "too many to read: it is folded" in page.text_content(".note")


def test_a_large_graph_without_modules_is_refused() -> None:
    """With what to do."""
    x = Value(1.0)
    for _ in range(30):
        x = x.tanh()
    with pytest.raises(GraphTooLargeError, match=r"31 nodes and 30 edges.*explore\(\.\.\., limit"):
        explore(x, limit=20)


def test_wrong_arguments_are_named(tmp_path: Path) -> None:
    """What came, and what was expected."""
    with pytest.raises(OperandError, match=r"expected a Value whose graph to explore, but got 3"):
        explore(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"ends in \.html, but got"):
        explore(small()).save(tmp_path / "x.svg")
    with pytest.raises(FileNotFoundError, match=r"there is no"):
        explore(small()).save(tmp_path / "none" / "x.html")


def test_a_leaf_and_a_constant_alone_can_be_explored(opened: Opener) -> None:
    """The smallest graphs."""
    page = opened(Value(2.0, "a"))
    page.keyboard.press("End")
    assert sentence(page) == "da/da = 1.0: a change of a is a change of a as large"


def test_nan_and_inf_have_gradients_too(opened: Opener) -> None:
    """They are drawn as broken, not as nothing."""
    x = Value(0.0, "x")
    page = opened(autograd.log(x) * 2.0)
    page.keyboard.press("End")
    card(page, "x,").focus()
    assert details(page)["gradient"] == "inf"
    assert page.locator(".edge.broken").count() == 1


# --- notebooks ------------------------------------------------------------------------------------


def test_the_widget_runs_the_pages_own_script(browser: Any) -> None:
    """One source: what the widget is given is what the page holds; and it works in an element."""
    pytest.importorskip("anywidget", reason="anywidget is not installed")
    explorer = explore(small())
    widget = explorer.widget()
    assert str(widget._esm) in explorer.html
    assert all((PARTS / name).read_text(encoding="utf-8") in explorer.html for name in SCRIPTS)
    page = browser.new_page()
    page.evaluate(
        """async ([esm, json]) => {
            const url = 'data:text/javascript,' + encodeURIComponent(esm);
            const { default: widget } = await import(url), model = { get: () => json };
            document.body.append(document.createElement('div'), document.createElement('div'));
            for (const el of document.body.children) widget.render({ model, el });
        }""",
        [str(widget._esm), widget.graph],
    )
    page.locator(".stage").last.focus()
    page.keyboard.press("End")
    assert page.locator(".counter").all_text_contents() == ["0 / 14", "14 / 14"]
    assert page.evaluate("location.hash") == ""
    page.close()


def test_a_notebook_gets_the_widget_and_the_page_in_a_frame(
    browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without anywidget the frame alone, which reaches nothing of the notebook around it."""
    pytest.importorskip("anywidget", reason="anywidget is not installed")
    explorer = explore(small())
    data, _ = explorer._repr_mimebundle_()
    assert {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"} == set(data)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    assert set(explorer._repr_mimebundle_()) == {"text/plain", "text/html"}
    with pytest.raises(autograd.MissingExtraError, match="pip install anywidget"):
        explorer.widget()
    page = browser.new_page()
    page.set_content(data["text/html"])
    inside = page.frame_locator("iframe")
    inside.get_by_role("button", name="to the end").click()
    assert inside.locator(".counter").text_content() == "14 / 14"
    assert page.locator("iframe").get_attribute("sandbox") == "allow-scripts"
    page.close()


def test_the_data_is_valid_json_that_cannot_end_its_element() -> None:
    """No angle bracket and no line separator; nan and inf as strings."""
    root = autograd.log(Value(-1.0, "</script>\u2028")) + Value(math.inf, "<!--")
    text = explore(root).json
    assert not set(text) & set("<>&\u2028\u2029")
    data = json.loads(text)
    assert data["nodes"][0]["name"].startswith("</script>")
    assert data["nodes"][-1]["data"] == "nan"
    assert html.unescape(data["nodes"][0]["name"]) == data["nodes"][0]["name"]
