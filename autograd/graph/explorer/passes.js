// The two passes, with nothing of the page in it: numbers, steps, words.
// passes.js, elements.js, picture.js and page.js follow one another as one script.

// --- numbers, written as Python writes them -------------------------------------------------------

const number = (x) => (typeof x === "string" ? { nan: NaN, inf: Infinity, "-inf": -Infinity }[x] : x);
const isNegative = (x) => x < 0 || Object.is(x, -0);

/** All digits. */
function exact(x) {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  const size = Math.abs(x);
  let text = String(size);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) text = exponent(size.toExponential());
  else if (!text.includes(".")) text += ".0";
  return isNegative(x) ? `-${text}` : text;
}

const exponent = (text) => text.replace(/e([+-])(\d)$/, "e$10$2");

/** Rounded to so many digits. */
function rounded(x, digits) {
  if (!Number.isFinite(x)) return exact(x);
  const scientific = x.toExponential(digits - 1);
  const power = Number(scientific.split("e")[1]);
  const trim = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (power < -4 || power >= digits) {
    const [mantissa, rest] = scientific.split("e");
    return exponent(`${trim(mantissa)}e${rest}`);
  }
  return Object.is(x, -0) ? "-0" : trim(x.toFixed(digits - 1 - power));
}

/** As it is if that is short, else rounded: for sentences. */
function decimal(x) {
  const text = exact(x);
  return text.replace(/^-/, "").length <= 7 ? text : rounded(x, 6);
}

const factor = (x) => (isNegative(x) ? `(${decimal(x)})` : decimal(x));
/** For cards, with a minus sign as wide as a plus. */
const short = (x, digits = 4) => rounded(x, digits).replaceAll("-", "−");
const signed = (x) => (isNegative(x) ? short(x, 3) : `+${short(x, 3)}`);

// --- the two passes -------------------------------------------------------------------------------

/** The nodes gradient reaches from the target, operands first: the engine's own order. */
function operandsFirst(nodes, target) {
  if (nodes[target].op === null) return [];
  const order = [],
    seen = new Set([target]),
    path = [[target, 0]];
  while (path.length) {
    const top = path[path.length - 1],
      { parents, flows } = nodes[top[0]];
    if (top[1] === flows.length) {
      order.push(path.pop()[0]);
      continue;
    }
    const p = parents[flows[top[1]++]];
    if (nodes[p].op !== null && !seen.has(p)) {
      seen.add(p);
      path.push([p, 0]);
    }
  }
  return order;
}

/** Every step: forward "given" and "made"; backward "seed", "flow" and "ready". And the largest flow. */
export function allSteps(nodes, target) {
  const steps = [],
    gradient = new Map(),
    terms = new Map(),
    awaited = new Map();
  nodes.forEach(({ op }, node) => {
    if (op !== "constant") steps.push({ kind: op === null ? "given" : "made", node });
  });
  const forward = steps.length;
  const order = operandsFirst(nodes, target).reverse();
  for (const source of order) {
    for (const k of nodes[source].flows) {
      const p = nodes[source].parents[k];
      awaited.set(p, (awaited.get(p) ?? 0) + 1);
    }
  }
  gradient.set(target, 1);
  steps.push({ kind: "seed", node: target, after: 1, waiting: 0 });
  for (const source of order) {
    const { parents, partials, flows } = nodes[source],
      upstream = gradient.get(source);
    if (source !== target) {
      steps.push({ kind: "ready", node: source, after: upstream, terms: [...terms.get(source)], waiting: 0 });
    }
    for (const k of flows) {
      const node = parents[k],
        local = partials[k],
        contribution = upstream * local;
      const before = gradient.get(node) ?? 0,
        after = before + contribution;
      gradient.set(node, after);
      if (!terms.has(node)) terms.set(node, []);
      terms.get(node).push(contribution);
      const first = terms.get(node).length === 1,
        waiting = awaited.get(node) - terms.get(node).length;
      steps.push({
        kind: "flow",
        node,
        source,
        k,
        upstream,
        local,
        contribution,
        before,
        after,
        first,
        waiting,
      });
    }
  }
  const sizes = steps.map((step) => Math.abs(step.contribution ?? 0)).filter(Number.isFinite);
  return { steps, forward, largest: sizes.reduce((a, b) => Math.max(a, b), 1e-300) };
}

/** What is known after the first k steps. */
function stateAfter(steps, k) {
  const made = new Set(),
    gradients = new Map(),
    flowed = [];
  for (const step of steps.slice(0, k)) {
    if (step.kind === "given" || step.kind === "made") made.add(step.node);
    else gradients.set(step.node, step);
    if (step.kind === "flow") flowed.push(step);
  }
  return { made, gradients, flowed };
}

// --- words ----------------------------------------------------------------------------------------

/** The step as a sentence, as autograd.steps has it. */
export function sentence(nodes, target, step) {
  const of = nodes[step.node],
    d = (i) => `d${nodes[target].name}/d${nodes[i].name}`;
  switch (step.kind) {
    case "given":
      return `${of.name} = ${decimal(of.data)} is given`;
    case "made": {
      const numbers = of.symbols === of.numbers ? "" : ` = ${of.numbers}`;
      return `${of.name} = ${of.symbols}${numbers} = ${decimal(of.data)}`;
    }
    case "seed":
      return `${d(target)} = 1.0: a change of ${of.name} is a change of ${of.name} as large`;
    case "ready": {
      const { terms, after } = step;
      if (terms.length === 1)
        return `${of.name} has heard from the one that uses it: ${d(step.node)} = ${decimal(after)}`;
      const sum = [decimal(terms[0]), ...terms.slice(1).map(factor)].join(" + ");
      return `${of.name} has heard from all ${terms.length} that use it: ${d(step.node)} = ${sum} = ${decimal(after)}`;
    }
    default: {
      const { source, upstream, local, contribution, before, after, first } = step;
      const rule = `${d(step.node)} += ${d(source)} * d${nodes[source].name}/d${of.name}`;
      const result = `${decimal(upstream)} * ${factor(local)} = ${decimal(contribution)}`;
      return (
        `${rule} = ${result}` + (first ? "" : `; with ${decimal(before)} from before: ${decimal(after)}`)
      );
    }
  }
}

/** What happens, without numbers. */
function headline(nodes, { kind, node, source, waiting }) {
  const { name } = nodes[node];
  if (kind === "given") return `${name} is given`;
  if (kind === "made") return `${name} is made of what it uses`;
  if (kind === "seed") return `it starts at ${name}`;
  if (kind === "ready") return `${name} is complete, and can pass its gradient on`;
  return `${nodes[source].name} passes gradient on to ${name}${waiting ? `, which waits for ${waiting} more` : ""}`;
}

/** The question a class is asked before the step is shown; null if there is nothing to compute. */
function question(nodes, target, step) {
  const of = nodes[step.node],
    name = nodes[target].name;
  if (step.kind === "made") {
    const made = of.symbols === of.numbers ? of.symbols : `${of.symbols} = ${of.numbers}`;
    return { words: `${of.name} = ${made}. What is its value?`, answer: of.data };
  }
  if (step.kind === "flow") {
    const from = nodes[step.source].name;
    return {
      words: `${from} passes d${name}/d${from} on to ${of.name}. How much arrives?`,
      answer: step.contribution,
    };
  }
  if (step.kind === "ready" && step.terms.length > 1) {
    return {
      words: `${of.name} has heard from all ${step.terms.length} that use it. What is d${name}/d${of.name}?`,
      answer: step.after,
    };
  }
  return null;
}
