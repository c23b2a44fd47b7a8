// The token tree of one round. A node's fate shows by its shape, its outline, its mark and its words; colour is extra.

import { svg, html, percent, shorten, visible } from "./dom.js";

const ROW = 28;
const HEIGHT = 22;
const GAP = 26;
const LABEL = 14;
const CHARACTER = 7.3;

export const FATES = {
  a: { name: "accepted", mark: "✓", words: "verified, and the target took it" },
  r: { name: "rejected", mark: "✕", words: "verified, and the target took another token" },
  u: { name: "unverified", mark: "○", words: "drafted, but never verified: not worth its place in the pass" },
  c: { name: "correction", mark: "◆", words: "the target's own token" },
};

/// Nodes with their places: a first child stands beside its parent, others below, so the likeliest path is a line.
function layout(tree) {
  const nodes = tree.nodes.map(([parent, text, probability, fate, workers], index) => {
    const label = shorten(visible(text), LABEL);
    return { index, parent, text, label, probability, fate, workers, children: [] };
  });
  const root = { index: -1, parent: null, fate: "b", label: "base", children: [], column: 0 };
  const order = { a: 0, c: 1, r: 2, u: 3 };
  for (const node of nodes) (nodes[node.parent] ?? root).children.push(node);
  const end = nodes.findLast((node) => node.fate === "a") ?? root;
  const correction = { index: nodes.length, parent: end.index, text: tree.correction, fate: "c", workers: [], children: [],
    label: shorten(visible(tree.correction), LABEL), probability: null };
  end.children.push(correction);
  const all = [root, ...nodes, correction];
  for (const node of all) {
    node.children.sort((one, other) => order[one.fate] - order[other.fate] || other.probability - one.probability);
  }
  let rows = 0;
  const widths = [];
  const place = (node, column, row) => {
    Object.assign(node, { column, row });
    node.width = (Math.max(1, [...node.label].length) + (node.fate === "b" ? 0 : 2)) * CHARACTER + 12 + 2 * inset(node);
    widths[column] = Math.max(widths[column] ?? 0, node.width);
    for (const [number, child] of node.children.entries()) {
      if (number > 0) rows += 1;
      place(child, column + 1, rows);
    }
  };
  place(root, 0, 0);
  const starts = [];
  widths.reduce((sum, width, column) => ((starts[column] = sum), sum + width + GAP), 8);
  for (const node of all) Object.assign(node, { x: starts[node.column], y: 10 + node.row * ROW + HEIGHT / 2 });
  return { root, all, width: starts.at(-1) + widths.at(-1) + 10, height: 20 + rows * ROW + HEIGHT };
}

/// How much wider than its words a node is at each end, for the points of a correction.
const inset = ({ fate }) => (fate === "c" ? 6 : 0);

/// The outline of a node: a pill, a box, a dashed box with cut corners, or a box with pointed ends.
function outline({ fate, x, y, width }) {
  const [top, bottom, right] = [y - HEIGHT / 2, y + HEIGHT / 2, x + width];
  if (fate === "a" || fate === "b") return svg("rect", { x, y: top, width, height: HEIGHT, rx: HEIGHT / 2 });
  if (fate === "r") return svg("rect", { x, y: top, width, height: HEIGHT, rx: 1 });
  const cut = fate === "c" ? HEIGHT / 2 : 5;
  const lower = fate === "c" ? y : bottom - cut;
  const upper = fate === "c" ? y : top + cut;
  const points = [[x + cut, top], [right - cut, top], [right, upper], [right, lower], [right - cut, bottom],
    [x + cut, bottom], [x, lower], [x, upper]];
  return svg("polygon", { points: points.map((point) => point.join(",")).join(" ") });
}

function edge(parent, node) {
  const from = parent.x + parent.width;
  const middle = node.x - GAP / 2;
  if (parent.y === node.y) return `M${from} ${node.y}H${node.x}`;
  return `M${from} ${parent.y}H${middle - 6}Q${middle} ${parent.y} ${middle} ${parent.y + 6}V${node.y - 6}`
    + `Q${middle} ${node.y} ${middle + 6} ${node.y}H${node.x}`;
}

export class TreeView {
  constructor(box, detail) {
    Object.assign(this, { box, detail });
    this.nodes = [];
    this.show(null);
  }

  /// Draws the tree of a round; null for none.
  show(tree, { round, length } = {}) {
    const hadFocus = this.box.contains(document.activeElement);
    this.detail.textContent = "";
    if (!tree) {
      this.nodes = [];
      this.box.replaceChildren(html("p", { class: "placeholder" },
        "When a request runs and workers draft for it, its tree is drawn here, round by round."));
      return;
    }
    this.workers = tree.workers;
    const { root, all, width, height } = layout(tree);
    const counts = Object.keys(FATES).map((fate) => all.filter((node) => node.fate === fate).length);
    const label = `Token tree of round ${round}: ${counts[0]} accepted, ${counts[1]} rejected, ${counts[2]} never verified`
      + `, ${tree.omitted} more not shown`;
    const picture = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "tree", "aria-label": label });
    root.label = "base";
    const edges = svg("g", { "aria-hidden": "true" });
    const items = svg("g", { role: "none" });
    this.nodes = all.filter((node) => node.fate !== "b");
    for (const node of this.nodes) {
      const parent = all.find(({ index }) => index === node.parent) ?? root;
      Object.assign(node, { above: parent === root ? null : parent });
      edges.append(svg("path", { d: edge(parent, node), class: `edge ${FATES[node.fate].name}` }));
      items.append(this.item(node));
    }
    items.prepend(svg("g", { class: "node base", "aria-hidden": "true" }, outline(root),
      svg("text", { x: root.x + root.width / 2, y: root.y + 4, "text-anchor": "middle" }, root.label)));
    picture.append(edges, items);
    const omitted = tree.omitted ? html("p", { class: "note" }, `${tree.omitted} less probable nodes are not shown`) : null;
    this.box.replaceChildren(...[picture, omitted].filter(Boolean));
    const first = this.nodes.find(({ fate }) => fate === "a") ?? this.nodes[0];
    first.element.setAttribute("tabindex", "0");
    if (hadFocus) first.element.focus({ preventScroll: true });
    this.summary = `after ${length} tokens`;
  }

  item(node) {
    const fate = FATES[node.fate];
    const share = node.probability === null ? "" : `, believed to ${percent(node.probability)}`;
    const element = svg("g", { class: `node ${fate.name}`, role: "treeitem", tabindex: "-1", "aria-level": node.column,
      "aria-label": `${visible(node.text)}: ${fate.name}${share}${this.names(node)}`,
      onkeydown: (event) => this.move(event, node), onfocus: () => this.focused(node), onclick: () => this.take(node) },
      outline(node),
      svg("text", { x: node.x + 8 + inset(node), y: node.y + 4, class: "fate" }, fate.mark),
      svg("text", { x: node.x + 8 + inset(node) + 2 * CHARACTER, y: node.y + 4 }, node.label));
    node.element = element;
    return element;
  }

  names(node) {
    const drafters = node.workers.map((place) => this.workers[place]).filter(Boolean);
    return drafters.length ? `, from ${drafters.map(({ id, drafter }) => `${drafter} (${id})`).join(" and ")}` : "";
  }

  take(node) {
    for (const other of this.nodes) other.element.setAttribute("tabindex", "-1");
    node.element.setAttribute("tabindex", "0");
    node.element.focus();
  }

  focused(node) {
    const fate = FATES[node.fate];
    const belief = node.probability === null ? "" : ` The verifier gave it ${percent(node.probability, 1)} after its parent.`;
    this.detail.textContent = `${fate.mark} ${visible(node.text)} — ${fate.name}: ${fate.words}${this.names(node)}.${belief}`;
  }

  /// Arrow keys walk along edges and between rows.
  move(event, node) {
    const others = this.nodes.filter((other) => other.column === node.column && other !== node);
    const below = others.filter((other) => other.row > node.row).sort((one, other) => one.row - other.row)[0];
    const above = others.filter((other) => other.row < node.row).sort((one, other) => other.row - one.row)[0];
    const next = { ArrowRight: node.children[0], ArrowLeft: node.above, ArrowDown: below, ArrowUp: above,
      Home: this.nodes.find(({ column }) => column === 1), End: this.nodes.find(({ fate }) => fate === "c") }[event.key];
    if (!(event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End")) return;
    event.preventDefault();
    if (!next) return;
    this.take(next);
    next.element.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
}

/// The legend: each fate as it is drawn.
export function legend() {
  return Object.entries(FATES).map(([fate, { name, mark, words }]) => {
    const node = { fate, x: 1, y: 12, width: 34 };
    const picture = svg("svg", { width: 36, height: 24, "aria-hidden": "true" },
      svg("g", { class: `node ${name}` }, outline(node), svg("text", { x: 18, y: 16, "text-anchor": "middle", class: "fate" }, mark)));
    return html("li", {}, picture, html("span", {}, html("b", {}, name), ` ${words}`));
  });
}
