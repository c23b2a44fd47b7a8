// Puts a gateway's events into the panels.

import { byID, digits, duration, setText, whole } from "./dom.js";
import { BarChart, TimeChart } from "./charts.js";
import { PageFrame } from "./frame.js";
import { History, quantile } from "./history.js";
import { MovesTable, ReplicaEvents, ReplicasTable, stateWords, total } from "./replicas.js";
import { Tiles } from "./widgets.js";

/// Seconds over which times are taken.
const WINDOW = 60;
/// The bars of silences: the longest of each in seconds. Longer ones have one more bar.
const SILENCES = [0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const history = new History();
let hello = null;

const tiles = new Tiles(byID("tiles"));
const charts = {
  speed: new TimeChart(byID("speed"), { label: "Tokens per second", yUnit: "tokens/s" }),
  first: new TimeChart(byID("first"), { label: "Time to first token", yUnit: "ms" }),
  running: new TimeChart(byID("running"), { label: "Requests that run", yUnit: "requests", least: 4 }),
  ended: new TimeChart(byID("ended"), { label: "Requests that ended", yUnit: "requests/s" }),
  gap: new BarChart(byID("gap"), { label: "Silence of streams that moved", xUnit: "seconds of silence, at most",
    yUnit: "streams", emptyText: "no stream had to move" }),
};
const replicas = new ReplicasTable();
const moves = new MovesTable();
const events = new ReplicaEvents(byID("events"));

const frame = new PageFrame({
  states: { serving: "live", waiting: "no verifier takes requests", leaving: "about to end", ended: "the gateway is ending" },
  onEvent: take,
  onResume: () => { if (history.last) draw(); },
});

// MARK: Events

function take(event) {
  if (event.hello) greet(event.hello);
  if (!event.figures) return;
  history.add(performance.now() / 1000, event.figures);
  events.take(event.figures);
  if (!frame.isPaused) draw();
}

function greet(words) {
  // A gateway that was started anew counts from nothing.
  if (hello && hello.incarnation !== words.incarnation) {
    history.clear();
    events.restart();
  }
  hello = words;
  setText(byID("served"), words.build);
}

// MARK: Drawing

const tokens = (figures) => figures.tokens;
const others = (figures) => total(figures.outcomes) - figures.outcomes.answered;
const inMilliseconds = (seconds) => (seconds === null ? null : seconds * 1000);
const firstToken = (share, sample) =>
  history.quantile(share, (figures) => figures.first_token, hello?.first_token_bounds ?? [], WINDOW, sample);
const gap = (share, figures) => quantile(share, figures.gap, hello?.gap_bounds ?? []);

function draw() {
  const { figures } = history.last;
  drawTiles(figures);
  drawVerifiers(figures);
  drawTimes();
  drawEnds(figures);
  drawGaps(figures);
  moves.show(figures);
  const recent = history.gain((at) => total(at.retries) + total(at.failovers), WINDOW);
  setText(byID("moves-note"), `${whole(recent)} in the last minute`);
}

/// A time's number and its unit, apart. Below the first bound nothing is known but that.
function timed(seconds, bounds = []) {
  if (seconds === null) return ["–", "ms"];
  return seconds < bounds[0] ? [`<${digits(bounds[0] * 1000)}`, "ms"] : duration(seconds).split(" ");
}

function drawTiles(figures) {
  const [first, firstUnit] = timed(firstToken(0.5), hello?.first_token_bounds);
  const [silence, silenceUnit] = timed(gap(0.5, figures), hello?.gap_bounds);
  const [delay, delayUnit] = timed(quantile(0.5, figures.added, hello?.added_bounds ?? []), hello?.added_bounds);
  const failovers = total(figures.failovers);
  const active = figures.replicas.filter((replica) => replica.active).length;
  tiles.show([
    { name: "Tokens per second", value: digits(history.rate(tokens, 5)), unit: "tokens/s", note: `${whole(figures.tokens)} in all` },
    { name: "Time to first token", value: first, unit: firstUnit,
      note: `median; 9 in 10 within ${duration(firstToken(0.9) ?? NaN)}` },
    { name: "Requests", value: whole(figures.running), unit: "running", note: `${whole(total(figures.outcomes))} ended` },
    { name: "Verifiers", value: whole(active), unit: `of ${whole(figures.replicas.filter(({ state }) => state !== "spare").length)} get requests`,
      note: troubles(figures.replicas) },
    { name: "Streams that moved", value: whole(failovers), unit: failovers === 1 ? "failover" : "failovers",
      note: `and ${whole(total(figures.retries))} retries before a token` },
    { name: "Failover gap", value: silence, unit: silenceUnit,
      note: failovers ? `median; 9 in 10 within ${duration(gap(0.9, figures) ?? NaN)}` : "no stream had to move" },
    { name: "Spent in the gateway", value: delay, unit: delayUnit, note: "median, until a verifier is asked" },
  ]);
}

/// How many verifiers are not ready, by their states. Further addresses of one that is ready are no trouble.
function troubles(list) {
  const counts = new Map();
  for (const { state } of list) if (!["ready", "spare"].includes(state)) counts.set(state, (counts.get(state) ?? 0) + 1);
  const words = [...counts].map(([state, count]) => `${stateWords(state)}: ${whole(count)}`);
  return words.join("; ") || (list.length ? "all are ready" : "none is known");
}

function drawVerifiers(figures) {
  replicas.show(figures.replicas);
  const generations = new Set(figures.replicas.map(({ generation }) => generation).filter(Boolean)).size;
  setText(byID("replicas-note"), generations > 1 ? `${whole(generations)} generations; new requests go to one of them` : "");
}

function drawTimes() {
  charts.speed.draw([
    { name: "tokens per second", className: "first", fills: true,
      points: history.series((sample) => history.rate(tokens, 3, sample)) },
  ]);
  setText(byID("speed-note"), "relayed, over 3 seconds");
  charts.first.draw([
    { name: "nine in ten, milliseconds", className: "second",
      points: history.series((sample) => inMilliseconds(firstToken(0.9, sample))) },
    { name: "median, milliseconds", className: "first",
      points: history.series((sample) => inMilliseconds(firstToken(0.5, sample))) },
  ]);
  setText(byID("first-note"), "● median ■ nine in ten, over a minute");
  charts.running.draw([
    { name: "running", className: "first", fills: true, points: history.series((sample) => sample.figures.running) },
  ]);
}

function drawEnds(figures) {
  charts.ended.draw([
    { name: "answered, a second", className: "first", fills: true,
      points: history.series((sample) => history.rate((at) => at.outcomes.answered, 3, sample)) },
    { name: "others, a second", className: "second", points: history.series((sample) => history.rate(others, 3, sample)) },
  ]);
  setText(byID("ended-note"), "● answered ■ others, over 3 seconds");
  const { answered, refused, lost, left } = figures.outcomes;
  setText(byID("outcomes"), `In all: ${whole(answered)} answered, ${whole(refused)} refused, ${whole(lost)} lost, `
    + `${whole(left)} left by their clients.`);
}

function drawGaps(figures) {
  const bounds = hello?.gap_bounds ?? [];
  const counts = [...SILENCES, Infinity].map(() => 0);
  figures.gap.forEach((count, place) => {
    const bar = SILENCES.findIndex((longest) => (bounds[place] ?? Infinity) <= longest);
    counts[bar < 0 ? SILENCES.length : bar] += count;
  });
  const names = [...SILENCES.map(String), `>${SILENCES.at(-1)}`];
  const sum = total(counts);
  const bars = sum ? counts.map((value, place) => ({ name: names[place], value, text: value ? whole(value) : "" })) : [];
  charts.gap.draw(bars, Math.max(4, ...counts));
  setText(byID("gap-note"), sum ? `${whole(sum)} ${sum === 1 ? "stream" : "streams"} since the start` : "since the start");
}

frame.stream.open(null);
