"""Streams through a gateway while its verifiers are killed and stopped: all complete, and none differs from plain text.

Every few seconds a verifier is killed (SIGKILL), or stopped (SIGSTOP) and then killed, in turns. It is started again
some seconds later: a start takes a processor, which the streams that move need if all run on one machine. Clients
stream all the time, also texts that a schema or a pattern describes and calls of tools, and check every token, every
log-probability's text and the end. The longest silence of any stream may be 1 s where a verifier was killed, and 2.5 s
where one was stopped.

    PACELINE=.build/release/paceline python3 Tests/Measurements/kill_test.py [--seconds 600] [--json report.json]
"""

import argparse
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import sys
import threading
import time

from cluster import Failure, run, table
from replicas import Replicas, suspend

LIMITS = {"kill": 1.0, "stop": 2.5}
DRAFTERS = [["ngram"], ["suffix"]]
# Seconds from a fault to the start of its verifier.
AWAY = 4.0
# After a fault a silence that begins within this time counts as the fault's.
REACH = 3.0
PROMPTS = [
    "Count from 1 to 100: 1, 2, 3,",
    "def fibonacci(n):\n",
    "1. one fox\n2. one fox\n3. one fox\n4. one",
    "Once upon a time there was a river that",
]
KINDS = [
    {"temperature": 0},
    {"temperature": 0.8, "top_p": 0.95, "seed": 7},
    {"temperature": 1.2, "seed": 8, "logprobs": 1},
    {"temperature": 0.7, "seed": 9, "n": 2},
]
SCHEMA = {
    "type": "object",
    "properties": {
        "numbers": {"type": "array", "items": {"enum": list(range(100))}, "minItems": 20, "maxItems": 30},
        "name": {"type": "string", "maxLength": 60},
    },
    "required": ["numbers", "name"],
}
TOOL = {"type": "function", "function": {"name": "record", "description": "Keep numbers.", "parameters": SCHEMA}}
# What a text must be, beside what it is drawn with.
FORMS = [
    {"response_format": {"type": "json_schema", "json_schema": {"name": "list", "schema": SCHEMA}}},
    {"structured_outputs": {"regex": "([a-z]{2,9} ){40}end"}},
    {"tools": [TOOL], "tool_choice": "required"},
    {"tools": [TOOL | {"function": TOOL["function"] | {"strict": True}}]},
]
# The model's own has no tools.
TEMPLATE = pathlib.Path(__file__).parents[1] / "ChatTemplates" / "tools.jinja"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--seconds", type=float, default=60, help="how long clients stream")
    parser.add_argument("--every", type=float, default=20, help="seconds from one fault to the next")
    parser.add_argument("--verifiers", type=int, default=3)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=120, help="tokens of each text")
    parser.add_argument("--untimed", action="store_true", help="do not judge how long silences are")
    parser.add_argument("--json", help="write the report to this file")
    chosen = parser.parse_args()
    if chosen.verifiers < 2:
        parser.error("at least two verifiers, so that one is left")
    return chosen


def bodies(tokens):
    for prompt, kind in itertools.product(PROMPTS, KINDS):
        chat = len(prompt) % 2
        body = {"max_tokens": tokens, "ignore_eos": True, "stream": True, "return_token_ids": True, **kind}
        body["stream_options"] = {"include_usage": True}
        if not chat:
            yield "/v1/completions", body | {"prompt": prompt}
            continue
        if body.get("logprobs"):
            body |= {"logprobs": True, "top_logprobs": 1}
        yield "/v1/chat/completions", body | {"messages": [{"role": "user", "content": prompt}]}
    for form, kind in itertools.product(FORMS, KINDS):
        body = {"max_tokens": 3 * tokens, "stream": True, "return_token_ids": True, **kind, **form}
        body["stream_options"] = {"include_usage": True}
        if body.get("logprobs"):
            body |= {"logprobs": True, "top_logprobs": 1}
        yield "/v1/chat/completions", body | {"messages": [{"role": "user", "content": "Write down twenty numbers."}]}


class Stream:
    """What came of one stream, apart from when it came: texts, tokens, log-probabilities, ends and usage."""

    def __init__(self):
        self.choices = {}
        self.usage = None
        self.is_complete = False
        self.error = None
        # (seconds on the monotonic clock, the silence before it)
        self.silences = []

    @property
    def said(self):
        return {"choices": self.choices, "usage": self.usage}

    def take(self, chunk):
        if "error" in chunk:
            self.error = chunk["error"]["message"]
            return
        for entry in chunk["choices"]:
            choice = self.choices.setdefault(
                entry["index"], {"text": "", "calls": {}, "tokens": [], "scores": [], "ends": []}
            )
            for call in entry.get("delta", {}).get("tool_calls") or []:
                parts = choice["calls"].setdefault(call["index"], ["", ""])
                for place, part in enumerate(("name", "arguments")):
                    parts[place] += call.get("function", {}).get(part) or ""
            choice["text"] += entry.get("text") or entry.get("delta", {}).get("content") or ""
            choice["tokens"] += entry.get("token_ids") or []
            scores = entry.get("logprobs") or {}
            choice["scores"] += scores.get("token_logprobs") or [
                each["logprob"] for each in scores.get("content") or []
            ]
            if entry["finish_reason"]:
                choice["ends"].append(entry["finish_reason"])
        if chunk.get("usage"):
            self.usage = [chunk["usage"][name] for name in ("prompt_tokens", "completion_tokens")]


def stream(address, path, body):
    host, port = address.rsplit(":", 1)
    result = Stream()
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise Failure(f"status {response.status}: {response.read().decode()}")
        last = None
        for line in response:
            if line.startswith(b"data: [DONE]"):
                result.is_complete = result.error is None
            elif line.startswith(b"data: "):
                now = time.monotonic()
                if last is not None:
                    result.silences.append((now, now - last))
                last = now
                result.take(json.loads(line[6:]))
    return result


class Clients:
    """Threads that stream one request after the other until they are told to end."""

    def __init__(self, address, plain, count):
        self.address, self.plain = address, plain
        self.is_over = threading.Event()
        self.numbers = itertools.count()
        self.streams, self.wrong = [], []
        self.threads = [threading.Thread(target=self.work) for _ in range(count)]

    def work(self):
        while not self.is_over.is_set():
            path, body, said = self.plain[next(self.numbers) % len(self.plain)]
            try:
                result = stream(self.address, path, body)
            except (Failure, OSError, http.client.HTTPException, ValueError) as failure:
                self.wrong.append(f"a stream failed: {failure!r}")
                continue
            self.streams.append(result)
            if not result.is_complete:
                self.wrong.append(f"a stream ended early: {result.error}")
            elif result.said != said:
                self.wrong.append(f"a stream differs from plain text: {body}: {result.said} is not {said}")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()


def harm(replicas, chosen):
    """Kills and stops verifiers until the time is up; returns when and how."""
    faults = []
    end = time.monotonic() + chosen.seconds
    turn = 0
    while time.monotonic() < end:
        pause = chosen.every - AWAY if turn else chosen.every / 4
        time.sleep(max(0, min(pause, end - time.monotonic())))
        if time.monotonic() >= end:
            break
        # One that answers something, since the others prove nothing.
        busy = replicas.busy()
        target = (busy or replicas.replicas)[turn % len(busy or replicas.replicas)]
        kind = ("kill", "stop")[turn % 2]
        faults.append((time.monotonic(), kind))
        if kind == "kill":
            target.kill()
        else:
            suspend(target)
        time.sleep(AWAY)
        target.restart()
        turn += 1
    return faults


def measure(chosen):
    options = ["-t", 1, "--slots", 2 * chosen.clients, "--context", 1024, "--chat-template", TEMPLATE]
    workers = [DRAFTERS[number % len(DRAFTERS)] for number in range(chosen.workers)]
    with Replicas(chosen.model, chosen.verifiers, *options, workers=workers) as replicas:
        # Of one verifier, without faults and with drafts: tokens depend on neither.
        plain = [
            (path, body, stream(replicas.replicas[0].http, path, body).said) for path, body in bodies(chosen.tokens)
        ]
        with Clients(replicas.address, plain, chosen.clients) as clients:
            faults = harm(replicas, chosen)
        failovers = replicas.failovers()
    longest = {"kill": 0.0, "stop": 0.0, "none": 0.0}
    for when, silence in (entry for each in clients.streams for entry in each.silences):
        begun = when - silence
        kinds = [kind for at, kind in faults if at - 0.05 <= when and begun <= at + REACH]
        kind = kinds[-1] if kinds else "none"
        longest[kind] = max(longest[kind], silence)
    return {
        "seconds": chosen.seconds,
        "verifiers": chosen.verifiers,
        "workers": chosen.workers,
        "clients": chosen.clients,
        "untimed": chosen.untimed,
        "cores": len(os.sched_getaffinity(0)),
        "streams": len(clients.streams),
        "tokens": sum(len(choice["tokens"]) for each in clients.streams for choice in each.choices.values()),
        "calls": sum(len(choice["calls"]) for each in clients.streams for choice in each.choices.values()),
        "wrong": clients.wrong,
        "faults": {kind: sum(1 for _, each in faults if each == kind) for kind in ("kill", "stop")},
        "failovers": failovers,
        "longest_gap_s": longest,
    }


def show(report):
    rows = [
        ["streams", report["streams"], ""],
        ["tokens", report["tokens"], ""],
        ["calls of tools", report["calls"], ""],
        ["streams that failed or differ", len(report["wrong"]), "0"],
        ["verifiers killed", report["faults"]["kill"], ""],
        ["verifiers stopped", report["faults"]["stop"], ""],
        ["streams that went on elsewhere", sum(report["failovers"].values()), ""],
        ["longest silence after a kill, s", report["longest_gap_s"]["kill"], f"{LIMITS['kill']}"],
        ["longest silence after a stop, s", report["longest_gap_s"]["stop"], f"{LIMITS['stop']}"],
        ["longest silence at other times, s", report["longest_gap_s"]["none"], ""],
    ]
    cells = [[name, f"{value:.2f}" if isinstance(value, float) else str(value), limit] for name, value, limit in rows]
    print(f"{report['verifiers']} verifiers, {report['workers']} workers, {report['clients']} clients", end=", ")
    print(f"{report['seconds']:.0f} s on {report['cores']} cores\n")
    print(table(["", "figure", "at most"], cells))


def check(report):
    """Checks the expectations; returns a sentence for each that is not met."""
    wrong = report["wrong"][:5]
    if not report["streams"]:
        wrong.append("no stream came to its end")
    if not report["calls"]:
        wrong.append("no stream called a tool")
    if not sum(report["failovers"].values()):
        wrong.append("no stream was cut, so nothing was shown")
    for kind, limit in () if report["untimed"] else LIMITS.items():
        if report["longest_gap_s"][kind] > limit:
            wrong.append(f"after a {kind} a stream was silent for {report['longest_gap_s'][kind]:.2f} s")
    return wrong


if __name__ == "__main__":
    sys.exit(run("kill_test", arguments(), measure, show, check))
