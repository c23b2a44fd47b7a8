"""OpenAI's client at two verifiers behind routers that users may have: nginx, vLLM's and SGLang's. Each is started as
Deploy/README.md and Deploy/nginx say, on ports of loopback.

    pip install --target /tmp/routers -r Tests/Deploy/Routers/requirements.txt
    PACELINE=path/to/paceline PYTHONPATH=/tmp/routers python3 -m unittest discover --start-directory Tests/Deploy
"""

import concurrent.futures
import contextlib
import os
import pathlib
import re
import shlex
import signal
import subprocess
import tempfile
import unittest

from host import DEPLOY, MODEL, DeployCase, executable, needs, needs_executable
from monitored import eventually, free_port, get
from replicas import Replica

try:
    import openai
except ImportError as error:
    raise unittest.SkipTest(f"{error}; install Tests/Deploy/Routers/requirements.txt") from None

KEY = "the-key-of-both-verifiers"
CHAT = [{"role": "user", "content": "Count from 1 to 50, one number a line."}]
SAMPLED = {"temperature": 0.9, "top_p": 0.95, "seed": 11, "max_tokens": 24, "extra_body": {"ignore_eos": True}}
# More than nginx takes by default (1 MiB), and than the context has room for.
TOO_LONG = "word " * 240_000
NGINX = DEPLOY / "nginx" / "paceline.conf"
README = (DEPLOY / "README.md").read_text()


def commands(name):
    """The command lines of README.md that begin with a name."""
    return [shlex.split(line) for line in README.replace("\\\n", "").splitlines() if line.startswith(f"{name} ")]


class Router:
    """What stands before the verifiers; a process with a log."""

    def __init__(self, command):
        self.log = tempfile.TemporaryFile("w+")
        # A group of its own, which ends as a whole.
        self.child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True
        )

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGTERM)
        try:
            self.child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
        self.log.close()

    def await_answers(self, url):
        def answers():
            if self.child.poll() is not None:
                self.log.seek(0)
                raise AssertionError(f"the router ended with {self.child.returncode}: {self.log.read()[-2000:]}")
            with contextlib.suppress(OSError):
                return "" != get(url)

        eventually(f"{url} answers", answers)


class Behind:
    """What holds for every router. Those who inherit this say how it is started."""

    # How often the client must ask again until a router has noticed that a verifier is gone.
    retries = 0

    @classmethod
    def setUpClass(cls):
        cls.verifiers = []
        for _ in range(2):
            cls.verifiers.append(
                Replica(MODEL, ["--slots", 2, "--queue-limit", 4, "--context", 1024, "-t", 1, "--api-key", KEY])
            )
            cls.addClassCleanup(cls.verifiers[-1].stop)
        for each in cls.verifiers:
            each.wait()
        cls.address = f"127.0.0.1:{free_port()}"
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        router = cls.enterClassContext(contextlib.closing(Router(cls.command())))
        router.await_answers(f"http://{cls.address}/health")

    def client(self, address=None, key=KEY, retries=0):
        # A retry would hide a fault.
        options = {"api_key": key, "max_retries": retries, "timeout": 120}
        return self.enterContext(openai.OpenAI(base_url=f"http://{address or self.address}/v1", **options))

    def setUp(self):
        self.behind, self.direct = self.client(), self.client(self.verifiers[0].http)

    def figures(self, name):
        """A metric of each verifier."""
        pages = [get(f"http://{each.http}/metrics") for each in self.verifiers]
        return [float(re.search(rf"^paceline_{re.escape(name)} (\S+)$", page, re.MULTILINE)[1]) for page in pages]

    def test_whole_answers_are_those_of_a_verifier(self):
        def ask(client):
            chat = client.chat.completions.create(model=MODEL, messages=CHAT, logprobs=True, top_logprobs=2, **SAMPLED)
            texts = client.completions.create(model=MODEL, prompt=["one, two,", "A river is"], n=2, **SAMPLED)
            return [
                (each.choices, each.system_fingerprint, each.usage.completion_tokens, each.seed)
                for each in (chat, texts)
            ]

        answers = ask(self.behind)
        self.assertEqual(answers, ask(self.direct))
        self.assertEqual([len(choices) for choices, *_ in answers], [1, 4])

    def test_streams_are_those_of_a_verifier(self):
        fields = {"model": MODEL, "messages": CHAT, "stream": True, "stream_options": {"include_usage": True}}

        def ask(client):
            chunks = list(client.chat.completions.create(**fields, logprobs=True, **SAMPLED))
            choices = [choice for chunk in chunks for choice in chunk.choices]
            return (
                "".join(choice.delta.content or "" for choice in choices),
                [each for choice in choices if choice.logprobs for each in choice.logprobs.content],
                [choice.finish_reason for choice in choices if choice.finish_reason],
                chunks[-1].usage.completion_tokens,
            )

        answer = ask(self.behind)
        self.assertEqual(answer, ask(self.direct))
        self.assertEqual((len(answer[1]), answer[2:]), (24, (["length"], 24)))
        whole = self.behind.chat.completions.create(model=MODEL, messages=CHAT, **SAMPLED)
        self.assertEqual(whole.choices[0].message.content, answer[0])

    def test_tokens_come_while_more_are_generated(self):
        """A router that gathers an answer would send the first part when the verifier has ended."""
        options = {"temperature": 0, "max_tokens": 600, "extra_body": {"ignore_eos": True}}
        stream = iter(self.behind.completions.create(model=MODEL, prompt="1, 2, 3,", stream=True, **options))
        next(stream)
        self.assertEqual(sum(self.figures("num_requests_running")), 1)
        self.assertGreater(len(list(stream)), 100)

    def test_both_verifiers_are_used(self):
        before = self.figures("generation_tokens_total")
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            prompts = [f"{number} foxes and" for number in range(16)]
            asked = [
                threads.submit(self.behind.completions.create, model=MODEL, prompt=prompt, **SAMPLED)
                for prompt in prompts
            ]
            texts = [each.result().choices[0].text for each in asked]
        plain = self.direct.completions.create(model=MODEL, prompt=prompts[0], **SAMPLED)
        self.assertEqual(texts[0], plain.choices[0].text)
        for earlier, later in zip(before, self.figures("generation_tokens_total")):
            self.assertGreater(later, earlier)

    def test_refusals_are_those_of_a_verifier(self):
        with self.assertRaises(openai.AuthenticationError) as caught:
            self.client(key="another").chat.completions.create(model=MODEL, messages=CHAT)
        self.assertEqual(caught.exception.code, "invalid_api_key")
        for prompt, fields, code in [
            ("1,", {"frequency_penalty": 1e9}, None),
            (TOO_LONG, {}, "context_length_exceeded"),
        ]:
            with self.assertRaises(openai.BadRequestError) as caught:
                self.behind.completions.create(model=MODEL, prompt=prompt, **fields)
            self.assertEqual((caught.exception.code, caught.exception.type), (code, "invalid_request_error"))

    def test_the_other_verifier_answers_when_one_is_gone(self):
        # Some routers remember who has read a prompt, so there are several.
        asked = [{"model": MODEL, "prompt": f"{number} boats and", **SAMPLED} for number in range(6)]
        plain = [self.direct.completions.create(**fields).choices for fields in asked]
        behind = self.client(retries=self.retries)
        for fields, choices in zip(asked, plain):
            self.assertEqual(behind.completions.create(**fields).choices, choices)
        self.verifiers[0].kill()
        try:
            for fields, choices in zip(asked, plain):
                self.assertEqual(behind.completions.create(**fields).choices, choices)
                chunks = list(behind.completions.create(**fields, stream=True))
                text = "".join(choice.text for chunk in chunks for choice in chunk.choices)
                self.assertEqual(text, choices[0].text)
        finally:
            self.verifiers[0].restart()
            self.verifiers[0].wait()

    def test_a_full_verifier_is_asked_again_later(self):
        """Requests that are refused because there is no room are no reason to give verifiers up."""
        fields = {"model": MODEL, "temperature": 0, "extra_body": {"ignore_eos": True}}

        def ask(number):
            try:
                return (
                    self.behind.completions.create(prompt=f"{number} peaks", max_tokens=100, **fields).choices[0].text
                )
            except openai.RateLimitError:
                return None

        with concurrent.futures.ThreadPoolExecutor(24) as threads:
            texts = list(threads.map(ask, range(24)))
        self.assertGreater(sum(self.figures('request_failures_total{reason="overloaded"}')), 0)
        self.assertGreaterEqual(len([each for each in texts if each is not None]), 6)
        for number in range(4):
            again = self.behind.completions.create(prompt=f"{number} peaks", max_tokens=100, **fields).choices[0].text
            self.assertIn(texts[number], (None, again))


@needs(nginx="nginx-light")
@needs_executable
class Nginx(Behind, DeployCase):
    @classmethod
    def command(cls):
        """Debian's own nginx.conf with the file that Deploy/ has for its conf.d, and nothing else that it includes."""
        ports = [each.http.rsplit(":", 1)[1] for each in cls.verifiers]
        text = NGINX.read_text()
        for old, new in [("8081", ports[0]), ("8082", ports[1]), ("8080", cls.address.rsplit(":", 1)[1])]:
            assert text.count(f"127.0.0.1:{old}") == 1, f"paceline.conf should have 127.0.0.1:{old} once"
            text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
        (cls.folder / "paceline.conf").write_text(text)
        text = pathlib.Path("/etc/nginx/nginx.conf").read_text()
        for pattern, new in [
            (r"include /etc/nginx/(sites|modules)-enabled/\*\S*;", ""),
            (r"include /etc/nginx/conf\.d/\*\.conf;", f"include {cls.folder}/paceline.conf;"),
            (r"/run/nginx\.pid", f"{cls.folder}/pid"),
            (r"/var/log/nginx/access\.log", "/dev/stdout"),
        ]:
            text, count = re.subn(pattern, new, text)
            assert count, f"nginx.conf has no {pattern}"
        # Some versions have its log on standard error already.
        text = re.sub(r"error_log [^;]*;", "error_log stderr;", text)
        (cls.folder / "nginx.conf").write_text(text)
        return [executable("nginx"), "-c", str(cls.folder / "nginx.conf"), "-g", "daemon off;"]

    def test_readme_has_the_lines_that_matter(self):
        (block,) = re.findall(r"```nginx\n(.*?)```", README, re.DOTALL)
        lines = {line.strip() for line in NGINX.read_text().splitlines()}
        self.assertLessEqual(set(block.splitlines()), lines)

    def test_figures_are_not_one_verifiers_own(self):
        with self.assertRaises(OSError) as caught:
            get(f"http://{self.address}/metrics")
        self.assertEqual(caught.exception.code, 404)


class PythonRouter(Behind):
    """A router from PyPI, by its command line in README.md."""

    @classmethod
    def command(cls):
        (line,) = commands(cls.name)
        verifiers = {
            f"http://verifier-{number}.example:8080": each.http for number, each in enumerate(cls.verifiers, 1)
        }
        changed = {name: f"http://{address}" for name, address in verifiers.items()}
        changed["8000"] = cls.address.rsplit(":", 1)[1]
        # Not for everybody: strangers could add verifiers of their own.
        assert {"127.0.0.1", *changed} <= set(line), f"README.md should have {', '.join(changed)} in {line}"
        # Its own figures have a fixed port, which another one may have.
        more = ["--prometheus-port", str(free_port())]
        return [executable(cls.name), *(changed.get(word, word) for word in line[1:]), *more]


@unittest.skipUnless(executable("vllm-router"), "needs Tests/Deploy/Routers/requirements.txt")
@needs_executable
class VLLMRouter(PythonRouter, DeployCase):
    name = "vllm-router"

    def test_the_model_is_named(self):
        self.assertEqual([each.id for each in self.behind.models.list()], [MODEL])


@unittest.skipUnless(executable("sglang-router"), "needs Tests/Deploy/Routers/requirements.txt")
@needs_executable
class SGLangRouter(PythonRouter, DeployCase):
    name = "sglang-router"
    retries = 4


if __name__ == "__main__":
    unittest.main()
