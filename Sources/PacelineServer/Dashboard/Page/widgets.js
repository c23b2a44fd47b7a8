// Tiles, tables and lists of events, whatever they show.

import { html, clock, setText } from "./dom.js";

const EVENTS = 40;
const SIGNS = { join: "+", leave: "−", rest: "‖", move: "→", start: "•" };

/// The figures at a glance: {name, value, unit, note}.
export class Tiles {
  constructor(box) {
    this.box = box;
    this.tiles = new Map();
  }

  show(list) {
    for (const { name, value, unit, note } of list) {
      let tile = this.tiles.get(name);
      if (!tile) {
        const [number, small, below] = [html("span", { class: "number" }), html("span", { class: "unit" }), html("p", { class: "note" })];
        const root = html("div", { class: "tile" }, html("h3", {}, name), html("p", { class: "big" }, number, " ", small), below);
        this.box.append(root);
        tile = { number, small, below };
        this.tiles.set(name, tile);
      }
      setText(tile.number, value);
      setText(tile.small, unit ?? "");
      setText(tile.below, note ?? "");
    }
  }
}

/// Rows of a table that stay the same elements while their key does.
export class Rows {
  constructor(body, empty) {
    Object.assign(this, { body, rows: new Map() });
    const columns = body.closest("table").querySelectorAll("th").length;
    this.empty = html("tr", {}, html("td", { colspan: columns, class: "words muted" }, empty));
  }

  /// - make(item) returns an element; update(element, item) fills it.
  show(items, key, make, update) {
    const wanted = new Set(items.map(key));
    for (const [name, row] of this.rows) {
      if (wanted.has(name)) continue;
      row.remove();
      this.rows.delete(name);
    }
    items.forEach((item, place) => {
      let row = this.rows.get(key(item));
      if (!row) this.rows.set(key(item), (row = make(item)));
      update(row, item);
      if (this.body.children[place] !== row) this.body.insertBefore(row, this.body.children[place] ?? null);
    });
    if (items.length) this.empty.remove();
    else this.body.append(this.empty);
  }
}

export function fill(row, cells) {
  cells.forEach((text, place) => {
    if (text !== null) setText(row.children[place], text);
  });
}

export const cells = (count, words) => Array.from({ length: count }, (_, place) => html("td", words.has(place) ? { class: "words" } : {}));

/// What happened, the latest first.
export class EventLog {
  constructor(list) {
    this.list = list;
  }

  /// - kind: names the sign before the words, and its colour.
  add(kind, words) {
    this.list.prepend(html("li", { class: kind }, html("time", {}, clock(new Date())),
      html("span", { class: "sign", "aria-hidden": "true" }, SIGNS[kind]), html("span", {}, words)));
    while (this.list.children.length > EVENTS) this.list.lastChild.remove();
  }
}
