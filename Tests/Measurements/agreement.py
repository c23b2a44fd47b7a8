"""`paceline bench serve` and guidellm measure the same server in turns, and must agree.

Both send the same kind of prompts, as many at once, to one server with one core; they have the other. The medians of
the time to the first token, of the time for each further token (guidellm's inter-token latency) and of the whole
latency must agree within 5 %, and so must the output tokens a second.

The server is guidellm's own mock, whose tokens come at set times. With `--verifier` it is a verifier. Its speed changes
from turn to turn by more than 5 % on a machine that others use too, so it takes many turns.

    python3 -m pip install --target FOLDER -r Tests/Clients/requirements-harnesses.txt
    PYTHONPATH=FOLDER PACELINE=.build/release/paceline python3 Tests/Measurements/agreement.py [--json report.json]
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time

from cluster import EXECUTABLE, Cluster, Failure, cores, median, run, table
from replicas import free_ports
from throughput import WORDS

TOLERANCE = 0.05
# What is compared: its name here, in the report of `bench serve`, and in guidellm's.
LATENCIES = {
    "time to first token, ms": ("ttft", "time_to_first_token_ms", 1),
    "each further token, ms": ("tpot", "inter_token_latency_ms", 1),
    "whole latency, ms": ("e2e", "request_latency", 1000),
}
THROUGHPUT = "output tokens/s"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each program")
    parser.add_argument("--requests", type=int, default=30, help="requests of a turn")
    parser.add_argument("--concurrency", type=int, default=2)
    parser.add_argument("--words", type=int, default=100, help="words of each prompt")
    parser.add_argument("--tokens", type=int, default=64, help="tokens of each text")
    parser.add_argument("--verifier", action="store_true", help="measure a verifier instead of guidellm's mock server")
    parser.add_argument("--first-ms", type=float, default=250, help="the mock's time to the first token")
    parser.add_argument("--next-ms", type=float, default=12, help="the mock's time for each further token")
    parser.add_argument("--seed", type=int, default=1, help="seed of the prompts")
    parser.add_argument("--json", help="write the report to this file")
    return parser.parse_args()


def command(arguments, cpus, folder):
    done = subprocess.run(
        [str(argument) for argument in arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "hub")},
        preexec_fn=lambda: os.sched_setaffinity(0, cpus),
        timeout=600,
    )
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, arguments[:3]))} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def own_turn(chosen, address, dataset, cpus, folder):
    requests = ["--requests", chosen.requests, "--concurrency", chosen.concurrency]
    texts = ["--dataset", dataset, "--chat", "-n", chosen.tokens, "--ignore-eos"]
    target = ["--url", f"http://{address}", "--model", chosen.model]
    output = command([EXECUTABLE, "bench", "serve", *target, *requests, *texts, "--json"], cpus, folder)
    [result] = json.loads(output)["results"]
    if result["requests"]["completed"] != chosen.requests:
        raise Failure(f"bench serve got {result['requests']}")
    figures = {name: result["latency_ms"][own]["p50"] for name, (own, _, _) in LATENCIES.items()}
    return figures | {THROUGHPUT: result["throughput"]["output_tokens_per_s"]}


def their_turn(chosen, address, dataset, cpus, folder):
    command(
        [
            *[sys.executable, "-m", "guidellm", "run"],
            *["--backend", f"kind=openai_http,target=http://{address},model={chosen.model}"],
            *["--data", f"kind=json_file,path={dataset}"],
            *["--profile", f"kind=concurrent,streams={chosen.concurrency}"],
            *["--constraint", f"kind=max_requests,count={chosen.requests}"],
            *["--output", "kind=json,path=report.json", "--disable-console"],
        ],
        cpus,
        folder,
    )
    [benchmark] = json.loads((folder / "report.json").read_text())["benchmarks"]
    metrics = benchmark["metrics"]
    if metrics["request_totals"]["successful"] != chosen.requests:
        raise Failure(f"guidellm got {metrics['request_totals']}")
    figures = {name: metrics[theirs]["successful"]["median"] * scale for name, (_, theirs, scale) in LATENCIES.items()}
    return figures | {THROUGHPUT: metrics["output_tokens_per_second"]["successful"]["mean"]}


@contextlib.contextmanager
def verifier(chosen, cpus):
    with Cluster() as cluster:
        options = ["-t", 1, "--slots", max(4, chosen.concurrency), "--context", 1024]
        yield cluster.verifier(chosen.model, *options, cpus=cpus)[2]


@contextlib.contextmanager
def mock(chosen, cpus):
    """guidellm's mock server; yields its address."""
    port = free_ports(1)[0]
    options = {"--port": port, "--model": chosen.model, "--ttft-ms": chosen.first_ms, "--itl-ms": chosen.next_ms}
    with subprocess.Popen(
        [sys.executable, "-m", "guidellm", "mock-server", *(str(each) for pair in options.items() for each in pair)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, cpus),
    ) as process:
        try:
            await_server(process, port)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()


def await_server(process, port):
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.2)
    raise Failure("guidellm's mock server did not start")


def measure(chosen):
    own = cores()
    first, last = {own[0]}, {own[-1]}
    generator = random.Random(chosen.seed)
    turns = {"bench serve": [], "guidellm": []}
    server = (verifier if chosen.verifier else mock)(chosen, first)
    with server as address, tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        programs = {"bench serve": own_turn, "guidellm": their_turn}
        for number in range(chosen.rounds):
            for program in sorted(programs, reverse=number % 2 == 1):
                dataset = folder / f"prompts-{number}-{program.replace(' ', '-')}.jsonl"
                dataset.write_text("".join(prompt(generator, chosen) for _ in range(chosen.requests)))
                turns[program].append(programs[program](chosen, address, dataset, last, folder))
    return {
        "model": chosen.model,
        "server": "verifier" if chosen.verifier else "guidellm's mock",
        "concurrency": chosen.concurrency,
        "requests": chosen.requests,
        "turns": turns,
        "medians": {
            program: {name: median([turn[name] for turn in entries]) for name in entries[0]}
            for program, entries in turns.items()
        },
    }


def prompt(generator, chosen):
    """A line of a data set that both programs read. No two begin alike, so that no cache helps either."""
    words = " ".join(generator.choice(WORDS) for _ in range(chosen.words))
    return json.dumps({"prompt": words, "output_tokens_count": chosen.tokens}) + "\n"


def show(report):
    own, theirs = report["medians"]["bench serve"], report["medians"]["guidellm"]
    rows = [[name, f"{own[name]:.2f}", f"{theirs[name]:.2f}", f"{own[name] / theirs[name]:.3f}"] for name in own]
    turns = len(report["turns"]["guidellm"])
    requests = f"{report['requests']} requests, {report['concurrency']} at once"
    print(f"{report['server']}, {requests}; medians of {turns} turns")
    print(table(["", "bench serve", "guidellm", "ratio"], rows))


def check(report):
    """Checks the expectations; returns a sentence for each that is not met."""
    own, theirs = report["medians"]["bench serve"], report["medians"]["guidellm"]
    return [
        f"{name}: {own[name]:.2f} is not within {TOLERANCE:.0%} of guidellm's {theirs[name]:.2f}"
        for name in own
        if abs(own[name] / theirs[name] - 1) > TOLERANCE
    ]


if __name__ == "__main__":
    sys.exit(run("agreement", arguments(), measure, show, check))
