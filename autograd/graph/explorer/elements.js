// What the page is made with, and the panels whose content follows from the step alone.
// Whatever comes from the graph reaches the document as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "g", "rect", "path", "text", "circle", "defs", "marker"]);

/** An element; strings among the children become text. */
function make(tag, attributes = {}, ...children) {
  const element = DRAWN.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Touch the document only where something changed: what keeps a step of a large graph quick. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
function setClass(element, text) {
  if (element.getAttribute("class") !== text) element.setAttribute("class", text);
}

const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

// --- the formula ----------------------------------------------------------------------------------

/** The step as a formula, what the numbers are written below them; the answer is "?" while hidden. */
function formula(nodes, target, step, hidden) {
  const of = nodes[step.node],
    name = nodes[target].name;
  const result = (x) => (hidden ? "?" : decimal(x));
  const fraction = (above, below, kind) =>
    make("span", { class: `fraction ${kind}` }, make("span", {}, `d${above}`), make("span", {}, `d${below}`));
  const term = (kind, text, caption) =>
    make("span", { class: `term ${kind}` }, make("b", {}, text), make("small", {}, caption));
  const dTarget = (i) => fraction(name, nodes[i].name, "grad");
  const sign = (text) => make("span", { class: "sign" }, text);
  switch (step.kind) {
    case "given":
      return [term("name", of.name, "name"), sign("="), term("data", decimal(of.data), "value, given")];
    case "made": {
      const long = of.symbols.length > 40; // once, in the sentence above, is enough
      return [
        term("name", of.name, "name"),
        sign("="),
        ...(long ? [] : [term("name", of.symbols, "how it is made"), sign("=")]),
        ...(long || of.symbols === of.numbers ? [] : [term("data", of.numbers, "in numbers"), sign("=")]),
        term("data", result(of.data), "value"),
      ];
    }
    case "seed":
      return [dTarget(target), sign("="), term("grad", "1.0", "where the gradient starts")];
    case "ready":
      return [
        dTarget(step.node),
        sign("="),
        ...step.terms.flatMap((x, i) => [
          ...(i ? [sign("+")] : []),
          term("grad", i ? factor(x) : decimal(x), "arrived"),
        ]),
        ...(step.terms.length > 1 ? [sign("="), term("grad", result(step.after), "gradient")] : []),
      ];
    default:
      return [
        dTarget(step.node),
        sign("+="),
        dTarget(step.source),
        sign("·"),
        fraction(nodes[step.source].name, of.name, "local"),
        sign("="),
        term("grad", decimal(step.upstream), "upstream gradient"),
        sign("·"),
        term("local", factor(step.local), "local derivative"),
        sign("="),
        term("grad", result(step.contribution), "arrives"),
        ...(step.first || hidden
          ? []
          : [
              sign(";"),
              term("grad", decimal(step.before), "from before"),
              sign("+"),
              term("grad", factor(step.contribution), "arrives"),
              sign("="),
              term("grad", decimal(step.after), "so far"),
            ]),
      ];
  }
}

// --- the panel of a node --------------------------------------------------------------------------

const hint = () => [
  make("h2", {}, "Look at a node"),
  make(
    "p",
    {},
    "Point at a node, or focus it: its value, its gradient, its local derivatives and its users " +
      "stand here. Click it to see what it was made from and what it is used for.",
  ),
];

/** What there is to say of a node as of now: rows of a term, a text and a kind. */
function facts(nodes, target, i, known) {
  const node = nodes[i],
    d = `d${nodes[target].name}/d${node.name}`;
  const done = known.made.has(i) || node.op === "constant",
    arrived = known.gradients.get(i);
  const list = (all) => all.slice(0, 30).join(", ") + (all.length > 30 ? ` and ${all.length - 30} more` : "");
  let gradient = "nothing has arrived yet";
  if (node.op === "constant") gradient = "none: it is a constant";
  else if (arrived)
    gradient = exact(arrived.after) + (arrived.waiting ? ` so far, waiting for ${arrived.waiting} more` : "");
  const rows = [
    ["value", done ? exact(node.data) : "not yet made", "data"],
    [`gradient ${d}`, gradient, "grad"],
  ];
  if (node.symbols) rows.push(["made by", node.symbols]);
  const locals = node.parents.flatMap((p, k) =>
    nodes[p].op === "constant" ? [] : [`d${node.name}/d${nodes[p].name} = ${decimal(node.partials[k])}`],
  );
  if (locals.length) rows.push(["local derivatives", done ? list(locals) : "not yet made", "local"]);
  const users = nodes.filter((n) => n.parents.includes(i)).map((n) => n.name);
  return [...rows, ["users", users.length ? list(users) : "none: it is the result"]];
}

function table(rows) {
  const cells = rows.flatMap(([term, text, kind = ""]) => [
    make("dt", {}, term),
    make("dd", { class: kind, dir: "auto" }, text),
  ]);
  return make("dl", {}, ...cells);
}

function legend() {
  const mark = (kind, sign, text) =>
    make("li", {}, make("span", { class: kind, "aria-hidden": "true" }, sign), ` ${text}`);
  return make(
    "ul",
    { class: "legend" },
    mark("input", "▶", "input"),
    mark("parameter", "◆", "parameter"),
    mark("data", "0.5", "value"),
    mark("grad", "∂ 0.5", "gradient"),
    mark("local", "×0.5", "local derivative"),
    mark("positive", "◀━━", "gradient flows back"),
    mark("negative", "◀╍╍", "negative gradient"),
  );
}
