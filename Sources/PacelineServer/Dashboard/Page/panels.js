// Tiles, tables and the list of events.

import { html, byID, clock, digits, duration, percent, setText, whole } from "./dom.js";

const EVENTS = 40;

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
class Rows {
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

function fill(row, cells) {
  cells.forEach((text, place) => {
    if (text !== null) setText(row.children[place], text);
  });
}

const cells = (count, words) => Array.from({ length: count }, (_, place) => html("td", words.has(place) ? { class: "words" } : {}));

export class WorkersTable {
  constructor() {
    this.rows = new Rows(byID("workers"), "no worker is connected; the verifier decodes plainly");
  }

  /// - gains: by worker id, {drafted, accepted} over the last minute.
  show(workers, gains) {
    const connected = workers.filter((worker) => worker.connected);
    this.rows.show(connected, ({ id }) => id, () => this.make(), (row, worker) => {
      const gain = gains.get(worker.id);
      const share = gain.drafted > 0 ? gain.accepted / gain.drafted : NaN;
      const state = worker.rest ? "rests" : worker.credit === 0 ? "idle" : "drafts";
      fill(row, [`${worker.name} (${worker.id})`, worker.drafter, state, whole(worker.requests), whole(gain.drafted),
        whole(gain.accepted), null]);
      row.children[2].title = worker.rest ?? "";
      row.bar.style.width = `${Math.round((share || 0) * 100)}%`;
      setText(row.share, percent(share, 1));
    });
  }

  make() {
    const row = html("tr", {}, ...cells(6, new Set([0, 1, 2])));
    row.bar = html("span", { class: "fill" });
    row.share = html("span", { class: "share" });
    row.append(html("td", { class: "words" }, html("span", { class: "meter", "aria-hidden": "true" }, row.bar), row.share));
    return row;
  }
}

export class RunningTable {
  constructor(onChoose) {
    this.onChoose = onChoose;
    this.rows = new Rows(byID("running"), "no request of yours runs");
  }

  show(entries, watched) {
    this.rows.show(entries, ({ request }) => request, (entry) => this.make(entry), (row, entry) => {
      const rounds = entry.rounds ? digits(entry.generated / entry.rounds) : "–";
      fill(row, [null, entry.phase, whole(entry.prompt), whole(entry.generated), whole(entry.drafted), whole(entry.accepted),
        rounds, duration(entry.age)]);
      row.classList.toggle("chosen", entry.request === watched);
      row.button.setAttribute("aria-pressed", String(entry.request === watched));
    });
  }

  make(entry) {
    const row = html("tr", {}, ...cells(8, new Set([0, 1])));
    row.button = html("button", { type: "button", class: "pick", onclick: () => this.onChoose(entry.request) },
      entry.id || `request ${entry.request}`);
    row.children[0].append(row.button);
    return row;
  }
}

/// Workers that come, go, rest and draft again, read off the lists of two moments.
export class Events {
  constructor(list) {
    this.list = list;
    this.known = null;
  }

  clear() {
    this.known = null;
  }

  take(workers) {
    const before = this.known;
    this.known = new Map(workers.map((worker) => [worker.id, worker]));
    if (!before) {
      const count = workers.filter((worker) => worker.connected).length;
      return this.add("start", `${count} ${count === 1 ? "worker is" : "workers are"} connected`);
    }
    for (const worker of workers) {
      const old = before.get(worker.id);
      const name = `${worker.name} (${worker.id}, ${worker.drafter})`;
      if (!old) this.add("join", `${name} joined`);
      if (old?.connected !== false && !worker.connected) this.add("leave", `${name} left`);
      else if (!old?.rest && worker.rest) this.add("rest", `${name} rests: ${worker.rest}`);
      else if (old?.rest && !worker.rest) this.add("join", `${name} drafts again`);
    }
  }

  add(kind, words) {
    const sign = { join: "+", leave: "−", rest: "‖", start: "•" }[kind];
    this.list.prepend(html("li", { class: kind }, html("time", {}, clock(new Date())),
      html("span", { class: "sign", "aria-hidden": "true" }, sign), html("span", {}, words)));
    while (this.list.children.length > EVENTS) this.list.lastChild.remove();
  }
}

/// The choice of a request to watch.
export class RequestChoice {
  constructor(onChoose) {
    this.select = byID("request");
    this.select.addEventListener("change", () => onChoose(this.select.value));
  }

  get value() {
    return this.select.value;
  }

  set value(request) {
    this.ensure(String(request), `request ${request}`);
    this.select.value = String(request);
  }

  show(entries) {
    const wanted = new Set(["latest", this.select.value, ...entries.map(({ request }) => String(request))]);
    for (const option of [...this.select.options]) if (!wanted.has(option.value)) option.remove();
    for (const { request, id } of entries) this.ensure(String(request), id || `request ${request}`);
  }

  ensure(value, label) {
    if (![...this.select.options].some((option) => option.value === value)) this.select.append(html("option", { value }, label));
  }
}
