"""OpenAI's client at a gateway whose verifiers are killed, stopped and ended while they answer it."""

import concurrent.futures
import contextlib
import functools
import http.client
import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import openai

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Measurements"))

import replicas  # noqa: E402

MODEL = os.environ.get("PACELINE_TEST_MODEL", "smollm2-135m")
KEY = "the-key-of-the-verifiers"
TOKENS = 160
CHAT = [{"role": "user", "content": "Count from 1 to 100, one number a line."}]
SAMPLED = {"temperature": 0.9, "top_p": 0.95, "seed": 11, "max_tokens": TOKENS, "extra_body": {"ignore_eos": True}}


def chat_text(chunk):
    return "".join(choice.delta.content or "" for choice in chunk.choices)


def completion_text(chunk):
    return "".join(choice.text for choice in chunk.choices)


@unittest.skipUnless(os.environ.get("PACELINE"), "set PACELINE to the paceline executable")
class GatewayCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        options = ["--slots", 4, "--context", 1024, "-t", 1, "--api-key", KEY, "--grace", "100ms"]
        cls.fleet = cls.enterClassContext(replicas.Replicas(MODEL, 2, *options))

    def client(self, address=None, **options):
        # A retry would hide a fault.
        options = {"api_key": KEY, "max_retries": 0, "timeout": 120} | options
        return self.enterContext(openai.OpenAI(base_url=f"http://{address or self.fleet.address}/v1", **options))

    @functools.cached_property
    def direct(self):
        return self.client(self.fleet.replicas[0].http)

    @functools.cached_property
    def gateway(self):
        return self.client()

    def strike(self, stream, fault, after=8):
        """Reads a stream, and harms the verifier that it comes from after a few chunks. Returns its chunks."""
        chunks, harmed = [], None
        for chunk in stream:
            chunks.append(chunk)
            if len(chunks) == after:
                [harmed] = self.fleet.busy()
                fault(harmed)
        self.assertGreater(len(chunks), after, "the stream ended before the fault")
        self.mend(harmed)
        return chunks

    def mend(self, replica):
        replica.restart()
        replica.wait()
        self.fleet.await_ready(2)

    FAULTS = {
        "killed": lambda replica: replica.kill(),
        "stopped": replicas.suspend,
        "ended": lambda replica: replica.process.send(signal.SIGTERM),
    }


class Streams(GatewayCase):
    def test_a_chat_goes_on_as_if_nothing_had_happened(self):
        usage = {"stream_options": {"include_usage": True}, "logprobs": True, "top_logprobs": 2}
        fields = {"model": MODEL, "messages": CHAT, "stream": True, **SAMPLED, **usage}
        plain = list(self.direct.chat.completions.create(**fields))
        for name, fault in self.FAULTS.items():
            with self.subTest(name):
                before = sum(self.fleet.failovers().values())
                chunks = self.strike(self.gateway.chat.completions.create(**fields), fault)
                self.assertEqual("".join(map(chat_text, chunks)), "".join(map(chat_text, plain)))
                self.assertEqual(self.scores(chunks), self.scores(plain))
                self.assertEqual(len({(chunk.id, chunk.created) for chunk in chunks}), 1)
                roles = [choice.delta.role for chunk in chunks for choice in chunk.choices if choice.delta.role]
                self.assertEqual(roles, ["assistant"])
                self.assertEqual(chunks[-1].usage.completion_tokens, TOKENS)
                self.assertEqual(chunks[-1].usage.prompt_tokens, plain[-1].usage.prompt_tokens)
                self.assertEqual(sum(self.fleet.failovers().values()), before + 1)

    @staticmethod
    def scores(chunks):
        entries = [choice.logprobs for chunk in chunks for choice in chunk.choices if choice.logprobs]
        return [(each.token, each.logprob, len(each.top_logprobs)) for entry in entries for each in entry.content]

    def test_several_completions_of_several_prompts_go_on_each_for_itself(self):
        fields = {
            "model": MODEL,
            "prompt": ["one, two,", "A river is"],
            "n": 2,
            "stream": True,
            "echo": True,
            **SAMPLED,
        }

        def texts(chunks):
            all_texts, reasons = {}, {}
            for choice in (choice for chunk in chunks for choice in chunk.choices):
                all_texts[choice.index] = all_texts.get(choice.index, "") + choice.text
                if choice.finish_reason:
                    reasons.setdefault(choice.index, []).append(choice.finish_reason)
            return all_texts, reasons

        plain = texts(self.direct.completions.create(**fields))
        self.assertEqual(len(plain[0]), 4)
        self.assertEqual(texts(self.strike(self.gateway.completions.create(**fields), replicas.suspend, 20)), plain)

    def test_without_a_seed_the_gateway_draws_one_and_says_so(self):
        fields = {
            "model": MODEL,
            "prompt": "Once upon a time",
            "stream": True,
            "max_tokens": TOKENS,
            "temperature": 1.1,
        }
        fields["extra_body"] = {"ignore_eos": True}
        chunks = self.strike(self.gateway.completions.create(**fields), lambda replica: replica.kill())
        seed = next(chunk.seed for chunk in chunks if getattr(chunk, "seed", None) is not None)
        again = list(self.direct.completions.create(**fields, seed=seed))
        self.assertEqual("".join(map(completion_text, chunks)), "".join(map(completion_text, again)))

    def test_a_stream_that_breaks_behind_a_failover_goes_on_with_the_seed_in_its_head(self):
        body = {"ignore_eos": True, "return_token_ids": True}
        fields = {
            "model": MODEL,
            "prompt": "Once upon a time",
            "stream": True,
            "max_tokens": TOKENS,
            "temperature": 1.1,
        }
        answer = self.gateway.completions.with_raw_response.create(**fields, extra_body=body)
        # Said before a verifier was lost, and true of what the next one writes.
        seed = int(answer.headers["paceline-seed"])
        with answer.parse() as stream:
            first = list(itertools.islice(stream, 8))
            [harmed] = self.fleet.busy()
            harmed.kill()
            first += itertools.islice(stream, 8)
        self.mend(harmed)
        came = [token for chunk in first for token in chunk.choices[0].token_ids]
        rest = list(
            self.gateway.completions.create(**fields, seed=seed, extra_body=body | {"resume": {"tokens": came}})
        )
        whole = list(self.direct.completions.create(**fields, seed=seed, extra_body=body))
        self.assertEqual(
            "".join(map(completion_text, first + rest)),
            "".join(map(completion_text, whole)),
        )
        self.assertGreater(len(rest), 1)

    def test_a_client_that_asks_for_token_ids_gets_each_once(self):
        body = {"ignore_eos": True, "return_token_ids": True}
        fields = {"model": MODEL, "prompt": "1, 2, 3,", "stream": True, **SAMPLED, "extra_body": body}

        def tokens(chunks):
            choices = [choice for chunk in chunks for choice in chunk.choices]
            # The end of a choice has none.
            return [token for choice in choices for token in getattr(choice, "token_ids", [])]

        plain = tokens(self.direct.completions.create(**fields))
        self.assertEqual(len(plain), TOKENS)
        self.assertEqual(tokens(self.strike(self.gateway.completions.create(**fields), replicas.suspend)), plain)


class Whole(GatewayCase):
    def test_an_answer_in_one_piece_is_asked_for_again(self):
        fields = {"model": MODEL, "messages": CHAT, **SAMPLED}
        plain = self.direct.chat.completions.create(**fields)
        for name, fault in self.FAULTS.items():
            with self.subTest(name), concurrent.futures.ThreadPoolExecutor(1) as thread:
                answer = thread.submit(self.gateway.chat.completions.create, **fields)
                while not (busy := self.fleet.busy()):
                    time.sleep(0.005)
                fault(busy[0])
                self.assertEqual(answer.result().choices, plain.choices)
                self.assertEqual(answer.result().usage.completion_tokens, TOKENS)
                self.mend(busy[0])

    def test_keys_go_on_to_the_verifiers(self):
        with self.assertRaises(openai.AuthenticationError) as caught:
            self.client(api_key="another").models.list()
        self.assertEqual(caught.exception.code, "invalid_api_key")
        [model] = self.gateway.models.list()
        self.assertEqual((model.id, model.system_fingerprint[:3]), (MODEL, "fp_"))

    def test_errors_are_those_of_the_verifiers(self):
        for fields in ({"temperature": -1}, {"seed": "x"}, {"stream": True, "max_tokens": 0}):
            with self.subTest(fields):
                faults = []
                for client in (self.direct, self.gateway):
                    with self.assertRaises(openai.BadRequestError) as caught:
                        client.chat.completions.create(model=MODEL, messages=CHAT, **fields)
                    faults.append(caught.exception.body)
                self.assertEqual(*faults)


class Upgrade(GatewayCase):
    def test_a_rolling_restart_under_load_loses_no_stream(self):
        fields = {"model": MODEL, "messages": CHAT, "stream": True, **SAMPLED}
        plain = "".join(map(chat_text, self.direct.chat.completions.create(**fields)))
        is_over, texts = threading.Event(), []

        def work():
            client = self.client()
            while not is_over.is_set():
                texts.append("".join(map(chat_text, client.chat.completions.create(**fields))))

        with concurrent.futures.ThreadPoolExecutor(3) as threads:
            work = [threads.submit(work) for _ in range(3)]
            with contextlib.ExitStack() as stack:
                stack.callback(is_over.set)
                for replica in self.fleet.replicas:
                    time.sleep(1)
                    replica.process.send(signal.SIGTERM)
                    replica.process.child.wait()
                    self.mend(replica)
            for each in work:
                each.result()
        self.assertGreater(len(texts), 3)
        self.assertEqual(set(texts), {plain})

    def test_without_any_verifier_the_gateway_says_so_at_once(self):
        for replica in self.fleet.replicas:
            replica.kill()
        try:
            host, port = self.fleet.address.split(":")
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                connection = http.client.HTTPConnection(host, int(port), timeout=10)
                self.addCleanup(connection.close)
                connection.request("GET", "/health")
                if connection.getresponse().status == 503:
                    break
            with self.assertRaises(openai.APIStatusError) as caught:
                self.gateway.chat.completions.create(model=MODEL, messages=CHAT)
            self.assertEqual((caught.exception.status_code, caught.exception.code), (503, "no_verifier"))
            self.assertEqual(caught.exception.response.headers["retry-after"], "1")
            self.assertEqual(json.loads(caught.exception.response.text)["error"]["type"], "unavailable_error")
        finally:
            for replica in self.fleet.replicas:
                replica.restart()
            for replica in self.fleet.replicas:
                replica.wait()


class Fronts(GatewayCase):
    """Gateways of their own before the same verifiers."""

    def front(self, *options):
        gateway = self.fleet.start("gateway", *options, "--http", "127.0.0.1:0")
        address = gateway.announcement("ready")["http"]
        self.addCleanup(gateway.stop)
        self.await_health(address, 200)
        return gateway, address

    def await_health(self, address, status, seconds=30):
        host, port = address.rsplit(":", 1)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=10)) as connection:
                connection.request("GET", "/health")
                if connection.getresponse().status == status:
                    return
            time.sleep(0.02)
        self.fail(f"/health was not {status} within {seconds} s")

    def text(self, address):
        answer = self.client(address).completions.create(model=MODEL, prompt="1, 2,", temperature=0, max_tokens=8)
        return answer.choices[0].text

    def test_verifiers_are_found_by_a_name(self):
        port = self.fleet.replicas[0].http.rsplit(":", 1)[1]
        # The name has an address without a verifier, too, where there is IPv6.
        _, address = self.front("--discover", f"dns:localhost:{port}")
        self.assertEqual(self.text(address), self.text(self.fleet.replicas[0].http))

    def test_verifiers_behind_tls_must_show_a_certificate_of_the_named_authority(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([HERE.parent.parent / "Deploy" / "certs.sh", folder], check=True, capture_output=True)
            pair = ["--ssl-cert-file", f"{folder}/verifier.pem", "--ssl-key-file", f"{folder}/verifier-key.pem"]
            options = ["--context", 1024, "-t", 1, "--api-key", KEY, *pair]
            process, _, secure = self.fleet.verifier(MODEL, *options)
            self.addCleanup(process.stop)
            _, address = self.front("--verifier", f"https://{secure}", "--verifier-ca", f"{folder}/ca.pem")
            self.assertEqual(self.text(address), self.text(self.fleet.replicas[0].http))
            # The system's authorities did not sign it.
            stranger = self.fleet.start("gateway", "--verifier", f"https://{secure}", "--http", "127.0.0.1:0")
            self.addCleanup(stranger.stop)
            with self.assertRaises(openai.APIStatusError) as caught:
                self.text(stranger.announcement("ready")["http"])
            self.assertEqual(caught.exception.code, "no_verifier")

    def test_sigterm_lets_streams_end_and_takes_no_new_ones(self):
        gateway, address = self.front("--verifier", self.fleet.replicas[0].http)
        fields = {"model": MODEL, "messages": CHAT, "stream": True, **SAMPLED}
        plain = "".join(map(chat_text, self.direct.chat.completions.create(**fields)))
        stream = iter(self.client(address).chat.completions.create(**fields))
        first = next(stream)
        gateway.send(signal.SIGTERM)
        self.await_health(address, 503)
        with self.assertRaises(openai.APIStatusError) as caught:
            self.text(address)
        self.assertEqual((caught.exception.status_code, caught.exception.code), (503, "draining"))
        self.assertEqual("".join(map(chat_text, [first, *stream])), plain)
        self.assertEqual(gateway.child.wait(timeout=10), 0)


if __name__ == "__main__":
    unittest.main()
