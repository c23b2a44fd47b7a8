"""What serving over HTTP costs, and what shared beginnings save.

Prefixes: of two requests that share their first 1,000 tokens, the second's first token must come in at most 0.15 of
the time. Streams: tokens/s of one client, beside those of `paceline bench engine`, in turns. Scrapes: CPU time of a GET
of /metrics, and how long it takes to answer while long prompts are read, which must not depend on passes.

    PACELINE=.build/release/paceline python3 Tests/Measurements/http_costs.py [--json report.json]
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import sys
import threading
import time

from cluster import EXECUTABLE, Client, Cluster, Failure, median, run, table
from throughput import Prompts

PREFIX_LIMIT = 0.15
STREAM_LIMIT = 0.97
SCRAPE_LIMIT_MS = 1
CONTEXT = 2048


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--pairs", type=int, default=7, help="pairs of requests that share a beginning")
    parser.add_argument("--prefix", type=int, default=1000, help="tokens of the shared beginning")
    parser.add_argument("--streams", type=int, default=7, help="streams, and runs of the engine alone")
    parser.add_argument("--tokens", type=int, default=400, help="tokens of each stream")
    parser.add_argument("--scrapes", type=int, default=500)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", choices=["prefixes", "streams", "scrapes"])
    parser.add_argument("--seed", type=int, default=1, help="seed of the prompts")
    parser.add_argument("--json", help="write the report to this file")
    return parser.parse_args()


def time_to_first_token(client, prompt):
    start = time.monotonic()
    answer = client.generate(prompt, 2)
    return answer.arrivals[0][0] - start, answer.final["usage"]["prompt_tokens_details"]["cached_tokens"]


def prefixes(client, prompts, chosen):
    first, second, cached = [], [], []
    for _ in range(chosen.pairs):
        shared = prompts.next(chosen.prefix)
        for times in (first, second):
            seconds, tokens = time_to_first_token(client, shared + prompts.next(20))
            times.append(seconds)
        cached.append(tokens)
    return {
        "tokens": chosen.prefix,
        "cached_tokens": median(cached),
        "first_ms": median(first) * 1000,
        "second_ms": median(second) * 1000,
        "ratio": median([after / before for before, after in zip(first, second)]),
    }


def engine(chosen):
    """Tokens/s of the engine without a server, over contexts as long as those of the streams."""
    contexts = f"16,{chosen.tokens // 2},{chosen.tokens}"
    command = [EXECUTABLE, "bench", "engine", "-m", chosen.model, "-t", str(chosen.threads), "--nodes", "1"]
    command += ["--prefill", "16", "--contexts", contexts, "--repeats", "3", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return 1000 / median(list(json.loads(result.stdout)["decode_ms_by_context"].values()))


def streams(client, prompts, chosen):
    served, alone = [], []
    for number in range(chosen.streams):
        for kind in (("alone", "served"), ("served", "alone"))[number % 2]:
            if kind == "alone":
                alone.append(engine(chosen))
                continue
            answer = client.generate(prompts.next(16), chosen.tokens)
            served.append((len(answer.tokens) - 1) / (answer.arrivals[-1][0] - answer.arrivals[0][0]))
    return {
        "tokens_per_second": median(served),
        "engine_tokens_per_second": median(alone),
        "ratio": median([one / other for one, other in zip(served, alone)]),
    }


def metrics(address, connection=None):
    """Asks for the metrics; returns the seconds that the answer took, and its text."""
    host, port = address.rsplit(":", 1)
    with contextlib.ExitStack() as stack:
        if connection is None:
            connection = stack.enter_context(contextlib.closing(http.client.HTTPConnection(host, int(port))))
        start = time.monotonic()
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        text = response.read().decode()
        if response.status != 200:
            raise Failure(f"/metrics answered {response.status}")
        return time.monotonic() - start, text


def cpu_seconds(pid):
    """CPU time of all threads so far, in nanoseconds' resolution."""
    tasks = pathlib.Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9


def scrapes(client, process, address, prompts, chosen):
    host, port = address.rsplit(":", 1)
    with contextlib.closing(http.client.HTTPConnection(host, int(port))) as connection:
        bytes_of_text = len(metrics(address, connection)[1])
        before = cpu_seconds(process.pid)
        for _ in range(chosen.scrapes):
            metrics(address, connection)
        cost = (cpu_seconds(process.pid) - before) / chosen.scrapes
        reading = threading.Thread(target=lambda: [client.generate(prompts.next(1500), 2) for _ in range(6)])
        reading.start()
        times = []
        while reading.is_alive():
            times.append(metrics(address, connection)[0])
            time.sleep(0.05)
        reading.join()
    times.sort()
    return {
        "bytes": bytes_of_text,
        "cpu_ms": cost * 1000,
        "while_reading": len(times),
        "median_ms": median(times) * 1000,
        "p99_ms": times[len(times) * 99 // 100] * 1000,
    }


def measure(chosen):
    report = {"model": chosen.model, "threads": chosen.threads}
    with Cluster() as cluster:
        process, _, address = cluster.verifier(chosen.model, "-t", chosen.threads, "--context", CONTEXT)
        client, prompts = Client(address), Prompts(address, chosen.prefix, chosen.seed)
        if chosen.only in (None, "prefixes"):
            report["prefixes"] = prefixes(client, prompts, chosen)
        if chosen.only in (None, "streams"):
            report["streams"] = streams(client, prompts, chosen)
        if chosen.only in (None, "scrapes"):
            report["scrapes"] = scrapes(client, process, address, prompts, chosen)
    return report


def show(report):
    print(f"{report['model']}, {report['threads']} threads\n")
    rows = []
    if entry := report.get("prefixes"):
        rows.append([f"first token, prompt of {entry['tokens']} tokens, ms", f"{entry['first_ms']:.0f}", ""])
        name = f"the same, {entry['cached_tokens']:.0f} of them read before, ms"
        rows.append([name, f"{entry['second_ms']:.0f}", f"{entry['ratio']:.3f}"])
    if entry := report.get("streams"):
        rows.append(["engine alone, tokens/s", f"{entry['engine_tokens_per_second']:.1f}", ""])
        rows.append(["stream over HTTP, tokens/s", f"{entry['tokens_per_second']:.1f}", f"{entry['ratio']:.3f}"])
    if entry := report.get("scrapes"):
        rows.append([f"CPU time of a scrape of {entry['bytes']} bytes, ms", f"{entry['cpu_ms']:.2f}", ""])
        name = f"a scrape while prompts are read, median and p99 of {entry['while_reading']}, ms"
        rows.append([name, f"{entry['median_ms']:.1f}", f"{entry['p99_ms']:.1f}"])
    print(table(["", "figure", "ratio"], rows))


def check(report):
    """Checks the expectations; returns a sentence for each that is not met."""
    wrong = []
    if (entry := report.get("prefixes")) and entry["ratio"] > PREFIX_LIMIT:
        wrong.append(f"with a known beginning the first token takes {entry['ratio']:.3f} of the time")
    if (entry := report.get("streams")) and entry["ratio"] < STREAM_LIMIT:
        wrong.append(f"a stream reaches {entry['ratio']:.3f} of the engine's speed")
    if (entry := report.get("scrapes")) and entry["cpu_ms"] > SCRAPE_LIMIT_MS:
        wrong.append(f"a scrape takes {entry['cpu_ms']:.2f} ms of CPU time")
    return wrong


if __name__ == "__main__":
    sys.exit(run("http_costs", arguments(), measure, show, check))
