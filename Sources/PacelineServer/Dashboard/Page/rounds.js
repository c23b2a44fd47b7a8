// The rounds of the watched request: the list, the text they write, and which of them is drawn.

import { html, byID, digits, setText, visible, whole } from "./dom.js";

const ROUNDS = 80;
const TOKENS = 120;

export class RoundsView {
  constructor(tree) {
    this.tree = tree;
    this.body = byID("rounds");
    this.text = byID("tree-text");
    this.live = byID("live");
    this.live.addEventListener("click", () => this.follow(this.live.getAttribute("aria-pressed") !== "true"));
    this.body.addEventListener("keydown", (event) => this.move(event));
    this.begin(null);
  }

  /// Another request is watched.
  begin(request) {
    this.request = request;
    this.rounds = [];
    this.tokens = [];
    this.chosen = null;
    // Events that have come since the list stands still.
    this.waiting = [];
    this.body.replaceChildren();
    this.text.replaceChildren();
    this.tree.show(null);
    this.follow(true);
  }

  follow(isLive) {
    this.isLive = isLive;
    this.live.setAttribute("aria-pressed", String(isLive));
    if (!isLive) return;
    for (const event of this.waiting.splice(0)) this.add(event);
    this.choose(this.rounds.findLast((round) => round.tree) ?? null);
  }

  /// Takes rounds as they come. The list stands still while somebody looks at one of its rounds.
  add(event) {
    const { request, list, tree } = event;
    if (request === undefined) return;
    if (!this.isLive) {
      this.waiting.push(event);
      if (this.waiting.length > ROUNDS) this.waiting.shift();
      return;
    }
    if (request !== this.request) this.begin(request);
    for (const round of list) {
      this.rounds.push(round);
      this.body.prepend(this.row(round));
      this.write(round);
    }
    while (this.rounds.length > ROUNDS) this.rounds.shift().row.remove();
    if (!tree) return;
    const round = this.rounds.find(({ number }) => number === tree.number);
    if (!round) return;
    round.tree = tree;
    this.mark(round);
    if (this.isLive) this.choose(round);
  }

  row(round) {
    const number = html("td", {}, whole(round.number));
    const cell = (value) => html("td", {}, value === undefined ? "" : whole(value));
    const words = html("td", { class: "words" });
    if (round.text) {
      words.append(...round.text.map((token, place) =>
        html("span", { class: place < round.accepted ? "free" : "own" }, visible(token))));
    } else {
      words.append(html("i", {}, `read ${whole(round.computed)} tokens of the prompt`
        + (round.reused ? `, found ${whole(round.reused)}` : "")));
    }
    round.row = html("tr", {}, number, cell(round.drafted), cell(round.verified), cell(round.accepted),
      html("td", {}, digits(round.pass_ms)), words);
    return round.row;
  }

  /// Lets a round be chosen, since its tree is here.
  mark(round) {
    const button = html("button", { type: "button", class: "pick", tabindex: "-1",
      "aria-label": `show the tree of round ${round.number}`, "aria-pressed": "false",
      onclick: () => { this.follow(false); this.choose(round); } }, whole(round.number));
    round.row.firstChild.replaceChildren(button);
    round.button = button;
    if (!this.body.querySelector("button[tabindex='0']")) button.setAttribute("tabindex", "0");
  }

  choose(round) {
    if (round === this.chosen || !round) return;
    this.chosen?.button?.setAttribute("aria-pressed", "false");
    this.chosen?.row.classList.remove("chosen");
    for (const other of this.body.querySelectorAll("button.pick")) other.setAttribute("tabindex", "-1");
    this.chosen = round;
    round.button.setAttribute("aria-pressed", "true");
    round.button.setAttribute("tabindex", "0");
    round.row.classList.add("chosen");
    this.tree.show(round.tree, { round: round.number, length: round.length });
  }

  move(event) {
    const buttons = [...this.body.querySelectorAll("button.pick")];
    const place = buttons.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (place < 0 || !step) return;
    event.preventDefault();
    const next = buttons[place + step];
    next?.focus();
    next?.click();
  }

  write(round) {
    for (const [place, token] of (round.text ?? []).entries()) {
      this.tokens.push(html("span", { class: place < round.accepted ? "free" : "own" }, token));
    }
    if (!round.text) return;
    this.tokens.splice(0, Math.max(0, this.tokens.length - TOKENS));
    this.text.replaceChildren(...this.tokens);
    this.text.scrollTop = this.text.scrollHeight;
  }

  /// The end of the words that say whose tree it is.
  describe(words) {
    setText(byID("tree-title"), words);
  }
}
