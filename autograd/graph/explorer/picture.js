// The picture of a graph: cards for the nodes, edges, frames for the modules.

const MARKS = { input: "▶", parameter: "◆", operation: "■", result: "▣" };
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
let pictures = 0; // markers have names, and a notebook can show several explorers

// --- the picture of one view ----------------------------------------------------------------------

/** How a card stands to the one that was chosen. */
function relation({ place, up, down }, card) {
  if (card === place) return "chosen";
  if (up.has(card)) return "up";
  return down.has(card) ? "down" : "dim";
}

/** How an edge looks through which so much has flowed. */
function flowKind(sum = 0) {
  if (sum === 0) return "idle";
  if (!Number.isFinite(sum)) return "broken";
  return sum > 0 ? "positive" : "negative";
}

/** One way to fold the graph, drawn where graphviz put it. */
class Picture {
  constructor(graph, view, on) {
    Object.assign(this, { graph, view, closed: new Set(), id: `explorer${pictures++}` });
    const { width, height } = view;
    const arrow = (kind) =>
      make(
        "marker",
        {
          id: `${this.id}-${kind}`,
          class: `arrow ${kind}`,
          viewBox: "0 0 8 8",
          refX: 7,
          refY: 4,
          orient: "auto-start-reverse",
          markerWidth: 8,
          markerHeight: 8,
          markerUnits: "userSpaceOnUse",
        },
        make("path", { d: "M0 0L8 4L0 8z" }),
      );
    this.frames = view.frames.map(({ x, y, width, height }) =>
      make("rect", { class: "frame", x, y, width, height, rx: 10 }),
    );
    this.titles = view.frames.map((frame, i) => this.title(frame, i, on));
    this.edges = view.edges.map((edge) => make("path", { class: "edge", d: edge.d }));
    this.cards = view.cards.map((card) => this.card(card, on));
    this.covers = view.frames.map((frame) => this.card({ ...frame, node: null, isCover: true }, on));
    this.pill = make(
      "g",
      { class: "pill" },
      make("rect", { rx: 9, height: 18, y: -9 }),
      make("text", { y: 4 }),
    );
    this.edgeOf = new Map(
      view.edges.map(({ tail, head, operand }, i) => [`${tail}>${head}:${operand ?? ""}`, i]),
    );
    this.cardOf = this.cardsOfNodes();
    this.svg = make(
      "svg",
      { viewBox: `-8 -8 ${width + 16} ${height + 16}`, role: "group", "aria-label": "computation graph" },
      make("defs", {}, ...["idle", "positive", "negative", "broken"].map(arrow)),
      ...this.frames,
      ...this.edges,
      ...[...this.cards, ...this.covers].map(({ group }) => group),
      ...this.titles,
      this.pill,
    );
    this.close(new Set());
  }

  title({ module, x, y }, i, on) {
    const title = this.graph.modules[module].title;
    return make(
      "g",
      {
        class: "fold",
        role: "button",
        tabindex: 0,
        onclick: () => on.fold(i),
      },
      make("rect", { x: x + 4, y: y + 4, width: 9 * title.length + 22, height: 18, rx: 4 }),
      make("text", { x: x + 10, y: y + 17 }),
    );
  }

  card(card, on) {
    const { x, y, width, height, port = 0, band = 0 } = card,
      node = this.graph.nodes[card.node],
      text = {};
    const module = this.graph.modules[card.module],
      name = node ? node.name : module.title;
    const shown = module ? module.output : card.node;
    const group = make("g", { transform: `translate(${x},${y})`, tabindex: 0, role: "button" });
    group.append(make("rect", { class: "body", width, height, rx: module ? 12 : 6 }));
    const add = (key, attributes, content = "") =>
      group.append((text[key] = make("text", { class: key, ...attributes }, content)));
    if (node?.kind === "constant")
      add("name", { x: width / 2, y: 16, "text-anchor": "middle" }, cut(name, 18));
    else {
      if (node) {
        group.append(make("rect", { class: "band", x: port, width: band, height, rx: port ? 0 : 5 }));
        add(
          "symbol",
          { x: port + band / 2, y: height / 2 + 4, "text-anchor": "middle" },
          node.symbol || MARKS[node.kind],
        );
      }
      // A frame that was folded where it stands is larger than its text
      const left = Math.max(port + band + 7, module ? width / 2 - 80 : 0),
        right = width - left;
      const top = Math.max(0, (height - 60) / 2);
      add("name", { x: left, y: top + 17 }, card.isCover ? "" : cut(module ? `▢ ${name}` : name, 22));
      add("data", {
        x: module ? left : width - 7,
        y: top + (module ? 35 : 17),
        "text-anchor": module ? "start" : "end",
      });
      add("grad", { x: left, y: top + (module ? 53 : 35) });
      const beside = module && !card.isCover; // a cover's title stands on its frame
      add(
        "wait",
        { x: beside ? right : left, y: top + (module ? 17 : 53), "text-anchor": beside ? "end" : "start" },
        module ? `${module.size} nodes` : "",
      );
    }
    text.local = port
      ? node.parents.map((_, k) =>
          make("text", {
            class: "local",
            x: port - 5,
            y: ((k + 0.5) * height) / node.parents.length + 4,
            "text-anchor": "end",
          }),
        )
      : [];
    group.append(...text.local);
    const built = { ...card, group, text, name, shown };
    group.addEventListener("click", () => on.choose(built));
    for (const kind of ["mouseenter", "focus"]) group.addEventListener(kind, () => on.look(shown));
    for (const kind of ["mouseleave", "blur"]) group.addEventListener(kind, () => on.look(null));
    return built;
  }

  /** For each node the card it is on: its own, or that of the module it is folded into. */
  cardsOfNodes() {
    const own = new Map(this.view.cards.map((card, i) => [card.node ?? `m${card.module}`, i]));
    return this.graph.nodes.map((node, i) => {
      let m = node.module;
      while (!own.has(i) && !own.has(`m${m}`)) m = this.graph.modules[m].parent;
      return own.get(i) ?? own.get(`m${m}`);
    });
  }

  /** Fold the frames of these indices where they stand. A place is a card, or a frame that covers it. */
  close(closed) {
    this.closed = closed;
    const cover = new Map(this.view.frames.map(({ module }, i) => [module, i]));
    const { nodes, modules } = this.graph;
    const over = (m) => {
      let found = null;
      for (; m >= 0; m = modules[m].parent) if (closed.has(cover.get(m))) found = this.covers[cover.get(m)];
      return found;
    };
    this.places = this.cards.map(
      (card) => over(card.module === null ? nodes[card.node].module : modules[card.module].parent) ?? card,
    );
    this.placeOf = (node) => this.places[this.cardOf[node]];
    this.view.frames.forEach(({ module }, i) => {
      const covered = over(modules[module].parent) !== null;
      this.frames[i].toggleAttribute("hidden", covered || closed.has(i));
      this.covers[i].group.toggleAttribute("hidden", covered || !closed.has(i));
      this.titles[i].toggleAttribute("hidden", covered);
      this.titles[i].setAttribute(
        "aria-label",
        `${closed.has(i) ? "unfold" : "fold"} ${modules[module].title}`,
      );
      this.titles[i].lastChild.textContent = `${closed.has(i) ? "▸" : "▾"} ${modules[module].title}`;
    });
    this.cards.forEach((card, i) => card.group.toggleAttribute("hidden", this.places[i] !== card));
    this.view.edges.forEach(({ tail, head }, i) =>
      this.edges[i].toggleAttribute("hidden", this.places[tail] === this.places[head]),
    );
    // of a folded module with several outputs, the last to be made stands for it
    this.last = new Map(
      nodes.map((node, i) => [this.placeOf(i), node.op && node.op !== "constant" ? i : null]),
    );
  }

  /** Whether one sees a step happen: what is inside a folded module one does not. */
  shows(step) {
    const place = this.placeOf(step.node);
    if (step.kind === "flow") return place !== this.placeOf(step.source);
    if (place.node !== null || step.kind === "seed") return true;
    return step.kind === "made" && this.last.get(place) === step.node;
  }

  edge(step) {
    const ends = `${this.cardOf[step.node]}>${this.cardOf[step.source]}`;
    return this.edgeOf.get(`${ends}:${step.k}`) ?? this.edgeOf.get(`${ends}:`);
  }

  draw({ made, gradients, flowed }, step, hidden, chosen, largest) {
    const { nodes } = this.graph;
    const makes =
      step?.kind === "made" ? new Set(nodes[step.node].parents.map((p) => this.placeOf(p))) : null;
    const source = step?.kind === "flow" ? this.placeOf(step.source) : null;
    for (const card of [...this.cards, ...this.covers]) {
      if (card.group.hasAttribute("hidden")) continue;
      const node = nodes[card.shown],
        done = node !== undefined && (made.has(card.shown) || node.op === "constant");
      const arrived = gradients.get(card.shown),
        current = step && this.placeOf(step.node) === card;
      const landing = arrived && arrived === step && arrived.kind === "flow" && !arrived.first && !hidden;
      const asks = current && hidden ? step.kind : null;
      const role = current ? "current" : card === source || makes?.has(card) ? "from" : "";
      const mark = chosen ? relation(chosen, card) : "";
      const now = [done, arrived, landing, asks, role, mark];
      if (card.drawn && now.every((x, i) => x === card.drawn[i])) continue;
      card.drawn = now;
      this.drawCard(card, node, now);
    }
    this.drawEdges(flowed, step, chosen, largest);
    this.pill.setAttribute("hidden", "");
  }

  drawCard({ group, text, name, shown, node: own }, node, [done, arrived, landing, asks, role, mark]) {
    const { nodes } = this.graph;
    if (text.data) {
      let sum = arrived ? short(arrived.after) : "";
      if (landing) sum = `${short(arrived.before, 3)} + ${short(arrived.contribution, 3)}`;
      const asked = `∂ ${arrived ? `${short(arrived.after, 3)} + ` : ""}?`;
      text.data.textContent = done ? short(node.data) : asks === "made" ? "?" : "";
      text.grad.textContent = asks && asks !== "made" ? asked : sum && `∂ ${sum}`;
      if (own !== null) text.wait.textContent = arrived?.waiting ? `waiting for ${arrived.waiting} more` : "";
    }
    text.local.forEach((local, k) => {
      const flows = nodes[node.parents[k]].op !== "constant";
      local.textContent = !done ? "" : flows ? `×${short(node.partials[k], 3)}` : "·";
    });
    const kind = own === null ? "module" : node.kind,
      blank = done || shown === null ? "" : "blank";
    setClass(group, ["card", kind, blank, role, mark].filter(Boolean).join(" "));
    const value = done ? `, value ${decimal(node.data)}` : "",
      gradient = arrived ? `, gradient ${decimal(arrived.after)}` : "";
    group.setAttribute("aria-label", `${name}${node?.op ? `, ${node.op}` : ""}${value}${gradient}`);
  }

  drawEdges(flowed, step, chosen, largest) {
    const sums = new Map();
    for (const flow of flowed) {
      const i = this.edge(flow);
      if (i !== undefined) sums.set(i, (sums.get(i) ?? 0) + flow.contribution);
    }
    const now = step?.kind === "flow" ? this.edge(step) : undefined;
    this.edges.forEach((path, i) => {
      const { tail, head } = this.view.edges[i],
        sum = sums.get(i),
        places = [this.places[tail], this.places[head]];
      const kind = flowKind(sum);
      const making = step?.kind === "made" && this.cardOf[step.node] === head;
      const within = (family) => places.every((p) => p === chosen.place || family.has(p));
      const dim = chosen && !within(chosen.up) && !within(chosen.down);
      const text = `edge ${kind}${i === now ? " current" : making ? " making" : ""}${dim ? " dim" : ""}`;
      const width =
        kind === "idle" || kind === "broken"
          ? ""
          : (1.2 + 3.6 * Math.sqrt(Math.min(1, Math.abs(sum) / largest))).toFixed(2);
      if (path.getAttribute("class") === text && path.style.strokeWidth === width) return;
      setClass(path, text);
      path.style.strokeWidth = width;
      path.removeAttribute(kind === "idle" ? "marker-start" : "marker-end");
      path.setAttribute(kind === "idle" ? "marker-end" : "marker-start", `url(#${this.id}-${kind})`);
    });
  }

  /** The contribution travels along its edge, from the result to the operand. */
  pulse(step, hidden) {
    const path = this.edges[this.edge(step)],
      length = path.getTotalLength(),
      text = hidden ? "?" : signed(step.contribution);
    const [box, label] = this.pill.children,
      width = 10 + 6.6 * text.length,
      rest = Math.min(length / 2, width / 2 + 10);
    setClass(this.pill, `pill ${isNegative(step.contribution) && !hidden ? "negative" : "positive"}`);
    label.textContent = text;
    box.setAttribute("width", width);
    box.setAttribute("x", -width / 2);
    const put = (at) => {
      const { x, y } = path.getPointAtLength(at);
      this.pill.setAttribute("transform", `translate(${x.toFixed(1)},${y.toFixed(1)})`);
    };
    this.pill.removeAttribute("hidden");
    const start = performance.now(),
      lasts = calm() ? 0 : 450,
      turn = (this.turn = {});
    const move = (now) => {
      if (this.turn !== turn || !this.svg.isConnected) return;
      const part = lasts ? Math.min(1, Math.max(0, (now - start) / lasts)) : 1;
      put(length + (rest - length) * part * (2 - part));
      if (part < 1) requestAnimationFrame(move);
    };
    move(start);
  }
}
