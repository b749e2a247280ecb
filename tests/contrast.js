// The contrast ratio (WCAG 2.2) of every text on the page with what is behind it, and of lines.
() => {
  const parse = (text) => text.match(/[\d.]+/g).map(Number);
  const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) =>
    0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const ratio = (a, b) => {
    const [lighter, darker] = [luminance(a), luminance(b)].sort((m, n) => n - m);
    return (lighter + 0.05) / (darker + 0.05);
  };
  const opaque = (element) => {
    const style = getComputedStyle(element);
    const drawn = element instanceof SVGElement && element.tagName !== "svg";
    const colour = drawn ? style.fill : style.backgroundColor;
    if (!colour.startsWith("rgb") || element.tagName === "text") return null;
    const parts = parse(colour);
    return parts.length === 3 || parts[3] === 1 ? parts : null;
  };
  const texts = [];
  for (const e of document.querySelectorAll("main *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim());
    if (!own || e.tagName === "OPTION" || e.closest("[hidden]")) continue;
    const { x, y, width, height } = e.getBoundingClientRect();
    const below = document.elementsFromPoint(x + width / 2, y + height / 2).map(opaque);
    const ground = below.find((colour) => colour);
    if (!ground) continue; // scrolled out of sight
    const { fill, color } = getComputedStyle(e);
    texts.push([ratio(parse(e.tagName === "text" ? fill : color), ground), e.textContent]);
  }
  const one = (query) => getComputedStyle(document.querySelector(query));
  const grounds = [one("main").backgroundColor, one(".frame").fill].map(parse);
  const drawn = [".edge.positive", ".edge.negative", ".edge.idle", ".body", ".current .body"];
  const lines = drawn.flatMap((query) =>
    grounds.map((ground) => [ratio(parse(one(query).stroke), ground), query]),
  );
  return { texts, lines };
};
