"""`paceline top` against a verifier with workers: in a real terminal, whose size changes, and elsewhere."""

import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

from service import ServiceCase, cluster


@unittest.skipUnless(shutil.which("tmux"), "needs tmux")
class Terminal(ServiceCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.socket = os.path.join(folder, "tmux")
        self.addCleanup(subprocess.run, ["tmux", "-S", self.socket, "kill-server"], stderr=subprocess.DEVNULL)

    def tmux(self, *arguments):
        done = subprocess.run(
            ["tmux", "-S", self.socket, "-f", "/dev/null", *map(str, arguments)],
            capture_output=True,
            text=True,
            env=os.environ | {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "OPENAI_API_KEY": self.key},
            check=True,
        )
        return done.stdout

    def begin(self, width, height, command):
        self.tmux("new-session", "-d", "-s", "top", "-x", width, "-y", height, "sh")
        self.tmux("send-keys", "-t", "top", command, "Enter")

    def screen(self):
        return self.tmux("capture-pane", "-p", "-t", "top").split("\n")

    def await_screen(self, holds, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            lines = self.screen()
            if holds(lines):
                return lines
            time.sleep(0.05)
        self.fail("the screen is\n" + "\n".join(self.screen()))

    def command(self):
        return f"{cluster.EXECUTABLE} top {self.drafted.root.removeprefix('http://')} --interval 100ms"

    def test_it_follows_the_size_and_restores_the_terminal(self):
        self.begin(100, 40, f"PS1='$ '; clear; {self.command()}")
        wide = self.await_screen(lambda lines: any("tokens/s" in line for line in lines))
        self.assertIn("paceline top", wide[0])
        self.assertTrue(any(line.startswith("worker") and "drafter" in line for line in wide), "\n".join(wide))
        self.assertTrue(any("ngram" in line for line in wide))
        self.tmux("resize-window", "-t", "top", "-x", 40, "-y", 12)
        narrow = self.await_screen(lambda lines: any(line.endswith("…") for line in lines))
        self.assertTrue(all(len(line) <= 40 for line in narrow))
        self.assertIn("paceline top", narrow[0])
        self.tmux("resize-window", "-t", "top", "-x", 100, "-y", 40)
        self.await_screen(lambda lines: any("ngram" in line for line in lines))
        self.tmux("send-keys", "-t", "top", "q")
        # The usual screen is back, with the command line on it, and what is typed can be seen.
        self.await_screen(lambda lines: not any("tokens/s" in line for line in lines))
        self.tmux("send-keys", "-t", "top", "echo back-$((6 * 7))", "Enter")
        lines = self.await_screen(lambda lines: any(line.strip() == "back-42" for line in lines))
        self.assertTrue(any("echo back-" in line for line in lines), "the terminal echoes nothing")

    def test_control_c_ends_it_and_restores_the_terminal(self):
        self.begin(80, 24, f"PS1='$ '; clear; {self.command()}; echo status=$?")
        self.await_screen(lambda lines: any("tokens/s" in line for line in lines))
        self.tmux("send-keys", "-t", "top", "C-c")
        self.await_screen(lambda lines: any(line.startswith("status=0") for line in lines))


class Elsewhere(ServiceCase):
    def top(self, *arguments, key=None):
        address = self.drafted.root.removeprefix("http://")
        done = subprocess.run(
            [cluster.EXECUTABLE, "top", address, *arguments],
            capture_output=True,
            text=True,
            env=os.environ | ({"OPENAI_API_KEY": key} if key else {}),
            timeout=60,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_once_shows_what_happens_meanwhile(self):
        body = {"prompt": "1. one fox\n2. one fox\n", "max_tokens": 400, "temperature": 0, "ignore_eos": True}
        thread = threading.Thread(target=self.complete, args=(body,))
        thread.start()
        self.addCleanup(thread.join)
        figures = json.loads(self.top("--once", "--json", "--interval", "2s", key=self.key))
        self.assertGreater(figures["tokens_per_s"], 0)
        self.assertGreater(figures["drafting"]["acceptance"], 0)
        self.assertEqual({worker["drafter"] for worker in figures["workers"]} & {"ngram"}, {"ngram"})
        self.assertGreater(len(figures["verify_pass"]), 3)
        text = self.top("--once", "--interval", "100ms", key=self.key)
        self.assertIn("accepted by depth", text)
        self.assertIn("ngram", text)

    def test_a_trace_is_asked_for_with_the_key_of_the_environment(self):
        self.complete({"prompt": "1. one fox\n", "max_tokens": 4})
        command = [cluster.EXECUTABLE, "trace", "--json", "--url", self.drafted.root.removeprefix("http://")]
        for key, code in ((self.key, 0), ("wrong", 1)):
            done = subprocess.run(
                command, capture_output=True, text=True, env=os.environ | {"OPENAI_API_KEY": key}, timeout=60
            )
            self.assertEqual(done.returncode, code, done.stderr)
            if code == 0:
                self.assertGreater(len(json.loads(done.stdout)["data"]), 0)
            else:
                self.assertIn("key", done.stderr)

    def complete(self, body):
        request = urllib.request.Request(
            f"{self.drafted}/completions",
            json.dumps(body).encode(),
            {"content-type": "application/json", "authorization": f"Bearer {self.key}"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            answer.read()

    def test_without_a_key_the_metrics_are_shown_alone(self):
        figures = json.loads(self.top("--once", "--json", "--interval", "100ms"))
        self.assertNotIn("workers", figures)
        self.assertIn("kv_cache_usage", figures)

    def test_other_output_gets_a_line_for_each_reading(self):
        address = self.drafted.root.removeprefix("http://")
        process = subprocess.Popen(
            [cluster.EXECUTABLE, "top", address, "--interval", "100ms"], stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        lines = [process.stdout.readline() for _ in range(3)]
        self.assertTrue(all(line.startswith("tokens/s ") for line in lines), lines)

    def test_an_address_without_metrics_is_named(self):
        done = subprocess.run(
            [cluster.EXECUTABLE, "top", "127.0.0.1:1", "--once"],
            capture_output=True,
            text=True,
        )
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1))
        self.assertIn("127.0.0.1:1 does not answer", done.stderr)


if __name__ == "__main__":
    unittest.main()
