"""The commands, and what happens to bytes."""

import json
import os
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from chaos_server import ChaosCase, ChaosServer, exchange


class CommandTest(ChaosCase):
    def chaos(self, *arguments, status=0, host=None):
        command = [os.environ["PACELINE"], "chaos", *map(str, arguments)]
        environment = {**os.environ, "TOXIPROXY_URL": host or f"http://{self.server.address}"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def create(self):
        self.chaos("create", "-l", "127.0.0.1:0", "-u", self.echo.address, "echo")
        return json.loads(self.chaos("inspect", "echo", "--json"))["listen"]

    def test_the_verbs_of_toxiproxy_cli(self):
        self.assertIn("there are no proxies", self.chaos("list"))
        address = self.create()
        self.assertEqual(exchange(address, b"hello"), b"hello")
        self.assertIn(address, self.chaos("ls"))
        added = self.chaos("toxic", "add", "-t", "limit_data", "-a", "bytes=3", "echo")
        self.assertEqual(added, "Added downstream limit_data toxic 'limit_data_downstream' on proxy 'echo'\n")
        self.assertEqual(exchange(address, b"hello"), b"hel")
        self.chaos("toxic", "update", "-n", "limit_data_downstream", "--toxicity", "0.5", "echo")
        self.chaos("toxic", "update", "-n", "limit_data_downstream", "-a", "bytes=4", "echo")
        self.assertIn("limit_data_downstream  limit_data  downstream  0.5       bytes=4", self.chaos("inspect", "echo"))
        self.chaos("toxic", "remove", "-n", "limit_data_downstream", "echo")
        self.assertEqual(exchange(address, b"hello"), b"hello")
        self.assertEqual(self.chaos("toggle", "echo"), "Proxy echo is now disabled\n")
        with self.assertRaises(ConnectionRefusedError):
            exchange(address, b"x")
        self.chaos("reset")
        self.assertEqual(exchange(address, b"x"), b"x")
        self.assertEqual(self.chaos("delete", "echo"), "Deleted proxy echo\n")
        self.assertEqual(json.loads(self.chaos("list", "--json")), [])

    def test_toxics_of_our_own(self):
        address = self.create()
        self.chaos("toxic", "add", "-t", "corrupt", "-a", "rate=1", "-a", "bits=8", "--after-bytes", 2, "echo")
        self.assertEqual(exchange(address, b"\x00\x01\x02\x03"), b"\x00\x01\xfd\xfc")
        self.chaos("reset")
        self.chaos("toxic", "add", "-t", "duplicate", "-a", "rate=1", "-a", "segment=2", "-u", "echo")
        self.assertEqual(exchange(address, b"abcde"), b"ababcdcde")

    def test_errors_are_one_sentence(self):
        self.assertEqual(
            self.chaos("inspect", "nobody", status=1), 'paceline: proxy not found: "nobody"; there is none\n'
        )
        self.create()
        self.assertIn("is none of latency,", self.chaos("toxic", "add", "-t", "late", "echo", status=1))
        self.assertIn("bytes=x", self.chaos("toxic", "add", "-t", "limit_data", "-a", "bytes=x", "echo", status=64))
        self.assertIn("start paceline chaos serve", self.chaos("list", status=1, host="http://127.0.0.1:1"))

    def test_too_long_a_body_is_refused_as_toxiproxy_refuses(self):
        body = b'{"name": "' + b"x" * (2 << 20) + b'"}'
        request = urllib.request.Request(f"http://{self.server.address}/proxies", body, method="POST")
        with self.assertRaises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(request, timeout=20)
        answer = json.loads(refusal.exception.read())
        refusal.exception.close()
        self.assertEqual((refusal.exception.code, answer["status"], set(answer)), (413, 413, {"error", "status"}))

    def test_a_toxic_may_strike_so_often(self):
        address = self.create()
        self.chaos("toxic", "add", "-t", "corrupt", "-a", "rate=1", "-a", "bits=8", "--count", 2, "echo")
        self.assertIn("count=2", self.chaos("inspect", "echo"))
        self.assertEqual(exchange(address, b"\x00\x01\x02\x03"), b"\xff\xfe\x02\x03")
        error = self.chaos("toxic", "add", "-t", "latency", "--count", 2, "echo", status=1)
        self.assertIn("count is for toxics", error)

    def test_a_file_has_proxies_and_toxics(self):
        plan = [
            {
                "name": "echo",
                "upstream": self.echo.address,
                "toxics": [{"type": "limit_data", "attributes": {"bytes": 2}}],
            }
        ]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(plan, file)
            file.flush()
            self.assertIn("limit_data_downstream", self.chaos("populate", file.name))
            server = ChaosServer("--config", file.name)
            self.addCleanup(server.close)
            proxies = json.loads(self.chaos("list", "--json", host=server.address))
            self.assertEqual(exchange(proxies[0]["listen"], b"hello"), b"he")

    def test_a_file_that_cannot_be_used_ends_the_start(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write('[{"name": "x"}]')
            file.flush()
            error = self.chaos("serve", "--port", 0, "--config", file.name, status=1)
            self.assertIn(f"{file.name}: missing required field: [0].upstream", error)


if __name__ == "__main__":
    unittest.main()
