"""Deploy/Dockerfile: hadolint reads it, and its stages after the build are replayed and run without an engine.

    PACELINE=path/to/paceline PYTHONPATH=/tmp/deploy python3 -m unittest discover --start-directory Tests/Deploy

Needs root, and debootstrap (Deploy/kubernetes/tools.sh). images.py says how the replay differs from an engine. Not run:
the build stage, which needs Swift's image.
"""

import os
import re
import subprocess
import tempfile
import unittest
import unittest.mock

import host
import images
import starting
from starting import cluster

HADOLINT = host.executable("hadolint")


class Text(unittest.TestCase):
    def setUp(self):
        self.stages = images.stages(images.DOCKERFILE.read_text())

    @unittest.skipUnless(HADOLINT, "no hadolint: install Tests/Deploy/requirements.txt")
    def test_hadolint_finds_nothing(self):
        found = subprocess.run([HADOLINT, "--no-color", images.DOCKERFILE], capture_output=True, text=True)
        self.assertEqual((found.returncode, found.stdout), (0, ""))
        bad = "FROM debian:latest\nRUN cd /tmp && apt-get install curl\n"
        self.assertNotEqual(subprocess.run([HADOLINT, "-"], input=bad, capture_output=True, text=True).returncode, 0)

    def test_images_of_the_manifests_are_stages_and_the_last_is_the_default(self):
        manifests = [*images.ROOT.glob("Deploy/kubernetes/**/*.yaml"), images.ROOT / "Deploy" / "compose.yaml"]
        named = {
            image.split(":")[0]
            for file in manifests
            for image in re.findall(r"^\s*image: (paceline\S*)$", file.read_text(), re.MULTILINE)
        }
        self.assertEqual(named, {"paceline", "paceline-worker"})
        self.assertLessEqual(named, set(self.stages))
        self.assertEqual(list(self.stages)[-1], "paceline")

    def test_the_build_has_what_the_package_needs(self):
        """The build is not replayed, but names the packages of Deploy/lib.sh and a product of Package.swift."""
        (install, build) = [rest for instruction, rest in self.stages["build"].steps if instruction == "RUN"]
        known = re.search(r"^readonly packages=\((.*)\)", (images.ROOT / "Deploy" / "lib.sh").read_text(), re.MULTILINE)
        libraries = {package for package in known[1].split() if package.startswith("lib")}
        self.assertLessEqual(libraries, set(install.split()))
        self.assertIn("--static-swift-stdlib --product paceline", build)
        self.assertIn('name: "paceline"', (images.ROOT / "Package.swift").read_text())


@unittest.skipUnless(os.geteuid() == 0, "replaying an image needs root")
@unittest.skipUnless(host.executable("debootstrap"), "no debootstrap: run Deploy/kubernetes/tools.sh")
@starting.needs_paceline
class Replay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.images = {name: images.build(name, starting.PACELINE) for name in ("paceline", "paceline-worker")}

    def script(self, name, command=None):
        root, image = self.images[name]
        folder = tempfile.mkdtemp(dir=self.folder.name)
        return images.launcher(folder, root, image, starting.MODELS, starting.PACELINE, command)

    def output(self, name, command, *arguments):
        run = subprocess.run([self.script(name, command), *arguments], capture_output=True, text=True, timeout=60)
        return run.returncode, run.stdout + run.stderr

    def start(self, processes, name, *arguments):
        with unittest.mock.patch.object(cluster, "EXECUTABLE", self.script(name)):
            process = processes.start(*arguments)
        self.addCleanup(process.child.stderr.close)
        return process

    def test_nothing_is_missing_but_swift(self):
        for name in self.images:
            status, linked = self.output(name, ["ldd", "/usr/local/bin/paceline"])
            self.assertEqual(status, 0, linked)
            self.assertNotIn("not found", linked)

    def test_runs_as_nobody_in_a_root_that_cannot_be_written(self):
        for name in self.images:
            self.assertEqual(self.output(name, ["id", "-u"]), (0, "65532\n"))
            status, said = self.output(name, ["touch", "/usr/local/file"])
            self.assertNotEqual(status, 0)
            self.assertRegex(said, "Read-only|Permission denied")
            capabilities = self.output(name, ["grep", "-E", "Cap(Eff|Bnd)|NoNewPrivs", "/proc/self/status"])[1]
            self.assertEqual(re.findall(r"[0-9a-f]+$", capabilities, re.MULTILINE), ["0" * 16, "0" * 16, "1"])

    def test_default_commands_explain(self):
        for name, (_, image) in self.images.items():
            status, said = self.output(name, None, *image["CMD"])
            self.assertEqual(status, 0, said)
            self.assertIn("USAGE: paceline " + image["CMD"][0], said)

    def test_verifier_and_workers_serve_together_and_the_health_check_sees_it(self):
        command, options = images.health_command(self.images["paceline"][1]["HEALTHCHECK"])
        self.assertEqual(set(options), {"interval", "timeout", "start-period", "retries"})
        with cluster.Cluster() as processes:
            verifier = self.start(
                processes,
                "paceline",
                "verifier",
                "-m",
                "smollm2-135m",
                "--listen",
                "127.0.0.1:0",
                "--http",
                "127.0.0.1:0",
            )
            ready = verifier.announcement("ready")
            port = ready["http"].rsplit(":", 1)[1]
            # The first drafter needs no model; the second is one, and this image has no OpenBLAS.
            for drafter in ("ngram", "smollm2-135m"):
                line = ["worker", "--connect", ready["drafts"], "-md", drafter, "--http", "127.0.0.1:0"]
                worker = self.start(processes, "paceline-worker", *line)
            self.checks_workers(worker.announcement("ready")["http"].rsplit(":", 1)[1])
            server = starting.Server(ready["http"])
            server.await_workers(2)
            self.assertEqual(server.ask()[0], 200)
            self.assertEqual(self.output("paceline", command, port)[0], 0)
            line = ["gateway", "--verifier", ready["http"], "--http", "127.0.0.1:0"]
            gateway = self.start(processes, "paceline", *line).announcement("ready")["http"]
            self.assertEqual(self.output("paceline", command, gateway.rsplit(":", 1)[1])[0], 0)
            self.assertNotEqual(self.output("paceline", command, port, "/nothing")[0], 0)
            verifier.stop()
            self.assertEqual(verifier.child.returncode, 0)
            self.assertNotEqual(self.output("paceline", command, port)[0], 0)

    def checks_workers(self, port):
        """The health check of workers sees one at its port, and does not mind one without."""
        command, _ = images.health_command(self.images["paceline-worker"][1]["HEALTHCHECK"])
        self.assertEqual(command[1], "8080")
        self.assertEqual(self.output("paceline-worker", [command[0], port, *command[2:]])[0], 0)
        self.assertNotEqual(self.output("paceline-worker", [command[0], port, "/nothing", *command[3:]])[0], 0)
        self.assertEqual(self.output("paceline-worker", [command[0], "1", *command[2:]])[0], 0)

    def test_only_the_image_for_verifiers_has_openblas(self):
        for name, there in (("paceline", True), ("paceline-worker", False)):
            found = self.output(name, ["/sbin/ldconfig", "-p"])[1]
            self.assertEqual("libopenblas.so.0" in found, there, name)


if __name__ == "__main__":
    unittest.main()
