// The verifier's tables and the list of its events.

import { html, byID, digits, duration, percent, setText, whole } from "./dom.js";
import { EventLog, Rows, cells, fill } from "./widgets.js";

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
    this.log = new EventLog(list);
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
      return this.log.add("start", `${count} ${count === 1 ? "worker is" : "workers are"} connected`);
    }
    for (const worker of workers) {
      const old = before.get(worker.id);
      const name = `${worker.name} (${worker.id}, ${worker.drafter})`;
      if (!old) this.log.add("join", `${name} joined`);
      if (old?.connected !== false && !worker.connected) this.log.add("leave", `${name} left`);
      else if (!old?.rest && worker.rest) this.log.add("rest", `${name} rests: ${worker.rest}`);
      else if (old?.rest && !worker.rest) this.log.add("join", `${name} drafts again`);
    }
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
