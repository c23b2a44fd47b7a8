"""Every command line of Deploy/kubernetes, started on loopback, probed as the kubelet probes, and ended by SIGTERM.

PACELINE=path/to/paceline PYTHONPATH=/tmp/deploy python3 -m unittest discover --start-directory Tests/Deploy
"""

import contextlib
import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

try:
    import manifests
    import starting
    import test_kubernetes
except ImportError as error:
    raise unittest.SkipTest(f"{error}; install Tests/Deploy/requirements.txt") from None

# By Secret and key, as Deploy/README.md makes them.
SECRETS = {"paceline-link": {"token": starting.TOKEN}, "paceline-api-keys": {"keys": starting.KEY}}


def line_of(workload, objects):
    values = manifests.environment(workload, workload.container, objects, SECRETS)
    return starting.Line(tuple(manifests.arguments(workload.container, values)), tuple(sorted(values.items())))


@functools.cache
def lines():
    """What runs, each command line once: pairs of a verifier's workload and line, and the lines of its workers."""
    found, seen = [], set()
    for variant in manifests.COMPLETE:
        objects = manifests.render(variant)
        running = [(each, line_of(each, objects)) for each in manifests.workloads(objects, variant)]
        workers = [line for each, line in running if each.component == "worker"]
        for workload, line in running:
            if workload.component == "verifier" and (line, *workers) not in seen:
                seen.add((line, *workers))
                found.append((workload, line, workers))
    return found


@unittest.skipUnless(manifests.kubectls(), "no kubectl: run Deploy/kubernetes/tools.sh")
@starting.needs_paceline
class Starting(unittest.TestCase):
    def test_command_lines_are_accepted_as_they_are(self):
        with starting.Files() as files:
            for _, verifier, workers in lines():
                for line in [verifier, *workers]:
                    status, said = starting.check(files.localised(line))
                    self.assertEqual(status, 0, said)
                # The check is one: an address for all without a key is refused.
                bare = starting.Line(tuple(each for each in verifier.arguments if "api-key" not in each))
                self.assertNotEqual(starting.check(files.localised(bare))[0], 0)

    def test_command_lines_start_serve_and_end(self):
        with contextlib.ExitStack() as running:
            endings = []
            for workload, verifier, workers in lines():
                started = running.enter_context(starting.Started(verifier, workers))
                self.serves(started, workload, verifier)
                endings.append((self.drains(started, workload), workload, verifier))
            for ended, workload, verifier in endings:
                status, seconds = ended(workload.spec["terminationGracePeriodSeconds"])
                self.assertEqual(status, 0, workload.name)
                delay = manifests.seconds(verifier.option("drain-delay"))
                self.assertGreaterEqual(seconds, delay - 0.5, workload.name)

    def serves(self, started, workload, verifier):
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = workload.container[probe]["httpGet"]
            self.assertEqual(started.server.status(asked["path"]), 200, asked)
            self.assertEqual(asked.get("scheme", "HTTP"), "HTTPS" if started.server.context else "HTTP")
        name = verifier.option("served-model-name")
        self.assertEqual(started.server.ask(model=name)[0], 200)
        self.assertEqual(started.server.ask(key=None)[0], 401)

    def drains(self, started, workload):
        """SIGTERM: out of the Service at once, and still serving for the delay. Returns what waits for the end."""
        ended = started.drain()
        ready, live = (workload.container[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe"))
        started.server.await_status(ready, 503, 2)
        self.assertEqual(started.server.status(live), 200)
        self.assertEqual(started.server.ask()[0], 200)
        return ended

    def test_copied_certificates_can_be_used(self):
        """Files of a Secret, which a group may read, become files that --tls-key takes."""
        count = 0
        for workload in manifests.workloads(manifests.render("overlays/tls"), "overlays/tls"):
            for container in workload.spec["initContainers"]:
                if container["name"] == "copy-certificates":
                    self.copies(container, line_of(workload, manifests.render("overlays/tls")))
                    count += 1
        self.assertEqual(count, 2)

    def copies(self, container, line):
        with starting.Files() as files:
            there = files.certified(line)
            secret, copy = files.folder / "secret", files.folder / "copy"
            secret.mkdir()
            copy.mkdir()
            for name, option in (("ca.crt", "tls-ca"), ("tls.crt", "tls-certificate"), ("tls.key", "tls-key")):
                shutil.copy(there.option(option), secret / name)
                (secret / name).chmod(0o440)

            def local(text):
                return text.replace("/etc/paceline/tls", str(secret)).replace("/run/paceline", str(copy))

            subprocess.run([local(each) for each in container["command"] + container["args"]], check=True)
            self.assertEqual(
                {file.name: file.stat().st_mode & 0o077 for file in copy.iterdir()},
                dict.fromkeys(("ca.crt", "tls.crt", "tls.key"), 0),
            )
            # Files of the Secret directly, and the copies.
            for folder, accepted in ((secret, False), (copy, True)):
                names = {"tls_ca": "ca.crt", "tls_certificate": "tls.crt", "tls_key": "tls.key"}
                chosen = line.replacing(ssl_cert_file=secret / "tls.crt", ssl_key_file=secret / "tls.key")
                chosen = chosen.replacing(model=starting.MODEL, api_key_file=files.write("keys", starting.KEY))
                chosen = chosen.replacing(**{option: folder / name for option, name in names.items()})
                self.assertEqual(starting.check(chosen)[0] == 0, accepted, folder)

    def test_metrics_that_autoscalers_and_the_endpoint_picker_ask_for_exist(self):
        _, verifier, workers = lines()[0]
        with starting.Started(verifier.replacing(drain_delay="0s"), workers) as started:
            started.server.ask()
            metrics = started.server.request("GET", "/metrics")[1]
        there = {found[1]: found[2] or "" for found in re.finditer(r"^(\w+)(?:\{(.*)\})? ", metrics, re.MULTILINE)}
        objects = manifests.render("overlays/autoscaling")
        (pods,) = manifests.of_kind(objects, "HorizontalPodAutoscaler")
        (scaled,) = manifests.of_kind(objects, "ScaledObject")
        wanted = {each["pods"]["metric"]["name"] for each in pods["spec"]["metrics"]}
        for trigger in scaled["spec"]["triggers"]:
            wanted |= set(re.findall(r"paceline_\w+", trigger["metadata"]["query"]))
        for plugin in test_kubernetes.picker_config()["plugins"]:
            for engine in plugin.get("parameters", {}).get("engineConfigs", []):
                wanted |= {value for key, value in engine.items() if key.endswith("Spec")}
                wanted |= {each["metricSpec"] for each in engine["customMetrics"]}
                for label in (engine["cacheBlockSizeLabelName"], engine["cacheNumBlocksLabelName"]):
                    self.assertIn(f'{label}="', there[engine["cacheInfoSpec"]])
        self.assertGreater(len(wanted), 5)
        self.assertLessEqual(wanted, set(there))


@unittest.skipUnless(manifests.kubectls(), "no kubectl: run Deploy/kubernetes/tools.sh")
class ModelCheck(unittest.TestCase):
    def checks(self):
        """The initContainers and their variables, each once."""
        for variant in manifests.COMPLETE:
            objects = manifests.render(variant)
            for workload in manifests.workloads(objects, variant):
                for container in workload.spec.get("initContainers", []):
                    if container["name"] != "check-model":
                        continue
                    yield workload.name, container, manifests.environment(workload, container, objects, SECRETS)

    def status(self, container, values, contents):
        """The status of the initContainer's own command over a file with these contents; None if it waits for one."""
        with tempfile.TemporaryDirectory() as folder:
            if contents is not None:
                (pathlib.Path(folder) / values["MODEL_FILE"]).write_bytes(contents)
            command = [each.replace("/models/", f"{folder}/") for each in container["command"] + container["args"]]
            process = subprocess.Popen(command, env=os.environ | values, stdout=-1, stderr=-1, start_new_session=True)
            try:
                process.communicate(timeout=1 if contents is None else 60)
                return process.returncode
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGTERM)
                process.communicate(timeout=10)
                return None

    def test_the_right_file_passes_and_a_damaged_one_does_not(self):
        contents = b"GGUF and so on"
        count = 0
        for name, container, values in self.checks():
            values["MODEL_SHA256"] = hashlib.sha256(contents).hexdigest()
            self.assertEqual(self.status(container, values, contents), 0, name)
            self.assertNotEqual(self.status(container, values, contents[:-1]), 0, name)
            count += 1
        self.assertGreater(count, 3)

    def test_a_missing_file_is_waited_for(self):
        _, container, values = next(self.checks())
        self.assertIsNone(self.status(container, values, None))

    def test_the_checksums_are_those_of_the_models(self):
        fetched = " ".join((manifests.ROOT / "Deploy" / "fetch-models.sh").read_text().split())
        for name, _, values in self.checks():
            self.assertIn(f"{values['MODEL_FILE']} \\ {values['MODEL_SHA256']} ", fetched, name)


@unittest.skipUnless(shutil.which("promtool"), "no promtool: Debian's package prometheus has it")
@unittest.skipUnless(manifests.kubectls(), "no kubectl: run Deploy/kubernetes/tools.sh")
class Query(unittest.TestCase):
    def holds(self, expected, workers, resting, running):
        """KEDA reads `expected` of one verifier with these figures; `workers` is None before the first worker came."""
        (scaled,) = manifests.of_kind(manifests.render("overlays/autoscaling"), "ScaledObject")
        (trigger,) = scaled["spec"]["triggers"]
        series = {"num_requests_running": running}
        if workers is not None:
            series |= {"drafter_workers": workers, "drafter_resting_workers": resting}
        inputs = [
            {"series": f'paceline_{name}{{namespace="paceline",pod="a"}}', "values": f"{value}x40"}
            for name, value in series.items()
        ]
        wanted = {"expr": trigger["metadata"]["query"], "eval_time": "5m"}
        wanted["exp_samples"] = [{"labels": "{}", "value": expected}]
        tests = [{"interval": "15s", "input_series": inputs, "promql_expr_test": [wanted]}]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump({"tests": tests}, file)
            file.flush()
            run = subprocess.run(["promtool", "test", "rules", file.name], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_workers_follow_requests_less_those_that_rest(self):
        self.holds(8, workers=4, resting=0, running=8)
        self.holds(4, workers=4, resting=2, running=8)
        self.holds(0, workers=4, resting=4, running=8)
        self.holds(8, workers=None, resting=0, running=8)
        self.holds(8, workers=0, resting=0, running=8)
        self.holds(0, workers=4, resting=0, running=0)


if __name__ == "__main__":
    unittest.main()
