"""A verifier with workers and a request that goes on for long, and a browser that looks at its page."""

import contextlib
import http.client
import json
import os
import pathlib
import shutil
import sys
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Measurements"))

import cluster  # noqa: E402

MODEL = os.environ.get("PACELINE_TEST_MODEL", "smollm2-135m")
# Repeats itself, so that a search for repetitions is often right and often wrong.
PROMPT = "".join(f"{number}. The quick brown fox jumps over the lazy dog number {number}.\n" for number in range(1, 9))
# Patient, so that trees come in time and are verified on a busy machine, too: a test of what is shown wants some.
DRAFTED = ["--always-draft", "--draft-wait", "1s", "--draft-delay", "10s", "-t", 1, "--context", 2048, "--slots", 4]
# How long anything may take that is waited for: a debug build on a busy machine is slow.
PATIENCE = 120


class Load:
    """A client that has the verifier write one text after another until it is told to stop."""

    def __init__(self, address, key=None, tokens=160):
        self.client = cluster.Client(address, key=key)
        self.headers = {"content-type": "application/json", **self.client.headers, "x-request-id": "req-of-the-test"}
        self.tokens = tokens
        self.is_over = threading.Event()
        self.failure = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.is_over.is_set():
                self._write()
        except Exception as failure:
            # Shown by stop(); a thread's exception would be lost.
            self.failure = failure

    def _write(self):
        body = {"prompt": PROMPT, "max_tokens": self.tokens, "temperature": 0, "ignore_eos": True, "stream": True}
        with contextlib.closing(http.client.HTTPConnection(self.client.host, self.client.port, timeout=60)) as link:
            link.request("POST", "/v1/completions", json.dumps(body), self.headers)
            for _ in link.getresponse():
                if self.is_over.is_set():
                    return

    def stop(self):
        self.is_over.set()
        self.thread.join(PATIENCE)
        if self.failure:
            raise self.failure


def wait_until(condition, what):
    """Waits until `condition` returns something true, and returns it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {PATIENCE} s")


def browser(width=1600, height=1000, scheme="light"):
    """A browser without a screen, whose console is recorded."""
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = shutil.which("chromium")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    resize(found, width, height)
    prefer(found, scheme)
    return found


def prefer(driver, scheme):
    media = [
        {"name": "prefers-color-scheme", "value": scheme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})


def resize(driver, width, height):
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@unittest.skipUnless(os.environ.get("PACELINE"), "set PACELINE to the paceline executable")
class DashboardCase(unittest.TestCase):
    """One verifier for all tests of a class."""

    options = []
    key = None
    # By worker: what it drafts with.
    drafters = [[MODEL], ["ngram"]]

    @classmethod
    def setUpClass(cls):
        if not shutil.which("chromium") or not shutil.which("chromedriver"):
            raise AssertionError("the tests need Debian's packages chromium and chromium-driver")
        cls.processes = cls.enterClassContext(cluster.Cluster())
        cls.process, link, cls.address = cls.processes.verifier(MODEL, *DRAFTED, *cls.options)
        for drafter in cls.drafters:
            cls.processes.worker(link, drafter)
        cluster.Client(cls.address, key=cls.key).await_workers(len(cls.drafters))
        cls.url = f"http://{cls.address}/"

    def load(self, **options):
        load = Load(self.address, key=self.key, **options)
        self.addCleanup(load.stop)
        return load

    def open(self, **options):
        """Opens the page in a browser that is closed after the test."""
        driver = browser(**options)
        self.addCleanup(driver.quit)
        driver.get(self.url)
        return driver

    def await_live(self, driver):
        wait_until(
            lambda: self.script(driver, "return document.getElementById('status').dataset.state") == "serving",
            "a live page",
        )

    def await_tree(self, driver, *kinds):
        """Waits until nodes of all kinds have been drawn, be it in several trees."""
        seen = set()

        def look():
            seen.update(
                kind for kind in kinds if self.script(driver, f"return !!document.querySelector('.node.{kind}')")
            )
            return seen == set(kinds)

        try:
            wait_until(look, "a tree of all kinds of nodes")
        except AssertionError as failure:
            raise AssertionError(f"{failure}; seen: {sorted(seen)}") from None

    def has(self, driver, selector):
        return self.script(driver, "return document.querySelector(arguments[0]) !== null", selector)

    def await_element(self, driver, selector):
        wait_until(lambda: self.has(driver, selector), f"an element {selector}")

    @staticmethod
    def script(driver, script, *arguments):
        return driver.execute_script(script, *arguments)

    def check_console(self, driver):
        self.assertEqual(driver.get_log("browser"), [])

    def get(self, path, key=None):
        """Asks for a path, and returns status, headers and body."""
        client = cluster.Client(self.address, key=key)
        with contextlib.closing(http.client.HTTPConnection(client.host, client.port, timeout=60)) as connection:
            connection.request("GET", path, headers=client.headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    @contextlib.contextmanager
    def events(self, path="/dashboard/events", key=None):
        """The events of the stream, as they come."""
        client = cluster.Client(self.address, key=key)
        with contextlib.closing(http.client.HTTPConnection(client.host, client.port, timeout=60)) as connection:
            connection.request("GET", path, headers=client.headers)
            response = connection.getresponse()
            self.assertEqual(response.status, 200, response.read() if response.status != 200 else "")
            yield (json.loads(line[6:]) for line in response if line.startswith(b"data: "))
