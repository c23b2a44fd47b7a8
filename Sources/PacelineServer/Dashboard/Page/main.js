// Puts events into the panels.

import { byID, digits, duration, percent, setText, whole } from "./dom.js";
import { BarChart, CurveChart, TimeChart } from "./charts.js";
import { PageFrame } from "./frame.js";
import { History } from "./history.js";
import { Events, RequestChoice, RunningTable, WorkersTable } from "./panels.js";
import { RoundsView } from "./rounds.js";
import { TreeView, legend } from "./tree.js";
import { Tiles } from "./widgets.js";

/// Seconds over which shares and times are taken.
const WINDOW = 60;
const PASSES = 400;
const DEPTHS = 12;

const history = new History();
let hello = null;
let passes = [];

const tiles = new Tiles(byID("tiles"));
const charts = {
  speed: new TimeChart(byID("speed"), { label: "Tokens per second", yUnit: "tokens/s" }),
  first: new TimeChart(byID("first"), { label: "Time to first token", yUnit: "ms" }),
  queue: new TimeChart(byID("queue"), { label: "Requests", yUnit: "requests", least: 4 }),
  kv: new TimeChart(byID("kv"), { label: "Keys and values in use", yUnit: "share", most: 1,
    yText: (value) => percent(value) }),
  cost: new CurveChart(byID("cost"), { label: "Time of a pass by its rows", xUnit: "rows of a pass", yUnit: "ms" }),
  depth: new BarChart(byID("depth"), { label: "Acceptance by depth", xUnit: "depth in the tree",
    yUnit: "trees accepted so far", emptyText: "nothing was verified yet" }),
};
const workers = new WorkersTable();
const events = new Events(byID("events"));
const rounds = new RoundsView(new TreeView(byID("tree"), byID("node-detail")));
const choice = new RequestChoice((request) => watch(request));
const running = new RunningTable((request) => { choice.value = request; watch(String(request)); });
byID("tree-legend").append(...legend());

const frame = new PageFrame({
  states: { serving: "live", loading: "loading the model", leaving: "about to end", ended: "the server is ending",
    crowded: "too many watch already" },
  onEvent: take,
  onResume: () => { if (history.last) draw(); },
});

function watch(request) {
  rounds.begin(null);
  frame.stream.open(request);
}

// MARK: Events

function take(event) {
  if (event.hello) greet(event.hello);
  if (event.figures) {
    history.add(performance.now() / 1000, event.figures);
    events.take(event.figures.workers ?? []);
    if (!frame.isPaused) draw();
  }
  if (event.rounds) {
    passes.push(...event.rounds.passes);
    passes.splice(0, Math.max(0, passes.length - PASSES));
    if (!frame.isPaused) rounds.add(event.rounds);
  }
}

function greet(words) {
  if (hello && hello.model !== words.model) {
    history.clear();
    events.clear();
    passes = [];
  }
  hello = words;
  setText(byID("served"), `${words.model} · ${words.build}`);
  document.title = `Paceline · ${words.model}`;
}

// MARK: Drawing

const generated = (figures) => figures.tokens.generated;
const firstCounts = (figures) => figures.requests.first_token;
const firstToken = (share, sample) =>
  history.quantile(share, firstCounts, hello?.first_token_bounds ?? [], WINDOW, sample);
const inMilliseconds = (seconds) => (seconds === null ? null : seconds * 1000);

function draw() {
  const { figures } = history.last;
  drawTiles(figures);
  drawTimes(figures);
  drawDepths(figures);
  charts.cost.draw(figures.passes.curve, passes);
  setText(byID("cost-note"), `◆ cost curve · ○ ${whole(passes.length)} latest passes`);
  drawWorkers(figures);
  running.show(figures.running, figures.watched);
  const others = figures.requests.running + figures.requests.waiting - figures.running.length;
  setText(byID("running-note"), others > 0 ? `and ${whole(others)} of others` : "");
  choice.show(figures.running);
  const name = figures.running.find(({ request }) => request === figures.watched)?.id;
  rounds.describe(name ? `Token tree of ${name}` : "Token tree");
}

function drawTiles(figures) {
  const { requests, speculation, kv } = figures;
  const speed = history.rate(generated, 5);
  const half = firstToken(0.5);
  const drafts = history.gain((at) => at.speculation.drafts, WINDOW);
  const accepted = history.gain((at) => at.speculation.accepted, WINDOW);
  const drafted = history.gain((at) => at.speculation.drafted, WINDOW);
  const connected = figures.workers.filter((worker) => worker.connected);
  const resting = connected.filter((worker) => worker.rest).length;
  const [firstValue, firstUnit] = half === null ? ["–", "ms"] : duration(half).split(" ");
  tiles.show([
    { name: "Tokens per second", value: digits(speed), unit: "tokens/s", note: `${whole(figures.tokens.generated)} in all` },
    { name: "Time to first token", value: firstValue, unit: firstUnit, note: `median; 9 in 10 within ${duration(firstToken(0.9) ?? NaN)}` },
    { name: "Tokens per drafted round", value: drafts > 0 ? digits(1 + accepted / drafts) : "–",
      note: drafted > 0 ? `${percent(accepted / drafted)} of verified nodes accepted` : "nothing drafted in this minute" },
    { name: "Against plain decoding", value: speculation.speed_up ? digits(speculation.speed_up) : "–",
      unit: speculation.speed_up ? "×" : "", note: "measured by the verifier" },
    { name: "Requests", value: whole(requests.running), unit: `of ${hello?.slots ?? "?"} slots`, note: `${whole(requests.waiting)} wait` },
    { name: "Keys and values", value: kv ? percent(kv.used / kv.capacity).replace(" %", "") : "–", unit: "%",
      note: kv ? `${whole(kv.used * (hello?.page_tokens ?? 1))} tokens in pages` : "" },
    { name: "Workers", value: whole(connected.length), unit: connected.length === 1 ? "connected" : "connected",
      note: resting ? `${whole(resting)} rest` : connected.length ? "none rests" : "plain decoding" },
  ]);
}

function drawTimes(figures) {
  charts.speed.draw([
    { name: "tokens per second", className: "first", fills: true,
      points: history.series((sample) => history.rate(generated, 3, sample)) },
  ]);
  setText(byID("speed-note"), "over 3 seconds");
  charts.first.draw([
    { name: "nine in ten, milliseconds", className: "second", points: history.series((sample) => inMilliseconds(firstToken(0.9, sample))) },
    { name: "median, milliseconds", className: "first", points: history.series((sample) => inMilliseconds(firstToken(0.5, sample))) },
  ]);
  setText(byID("first-note"), "● median ■ nine in ten, over a minute");
  charts.queue.draw([
    { name: "running", className: "first", fills: true, points: history.series((sample) => sample.figures.requests.running) },
    { name: "waiting", className: "second", points: history.series((sample) => sample.figures.requests.waiting) },
  ]);
  setText(byID("queue-note"), `● running ■ waiting · ${whole(figures.requests.finished)} finished, ${whole(figures.requests.failed)} failed`);
  byID("kv").closest("section").hidden = !figures.kv;
  if (!figures.kv) return;
  charts.kv.draw([
    { name: "share", className: "first", fills: true,
      points: history.series(({ figures: { kv } }) => (kv ? kv.used / kv.capacity : null)) },
  ]);
  setText(byID("kv-note"), `${whole(figures.kv.used)} of ${whole(figures.kv.capacity)} pages`);
}

function drawDepths(figures) {
  const drafts = history.gain((at) => at.speculation.drafts, WINDOW);
  const isRecent = drafts > 0;
  const trees = isRecent ? drafts : figures.speculation.drafts;
  const bars = [];
  for (let depth = 0; depth < Math.min(DEPTHS, figures.speculation.positions.length); depth += 1) {
    const at = (other) => other.speculation.positions[depth] ?? 0;
    const share = (isRecent ? history.gain(at, WINDOW) : at(figures)) / trees;
    if (!(share > 0)) break;
    bars.push({ name: String(depth + 1), value: share, text: percent(share) });
  }
  charts.depth.draw(bars, 1, (value) => percent(value));
  setText(byID("depth-note"), isRecent ? `${whole(drafts)} trees in the last minute` : "since the start");
}

function drawWorkers(figures) {
  const before = new Map((history.before(WINDOW).figures.workers ?? []).map((worker) => [worker.id, worker]));
  const gains = new Map(figures.workers.map((worker) => {
    const old = before.get(worker.id);
    const isRecent = old && history.last.time - history.before(WINDOW).time > 1 && worker.drafted > old.drafted;
    return [worker.id, isRecent
      ? { drafted: worker.drafted - old.drafted, accepted: worker.accepted - old.accepted }
      : { drafted: worker.drafted, accepted: worker.accepted }];
  }));
  workers.show(figures.workers, gains);
  setText(byID("workers-note"), "nodes verified in the last minute, or since the start if there were none");
}

frame.stream.open(choice.value);
