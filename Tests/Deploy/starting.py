"""Starts the command lines of manifests for real, on loopback. What is meant for another machine is replaced, and
nothing else: addresses, paths, and more threads than there are processors. Durations stay.
"""

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "Measurements"))

import cluster  # noqa: E402

PACELINE = os.environ.get("PACELINE")
MODELS = pathlib.Path(os.environ.get("PACELINE_MODELS") or pathlib.Path.home() / ".cache" / "paceline" / "models")
MODEL = MODELS / "SmolLM2-135M-Instruct.Q4_1.gguf"
needs_paceline = unittest.skipUnless(PACELINE and MODEL.exists(), "set PACELINE, and run Deploy/fetch-models.sh")
TOKEN = "a-secret-of-the-link-for-tests-only-0123456789"
KEY = "a-key-for-tests-only"


@dataclasses.dataclass(frozen=True)
class Line:
    """A command line and its environment, as a container or a unit gets them."""

    arguments: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def role(self):
        return self.arguments[0]

    def option(self, name):
        """The value of --name=value; None if it is not there."""
        values = [each.split("=", 1)[1] for each in self.arguments if each.startswith(f"--{name}=")]
        return values[0] if values else None

    def replacing(self, **options):
        """The same line with other values for those options that it has."""
        changed = list(self.arguments)
        for name, value in options.items():
            start = f"--{name.replace('_', '-')}="
            changed = [start + str(value) if each.startswith(start) else each for each in changed]
        return dataclasses.replace(self, arguments=tuple(changed))

    def variables(self):
        """Its environment, with as many threads as this machine has at most."""
        found = dict(self.environment)
        if "PACELINE_THREADS" in found:
            found["PACELINE_THREADS"] = str(min(int(found["PACELINE_THREADS"]), len(cluster.cores())))
        return found


class Files(contextlib.ExitStack):
    """The files that command lines name, in a folder of their own."""

    def __enter__(self):
        super().__enter__()
        self.folder = pathlib.Path(self.enter_context(tempfile.TemporaryDirectory()))
        return self

    def write(self, name, text, mode=0o600):
        file = self.folder / name
        file.write_text(text)
        file.chmod(mode)
        return file

    def localised(self, line):
        """The line with the paths of this machine."""
        keys = self.write("keys", f"{KEY}\n", 0o440)
        line = line.replacing(model=MODEL, api_key_file=keys, token_file=self.write("token", f"{TOKEN}\n"))
        # A drafter may be a file, or the name of one that needs none.
        return line.replacing(model_draft=MODEL) if (line.option("model-draft") or "").startswith("/") else line


def check(line):
    """What --check says of the line with its addresses as they are: whether a start would accept it."""
    run = subprocess.run(
        [PACELINE, *line.arguments, "--check"],
        env=os.environ | line.variables(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return run.returncode, run.stdout + run.stderr


def start(processes, line):
    """Starts the line in the cluster `processes`."""
    with unittest.mock.patch.dict(os.environ, line.variables()):
        return processes.start(*line.arguments)


def status(address, path):
    """The status of a GET, as a probe sees it; None if nobody listens."""
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def ask(address, key=KEY, model=None):
    """Status and text of a short completion."""
    connection = http.client.HTTPConnection(address, timeout=120)
    body = {"prompt": "1, 2, 3, 4, 1, 2, 3, 4, 1,", "max_tokens": 16, "temperature": 0}
    body |= {"model": model} if model else {}
    headers = {"authorization": f"Bearer {key}"} if key else {}
    with contextlib.closing(connection):
        connection.request("POST", "/v1/completions", json.dumps(body), headers)
        answer = connection.getresponse()
        found = json.load(answer)
        return answer.status, found["choices"][0]["text"] if answer.status == 200 else found["error"]["message"]


def await_status(address, path, wanted, limit):
    deadline = time.monotonic() + limit
    while status(address, path) != wanted:
        if time.monotonic() > deadline:
            raise AssertionError(f"{path} of {address} is {status(address, path)} after {limit} s, not {wanted}")
        time.sleep(0.05)


class Started(contextlib.ExitStack):
    """A verifier's line and the workers' lines that connect to it, running."""

    def __init__(self, verifier, workers):
        super().__init__()
        self.lines = (verifier, workers)

    def __enter__(self):
        super().__enter__()
        verifier, workers = self.lines
        self.files = self.enter_context(Files())
        self.started = []
        self.callback(lambda: [process.child.stderr.close() for process in self.started])
        self.processes = self.enter_context(cluster.Cluster())
        self.line = self.files.localised(verifier).replacing(http="127.0.0.1:0", listen="127.0.0.1:0")
        self.verifier = start(self.processes, self.line)
        self.started.append(self.verifier)
        ready = self.verifier.announcement("ready")
        self.link, self.http = ready["drafts"], ready["http"]
        for worker in workers:
            self.started.append(start(self.processes, self.files.localised(worker).replacing(connect=self.link)))
        cluster.Client(self.http, key=KEY).await_workers(len(workers))
        return self

    def drain(self):
        """Sends SIGTERM. Returns what waits for the end, and then gives exit status and seconds."""
        began = time.monotonic()
        self.verifier.send(signal.SIGTERM)
        return lambda limit: (self.verifier.child.wait(timeout=limit), time.monotonic() - began)
