// The gateway's tables: its verifiers, and the requests that moved; and what happens to them in time.

import { html, byID, setText, whole } from "./dom.js";
import { EventLog, Rows, cells, fill } from "./widgets.js";

/// A verifier's state: its mark, its words in the table, and the words and the kind of the event when it begins.
const STATES = {
  ready: { mark: "●", words: "ready", kind: "join", news: "is ready" },
  spare: { mark: "○", words: "spare address", kind: "join", news: "is another address of a verifier that is known" },
  refusing: { mark: "‖", words: "loading or leaving", kind: "rest", news: "takes no requests: it loads, or is about to end" },
  foreign: { mark: "≠", words: "no verifier", kind: "leave", news: "answers, but not as a verifier does" },
  down: { mark: "✕", words: "does not answer", kind: "leave", news: "does not answer" },
  unknown: { mark: "?", words: "not known yet", kind: "start", news: "is being asked" },
};

const REASONS = {
  unreachable: "no connection could be made",
  disconnected: "its connection ended",
  stalled: "its stream was silent",
  unhealthy: "it did not answer about its health",
  full: "it had no room",
  leaving: "it was loading, or about to end",
  unavailable: "it could not take or finish it",
  failed: "it reported a fault of its own",
  foreign: "it went on with something else",
};

export const total = (counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);

export const stateWords = (state) => STATES[state]?.words ?? state;

const plural = (count, one, many) => `${whole(count)} ${count === 1 ? one : many}`;

/// The beginnings of generations that tell them apart; whole ones are long.
export function shortGenerations(replicas) {
  const names = [...new Set(replicas.map(({ generation }) => generation).filter(Boolean))];
  for (let length = 11; ; length += 1) {
    const short = new Map(names.map((name) => [name, name.length > length + 1 ? `${name.slice(0, length)}…` : name]));
    if (new Set(short.values()).size === names.length) return short;
  }
}

function takesNew(replica) {
  if (replica.active) return "yes";
  if (!replica.listed) return "no, it left the list";
  if (replica.state === "spare") return "no, at another address";
  return replica.state === "ready" ? "no, others are more" : "no";
}

export class ReplicasTable {
  constructor() {
    const body = byID("replicas");
    this.labels = [...body.closest("table").querySelectorAll("th")].map(({ textContent }) => textContent);
    this.rows = new Rows(body, "no verifier is known; --verifier and --discover name them");
  }

  show(replicas) {
    const short = shortGenerations(replicas);
    const most = Math.max(1, ...replicas.map(({ outstanding }) => outstanding));
    this.rows.show(replicas, ({ address }) => address, (replica) => this.make(replica), (row, replica) => {
      const { mark, words } = STATES[replica.state] ?? STATES.unknown;
      fill(row, [replica.address, null, takesNew(replica), short.get(replica.generation) ?? "–", whole(replica.requests), null,
        whole(total(replica.moves)), null]);
      row.children[3].title = replica.generation ?? "";
      row.children[1].className = `words state ${replica.state}`;
      setText(row.mark, mark);
      setText(row.words, words);
      row.bar.style.width = `${Math.round((replica.outstanding / most) * 100)}%`;
      setText(row.outstanding, whole(replica.outstanding));
    });
  }

  make(replica) {
    const row = html("tr", { role: "row" }, ...cells(8, new Set([0, 1, 2, 3, 7])));
    [...row.children].forEach((cell, place) => {
      cell.setAttribute("role", "cell");
      cell.dataset.label = this.labels[place];
    });
    row.mark = html("span", { class: "sign", "aria-hidden": "true" });
    row.words = html("span", {});
    row.children[1].append(html("span", {}, row.mark, " ", row.words));
    row.bar = html("span", { class: "fill" });
    row.outstanding = html("span", { class: "share" });
    row.children[5].append(html("span", {}, html("span", { class: "meter", "aria-hidden": "true" }, row.bar), row.outstanding));
    row.children[7].append(html("a", { href: replica.url, rel: "noreferrer" }, "open its dashboard",
      html("span", { class: "unseen" }, ` with the token tree: ${replica.address}`)));
    return row;
  }
}

export class MovesTable {
  constructor() {
    this.rows = new Rows(byID("moves"), "no request had to move");
  }

  show({ retries, failovers }) {
    const reasons = Object.keys(REASONS).filter((reason) => retries[reason] || failovers[reason]);
    this.rows.show(reasons, (reason) => reason, () => html("tr", {}, ...cells(3, new Set([0]))), (row, reason) =>
      fill(row, [REASONS[reason], whole(retries[reason] ?? 0), whole(failovers[reason] ?? 0)]));
  }
}

/// What happens to verifiers and to their requests, read off the figures of two moments.
export class ReplicaEvents {
  constructor(list) {
    this.log = new EventLog(list);
    this.known = null;
  }

  /// Another process answers; what was known is no longer so.
  restart() {
    if (this.known) this.log.add("start", "the gateway was started again");
    this.known = null;
  }

  take(figures) {
    const before = this.known;
    this.known = figures;
    if (!before) {
      const { length } = figures.replicas.filter(({ active }) => active);
      const words = `${plural(figures.replicas.length, "verifier is", "verifiers are")} known, ${whole(length)} of them`;
      return this.log.add("start", `${words} ${length === 1 ? "gets" : "get"} new requests`);
    }
    const old = new Map(before.replicas.map((replica) => [replica.address, replica]));
    for (const replica of figures.replicas) {
      this.compare(replica, old.get(replica.address));
      old.delete(replica.address);
    }
    for (const address of old.keys()) this.log.add("leave", `${address} is gone`);
    const generation = this.generation(figures);
    if (generation && generation !== (this.generation(before) ?? generation)) {
      this.log.add("start", `new requests go to generation ${shortGenerations(figures.replicas).get(generation)}`);
    }
    const lost = figures.outcomes.lost - before.outcomes.lost;
    if (lost > 0) this.log.add("leave", `${plural(lost, "request was", "requests were")} lost: no verifier could go on`);
  }

  compare(replica, old) {
    const { address, state } = replica;
    if (!old) this.log.add("join", `${address} is known now`);
    else if (old.listed && !replica.listed) this.log.add("leave", `${address} left the list, and ends its requests`);
    else if (!old.listed && replica.listed) this.log.add("join", `${address} is on the list again`);
    const { kind, news } = STATES[state] ?? STATES.unknown;
    if (state !== (old?.state ?? "unknown")) this.log.add(kind, `${address} ${news}`);
    else if (old?.generation && replica.generation !== old.generation) this.log.add("start", `${address} is of another generation`);
    for (const [reason, count] of Object.entries(replica.moves)) {
      const gain = count - (old?.moves[reason] ?? 0);
      // Where there is much to do, verifiers are full all the time; the table counts it.
      if (gain <= 0 || reason === "full") continue;
      this.log.add("move", `${plural(gain, "request", "requests")} moved away from ${address}: ${REASONS[reason] ?? reason}`);
    }
  }

  generation(figures) {
    return figures.replicas.find(({ active }) => active)?.generation;
  }
}
