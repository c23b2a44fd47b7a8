"""What the grammar drafter gains on constrained texts.

Four prompts ask for JSON that a schema describes: a person, a list of products, a weather report, a booking. Each is
answered by plain masked decoding and with drafters in the verifier's process, without and with a worker process, in
alternating order, so that a change of the machine's speed affects all. The texts must be equal. The expectation is for
each of the three whose JSON is mostly names, numbers and choices. A person is mostly free text, which no grammar
forces: it is there to show that.
With `--drafters grammar,ngram,grammar+ngram` it shows what drafters gain together.

With `--masks` it measures instead what choosing a token costs under constraints of many kinds, greedy and at
temperature 1, in each round of plain decoding: the mask and the sampling together, beside sampling without a mask.

    PACELINE=.build/release/paceline python3 Tests/Measurements/grammar.py --model smollm2-135m [--json report.json]
    PACELINE=.build/release/paceline python3 Tests/Measurements/grammar.py --masks --model qwen2.5-coder-0.5b
"""

import argparse
import math
import sys

from cluster import Client, Cluster, Failure, chat, median, run, table

PLAIN = "plain"
GAIN = 1.5
TOGETHER = 0.98
# Milliseconds of a round in which a token is chosen under a mask: the median, and 99 % of them.
MASK_MEDIAN, MASK_99 = 1, 5


def closed(properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


STRING, INTEGER, NUMBER, BOOLEAN = ({"type": name} for name in ["string", "integer", "number", "boolean"])
ADDRESS = {"street": STRING, "city": STRING, "postal_code": STRING, "country": STRING}
PRODUCT = {
    "identifier": INTEGER,
    "title": STRING,
    "category": {"enum": ["electronics", "furniture", "clothing", "kitchen"]},
    "price_in_euros": NUMBER,
    "availability": {"enum": ["in_stock", "sold_out", "preorder"]},
}
FORECAST = {
    "day": {"enum": ["monday", "tuesday", "wednesday"]},
    "condition": {"enum": ["sunny", "cloudy", "rainy", "snowy", "stormy"]},
    "maximum_temperature": INTEGER,
    "minimum_temperature": INTEGER,
    "chance_of_rain_percent": INTEGER,
    "wind_warning": BOOLEAN,
}
PASSENGER = {
    "passenger_number": INTEGER,
    "seat_class": {"enum": ["economy", "premium_economy", "business"]},
    "meal_preference": {"enum": ["standard", "vegetarian", "vegan", "kosher", "halal"]},
    "has_checked_baggage": BOOLEAN,
    "is_frequent_flyer": BOOLEAN,
}
# Prompts whose answers are mostly free text.
FREE_TEXT = {"person"}
# Of each prompt: what it asks for, and the schema of the answer.
PROMPTS = {
    "person": (
        "Ada Lovelace, born in 1815, lived at 12 St James's Square in London, SW1Y 4JH. Her mail address is "
        "ada@example.org, and she liked mathematics, music and flying machines. Write her record as JSON.",
        closed(
            {
                "first_name": STRING,
                "last_name": STRING,
                "year_of_birth": INTEGER,
                "email_address": STRING,
                "is_subscribed": BOOLEAN,
                "home_address": closed(ADDRESS),
                "interests": {"type": "array", "items": STRING, "minItems": 3, "maxItems": 3},
            }
        ),
    ),
    "products": (
        "List four products of a shop as JSON: a lamp, a winter coat, a kettle and a wooden chair.",
        closed({"products": {"type": "array", "items": closed(PRODUCT), "minItems": 4, "maxItems": 4}}),
    ),
    "weather": (
        "Write a weather report for Lisbon for three days as JSON.",
        closed(
            {
                "location": closed({"city": STRING, "country_code": {"type": "string", "pattern": "^[A-Z]{2}$"}}),
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "forecasts": {"type": "array", "items": closed(FORECAST), "minItems": 3, "maxItems": 3},
            }
        ),
    ),
    "booking": (
        "Three passengers fly from Lisbon (LIS) to Oslo (OSL): one in business class who is vegan and flies often, and "
        "two in economy, of whom one is vegetarian and has a suitcase. Write the booking as JSON.",
        closed(
            {
                "departure_airport": {"type": "string", "pattern": "^[A-Z]{3}$"},
                "arrival_airport": {"type": "string", "pattern": "^[A-Z]{3}$"},
                "is_refundable": BOOLEAN,
                "passengers": {"type": "array", "items": closed(PASSENGER), "minItems": 3, "maxItems": 3},
            }
        ),
    ),
}


def words(count):
    return [f"word {number * 7919 % 100_003}" for number in range(count)]


def one_of(count):
    """Objects that differ in a name and a constant."""
    return {"anyOf": [closed({f"kind_{number}": {"const": number}, "value": STRING}) for number in range(count)]}


def text(**limits):
    return {"type": "string"} | limits


FREE = "no constraint"
# The fields of a request. What is hard for a mask: large alphabets, counters, many branches, ambiguous repetitions.
CONSTRAINTS = {name: {"json": schema} for name, (_, schema) in PROMPTS.items()} | {
    "lengths of strings": {"json": closed({"text": text(minLength=50, maxLength=200)})},
    "formats": {"json": closed({name: text(format=name) for name in ["uri", "date-time", "email"]})},
    "pattern": {"json": text(pattern=r"^(\w{3,9}[ ,]){10,30}é$")},
    "pattern and length": {"json": text(pattern=r"^(\w|-| )*a(\w|b){4}$", maxLength=100)},
    "enum of 3,000": {"json": {"type": "array", "items": {"enum": words(3000)}, "minItems": 5}},
    "395 optional properties": {
        "json": {"type": "object", "properties": {f"property_{number}": STRING for number in range(395)}}
    },
    "one of 400 objects": {"json": {"type": "array", "items": one_of(400), "minItems": 4}},
    "json_object": {"json_object": True},
    "regex of words": {"regex": r"(\w{1,12}[ ,.]){20,40}"},
    "regex of a sentence": {"regex": "[A-Z].{10,300}[.!]"},
    "regex (.*a){200}": {"regex": "(.*a){200}"},
    "choice of 1,000": {"choice": words(1000)},
    "grammar": {"grammar": 'root ::= ([^"] | "\\"\\"")* "!"'},
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--drafters", default="grammar", help="in the verifier's process, compared with one another")
    parser.add_argument("--worker", default="ngram", help="drafter of the worker process; empty for none")
    parser.add_argument("--masks", action="store_true", help="measure what choosing a token costs under a mask")
    parser.add_argument("--tokens", type=int, help="tokens of a text at most; 400, or 100 with --masks")
    parser.add_argument("--runs", type=int, default=5, help="runs of each prompt in each way")
    parser.add_argument("--temperature", type=float, default=0)
    parser.add_argument("--verifier", default="", help="further options of the verifiers")
    parser.add_argument("--untimed", action="store_true", help="check the texts and tokens a pass, but no speed")
    parser.add_argument("--json", help="write the report to this file")
    chosen = parser.parse_args()
    chosen.drafters = chosen.drafters.split(",")
    chosen.tokens = chosen.tokens or (100 if chosen.masks else 400)
    return chosen


def generate(client, chosen, name):
    question, schema = PROMPTS[name]
    answer = client.generate(
        chat(question),
        chosen.tokens,
        structured_outputs={"json": schema},
        ignore_eos=False,
        temperature=chosen.temperature,
        seed=1,
    )
    return {
        "tokens": answer.tokens,
        "milliseconds": answer.milliseconds,
        "tokens_per_second": (len(answer.tokens) - 1) / answer.milliseconds * 1000,
        "tokens_per_pass": len(answer.tokens) / answer.figures["num_rounds"],
        "nodes_per_pass": answer.figures["num_draft_tokens"] / answer.figures["num_rounds"],
    }


def turn(clients, chosen, worker, order, runs):
    """Answers each prompt once by each verifier."""
    for name in PROMPTS:
        answers = {kind: generate(clients[kind], chosen, name) for kind in order}
        for kind, answer in answers.items():
            runs[name].setdefault(kind if not worker else f"{kind}, worker", []).append(answer)


def measure(chosen):
    runs = {name: {} for name in PROMPTS}
    with Cluster() as cluster:
        clients, links, own = {}, {}, {}
        for kind in [PLAIN, *chosen.drafters]:
            named = [] if kind == PLAIN else ["-md", kind]
            _, links[kind], http = cluster.verifier(chosen.model, *named, *chosen.verifier.split())
            clients[kind] = Client(http)
            own[kind] = 0 if kind == PLAIN else 1
            clients[kind].await_workers(own[kind])
        for number in range(chosen.runs):
            order = sorted(clients, reverse=number % 2 == 1)
            turn(clients, chosen, "", order, runs)
            if not chosen.worker:
                continue
            workers = {kind: cluster.worker(links[kind], [chosen.worker]) for kind in clients}
            for kind, client in clients.items():
                client.await_workers(own[kind] + 1)
            turn(clients, chosen, chosen.worker, order, runs)
            for kind, worker in workers.items():
                worker.stop()
                clients[kind].await_workers(own[kind])
            print(f"{number + 1} of {chosen.runs} runs", file=sys.stderr)
    return {
        "model": chosen.model,
        "worker": chosen.worker,
        "temperature": chosen.temperature,
        "untimed": chosen.untimed,
        "prompts": {name: summary(name, ways) for name, ways in runs.items()},
        "together": together(list(runs.values())),
    }


def summary(name, ways):
    """Medians of each way, and of its ratio to plain decoding in the same run."""
    plain = ways[PLAIN]
    for kind, answers in ways.items():
        if any(answer["tokens"] != plain[0]["tokens"] for answer in answers):
            raise Failure(f"the text of {name} with {kind} is not that of plain decoding")
    figures = {kind: medians(answers, plain) for kind, answers in ways.items()}
    return {"tokens": len(plain[0]["tokens"]), "ways": figures}


def medians(answers, plain):
    figures = ["tokens_per_second", "tokens_per_pass", "nodes_per_pass"]
    ratios = [mine["tokens_per_second"] / its["tokens_per_second"] for mine, its in zip(answers, plain)]
    return {figure: median([answer[figure] for answer in answers]) for figure in figures} | {"ratio": median(ratios)}


def together(prompts):
    """The median over the runs of the time that plain decoding takes for all prompts, by that of each way."""

    def times(kind):
        """Milliseconds of each run, all prompts in sum."""
        runs = zip(*(prompt[kind] for prompt in prompts))
        return [sum(answer["milliseconds"] for answer in answers) for answers in runs]

    plain = times(PLAIN)
    return {kind: median([its / mine for mine, its in zip(times(kind), plain)]) for kind in prompts[0]}


def named(kind, report):
    return kind.replace("worker", f"worker with {report['worker']}")


def show(report):
    print(f"{report['model']}, temperature {report['temperature']}\n")
    for name, prompt in report["prompts"].items():
        rows = [
            [
                named(kind, report),
                entry["tokens_per_pass"],
                entry["nodes_per_pass"],
                entry["tokens_per_second"],
                entry["ratio"],
            ]
            for kind, entry in prompt["ways"].items()
        ]
        header = [f"{name}, {prompt['tokens']} tokens", "tokens a pass", "nodes a pass", "tokens/s", "ratio to plain"]
        print(table(header, rows) + "\n")
    rows = [[named(kind, report), ratio] for kind, ratio in report["together"].items()]
    print(table(["all prompts together", "ratio to plain"], rows) + "\n")


def check(report):
    """Checks the expectations; returns a sentence for each that is not met."""
    wrong = []
    for name, prompt in report["prompts"].items():
        for kind, entry in prompt["ways"].items():
            drafters = kind.split(",")[0].split("+")
            is_expected = "grammar" in drafters and name not in FREE_TEXT and not report["untimed"]
            if is_expected and entry["ratio"] < GAIN:
                wrong.append(f"{name}: {kind} has {entry['ratio']:.2f} of the plain speed, less than {GAIN}")
            for alone in drafters if len(drafters) > 1 else []:
                other = prompt["ways"].get(kind.replace("+".join(drafters), alone))
                if other and entry["tokens_per_pass"] < TOGETHER * other["tokens_per_pass"]:
                    wrong.append(
                        f"{name}: {kind} has {entry['tokens_per_pass']:.2f} tokens a pass, and {alone} alone "
                        f"{other['tokens_per_pass']:.2f}"
                    )
    return wrong


def measure_masks(chosen):
    """Milliseconds of each round, by constraint and temperature."""
    rounds = {}
    with Cluster() as cluster:
        _, _, http = cluster.verifier(chosen.model, *chosen.verifier.split())
        client = Client(http)
        for name, constraint in ({FREE: {}} | CONSTRAINTS).items():
            question = PROMPTS[name][0] if name in PROMPTS else "Tell me about Lisbon, and answer in JSON."
            fields = {"ignore_eos": False, "seed": 1} | ({"structured_outputs": constraint} if constraint else {})
            for temperature in (0, 1):
                answer = client.generate(chat(question), chosen.tokens, temperature=temperature, **fields)
                times = [each["sample_ms"] for each in client.rounds(answer)]
                rounds[f"{name}, {'sampled' if temperature else 'greedy'}"] = times
            print(name, file=sys.stderr)
    masked = [times for name, times in rounds.items() if not name.startswith(FREE)]
    return {
        "model": chosen.model,
        "untimed": chosen.untimed,
        "constraints": {name: distribution(times) for name, times in rounds.items()},
        "together": distribution([time for times in masked for time in times]),
    }


def distribution(times):
    ordered = sorted(times)
    rank = math.ceil(0.99 * len(ordered)) - 1
    return {"rounds": len(ordered), "median": median(ordered), "p99": ordered[rank], "maximum": ordered[-1]}


def show_masks(report):
    print(f"{report['model']}, milliseconds of choosing a token\n")
    rows = report["constraints"] | {"all constraints together": report["together"]}
    header = ["constraint", "rounds", "median", "99 %", "maximum"]
    print(
        table(
            header,
            [[name, str(row["rounds"]), row["median"], row["p99"], row["maximum"]] for name, row in rows.items()],
        )
    )


def check_masks(report):
    """As `check`, of the rounds of all constraints together."""
    limits = {"median": MASK_MEDIAN, "p99": MASK_99}
    found = report["together"]
    return [
        f"choosing a token under a mask takes {found[figure]:.2f} ms ({figure}), more than {limit}"
        for figure, limit in limits.items()
        if found[figure] > limit and not report["untimed"]
    ]


if __name__ == "__main__":
    chosen = arguments()
    steps = [measure_masks, show_masks, check_masks] if chosen.masks else [measure, show, check]
    sys.exit(run("grammar", chosen, *steps))
