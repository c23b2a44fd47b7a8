"""The worker drafts for a real verifier, and strangers at its port change nothing.

PACELINE=path/to/paceline [PACELINE_TEST_MODEL=smollm2-135m] python3 -m unittest test_verifier
"""

import json
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

from test_worker import VECTORS, vector

HERE = pathlib.Path(__file__).resolve().parent
PROMPT = "Count again: one two three four five six seven eight. one two three four five six seven eight. one two"


TOKEN = secrets.token_hex(16)
NEEDS_VERIFIER = unittest.skipUnless(os.environ.get("PACELINE"), "set PACELINE to the paceline executable")


class VerifierCase(unittest.TestCase):
    """One verifier process for all tests of a class."""

    token = None

    @classmethod
    def setUpClass(cls):
        model = os.environ.get("PACELINE_TEST_MODEL", "smollm2-135m")
        cls.verifier = subprocess.Popen(
            [
                os.environ["PACELINE"],
                "verifier",
                "-m",
                model,
                "--listen",
                "127.0.0.1:0",
                "--http",
                "127.0.0.1:0",
                "--announce",
                "--log-level",
                "info",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=cls.environment(cls.token),
        )
        for line in cls.verifier.stdout:
            event = json.loads(line)
            if event["event"] == "ready":
                cls.http, cls.drafts = event["http"], event["drafts"]
                return
        raise AssertionError(f"the verifier did not start: {cls.verifier.stderr.read()}")

    @staticmethod
    def environment(token):
        bare = {name: value for name, value in os.environ.items() if name != "PACELINE_TOKEN"}
        return bare | ({"PACELINE_TOKEN": token} if token else {})

    @classmethod
    def tearDownClass(cls):
        cls.verifier.send_signal(signal.SIGTERM)
        log = cls.verifier.communicate(timeout=10)[1]
        if cls.verifier.returncode != 0:
            raise AssertionError(f"the verifier ended with {cls.verifier.returncode}: {log}")

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.http}{path}", timeout=60) as answer:
            return json.load(answer)

    def complete(self, temperature, seed, tokens=48):
        body = {"prompt": PROMPT, "max_tokens": tokens, "temperature": temperature, "seed": seed, "ignore_eos": True}
        body |= {"return_token_ids": True, "return_spec_decode": True}
        request = urllib.request.Request(f"http://{self.http}/v1/completions", json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def start_worker(self, name, *options):
        worker = subprocess.Popen(
            [sys.executable, "-m", "paceline_worker", "--connect", self.drafts, "--name", name, *options],
            cwd=HERE,
            stderr=subprocess.DEVNULL,
            env=self.environment(None),
        )
        self.addCleanup(self.stop_worker, worker)
        self.await_workers(lambda names: name in names or worker.poll() is not None)
        self.assertIsNone(worker.poll(), "the worker ended at once; are Tests/PythonWorker/requirements.txt installed?")
        return worker

    def stop_worker(self, worker):
        worker.kill()
        worker.wait()
        self.await_workers(lambda names: not names)

    def await_workers(self, condition):
        for _ in range(500):
            names = [worker["drafter"] for worker in self.get("/v1/workers")["data"]]
            if condition(names):
                return
            time.sleep(0.02)
        self.fail(f"the workers are {names}")

    def check_drafting(self, name, *options):
        laws = [(0, 1), (0.8, 1), (0.8, 2)]
        plain = [self.complete(*law)["choices"][0]["token_ids"] for law in laws]
        self.start_worker(name, *options)
        drafted = [self.complete(*law) for law in laws]
        self.assertEqual([answer["choices"][0]["token_ids"] for answer in drafted], plain)
        accepted = [answer["spec_decode"]["num_accepted_tokens"] for answer in drafted]
        self.assertGreater(accepted[0], 0)


@NEEDS_VERIFIER
class RealVerifier(VerifierCase):
    def test_drafts_change_speed_only(self):
        self.check_drafting("python-a")

    def test_a_killed_worker_is_not_missed(self):
        plain = self.complete(0, 1, tokens=96)["choices"][0]["token_ids"]
        worker = self.start_worker("python-b")
        body = {"prompt": PROMPT, "max_tokens": 96, "temperature": 0, "ignore_eos": True, "stream": True}
        body |= {"return_token_ids": True}
        request = urllib.request.Request(f"http://{self.http}/v1/completions", json.dumps(body).encode())
        tokens = []
        with urllib.request.urlopen(request, timeout=120) as stream:
            for line in stream:
                if not line.startswith(b"data: {"):
                    continue
                for choice in json.loads(line[6:])["choices"]:
                    tokens += choice.get("token_ids") or []
                if len(tokens) > 10:
                    worker.kill()
        self.assertEqual(tokens, plain)

    def test_strangers_are_turned_away(self):
        host, port = re.fullmatch(r"(.*):(\d+)", self.drafts).groups()
        hello = vector(VECTORS / "exchange" / "01-hello.hex")
        openings = {"HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "zeros": bytes(4096), "cut": hello[:40]}
        openings |= {path.stem: vector(path) for path in (VECTORS / "invalid").glob("*.hex")}
        openings |= {"other tokenizer": hello}
        for name, opening in openings.items():
            with self.subTest(name), socket.create_connection((host, int(port)), timeout=5) as link:
                link.sendall(opening)
                if name == "cut":
                    link.shutdown(socket.SHUT_WR)
                try:
                    while link.recv(4096):
                        pass
                except ConnectionResetError:
                    pass
        self.assertEqual(len(self.complete(0, 1, tokens=4)["choices"][0]["token_ids"]), 4)


@NEEDS_VERIFIER
class VerifierWithToken(VerifierCase):
    token = TOKEN

    def token_file(self, token):
        file = tempfile.NamedTemporaryFile("w")
        self.addCleanup(file.close)
        file.write(token + "\n")
        file.flush()
        return file.name

    def test_a_worker_with_the_token_drafts(self):
        self.check_drafting("python-t", "--token-file", self.token_file(TOKEN))

    def test_a_worker_without_the_token_is_told_why_and_gives_up(self):
        for options, reason in [
            ((), "the worker has none"),
            (("--token-file", self.token_file(secrets.token_hex(16))), "token is not the verifier's"),
        ]:
            worker = subprocess.run(
                [sys.executable, "-m", "paceline_worker", "--connect", self.drafts, *options],
                cwd=HERE,
                stderr=subprocess.PIPE,
                text=True,
                timeout=30,
                env=self.environment(None),
            )
            self.assertEqual(worker.returncode, 1)
            self.assertIn(reason, worker.stderr)
        self.assertEqual(self.get("/v1/workers")["data"], [])


if __name__ == "__main__":
    unittest.main()
