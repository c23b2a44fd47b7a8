"""Deploy/compose.yaml: docker compose accepts it, and its command lines run, with both verifiers and a shared worker.

    PACELINE=path/to/paceline PYTHONPATH=/tmp/deploy python3 -m unittest discover --start-directory Tests/Deploy

`config` needs no engine. The images of Prometheus and Grafana are not run here.
"""

import contextlib
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import host
import starting

FILE = host.ROOT / "Deploy" / "compose.yaml"
COMPOSE = host.executable("docker-compose")
SECRETS = {"PACELINE_TOKEN": starting.TOKEN, "PACELINE_API_KEY": starting.KEY}
VERIFIERS = ("verifier-1", "verifier-2")
# What ends streams in order.
SERVERS = (*VERIFIERS, "gateway")


def config(variables):
    # Nothing of the caller's may get in.
    plain = {key: value for key, value in os.environ.items() if not key.startswith("PACELINE_")}
    command = [COMPOSE, "--env-file", "/dev/null", "-f", FILE, "config", "--format", "json"]
    return subprocess.run(command, env=plain | variables, capture_output=True, text=True)


@functools.cache
def composed():
    run = config(SECRETS)
    if run.returncode != 0:
        raise AssertionError(run.stderr)
    return json.loads(run.stdout)


def seconds(duration):
    """Of a duration as Compose prints it: 1m15s."""
    found = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", duration)
    return 60 * int(found[1] or 0) + int(found[2] or 0)


def line_of(service):
    return starting.Line(tuple(service["command"]), tuple(sorted(service["environment"].items())))


@unittest.skipUnless(COMPOSE, "no docker-compose: install Tests/Deploy/requirements.txt")
class Text(unittest.TestCase):
    def setUp(self):
        self.services = composed()["services"]
        self.ours = {name: each for name, each in self.services.items() if each["image"].startswith("paceline")}

    def test_has_a_gateway_two_verifiers_three_workers_prometheus_and_grafana(self):
        self.assertEqual(set(self.services), {*SERVERS, "worker", "prometheus", "grafana"})
        self.assertEqual(self.services["worker"]["scale"], 3)

    def test_secrets_are_required(self):
        for name in SECRETS:
            run = config({key: value for key, value in SECRETS.items() if key != name})
            self.assertNotEqual(run.returncode, 0)
            self.assertIn(name, run.stderr)

    def test_containers_are_hardened_and_listen_on_loopback(self):
        for name, service in self.services.items():
            self.assertEqual(service["cap_drop"], ["ALL"], name)
            self.assertEqual(service["security_opt"], ["no-new-privileges:true"], name)
            for port in service.get("ports", []):
                self.assertEqual(port["host_ip"], "127.0.0.1", name)
        for name, service in self.ours.items():
            self.assertTrue(service["read_only"], name)
            (models,) = service["volumes"]
            self.assertEqual((models["target"], models["read_only"]), ("/models", True))

    def test_containers_end_in_time(self):
        for name in SERVERS:
            line = line_of(self.services[name])
            wanted = sum(seconds(line.option(option)) for option in ("drain-delay", "grace"))
            self.assertGreater(seconds(self.services[name]["stop_grace_period"]), wanted + 5)

    def test_images_are_built_from_the_stage_of_their_name(self):
        for name, service in self.ours.items():
            build = service["build"]
            self.assertEqual(build["target"], service["image"].split(":")[0], name)
            self.assertTrue((pathlib.Path(build["context"]) / build["dockerfile"]).samefile(FILE.parent / "Dockerfile"))

    def test_what_is_mounted_is_there(self):
        for name in ("prometheus", "grafana"):
            for volume in self.services[name]["volumes"]:
                if volume["type"] == "bind":
                    self.assertTrue(pathlib.Path(volume["source"]).exists(), volume["source"])

    def test_addresses_are_those_of_services(self):
        for peer in line_of(self.services["worker"]).option("connect").split(","):
            host, port = peer.split(":")
            self.assertEqual(line_of(self.services[host]).option("listen"), f"0.0.0.0:{port}")
        scraped = re.findall(r'"([\w-]+):(\d+)"', composed()["configs"]["prometheus"]["content"])
        self.assertEqual({host for host, _ in scraped}, set(SERVERS))
        behind = [
            each.split("=")[1].split(":") for each in self.services["gateway"]["command"] if "--verifier=" in each
        ]
        self.assertEqual({host for host, _ in behind}, set(VERIFIERS))
        # However many workers there are, their name has all their addresses.
        found = re.findall(
            r"names: \[([\w-]+)\]\s+type: A\s+port: (\d+)", composed()["configs"]["prometheus"]["content"]
        )
        self.assertEqual([host for host, _ in found], ["worker"])
        for host, port in scraped + found + behind:
            self.assertEqual(line_of(self.services[host]).option("http"), f"0.0.0.0:{port}")

    @unittest.skipUnless(shutil.which("promtool"), "no promtool: install Debian's package prometheus")
    def test_prometheus_accepts_its_configuration(self):
        (mounted,) = self.services["prometheus"]["configs"]
        text = composed()["configs"][mounted["source"]]["content"]
        with tempfile.TemporaryDirectory() as folder:
            for volume in self.services["prometheus"]["volumes"]:
                if volume["type"] == "bind":
                    shutil.copy(volume["source"], folder)
            file = pathlib.Path(folder) / "prometheus.yml"
            file.write_text(text)
            run = subprocess.run(["promtool", "check", "config", file], capture_output=True, text=True)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
            file.write_text(text.replace("targets", "target"))
            self.assertNotEqual(
                subprocess.run(["promtool", "check", "config", file], capture_output=True).returncode, 0
            )


@unittest.skipUnless(COMPOSE, "no docker-compose: install Tests/Deploy/requirements.txt")
@starting.needs_paceline
class Starting(unittest.TestCase):
    def test_command_lines_are_accepted_as_they_are(self):
        with starting.Files() as files:
            for name in (*SERVERS, "worker"):
                status, said = starting.check(files.localised(line_of(composed()["services"][name])))
                self.assertEqual(status, 0, f"{name}: {said}")

    def test_workers_draft_for_both_verifiers_and_the_gateway_leads_to_them(self):
        services = composed()["services"]
        with contextlib.ExitStack() as running:
            verifiers = [running.enter_context(starting.Started(line_of(services[name]), [])) for name in VERIFIERS]
            links = ",".join(each.link for each in verifiers)
            worker = line_of(services["worker"]).replacing(connect=links, http="127.0.0.1:0")
            for _ in range(services["worker"]["scale"]):
                process = starting.start(verifiers[0].processes, worker)
                verifiers[0].started.append(process)
                ports = starting.Server(process.announcement("ready")["http"])
                ports.await_status("/health", 200, 20)
                self.assertEqual(ports.status("/livez"), 200)
            for each in verifiers:
                each.server.await_workers(services["worker"]["scale"])
                self.assertEqual(each.server.ask()[0], 200)
                self.assertEqual(each.server.ask(key=None)[0], 401)
            texts = {each.server.ask()[1] for each in verifiers}
            self.assertEqual(len(texts), 1)
            self.leads(services["gateway"], verifiers, texts)
            endings = [each.drain() for each in verifiers]
            for name, ended in zip(VERIFIERS, endings):
                limit = seconds(services[name]["stop_grace_period"])
                self.assertEqual(ended(limit)[0], 0)

    def leads(self, service, verifiers, texts):
        line = line_of(service).before([each.server.address for each in verifiers])
        process = starting.start(verifiers[0].processes, line)
        verifiers[0].started.append(process)
        gateway = starting.Server(process.announcement("ready")["http"])
        gateway.await_status("/ready", 200, 20)
        self.assertEqual({gateway.ask()[1] for _ in range(4)}, texts)
        self.assertEqual(gateway.ask(key=None)[0], 401)
        self.assertIn("paceline_gateway_active_replicas 2", gateway.request("GET", "/metrics")[1])


if __name__ == "__main__":
    unittest.main()
