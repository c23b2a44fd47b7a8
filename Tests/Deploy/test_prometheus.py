"""The rules and alerts of Deploy/prometheus: by promtool, by its unit tests, and in a real Prometheus, which scrapes a
verifier, its workers and a gateway.

SCRAPE_SECONDS (60) is how long Prometheus scrapes before the test looks whether every scrape succeeded.
"""

import contextlib
import os
import pathlib
import re
import shutil
import tempfile
import time
import unittest

from host import MODEL, DeployCase, cluster, needs, needs_executable, run
from monitored import FOLDER, Gateway, Prometheus, Verifier, eventually
from promql import selectors

SCRAPE_SECONDS = float(os.environ.get("SCRAPE_SECONDS", 60))
RULE_FILES = ["rules.yaml", "alerts.yaml"]
RULE = re.compile(r"^      - (?:record|alert): (\S+)\n(?:(?:        .*)?\n)*?(?=      - |      #|\n|\Z)", re.MULTILINE)


@needs(promtool="prometheus")
class Rules(DeployCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        shutil.copytree(FOLDER, self.folder, dirs_exist_ok=True)

    def verdict(self):
        """What promtool says to the first unit test that fails, or to the last one."""
        # The quickest first.
        for name in ("rules", "alerts", "acceptance"):
            verdict = run("promtool", "test", "rules", self.folder / "tests" / f"{name}.yaml")
            if verdict.returncode != 0:
                break
        return verdict

    def test_promtool_finds_no_fault(self):
        self.succeed("promtool", "check", "config", "--lint=all", "--lint-fatal", FOLDER / "prometheus.yaml")
        files = [FOLDER / name for name in RULE_FILES]
        self.succeed("promtool", "check", "rules", "--lint=all", "--lint-fatal", *files)

    def test_the_unit_tests_pass(self):
        self.succeed("promtool", "test", "rules", *sorted((FOLDER / "tests").glob("*.yaml")))

    def test_the_unit_tests_notice_every_rule_that_is_missing(self):
        """Also that alerts which nobody tests cannot be added."""
        for name in RULE_FILES:
            file = self.folder / name
            text = file.read_text()
            rules = list(RULE.finditer(text))
            self.assertEqual(len(rules), len(re.findall(r"^ +- (?:record|alert):", text, re.MULTILINE)))
            for rule in rules:
                with self.subTest(rule.group(1)):
                    file.write_text(text[: rule.start()] + text[rule.end() :])
                    verdict = self.verdict()
                    self.assertNotEqual(verdict.returncode, 0)
                    # Failed by a value, and not because nothing could be read.
                    self.assertIn("got:", verdict.stdout)
            file.write_text(text)

    def test_every_alert_says_how_bad_it_is_and_what_to_do(self):
        for rule in RULE.finditer((FOLDER / "alerts.yaml").read_text()):
            with self.subTest(rule.group(1)):
                self.assertRegex(rule.group(), r"severity: (critical|warning|info)}")
                self.assertRegex(rule.group(), r'summary: "?\S')
                self.assertRegex(rule.group(), r"description: \S")


@needs(prometheus="prometheus")
@needs_executable
class RealPrometheus(DeployCase):
    @classmethod
    def setUpClass(cls):
        cls.processes = cls.enterClassContext(contextlib.closing(cluster.Cluster()))
        cls.verifier = Verifier(cls.processes)
        cls.gateway = Gateway(cls.processes, cls.verifier.http)
        cls.prometheus = Prometheus([cls.verifier.http], [cls.gateway.http], shortened=["PacelineNoDrafter"])
        cls.enterClassContext(contextlib.closing(cls.prometheus))
        cls.prometheus.await_scrapes()

    def use_everything(self):
        """Two workers, one of which is always right, requests until the figures of drafts stand in Prometheus, and
        streams through the gateway.
        """
        self.workers = [self.verifier.add_worker(drafter) for drafter in (MODEL, "ngram")]
        self.prometheus.add_workers(self.workers)
        self.verifier.use()
        self.gateway.use()

    def test_a_verifier_its_workers_and_a_gateway_are_scraped_and_rules_evaluate(self):
        prometheus = self.prometheus
        eventually("no drafter is an alert", lambda: "PacelineNoDrafter" in prometheus.firing())
        self.use_everything()
        eventually("the alert clears", lambda: "PacelineNoDrafter" not in prometheus.firing())
        self.assertEqual(prometheus.firing(), set())
        self.check_scrapes()
        self.check_rules()

    def check_scrapes(self):
        time.sleep(SCRAPE_SECONDS)
        targets = self.prometheus.api("targets")["activeTargets"]
        found = {(target["labels"]["job"], target["labels"]["instance"]) for target in targets}
        wanted = {("paceline-worker", address) for address in self.workers}
        wanted |= {("paceline-verifier", self.verifier.http), ("paceline-gateway", self.gateway.http)}
        self.assertEqual(found, wanted)
        self.assertEqual({(target["health"], target["lastError"]) for target in targets}, {("up", "")})
        window = f"[{SCRAPE_SECONDS:.0f}s]"
        up = self.prometheus.values(f"min_over_time(up{window})")
        self.assertEqual([value for _, value in up], [1] * len(targets))
        # Nothing of what was scraped was dropped, such as a sample that came twice.
        log = [line for line in self.prometheus.log().splitlines() if "level=warn" in line or "level=error" in line]
        self.assertEqual(log, [])
        for labels, count in self.prometheus.values(f"count_over_time(up{window})"):
            self.assertGreaterEqual(count, SCRAPE_SECONDS - 2, labels)

    def check_rules(self):
        rules = self.prometheus.rules()
        self.assertGreater(len(rules), 30)
        for rule in rules:
            with self.subTest(rule["name"]):
                self.assertEqual((rule["health"], rule.get("lastError", "")), ("ok", ""))
                if rule["type"] == "recording":
                    self.assertTrue(self.prometheus.values(rule["name"]), "nothing was recorded")
                self.check_selectors(rule["query"])

    def check_selectors(self, expression):
        """Every series that a rule reads is there: each metric, and each value of a label that it asks for."""
        for name, matchers in selectors(expression):
            self.assertTrue(self.prometheus.values(name), f"{name} does not exist")
            for label, operator, value in re.findall(r'(\w+)(=~|=)"([^"]*)"', matchers):
                for choice in value.split("|"):
                    selector = f'{name}{{{label}{operator}"{choice}"}}'
                    self.assertTrue(self.prometheus.values(selector), f"{selector} does not exist")


if __name__ == "__main__":
    unittest.main()
