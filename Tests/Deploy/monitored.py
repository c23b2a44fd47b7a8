"""A real verifier with workers, a gateway before it, and a real Prometheus that scrapes them all with the configuration
of Deploy/prometheus.
"""

import concurrent.futures
import contextlib
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from host import DEPLOY, MODEL, cluster
from replicas import Replica

FOLDER = DEPLOY / "prometheus"
# Lines of prometheus.yaml that those uncomment who have gateways.
GATEWAYS = re.compile(
    r"^  #(- job_name: paceline-gateway\n)  #(  static_configs:\n)  #(    - targets: .*\n)", re.MULTILINE
)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def eventually(what, condition, seconds=60):
    """Waits for the condition and returns its value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.1)
    raise cluster.Failure(f"{what}: not within {seconds} s")


class Verifier:
    """Lets its drafters always draft, patiently, so that figures of drafts exist on any machine."""

    def __init__(self, processes):
        self.processes = processes
        options = ["-t", 1, "--always-draft", "--draft-wait", "1s", "--draft-delay", "10s"]
        _, self.drafts, self.http = processes.verifier(MODEL, *options)
        self.client = cluster.Client(self.http)
        self.workers = 0

    def add_worker(self, drafter):
        """Returns the address of its figures."""
        worker = self.processes.worker(self.drafts, [drafter], "-t", 1, "--http", "127.0.0.1:0")
        self.workers += 1
        self.client.await_workers(self.workers)
        return worker.announcement("ready")["http"]

    def use(self):
        """Has it generate until all figures of drafts are there; that of another worker's gain comes last."""

        def is_judged():
            self.client.generate("1. one fox\n2. one fox\n3. one fox\n4. one", 48)
            time.sleep(1.5)
            return "paceline_drafter_marginal_gain_tokens_per_second{" in self.metrics()

        # Rates need several samples.
        for _ in range(3):
            is_judged()
        eventually("a drafter has been judged", is_judged, 120)

    def metrics(self):
        return get(f"http://{self.http}/metrics")


class Gateway:
    """A gateway before a verifier that others watch, and before a spare one, which can be killed."""

    def __init__(self, processes, verifier):
        self.spare = Replica(MODEL, ["-t", 1])
        processes.callback(self.spare.stop)
        self.spare.wait()
        gateway = processes.start("gateway", "--verifier", verifier, self.spare.http, "--http", "127.0.0.1:0")
        self.http = gateway.announcement("ready")["http"]
        self.await_verifiers()

    def figure(self, name):
        """The sum of a metric's series."""
        found = re.findall(
            rf"^paceline_gateway_{name}(?:{{.*}})? (\S+)$", get(f"http://{self.http}/metrics"), re.MULTILINE
        )
        return sum(map(float, found))

    def await_verifiers(self):
        eventually("the gateway has two verifiers", lambda: self.figure("active_replicas") == 2)

    def use(self):
        """Streams from both verifiers at once, and kills the spare one, so that its stream goes on with the other."""
        with concurrent.futures.ThreadPoolExecutor(2) as threads:
            begun = [threading.Event(), threading.Event()]
            streams = [
                # Different beginnings, or the second would go where the first one's has been read.
                threads.submit(
                    cluster.Client(self.http).generate, f"{number} foxes,", 400, lambda _, each=each: each.set()
                )
                for number, each in enumerate(begun)
            ]
            for each in begun:
                if not each.wait(60):
                    raise cluster.Failure("a stream through the gateway has no token after 60 s")
            self.spare.kill()
            for stream in streams:
                if len(stream.result().tokens) != 400:
                    raise cluster.Failure("a stream through the gateway lost tokens")
        if self.figure("failovers_total") != 1:
            raise cluster.Failure(f"{self.figure('failovers_total'):.0f} streams went on elsewhere, not one")
        self.spare.restart()
        self.spare.wait()
        self.await_verifiers()


class Prometheus:
    """Runs in a folder of its own. Scrapes and evaluates every second, which the tests cannot wait longer for."""

    def __init__(self, verifiers, gateways, shortened=()):
        """`shortened` names alerts that need no more than two seconds to fire."""
        self.verifiers, self.gateways = verifiers, gateways
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="prometheus-"))
        self.url = f"http://127.0.0.1:{free_port()}"
        shutil.copy(FOLDER / "rules.yaml", self.folder)
        alerts = (FOLDER / "alerts.yaml").read_text()
        for name in shortened:
            alerts, count = re.subn(rf"(alert: {name}\n(?: +[^\n-].*\n)*? +for: )\S+", r"\g<1>2s", alerts)
            if count != 1:
                raise cluster.Failure(f"alerts.yaml has {name} {count} times")
        (self.folder / "alerts.yaml").write_text(alerts)
        self.configure([])
        with open(self.folder / "log", "w") as log:
            self.child = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={self.folder}/prometheus.yaml",
                    f"--storage.tsdb.path={self.folder}/data",
                    f"--web.listen-address={self.url.removeprefix('http://')}",
                ],
                stdout=log,
                stderr=log,
            )

    def configure(self, workers):
        text = configuration({"8080": self.verifiers, "8081": workers, "8000": self.gateways})
        (self.folder / "prometheus.yaml").write_text(text)

    def add_workers(self, workers):
        """Has it scrape workers, too."""
        self.configure(workers)
        self.child.send_signal(signal.SIGHUP)
        count = len(self.verifiers) + len(self.gateways) + len(workers)
        eventually("workers are scraped", lambda: len(self.values("up == 1")) == count)

    def close(self):
        self.child.terminate()
        self.child.wait(timeout=30)
        shutil.rmtree(self.folder)

    def log(self):
        return (self.folder / "log").read_text()

    def api(self, path, **arguments):
        query = urllib.parse.urlencode(arguments)
        return json.loads(get(f"{self.url}/api/v1/{path}?{query}"))["data"]

    def await_scrapes(self):
        def is_ready():
            if self.child.poll() is not None:
                raise cluster.Failure(f"Prometheus ended: {self.log()}")
            with contextlib.suppress(OSError):
                return get(f"{self.url}/-/ready")

        eventually("Prometheus is ready", is_ready)
        # It learns of its targets seconds later.
        eventually("targets are scraped", lambda: self.values("up"))

    def values(self, expression):
        """The results of an expression, as pairs of labels and value."""
        results = self.api("query", query=expression)["result"]
        return [(result["metric"], float(result["value"][1])) for result in results]

    def rules(self):
        return [rule for group in self.api("rules")["groups"] for rule in group["rules"]]

    def firing(self):
        return {alert["labels"]["alertname"] for alert in self.api("alerts")["alerts"] if alert["state"] == "firing"}


def configuration(targets):
    """Deploy/prometheus/prometheus.yaml, with gateways, other intervals, and other targets instead of the one with a
    port.
    """
    text, count = GATEWAYS.subn(r"  \1  \2  \3", (FOLDER / "prometheus.yaml").read_text())
    if count != 1:
        raise cluster.Failure("prometheus.yaml should have a job for gateways to uncomment")
    for old, new in [
        *((f'["127.0.0.1:{port}"]', json.dumps(addresses)) for port, addresses in targets.items()),
        ("scrape_interval: 15s", "scrape_interval: 1s"),
        ("evaluation_interval: 15s", "evaluation_interval: 1s"),
    ]:
        if text.count(old) != 1:
            raise cluster.Failure(f"prometheus.yaml should have {old} once")
        text = text.replace(old, new)
    return text
