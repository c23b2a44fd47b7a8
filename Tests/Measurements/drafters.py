"""What drafters in the verifier's process gain over plain decoding, by kind of prompt.

Prompts come from a file in Spec-Bench's format, of each category the first few. Each is answered by a verifier that
drafts nothing and by others with drafters in their own process, on the same processors, one after the other in
alternating order. The texts must be equal. With `--delays 10ms,50ms,400ms` every drafter is also measured with these
limits of what drafts may delay a token; 99 of 100 tokens should come within three plain passes.

    PACELINE=.build/release/paceline python3 Tests/Measurements/drafters.py --model smollm2-135m \
        --drafters head:head.gguf,ngram --prompts spec-bench-dev.jsonl [--temperature 0.8] [--json report.json]
"""

import argparse
import json
import math
import sys

from cluster import Client, Cluster, Failure, chat, median, run, table

PLAIN = "plain"
COLUMNS = ["tokens_per_pass", "nodes_per_pass", "ratio", "late_passes"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--drafters", required=True, help="of the verifiers, with commas between")
    parser.add_argument("--delays", default="", help="values of --draft-delay besides its default")
    parser.add_argument("--prompts", required=True, help="in Spec-Bench's format")
    parser.add_argument("--limit", type=int, default=3, help="prompts of each category")
    parser.add_argument("--categories", default="", help="only these, with commas between")
    parser.add_argument("--tokens", type=int, default=96, help="tokens of an answer")
    parser.add_argument("--temperature", type=float, default=0)
    parser.add_argument("--verifier", default="", help="further options of the verifiers")
    parser.add_argument("--gain", type=float, default=1.0, help="what the first drafter's speed beside plain has to be")
    parser.add_argument("--json", help="write the report to this file")
    chosen = parser.parse_args()
    drafters, delays = chosen.drafters.split(","), ["", *filter(None, chosen.delays.split(","))]
    ways = [(drafter, delay) for drafter in drafters for delay in delays]
    # Of each way to draft, the verifier's options.
    chosen.kinds = {PLAIN: []} | {
        f"{drafter} {delay}".strip(): ["-md", drafter] + (["--draft-delay", delay] if delay else [])
        for drafter, delay in ways
    }
    return chosen


def prompts(chosen):
    """By category, the first turns of the first questions."""
    wanted = set(filter(None, chosen.categories.split(",")))
    found = {}
    with open(chosen.prompts) as lines:
        for line in lines:
            question = json.loads(line)
            texts = found.setdefault(question["category"], [])
            if len(texts) < chosen.limit and (not wanted or question["category"] in wanted):
                texts.append(question["turns"][0])
    return {category: texts for category, texts in found.items() if texts}


def generate(client, chosen, question):
    answer = client.generate(chat(question), chosen.tokens, temperature=chosen.temperature, seed=1)
    return {
        "tokens": answer.tokens,
        "milliseconds": answer.milliseconds / (len(answer.tokens) - 1),
        "gaps": [gap for _, gap in answer.gaps()],
        "rounds": answer.figures["num_rounds"],
        "nodes": answer.figures["num_draft_tokens"],
    }


def measure(chosen):
    found = prompts(chosen)
    report = {"model": chosen.model, "temperature": chosen.temperature, "gain": chosen.gain, "categories": {}}
    with Cluster() as cluster:
        clients = {}
        for kind, options in chosen.kinds.items():
            _, _, http = cluster.verifier(chosen.model, *options, *chosen.verifier.split())
            clients[kind] = Client(http)
            clients[kind].await_workers(0 if kind == PLAIN else 1)
        turn = 0
        for category, questions in found.items():
            answers = {kind: [] for kind in clients}
            for question in questions:
                order = sorted(clients, reverse=turn % 2 == 1)
                turn += 1
                for kind in order:
                    answers[kind].append(generate(clients[kind], chosen, question))
            report["categories"][category] = summary(category, answers)
            print(f"{len(report['categories'])} of {len(found)} categories", file=sys.stderr)
    return report


def summary(category, answers):
    """Of each way, tokens and nodes a pass, speed beside plain decoding (the geometric mean over prompts), and the gap
    that one of 100 arrivals exceeds, in plain passes."""
    plain = answers[PLAIN]
    passes = median([answer["milliseconds"] for answer in plain])
    figures = {}
    for kind, own in answers.items():
        if any(mine["tokens"] != its["tokens"] for mine, its in zip(own, plain)):
            raise Failure(f"a text of {category} with {kind} is not that of plain decoding")
        rounds = sum(answer["rounds"] for answer in own)
        ratios = [its["milliseconds"] / mine["milliseconds"] for mine, its in zip(own, plain)]
        figures[kind] = {
            "tokens_per_pass": sum(len(answer["tokens"]) for answer in own) / rounds,
            "nodes_per_pass": sum(answer["nodes"] for answer in own) / rounds,
            "ratio": mean(ratios),
            "late_passes": late([gap for answer in own for gap in answer["gaps"]]) / passes,
        }
    return figures


def late(gaps):
    return sorted(gaps)[math.ceil(0.99 * len(gaps)) - 1]


def mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def overall(report, kind):
    return mean([figures[kind]["ratio"] for figures in report["categories"].values()])


def kinds(report):
    return [kind for kind in next(iter(report["categories"].values())) if kind != PLAIN]


def show(report):
    print(f"{report['model']}, temperature {report['temperature']}\n")
    for kind in kinds(report):
        rows = [
            [category, *(figures[kind][name] for name in COLUMNS)] for category, figures in report["categories"].items()
        ]
        middle = [sum(row[column] for row in rows) / len(rows) for column in (1, 2)]
        rows.append(["all", *middle, overall(report, kind), max(row[4] for row in rows)])
        print(table([kind, "tokens a pass", "nodes a pass", "ratio to plain", "late gap, passes"], rows) + "\n")


def check(report):
    """Checks the expectations; returns a sentence for each that is not met."""
    first = kinds(report)[0]
    ratio = overall(report, first)
    return [f"{first} has {ratio:.2f} of the plain speed, less than {report['gain']}"] if ratio < report["gain"] else []


if __name__ == "__main__":
    sys.exit(run("drafters", arguments(), measure, show, check))
