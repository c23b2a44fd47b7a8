// Charts as SVG: lines over time, bars, and points beside a curve. Every axis has its unit.

import { svg, digits } from "./dom.js";

const MARGIN = { left: 42, right: 12, top: 24, bottom: 34 };

/// How much time a chart shows, the least that holds what there is, and the steps of its axis; in seconds.
const SPANS = [[60, 10], [120, 30], [300, 60]];

/// Round steps of an axis from 0 to at least `most`.
export function ticks(most, count) {
  const rough = Math.max(most, 1e-9) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999);
  const steps = Math.max(1, Math.ceil(most / step - 1e-9));
  return Array.from({ length: steps + 1 }, (_, place) => place * step);
}

const tickText = (value) => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3))));

/// A chart in a box. Subclasses draw into `this.plot` with `this.x()` and `this.y()`.
class Chart {
  constructor(box, { label, xUnit, yUnit, height = 200, emptyText = "nothing yet" }) {
    Object.assign(this, { box, label, xUnit, yUnit, height, emptyText });
    this.root = svg("svg", { role: "img", "aria-label": label });
    box.append(this.root);
    this.width = 0;
    this.redraw = () => {};
    new ResizeObserver(() => this.resize()).observe(box);
  }

  resize() {
    const width = Math.floor(this.box.clientWidth);
    if (width === this.width || width === 0) return;
    this.width = width;
    this.root.setAttribute("viewBox", `0 0 ${width} ${this.height}`);
    this.root.setAttribute("width", width);
    this.root.setAttribute("height", this.height);
    this.redraw();
  }

  get inner() {
    return { width: this.width - MARGIN.left - MARGIN.right, height: this.height - MARGIN.top - MARGIN.bottom };
  }

  /// Draws axes for x from `xs[0]` to `xs[1]` and y from 0 to the last of `yTicks`.
  begin(xs, xTicks, yTicks, xText = tickText, yText = tickText) {
    const { width, height } = this.inner;
    const top = yTicks.at(-1);
    this.x = (value) => MARGIN.left + ((value - xs[0]) / (xs[1] - xs[0])) * width;
    this.y = (value) => MARGIN.top + height - (Math.min(value, top) / top) * height;
    const bottom = MARGIN.top + height;
    const axes = svg("g", { class: "axes", "aria-hidden": "true" });
    for (const value of yTicks) {
      const y = Math.round(this.y(value)) + 0.5;
      axes.append(
        svg("line", { x1: MARGIN.left, x2: MARGIN.left + width, y1: y, y2: y, class: value === 0 ? "axis" : "grid" }),
        svg("text", { x: MARGIN.left - 6, y: y + 3.5, "text-anchor": "end" }, yText(value)),
      );
    }
    for (const [place, value] of xTicks.entries()) {
      const x = this.x(value);
      const anchor = place === xTicks.length - 1 && x > this.width - 30 ? "end" : "middle";
      axes.append(svg("text", { x, y: bottom + 15, "text-anchor": anchor }, xText(value)));
    }
    axes.append(
      svg("text", { x: MARGIN.left + width / 2, y: this.height - 4, "text-anchor": "middle", class: "unit" }, this.xUnit),
      svg("text", { x: 2, y: 10, class: "unit" }, this.yUnit),
    );
    this.plot = svg("g");
    this.root.replaceChildren(axes, this.plot);
  }

  describe(words) {
    this.root.setAttribute("aria-label", `${this.label}: ${words}`);
  }

  path(points, className) {
    let path = "";
    let isOpen = false;
    for (const { x, y } of points) {
      if (y === null || !Number.isFinite(y)) {
        isOpen = false;
        continue;
      }
      path += `${isOpen ? "L" : "M"}${this.x(x).toFixed(1)} ${this.y(y).toFixed(1)}`;
      isOpen = true;
    }
    if (path) this.plot.append(svg("path", { d: path, class: className }));
  }

  empty(words) {
    const { width, height } = this.inner;
    const at = { x: MARGIN.left + width / 2, y: MARGIN.top + height / 2, "text-anchor": "middle", class: "empty" };
    this.plot.append(svg("text", at, words));
  }
}

/// Lines over the last minutes. Each series has points {x: seconds before now, y}, a class and a name.
export class TimeChart extends Chart {
  constructor(box, options) {
    super(box, { xUnit: "", ...options });
    this.least = options.least ?? 1;
    this.most = options.most;
    this.yText = options.yText;
  }

  draw(series) {
    this.redraw = () => this.draw(series);
    if (this.width === 0) return;
    const values = series.flatMap(({ points }) => points.map(({ y }) => y)).filter(Number.isFinite);
    const most = this.most ?? Math.max(this.least, ...values) * 1.08;
    const oldest = Math.min(0, ...series.map(({ points }) => points[0]?.x ?? 0));
    const [span, step] = SPANS.find(([seconds]) => seconds >= -oldest) ?? SPANS.at(-1);
    const xTicks = Array.from({ length: span / step + 1 }, (_, place) => place * step - span);
    const text = (value) => (value === 0 ? "now" : String(span > 60 ? -value / 60 : -value));
    this.xUnit = span > 60 ? "minutes ago" : "seconds ago";
    this.begin([-span, 0], xTicks, ticks(most, 4), text, this.yText);
    for (const { points, className, fills } of series) {
      if (fills) this.fill(points);
      this.path(points, `line ${className}`);
    }
    this.labelEnds(series);
    if (!values.length) this.empty(this.emptyText);
    this.describe(series.map(({ name, points }) => `${name} ${digits(points.at(-1)?.y ?? null)}`).join(", "));
  }

  fill(points) {
    const known = points.filter(({ y }) => Number.isFinite(y));
    if (known.length < 2) return;
    const line = known.map(({ x, y }) => `L${this.x(x).toFixed(1)} ${this.y(y).toFixed(1)}`).join("");
    const start = `M${this.x(known[0].x).toFixed(1)} ${this.y(0)}`;
    this.plot.append(svg("path", { d: `${start}${line}L${this.x(known.at(-1).x).toFixed(1)} ${this.y(0)}Z`, class: "area" }));
  }

  /// A mark at the end of each line, so that lines differ by shape too.
  labelEnds(series) {
    for (const { points, className } of series) {
      const last = points.findLast(({ y }) => Number.isFinite(y));
      if (last) this.plot.append(mark(className, this.x(last.x), this.y(last.y)));
    }
  }
}

/// The mark of a series: a disc, or a square for the second one.
export function mark(className, x, y) {
  return className.includes("second")
    ? svg("rect", { x: x - 3.5, y: y - 3.5, width: 7, height: 7, class: `mark ${className}` })
    : svg("circle", { cx: x, cy: y, r: 3.5, class: `mark ${className}` });
}

/// Bars, each with its value: {name, value, text}.
export class BarChart extends Chart {
  draw(bars, most, yText) {
    this.redraw = () => this.draw(bars, most, yText);
    if (this.width === 0) return;
    const count = Math.max(bars.length, 4);
    this.begin([0.5, count + 0.5], bars.map((_, place) => place + 1), ticks(most, 4), (place) => bars[place - 1].name, yText);
    const width = Math.min(44, (this.inner.width / count) * 0.72);
    for (const [place, { value, text }] of bars.entries()) {
      const [x, y] = [this.x(place + 1), this.y(value)];
      this.plot.append(
        svg("rect", { x: x - width / 2, y, width, height: Math.max(0, this.y(0) - y), class: "bar", rx: 2 }),
        svg("text", { x, y: y - 4, "text-anchor": "middle", class: "value" }, width > 24 ? text : ""),
      );
    }
    if (!bars.length) this.empty(this.emptyText);
    this.describe(bars.map(({ name, text }) => `${name}: ${text}`).join(", ") || "nothing yet");
  }
}

/// Points beside a curve; both are arrays of [x, y].
export class CurveChart extends Chart {
  draw(curve, points) {
    this.redraw = () => this.draw(curve, points);
    if (this.width === 0) return;
    // Prompts make passes of many rows; the axis shows them if there are any.
    const widest = Math.max(8, ...points.map(([rows]) => rows));
    const shown = curve.filter(([rows], place) => rows <= widest || (curve[place - 1]?.[0] ?? 0) < widest);
    const xTicks = ticks(widest, 6);
    const range = [0, xTicks.at(-1)];
    const inside = shown.filter(([rows]) => rows <= range[1]);
    const beyond = shown.find(([rows]) => rows > range[1]);
    if (beyond && inside.length) {
      const [left, right] = [inside.at(-1), beyond];
      const share = (range[1] - left[0]) / (right[0] - left[0]);
      inside.push([range[1], left[1] + share * (right[1] - left[1])]);
    }
    const most = Math.max(1, ...inside.map(([, time]) => time), ...points.map(([, time]) => time)) * 1.08;
    this.begin(range, xTicks, ticks(most, 4));
    for (const [rows, time] of points) {
      this.plot.append(svg("circle", { cx: this.x(rows), cy: this.y(time), r: 2.6, class: "sample" }));
    }
    this.path(inside.map(([x, y]) => ({ x, y })), "line first");
    for (const [rows, time] of inside) {
      if (rows < range[1]) this.plot.append(svg("path", { class: "mark first", d: diamond(this.x(rows), this.y(time), 4) }));
    }
    const ends = inside.length ? `the curve goes from ${digits(inside[0][1])} to ${digits(inside.at(-1)[1])} ms` : "no curve";
    this.describe(`${ends}; ${points.length} passes`);
  }
}

export const diamond = (x, y, size) => `M${x - size} ${y}L${x} ${y - size}L${x + size} ${y}L${x} ${y + size}Z`;
