"""An open loop at twice what a verifier can do: it answers what it takes, refuses the rest at once, and does not grow.

First `paceline bench serve` measures the capacity with as many clients as there are slots. Then it sends twice as many
requests a second, on a schedule that does not wait for answers, while this program watches the verifier's resident
memory and descriptors. Pages of the model's file are left out: they come in when a token is first read. At the end it
measures the capacity again, since a shared machine is not always as fast.

    PACELINE=.build/release/paceline python3 Tests/Measurements/overload.py [--minutes 10] [--json report.json]
    PACELINE=.build/debug/paceline python3 Tests/Measurements/overload.py --short

`--short` takes a minute. The verifier has one core and the generator another.
"""

import argparse
import json
import os
import subprocess
import sys
import time

from cluster import EXECUTABLE, Client, Cluster, Failure, cores, run, table

# Of the capacity.
LOAD = 2.0
# How much of what it was the resident memory may differ, after the warm-up.
MEMORY = 0.03
# A request waits for those before it in the queue and in the slots. Arrivals come in bursts, and passes vary.
QUEUE_MARGIN = 1.5
# What "at once" means for a refusal: this share of the longest wait that the queue allows, so that it fits any machine.
REFUSAL = 0.05
# Context of a request. Small, so that the pages for all slots, which keep old prompts, are soon in use and stay so.
CONTEXT = 256
# Requests that measure the capacity; many times what fills those pages.
CAPACITY_REQUESTS = 60
# Connections that come and go while a sample is taken.
DESCRIPTORS = 8


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--short", action="store_true", help="20 s of load; for the tests")
    parser.add_argument("--untimed", action="store_true", help="do not judge throughput, on a machine that others use")
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--queue", type=int, default=8, help="places in the queue")
    parser.add_argument("--prompt", type=int, default=64, help="tokens of each prompt")
    parser.add_argument("--tokens", type=int, default=32, help="tokens of each text")
    parser.add_argument("--workers", type=int, default=1, help="ngram workers")
    parser.add_argument("--verifier", default="", help="further options of the verifier")
    parser.add_argument("--json", help="write the report to this file")
    chosen = parser.parse_args()
    chosen.seconds = 20 if chosen.short else 60 * chosen.minutes
    chosen.warmup = 10 if chosen.short else 30
    return chosen


class Generator:
    """`paceline bench serve` as a process."""

    def __init__(self, chosen, address, cpus, *options):
        requests = ["--prompt-tokens", chosen.prompt, "-n", chosen.tokens]
        command = [EXECUTABLE, "bench", "serve", "--url", f"http://{address}", *requests, *options, "--json"]
        self.child = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus),
        )

    def report(self):
        output, errors = self.child.communicate()
        if self.child.returncode != 0:
            raise Failure(f"bench serve ended with {self.child.returncode}: {errors.strip()}")
        return json.loads(output)

    def requests_per_second(self):
        return self.report()["results"][0]["throughput"]["completed_requests_per_s"]


def sample(pid):
    """Resident bytes that are no file's, number of descriptors, and resident bytes of files."""
    with open(f"/proc/{pid}/statm") as file:
        pages, mapped = (int(field) for field in file.read().split()[1:3])
    size = os.sysconf("SC_PAGE_SIZE")
    return (pages - mapped) * size, len(os.listdir(f"/proc/{pid}/fd")), mapped * size


def measure(chosen):
    own = cores()
    first, last = {own[0]}, {own[-1]}
    with Cluster() as cluster:
        limits = ["--slots", chosen.slots, "--queue-limit", chosen.queue, "--context", CONTEXT]
        process, drafts, address = cluster.verifier(
            chosen.model, "-t", 1, *limits, *chosen.verifier.split(), cpus=first
        )
        for _ in range(chosen.workers):
            cluster.worker(drafts, ["ngram"], "-t", 1, cpus=last)
        Client(address).await_workers(chosen.workers)
        # Afterwards all pages for keys and values have been used.
        closed = ["--concurrency", chosen.slots + chosen.queue, "--requests", CAPACITY_REQUESTS]
        per_second = Generator(chosen, address, last, *closed).requests_per_second()
        time.sleep(1)
        before = sample(process.pid)
        pace = ["--rate", f"{LOAD * per_second:.3f}", "--duration", f"{chosen.seconds}s"]
        generator = Generator(chosen, address, last, *pace, "--warmup", f"{chosen.warmup}s", "--timeout", "120s")
        start, samples = time.monotonic(), []
        while generator.child.poll() is None:
            samples.append([time.monotonic() - start, *sample(process.pid)])
            time.sleep(0.25 if chosen.short else 1)
        loaded = generator.report()
        time.sleep(2)
        after = sample(process.pid)
        # A shared machine is not always as fast.
        per_second_after = Generator(chosen, address, last, *closed).requests_per_second()
    return {
        "model": chosen.model,
        "is_timed": not chosen.untimed,
        "slots": chosen.slots,
        "queue": chosen.queue,
        "capacity_requests_per_s": per_second,
        "capacity_after_requests_per_s": per_second_after,
        "before": before,
        "after": after,
        "samples": samples,
        "warmup_s": chosen.warmup,
        "load": loaded["results"][0],
        "warnings": loaded["warnings"],
    }


def settled(report):
    """Memory and descriptors after the warm-up and until no more requests came."""
    end = report["samples"][-1][0] - 2
    return [entry for entry in report["samples"] if report["warmup_s"] <= entry[0] <= end]


def bound(report):
    """The longest time to the first token that the queue allows, ms."""
    places = report["slots"] + report["queue"]
    return QUEUE_MARGIN * 1000 * places / report["capacity_requests_per_s"]


def show(report):
    load, latency = report["load"], report["load"]["latency_ms"]
    memory = [entry[1] / 1e6 for entry in settled(report)]
    descriptors = [entry[2] for entry in settled(report)]
    files = [entry[3] / 1e6 for entry in settled(report)]
    refusal = latency.get("refusal", {"p50": 0, "p99": 0})
    failed = ", ".join(f"{count} × {name}" for name, count in load["requests"]["failed"].items()) or "none"
    rows = [
        ["capacity, requests/s", f"{report['capacity_requests_per_s']:.2f}"],
        ["capacity afterwards, requests/s", f"{report['capacity_after_requests_per_s']:.2f}"],
        ["offered, requests/s", f"{load['throughput']['offered_requests_per_s']:.2f}"],
        ["answered, requests/s", f"{load['throughput']['completed_requests_per_s']:.2f}"],
        ["answered", f"{load['requests']['completed']} of {load['requests']['sent']}"],
        ["not answered", failed],
        ["time to first token, p50 and p99, ms", f"{latency['ttft']['p50']:.0f}, {latency['ttft']['p99']:.0f}"],
        ["bound by the queue, ms", f"{bound(report):.0f}"],
        ["until refused, p50 and p99, ms", f"{refusal['p50']:.1f}, {refusal['p99']:.1f}"],
        ["resident memory, MB", f"{min(memory):.1f} to {max(memory):.1f}"],
        ["resident pages of files, MB", f"{min(files):.1f} to {max(files):.1f}"],
        [
            "descriptors",
            f"{report['before'][1]} before, {min(descriptors)} to {max(descriptors)}, {report['after'][1]} after",
        ],
    ]
    print(table(["", ""], rows))
    for sentence in report["warnings"]:
        print(f"note: {sentence}")


def check(report):
    """Checks the expectations; returns a sentence for each that is not met."""
    load, wrong = report["load"], []
    others = {name: count for name, count in load["requests"]["failed"].items() if name not in ("429", "503")}
    if others:
        wrong.append(f"requests failed otherwise than by a refusal: {others}, {load['requests']['examples']}")
    refused = sum(load["requests"]["failed"].values())
    if load["requests"]["completed"] + refused != load["requests"]["sent"] or not refused:
        wrong.append("the answered and the refused requests are not all, or none was refused")
    capacity = min(report["capacity_requests_per_s"], report["capacity_after_requests_per_s"])
    if report["is_timed"] and load["throughput"]["completed_requests_per_s"] < 0.85 * capacity:
        wrong.append("overload takes away more than 15 % of the capacity")
    if load["latency_ms"]["ttft"]["p99"] > bound(report):
        wrong.append(f"1 % wait {load['latency_ms']['ttft']['p99']:.0f} ms, longer than the queue allows")
    refusal = load["latency_ms"].get("refusal", {"p99": 0})["p99"]
    if refusal > REFUSAL * bound(report):
        wrong.append(f"1 % of the refusals take {refusal:.0f} ms, more than {REFUSAL:.0%} of what the queue allows")
    memory = [entry[1] for entry in settled(report)]
    if max(memory) > (1 + MEMORY) * min(memory):
        wrong.append(f"resident memory differs by {max(memory) / min(memory) - 1:.1%}, more than {MEMORY:.0%}")
    descriptors = [entry[2] for entry in settled(report)]
    room = report["before"][1] + report["slots"] + report["queue"] + DESCRIPTORS
    half = len(descriptors) // 2
    if max(descriptors) > room or max(descriptors[half:]) > max(descriptors[:half]) + DESCRIPTORS:
        wrong.append(f"descriptors grow to {max(descriptors)}, more than {room} or than before")
    if report["after"][1] > report["before"][1] + 1:
        wrong.append(f"{report['after'][1] - report['before'][1]} descriptors are left after the load")
    return wrong


if __name__ == "__main__":
    sys.exit(run("overload", arguments(), measure, show, check))
