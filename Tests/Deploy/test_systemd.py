"""The units of Deploy/systemd: checked and rated by systemd, and what they start really started.

systemd itself need not run here. Tests/Deploy/test_package.py installs the units in a Debian of their own.
"""

import configparser
import contextlib
import pathlib
import re
import shlex
import shutil
import signal
import tempfile
import unittest
from unittest import mock

from host import DEPLOY, EXECUTABLE, MODEL, DeployCase, cluster, needs, needs_executable, run
from monitored import eventually, get

FOLDER = DEPLOY / "systemd"
SERVICES = ("gateway", "verifier", "worker")
UNITS = sorted(FOLDER.glob("*.service"))
# systemd-analyze rates each unit 1.2 of 10 (0 is best). What is left is the network, names, and figures of memory.
WORST_EXPOSURE = 1.2
# A line that a user would uncomment.
OPTION = re.compile(r"^#([a-z-]+: .*)$", re.MULTILINE)


def unit(path):
    """A unit as sections and keys; of a key that repeats, the last."""
    parser = configparser.RawConfigParser(strict=False, interpolation=None, comment_prefixes="#", delimiters="=")
    parser.optionxform = str
    parser.read(path)
    return parser


def seconds(text):
    amount, kind = re.fullmatch(r"([0-9.]+)\s*(ms|s|m|min|)", text).groups()
    return float(amount) * {"ms": 0.001, "s": 1, "": 1, "m": 60, "min": 60}[kind]


def setting(text, key):
    return re.search(rf"^{key}: *([^#\n]+)", text, re.MULTILINE).group(1).strip()


class UnitFiles(DeployCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_all_services_are_there(self):
        self.assertEqual([path.name for path in UNITS], [f"paceline-{name}.service" for name in SERVICES])

    @needs(systemd_analyze="systemd")
    def test_systemd_has_nothing_to_say_about_the_units(self):
        for path in UNITS:
            # The command and the manual page may not be installed here.
            text = path.read_text().replace("/usr/bin/paceline", "/bin/true")
            text = re.sub("^Documentation=man:.*\n", "", text, flags=re.MULTILINE)
            copy = self.folder / path.name
            copy.write_text(text)
            with self.subTest(path.name):
                self.assertEqual(self.succeed("systemd-analyze", "verify", "--man=no", copy), "")

    @needs(systemd_analyze="systemd")
    def test_systemd_notices_a_wrong_line(self):
        copy = self.folder / "wrong.service"
        copy.write_text(UNITS[0].read_text().replace("ProtectHome=yes", "ProtectHome=perhaps"))
        self.assertIn("Failed to parse protect home value", run("systemd-analyze", "verify", "--man=no", copy).stdout)

    @needs(systemd_analyze="systemd")
    def test_the_units_may_do_little(self):
        for path in UNITS:
            with self.subTest(path.name):
                limit = f"--threshold={WORST_EXPOSURE * 10:.0f}"
                report = self.succeed("systemd-analyze", "security", "--offline=yes", limit, "--no-pager", path)
                self.assertRegex(report, rf"exposure level for {path.name}: {WORST_EXPOSURE}\b")

    def test_systemd_waits_longer_than_services_need_to_drain(self):
        for name in ("verifier", "gateway"):
            text = (FOLDER / f"{name}.yaml").read_text()
            needed = seconds(setting(text, "drain-delay")) + seconds(setting(text, "grace"))
            limit = seconds(unit(FOLDER / f"paceline-{name}.service")["Service"]["TimeoutStopSec"])
            self.assertGreater(limit, needed + 10)
            self.assertIn(f"TimeoutStopSec ({limit:.0f} s)", text)

    def test_services_are_confined_alike(self):
        """Whoever confines one more must not forget the others."""
        ways = []
        for path in UNITS:
            text = path.read_text().split("# What it may not do", 1)[1].split("[Install]")[0]
            ways.append([line for line in text.splitlines()[1:] if line and not line.startswith("#")])
        self.assertGreater(len(ways[0]), 20)
        self.assertEqual(ways, [[line for line in ways[0] if "=" in line]] * len(UNITS))

    @needs(systemctl="systemd", systemd_sysusers="systemd")
    def test_the_units_can_be_enabled_and_their_user_made(self):
        for folder in ("systemd/system", "sysusers.d"):
            (self.folder / "etc" / folder).mkdir(parents=True)
        shutil.copy(FOLDER / "paceline.sysusers", self.folder / "etc/sysusers.d/paceline.conf")
        for path in UNITS:
            shutil.copy(path, self.folder / "etc/systemd/system")
        self.succeed("systemd-sysusers", f"--root={self.folder}")
        self.assertRegex((self.folder / "etc/passwd").read_text(), r"(?m)^paceline:.*:/usr/sbin/nologin$")
        for path in UNITS:
            self.assertEqual(unit(path)["Service"]["User"], "paceline")
            self.succeed("systemctl", f"--root={self.folder}", "enable", path.name)
            self.assertTrue((self.folder / "etc/systemd/system/multi-user.target.wants" / path.name).is_symlink())


@needs_executable
class StartedServices(DeployCase):
    """What ExecStart says, with the paths of /etc replaced by those of a copy."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in (*(f"{service}.yaml" for service in SERVICES), "environment"):
            text = (FOLDER / name).read_text().replace("/etc/paceline", str(self.folder))
            (self.folder / name).write_text(text)
        # The models are where they are; the rest of the file of variables holds.
        lines = (self.folder / "environment").read_text().splitlines()
        variables = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        self.assertEqual(variables.pop("PACELINE_MODELS"), "/var/lib/paceline/models")
        self.variables = variables

    def arguments(self, path):
        command = shlex.split(unit(path)["Service"]["ExecStart"].replace("/etc/paceline", str(self.folder)))
        self.assertEqual(command[0], "/usr/bin/paceline")
        return command[1:]

    def start(self, services, path, **variables):
        """Starts a unit's command; variables outrank its file of settings, so that ports are free ones."""
        with mock.patch.dict("os.environ", self.variables | variables):
            return services.start(*self.arguments(path))

    def test_all_services_start_work_together_and_end_in_order(self):
        gateway, verifier, worker = UNITS
        with contextlib.closing(cluster.Cluster()) as services:
            target = self.start(
                services, verifier, PACELINE_HTTP="127.0.0.1:0", PACELINE_LISTEN="127.0.0.1:0", PACELINE_MODEL=MODEL
            )
            ready = target.announcement("ready")
            drafting = self.start(services, worker, PACELINE_CONNECT=ready["drafts"], PACELINE_HTTP="127.0.0.1:0")
            self.assertIn("http", drafting.announcement("ready"))
            client = cluster.Client(ready["http"])
            client.await_workers(1)
            self.assertEqual(client.workers()[0]["drafter"], "ngram")
            front = self.start(services, gateway, PACELINE_VERIFIER=ready["http"], PACELINE_HTTP="127.0.0.1:0")
            address = front.announcement("ready")["http"]
            eventually("the gateway has its verifier", lambda: "active_replicas 1" in get(f"http://{address}/metrics"))
            tokens = cluster.Client(address).generate("One, two, three,", 8).tokens
            self.assertEqual((len(tokens), tokens), (8, client.generate("One, two, three,", 8).tokens))
            # Its file has not as short times to drain as a test.
            front.send(signal.SIGTERM)
            ended = front.child.wait(timeout=30)
        # systemd takes anything but 0 for a failure, and would start the service again.
        self.assertEqual([target.child.returncode, drafting.child.returncode, ended], [0, 0, 0])

    def test_a_wrong_setting_ends_with_the_status_that_is_not_tried_again(self):
        for path in UNITS:
            with self.subTest(path.name):
                arguments = self.arguments(path)
                pathlib.Path(arguments[-1]).write_text("no-such-setting: 1\n")
                status = run(EXECUTABLE, *arguments).returncode
                self.assertEqual(str(status), unit(path)["Service"]["RestartPreventExitStatus"])

    @needs(openssl="openssl")
    def test_every_setting_in_the_examples_holds_when_it_is_uncommented(self):
        self.succeed(DEPLOY / "certs.sh", self.folder)
        for name in ("server", "worker"):
            shutil.copy(self.folder / "verifier.pem", self.folder / f"{name}.pem")
            shutil.copy(self.folder / "verifier-key.pem", self.folder / f"{name}-key.pem")
        for name in ("token", "api-keys"):
            (self.folder / name).write_text("0123456789abcdef" * 4)
            (self.folder / name).chmod(0o600)
        for path in UNITS:
            arguments = self.arguments(path)
            file = pathlib.Path(arguments[-1])
            text = file.read_text().replace("qwen2.5-coder-0.5b", MODEL)
            options = dict(option.split(": ", 1) for option in OPTION.findall(text))
            self.assertGreater(len(options), 5)
            # An alternative takes the place of what it is an alternative to.
            kept = [line for line in text.splitlines() if line.split(":")[0] not in options]
            file.write_text("\n".join([*kept, *(f"{key}: {value}" for key, value in options.items())]) + "\n")
            report = self.succeed(EXECUTABLE, *arguments, "--check")
            for key in options:
                self.assertRegex(report, rf"(?m)^{key} .*{file.name}, line")


if __name__ == "__main__":
    unittest.main()
