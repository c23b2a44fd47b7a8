"""Who may see what: keys, tenants, headers, and how many may watch."""

import contextlib
import itertools
import signal
import tempfile
import unittest

from dashboard import DRAFTED, MODEL, DashboardCase, Load, cluster, wait_until

MINE, YOURS = "key-of-the-first", "key-of-the-second"
FILES = ["style.css", "icon.svg"]
SCRIPTS = ("main", "frame", "stream", "history", "charts", "widgets", "panels", "tree", "rounds", "dom")
FILES += [f"{name}.js" for name in SCRIPTS]


class Keys(DashboardCase):
    key = MINE

    @classmethod
    def setUpClass(cls):
        keys = cls.enterClassContext(tempfile.NamedTemporaryFile("w"))
        keys.write(f"{MINE}\n{YOURS}\n")
        keys.flush()
        cls.options = ["--api-key-file", keys.name]
        super().setUpClass()

    def test_the_page_needs_no_key_and_what_it_shows_does(self):
        for path in ("/", *(f"/dashboard/{name}" for name in FILES)):
            self.assertEqual(self.get(path)[0], 200, path)
        self.assertEqual(self.get("/dashboard/events")[0], 401)
        self.assertEqual(self.get("/dashboard/events", key="wrong")[0], 401)
        self.assertEqual(self.get("/v1/requests")[0], 401)

    def test_the_page_asks_for_a_key_and_keeps_it_for_the_session(self):
        from selenium.webdriver.common.by import By
        from selenium.webdriver.common.keys import Keys as Key

        self.load()
        driver = self.open()
        wait_until(lambda: driver.find_element(By.ID, "key").is_displayed(), "the question for a key")
        self.assertFalse(driver.find_element(By.ID, "main").is_displayed())
        self.check_console(driver)
        driver.find_element(By.ID, "key").send_keys("wrong" + Key.ENTER)
        fault = driver.find_element(By.ID, "key-fault")
        wait_until(lambda: "not one of" in fault.text, "a word about the wrong key")
        # Chromium itself notes the refusal.
        self.assertTrue(all("401" in entry["message"] for entry in driver.get_log("browser")))
        driver.find_element(By.ID, "key").send_keys(MINE + Key.ENTER)
        self.await_live(driver)
        self.await_tree(driver, "correction")
        driver.refresh()
        self.await_live(driver)
        self.assertEqual(self.script(driver, "return [localStorage.length, document.cookie]"), [0, ""])
        self.assertNotIn(MINE, driver.current_url)
        self.check_console(driver)

    def test_a_key_shows_the_requests_of_its_tenant_alone(self):
        self.load()
        with self.events("/dashboard/events?request=latest", key=MINE) as events:
            mine = next(event["figures"]["running"] for event in events if event.get("figures", {}).get("running"))
            rounds = next(event["rounds"] for event in events if event.get("rounds", {}).get("list"))
        self.assertEqual(mine[0]["id"], "req-of-the-test")
        self.assertEqual(rounds["request"], mine[0]["request"])
        with self.events(f"/dashboard/events?request={mine[0]['request']}", key=YOURS) as events:
            seen = list(itertools.islice(events, 12))
        figures = [event["figures"] for event in seen if "figures" in event]
        self.assertTrue(figures)
        self.assertTrue(all(figure["running"] == [] and "watched" not in figure for figure in figures))
        self.assertTrue(any(figure["requests"]["running"] > 0 for figure in figures))
        shown = [event["rounds"] for event in seen if "rounds" in event]
        self.assertTrue(all(rounds["list"] == [] and "tree" not in rounds for rounds in shown))
        self.assertEqual(self.get("/v1/requests/req-of-the-test/trace", key=MINE)[0], 200)
        self.assertEqual(self.get("/v1/requests/req-of-the-test/trace", key=YOURS)[0], 404)
        self.assertNotIn(b"req-of-the-test", self.get("/v1/requests", key=YOURS)[2])


class Access(DashboardCase):
    drafters = []

    def test_the_page_lets_nothing_else_in(self):
        status, headers, body = self.get("/")
        self.assertEqual((status, headers["content-type"]), (200, "text/html; charset=utf-8"))
        policy = headers["content-security-policy"]
        self.assertTrue(policy.startswith("default-src 'none';"), policy)
        self.assertNotIn("unsafe", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        for piece in (b"<script>", b"style=", b"onclick=", b"http://", b"https://"):
            self.assertNotIn(piece, body)
        for name in FILES:
            self.assertEqual(self.get(f"/dashboard/{name}")[1]["x-content-type-options"], "nosniff")
        self.assertEqual(self.get("/dashboard/nothing.js")[0], 404)

    def test_sixteen_may_watch_and_one_more_when_one_of_them_leaves(self):
        with contextlib.ExitStack() as stack:
            for _ in range(15):
                next(stack.enter_context(self.events()))
            with self.events() as events:
                next(events)
                status, headers, _ = self.get("/dashboard/events")
                self.assertEqual(status, 503)
                self.assertTrue(headers["retry-after"])

            def join():
                try:
                    next(stack.enter_context(self.events()))
                except AssertionError:
                    return False
                return True

            wait_until(join, "a place for one more")

    def test_a_name_that_is_none_is_refused(self):
        self.assertEqual(self.get("/dashboard/events?request=first")[0], 400)
        self.assertEqual(self.get("/v1/requests/nobody/trace")[0], 404)

    def test_a_verifier_ends_although_somebody_watches(self):
        with cluster.Cluster() as processes:
            process, _, address = processes.verifier(MODEL, *DRAFTED, "--grace", "600s")
            load = Load(address, tokens=8)
            type(self).address, kept = address, self.address
            try:
                with self.events("/dashboard/events?request=latest") as events:
                    next(event for event in events if "figures" in event)
                    load.is_over.set()
                    process.send(signal.SIGTERM)
                    self.assertEqual(list(events)[-1], {"state": "ended"})
                self.assertEqual(process.child.wait(timeout=60), 0)
            finally:
                type(self).address = kept


if __name__ == "__main__":
    unittest.main()
