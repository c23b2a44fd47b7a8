"""Starts the command lines of manifests for real, on loopback. What is meant for another machine is replaced, and
nothing else: addresses, paths, and more threads than there are processors. Durations stay.
"""

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import shutil
import signal
import ssl
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

    def leading_to(self, link):
        """A worker's line that finds the verifier at an address, and answers probes at a free port."""
        group = f"dns:{link}"
        return self.replacing(connect=link, discover=group, http="127.0.0.1:0")

    def before(self, verifiers):
        """A gateway's line that finds verifiers at these addresses, and has a free port for clients."""
        left = iter(verifiers)
        changed = [f"--verifier={next(left)}" if each.startswith("--verifier=") else each for each in self.arguments]
        line = dataclasses.replace(self, arguments=tuple(changed))
        return line.replacing(discover=f"dns:{verifiers[0]}", http="127.0.0.1:0")

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
        if line.option("tls-ca"):
            line = self.certified(line)
        line = line.replacing(model=MODEL, api_key_file=keys, token_file=self.write("token", f"{TOKEN}\n"))
        # A drafter may be a file, or the name of one that needs none.
        return line.replacing(model_draft=MODEL) if (line.option("model-draft") or "").startswith("/") else line

    def certified(self, line):
        """The line with certificates for loopback."""
        folder = self.folder / "certs"
        subprocess.run([ROOT / "Deploy" / "certs.sh", folder], check=True, stdout=subprocess.DEVNULL)
        certificate, key = folder / f"{line.role}.pem", folder / f"{line.role}-key.pem"
        line = line.replacing(tls_ca=folder / "ca.pem", tls_certificate=certificate, tls_key=key)
        return line.replacing(ssl_cert_file=certificate, ssl_key_file=key)


def paceline():
    """The path of the executable itself."""
    return pathlib.Path(shutil.which(PACELINE)).resolve()


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


class Server:
    """A verifier as its clients see it, over HTTPS if there is an authority's file."""

    def __init__(self, address, authority=None):
        self.address = address
        self.context = authority and ssl.create_default_context(cafile=authority)

    def connection(self, limit):
        if self.context:
            return http.client.HTTPSConnection(self.address, timeout=limit, context=self.context)
        return http.client.HTTPConnection(self.address, timeout=limit)

    def request(self, method, path, key=None, body=None):
        """Status and body."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        with contextlib.closing(self.connection(120)) as connection:
            connection.request(method, path, body and json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def status(self, path):
        """The status of a GET, as a probe sees it; None if nobody listens."""
        try:
            return self.request("GET", path)[0]
        except OSError:
            return None

    def ask(self, key=KEY, model=None):
        """Status and text of a short completion."""
        body = {"prompt": "1, 2, 3, 4, 1, 2, 3, 4, 1,", "max_tokens": 16, "temperature": 0}
        body |= {"model": model} if model else {}
        status, found = self.request("POST", "/v1/completions", key, body)
        found = json.loads(found)
        return status, found["choices"][0]["text"] if status == 200 else found["error"]["message"]

    def await_status(self, path, wanted, limit):
        self._await(lambda: self.status(path), wanted, limit, path)

    def await_workers(self, count, limit=60):
        self._await(
            lambda: len(json.loads(self.request("GET", "/v1/workers", KEY)[1])["data"]), count, limit, "workers"
        )

    def _await(self, look, wanted, limit, what):
        deadline = time.monotonic() + limit
        while (found := look()) != wanted:
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.address}: {what}: {found} after {limit} s, not {wanted}")
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
        self.link = ready["drafts"]
        self.server = Server(ready["http"], self.line.option("tls-ca") if self.line.option("ssl-cert-file") else None)
        for worker in workers:
            self.started.append(start(self.processes, self.files.localised(worker).leading_to(self.link)))
        self.server.await_workers(len(workers))
        # By a worker's line, its port as probes see it.
        self.ports = {
            line: Server(process.announcement("ready")["http"]) for line, process in zip(workers, self.started[1:])
        }
        return self

    def drain(self):
        """Sends SIGTERM. Returns what waits for the end, and then gives exit status and seconds."""
        began = time.monotonic()
        self.verifier.send(signal.SIGTERM)
        return lambda limit: (self.verifier.child.wait(timeout=limit), time.monotonic() - began)
