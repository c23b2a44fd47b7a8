// What every page has around its panels: the state of the stream, the question for a key, and the pause.

import { byID, clock, setText } from "./dom.js";
import { Stream } from "./stream.js";

export class PageFrame {
  /// - states: the words for states that the server names.
  /// - onEvent takes what came; onResume draws what came during a pause.
  constructor({ states, onEvent, onResume }) {
    this.isPaused = false;
    this.stream = new Stream({
      requiresKey: document.querySelector("meta[name='paceline-requires-key']").content === "true",
      onEvent: (event) => {
        if (event.state) this.show(event.state, states[event.state]);
        onEvent(event);
      },
      onStatus: (state, words) => this.show(state, words),
    });
    setText(byID("since"), clock(new Date()));
    byID("key-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const key = byID("key").value.trim();
      if (key) this.stream.setKey(key);
    });
    byID("pause").addEventListener("click", () => {
      this.isPaused = !this.isPaused;
      byID("pause").setAttribute("aria-pressed", String(this.isPaused));
      setText(byID("pause"), this.isPaused ? "Go on" : "Pause");
      if (!this.isPaused) onResume();
    });
  }

  show(state, words) {
    const node = byID("status");
    node.dataset.state = state;
    setText(byID("status-text"), words ?? state);
    node.title = words ?? "";
    const asks = state === "key";
    byID("main").hidden = asks;
    byID("key-form").hidden = !asks;
    if (!asks) return;
    // At first there is nothing wrong: nobody has typed anything.
    setText(byID("key-fault"), byID("key").value ? words : "");
    byID("key").value = "";
    byID("key").focus();
  }
}
