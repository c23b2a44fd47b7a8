"""Useless workers do no harm.

With drafters whose trees are all wrong, the verifier must stay as fast as without any. A worker that stops in the
middle of a round must not hold up a token. Plain and drafted runs alternate on one verifier, so that a change of the
machine's speed affects both. Each drafted run begins with a worker that is new to the verifier.

    PACELINE=.build/release/paceline python3 Tests/Measurements/no_harm.py --model smollm2-135m [--json report.json]
"""

import argparse
import random
import signal
import sys
import threading
import time

from cluster import Client, Cluster, Failure, median, run, table

PROMPT = "Write a Python function that returns the n-th Fibonacci number, and explain it line by line.\n\n"
# A bias makes the text constant, so a drafter without a model is always right and the verifier relies on its worker.
CONSTANT = {"prompt": "Count again: one two three", "logit_bias": {"260": 100}}
# Drafters whose trees are all wrong, by name: one that reports medium probabilities, one that is certain of every node,
# and four of the latter at once.
WRONG = {"random": ["random"], "liar": ["liar"], "four liars": ["liar"] * 4}
SPEED_LIMIT = 0.97
DELAY_LIMIT_MS = 50


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--draft", default="ngram", help="drafter of the worker that is stopped")
    parser.add_argument("--tokens", type=int, default=1000, help="tokens per run")
    parser.add_argument("--runs", type=int, default=7, help="pairs of a plain and a drafted run")
    parser.add_argument("--stops", type=int, default=20)
    parser.add_argument("--only", choices=["wrong", "stops"])
    parser.add_argument("--wrong", default=",".join(WRONG), help=", ".join(WRONG))
    parser.add_argument("--verifier", default="", help="further options of the verifier")
    parser.add_argument("--seed", type=int, default=1, help="seed of the times at which the worker is stopped")
    parser.add_argument("--json", help="write the report to this file")
    chosen = parser.parse_args()
    chosen.wrong = chosen.wrong.split(",")
    if unknown := set(chosen.wrong) - set(WRONG):
        parser.error(f"unknown drafters {', '.join(unknown)}; choose from {', '.join(WRONG)}")
    return chosen


def speed(answer):
    return (len(answer.tokens) - 1) / answer.milliseconds * 1000


def compare(cluster, client, drafts, chosen, name):
    """Pairs of runs, in alternating order within a pair."""
    rates = {"plain": [], name: []}
    figures = []
    for number in range(chosen.runs):
        for kind in (["plain", name], [name, "plain"])[number % 2]:
            workers = [cluster.worker(drafts, [drafter]) for drafter in (WRONG[name] if kind == name else [])]
            client.await_workers(len(workers))
            answer = client.generate(PROMPT, chosen.tokens)
            for worker in workers:
                worker.stop()
            client.await_workers(0)
            rates[kind].append(speed(answer))
            if answer.tokens != client.reference:
                raise Failure(f"the tokens of the {kind} run are not those of plain decoding")
            if kind == name:
                figures.append(answer.figures)
    print(f"{name}: plain {median(rates['plain']):.1f}, drafted {median(rates[name]):.1f} tokens/s", file=sys.stderr)
    return {
        "drafters": WRONG[name],
        "plain_tokens_per_second": median(rates["plain"]),
        "tokens_per_second": median(rates[name]),
        "ratio": median([drafted / plain for plain, drafted in zip(rates["plain"], rates[name])]),
        "runs": rates,
        "nodes_verified": median([run["num_draft_tokens"] for run in figures]),
        "rounds": median([run["num_rounds"] for run in figures]),
    }


def stop_once(client, worker, reference, chosen, choices):
    """Stops the worker at a random moment; returns the worst gap between tokens before and after it, and all gaps."""
    threshold = choices.randrange(chosen.tokens // 10, chosen.tokens // 2)
    stopped = []

    def stop():
        stopped.append(time.monotonic())
        worker.send(signal.SIGSTOP)

    def watch(answer):
        if len(answer.tokens) >= threshold and not stopped and not timers:
            timers.append(threading.Timer(choices.uniform(0, 0.03), stop))
            timers[0].start()

    timers = []
    answer = client.generate(tokens=chosen.tokens, on_token=watch, **CONSTANT)
    timers[0].join()
    worker.send(signal.SIGCONT)
    if answer.tokens != reference:
        raise Failure("the tokens of a run whose worker was stopped are not those of plain decoding")
    gaps = answer.gaps()
    after = [gap for moment, gap in gaps if moment > stopped[0]]
    if not after:
        raise Failure("the text ended before the worker was stopped; generate more tokens")
    return (
        max([gap for moment, gap in gaps if moment <= stopped[0]], default=0),
        max(after),
        answer.figures["num_drafts"],
    )


def stops(cluster, client, drafts, chosen):
    answers = [client.generate(tokens=chosen.tokens, **CONSTANT) for _ in range(3)]
    plain = sorted(gap for answer in answers for _, gap in answer.gaps())
    worker = cluster.worker(drafts, [chosen.draft])
    choices = random.Random(chosen.seed)
    before, after, drafted = [], [], []
    for _ in range(chosen.stops):
        client.await_workers(1)
        # A stopped worker reconnects if the verifier has closed its link.
        time.sleep(0.3)
        client.await_workers(1)
        worst_before, worst_after, drafts_of_run = stop_once(client, worker, answers[0].tokens, chosen, choices)
        before.append(worst_before)
        after.append(worst_after)
        drafted.append(drafts_of_run)
    worker.stop()
    client.await_workers(0)
    if not any(drafted):
        raise Failure(
            f"the worker drafted nothing, so its stops prove nothing; use a drafter other than {chosen.draft}"
        )
    return {
        "draft": chosen.draft,
        "stops": chosen.stops,
        "plain_gap_ms": {"median": median(plain), "p99": plain[len(plain) * 99 // 100], "most": plain[-1]},
        "limit_ms": median(plain) + DELAY_LIMIT_MS,
        "worst_before_ms": sorted(before),
        "worst_after_ms": sorted(after),
    }


def measure(chosen):
    report = {"model": chosen.model, "tokens": chosen.tokens}
    with Cluster() as cluster:
        _, drafts, http = cluster.verifier(chosen.model, *chosen.verifier.split())
        client = Client(http)
        client.reference = client.generate(PROMPT, chosen.tokens).tokens
        if chosen.only != "wrong":
            report["stops"] = stops(cluster, client, drafts, chosen)
        if chosen.only != "stops":
            report["wrong"] = {name: compare(cluster, client, drafts, chosen, name) for name in chosen.wrong}
    return report


def show(report):
    print(f"{report['model']}, {report['tokens']} tokens per run, greedy\n")
    if "wrong" in report:
        print(
            table(
                ["trees all wrong", "tokens/s", "plain", "ratio", "passes", "nodes verified"],
                [
                    [
                        name,
                        entry["tokens_per_second"],
                        entry["plain_tokens_per_second"],
                        f"{entry['ratio']:.3f}",
                        f"{entry['rounds']:.0f}",
                        f"{entry['nodes_verified']:.0f}",
                    ]
                    for name, entry in report["wrong"].items()
                ],
            )
            + "\n"
        )
    if "stops" in report:
        entry = report["stops"]
        gap = entry["plain_gap_ms"]
        print(f"{entry['stops']} stops of a worker that drafts with {entry['draft']}")
        print(
            table(
                ["gap between tokens, ms", "median", "most"],
                [
                    ["plain", gap["median"], gap["most"]],
                    ["worst before a stop", median(entry["worst_before_ms"]), entry["worst_before_ms"][-1]],
                    ["worst after a stop", median(entry["worst_after_ms"]), entry["worst_after_ms"][-1]],
                    ["limit", "", entry["limit_ms"]],
                ],
            )
        )


def check(report):
    """Checks the expectations; returns a sentence for each that is not met."""
    wrong = [
        f"with {name} the verifier reaches {entry['ratio']:.3f} of its plain speed, less than {SPEED_LIMIT}"
        for name, entry in report.get("wrong", {}).items()
        if entry["ratio"] < SPEED_LIMIT
    ]
    stopped = report.get("stops")
    if stopped and stopped["worst_after_ms"][-1] > stopped["limit_ms"]:
        late = sum(gap > stopped["limit_ms"] for gap in stopped["worst_after_ms"])
        wrong.append(
            f"after {late} of {stopped['stops']} stops a token came more than {DELAY_LIMIT_MS} ms later than a "
            f"plain pass would have brought it, at worst {stopped['worst_after_ms'][-1]:.0f} ms after the one before"
        )
    return wrong


if __name__ == "__main__":
    sys.exit(run("no_harm", arguments(), measure, show, check))
