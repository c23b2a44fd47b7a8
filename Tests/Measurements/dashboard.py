"""What the dashboard costs a verifier and a gateway, and what remembering rounds costs.

A request runs all the time, with a drafter beside it. In turns, nobody watches and one viewer does, who takes every
event and sees every tree; the difference in CPU time of all threads but the one that computes passes is its cost.
At most 2 ms a second is expected. The same without any request, and for a gateway before two verifiers, all threads of
which count. Then two verifiers, one that remembers rounds
(--trace-requests) and one that does not, write the same texts in turns.

    PACELINE=.build/release/paceline python3 Tests/Measurements/dashboard.py [--json report.json]
"""

import argparse
import contextlib
import http.client
import pathlib
import sys
import threading
import time

from cluster import Client, Cluster, Failure, median, run, table
from replicas import Replicas

VIEWER_LIMIT_MS = 2
TRACE_LIMIT_US = 20
# Passes are computed by one thread, so that it can be told from the others.
THREADS = ["-t", 1]
PROMPT = "".join(f"{number}. The quick brown fox jumps over the lazy dog number {number}.\n" for number in range(1, 9))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--draft", default="ngram")
    parser.add_argument("--pairs", type=int, default=8, help="windows without and with a viewer")
    parser.add_argument("--seconds", type=float, default=4, help="length of a window")
    parser.add_argument("--texts", type=int, default=6, help="pairs of texts with and without traces")
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--json", help="write the report to this file")
    return parser.parse_args()


def thread_seconds(pid):
    """CPU time of each thread so far."""
    times = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            times.append(int((task / "schedstat").read_text().split()[0]) / 1e9)
    return times


def other_seconds(pid):
    """CPU time of all threads so far but the one that computes passes, which is by far the busiest."""
    times = thread_seconds(pid)
    return sum(times) - max(times)


def all_seconds(pid):
    """CPU time of all threads so far."""
    return sum(thread_seconds(pid))


class Viewer(threading.Thread):
    """Takes all events, as a page would."""

    def __init__(self, address, path):
        super().__init__(daemon=True)
        host, port = address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=30)
        self.connection.request("GET", path)
        self.response = self.connection.getresponse()
        if self.response.status != 200:
            raise Failure(f"/dashboard/events answered {self.response.status}")
        self.is_over = False
        self.events = self.trees = self.size = 0
        self.start()

    def run(self):
        for line in self.response:
            if self.is_over:
                return
            self.size += len(line)
            if line.startswith(b"data: "):
                self.events += 1
                self.trees += b'"tree":' in line

    def stop(self):
        self.is_over = True
        self.join(10)
        self.connection.close()


class Load(threading.Thread):
    """Has one text after another written."""

    def __init__(self, client, tokens):
        super().__init__(daemon=True)
        self.client, self.tokens, self.is_over = client, tokens, False
        self.start()

    def run(self):
        while not self.is_over:
            self.client.generate(PROMPT, self.tokens)

    def stop(self):
        self.is_over = True
        self.join(120)


def windows(process, address, chosen, spent_by=other_seconds, path="/dashboard/events?request=latest"):
    """Milliseconds of CPU time a second, without and with a viewer, in turns."""
    without, watched, events, trees, size = [], [], 0, 0, 0
    for number in range(chosen.pairs):
        for kind in (("without", "with"), ("with", "without"))[number % 2]:
            viewer = Viewer(address, path) if kind == "with" else None
            time.sleep(0.5)
            start, before = time.monotonic(), spent_by(process.pid)
            time.sleep(chosen.seconds)
            spent = (spent_by(process.pid) - before) / (time.monotonic() - start) * 1000
            if viewer:
                viewer.stop()
                watched.append(spent)
                events, trees, size = events + viewer.events, trees + viewer.trees, size + viewer.size
            else:
                without.append(spent)
    elapsed = chosen.pairs * (chosen.seconds + 0.5)
    return {
        "without_ms": median(without),
        "watched_ms": median(watched),
        "viewer_ms": median([after - before for before, after in zip(without, watched)]),
        "events_per_second": events / elapsed,
        "trees_per_second": trees / elapsed,
        "bytes_per_second": size / elapsed,
    }


def gateway(chosen):
    """The same of a gateway, whose threads all count; its own page has no trees."""
    with Replicas(chosen.model, 2, *THREADS, "--context", 4096) as replicas:
        process, address = replicas.gateway, replicas.address
        Client(address).generate(PROMPT, 100)
        idle = windows(process, address, chosen, all_seconds, "/dashboard/events")
        load = Load(Client(address), 2000)
        try:
            return idle, windows(process, address, chosen, all_seconds, "/dashboard/events")
        finally:
            load.stop()


def traces(chosen):
    """Microseconds of CPU time a round, without and with traces, in turns."""
    spent = {0: [], 32: []}
    with Cluster() as cluster:
        verifiers = {}
        for limit in spent:
            process, link, address = cluster.verifier(
                chosen.model, *THREADS, "--always-draft", "--trace-requests", limit
            )
            cluster.worker(link, [chosen.draft])
            client = Client(address)
            client.await_workers(1)
            client.generate(PROMPT, 50)
            verifiers[limit] = process, client
        for number in range(chosen.texts):
            for limit in ((0, 32), (32, 0))[number % 2]:
                process, client = verifiers[limit]
                before = other_seconds(process.pid)
                rounds = client.generate(PROMPT, chosen.tokens).figures["num_rounds"]
                spent[limit].append((other_seconds(process.pid) - before) / rounds * 1e6)
    return {
        "without_us": median(spent[0]),
        "with_us": median(spent[32]),
        "trace_us": median([after - before for before, after in zip(spent[0], spent[32])]),
    }


def measure(chosen):
    report = {"model": chosen.model, "draft": chosen.draft}
    with Cluster() as cluster:
        process, link, address = cluster.verifier(chosen.model, *THREADS, "--always-draft", "--context", 4096)
        cluster.worker(link, [chosen.draft])
        client = Client(address)
        client.await_workers(1)
        client.generate(PROMPT, 100)
        report["idle"] = windows(process, address, chosen)
        load = Load(client, 2000)
        try:
            report["busy"] = windows(process, address, chosen)
        finally:
            load.stop()
    report["gateway_idle"], report["gateway_busy"] = gateway(chosen)
    report["traces"] = traces(chosen)
    return report


def show(report):
    print(
        table(
            ["CPU time beside passes, ms a second", "nobody watches", "one viewer", "difference", "trees/s", "kB/s"],
            [
                [
                    kind,
                    figures["without_ms"],
                    figures["watched_ms"],
                    figures["viewer_ms"],
                    figures["trees_per_second"],
                    figures["bytes_per_second"] / 1000,
                ]
                for kind, figures in (
                    ("verifier without requests", report["idle"]),
                    ("verifier, one request", report["busy"]),
                    ("gateway without requests", report["gateway_idle"]),
                    ("gateway, one request", report["gateway_busy"]),
                )
            ],
        )
    )
    figures = report["traces"]
    print(
        "\n"
        + table(
            ["CPU time beside passes, µs a round", "--trace-requests 0", "32", "difference"],
            [["one request", figures["without_us"], figures["with_us"], figures["trace_us"]]],
        )
    )


def check(report):
    wrong = []
    for kind in ("idle", "busy", "gateway_idle", "gateway_busy"):
        cost = report[kind]["viewer_ms"]
        if cost > VIEWER_LIMIT_MS:
            wrong.append(f"a viewer costs {cost:.2f} ms of CPU time a second ({kind}), not {VIEWER_LIMIT_MS} at most")
    if report["busy"]["trees_per_second"] < 1:
        wrong.append("the viewer of a running request was shown hardly any tree")
    if report["traces"]["trace_us"] > TRACE_LIMIT_US:
        wrong.append(f"remembering a round costs {report['traces']['trace_us']:.1f} µs, not {TRACE_LIMIT_US} at most")
    return wrong


if __name__ == "__main__":
    options = arguments()
    sys.exit(run("dashboard.py", options, measure, show, check))
