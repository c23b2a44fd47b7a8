#!/usr/bin/env python3
"""Whether SIGTERM and SIGINT end every long-running command, whenever they come.

Each run starts a command, waits 0 to 60 ms (`--delay`) from its start or from the first sign that it is up, sends one
signal, and waits for the end. A signal is lost if the process still runs after `--patience` seconds.

With `--log` every finished run is recorded, and an interrupted measurement continues where it stopped:

    PACELINE=.build/release/paceline python3 Tests/Measurements/signals.py --log signals.jsonl
"""

import argparse
import collections
import concurrent.futures
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import cluster

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# How many seconds a process may need to start on a busy machine.
START_LIMIT = 60
TEXT = "Once upon a time there was a river. " * 30
PROMPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../ClusterTests/Prompts/coding-and-math.jsonl")


def commands(model):
    """The arguments of each command, and how it shows that it is up: by output, a connection or nothing."""
    anywhere = "127.0.0.1:0"
    return {
        "verifier": (["verifier", "-m", model, "--listen", anywhere, "--http", anywhere, "--announce"], '"ready"'),
        "worker": (["worker", "-md", "ngram"], "connection"),
        "generate": (["generate", "-m", model, "-p", "Once", "-n", "4000", "--ignore-eos", "--workers", "1"], ""),
        "chaos relay": (["chaos", "relay", "--listen", anywhere, "--connect", "127.0.0.1:9", "--announce"], '"ready"'),
        "score": (["score", "-m", model, "-p", TEXT, "--top", "1000"], None),
        "bench engine": (["bench", "engine", "-m", model, "--contexts", "64,512", "--repeats", "100"], None),
        "bench methods": (["bench", "methods", "-m", model, "-md", "ngram", "--prompts", PROMPTS], None),
        "bench cluster": (["bench", "cluster"], None),
        "simulate": (["simulate", "--seeds", "1..1000000"], None),
    }


class Run:
    """One process, one signal. `number` determines the signal and the delay."""

    def __init__(self, command, moment, number, longest_delay):
        self.key = (command, moment, number)
        drawn = random.Random(f"{command} {moment} {number}")
        self.signal = SIGNALS[number % len(SIGNALS)]
        self.delay = drawn.uniform(0, longest_delay)

    def carry_out(self, arguments, sign, patience):
        """Returns the outcome: `lost`, `over` if the process had ended on its own, else the exit status."""
        listener = None
        if sign == "connection":
            listener = socket.create_server(("127.0.0.1", 0))
            arguments = arguments + ["--connect", f"127.0.0.1:{listener.getsockname()[1]}"]
        child = subprocess.Popen(
            [cluster.EXECUTABLE, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            if self.key[1] == "up":
                wait_until_up(child, sign, listener)
            time.sleep(self.delay)
            if child.poll() is not None:
                return "over"
            child.send_signal(self.signal)
            # Unread output would block the process.
            threading.Thread(target=drain, args=(child.stdout,), daemon=True).start()
            return child.wait(patience)
        except subprocess.TimeoutExpired:
            return "lost"
        finally:
            child.kill()
            child.wait()
            if listener:
                listener.close()


def drain(output):
    with output:
        while os.read(output.fileno(), 65536):
            pass


def wait_until_up(child, sign, listener):
    deadline = time.monotonic() + START_LIMIT
    if listener:
        listener.settimeout(START_LIMIT)
        listener.accept()[0].close()
        return
    seen = b""
    while time.monotonic() < deadline:
        if not select.select([child.stdout], [], [], 1)[0]:
            continue
        part = os.read(child.stdout.fileno(), 65536)
        seen += part
        if not part:
            raise cluster.Failure(f"{child.args[1:3]} ended before it was up: {seen.decode()}")
        if sign.encode() in seen:
            return
    raise cluster.Failure(f"{child.args[1:3]} was not up after {START_LIMIT} s")


def planned(chosen):
    for command, (_, sign) in commands(chosen.model).items():
        if chosen.only and command not in chosen.only:
            continue
        for moment in ["start"] if sign is None else ["start", "up"]:
            for number in range(chosen.runs):
                yield Run(command, moment, number, chosen.delay / 1000)


def measure(chosen):
    outcomes = {}
    if chosen.log and os.path.exists(chosen.log):
        with open(chosen.log) as log:
            for line in log:
                entry = json.loads(line)
                outcomes[(entry["command"], entry["moment"], entry["run"])] = entry["outcome"]
    known = commands(chosen.model)
    lock = threading.Lock()
    log = open(chosen.log, "a", buffering=1) if chosen.log else None

    def carry_out(run):
        outcome = run.carry_out(*known[run.key[0]], chosen.patience)
        with lock:
            outcomes[run.key] = outcome
            if log:
                names = ("command", "moment", "run", "signal", "delay_ms", "outcome")
                values = (*run.key, run.signal.name, round(run.delay * 1000, 3), outcome)
                log.write(json.dumps(dict(zip(names, values))) + "\n")

    runs = list(planned(chosen))
    with concurrent.futures.ThreadPoolExecutor(chosen.jobs) as pool:
        for _ in pool.map(carry_out, [run for run in runs if run.key not in outcomes]):
            pass
    rows = collections.defaultdict(collections.Counter)
    for run in runs:
        rows[run.key[:2]][str(outcomes[run.key])] += 1
    return [{"command": name, "from": moment, "outcomes": dict(counts)} for (name, moment), counts in rows.items()]


def show(report):
    header = ["command", "signal after", "runs", "lost", "over", "ended with (-N: killed by signal N)"]
    rows = []
    for row in report:
        counts = row["outcomes"]
        ends = sorted((int(end), count) for end, count in counts.items() if end not in ("lost", "over"))
        rows.append(
            [
                row["command"],
                "start" if row["from"] == "start" else "it is up",
                str(sum(counts.values())),
                str(counts.get("lost", 0)),
                str(counts.get("over", 0)),
                ", ".join(f"{end}: {count}" for end, count in ends),
            ]
        )
    print(cluster.table(header, rows))


def check(report):
    """A signal ends a command by its default action or in order: a service with 0, `generate` with 128 + the signal."""
    for row in report:
        counts, name = row["outcomes"], f"{row['command']}, after its {row['from']}"
        allowed = {"0", "130", "143", "-2", "-15"}
        strange = sorted(set(counts) - allowed - {"lost", "over"})
        if counts.get("lost"):
            yield f"{name}: {counts['lost']} of {sum(counts.values())} signals were lost"
        if counts.get("over"):
            yield f"{name}: {counts['over']} runs were over before their signal"
        if strange:
            yield f"{name}: ended with {', '.join(strange)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=2000, help="runs of each command from each moment")
    parser.add_argument("--only", action="append", metavar="COMMAND", help="such as 'chaos relay'; may be repeated")
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--delay", type=float, default=60, help="most milliseconds until the signal")
    parser.add_argument("--jobs", type=int, default=4, help="runs in parallel")
    parser.add_argument("--patience", type=float, default=5, help="seconds after which a signal is lost")
    parser.add_argument("--log", metavar="FILE", help="record each run here, and skip runs that are recorded already")
    parser.add_argument("--json", metavar="FILE")
    # A shell that starts this in the background makes it ignore SIGINT, and its children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return cluster.run("signals", parser.parse_args(), measure, show, lambda report: list(check(report)))


if __name__ == "__main__":
    sys.exit(main())
