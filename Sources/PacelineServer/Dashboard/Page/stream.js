// The server-sent events, by fetch: an EventSource could not send a key. Reconnects until the page is closed.

const KEY = "paceline-key";
const LONGEST_PAUSE = 10_000;

export class Stream {
  /// onEvent takes what came; onStatus a state (connecting, live, key, refused, lost) and words about it.
  constructor({ requiresKey, onEvent, onStatus }) {
    Object.assign(this, { requiresKey, onEvent, onStatus });
    this.request = null;
    this.attempts = 0;
    this.timer = null;
    this.abort = null;
    // Nobody looks at a hidden page, so the server need not compute anything for it.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open(this.request)));
  }

  get key() {
    return sessionStorage.getItem(KEY);
  }

  setKey(key) {
    sessionStorage.setItem(KEY, key);
    this.open(this.request);
  }

  close() {
    clearTimeout(this.timer);
    this.abort?.abort();
    this.abort = null;
  }

  /// Watches a request: its number, "latest", or null for none.
  open(request) {
    this.close();
    this.request = request;
    if (this.requiresKey && !this.key) return this.onStatus("key", "waiting for an API key");
    const abort = new AbortController();
    this.abort = abort;
    this.run(abort).catch((error) => {
      if (abort.signal.aborted) return;
      this.retry("lost", error instanceof TypeError ? "cannot reach the server" : String(error.message ?? error));
    });
  }

  retry(state, words, seconds = null) {
    const pause = seconds === null ? Math.min(LONGEST_PAUSE, 500 * 2 ** this.attempts) : seconds * 1000;
    this.attempts += 1;
    this.onStatus(state, words);
    this.timer = setTimeout(() => this.open(this.request), pause);
  }

  async run(abort) {
    const address = new URL("dashboard/events", document.baseURI);
    if (this.request) address.searchParams.set("request", this.request);
    const headers = { accept: "text/event-stream" };
    if (this.key) headers.authorization = `Bearer ${this.key}`;
    const response = await fetch(address, { headers, signal: abort.signal, cache: "no-store", credentials: "omit" });
    if (response.status === 401) {
      sessionStorage.removeItem(KEY);
      return this.onStatus("key", headers.authorization ? "the key is not one of this server's" : "a key is needed");
    }
    if (!response.ok) {
      const words = await response.json().then((body) => body.error.message).catch(() => `status ${response.status}`);
      return this.retry("refused", words, Number(response.headers.get("retry-after")) || null);
    }
    await this.read(response.body.getReader());
    if (!abort.signal.aborted) this.retry("lost", "the server ended the stream");
  }

  async read(reader) {
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const events = text.split("\n\n");
      text = events.pop();
      for (const event of events) {
        if (!event.startsWith("data: ")) continue;
        this.attempts = 0;
        this.onEvent(JSON.parse(event.slice(6)));
      }
    }
  }
}
