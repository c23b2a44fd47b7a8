"""What drafting during verification gains when the network delay is long.

A verifier and a worker run in separate network namespaces. They are connected by a relay in a third, which adds delay,
jitter and a bandwidth limit. The same texts are generated with asynchronous drafting and with stop-and-wait, the
classic protocol. The tokens must always be those of plain decoding.

    sudo PACELINE=.build/release/paceline python3 Tests/Measurements/overlap.py [--json report.json]

A verifier that waits for every tree has no empty passes but pays the whole delay in each round. So shares of empty
passes can be compared only between modes that wait equally long. Two modes never wait. Two keep the promise that no
token waits more than 50 ms for drafts: the asynchronous one waits as long as it expects a gain, the classic one until
the tree is complete. The last mode waits up to a second.
"""

import argparse
import sys

import namespaces
from cluster import Client, Cluster, cores, run, table

MODES = {
    "asynchronous": [],
    "asynchronous without waiting": ["--always-draft", "--draft-wait", "0"],
    "stop-and-wait without waiting": ["--drafting", "stop-and-wait", "--draft-wait", "0"],
    "stop-and-wait": ["--drafting", "stop-and-wait"],
    "patient stop-and-wait": ["--drafting", "stop-and-wait", "--draft-wait", "1s"],
}
OURS, THEIRS = "asynchronous without waiting", "stop-and-wait without waiting"
LISTING = """class Inventory:
    def __init__(self):
        self.items = {}

    def add(self, name, quantity, price):
        if quantity <= 0:
            raise ValueError("the quantity must be positive")
        if name in self.items:
            self.items[name]["quantity"] += quantity
        else:
            self.items[name] = {"quantity": quantity, "price": price}

    def remove(self, name, quantity):
        if name not in self.items:
            raise KeyError(name)
        if self.items[name]["quantity"] < quantity:
            raise ValueError("there are not so many")
        self.items[name]["quantity"] -= quantity
        if self.items[name]["quantity"] == 0:
            del self.items[name]

    def total(self):
        return sum(item["quantity"] * item["price"] for item in self.items.values())
"""
# The texts to generate. Drafters without a model are good at copying. The constant text, caused by a bias, is perfectly
# predictable, so only the network delay can cause an empty pass.
TEXTS = {
    "code": [
        {"prompt": 'import unittest\n\n\nclass Stack:\n    """A last-in, first-out collection."""\n\n'},
        {"prompt": "Write a Python function that returns the n-th Fibonacci number, and explain it line by line.\n\n"},
    ],
    "copy": [{"prompt": f"# inventory.py\n{LISTING}\n# A copy of inventory.py, unchanged:\n{LISTING[:60]}"}],
    "constant": [{"prompt": "Count again: one two three", "logit_bias": {"260": 100}}],
}
# The share of empty passes is meaningful only with at least this many passes.
ROUNDS_NEEDED = 40


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b")
    parser.add_argument("--draft", action="append", help="drafter of the worker; may be repeated")
    parser.add_argument("--delays", default="5,20,80", help="milliseconds each way")
    parser.add_argument("--modes", default=",".join(MODES), help=", ".join(MODES))
    parser.add_argument("--bandwidth", default="10Mbit")
    parser.add_argument("--tokens", type=int, default=800, help="tokens per text")
    parser.add_argument("--text", choices=list(TEXTS), default="constant")
    parser.add_argument("--json", help="write the report to this file")
    parser.add_argument("--short", action="store_true", help="a small model with a short delay, in under a minute")
    chosen = parser.parse_args()
    if chosen.short:
        chosen.model, chosen.text, chosen.delays, chosen.tokens = "smollm2-135m", "constant", "5", 1000
        chosen.modes = "asynchronous,asynchronous without waiting,stop-and-wait without waiting"
    chosen.draft = chosen.draft or ["ngram"]
    chosen.delays = [float(delay) for delay in chosen.delays.split(",")]
    chosen.modes = chosen.modes.split(",")
    if unknown := set(chosen.modes) - set(MODES):
        parser.error(f"unknown modes {', '.join(unknown)}; choose from {', '.join(MODES)}")
    return chosen


def placing():
    """One core for the verifier and one for the worker, as on separate machines; the same if there is only one."""
    available = cores()
    return {available[0]}, {available[-1]}


def options(processors):
    return "-t", str(len(processors))


def generate_all(client, chosen):
    return [client.generate(tokens=chosen.tokens, **text) for text in TEXTS[chosen.text]]


def plain(chosen):
    """The same texts without workers."""
    processors, _ = placing()
    with Cluster() as cluster:
        _, _, http = cluster.verifier(chosen.model, *options(processors), cpus=processors)
        client = Client(http)
        client.generate("Once", 16)
        return generate_all(client, chosen)


def cell(network, chosen, delay, mode):
    """One delay and mode: returns the answers and the relay's statistics."""
    target_cpus, draft_cpus = placing()
    inside = {name: {"preexec": network.entering(name)} for name in network.names}
    with Cluster() as cluster:
        _, drafts, http = cluster.verifier(
            chosen.model, *options(target_cpus), *MODES[mode], cpus=target_cpus, **inside["verifier"]
        )
        # The verifier listens on its own loopback; this relay connects it to the network.
        door = cluster.start(
            "chaos",
            "--listen",
            f"{network.address('verifier', 'relay')}:0",
            "--connect",
            drafts,
            "--allow-remote",
            **inside["verifier"],
        ).announcement("ready")["relay"]
        relay = cluster.start(
            "chaos",
            "--listen",
            f"{network.address('relay', 'worker')}:0",
            "--connect",
            door,
            "--allow-remote",
            "--delay",
            f"{delay}ms",
            "--jitter",
            f"{delay / 4}ms",
            "--bandwidth",
            chosen.bandwidth,
            **inside["relay"],
        )
        cluster.worker(
            relay.announcement("ready")["relay"],
            chosen.draft,
            *options(draft_cpus),
            cpus=draft_cpus,
            **inside["worker"],
        )
        client = Client(http, lambda: network.inside("verifier"))
        client.await_workers(1)
        # The verifier learns how fast its passes are and how good its worker is on such text. A useless worker is not
        # asked to draft for a while.
        client.generate(tokens=100, **TEXTS[chosen.text][0])
        answers = generate_all(client, chosen)
        return answers, relay.stop()


def figures(answers):
    rounds = sum(answer.figures["num_rounds"] for answer in answers)
    empty = rounds - sum(answer.figures["num_drafts"] for answer in answers)
    tokens = sum(len(answer.tokens) for answer in answers)
    seconds = sum(answer.milliseconds for answer in answers) / 1000
    drafted = sum(answer.figures["num_draft_tokens"] for answer in answers)
    return {
        "passes": rounds,
        "tokens_per_pass": tokens / rounds,
        "empty_passes": empty,
        "empty_share": empty / rounds,
        "tokens_per_second": (tokens - len(answers)) / seconds,
        "drafted_per_pass": drafted / rounds,
    }


def measure(chosen):
    reference = plain(chosen)
    speed = figures(reference)["tokens_per_second"]
    report = {
        "model": chosen.model,
        "draft": chosen.draft,
        "bandwidth": chosen.bandwidth,
        "tokens": chosen.tokens,
        "text": chosen.text,
        "cores": len(cores()),
        "plain_tokens_per_second": speed,
        "cells": [],
    }
    network = namespaces.Network("verifier", "relay", "worker")
    try:
        for delay in chosen.delays:
            for mode in chosen.modes:
                answers, relayed = cell(network, chosen, delay, mode)
                same = [one.tokens == other.tokens for one, other in zip(answers, reference)]
                report["cells"].append(
                    {
                        "delay_ms": delay,
                        "mode": mode,
                        "identical": all(same),
                        **figures(answers),
                        "speed_up": figures(answers)["tokens_per_second"] / speed,
                        "relay": relayed,
                    }
                )
                latest = report["cells"][-1]
                print(
                    f"{delay:g} ms, {mode}: {latest['empty_share']:.1%} of {latest['passes']} passes empty, "
                    f"{latest['tokens_per_second']:.1f} tokens/s",
                    file=sys.stderr,
                )
    finally:
        network.remove()
    return report


def show(report):
    print(
        f"{report['model']} with drafts by {' and '.join(report['draft'])}, {report['text']}, "
        f"{report['tokens']} tokens per text, greedy; {report['bandwidth']} "
        "and a quarter of the delay as jitter each way; "
        f"plain decoding {report['plain_tokens_per_second']:.1f} tokens/s\n"
    )
    print(
        table(
            ["mode", "ms each way", "passes", "tokens/pass", "empty", "empty %", "tokens/s", "x plain"],
            [
                [
                    cell["mode"],
                    f"{cell['delay_ms']:g}",
                    str(cell["passes"]),
                    cell["tokens_per_pass"],
                    str(cell["empty_passes"]),
                    100 * cell["empty_share"],
                    cell["tokens_per_second"],
                    cell["speed_up"],
                ]
                for cell in report["cells"]
            ],
        )
    )


def delays(report):
    return sorted({cell["delay_ms"] for cell in report["cells"]})


def check(report):
    """Checks the expectations; returns a sentence for each that is not met."""
    wrong = [
        f"the tokens at {cell['delay_ms']:g} ms, {cell['mode']}, are not those of plain decoding"
        for cell in report["cells"]
        if not cell["identical"]
    ]
    # With equal waiting, drafting during verification must leave at most half as many passes empty for the same
    # tokens. If the text is hard to predict, passes are empty in both modes because nothing could be drafted.
    judged = {20} & set(delays(report)) or set(delays(report))
    for delay in judged if report["text"] == "constant" else ():
        cells = {cell["mode"]: cell for cell in report["cells"] if cell["delay_ms"] == delay}
        if not {OURS, THEIRS} <= set(cells):
            continue
        if min(cells[OURS]["passes"], cells[THEIRS]["passes"]) < ROUNDS_NEEDED:
            wrong.append(f"fewer than {ROUNDS_NEEDED} passes prove nothing; generate more tokens")
        if cells[OURS]["empty_passes"] > cells[THEIRS]["empty_passes"] / 2:
            wrong.append(
                f"at {delay:g} ms {cells[OURS]['empty_passes']} asynchronous passes are empty, more than half of the "
                f"{cells[THEIRS]['empty_passes']} of stop-and-wait"
            )
    return wrong


def main():
    chosen = arguments()
    reason = namespaces.missing()
    if reason:
        print(f"skipped: {reason}")
        return 0
    return run("overlap", chosen, measure, show, check)


if __name__ == "__main__":
    sys.exit(main())
