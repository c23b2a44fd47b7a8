"""What the tests of `paceline chaos nemesis` and `chaos proc` share."""

import itertools
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest

# Numbers for `sleep` that no other command line of the machine has, also if this program runs twice at once.
MARKS = (f"{1000 + number}.{os.getpid()}" for number in itertools.count())


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def processes():
    """Of all processes that run: number, parent and command line."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if fields[0] != "Z":
            found.append((int(folder.name), int(fields[1]), line))
    return found


def command_lines():
    return [line for _, _, line in processes()]


def state(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@unittest.skipUnless(os.environ.get("PACELINE"), "set PACELINE to the paceline executable")
class NemesisCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, text):
        path = self.folder / "schedule.yaml"
        path.write_text(text)
        return path

    def command(self, *arguments):
        return [os.environ["PACELINE"], "chaos", *map(str, arguments)]

    def chaos(self, *arguments, status=0):
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def start(self, *arguments):
        process = subprocess.Popen(self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def wait_until(self, condition, what):
        deadline = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.02)

    def assert_nobody(self, mark):
        self.wait_until(lambda: not any(mark in line for line in command_lines()), f"{mark} is left behind")
