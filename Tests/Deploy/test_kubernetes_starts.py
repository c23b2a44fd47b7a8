"""Every command line of Deploy/kubernetes, started on loopback, probed as the kubelet probes, and ended by SIGTERM.

PACELINE=path/to/paceline PYTHONPATH=/tmp/deploy python3 -m unittest discover --start-directory Tests/Deploy
"""

import contextlib
import dataclasses
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
import time
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
            self.answers(started.server, workload, probe)
        name = verifier.option("served-model-name")
        self.assertEqual(started.server.ask(model=name)[0], 200)
        self.assertEqual(started.server.ask(key=None)[0], 401)

    def answers(self, server, workload, probe):
        asked = workload.container[probe]["httpGet"]
        self.assertEqual(server.status(asked["path"]), 200, asked)
        self.assertEqual(asked.get("scheme", "HTTP"), "HTTPS" if server.context else "HTTP")

    def test_workers_answer_their_probes(self):
        """Ready once they are connected, alive all the time, and no more ready when their verifiers are gone."""
        for workload, verifier, _ in lines():
            objects = manifests.render(workload.variant)
            workers = [each for each in manifests.workloads(objects, workload.variant) if each.component == "worker"]
            with starting.Started(verifier.replacing(drain_delay="0s", grace="0s"), []) as started:
                self.follows(started, {line_of(each, objects): each for each in workers})

    def follows(self, started, workers):
        ports = {}
        for line, workload in workers.items():
            process = starting.start(started.processes, started.files.localised(line).leading_to(started.link))
            started.started.append(process)
            ports[starting.Server(process.announcement("ready")["http"])] = workload
        for port, workload in ports.items():
            asked = {name: workload.container[f"{name}Probe"]["httpGet"]["path"] for name in ("readiness", "liveness")}
            port.await_status(asked["readiness"], 200, 20)
            for probe in ("livenessProbe", "readinessProbe"):
                self.answers(port, workload, probe)
            self.assertIn("paceline_worker_connected_verifiers", port.request("GET", "/metrics")[1])
        self.assertEqual(started.drain()(30)[0], 0)
        for port, workload in ports.items():
            port.await_status(workload.container["readinessProbe"]["httpGet"]["path"], 503, 20)
            self.assertEqual(port.status(workload.container["livenessProbe"]["httpGet"]["path"]), 200)

    def test_gateways_lead_to_verifiers_and_let_streams_end(self):
        objects = manifests.render("overlays/gateway")
        running = {each.component: (each, line_of(each, objects)) for each in manifests.workloads(objects, "gateway")}
        (workload, line), (_, verifier) = running["gateway"], running["verifier"]
        with starting.Started(verifier.replacing(drain_delay="0s"), []) as started:
            self.assertEqual(starting.check(started.files.localised(line))[0], 0)
            local = started.files.localised(line).before([started.server.address])
            process = starting.start(started.processes, local)
            started.started.append(process)
            gateway = starting.Server(process.announcement("ready")["http"])
            gateway.await_status(workload.container["readinessProbe"]["httpGet"]["path"], 200, 20)
            for probe in ("livenessProbe", "readinessProbe"):
                self.answers(gateway, workload, probe)
            self.assertEqual(gateway.ask(), started.server.ask())
            self.assertEqual(gateway.ask(key=None)[0], 401)
            process.send(signal.SIGTERM)
            gateway.await_status(workload.container["readinessProbe"]["httpGet"]["path"], 503, 2)
            self.answers(gateway, workload, "livenessProbe")
            self.assertEqual(gateway.ask()[0], 200)
            self.assertEqual(process.child.wait(workload.spec["terminationGracePeriodSeconds"]), 0)

    def drains(self, started, workload):
        """SIGTERM: out of the Service at once, and still serving for the delay. Returns what waits for the end."""
        ended = started.drain()
        ready, live = (workload.container[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe"))
        started.server.await_status(ready, 503, 2)
        self.assertEqual(started.server.status(live), 200)
        self.assertEqual(started.server.ask()[0], 200)
        return ended

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "needs root, to be somebody else")
    def test_certificates_of_a_secret_are_used_as_they_are_mounted(self):
        """Root's files, readable by the Pod's group alone, for a process that is not root's."""
        objects = manifests.render("overlays/tls")
        for workload in manifests.workloads(objects, "overlays/tls"):
            line, context = line_of(workload, objects), workload.spec["securityContext"]
            (volume,) = [each for each in workload.spec["volumes"] if each["name"] == "tls"]
            self.assertEqual(volume["secret"]["defaultMode"], 0o440)
            with starting.Files() as files:
                there = files.certified(line)
                secret = files.folder / "secret"
                secret.mkdir(mode=0o755)
                for name, option in (("ca.crt", "tls-ca"), ("tls.crt", "tls-certificate"), ("tls.key", "tls-key")):
                    shutil.copy(there.option(option), secret / name)
                    os.chown(secret / name, 0, context["fsGroup"])
                    (secret / name).chmod(0o440)
                self.assertEqual(self.checked_as(context, line, files, secret)[0], 0, workload.name)
                # A key that everybody can read, and one that the process itself could close.
                (secret / "tls.key").chmod(0o444)
                self.assertIn("mode is 444", self.checked_as(context, line, files, secret)[1])
                (secret / "tls.key").chmod(0o440)
                os.chown(secret / "tls.key", context["runAsUser"], context["fsGroup"])
                self.assertIn("mode is 440", self.checked_as(context, line, files, secret)[1])

    def checked_as(self, context, line, files, secret):
        """What --check says to the user of the Pod, who sees the executable and the model by bind mounts."""
        files.folder.chmod(0o755)
        keys = files.write("keys", starting.KEY)
        os.chown(keys, context["runAsUser"], context["fsGroup"])
        executable, model = files.write("paceline", ""), files.write("model.gguf", "")
        local = dataclasses.replace(
            line, arguments=tuple(each.replace("/etc/paceline/tls", str(secret)) for each in line.arguments)
        )
        local = local.replacing(model=model, api_key_file=keys)
        person = [
            f"--reuid={context['runAsUser']}",
            f"--regid={context['runAsGroup']}",
            f"--groups={context['fsGroup']}",
        ]
        mounts = f"mount --bind {starting.paceline()} {executable}; mount --bind {starting.MODEL.resolve()} {model}"
        command = ["unshare", "--mount", "sh", "-ec", f'{mounts}; exec "$@"', "sh", "setpriv", *person, executable]
        run = subprocess.run(
            [*map(str, command), *local.arguments, "--check"],
            env=os.environ | local.variables(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        return run.returncode, run.stdout + run.stderr

    def test_metrics_that_autoscalers_and_the_endpoint_picker_ask_for_exist(self):
        _, verifier, workers = lines()[0]
        with starting.Started(verifier.replacing(drain_delay="0s"), workers) as started:
            metrics = self.metrics_of_drafting(started.server)
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

    def metrics_of_drafting(self, server):
        """Once its drafters have drafted long enough to be judged."""
        deadline = time.monotonic() + 60
        while True:
            server.ask()
            metrics = server.request("GET", "/metrics")[1]
            if "paceline_drafter_marginal_gain_tokens_per_second{" in metrics or time.monotonic() > deadline:
                return metrics


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
    def holds(self, expected, workers, gain):
        """KEDA reads `expected` of two verifiers with these figures; None stands for a figure that is not there."""
        (scaled,) = manifests.of_kind(manifests.render("overlays/autoscaling"), "ScaledObject")
        (trigger,) = scaled["spec"]["triggers"]
        self.assertEqual(trigger["metadata"]["threshold"], "1")
        series = {"drafter_workers": workers, "drafter_marginal_gain_tokens_per_second": gain}
        inputs = [
            {"series": f'paceline_{name}{{namespace="paceline",drafter="ngram",pod="{pod}"}}', "values": f"{value}x40"}
            for name, value in series.items()
            for pod in ("a", "b")
            if value is not None
        ]
        wanted = {"expr": trigger["metadata"]["query"], "eval_time": "5m"}
        wanted["exp_samples"] = [{"labels": "{}", "value": expected}]
        tests = [{"interval": "15s", "input_series": inputs, "promql_expr_test": [wanted]}]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            json.dump({"tests": tests}, file)
            file.flush()
            run = subprocess.run(["promtool", "test", "rules", file.name], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_workers_follow_what_one_more_would_bring(self):
        # Each verifier gains so much: together twice.
        self.holds(4, workers=3, gain=2.5)
        self.holds(3, workers=3, gain=1)
        self.holds(2, workers=3, gain=0.2)
        # By a quarter, where Kubernetes would take no notice of one.
        self.holds(25, workers=20, gain=9)
        self.holds(15, workers=20, gain=0)

    def test_without_figures_the_number_stays(self):
        self.holds(3, workers=3, gain=None)
        self.holds(1, workers=None, gain=None)


if __name__ == "__main__":
    unittest.main()
