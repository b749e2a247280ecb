"use strict";
// The page of a film. `film` is what was filmed, `state` what is looked at of it. layout() makes
// the pictures for the width there is; show() fills in the frame.

const film = JSON.parse(document.getElementById("data").textContent);
const state = { frame: 0, sample: 0, neuron: null, timer: null };
const $ = id => document.getElementById(id);
const last = film.frames.length - 1;
const frame = () => film.frames[state.frame];
const look = () => frame().looks[state.sample];

// --- numbers and elements -------------------------------------------------------------------------

/** A number in a few characters, with a true minus. What JSON has no number for came as text. */
function short(x, digits = 3) {
  if (typeof x === "string") return x;
  if (x === 0) return "0";
  const size = Math.abs(x);
  const text = size >= 0.01 && size < 10000
    ? String(Number(x.toPrecision(digits)))
    : x.toExponential(0).replace("e+", "e");
  return text.replaceAll("-", "−");
}

const size = x => typeof x === "number" ? Math.abs(x) : 0;
const largest = xs => xs.reduce((a, x) => Math.max(a, size(x)), 0) || 1;

/** An SVG element. Text is set as text: nothing in the data can become markup. */
function svg(tag, attributes, parent, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

function picture(place, width, height, label) {
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": label });
  place.replaceChildren(root);
  return root;
}

const line = (parent, x1, y1, x2, y2, look) => svg("line", { x1, y1, x2, y2, ...look }, parent);

// --- the plane: what is answered where ------------------------------------------------------------

const MARKS = {  // outlines in a box from -1 to 1, one for each class
  circle: "M-1 0a1 1 0 1 0 2 0a1 1 0 1 0 -2 0Z", square: "M-.9-.9H.9V.9H-.9Z", up: "M0-1.1L1.1 .9H-1.1Z",
  diamond: "M0-1.3L1.3 0L0 1.3L-1.3 0Z", down: "M0 1.1L1.1-.9H-1.1Z",
  plus: "M-.4-1.1H.4V-.4H1.1V.4H.4V1.1H-.4V.4H-1.1V-.4H-.4Z",
};
const SHAPES = Object.values(MARKS);
const HUES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#332288", "#999999", "#661100"];
const plane = {};

/** How a point of this class looks, at (x, y) with radius r. */
function mark(parent, kind, x, y, r) {
  const shape = film.kind === "number" ? 0 : kind % SHAPES.length;
  const element = svg("path", { d: SHAPES[shape], transform: `translate(${x} ${y}) scale(${r})`, "vector-effect": "non-scaling-stroke" }, parent);
  element.setAttribute("class", film.kind === "two" ? `point ${kind ? "filled" : "outlined"}` : "point outlined");
  if (film.kind === "classes") element.style.fill = HUES[kind % HUES.length];
  return element;
}

function layoutPlane() {
  const { low, high, names } = film.plane, place = $("plane-picture");
  const left = 38, under = 34, room = place.clientWidth - left - 6;
  const shape = (high[1] - low[1]) / (high[0] - low[0]);
  const height = Math.min(Math.max(room * shape, 140), 400), width = Math.min(room, Math.max(height / shape, 200));
  plane.x = a => left + (a - low[0]) / (high[0] - low[0]) * width;
  plane.y = b => 6 + (high[1] - b) / (high[1] - low[1]) * height;
  Object.assign(plane, { left, width, height });
  const root = picture(place, left + width + 6, height + under + 6, `what the network answers over the plane of ${names.join(" and ")}`);
  plane.canvas = document.createElement("canvas");
  const sharp = window.devicePixelRatio || 1;
  Object.assign(plane.canvas, { width: width * sharp, height: height * sharp });
  Object.assign(plane.canvas.style, { left: `${left}px`, top: "6px", width: `${width}px`, height: `${height}px` });
  place.prepend(plane.canvas);

  svg("rect", { x: left, y: 6, width, height, class: "axis" }, root);
  for (const a of ticks(low[0], high[0], 5)) {
    svg("text", { x: plane.x(a), y: height + 21, "text-anchor": "middle", class: "faint" }, root, short(a));
  }
  for (const b of ticks(low[1], high[1], 5)) {
    svg("text", { x: left - 5, y: plane.y(b) + 4, "text-anchor": "end", class: "faint" }, root, short(b));
  }
  svg("text", { x: left + width / 2, y: height + 36, "text-anchor": "middle" }, root, names[0]);
  svg("text", { x: 2, y: 16 }, root, names[1]);
  plane.border = svg("path", { class: "border" }, root);
  const r = film.points.length > 60 ? 3.6 : 6;
  for (const [a, b, kind] of film.points) {
    const point = mark(root, kind, plane.x(a), plane.y(b), r);
    if (film.kind === "number") point.style.fill = tint((kind - film.plane.range[0]) / (film.plane.range[1] - film.plane.range[0]), "0.9");
  }
  plane.marks = svg("g", {}, root);
  plane.r = r;
  legendOfPlane();
}

/** A line of a legend: each entry a sign, which draw() makes in a box from -9 to 9, and words. */
function legend(place, entries) {
  place.replaceChildren(...entries.map(([draw, words]) => {
    const entry = document.createElement("span");
    if (draw) draw(svg("svg", { width: 18, height: 16, viewBox: "-9 -8 18 16", "aria-hidden": "true" }, entry));
    entry.append(words);
    return entry;
  }));
}

function legendOfPlane() {
  const entries = film.classes.map((name, kind) => [s => mark(s, kind, 0, 0, 5), name]);
  if (film.kind === "number") {
    entries.push([null, "darker: a larger answer"]);
  } else {
    entries.push([s => line(s, -8, 0, 8, 0, { class: "border" }), film.kind === "two" ? "undecided" : "border"]);
    if (film.kind === "two") entries.push([null, `shaded and hatched: ${film.classes[1]}`]);
    entries.push([s => cross(s, 0, 0, 5), "wrong"]);
  }
  entries.push([s => svg("circle", { r: 6, class: "sample" }, s), "the sample"]);
  legend($("plane-legend"), entries);
}

function cross(parent, x, y, r) {
  svg("path", { d: `M${x - r} ${y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`, class: "wrong" }, parent);
}

/** The colour of data, this much of it. */
const tint = (share, most) => `color-mix(in srgb, var(--data) ${100 * most * Math.min(Math.max(share, 0), 1)}%, var(--paper))`;

/** A colour of the style sheet, "#rrggbb", as three numbers. */
const rgb = text => [1, 3, 5].map(i => parseInt(text.trim().slice(i, i + 2), 16));

/** What lies close to the border is kept more exactly: as a root, which this undoes. */
const signedSquare = x => x * Math.abs(x);

function showPlane() {
  const n = film.plane.steps, bytes = Uint8Array.from(atob(frame().shades), c => c.charCodeAt(0));
  const levels = film.kind === "classes" ? Math.floor(256 / film.classes.length) : 256;
  const base = rgb(getComputedStyle(document.documentElement).getPropertyValue("--data"));
  const small = Object.assign(document.createElement("canvas"), { width: n, height: n });
  const image = new ImageData(n, n);
  bytes.forEach((byte, k) => {
    const place = 4 * ((n - 1 - Math.floor(k / n)) * n + k % n);  // the first row is the lowest
    const kind = Math.floor(byte / levels), share = byte % levels / (levels - 1);
    const [color, alpha] = film.kind === "classes" ? [rgb(HUES[kind % HUES.length]), 0.15 + 0.4 * share ** 2]
      : [base, 0.6 * (film.kind === "two" ? 0.5 + signedSquare(2 * share - 1) / 2 : share)];
    image.data.set([...color, 255 * alpha], place);
  });
  small.getContext("2d").putImageData(image, 0, 0);

  const { canvas, left, width, height } = plane, context = canvas.getContext("2d");
  const cell = [canvas.width / (n - 1), canvas.height / (n - 1)];
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(small, -cell[0] / 2, -cell[1] / 2, canvas.width + cell[0], canvas.height + cell[1]);
  plane.marks.replaceChildren();
  if (film.kind === "two") {
    const field = Array.from(bytes, byte => signedSquare(byte - 127.5));
    hatch(context, field, n);
    plane.border.setAttribute("d", contour(field, n));
  } else if (film.kind === "classes") {
    const paths = film.classes.map((name, kind) => {
      const own = byte => Math.floor(byte / levels) === kind;
      const inside = Array.from(bytes, own);
      if (inside.includes(true)) nameRegion(name, inside, n);
      return contour(Array.from(bytes, b => (own(b) ? 1 : -1) * (b % levels + 0.5) ** 2), n);
    });
    plane.border.setAttribute("d", paths.join(""));
  }
  for (const i of frame().wrong || []) {
    if (i < film.points.length) cross(plane.marks, plane.x(film.points[i][0]), plane.y(film.points[i][1]), plane.r + 3);
  }
  const point = film.points[film.samples[state.sample].row];
  if (point) svg("circle", { cx: plane.x(point[0]), cy: plane.y(point[1]), r: plane.r + 7, class: "sample" }, plane.marks);
}

/** Lines over the part where the field is above 0: the answer without its colour. */
function hatch(context, field, n) {
  const { width, height } = context.canvas, sharp = width / plane.width, gap = 11 * sharp, step = 3 * sharp;
  const at = (x, y) => {
    const i = Math.min(x / width * (n - 1), n - 1.001), j = Math.min((1 - y / height) * (n - 1), n - 1.001);
    const a = Math.floor(i), b = Math.max(Math.floor(j), 0), u = i - a, v = j - b, k = b * n + a;
    return (field[k] * (1 - u) + field[k + 1] * u) * (1 - v) + (field[k + n] * (1 - u) + field[k + n + 1] * u) * v;
  };
  context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue("--data");
  context.globalAlpha = 0.55;
  context.lineWidth = sharp;
  context.beginPath();
  for (let start = -height; start < width; start += gap) {
    for (let t = Math.max(0, -start); t < Math.min(height, width - start); t += step) {
      const x = start + t, y = height - t;
      if (at(x, y) > 0) { context.moveTo(x, y); context.lineTo(x + step, y - step); }
    }
  }
  context.stroke();
  context.globalAlpha = 1;
}

/** The line where the field is 0, cell by cell (marching squares), as a path. */
function contour(field, n) {
  const x = i => plane.left + i / (n - 1) * plane.width, y = j => 6 + (1 - j / (n - 1)) * plane.height;
  const parts = [];
  for (let j = 0; j + 1 < n; j++) {
    for (let i = 0; i + 1 < n; i++) {
      const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]].map(([a, b]) => [a, b, field[b * n + a]]);
      const ends = [];
      corners.forEach(([a, b, f], k) => {
        const [c, d, g] = corners[(k + 1) % 4];
        if (f > 0 !== g > 0) ends.push(`${x(a + (c - a) * f / (f - g)).toFixed(1)} ${y(b + (d - b) * f / (f - g)).toFixed(1)}`);
      });
      for (let k = 0; k + 1 < ends.length; k += 2) parts.push(`M${ends[k]}L${ends[k + 1]}`);
    }
  }
  return parts.join("");
}

/** A class's name at the point that is farthest from any other region. */
function nameRegion(name, inside, n) {
  const depth = inside.map(cell => cell ? 2 * n : 0);
  const order = [...depth.keys()];
  for (const [cells, back] of [[order, -1], [[...order].reverse(), 1]]) {
    for (const k of cells) {
      const i = k % n, j = Math.floor(k / n);
      const beside = i + back >= 0 && i + back < n ? depth[k + back] : 0;
      const above = j + back >= 0 && j + back < n ? depth[k + back * n] : 0;
      depth[k] = Math.min(depth[k], beside + 1, above + 1);
    }
  }
  const k = depth.indexOf(Math.max(...depth));
  const x = plane.left + (k % n) / (n - 1) * plane.width, y = 10 + (1 - Math.floor(k / n) / (n - 1)) * plane.height;
  svg("text", { x, y, "text-anchor": "middle", class: "halo region" }, plane.marks, name);
}

// --- the network: neurons and weights -------------------------------------------------------------

const network = {};

function layoutNetwork() {
  const width = $("network-picture").clientWidth, most = Math.max(...film.columns.map(c => c.shown.length + (folded(c) ? 1 : 0)));
  const gap = (width - 70) / (film.columns.length - 1);
  const r = Math.max(13, Math.min(20, gap * 0.18)), row = Math.max(2 * r + 22, width > 600 ? Math.min(110, 500 / most) : 0);
  Object.assign(network, { width, r, height: most * row + 40 });
  network.x = c => 35 + c * gap;
  network.y = (c, i) => {
    const column = film.columns[c], half = folded(column) && i >= column.shown.length / 2 ? 1 : 0;
    const rows = column.shown.length + (folded(column) ? 1 : 0);
    return r + 4 + (most - rows) / 2 * row + (i + half) * row;
  };
  // One scale for the whole film, so that what grows or fades is seen to
  network.weight = largest(film.frames.flatMap(f => f.weights.flat(2)));
  network.gradient = film.samples.map((_, s) => largest(film.frames.flatMap(f => f.looks[s].weights.flat(2))));
  network.data = film.columns.map((_, c) => film.samples.map((_, s) => largest(film.frames.flatMap(f => f.looks[s].data[c]))));
  legendOfNetwork();
}

const folded = column => column.shown.length < column.size;
const dashes = (x, width) => typeof x === "number" && x < 0 ? `${3 + width} ${2 + width}` : "none";

function legendOfNetwork() {
  const stroke = name => s => line(s, -9, 0, 9, 0, { class: name, "stroke-width": 2.5 });
  const entries = [];
  if ($("lines").value !== "gradients") entries.push([stroke("weight"), "a weight"]);
  if ($("lines").value !== "weights") entries.push([stroke("gradient"), "the gradient of the sample's loss there"]);
  entries.push([null, "wide: large; dashed: below 0"], [null, "in a circle: what the neuron says; under it ∂, its gradient"]);
  legend($("network-legend"), entries);
}

function showNetwork() {
  const { width, height, r } = network, lines = $("lines").value;
  const key = focused();
  network.drawing = true;
  const root = picture($("network-picture"), width, height, "the network");
  const edges = svg("g", {}, root);
  frame().weights.forEach((matrix, c) => matrix.forEach((outs, i) => outs.forEach((w, j) => {
    const g = look().weights[c][i][j];
    const from = [network.x(c) + r, network.y(c, i)], to = [network.x(c + 1) - r, network.y(c + 1, j)];
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]), across = [-(to[1] - from[1]) / length, (to[0] - from[0]) / length];
    const thick = 0.5 + 5.5 * size(w) / network.weight, thin = 5.5 * size(g) / network.gradient[state.sample];
    const aside = state.neuron && !(state.neuron[0] === c && state.neuron[1] === i) && !(state.neuron[0] === c + 1 && state.neuron[1] === j);
    const put = (name, x, wide, by) => line(
      edges, from[0] + by * across[0], from[1] + by * across[1], to[0] + by * across[0], to[1] + by * across[1],
      { class: aside ? `${name} faded` : name, "stroke-width": wide.toFixed(2), "stroke-dasharray": dashes(x, wide), "data-edge": `${c},${i},${j}` },
    );
    if (lines !== "gradients") put("weight", w, thick, 0);
    if (lines !== "weights" && thin > 0.1) put("gradient", g, thin, lines === "both" ? (thick + thin) / 2 + 1 : 0);
  })));
  film.columns.forEach((column, c) => {
    column.shown.forEach((number, i) => neuron(root, c, i, number));
    const x = network.x(c), bottom = height - 22;
    if (folded(column)) {
      const middle = (network.y(c, column.shown.length / 2 - 1) + network.y(c, column.shown.length / 2)) / 2;
      svg("text", { x, y: middle + 4, "text-anchor": "middle" }, root, `⋮ ${column.size - column.shown.length} more`);
    }
    svg("text", { x, y: bottom, "text-anchor": "middle" }, root, column.name);
    if (c === film.columns.length - 1) {
      svg("text", { x, y: bottom + 14, "text-anchor": "middle", class: "faint" }, root, `target ${film.samples[state.sample].target.map(t => short(t)).join(", ")}`);
    }
  });
  if (key) root.querySelector(`[data-neuron="${key}"]`).focus();  // it had the focus before
  network.drawing = false;
  detail();
}

function neuron(root, c, i, number) {
  const a = look().data[c][i], g = look().grad[c][i], x = network.x(c), y = network.y(c, i), { r } = network;
  const chosen = state.neuron && state.neuron[0] === c && state.neuron[1] === i;
  const group = svg("g", {
    class: chosen ? "neuron chosen" : "neuron", tabindex: 0, role: "img", "data-neuron": `${c},${i}`,
    "aria-label": `${film.columns[c].name} ${number}: ${short(a)}, gradient ${short(g)}`,
  }, root);
  svg("circle", { cx: x, cy: y, r, class: "paper" }, group);
  svg("circle", {
    cx: x, cy: y, r, "fill-opacity": (0.5 * Math.min(1, size(a) / network.data[c][state.sample])).toFixed(2),
    class: a < 0 ? "amount below" : "amount",
  }, group);
  svg("text", { x, y, class: "data" }, group, size(a) > 0 && size(a) < 0.005 ? "≈0" : short(a, 2));
  svg("text", { x, y: y + r + 11, class: "grad halo" }, group, `∂ ${short(g, 2)}`);
}

const focused = () => document.activeElement && document.activeElement.dataset.neuron;

/** Look closer at the neuron that is pointed at, else at the one with the focus, else at none. */
function choose(target) {
  if (network.drawing) return;  // the focus goes and comes back while the picture is made anew
  const element = target && target.closest("[data-neuron]");
  const key = element ? element.dataset.neuron : focused();
  if (String(state.neuron || "") === (key || "")) return;
  state.neuron = key ? key.split(",").map(Number) : null;
  showNetwork();
}

/** The numbers of the neuron that is pointed at. */
function detail() {
  if (!state.neuron) return $("detail").replaceChildren("Point at a neuron, or reach it with Tab, to read its numbers.");
  const [c, i] = state.neuron, column = film.columns[c];
  const words = [`${column.name} ${column.shown[i]}: ${short(look().data[c][i], 4)}, gradient ${short(look().grad[c][i], 4)}.`];
  if (c > 0) {
    const ins = film.columns[c - 1].shown.map((number, k) =>
      `${number}: ${short(frame().weights[c - 1][k][i])} (∂ ${short(look().weights[c - 1][k][i])})`);
    words.push(`Its weights for ${film.columns[c - 1].name} ${ins.join(", ")}.`);
  }
  $("detail").replaceChildren(words.join(" "));
}

// --- the loss over time ---------------------------------------------------------------------------

const loss = {};

/** Round numbers from low to high, about as many as wanted. */
function ticks(low, high, wanted) {
  const rough = (high - low) / wanted, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(k => k * power).find(s => s >= rough);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high + 1e-9 * step; k++) found.push(Number((k * step).toPrecision(6)));
  return found;
}

/** Powers of ten from low to high, not more than six. */
function powers(low, high) {
  const first = Math.ceil(Math.log10(low)), count = Math.floor(Math.log10(high)) - first + 1;
  const every = Math.ceil(count / 6);
  return Array.from({ length: Math.ceil(count / every) }, (_, k) => Number(`1e${first + k * every}`));
}

function layoutLoss() {
  const place = $("loss-picture"), width = place.clientWidth, height = 150, left = 46, right = 14;
  const all = Object.values(film.curves).flat().filter(x => typeof x === "number");
  const end = Math.max(film.frames[last].epoch, 1);
  let low = Math.min(...all), high = Math.max(...all);
  const log = low > 0 && high / low > 10;
  if (!all.length) [low, high] = [0, 1];
  if (!log) low = Math.min(low, 0);
  if (high === low) high = low + 1;
  const scale = log ? Math.log10 : x => x;
  loss.x = epoch => left + epoch / end * (width - left - right);
  loss.y = value => 8 + (scale(high) - scale(value)) / (scale(high) - scale(low)) * (height - 34);
  const root = picture(place, width, height, "the loss, epoch by epoch");
  for (const value of log ? powers(low, high) : ticks(low, high, 3)) {
    line(root, left, loss.y(value), width - right, loss.y(value), { class: "axis" });
    svg("text", { x: left - 6, y: loss.y(value) + 4, "text-anchor": "end", class: "faint" }, root, short(value));
  }
  for (const epoch of ticks(0, end, width / 90)) {
    svg("text", { x: loss.x(epoch), y: height - 8, "text-anchor": "middle", class: "faint" }, root, epoch);
  }
  loss.curves = Object.entries(film.curves).map(([name, values]) => {
    const kind = name === "loss" ? "" : " held-out";
    const path = (upTo) => values.slice(0, upTo).map((v, k) =>
      typeof v === "number" ? `${k ? "L" : "M"}${loss.x(k + 1).toFixed(1)} ${loss.y(v).toFixed(1)}` : "").join("").replace(/^L/, "M");
    svg("path", { d: path(values.length), class: `curve to-come${kind}` }, root);
    return { name, values, path, line: svg("path", { class: `curve${kind}` }, root), dot: svg("circle", { r: 6, class: `dot${kind}` }, root) };
  });
  loss.now = line(root, 0, 4, 0, height - 24, { class: "now" });
  loss.word = svg("text", { class: "halo" }, root);
  loss.width = width;
}

function showLoss() {
  const { epoch } = frame();
  loss.now.setAttribute("x1", loss.x(epoch));
  loss.now.setAttribute("x2", loss.x(epoch));
  const words = [];
  let height = 20;
  for (const { name, values, path, line, dot } of loss.curves) {
    const done = Math.min(epoch, values.length);
    line.setAttribute("d", path(done));
    dot.setAttribute("visibility", done ? "visible" : "hidden");
    if (!done) continue;
    const value = values[done - 1];
    if (typeof value === "number") {
      dot.setAttribute("cx", loss.x(done));
      dot.setAttribute("cy", loss.y(value));
      if (name === "loss") height = loss.y(value);
    }
    words.push(`${name === "loss" ? "" : "held out "}${short(value)}`);
  }
  const after = loss.x(epoch) < loss.width - 150;
  loss.word.setAttribute("x", loss.x(epoch) + (after ? 10 : -10));
  loss.word.setAttribute("y", Math.max(height - 8, 14));
  loss.word.setAttribute("text-anchor", after ? "start" : "end");
  loss.word.textContent = words.join(", ") || "before training";
}

// --- moving through it ----------------------------------------------------------------------------

function layout() {
  if (!$("network-picture").clientWidth) return;  // not on the screen yet
  if (film.plane) layoutPlane();
  layoutNetwork();
  layoutLoss();
  show();
}

function show() {
  if (film.plane) showPlane();
  showNetwork();
  showLoss();
  const { epoch, wrong } = frame(), done = (film.curves.loss || [])[epoch - 1];
  const words = [`epoch ${epoch} of ${film.frames[last].epoch}`];
  words.push(done === undefined ? (epoch ? "not finished" : "before training") : `loss ${short(done)}`);
  if (wrong) words.push(`${film.rows - wrong.length} of ${film.rows} rows right`);
  words.push(`the sample: answer ${answer()}, loss ${short(look().loss)}`);
  $("now").textContent = words.join(" · ");
  $("time").value = state.frame;
  $("time").setAttribute("aria-valuetext", `epoch ${epoch}`);
  if (!state.timer) remember();
}

/** What the network answers for the sample; of several classes, the likeliest. */
function answer() {
  const numbers = look().answer.map(Number), best = numbers.indexOf(Math.max(...numbers));
  if (film.kind !== "classes" || best < 0) return look().answer.map(a => short(a)).join(", ");
  return `${film.classes[best]} (${short(look().answer[best])})`;
}

function go(number) {
  state.frame = Math.min(Math.max(number, 0), last);
  show();
}

function play(on) {
  clearInterval(state.timer);
  state.timer = null;
  if (on) {
    if (state.frame === last) state.frame = 0;
    state.timer = setInterval(() => { if (state.frame === last) play(false); else go(state.frame + 1); }, 1000 / Number($("speed").value));
  }
  $("play").textContent = on ? "❚❚ pause" : "▶ play";
  $("play").setAttribute("aria-label", on ? "pause" : "play");
  $("now").setAttribute("aria-live", on ? "off" : "polite");
  show();
}

/** The address says what is looked at, so that it can be passed on. */
function remember() {
  if (location.protocol === "about:") return;  // inside a notebook there is no address
  history.replaceState(null, "", `#seed=${film.seed}&epoch=${frame().epoch}&sample=${state.sample}`);
}

function recall() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const number = name => wanted.has(name) && wanted.get(name).trim() !== "" ? Number(wanted.get(name)) : NaN;
  const epoch = number("epoch"), sample = number("sample"), seed = number("seed");
  const far = k => Math.abs(film.frames[k].epoch - epoch);
  if (Number.isFinite(epoch)) state.frame = [...film.frames.keys()].reduce((best, k) => far(k) < far(best) ? k : best, 0);
  if (film.samples[sample]) $("sample").value = state.sample = sample;
  $("note").hidden = Number.isNaN(seed) || seed === film.seed;
  $("note").textContent = `The link is to a film with seed ${seed}; this one has seed ${film.seed}, and other numbers.`;
}

function keys(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select")) return;
  if (event.key === " " && event.target.closest("button")) return;  // which it presses
  const moves = {
    ArrowLeft: () => go(state.frame - 1), ArrowRight: () => go(state.frame + 1),
    Home: () => go(0), End: () => go(last), " ": () => play(!state.timer),
  };
  if (!moves[event.key]) return;
  event.preventDefault();
  if (event.key !== " " && state.timer) play(false);
  moves[event.key]();
}

function start() {
  $("plane").hidden = !film.plane;
  document.querySelector("main").classList.toggle("no-plane", !film.plane);
  film.samples.forEach((sample, k) => $("sample").append(new Option(sample.name, k)));
  $("time").max = last;
  if (film.columns.slice(1).reduce((n, c, k) => n + c.shown.length * film.columns[k].shown.length, 0) > 120) $("lines").value = "weights";
  const halt = move => () => { if (state.timer) play(false); move(); };
  $("first").onclick = halt(() => go(0));
  $("back").onclick = halt(() => go(state.frame - 1));
  $("next").onclick = halt(() => go(state.frame + 1));
  $("last").onclick = halt(() => go(last));
  $("play").onclick = () => play(!state.timer);
  $("speed").onchange = () => play(Boolean(state.timer));
  $("time").oninput = halt(() => go(Number($("time").value)));
  $("sample").onchange = () => { state.sample = Number($("sample").value); show(); };
  $("lines").onchange = () => { legendOfNetwork(); showNetwork(); };
  const place = $("network-picture");
  for (const name of ["focusin", "mouseover"]) place.addEventListener(name, event => choose(event.target));
  place.addEventListener("mouseleave", () => choose(null));
  place.addEventListener("focusout", () => setTimeout(() => choose(null)));  // once the focus has arrived
  $("loss-picture").onclick = event => {
    const x = event.clientX - $("loss-picture").getBoundingClientRect().left;
    const far = k => Math.abs(loss.x(film.frames[k].epoch) - x);
    halt(() => go([...film.frames.keys()].reduce((best, k) => far(k) < far(best) ? k : best, 0)))();
  };
  document.addEventListener("keydown", keys);
  window.addEventListener("hashchange", () => { recall(); show(); });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  let width = 0;
  new ResizeObserver(() => { if (document.body.clientWidth !== width) { width = document.body.clientWidth; layout(); } }).observe(document.body);
  recall();
  width = document.body.clientWidth;
  layout();
}

start();
