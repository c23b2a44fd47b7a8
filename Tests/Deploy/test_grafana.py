"""The dashboard of Deploy/grafana: its fields by Grafana's own types, its queries by promtool and a real Prometheus.

Grafana itself is not run. Its types, from requirements-grafana.txt, tell which fields a dashboard may have.
"""

import contextlib
import copy
import json
import pathlib
import re
import sys
import tempfile
import unittest

from host import DEPLOY, MODEL, DeployCase, cluster, needs, needs_executable, run
from monitored import Gateway, Prometheus, Verifier, eventually, get
from promql import exported_names, metric_names

try:
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard
except ImportError:
    Dashboard = None

DASHBOARD = json.loads((DEPLOY / "grafana" / "paceline.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel, target) for panel in PANELS for target in panel["targets"]]


def expression(target):
    """A query as Prometheus gets it, with everything chosen."""
    # Prometheus must have seen two samples in this time.
    return re.sub(r"\$(job|instance)", ".*", target["expr"].replace("$__rate_interval", "30s"))


def lost(before, after, path=""):
    """What Grafana's types do not take over, because they do not know it."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            yield from lost(value, after[key], f"{path}/{key}") if key in after else [f"{path}/{key}"]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after)):
            yield from lost(one, other, f"{path}/{index}")
    elif before != after:
        yield f"{path}: {before} became {after}"


class DashboardFile(DeployCase):
    def test_the_file_is_what_its_program_writes(self):
        self.succeed(sys.executable, DEPLOY / "grafana" / "dashboard.py", "--check")

    @unittest.skipUnless(Dashboard, "needs the package of Tests/Deploy/requirements-grafana.txt")
    def test_grafana_knows_every_field(self):
        register_default_plugins()

        def unknown(dashboard):
            return list(lost(dashboard, json.loads(JSONEncoder().encode(Dashboard.from_json(dashboard)))))

        self.assertEqual(unknown(DASHBOARD), [])
        wrong = copy.deepcopy(DASHBOARD)
        wrong["panels"][1]["targets"][0]["expression"] = "up"
        wrong["panels"][1]["options"]["orientated"] = True
        self.assertEqual(len(unknown(wrong)), 2)

    def test_panels_lie_side_by_side(self):
        taken = {}
        for panel in DASHBOARD["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24)
            for x in range(place["x"], place["x"] + place["w"]):
                for y in range(place["y"], place["y"] + place["h"]):
                    self.assertNotIn((x, y), taken, f"{panel['title']} covers {taken.get((x, y))}")
                    taken[x, y] = panel["title"]

    def test_every_panel_says_what_it_shows(self):
        for panel in PANELS:
            self.assertRegex(panel["description"], r"^[A-Z].*\.$", panel["title"])

    @needs(promtool="prometheus")
    def test_promtool_can_read_every_query(self):
        rules = [{"record": f"query:{index}", "expr": expression(target)} for index, (_, target) in enumerate(TARGETS)]
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "queries.yaml"
            # JSON is YAML.
            file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
            self.assertIn(f"{len(TARGETS)} rules found", self.succeed("promtool", "check", "rules", file))
            rules[0]["expr"] += ")"
            file.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
            self.assertNotEqual(run("promtool", "check", "rules", file).returncode, 0)


@needs(prometheus="prometheus")
@needs_executable
class Queries(DeployCase):
    def test_every_query_shows_something_of_processes_that_were_used(self):
        processes = self.enterContext(contextlib.closing(cluster.Cluster()))
        verifier = Verifier(processes)
        workers = [verifier.add_worker(drafter) for drafter in (MODEL, "ngram")]
        gateway = Gateway(processes, verifier.http)
        prometheus = self.enterContext(contextlib.closing(Prometheus([verifier.http], [gateway.http])))
        prometheus.await_scrapes()
        prometheus.add_workers(workers)
        verifier.use()
        gateway.use()
        # What comes last.
        changes = "rate(paceline_gateway_failover_gap_seconds_count[30s])"
        eventually("tokens are counted", lambda: any(v > 0 for _, v in prometheus.values(expression(TARGETS[0][1]))))
        eventually("a change of verifier is counted", lambda: any(v > 0 for _, v in prometheus.values(changes)))
        watched = (verifier.http, gateway.http, *workers)
        exported = set().union(*(exported_names(get(f"http://{each}/metrics")) for each in watched))
        for panel, target in TARGETS:
            with self.subTest(panel["title"], query=target["expr"]):
                self.assertLessEqual(metric_names(expression(target)), exported)
                results = prometheus.values(expression(target))
                self.assertTrue(results)
                for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                    self.assertTrue(all(label in labels for labels, _ in results), f"no label {label}")
                self.check_range(panel, results)

    def check_range(self, panel, results):
        """An axis from 0 to 1 must hold the values."""
        defaults = panel["fieldConfig"]["defaults"]
        for _, value in results:
            self.assertGreaterEqual(value, defaults.get("min", 0))
            self.assertLessEqual(value, defaults.get("max", float("inf")))


if __name__ == "__main__":
    unittest.main()
