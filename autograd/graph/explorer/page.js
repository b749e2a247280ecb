// The explorer itself: controls, state, what is shown of it.

const READABLE = 0.85; // how much smaller a large graph is at first, on a phone not at all
const SPEEDS = { slow: 2400, normal: 1200, fast: 400 }; // milliseconds a step

/** Fill an element with the explorer; `address`: the state stands in the page's address. */
function explore(el, graph, { address = false } = {}) {
  const { nodes, modules, views } = graph;
  const state = {
    step: 0,
    target: nodes.length - 1,
    fold: 0,
    closed: new Set(),
    predict: false,
    chosen: null,
  };
  let run, picture; // all steps for the node that is derived, and what is drawn
  let revealed = -1; // the step whose number was asked for
  let [looked, asked, playing, zoom] = [null, null, null, null];

  // the parts of the page
  const button = (text, label, act, attributes = {}) =>
    make("button", { type: "button", "aria-label": label, title: label, onclick: act, ...attributes }, text);
  const play = button("▶ Play", "play or pause (space)", () => setPlaying(!playing), { class: "play" });
  const slider = make("input", {
    type: "range",
    min: 0,
    value: 0,
    "aria-label": "step",
    oninput: () => go(Number(slider.value)),
  });
  const counter = make("output", { class: "counter" });
  const option = (text, control) => make("label", {}, make("span", {}, text), control);
  const select = (choices, act) => {
    const list = make("select", { onchange: () => act(Number(list.value)) });
    list.append(...choices.map(([value, text]) => make("option", { value }, text)));
    return list;
  };
  const target = select(
    nodes.flatMap((n, i) => (n.op === "constant" ? [] : [[i, cut(n.name, 40)]])).reverse(),
    (i) => retarget(i),
  );
  const fold = select(
    views.map(({ name }, i) => [i, name]),
    (i) => refold(i, new Set()),
  );
  const speed = select(
    Object.keys(SPEEDS).map((name, i) => [i, name]),
    () => playing && setPlaying(true),
  );
  speed.value = 1;
  const predict = make("input", { type: "checkbox", onchange: () => change({ predict: predict.checked }) });
  const theme = button("◐", "light or dark", () => {
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    el.dataset.theme = (el.dataset.theme ?? system) === "dark" ? "light" : "dark";
  });
  const phase = make("span", { class: "phase" });
  const words = make("p", { class: "words", "aria-live": "polite" });
  const said = make("p", { class: "formula", "aria-hidden": "true" });
  const guess = make("input", {
    type: "text",
    inputmode: "text",
    autocomplete: "off",
    "aria-label": "your guess",
    placeholder: "your guess",
  });
  const verdict = make("span", { class: "verdict", role: "status" });
  const ask = make(
    "form",
    { class: "ask", onsubmit: check },
    guess,
    make("button", { type: "submit" }, "Check"),
    button("Reveal", "show the number", () => reveal()),
    verdict,
  );
  const details = make("section", { class: "details", "aria-label": "the node looked at" });
  const stage = make("div", { class: "stage", tabindex: -1 });
  const zooms = make(
    "div",
    { class: "zooms" },
    button("−", "smaller", () => setZoom(zoom / 1.25)),
    button("fit", "fit the graph in", () => setZoom(fitting())),
    button("+", "larger", () => setZoom(zoom * 1.25)),
  );
  el.classList.add("glassgrad");
  el.replaceChildren(
    make(
      "div",
      { class: "controls" },
      make(
        "div",
        { class: "buttons" },
        button("|◀", "to the start (home)", () => go(0)),
        button("◀ Back", "one step back (left arrow)", () => back()),
        play,
        button("Next ▶", "one step on (right arrow)", () => next(), { class: "next" }),
        button("▶|", "to the end (end)", () => go(run.steps.length)),
      ),
      make(
        "div",
        { class: "time" },
        make(
          "div",
          { class: "passes", "aria-hidden": "true" },
          make("span", {}, "forward →"),
          make("span", {}, "← backward"),
        ),
        slider,
      ),
      counter,
    ),
    make(
      "div",
      { class: "explain" },
      make("section", { class: "step", "aria-label": "the step" }, phase, words, ask, said),
      details,
    ),
    stage,
    zooms,
    make(
      "div",
      { class: "options" },
      option("Derivative of", target),
      option("Show", fold),
      option("Speed", speed),
      option("Predict first", predict),
      theme,
    ),
    make("footer", {}, ...(graph.note ? [make("p", { class: "note" }, graph.note)] : []), legend()),
  );

  // --- from state to state

  const current = () => run.steps[state.step - 1];
  const questioned = () =>
    state.predict && current() && revealed !== state.step ? question(nodes, state.target, current()) : null;
  const stops = (k) => k === 0 || k === run.steps.length || picture.shows(run.steps[k - 1]);

  function change(values) {
    Object.assign(state, values);
    update();
  }
  function go(step) {
    revealed = -1;
    change({ step: Math.min(Math.max(step, 0), run.steps.length) });
    if (state.step === run.steps.length) setPlaying(false);
  }
  function next() {
    let k = Math.min(state.step + 1, run.steps.length);
    while (!stops(k)) k++;
    go(k);
  }
  function back() {
    let k = Math.max(state.step - 1, 0);
    while (!stops(k)) k--;
    go(k);
  }
  function setPlaying(on) {
    clearInterval(playing);
    playing = null;
    if (on && state.step === run.steps.length) go(0);
    // A question waits for its answer
    if (on) playing = setInterval(() => questioned() || next(), Object.values(SPEEDS)[speed.value]);
    setText(play, on ? "❚❚ Pause" : "▶ Play");
  }
  function retarget(i) {
    revealed = -1;
    run = allSteps(nodes, i);
    change({ target: i, step: Math.min(state.step, run.forward + 1) });
  }
  function refold(i, closed) {
    if (!picture || picture.view !== views[i]) {
      picture = new Picture(graph, views[i], { fold: toggle, choose, look });
      stage.replaceChildren(picture.svg);
      zoom = null;
    }
    picture.close(closed);
    change({ fold: i, closed, chosen: null });
  }
  function toggle(i) {
    const closed = new Set(state.closed);
    if (!closed.delete(i)) closed.add(i);
    refold(state.fold, closed);
  }
  function choose(card) {
    change({ chosen: state.chosen?.place === card ? null : { place: card, ...family(card) } });
  }
  function look(node) {
    looked = node;
    showDetails();
  }

  /** The places of all that a card was made from, and of all that was made from it. */
  function family(card) {
    const up = new Set(),
      down = new Set(),
      above = new Set(),
      below = new Set();
    const own = [...nodes.keys()].filter((i) => picture.placeOf(i) === card);
    own.forEach((i) => above.add(i) && below.add(i));
    nodes.forEach((n, i) => n.parents.some((p) => below.has(p)) && below.add(i));
    for (let i = nodes.length - 1; i >= 0; i--)
      if (above.has(i)) nodes[i].parents.forEach((p) => above.add(p));
    const counts = [above, below].map((all) => all.size - own.length);
    above.forEach((i) => up.add(picture.placeOf(i)));
    below.forEach((i) => down.add(picture.placeOf(i)));
    return { up, down, counts };
  }

  // --- predict, then reveal

  function check(event) {
    event.preventDefault();
    const x = asked.answer,
      mine = guess.value.trim().replace("−", "-").replace(",", ".");
    const y = mine === "" ? NaN : ["nan", "inf", "-inf"].includes(mine) ? number(mine) : Number(mine);
    if (Number.isNaN(y) && mine !== "nan") return setText(verdict, "Type a number, such as -0.25.");
    const right =
      Object.is(x, y) ||
      x === y ||
      Math.abs(y - x) <= Math.max(0.01 * Math.abs(x), 1e-3 * (Math.abs(x) < 1e-3));
    if (right) return reveal(`✓ Right: ${decimal(x)}.`);
    let how = "it is something else";
    if (x * y < 0) how = "the sign is the other way round";
    else if (y !== x) how = y > x ? "it is smaller" : "it is larger";
    setText(verdict, `✗ Not yet: ${how}.`);
  }
  function reveal(text = "") {
    revealed = state.step;
    update();
    setText(verdict, text);
    stage.focus({ preventScroll: true });
  }

  // --- what is shown

  function update() {
    const step = current(),
      known = stateAfter(run.steps, state.step);
    const before = asked;
    asked = questioned();
    const shown = asked ? stateAfter(run.steps, state.step - 1) : known;
    picture.draw(shown, step, asked !== null, state.chosen, run.largest);
    slider.max = run.steps.length;
    slider.value = state.step;
    slider.style.setProperty("--forward", `${(100 * run.forward) / run.steps.length}%`);
    const pass = !step ? "start" : state.step <= run.forward ? "forward" : "backward";
    slider.setAttribute("aria-valuetext", `step ${state.step} of ${run.steps.length}, ${pass}`);
    setText(counter, `${state.step} / ${run.steps.length}`);
    el.dataset.pass = pass;
    setText(
      phase,
      step ? `${pass === "forward" ? "Forward" : "Backward"} pass: ${headline(nodes, step)}` : "Start",
    );
    const place = step && picture.placeOf(step.node);
    const inside = place && place.node === null ? `${place.name}, folded: ` : "";
    const welcome =
      `How ${nodes[state.target].name} is made, and how much each number has to do with it. ` +
      "Press Next, or the right arrow.";
    setText(words, step ? inside + (asked ? asked.words : sentence(nodes, state.target, step)) : welcome);
    said.replaceChildren(...(step ? formula(nodes, state.target, step, asked !== null) : []));
    ask.hidden = !state.predict || (asked === null && revealed !== state.step);
    ask.classList.toggle("answered", asked === null);
    if (asked && asked.words !== before?.words) [guess.value, verdict.textContent] = ["", ""];
    [predict.checked, target.value, fold.value] = [state.predict, state.target, state.fold];
    if (zoom === null) setZoom(Math.max(fitting(), stage.clientWidth < 760 ? 1 : READABLE));
    if (step?.kind === "flow" && picture.shows(step)) picture.pulse(step, asked !== null);
    follow(step);
    showDetails();
    if (address) writeAddress();
  }

  function showDetails() {
    const node = looked ?? state.chosen?.place.shown ?? current()?.node ?? null;
    if (node === null) return details.replaceChildren(...hint());
    const known = stateAfter(run.steps, asked ? state.step - 1 : state.step);
    const differentiate = button("Differentiate this", `take the derivative of ${nodes[node].name}`, () =>
      retarget(node),
    );
    const isOther = node !== state.target && nodes[node].op !== "constant";
    const rows = facts(nodes, state.target, node, known);
    if (looked === null && state.chosen) {
      const [up, down] = state.chosen.counts;
      rows.push(["marked", `${up} it was made from (solid), ${down} made from it (dashed)`]);
    }
    details.replaceChildren(
      make("h2", { dir: "auto" }, nodes[node].name),
      ...(isOther ? [differentiate] : []),
      table(rows),
    );
  }

  // --- the part of the graph one sees

  function fitting() {
    const { width, height } = picture.view;
    return Math.min(1.15, (stage.clientWidth - 4) / (width + 16), (stage.clientHeight - 4) / (height + 16));
  }
  function setZoom(to) {
    zoom = Math.min(3, Math.max(0.1, to));
    picture.svg.setAttribute("width", (picture.view.width + 16) * zoom);
    picture.svg.setAttribute("height", (picture.view.height + 16) * zoom);
  }
  /** Bring what happens into sight. */
  function follow(step) {
    if (!step) return stage.scrollTo({ left: 0, top: 0, behavior: "instant" });
    const box = picture.placeOf(step.node),
      from = step.kind === "flow" ? picture.placeOf(step.source) : box;
    const outside = (a, b, seen, size) => {
      const low = (Math.min(a[0], b[0]) + 8) * zoom - 12,
        high = (Math.max(a[1], b[1]) + 8) * zoom + 12;
      if (low >= seen && high <= seen + size) return seen;
      return high - low <= size ? (low + high - size) / 2 : ((a[0] + a[1]) / 2 + 8) * zoom - size / 2;
    };
    const left = outside(
      [box.x, box.x + box.width],
      [from.x, from.x + from.width],
      stage.scrollLeft,
      stage.clientWidth,
    );
    const top = outside(
      [box.y, box.y + box.height],
      [from.y, from.y + from.height],
      stage.scrollTop,
      stage.clientHeight,
    );
    stage.scrollTo({ left, top, behavior: calm() ? "instant" : "smooth" });
  }

  // --- keys, and the address

  (address ? document : el).addEventListener("keydown", (event) => {
    const at = event.target.closest?.("button, select, input, .card, .fold") ?? null,
      key = event.key;
    if (event.ctrlKey || event.metaKey || event.altKey || at?.matches("select, input[type=text]")) return;
    const acts = { ArrowRight: next, ArrowLeft: back, Home: () => go(0), End: () => go(run.steps.length) };
    let act = acts[key];
    if (key === " " && !at?.matches("button, .fold, input[type=checkbox]")) act = () => setPlaying(!playing);
    if ((key === "Enter" || (key === " " && at?.matches(".fold"))) && at?.matches(".card, .fold"))
      act = () => at.dispatchEvent(new MouseEvent("click"));
    if (key === "Escape") act = () => change({ chosen: null });
    if (!act) return;
    event.preventDefault();
    event.stopPropagation(); // a notebook has uses of its own for these keys
    act();
  });

  function writeAddress() {
    const parts = {
      step: state.step,
      target: `n${state.target}`,
      fold: [state.fold, ...state.closed].join("."),
      mode: state.predict ? "predict" : "show",
    };
    const hash = `#${Object.entries(parts)
      .map(([key, value]) => `${key}=${value}`)
      .join("&")}`;
    if (hash !== location.hash) history.replaceState(null, "", hash);
  }
  function readAddress() {
    const read = new URLSearchParams(location.hash.slice(1));
    const whole = (text, most) => Math.min(Math.max(parseInt(text, 10) || 0, 0), most);
    const [view, ...closed] = (read.get("fold") ?? "0").split(".");
    const i = whole(view, views.length - 1);
    const named = Number(/^n(\d+)$/.exec(read.get("target"))?.[1]);
    const node = nodes[named] && nodes[named].op !== "constant" ? named : nodes.length - 1;
    state.predict = read.get("mode") === "predict";
    start(
      node,
      i,
      new Set(closed.map(Number).filter((c) => c < views[i].frames.length)),
      whole(read.get("step"), Infinity),
    );
  }
  function start(node, view, closed, step) {
    run = allSteps(nodes, node);
    Object.assign(state, { target: node, step: Math.min(step, run.steps.length) });
    refold(view, closed);
  }
  if (address) addEventListener("hashchange", readAddress);
  if (address) readAddress();
  else start(state.target, 0, new Set(), 0);
}

function read(json) {
  const graph = JSON.parse(json);
  for (const node of graph.nodes) {
    node.data = number(node.data);
    node.partials = node.partials.map(number);
  }
  return graph;
}

/** The page of its own. */
export function startPage() {
  // In a notebook's frame there is no address to keep the state in
  explore(document.getElementById("explorer"), read(document.getElementById("graph").textContent), {
    address: location.protocol !== "about:",
  });
}

/** The notebook's widget. */
export default { render: ({ model, el }) => explore(el, read(model.get("graph"))) };
