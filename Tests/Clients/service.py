"""Two verifiers with the same model: one alone, one with two workers. The clients under test know neither.

PACELINE=path/to/paceline [PACELINE_TEST_MODEL=smollm2-135m] python3 -m unittest
"""

import atexit
import functools
import http.client
import json
import os
import pathlib
import secrets
import sys
import tempfile
import unittest
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Measurements"))

import cluster  # noqa: E402

MODEL = os.environ.get("PACELINE_TEST_MODEL", "smollm2-135m")
# What the workers draft with: the target itself, which is nearly always right, and a search for repetitions.
DRAFTERS = [[MODEL], ["ngram"]]
# Patient, so that drafts come in time on a busy machine. Another number of threads changes no token either.
# Sixteen clients run at once here, and four at a time at the other verifier.
DRAFTED = ["--slots", 16, "--always-draft", "--draft-wait", "1s", "--draft-delay", "10s", "-t", 1]
# Tokens of prompt and text together; small, so that a prompt can be too long.
CONTEXT = 1024
# The answer is longer than any test lets it become, and repeats itself.
CHAT = [
    {"role": "system", "content": "You write lists."},
    {"role": "user", "content": "Count from 1 to 50."},
]
TEXT = "1. one fox\n2. one fox\n3. one fox\n4. one"
# Tokens of most answers.
TOKENS = 24
TOO_LONG = "word " * (2 * CONTEXT)


class Address(str):
    """The URL of an API, `http://127.0.0.1:PORT/v1`; `root` is the same without the version."""

    @property
    def root(self):
        return self.removesuffix("/v1")


class Service:
    """The verifiers, which take one key only. They live as long as this process, because a start takes seconds."""

    def __init__(self):
        self.key = secrets.token_hex(16)
        self.processes = cluster.Cluster()
        self.verifiers = []
        atexit.register(self.end)
        keys = self.processes.enter_context(tempfile.NamedTemporaryFile("w"))
        keys.write(f"# a comment\n{self.key}\n")
        keys.flush()
        options = ["--context", CONTEXT, "--api-key-file", keys.name]
        for more in ([], DRAFTED):
            self.verifiers.append(self.processes.verifier(MODEL, *options, *more))
        (_, _, plain), (_, self.link, self.http) = self.verifiers
        for drafters in DRAFTERS:
            self.worker(drafters)
        self.await_workers(len(DRAFTERS))
        self.plain, self.drafted = Address(f"http://{plain}/v1"), Address(f"http://{self.http}/v1")

    def worker(self, drafters):
        """One more worker."""
        return self.processes.worker(self.link, drafters, "-t", 1)

    def await_workers(self, count):
        cluster.Client(self.http, key=self.key).await_workers(count)

    def end(self):
        """Ends all processes. The run fails if a verifier does not end in order, although all tests are over."""
        faults = []
        try:
            self.processes.close()
        except cluster.Failure as failure:
            faults.append(str(failure))
        for process, _, _ in self.verifiers:
            if process.child.returncode != 0:
                faults.append(f"a verifier ended with {process.child.returncode}: {''.join(process.errors)}")
        if faults:
            print(*faults, sep="\n", file=sys.stderr, flush=True)
            # An exception would be printed here and change no status.
            os._exit(1)


service = functools.cache(Service)


@unittest.skipUnless(os.environ.get("PACELINE"), "set PACELINE to the paceline executable")
class ServiceCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.key, cls.plain, cls.drafted = service().key, service().plain, service().drafted

    def alike(self, ask):
        """Asks both verifiers, and returns the answer after checking that it is the same."""
        plain = ask(self.plain)
        self.assertEqual(plain, ask(self.drafted))
        return plain

    def post(self, address, body):
        """Asks for a chat completion; returns the answer, or the chunks of a stream."""
        place = urllib.parse.urlsplit(address)
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=120)
        self.addCleanup(connection.close)
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        connection.request("POST", f"{place.path}/chat/completions", json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read()
        self.assertEqual(response.status, 200, text)
        if not body.get("stream"):
            return json.loads(text)
        events = [line[6:] for line in text.decode().splitlines() if line.startswith("data: ")]
        self.assertEqual(events.pop(), "[DONE]")
        return [json.loads(event) for event in events]
