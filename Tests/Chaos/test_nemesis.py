"""Schedules of faults on real processes: what they do to a service, and that they leave nothing behind."""

import json
import pathlib
import signal
import socket
import subprocess
import sys
import unittest
import xml.etree.ElementTree

from nemesis_case import MARKS, NemesisCase, command_lines, free_ports, processes, state

HERE = pathlib.Path(__file__).parent
EXAMPLES = HERE.parent.parent / "Deploy" / "chaos"


class RunTest(NemesisCase):
    def test_the_example_of_two_web_servers(self):
        text = (EXAMPLES / "http-pair.yaml").read_text()
        ports = free_ports(4)
        changes = {str(old): str(new) for old, new in zip((28101, 28102, 28201, 28202), ports, strict=True)}
        # A busy machine may take long to start curl, and is no fault.
        changes |= {"length: 20s": "length: 9s", "recovery: 5s": "recovery: 30s", "-m 0.5": "-m 3",
                    "timeout: 2s": "timeout: 20s"}  # fmt: skip
        for old, new in changes.items():
            self.assertIn(old, text)
            text = text.replace(old, new)
        schedule = self.write(text)
        picture = self.folder / "run.svg"
        report = json.loads(self.chaos("nemesis", schedule, "--seed", 6, "--json", "--svg", picture))
        self.assertEqual(report["verdict"], "recovered")
        self.assertGreaterEqual(len(report["faults"]), 3)
        self.assertTrue(all("failure" not in fault for fault in report["faults"]))
        checks = {check["name"]: check for check in report["checks"]}
        # One server is always there, and the client asks it.
        self.assertEqual(checks["either"]["failed"], 0, checks["either"])
        self.assertGreater(checks["first"]["failed"] + checks["second"]["failed"], 0)
        self.assertGreaterEqual(len(checks["first"]["succeeded_by_second"]), 9)
        root = xml.etree.ElementTree.parse(picture).getroot()
        words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
        self.assertIn("either", words)
        self.assertIn("successful checks a second", words)
        self.assertLessEqual({"to-first", "to-second", "first", "second", "kill", "partition"}, set(words))
        self.assert_nobody(f"http.server {ports[0]}")

    def test_a_database_pair_loses_no_confirmed_write(self):
        primary, standby, clients, replication = free_ports(4)
        files = {name: self.folder / name for name in ("primary", "standby", "confirmed")}
        files["confirmed"].touch()
        database, client, python = HERE / "fake_database.py", HERE / "database_client.py", sys.executable
        schedule = self.write(f"""
            length: 8s
            recovery: 20s
            processes:
              primary: {{run: [{python}, {database}, primary, "{primary}", {files["primary"]}, "{replication}"]}}
              standby: {{run: [{python}, {database}, standby, "{standby}", {files["standby"]}]}}
            links:
              clients: {{listen: "127.0.0.1:{clients}", upstream: "127.0.0.1:{primary}"}}
              replication: {{listen: "127.0.0.1:{replication}", upstream: "127.0.0.1:{standby}"}}
            checks:
              write:
                command: [{python}, {client}, "{clients}", {files["confirmed"]}]
                every: 20ms
                timeout: 2s
                clients: 2
              equal: {{command: "cmp {files["primary"]} {files["standby"]}", every: 20ms}}
            faults:
              - {{kill: [primary, standby], pick: 1, every: 1500ms..2s, for: 200ms..500ms}}
              - {{partition: replication, direction: upstream, every: 2s..3s, for: 300ms..900ms}}
              - {{partition: replication, direction: downstream, every: 2s..3s, for: 300ms..900ms}}
              - {{pause: [primary, standby], pick: 1, every: 2s..3s, for: 200ms..600ms}}
              - {{flap: clients, down: 50ms..200ms, up: 50ms..200ms, at: 6s, for: 1s}}
            """)
        report = json.loads(self.chaos("nemesis", schedule, "--seed", 11, "--json", status=0))
        self.assertEqual(report["verdict"], "recovered")
        self.assertGreater(sum(fault["failed_checks"] for fault in report["faults"]), 0)
        confirmed = files["confirmed"].read_text().split()
        stored = files["primary"].read_text().split()
        self.assertGreater(len(confirmed), 20)
        self.assertLessEqual(set(confirmed), set(stored))
        self.assertEqual(len(stored), len(set(stored)))
        # Whatever was cut: the standby has the same in the same order, but perhaps for the very last.
        copied = files["standby"].read_text().split()
        self.assertEqual(copied, stored[: len(copied)])
        self.assertGreater(len(copied), len(stored) / 2)
        self.assert_nobody(str(files["primary"]))

    def test_a_service_that_does_not_come_back_is_told(self):
        (port,) = free_ports(1)
        server = subprocess.Popen([sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        schedule = self.write(f"""
            length: 1s
            ready: 20s
            recovery: 1s
            processes: {{web: {{port: {port}}}}}
            checks: {{page: {{http: "http://127.0.0.1:{port}/", every: 50ms}}}}
            faults: [{{kill: web, at: 200ms, for: 100ms}}]
            """)
        error = self.chaos("nemesis", schedule, status=1)
        self.assertIn("paceline: the service did not recover: page did not succeed again", error)

    def test_a_service_that_was_never_there_is_not_struck(self):
        (port,) = free_ports(1)
        mark = next(MARKS)
        schedule = self.write(f"""
            length: 1s
            ready: 300ms
            processes: {{p: {{run: [sleep, "{mark}"]}}}}
            checks: {{page: {{tcp: "127.0.0.1:{port}", every: 50ms}}}}
            faults: [{{kill: p, at: 0}}]
            """)
        error = self.chaos("nemesis", schedule, status=1)
        self.assertIn("paceline: no fault was made: page did not succeed before the first", error)
        self.assertIn(f"; last: nothing listens at 127.0.0.1:{port}", error)
        self.assertIn("see whether the service runs, or raise ready", error)
        self.assert_nobody(f"sleep {mark}")

    def test_a_service_that_ends_at_once_is_told_with_the_way_to_its_words(self):
        schedule = self.write("""
            length: 1s
            ready: 2s
            processes: {web: {run: no-such-program}, other: {run: "exit 3", output: other.log, directory: /tmp}}
            checks: {page: {tcp: "127.0.0.1:1", every: 50ms}}
            faults: [{kill: web, at: 0}]
            """)
        done = subprocess.run(
            self.command("nemesis", schedule), capture_output=True, text=True, timeout=120, check=False, cwd=self.folder
        )
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"web ended of itself at .* \(exit status 127\); set output: FILE for it")
        self.assertRegex(done.stdout, r"other ended of itself at .* \(exit status 3\); see other.log")
        self.assertIn("latest failure", done.stdout)

    def test_a_picture_that_cannot_be_written_is_told_before_anything_happens(self):
        trace = self.folder / "touched"
        schedule = self.write(f"""
            length: 1s
            processes: {{p: {{run: "touch {trace}"}}}}
            checks: {{c: {{command: "true", every: 50ms}}}}
            faults: []
            """)
        error = self.chaos("nemesis", schedule, "--svg", "/nobody/run.svg", status=64)
        self.assertIn("the picture cannot be written to /nobody/run.svg", error)
        self.assertFalse(trace.exists())

    def interrupted(self):
        """The words of a run that was interrupted when both of its processes were killed."""
        first, second = (subprocess.Popen(["sleep", next(MARKS)]) for _ in range(2))
        for process in (first, second):
            self.addCleanup(process.wait)
            self.addCleanup(process.kill)
        schedule = self.write(f"""
            length: 1h
            processes: {{p: {{pid: {first.pid}, restart: [/nobody/x]}}, q: {{pid: {second.pid}}}}}
            checks: {{c: {{command: "true", every: 50ms, timeout: 30s}}}}
            faults: [{{kill: [p, q], at: 0}}]
            """)
        run = self.start("nemesis", schedule)
        self.assertEqual([process.wait(60) for process in (first, second)], [-signal.SIGKILL] * 2)
        run.send_signal(signal.SIGINT)
        output, errors = run.communicate(timeout=30)
        self.assertEqual(run.returncode, 130, errors)
        return output

    def test_what_is_not_started_again_is_told_when_the_run_is_interrupted(self):
        # A busy machine may leave it no time for words.
        output = next(filter(None, (self.interrupted() for _ in range(5))), "")
        self.assertIn("everything is healed as far as possible", output)
        self.assertIn("p is not started again: /nobody/x cannot be started", output)
        self.assertIn("not started again: q", output)


class TimetableTest(NemesisCase):
    def test_every_example_has_the_timetable_of_its_seed(self):
        examples = sorted(EXAMPLES.glob("*.yaml"))
        self.assertGreaterEqual(len(examples), 10)
        for example in examples:
            with self.subTest(example.name):
                first, again, other = (
                    self.chaos("nemesis", example, "--dry-run", "--json", "--seed", seed) for seed in (1, 1, 2)
                )
                self.assertEqual(first, again)
                self.assertNotEqual(json.loads(first)["entries"], json.loads(other)["entries"])

    def test_a_dry_run_is_a_table(self):
        table = self.chaos("nemesis", EXAMPLES / "etcd-three.yaml", "--dry-run")
        self.assertRegex(table, r"^from s +to s +# +fault +target +effect\n")
        self.assertIn("swizzle", table)
        self.assertIn("with seed 1\n", table)

    def test_what_is_wrong_is_one_sentence_with_line_and_column(self):
        schedule = self.write('length: 5s\nchecks: {c: {tcp: "127.0.0.1:1"}}\nfaults:\n  - {partion: a, at: 1s}\n')
        error = self.chaos("nemesis", schedule, status=1)
        place = f"paceline: {schedule}, line 4, column 5: "
        self.assertEqual(error, place + 'there is no fault "partion"; did you mean "partition"?\n')


class InterruptionTest(NemesisCase):
    def begin(self):
        """A run in the middle of its faults, and a process that it has stopped."""
        self.mark, check, flag = next(MARKS), next(MARKS), self.folder / "flag"
        flag.unlink(missing_ok=True)
        (self.port,) = free_ports(1)
        other = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(other.wait)
        self.addCleanup(other.kill)
        schedule = self.write(f"""
            length: 1h
            processes:
              mine: {{run: "sleep {self.mark} & sleep {self.mark}"}}
              stubborn: {{run: "trap '' TERM INT; while :; do sleep {self.mark}; done"}}
              yours: {{pid: {other.pid}}}
            links: {{l: {{listen: "127.0.0.1:{self.port}", upstream: "127.0.0.1:9"}}}}
            checks:
              c: {{command: "[ ! -e {flag} ] || sleep {check} ; touch {flag}", every: 50ms, timeout: 1h}}
            faults: [{{pause: [yours, mine], at: 0}}, {{partition: l, at: 0}}]
            """)
        run = self.start("nemesis", schedule)
        self.wait_until(lambda: state(other.pid) == "T", "the process is not stopped")
        self.wait_until(lambda: any(f"sleep {check}" in line for line in command_lines()), "the check does not run")
        self.assertTrue(any(self.mark in line for line in command_lines()))
        self.check = f"sleep {check}"
        (self.guard,) = (pid for pid, parent, line in processes() if parent == run.pid and "chaos guard" in line)
        return run, other

    def assert_nothing_is_left(self, other):
        self.assert_nobody(self.mark)
        self.assert_nobody(self.check)
        self.wait_until(lambda: all(pid != self.guard for pid, _, _ in processes()), "the guard is left behind")
        self.wait_until(lambda: state(other.pid) != "T", "the process is still stopped")
        self.assertIsNone(other.poll())
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.port))

    def test_signals_leave_nothing_behind(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            with self.subTest(number):
                run, other = self.begin()
                run.send_signal(number)
                self.assertEqual(run.wait(20), status)
                self.assert_nothing_is_left(other)

    def test_impatience_leaves_nothing_behind(self):
        run, other = self.begin()
        run.send_signal(signal.SIGINT)
        run.send_signal(signal.SIGINT)
        run.wait(20)
        self.assert_nothing_is_left(other)

    def test_even_a_killed_nemesis_leaves_nothing_behind(self):
        run, other = self.begin()
        run.kill()
        run.wait(20)
        self.assert_nothing_is_left(other)


if __name__ == "__main__":
    unittest.main()
