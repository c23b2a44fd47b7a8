"""Processes of one cluster, and a client that records when each token arrived. Needs only the standard library."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

EXECUTABLE = os.environ.get("PACELINE", "paceline")
HERE = contextlib.nullcontext()


def cores():
    return sorted(os.sched_getaffinity(0))


class Failure(Exception):
    """An expectation that was not met."""


class Process:
    """A child that ends with its parent, however the parent ends. It announces its state on standard output."""

    def __init__(self, arguments, preexec=None, cpus=None, log="warning"):
        def prepare():
            if preexec:
                preexec()
            if cpus:
                os.sched_setaffinity(0, cpus)

        self.name = arguments[0]
        self.child = subprocess.Popen(
            [EXECUTABLE, *map(str, arguments), "--announce", "--exit-with-parent", "--log-level", log],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=prepare,
        )
        self.last_words = None
        self.errors = []
        # A full pipe would stop the child.
        threading.Thread(target=self._read_errors, daemon=True).start()

    def _read_errors(self):
        with self.child.stderr as lines:
            for line in lines:
                self.errors.append(line)

    @property
    def pid(self):
        return self.child.pid

    def announcement(self, event):
        """Waits for the announcement and returns it."""
        for line in self.child.stdout:
            announced = json.loads(line)
            if announced["event"] == event:
                return announced
            if announced["event"] == "failed":
                raise Failure(f"{self.name}: {announced['message']}")
        raise Failure(f"{self.name} ended with {self.child.wait()}: {''.join(self.errors)}")

    def send(self, number):
        self.child.send_signal(number)

    def stop(self):
        """Ends it in order and returns its last announcement, if any."""
        if self.child.stdout.closed:
            return self.last_words
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGCONT)
            self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise Failure(f"{self.name} did not end within 10 s of SIGTERM") from None
        lines = [line for line in self.child.stdout.read().splitlines() if line.strip()]
        self.child.stdout.close()
        self.child.stdin.close()
        self.last_words = json.loads(lines[-1]) if lines else None
        return self.last_words


class Answer:
    """One generation: tokens, their arrival times, and the verifier's figures."""

    def __init__(self):
        self.tokens = []
        # (seconds on the monotonic clock, tokens that arrived then)
        self.arrivals = []
        self.final = None

    def take(self, chunk):
        if "error" in chunk:
            raise Failure(f"the verifier failed: {chunk['error']['message']}")
        tokens = [token for choice in chunk["choices"] for token in choice.get("token_ids") or []]
        if tokens:
            self.arrivals.append((time.monotonic(), len(tokens)))
            self.tokens += tokens
        if chunk.get("usage"):
            self.final = chunk

    @property
    def figures(self):
        return self.final["spec_decode"]

    @property
    def milliseconds(self):
        """From the first token to the last, by the verifier's clock."""
        return self.final["timings"]["predicted_ms"]

    def gaps(self):
        """Milliseconds between successive arrivals, with the time of the later one."""
        return [(after[0], (after[0] - before[0]) * 1000) for before, after in zip(self.arrivals, self.arrivals[1:])]


class Client:
    """Talks to a verifier, from inside a namespace if one is given."""

    def __init__(self, address, inside=lambda: HERE, key=None):
        host, port = address.rsplit(":", 1)
        self.host, self.port, self.inside = host, int(port), inside
        self.headers = {"authorization": f"Bearer {key}"} if key else {}

    def _connection(self):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=300)
        with self.inside():
            connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _get(self, path):
        with contextlib.closing(self._connection()) as connection:
            connection.request("GET", path, headers=self.headers)
            response = connection.getresponse()
            if response.status != 200:
                raise Failure(f"GET {path}: status {response.status}")
            return json.load(response)

    def workers(self):
        return self._get("/v1/workers")["data"]

    def rounds(self, answer):
        """What the verifier remembers of the passes for an answer, without those over its prompt."""
        [choice] = self._get(f"/v1/requests/{answer.final['id']}/trace")["choices"]
        return [each for each in choice["rounds"] if not each.get("prefilled")]

    def await_workers(self, count, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if len(self.workers()) == count:
                return
            time.sleep(0.02)
        raise Failure(f"{len(self.workers())} of {count} workers are connected after {seconds} s")

    def generate(self, prompt, tokens, on_token=None, **options):
        """Generates; `on_token` is called with the answer so far after each arrival."""
        body = {"prompt": prompt, "max_tokens": tokens, "temperature": 0, "ignore_eos": True, "stream": True}
        body |= {"stream_options": {"include_usage": True}, "return_token_ids": True, "return_spec_decode": True}
        body |= options
        connection = self._connection()
        connection.request("POST", "/v1/completions", json.dumps(body), {"content-type": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            raise Failure(json.load(response)["error"]["message"])
        answer = Answer()
        for line in response:
            if line.startswith(b"data: {"):
                answer.take(json.loads(line[6:]))
                if on_token:
                    on_token(answer)
        if answer.final is None:
            raise Failure("the stream ended without the verifier's figures")
        return answer


class Cluster(contextlib.ExitStack):
    """A verifier and its companion processes, all ended on exit."""

    def start(self, *arguments, **options):
        process = Process(arguments, **options)
        self.callback(process.stop)
        return process

    def verifier(self, model, *options, listen="127.0.0.1:0", http="127.0.0.1:0", **placing):
        process = self.start("verifier", "-m", model, "--listen", listen, "--http", http, *options, **placing)
        ready = process.announcement("ready")
        return process, ready["drafts"], ready["http"]

    def worker(self, connect, drafters, *options, **placing):
        named = [argument for drafter in drafters for argument in ("-md", drafter)]
        return self.start("worker", "--connect", connect, *named, *options, **placing)


def chat(question):
    """The templates of the models that are measured begin a turn alike."""
    return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


def table(header, rows):
    """Aligned columns: the first to the left, the others to the right."""
    lines = [header] + [[cell if isinstance(cell, str) else f"{cell:.2f}" for cell in row] for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths))
        ).rstrip()
        for line in lines
    )


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def run(name, chosen, measure, show, check):
    """Measures, prints and checks, and writes the report if requested. Returns the program's exit status."""
    try:
        report = measure(chosen)
    except Failure as failure:
        print(f"{name}: {failure}", file=sys.stderr)
        return 1
    show(report)
    if chosen.json:
        with open(chosen.json, "w") as file:
            json.dump(report, file, indent=1)
    wrong = check(report)
    for sentence in wrong:
        print(f"{name}: {sentence}", file=sys.stderr)
    return 1 if wrong else 0
