"""The gateway's page: its verifiers, what moves from one to another, the way to the token tree, and who may see it."""

import contextlib
import itertools
import os
import pathlib
import signal
import tempfile
import unittest

from dashboard import DRAFTED, MODEL, DashboardCase, cluster, prefer, resize, wait_until
from replicas import Replicas, free_ports
from test_access import MINE
from test_page import CONTRAST, FOCUS, SCHEMES, WIDTHS

# By address: what a verifier's row says in words, its mark, and where its link leads.
ROWS = """
return Object.fromEntries([...document.querySelectorAll("#replicas tr")].map((row) => [row.children[0].textContent, {
  words: row.children[1].textContent,
  mark: row.querySelector(".state .sign").textContent,
  takes: row.children[2].textContent,
  requests: Number(row.children[4].textContent),
  link: row.querySelector("a").href,
  label: row.querySelector("a").textContent,
}]));
"""
FILES = ["style.css", "icon.svg"]
FILES += [f"{name}.js" for name in ("gateway", "replicas", "frame", "stream", "history", "charts", "widgets", "dom")]


class GatewayPage(DashboardCase):
    """Two verifiers that share a worker, behind a gateway."""

    @classmethod
    def setUpClass(cls):
        cls.processes = cls.enterClassContext(Replicas(MODEL, 2, *DRAFTED, workers=[["ngram"]]))
        cls.replicas = cls.processes.replicas
        cls.address = cls.processes.address
        cls.url = f"http://{cls.address}/"
        for replica in cls.replicas:
            cluster.Client(replica.http).await_workers(1)

    def rows(self, driver):
        return self.script(driver, ROWS)

    def busy_row(self, driver):
        """Finds the address of a verifier that answers a request, as the page has it."""
        return lambda: next((address for address, row in self.rows(driver).items() if row["requests"]), None)

    def text(self, driver, selector):
        return self.script(driver, "return document.querySelector(arguments[0]).textContent", selector)

    def events_say(self, driver, words):
        wait_until(lambda: words in self.text(driver, "#events"), f"an event that says: {words}")

    def lose_one(self, driver):
        """Kills a verifier in the middle of a stream, and waits until the page says so."""
        relayed = "paceline_gateway_relayed_tokens_total"
        before = self.processes.metrics()[relayed]
        # Something of the stream has come, so that it goes on elsewhere and is not sent again.
        wait_until(lambda: self.processes.metrics()[relayed] > before, "a token")
        lost = wait_until(self.processes.busy, "a verifier with a request")[0]
        lost.kill()
        self.events_say(driver, f"{lost.http} does not answer")
        return lost

    def bring_back(self, driver, lost):
        lost.close_pipes()
        lost.start()
        lost.wait()
        wait_until(lambda: self.rows(driver)[lost.http]["words"].endswith("ready"), "a verifier that is back")

    def test_figures_move_and_every_verifier_has_its_row(self):
        self.load()
        driver = self.open()
        self.await_live(driver)
        count = "return document.querySelector('.tile .note').textContent"
        before = self.script(driver, count)
        wait_until(lambda: self.script(driver, count) != before, "another number of tokens")
        for chart in ("speed", "first", "running", "ended"):
            self.await_element(driver, f"#{chart} .line")
        rows = self.rows(driver)
        self.assertEqual(set(rows), {replica.http for replica in self.replicas})
        for address, row in rows.items():
            self.assertEqual((row["mark"], row["takes"]), ("●", "yes"))
            self.assertTrue(row["words"].endswith("ready"))
            self.assertEqual(row["link"], f"http://{address}/")
            self.assertIn("open its dashboard", row["label"])
            self.assertIn(address, row["label"])
        names = self.script(driver, "return performance.getEntriesByType('resource').map((entry) => entry.name)")
        self.assertGreater(len(names), 5)
        self.assertEqual([name for name in names if not name.startswith(self.url)], [])
        self.check_console(driver)

    def test_a_verifier_that_dies_and_comes_back_is_told_by_words_and_marks_and_events(self):
        # Long texts, so that one of them is cut and not the pause between two.
        self.load(tokens=1500)
        driver = self.open()
        self.await_live(driver)
        lost = self.lose_one(driver)
        row = self.rows(driver)[lost.http]
        self.assertEqual((row["mark"], row["takes"], row["words"]), ("✕", "no", "✕ does not answer"))
        self.events_say(driver, f"moved away from {lost.http}: ")
        wait_until(lambda: sum(self.processes.failovers().values()), "a stream that went on")
        self.await_element(driver, "#gap .bar")
        self.await_element(driver, "#moves td:nth-child(3)")
        self.assertNotIn("no request", self.text(driver, "#moves"))
        self.bring_back(driver, lost)
        self.events_say(driver, f"{lost.http} is ready")
        self.check_console(driver)

    def test_nothing_is_cut_off_at_any_width_and_every_text_can_be_read(self):
        self.load()
        pictures = os.environ.get("PACELINE_SCREENSHOTS")
        driver = self.open()
        for scheme in SCHEMES:
            for width in WIDTHS:
                with self.subTest(scheme=scheme, width=width):
                    prefer(driver, scheme)
                    resize(driver, width, 1000)
                    driver.refresh()
                    self.await_live(driver)
                    self.await_element(driver, "#speed .line")
                    self.assertEqual(self.script(driver, "return document.documentElement.scrollWidth"), width)
                    self.assertEqual(self.script(driver, CONTRAST), [])
                    if pictures:
                        self.keep(driver, width, pathlib.Path(pictures) / f"gateway-{width}-{scheme}.png")
                        self.assertEqual(self.script(driver, CONTRAST), [])
                    self.check_console(driver)

    def keep(self, driver, width, path):
        """Keeps a picture of the whole page on which a verifier has died."""
        lost = self.lose_one(driver)
        self.await_element(driver, "#gap .bar")
        self.script(driver, "return new Promise((done) => setTimeout(done, 8000))")
        height = self.script(driver, "return document.documentElement.scrollHeight")
        resize(driver, width, height)
        self.script(driver, "return new Promise((done) => setTimeout(done, 1500))")
        path.parent.mkdir(parents=True, exist_ok=True)
        driver.save_screenshot(str(path))
        self.bring_back(driver, lost)

    def test_the_keyboard_leads_to_a_verifiers_own_token_tree(self):
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        def press(*keys):
            ActionChains(driver).send_keys(*keys).perform()

        self.load(tokens=1500)
        driver = self.open()
        self.await_live(driver)
        found = {}
        for _ in range(20):
            press(Keys.TAB)
            place = self.script(driver, FOCUS)
            if place["tag"] == "BODY":
                break
            self.assertTrue(place["seen"], f"the focus cannot be seen: {place}")
            found[place["label"]] = place
        links = [label for label in found if label.startswith("open its dashboard")]
        self.assertEqual(len(links), len(self.replicas), found)
        self.assertIn("Pause", found)
        self.check_console(driver)
        busy = wait_until(self.busy_row(driver), "a verifier with a request")
        for _ in range(20):
            press(Keys.TAB)
            if busy in self.script(driver, FOCUS)["label"]:
                break
        press(Keys.ENTER)
        wait_until(lambda: driver.current_url == f"http://{busy}/", "the verifier's page")
        self.await_live(driver)
        self.await_tree(driver, "correction")
        self.check_console(driver)


class GatewayAccess(DashboardCase):
    """A gateway with keys, none of whose verifiers is there."""

    key = MINE

    @classmethod
    def setUpClass(cls):
        cls.processes = cls.enterClassContext(cluster.Cluster())
        keys = cls.enterClassContext(tempfile.NamedTemporaryFile("w"))
        keys.write(f"{MINE}\n")
        keys.flush()
        cls.nobody = f"127.0.0.1:{free_ports(1)[0]}"
        cls.options = ["gateway", "--verifier", cls.nobody, "--http", "127.0.0.1:0", "--api-key-file", keys.name]
        cls.address = cls.processes.start(*cls.options).announcement("ready")["http"]
        cls.url = f"http://{cls.address}/"

    def test_the_page_needs_no_key_and_what_it_shows_does(self):
        for path in ("/", *(f"/dashboard/{name}" for name in FILES)):
            self.assertEqual(self.get(path)[0], 200, path)
        self.assertEqual(self.get("/dashboard/events")[0], 401)
        self.assertEqual(self.get("/dashboard/events", key="wrong")[0], 401)
        self.assertEqual(self.get("/dashboard/tree.js")[0], 401)
        self.assertEqual(self.get("/dashboard/tree.js", key=MINE)[0], 404)
        self.assertEqual(self.get("/dashboard/events?request=latest", key=MINE)[0], 400)

    def test_the_page_lets_nothing_else_in(self):
        status, headers, body = self.get("/")
        self.assertEqual((status, headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertTrue(headers["content-security-policy"].startswith("default-src 'none';"))
        self.assertNotIn("unsafe", headers["content-security-policy"])
        for piece in (b"<script>", b"style=", b"onclick=", b"http://", b"https://"):
            self.assertNotIn(piece, body)

    def test_the_page_asks_for_a_key_and_says_that_no_verifier_is_there(self):
        from selenium.webdriver.common.by import By
        from selenium.webdriver.common.keys import Keys

        driver = self.open()
        wait_until(lambda: driver.find_element(By.ID, "key").is_displayed(), "the question for a key")
        self.assertFalse(driver.find_element(By.ID, "main").is_displayed())
        driver.find_element(By.ID, "key").send_keys(MINE + Keys.ENTER)
        state = "return document.getElementById('status').dataset.state"
        wait_until(lambda: self.script(driver, state) == "waiting", "the figures of a gateway without verifiers")
        wait_until(lambda: "does not answer" in self.script(driver, ROWS)[self.nobody]["words"], "its verifier's state")
        self.assertNotIn(MINE, driver.current_url)
        self.assertEqual(self.script(driver, CONTRAST), [])
        self.check_console(driver)

    def test_sixteen_may_watch(self):
        with contextlib.ExitStack() as stack:
            for _ in range(16):
                next(stack.enter_context(self.events(key=MINE)))
            status, headers, _ = self.get("/dashboard/events", key=MINE)
            self.assertEqual(status, 503)
            self.assertTrue(headers["retry-after"])

    def test_a_viewer_is_greeted_once_and_gets_figures_again_and_again(self):
        with self.events(key=MINE) as events:
            first, *rest = itertools.islice(events, 3)
        self.assertEqual(first["hello"]["kind"], "gateway")
        self.assertTrue(all("hello" not in event and "figures" in event for event in rest))
        self.assertEqual([replica["address"] for replica in rest[-1]["figures"]["replicas"]], [self.nobody])

    def test_a_gateway_ends_although_somebody_watches(self):
        process = self.processes.start(*self.options, "--grace", "600s")
        type(self).address, kept = process.announcement("ready")["http"], self.address
        try:
            with self.events(key=MINE) as events:
                next(events)
                process.send(signal.SIGTERM)
                self.assertEqual(list(events)[-1], {"state": "ended"})
            self.assertEqual(process.child.wait(timeout=60), 0)
        finally:
            type(self).address = kept


if __name__ == "__main__":
    unittest.main()
