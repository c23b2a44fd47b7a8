"""Seeds, traces and replays."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from chaos_server import ChaosServer, Echo, exchange

# The limit comes first, so that the others never see bytes that nobody gets.
TOXICS = [
    {"type": "limit_data", "toxicity": 0.3, "after_bytes": 500, "attributes": {"bytes": 900}},
    {"name": "bits", "type": "corrupt", "toxicity": 0.7, "attributes": {"rate": 0.001, "bits": 2}},
    {"type": "duplicate", "stream": "upstream", "toxicity": 0.5, "attributes": {"rate": 0.2, "segment": 100}},
]
DATA = bytes(range(256)) * 40


@unittest.skipUnless(os.environ.get("PACELINE"), "set PACELINE to the paceline executable")
class TraceTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.echo = Echo()
        self.addCleanup(self.echo.close)

    def trace(self, name, *arguments):
        """The answers to ten clients, and the faults of the trace."""
        path = self.folder / name
        config = self.folder / "proxies.json"
        config.write_text(json.dumps([{"name": "echo", "upstream": self.echo.address, "toxics": TOXICS}]))
        server = ChaosServer("--trace", path, "--config", config, *arguments)
        try:
            proxies = self.ask(server, "list")
            answers = [exchange(proxies[0]["listen"], DATA) for _ in range(10)]
        finally:
            server.close()
        return answers, self.faults(path)

    def ask(self, server, *arguments):
        command = [os.environ["PACELINE"], "chaos", *arguments, "--json", "--host", f"http://{server.address}"]
        return json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)

    def faults(self, path):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        faults = [{key: value for key, value in line.items() if key != "ms"} for line in lines]
        return sorted(
            (line for line in faults if line["event"] == "fault"),
            key=lambda fault: (fault["connection"], fault["stream"], fault["toxic"], fault["offset"], fault["fault"]),
        )

    def test_the_same_seed_gives_the_same_faults_and_another_seed_others(self):
        first, again, other = self.trace("a"), self.trace("b", "--seed", 1), self.trace("c", "--seed", 2)
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)
        kinds = {(fault["toxic"], fault["fault"]) for fault in first[1]}
        self.assertLessEqual(
            {
                ("bits", "flipped"),
                ("bits", "spared"),
                ("duplicate_upstream", "repeated"),
                ("limit_data_downstream", "ended"),
            },
            kinds,
        )

    def test_a_recorded_run_comes_again(self):
        answers, faults = self.trace("a")
        listen = next(
            line["definition"]["listen"]
            for line in map(json.loads, (self.folder / "a").read_text().splitlines())
            if line["event"] == "proxy"
        )
        command = [os.environ["PACELINE"], "chaos", "replay", self.folder / "a", "--json", "--exit-with-parent"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            self.assertEqual(json.loads(process.stdout.readline())["event"], "ready")
            self.assertEqual([exchange(listen, DATA) for _ in range(10)], answers)
            process.send_signal(signal.SIGTERM)
            report = json.loads(process.stdout.readline())
        self.assertEqual(process.returncode, 0)
        self.assertEqual(report, {"event": "ended", "same": len(faults), "missing": 0, "added": 0})
        self.assertEqual(self.faults(self.folder / "a.replay"), faults)

    def replay(self, *arguments):
        command = [os.environ["PACELINE"], "chaos", "replay", *map(str, arguments), "--json", "--exit-with-parent"]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def test_a_run_that_differs_ends_with_an_error_that_names_the_first_difference(self):
        self.trace("a")
        with self.replay(self.folder / "a") as process:
            self.assertEqual(json.loads(process.stdout.readline())["event"], "ready")
            process.send_signal(signal.SIGTERM)
            report = json.loads(process.stdout.readline())
            error = process.stderr.read()
        self.assertEqual(process.returncode, 1)
        self.assertGreater(report["missing"], 0)
        self.assertIn("paceline: the runs differ, first in this fault, missing: ", error)

    def test_a_recording_is_not_written_over_by_its_replay(self):
        self.trace("a")
        before = (self.folder / "a").read_bytes()
        (self.folder / "link").symlink_to("a")
        for path in (self.folder / "a", self.folder / "." / ".." / self.folder.name / "a", self.folder / "link"):
            with self.subTest(path), self.replay(self.folder / "a", "--trace", path) as process:
                self.assertIn("would be lost; name another file", process.stdout.read() + process.stderr.read())
            self.assertNotEqual(process.returncode, 0)
        self.assertEqual((self.folder / "a").read_bytes(), before)

    def test_an_earlier_trace_stays_if_the_server_cannot_start(self):
        self.trace("a")
        before = (self.folder / "a").read_bytes()
        server = ChaosServer()
        self.addCleanup(server.close)
        command = [os.environ["PACELINE"], "chaos", "serve", "--port", str(server.port), "--trace", self.folder / "a"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is in use by another process", done.stderr)
        self.assertEqual((self.folder / "a").read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
