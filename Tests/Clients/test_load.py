"""`paceline bench serve` against the verifiers: what it counts, what it writes, and how it ends."""

import json
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest
import xml.dom.minidom

from service import MODEL, TOKENS, ServiceCase, cluster


class Load(ServiceCase):
    def start(self, address, *arguments):
        command = [cluster.EXECUTABLE, "bench", "serve", "--url", address, "--api-key", self.key, "-n", TOKENS]
        return subprocess.Popen(
            [str(argument) for argument in [*command, *arguments]],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ended(self, process, status=0):
        output, errors = process.communicate(timeout=120)
        if status is not None:
            self.assertEqual(process.returncode, status, errors)
        return output, errors

    def report(self, address, *arguments):
        return json.loads(self.ended(self.start(address, *arguments, "--json"))[0])

    def folder(self):
        return pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_prompts_and_texts_have_the_length_asked_for(self):
        for address in (self.plain, self.drafted.root):
            with self.subTest(address):
                report = self.report(address, "--concurrency", 2, "--requests", 6, "--prompt-tokens", 40)
                [result] = report["results"]
                self.assertEqual(result["requests"]["completed"], 6)
                self.assertEqual(result["tokens"]["prompt"], 6 * 40)
                self.assertEqual(result["tokens"]["output"], 6 * TOKENS)
                latency = result["latency_ms"]
                self.assertEqual(latency["ttft"]["count"], 6)
                self.assertLess(latency["ttft"]["max"], latency["e2e"]["max"])

    def test_an_open_loop_keeps_its_schedule(self):
        report = self.report(self.plain, "--rate", 20, "--arrivals", "constant", "--requests", 20, "--prompt-tokens", 4)
        [result] = report["results"]
        self.assertAlmostEqual(result["throughput"]["offered_requests_per_s"], 20, places=3)
        self.assertEqual(result["requests"]["sent"], 20)
        self.assertEqual(result["latency_ms"]["schedule_lag"]["count"], 20)

    def test_the_same_seed_sends_the_same_requests(self):
        options = ["--seed", 7, "--rate", 30, "--requests", 8, "--prompt-tokens", 8]
        first, second = (self.report(self.plain, *options)["results"][0] for _ in range(2))
        self.assertEqual(first["tokens"], second["tokens"])
        offered = [result["throughput"]["offered_requests_per_s"] for result in (first, second)]
        self.assertAlmostEqual(*offered, places=6)

    def test_data_sets_of_every_form_are_sent(self):
        lines = [
            {"prompt": "Once upon a time"},
            {"question_id": 1, "turns": ["Name a river.", "Another."]},
            {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a hill."}]},
        ]
        file = self.folder() / "prompts.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        options = ["--dataset", file, "--chat", "--requests", 6, "--concurrency", 3, "--ignore-eos"]
        [result] = self.report(self.plain, *options)["results"]
        self.assertEqual(result["tokens"]["output"], 6 * TOKENS)
        _, errors = self.ended(self.start(self.plain, "--dataset", file, "--concurrency", 1), 64)
        self.assertIn("add --chat", errors)

    def test_a_comparison_finds_the_same_texts(self):
        report = self.report(self.drafted, "--compare", "--turns", 2, "--concurrency", 2, "--requests", 4)
        self.assertEqual([result["name"] for result in report["results"]], ["plain", "speculative"])
        plain, speculative = report["results"]
        self.assertEqual(plain["tokens"].get("drafted"), 0)
        self.assertGreater(speculative["tokens"]["accepted"], 0)
        comparison = report["comparison"]
        self.assertEqual((comparison["compared_texts"], comparison["equal_texts"]), (8, 8))
        self.assertEqual(len(comparison["output_tokens_per_s_by_pair"]), 2)

    def test_plots_and_distributions_are_written(self):
        folder = self.folder()
        files = ["--svg", folder / "plot.svg", "--hdr", folder / "latency.hgrm"]
        output, errors = self.ended(self.start(self.plain, "--concurrency", 2, "--requests", 4, *files))
        self.assertIn("time to first token (ttft)", output)
        self.assertEqual(errors, "")
        picture = xml.dom.minidom.parse(str(folder / "plot.svg"))
        self.assertEqual(picture.documentElement.tagName, "svg")
        names = sorted(file.name for file in folder.glob("*.hgrm"))
        wanted = ["e2e", "itl", "schedule_lag", "tpot", "ttft"]
        self.assertEqual(names, [f"latency-{name}.hgrm" for name in wanted])
        lines = (folder / "latency-ttft.hgrm").read_text().splitlines()
        self.assertEqual(lines[0].split(), ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"])
        self.assertIn("Total count    =            4]", lines[-2])

    def verifier(self, *options):
        """A verifier of one slot without a key: its process and its address."""
        processes = self.enterContext(cluster.Cluster())
        process, _, address = processes.verifier(MODEL, "--slots", 1, "--context", 512, "-t", 1, *options)
        return process, f"http://{address}"

    def test_refusals_are_counted_by_kind(self):
        _, address = self.verifier("--queue-limit", 1)
        [result] = self.report(address, "--rate", 300, "--requests", 40, "--prompt-tokens", 4)["results"]
        refused = result["requests"]["failed"]["429"]
        self.assertEqual(result["requests"]["completed"] + refused, 40)
        self.assertGreaterEqual(result["requests"]["completed"], 2)
        self.assertEqual(result["latency_ms"]["refusal"]["count"], refused)
        self.assertIn("the verifier is full", result["requests"]["examples"]["429"])

    def test_a_server_that_dies_cuts_answers_and_then_takes_no_connections(self):
        server, address = self.verifier()
        paced = ["--rate", 20, "--duration", "6s", "--prompt-tokens", 4, "-n", 400]
        process = self.start(address, *paced, "--json")
        time.sleep(3)
        server.child.kill()
        report = json.loads(self.ended(process, None)[0])
        failed = report["results"][0]["requests"]["failed"]
        self.assertGreaterEqual(failed["cut"], 1)
        self.assertGreaterEqual(failed["connection"], 1)
        self.assertEqual(set(failed), {"cut", "connection"})

    def test_an_interrupted_test_reports_what_it_has(self):
        process = self.start(self.plain, "--concurrency", 1, "--duration", "60s", "--prompt-tokens", 4, "--json")
        time.sleep(3)
        process.send_signal(signal.SIGINT)
        output, _ = self.ended(process, 128 + signal.SIGINT)
        report = json.loads(output)
        self.assertTrue(report["interrupted"])
        self.assertGreater(report["results"][0]["requests"]["completed"], 0)

    def test_what_cannot_be_tested_is_said_in_a_sentence(self):
        wrong = {
            "http://127.0.0.1:1": "cannot be tested",
            "ftp://127.0.0.1:1": "--url must be",
            self.plain.root + "/nothing": "status 404",
        }
        for address, words in wrong.items():
            with self.subTest(address):
                process = self.start(address, "--concurrency", 1)
                output, errors = process.communicate(timeout=60)
                self.assertNotEqual(process.returncode, 0)
                self.assertEqual((output, errors.count("\n")), ("", 1))
                self.assertIn(words, errors)
        _, errors = self.ended(self.start(self.plain, "--api-key", "wrong", "--concurrency", 1), 1)
        self.assertIn("401", errors)


if __name__ == "__main__":
    unittest.main()
