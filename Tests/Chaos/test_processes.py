"""`paceline chaos proc` on real processes."""

import json
import os
import signal
import socket
import subprocess
import time
import unittest

from nemesis_case import MARKS, NemesisCase, state


class ProcTest(NemesisCase):
    def sleeper(self, *words):
        process = subprocess.Popen(["sleep", *words])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_processes_are_stopped_continued_and_killed(self):
        mark = next(MARKS)
        process = self.sleeper(mark)
        self.assertEqual(self.chaos("proc", "stop", process.pid), f"stopped process {process.pid}\n")
        self.assertEqual(state(process.pid), "T")
        self.assertEqual(self.chaos("proc", "cont", "--match", f"sleep {mark}"), f"continued process {process.pid}\n")
        self.wait_until(lambda: state(process.pid) == "S", "the process is still stopped")
        start = time.monotonic()
        self.assertIn("paused for 300ms process", self.chaos("proc", "pause-for", "300ms", process.pid))
        self.assertGreaterEqual(time.monotonic() - start, 0.3)
        self.assertNotEqual(state(process.pid), "T")
        (self.folder / "pid").write_text(f"{process.pid}\n")
        report = json.loads(self.chaos("proc", "kill", "--pid-file", self.folder / "pid", "--json"))
        self.assertEqual(report, {"done": "killed", "pids": [process.pid]})
        self.assertEqual(process.wait(20), -signal.SIGKILL)

    def test_several_are_struck_only_when_asked_for(self):
        mark = next(MARKS)
        both = [self.sleeper(mark), self.sleeper(mark)]
        error = self.chaos("proc", "kill", "--match", f"sleep {mark}", status=64)
        self.assertIn("is not one: there are", error)
        self.assertIn("or pass --all", error)
        self.assertEqual([process.poll() for process in both], [None, None])
        self.chaos("proc", "kill", "--signal", "sigterm", "--match", f"sleep {mark}", "--all")
        self.assertEqual([process.wait(20) for process in both], [-signal.SIGTERM] * 2)

    def test_a_paused_process_goes_on_when_the_command_is_interrupted(self):
        process = self.sleeper(next(MARKS))
        pause = self.start("proc", "pause-for", "1000s", process.pid)
        self.wait_until(lambda: state(process.pid) == "T", "the process is not stopped")
        pause.send_signal(signal.SIGINT)
        self.assertEqual(pause.wait(20), 130)
        self.wait_until(lambda: state(process.pid) == "S", "the process is still stopped")

    def test_the_port_of_a_process_that_cannot_be_seen_is_told(self):
        # A socket on its way between two processes belongs to neither, as that of another user does for this one.
        here, there = socket.socketpair()
        with here, there, socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            socket.send_fds(here, [b"x"], [listener.fileno()])
            listener.close()
            error = self.chaos("proc", "stop", "--port", port, status=1)
            self.assertIn(f"something listens on port {port}, but belongs to somebody else; run", error)

    def test_what_may_not_be_struck_is_refused_in_one_sentence(self):
        cases = [
            (["kill", 1], 1, "process 1 runs the whole machine"),
            (["kill", os.getpid()], 1, "is this program or one that started it"),
            (["stop", 0], 1, "0 is not the number of a process"),
            (["kill", 4194304], 1, "process 4194304 is not there"),
            (["kill"], 64, "name a process: its number, --match, --pid-file or --port"),
            (["kill", "--match", ""], 64, "--match must not be empty"),
            (["kill", "--match", "chaos proc kill --match"], 1, "is not there"),
            (["kill", "--pid-file", "/nobody"], 1, "the PID file /nobody cannot be read"),
            (["kill", "--signal", "STOP", 5], 64, "--signal must be one of KILL,"),
            (["pause-for", "5", 5], 64, "5"),
        ]
        for arguments, status, sentence in cases:
            with self.subTest(arguments):
                error = self.chaos("proc", *arguments, status=status)
                self.assertIn(sentence, error)
                self.assertEqual(error.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
