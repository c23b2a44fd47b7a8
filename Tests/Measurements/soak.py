"""Hours of faults on real processes: every answer is plain text or a stated error, and nothing grows.

`paceline chaos nemesis` starts two verifiers, a gateway and four workers whose links are its proxies, and kills, stops
and cuts them, and spoils what they send, while eight clients stream. Each stream is compared with what one verifier
without workers gives: tokens, log-probabilities, ends and counts. At the end all faults stop, the clients too, and
descriptors, threads and memory of every process are compared with those before the faults. How they change over the
hour is given as slopes with confidence intervals.

    PACELINE=.build/release/paceline python3 Tests/Measurements/soak.py [--minutes 60] [--json FILE] [--svg FILE]
"""

import argparse
import collections
import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

import kill_test
from cluster import EXECUTABLE, Cluster, Failure, run, table
from growth import MEASURES, Growth
from kill_test import TEMPLATE, bodies, stream
from replicas import free_ports

WORKERS = [["ngram"], ["suffix"], ["ngram", "suffix"], ["suffix"]]
# Seconds with clients before the faults, in which every verifier gets every request once. In the last quarter they
# only wait for what they have asked for.
WARM = 40.0
# Seconds without clients, before the faults and after them, in which everything comes to rest.
REST = 10.0
# How much more of each a process may have at the end than at the beginning, at rest.
# A verifier keeps pages of ended requests for prompts that begin alike, and the runtime a few threads for waiting.
LIMITS = {"descriptors": 2, "threads": 2, "MiB": 48}
# Seconds that a process has to live for its slopes to be judged: what it builds up once weighs little then.
JUDGED = 1800
TOXICS = [
    ("stale_replay", {"rate": 0.2}),
    ("byzantine", {"rate": 0.2, "bits": 3}),
    ("dup_frame", {"rate": 0.2}),
    ("drop_frame", {"rate": 0.1}),
    ("reorder_frame", {"rate": 0.1}),
    ("corrupt", {"rate": 0.0001}),
    ("truncate", {}),
    ("half_open", {}),
    ("stall_read", {}),
    ("latency", {"latency": 40, "jitter": 20}),
]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--minutes", type=float, default=60, help="how long faults strike")
    parser.add_argument("--seed", type=int, default=1, help="of the faults")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=60, help="tokens of each text")
    parser.add_argument("--json", help="write the report to this file")
    parser.add_argument("--svg", help="draw throughput and faults into this file")
    chosen = parser.parse_args()
    if chosen.minutes < 0.5:
        parser.error("faults need at least half a minute")
    return chosen


class Addresses:
    """The ports of one cluster."""

    def __init__(self):
        ports = [f"127.0.0.1:{port}" for port in free_ports(5 + len(WORKERS))]
        self.gateway = ports[0]
        self.verifiers, self.drafts, self.links = ports[1:3], ports[3:5], ports[5:]


def answering(chosen):
    """Options of every verifier, with which it can answer all requests."""
    return ["--slots", 2 * chosen.clients, "--context", 1024, "--chat-template", TEMPLATE]


def schedule(chosen, at):
    """What the nemesis is to do, as JSON, which is YAML."""
    seconds = chosen.minutes * 60
    options = ["-t", 1, *answering(chosen), "--log-level", "warning"]
    processes = {
        f"verifier-{number + 1}": ["verifier", "-m", chosen.model, "--listen", drafts, "--http", web, *options]
        for number, (drafts, web) in enumerate(zip(at.drafts, at.verifiers))
    }
    processes["gateway"] = ["gateway", "--verifier", *at.verifiers, "--http", at.gateway, "--log-level", "warning"]
    for number, (link, drafters) in enumerate(zip(at.links, WORKERS)):
        named = [part for drafter in drafters for part in ("-md", drafter)]
        processes[f"worker-{number + 1}"] = ["worker", "--connect", link, *named, "-t", 1, "--log-level", "error"]
    links = {
        f"link-{number + 1}": {"listen": link, "upstream": at.drafts[number % 2]}
        for number, link in enumerate(at.links)
    }
    return {
        "name": "soak",
        "seed": chosen.seed,
        "length": f"{WARM + REST + seconds + 2 * REST:g}s",
        "ready": "2m",
        "recovery": "60s",
        "processes": {name: {"run": [EXECUTABLE, *map(str, command)]} for name, command in processes.items()},
        "links": links,
        "checks": {"gateway": {"http": f"http://{at.gateway}/health", "every": "500ms", "timeout": "10s"}},
        "faults": list(faults(seconds, [name for name in processes if name.startswith("worker")], list(links))),
    }


def faults(seconds, workers, links):
    verifiers = ["verifier-1", "verifier-2"]

    def regular(fault, shortest, longest, lasting):
        # None begins in the last ten seconds, so that none lasts into the rest at the end.
        times = int((seconds - 10) / longest)
        if times > 0:
            moments = {"from": f"{WARM + REST:g}s..{WARM + REST + shortest:g}s", "every": f"{shortest}s..{longest}s"}
            yield fault | moments | {"times": times} | ({"for": lasting} if lasting else {})

    yield from regular({"kill": verifiers, "pick": 1}, 20, 60, "2s")
    yield from regular({"pause": verifiers, "pick": 1}, 30, 90, "1s..3s")
    yield from regular({"kill": workers, "pick": 1}, 6, 12, "1s")
    yield from regular({"pause": workers, "pick": 2}, 7, 13, "1s..2s")
    yield from regular({"swizzle": links}, 15, 25, "4s")
    yield from regular({"flap": links, "pick": 1, "down": "200ms..2s"}, 15, 25, "5s")
    toxics = [
        {"toxic": links, "pick": 1, "type": kind, "stream": "upstream", "attributes": attributes, "for": "3s"}
        for kind, attributes in TOXICS
    ]
    yield from regular({"any": toxics}, 4, 8, None)


class Clients(kill_test.Clients):
    """Threads that stream one request after the other, and take an error that is stated for an answer."""

    def __init__(self, address, plain, count):
        super().__init__(address, plain, count)
        self.lock = threading.Lock()
        self.begun, self.tokens, self.equal = 0, 0, 0
        self.errors, self.silences = {}, []

    def work(self):
        while not self.is_over.is_set():
            with self.lock:
                path, body, said = self.plain[self.begun % len(self.plain)]
                self.begun += 1
            try:
                result = stream(self.address, path, body)
            except Failure as failure:
                self.fail(str(failure))
                # What a client does that is told to come again.
                time.sleep(0.5)
                continue
            except (OSError, http.client.HTTPException, ValueError) as failure:
                self.differ(f"a stream broke off without a word: {failure!r}")
                continue
            with self.lock:
                self.silences.extend(result.silences)
                self.tokens += sum(len(choice["tokens"]) for choice in result.choices.values())
                if result.is_complete and result.said == said:
                    self.equal += 1
                    continue
            if result.error:
                self.fail(result.error)
                self.compare_beginning(body, result.said, said)
            else:
                self.differ(f"a stream differs from plain text: {body}: {result.said} is not {said}")

    def compare_beginning(self, body, beginning, said):
        """What came before an error has to be the beginning of plain text."""
        for index, choice in beginning["choices"].items():
            whole = said["choices"][index]
            tokens = whole["tokens"][: len(choice["tokens"])]
            texts = [(whole["text"], choice["text"])]
            for call, parts in choice["calls"].items():
                texts += zip(whole["calls"].get(call, ["", ""]), parts)
            if not all(text.startswith(part) for text, part in texts) or tokens != choice["tokens"]:
                self.differ(f"before an error a stream differs from plain text: {body}: {choice} in {whole}")

    def fail(self, message):
        with self.lock:
            self.errors[message] = self.errors.get(message, 0) + 1

    def differ(self, sentence):
        with self.lock:
            self.wrong.append(sentence)


def plain(chosen):
    """Each request with what one verifier without workers says."""
    with Cluster() as cluster:
        _, _, address = cluster.verifier(chosen.model, *answering(chosen))
        return [(path, body, stream(address, path, body).said) for path, body in bodies(chosen.tokens)]


def await_start(address, nemesis, seconds=120):
    """Waits until a verifier has its model, or the gateway a verifier."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if nemesis.poll() is not None:
            raise Failure(f"the nemesis ended: {nemesis.communicate()[1].decode()}")
        with contextlib.suppress(OSError, http.client.HTTPException):
            with contextlib.closing(http.client.HTTPConnection(*address.split(":"), timeout=5)) as connection:
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return
        time.sleep(0.1)
    raise Failure(f"{address} does not answer requests after {seconds} s")


def measure(chosen):
    expected = plain(chosen)
    at = Addresses()
    planned = schedule(chosen, at)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "soak.yaml")
        with open(path, "w") as file:
            json.dump(planned, file, indent=1)
        command = [EXECUTABLE, "chaos", "nemesis", path, "--json", "--log-level", "error"]
        command += ["--svg", os.path.abspath(chosen.svg)] if chosen.svg else []
        nemesis = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            report = observe(chosen, at, expected, planned, nemesis)
            output, errors = nemesis.communicate(timeout=120)
        finally:
            if nemesis.poll() is None:
                nemesis.terminate()
                nemesis.communicate(timeout=30)
    if not output:
        raise Failure(f"the nemesis said nothing: {errors.decode()}")
    return report | {"nemesis": json.loads(output), "nemesis_status": nemesis.returncode}


def observe(chosen, at, expected, planned, nemesis):
    """Lets clients stream while faults strike, and looks at all processes before, meanwhile and after."""
    for address in (*at.verifiers, at.gateway):
        await_start(address, nemesis)
    begun = time.monotonic()
    growth = Growth({name: entry["run"] for name, entry in planned["processes"].items()} | {"nemesis": nemesis.pid})
    # As many through the gateway as later, whose connections it keeps.
    counts = {at.gateway: chosen.clients} | dict.fromkeys(at.verifiers, 2)
    warming = [Clients(address, expected, count) for address, count in counts.items()]
    with contextlib.ExitStack() as stack:
        for clients in warming:
            stack.enter_context(clients)
        time.sleep(0.75 * WARM)
    rest = begun + WARM + REST - time.monotonic()
    if rest < REST / 2:
        raise Failure(f"before the faults {rest:.1f} s were left to come to rest; answers take too long here")
    quiet(begun + WARM + REST)
    before = growth.now()
    end = begun + WARM + REST + chosen.minutes * 60
    with Clients(at.gateway, expected, chosen.clients) as clients:
        while time.monotonic() < end:
            time.sleep(min(2.0, max(0.0, end - time.monotonic())))
            growth.sample()
    quiet(time.monotonic() + REST)
    after = growth.now()
    silences = sorted(silence for _, silence in clients.silences) or [0.0]
    return {
        "minutes": chosen.minutes,
        "seed": chosen.seed,
        "cores": len(os.sched_getaffinity(0)),
        "requests": clients.begun,
        "equal": clients.equal,
        "tokens": clients.tokens,
        "stated_errors": clients.errors,
        "wrong": [wrong for each in warming for wrong in each.wrong + [f"before: {error}" for error in each.errors]]
        + clients.wrong,
        "silences_s": {
            "median": silences[len(silences) // 2],
            "p99": silences[len(silences) * 99 // 100],
            "longest": silences[-1],
        },
        "rest": [
            {"process": name, "is_same": before[name][0] == after[name][0]}
            | {measure: [getattr(usages[name][1], measure) for usages in (before, after)] for measure in MEASURES}
            for name in before
            if name in after
        ],
        "missing": sorted(set(before) - set(after)),
        "slopes": growth.slopes(),
    }


def quiet(until):
    time.sleep(max(0.0, until - time.monotonic()))


def show(report):
    nemesis = report["nemesis"]
    kinds = collections.Counter(fault["fault"] for fault in nemesis["faults"])
    rows = [
        ["requests", report["requests"], ""],
        ["equal to plain text", report["equal"], ""],
        ["ended in a stated error", sum(report["stated_errors"].values()), ""],
        ["different, or broken off without a word", len(report["wrong"]), "0"],
        ["tokens", report["tokens"], ""],
        ["faults", len(nemesis["faults"]), ""],
        ["faults that could not be made", sum(1 for fault in nemesis["faults"] if fault.get("failure")), "0"],
        ["median silence within a stream, s", report["silences_s"]["median"], ""],
        ["99 % of silences, s", report["silences_s"]["p99"], ""],
        ["longest silence, s", report["silences_s"]["longest"], ""],
        ["recovered after, s", (nemesis.get("recovered_after_ms") or 0) / 1000, "60"],
    ]
    cells = [[name, f"{value:.3f}" if isinstance(value, float) else str(value), limit] for name, value, limit in rows]
    print(f"{report['minutes']:g} minutes on {report['cores']} cores, seed {report['seed']}\n")
    print(table(["", "figure", "at most"], cells))
    print("\n" + table(["fault", "made"], [[kind, str(count)] for kind, count in sorted(kinds.items())]))
    for message, count in sorted(report["stated_errors"].items(), key=lambda entry: -entry[1]):
        print(f"{count} × {message}")
    rows = [
        [each["process"] + ("" if each["is_same"] else " (started again)")]
        + [f"{each[measure][index]:.0f}" for measure in MEASURES for index in (0, 1)]
        for each in report["rest"]
    ]
    header = ["at rest, before and after", *(f"{measure}{when}" for measure in MEASURES for when in ("", " then"))]
    print("\n" + table(header, rows))
    if report["slopes"]:
        rows = [
            [f"{each['process']}, {each['seconds'] / 60:.0f} min", *(interval(each[measure]) for measure in MEASURES)]
            for each in report["slopes"]
        ]
        print("\n" + table(["slope per hour, 95 %", *MEASURES], rows))


def interval(line):
    return "" if line is None else f"{line['per_hour']:+.1f} ± {line['half_width']:.1f}"


def check(report):
    """Checks the expectations; returns a sentence for each that is not met."""
    wrong = report["wrong"][:5]
    nemesis = report["nemesis"]
    if report["nemesis_status"] != 0:
        wrong.append(f"the nemesis ended with {report['nemesis_status']}: {nemesis['verdict']}")
    wrong += [f"{fault['fault']}: {fault['failure']}" for fault in nemesis["faults"] if fault.get("failure")][:5]
    if report["equal"] == 0:
        wrong.append("no request was answered")
    if report["equal"] < 0.5 * report["requests"]:
        wrong.append(f"only {report['equal']} of {report['requests']} requests were answered")
    wrong += [f"{name} is not there at the end" for name in report["missing"]]
    wrong += [f"{each['process']} ended of itself: {each['ending']}" for each in nemesis["ended"]]
    for each in (each for each in report["slopes"] if each["seconds"] >= JUDGED):
        for measure, limit in LIMITS.items():
            line = each[measure]
            # It grows for certain, and by more in an hour than it may between rest and rest.
            if line and line["per_hour"] - line["half_width"] > limit:
                wrong.append(f"{each['process']} grows by {interval(line)} {measure} an hour")
    for each in report["rest"]:
        for measure, limit in LIMITS.items():
            before, after = each[measure]
            if after > before + limit:
                wrong.append(f"{each['process']} has {after:.0f} {measure} at the end, {before:.0f} at the beginning")
    return wrong


if __name__ == "__main__":
    sys.exit(run("soak", arguments(), measure, show, check))
