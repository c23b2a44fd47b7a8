"""Traces: from the client's header to the worker's log, and the rounds of a request."""

import contextlib
import http.client
import json
import os
import subprocess
import unittest

from dashboard import DRAFTED, MODEL, PROMPT, cluster, wait_until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@unittest.skipUnless(os.environ.get("PACELINE"), "set PACELINE to the paceline executable")
class Trace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.processes = cls.enterClassContext(cluster.Cluster())
        cls.verifier, link, cls.address = cls.processes.verifier(MODEL, *DRAFTED, "--trace-requests", 3, log="info")
        cls.worker = cls.processes.worker(link, ["ngram"], log="debug")
        cluster.Client(cls.address).await_workers(1)

    def ask(self, name, tokens=24, traceparent=None, **fields):
        """Has a text written, and returns the answer's headers and body."""
        body = {"prompt": PROMPT, "max_tokens": tokens, "temperature": 0, "ignore_eos": True} | fields
        headers = {"content-type": "application/json", "x-request-id": name}
        if traceparent:
            headers["traceparent"] = traceparent
        host, port = self.address.rsplit(":", 1)
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=120)) as connection:
            connection.request("POST", "/v1/completions", json.dumps(body), headers)
            response = connection.getresponse()
            text = response.read()
            self.assertEqual(response.status, 200, text)
            if not fields.get("stream"):
                return response.headers, json.loads(text)
            lines = [line[6:] for line in text.decode().splitlines() if line.startswith("data: {")]
            return response.headers, json.loads(lines[0])

    def trace(self, *arguments):
        """What `paceline trace` prints."""
        command = [cluster.EXECUTABLE, "trace", *arguments, "--url", self.address]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    @staticmethod
    def lines(process, name):
        return [line for line in process.errors if name in line]

    def test_names_reach_the_log_of_every_process(self):
        headers, _ = self.ask("req-logged", traceparent=PARENT)
        self.assertEqual(headers["x-request-id"], "req-logged")
        for process in (self.verifier, self.worker):
            lines = wait_until(lambda process=process: self.lines(process, "req-logged"), "a line about the request")
            self.assertTrue(all(TRACE in line for line in lines), lines)

    def test_a_header_that_is_not_valid_begins_a_new_trace(self):
        for name, header in [
            ("req-none", None),
            ("req-wrong", PARENT.upper()),
            ("req-zero", f"00-{'0' * 32}-{'1' * 16}-01"),
        ]:
            self.ask(name, tokens=2, traceparent=header)
            trace = json.loads(self.trace(name, "--json").stdout)["trace_id"]
            self.assertRegex(trace, "^[0-9a-f]{32}$")
            self.assertNotEqual(trace, TRACE)
            self.assertNotEqual(trace, "0" * 32)

    def test_the_rounds_add_up_to_the_answer(self):
        _, answer = self.ask("req-rounds", tokens=40, traceparent=PARENT, stream=True, return_token_ids=True)
        trace = json.loads(self.trace("req-rounds", "--json").stdout)
        self.assertEqual((trace["id"], trace["answer"], trace["trace_id"]), ("req-rounds", answer["id"], TRACE))
        [choice] = trace["choices"]
        self.assertEqual((choice["phase"], choice["ending"], choice["completion_tokens"]), ("finished", "length", 40))
        deciding = [each for each in choice["rounds"] if "prefilled" not in each]
        self.assertEqual(sum(len(each["tokens"]) for each in deciding), 40)
        self.assertEqual(sum(each["verified"] for each in deciding), choice["draft_tokens"])
        self.assertEqual(sum(each["accepted"] for each in deciding), choice["accepted_tokens"])
        self.assertGreater(choice["accepted_tokens"], 0)
        self.assertTrue(
            any(draft["drafter"] == "ngram" and draft["nodes"] for each in deciding for draft in each["drafts"])
        )
        self.assertTrue(all(each["sample_ms"] > 0 and each["verify_ms"] > 0 for each in deciding))
        self.assertTrue(all(each.get("send_ms", -1) >= 0 for each in deciding))
        timings = choice["timings"]
        names = ("queue", "prefill", "draft_wait", "verify", "sample", "other")
        parts = sum(timings[f"{name}_ms"] for name in names)
        self.assertAlmostEqual(parts, timings["total_ms"], delta=max(1, 0.02 * timings["total_ms"]))

    def test_choices_stand_together(self):
        _, answer = self.ask("req-choices", tokens=4, n=2)
        trace = json.loads(self.trace(answer["id"], "--json").stdout)
        self.assertEqual([choice["index"] for choice in trace["choices"]], [0, 1])

    def test_the_table_is_for_people(self):
        self.ask("req-table", tokens=12)
        shown = self.trace("req-table")
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        for word in ("req-table", "queue", "prefill", "draft wait", "verify", "sample", "accepted", "ngram"):
            self.assertIn(word, shown.stdout)
        self.assertIn("req-table", self.trace().stdout)

    def test_a_request_that_nobody_knows_is_an_error_in_one_sentence(self):
        shown = self.trace("req-unknown")
        self.assertNotEqual(shown.returncode, 0)
        self.assertIn("req-unknown", shown.stderr)
        self.assertIn("--trace-requests", shown.stderr)

    def test_the_oldest_are_forgotten(self):
        for number in range(5):
            self.ask(f"req-many-{number}", tokens=1)
        listed = [entry["id"] for entry in json.loads(self.trace("--json").stdout)["data"]]
        self.assertEqual(listed, ["req-many-4", "req-many-3", "req-many-2"])


if __name__ == "__main__":
    unittest.main()
