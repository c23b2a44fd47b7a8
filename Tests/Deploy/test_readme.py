"""Deploy/README.md: what it says to type works. Two machines are two network namespaces. There is no cluster, so that
Kubernetes' commands are compared with the manifests.

    sudo PACELINE=path/to/paceline PYTHONPATH=/tmp/deploy python3 -m unittest discover --start-directory Tests/Deploy
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

try:
    import manifests
    import starting
except ImportError as error:
    raise unittest.SkipTest(f"{error}; install Tests/Deploy/requirements.txt") from None

import namespaces

TEXT = (starting.ROOT / "Deploy" / "README.md").read_text()


def blocks(title):
    """The commands below a title, one text for each block."""
    section = TEXT.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


class Hosts:
    """verifier.example and worker.example: folders, addresses, and shells that know both names."""

    def __init__(self, folder):
        self.network = namespaces.Network("verifier", "worker")
        self.folders = {name: pathlib.Path(folder) / name for name in ("verifier", "worker")}
        names = "".join(
            f"{self.network.address(here, there)} {here}.example\n"
            for here, there in (("verifier", "worker"), ("worker", "verifier"))
        )
        self.names = pathlib.Path(folder) / "hosts"
        self.names.write_text(f"127.0.0.1 localhost\n{names}")
        commands = pathlib.Path(folder) / "bin"
        commands.mkdir()
        (commands / "paceline").symlink_to(pathlib.Path(shutil.which(starting.PACELINE)).absolute())
        # The only thing that is not done as the text says: there is no second machine to log in to.
        (commands / "scp").write_text(
            f'#!/bin/sh\nfor last; do :; done\n[ "$last" = worker.example: ] || exit 1\n'
            f'while [ $# -gt 1 ]; do cp -- "$1" {shlex.quote(str(self.folders["worker"]))} || exit 1; shift; done\n'
        )
        (commands / "scp").chmod(0o755)
        self.path = f"{commands}:{os.environ['PATH']}"
        for each in self.folders.values():
            each.mkdir()
        (self.folders["verifier"] / "Deploy").symlink_to(starting.ROOT / "Deploy")

    def start(self, host, text):
        """Runs the text in a shell on the host; returns the process, which leads a group of its own."""
        script = f"mount --bind {self.names} /etc/hosts\nset -euo pipefail\n{text}"
        inside = ["ip", "netns", "exec", self.network.names[host], "unshare", "--mount", "bash", "-c", script]
        return subprocess.Popen(
            inside,
            cwd=self.folders[host],
            env=os.environ | {"PATH": self.path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, host, text):
        process = self.start(host, text)
        said = process.communicate(timeout=60)[0]
        return process.returncode, said


def end(process):
    """Ends a shell and what it started, and returns what they said."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        return process.communicate(timeout=20)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0]


class TwoMachines(unittest.TestCase):
    @unittest.skipIf(namespaces.missing(), namespaces.missing())
    @starting.needs_paceline
    def test_the_text_leads_to_a_worker_that_drafts_over_tls(self):
        verifier, worker, question = blocks("Two machines")
        with tempfile.TemporaryDirectory() as folder:
            hosts = Hosts(folder)
            self.addCleanup(hosts.network.remove)
            running = [hosts.start("verifier", verifier)]
            try:
                # A newcomer starts the worker when the verifier is up.
                self.await_answer(hosts, running[0], question, '"data"')
                running.append(hosts.start("worker", worker))
                found = self.await_answer(hosts, running[1], question, "ngram")
                self.assertEqual([each["drafter"] for each in json.loads(found)["data"]], ["ngram"])
                self.refuses(hosts, question, worker)
            finally:
                said = [end(process) for process in reversed(running)]
            self.assertNotRegex("".join(said), r"(?m)^error|Error:")

    def await_answer(self, hosts, process, question, wanted):
        """Asks as the text says until the answer has what is wanted."""
        deadline = time.monotonic() + 60
        while True:
            _, found = hosts.run("worker", question.replace("curl", "curl --silent --show-error"))
            if wanted in found:
                return found
            if process.poll() is not None or time.monotonic() > deadline:
                self.fail(f"{found}\n{end(process)}")
            time.sleep(0.2)

    def refuses(self, hosts, question, worker):
        """Without the key, the certificate or the secret there is nothing to be had."""
        status, found = hosts.run("worker", re.sub(r'-H "[^"]*"', "--silent", question))
        self.assertIn("invalid_api_key", found)
        status, _ = hosts.run("worker", question.replace("--cacert ca.pem", "--silent"))
        self.assertNotEqual(status, 0)
        hosts.run("worker", "head -c 64 /dev/zero | tr '\\0' x >wrong && chmod 600 wrong")
        stranger = hosts.start("worker", worker.replace("--token-file token", "--token-file wrong"))
        time.sleep(2)
        _, found = hosts.run("worker", question.replace("curl", "curl --silent"))
        end(stranger)
        self.assertEqual(len(json.loads(found)["data"]), 1)

    def test_it_is_ten_lines(self):
        lines = [line for block in blocks("Two machines") for line in block.splitlines()]
        self.assertLessEqual(len(lines), 10)


@unittest.skipUnless(manifests.kubectls(), "no kubectl: run Deploy/kubernetes/tools.sh")
class Kubernetes(unittest.TestCase):
    def setUp(self):
        (block,) = blocks("Kubernetes")
        self.commands = [shlex.split(line) for line in block.splitlines()]
        self.folder = pathlib.Path(self.commands[0][-1])
        self.objects = manifests.render(self.folder.relative_to("Deploy/kubernetes"))

    def test_it_is_five_commands_of_kubectl(self):
        self.assertEqual([command[0] for command in self.commands], ["kubectl"] * 5)
        self.assertEqual(self.commands[0][:3], ["kubectl", "apply", "-k"])
        for command in self.commands[1:]:
            self.assertEqual(command[1:3], ["-n", "paceline"])

    def test_secrets_are_those_that_pods_ask_for(self):
        made = set()
        for command in self.commands:
            if "secret" in command:
                name, literal = command[command.index("generic") + 1 :]
                made.add((name, re.match(r"--from-literal=([\w-]+)=", literal)[1]))
        wanted = set()
        for workload in manifests.workloads(self.objects, "try"):
            for variable in workload.container.get("env", []):
                if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                    wanted.add((reference["name"], reference["key"]))
            for volume in workload.spec["volumes"]:
                if "secret" in volume:
                    (mount,) = [each for each in workload.container["volumeMounts"] if each["name"] == volume["name"]]
                    file = manifests.option(workload.container["args"], "api-key-file")
                    key = pathlib.PurePath(file).relative_to(mount["mountPath"])
                    wanted.add((volume["secret"]["secretName"], str(key)))
        self.assertEqual(made, wanted)

    def test_the_model_goes_where_verifiers_look(self):
        (copy,) = [command for command in self.commands if "cp" in command]
        pod, path = copy[-1].split(":")
        (holder,) = [each for each in manifests.of_kind(self.objects, "Pod") if each["metadata"]["name"] == pod]
        (mount,) = holder["spec"]["containers"][0]["volumeMounts"]
        self.assertEqual(f"{mount['mountPath']}/", path)
        (chosen,) = manifests.of_kind(self.objects, "ConfigMap")
        self.assertEqual(pathlib.PurePath(copy[-2]).name, chosen["data"]["file"])
        claims = {
            volume["persistentVolumeClaim"]["claimName"]
            for each in manifests.workloads(self.objects, "try")
            for volume in each.spec["volumes"]
            if "persistentVolumeClaim" in volume
        }
        self.assertEqual(len(claims), 1)

    def test_the_forwarded_service_is_there(self):
        (forward,) = [command for command in self.commands if "port-forward" in command]
        name, port = forward[-2].removeprefix("service/"), int(forward[-1])
        (service,) = [each for each in manifests.of_kind(self.objects, "Service") if each["metadata"]["name"] == name]
        self.assertIn(port, [each["port"] for each in service["spec"]["ports"]])


class SeveralVerifiers(unittest.TestCase):
    """What stands before them is started by Tests/Deploy/Routers, and gateways by tests of their own."""

    @starting.needs_paceline
    def test_the_gateways_command_is_accepted(self):
        (line,) = [line for block in blocks("Several verifiers") for line in block.splitlines() if "gateway" in line]
        with starting.Files() as files:
            files.write("api-key", starting.KEY)
            command = shlex.split(line)
            run = subprocess.run(
                [starting.paceline(), *command[1:], "--check"], cwd=files.folder, capture_output=True, text=True
            )
            self.assertEqual((command[0], run.returncode), ("paceline", 0), run.stderr)


class Systemd(unittest.TestCase):
    def test_it_is_four_commands_and_starts_units_that_are_there(self):
        (block,) = blocks("systemd")
        lines = block.splitlines()
        self.assertEqual(len(lines), 4)
        units = lines[-1].split("--now ")[1].split()
        for unit in units:
            self.assertTrue((starting.ROOT / "Deploy" / "systemd" / f"{unit}.service").exists(), unit)


class Links(unittest.TestCase):
    def test_every_file_that_is_named_is_there(self):
        for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
            self.assertTrue((starting.ROOT / "Deploy" / target).exists(), target)


if __name__ == "__main__":
    unittest.main()
