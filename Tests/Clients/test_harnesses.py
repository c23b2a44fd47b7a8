"""Harnesses that measure quality or speed end with a report. PACELINE_TEST_HARNESSES=1 turns them on: their packages
take gigabytes.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from service import MODEL, ServiceCase

TASK = {
    "task": "capitals",
    "dataset_path": "json",
    "dataset_kwargs": {"data_files": {"test": "QUESTIONS"}},
    "test_split": "test",
    "output_type": "multiple_choice",
    "doc_to_text": "{{question}} Answer:",
    "doc_to_choice": "{{choices}}",
    "doc_to_target": "{{answer}}",
    "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
}
QUESTIONS = [
    {"question": "What is the capital of France?", "choices": ["Paris", "Rome", "Madrid"], "answer": 0},
    {"question": "What is the capital of Italy?", "choices": ["Paris", "Rome", "Madrid"], "answer": 1},
    {"question": "What is the capital of Spain?", "choices": ["Paris", "Rome", "Madrid"], "answer": 2},
    {"question": "What is two plus two?", "choices": ["three", "four"], "answer": 1},
]


@unittest.skipUnless(os.environ.get("PACELINE_TEST_HARNESSES") == "1", "set PACELINE_TEST_HARNESSES=1")
class Harnesses(ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        import tokenizer_folder

        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.tokenizer = cls.folder / "tokenizer"
        cls.tokenizer.mkdir()
        tokenizer_folder.write(model_file(), cls.tokenizer)
        questions = cls.folder / "questions.jsonl"
        questions.write_text("".join(json.dumps(question) + "\n" for question in QUESTIONS))
        # JSON is YAML, too.
        tasks = cls.folder / "tasks"
        tasks.mkdir()
        (tasks / "capitals.yaml").write_text(json.dumps(TASK).replace("QUESTIONS", str(questions)))

    def harness(self, *arguments, offline=True):
        """Runs a module of Python in a folder of its own.

        `offline` keeps Hugging Face's libraries from asking a hub.
        """
        folder = self.enterContext(tempfile.TemporaryDirectory())
        hub = {"HF_HOME": f"{self.folder}/hub"} | ({"HF_HUB_OFFLINE": "1"} if offline else {})
        done = subprocess.run(
            [sys.executable, "-m", *map(str, arguments)],
            env=os.environ | hub | {"OPENAI_API_KEY": self.key},
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        self.assertEqual(done.returncode, 0, done.stdout[-4000:])
        return pathlib.Path(folder)

    def test_lm_eval_scores_choices_alike(self):
        def ask(address):
            model = {"model": MODEL, "base_url": f"{address}/completions", "tokenizer": self.tokenizer}
            folder = self.harness(
                "lm_eval",
                *["--model", "local-completions"],
                *["--model_args", ",".join(f"{name}={value}" for name, value in model.items())],
                *["--tasks", "capitals", "--include_path", self.folder / "tasks"],
                *["--batch_size", "4", "--log_samples", "--output_path", "."],
            )
            [results] = folder.rglob("results_*.json")
            [samples] = folder.rglob("samples_*.jsonl")
            scores = json.loads(results.read_text())["results"]["capitals"]
            rows = [json.loads(line) for line in samples.read_text().splitlines()]
            answers = {row["doc"]["question"]: row["filtered_resps"] for row in rows}
            return scores["acc,none"], scores["acc_norm,none"], answers

        accuracy, _, answers = self.alike(ask)
        self.assertEqual(len(answers), len(QUESTIONS))
        self.assertGreater(accuracy, 0)

    def test_guidellm_ends_with_a_report(self):
        for address in (self.plain, self.drafted):
            with self.subTest(address):
                folder = self.harness(
                    *["guidellm", "run"],
                    *["--backend", f"kind=openai_http,target={address.root},model={MODEL},api_key={self.key}"],
                    *["--tokenizer", f"kind=hf_auto,model={self.tokenizer}"],
                    *["--data", "kind=synthetic_text,prompt_tokens=32,output_tokens=16"],
                    *["--profile", "kind=concurrent,streams=2"],
                    *["--constraint", "kind=max_requests,count=6"],
                    *["--output", "kind=json,path=report.json", "--disable-console"],
                )
                [benchmark] = json.loads((folder / "report.json").read_text())["benchmarks"]
                totals = benchmark["metrics"]["request_totals"]
                self.assertEqual((totals["successful"], totals["errored"]), (6, 0))
                self.assertEqual(benchmark["metrics"]["output_token_count"]["successful"]["mean"], 16)

    def test_aiperf_ends_with_a_report(self):
        for address in (self.plain, self.drafted):
            with self.subTest(address):
                folder = self.harness(
                    *["aiperf", "profile", "--model", MODEL, "--url", address.root, "--api-key", self.key],
                    *["--endpoint-type", "chat", "--streaming", "--tokenizer", self.tokenizer],
                    *["--synthetic-input-tokens-mean", 32, "--output-tokens-mean", 16],
                    *["--extra-inputs", "ignore_eos:true", "--request-count", 6, "--concurrency", 2],
                    *["--ui", "none", "--artifact-dir", "report"],
                    # In offline mode aiperf takes a folder for a name in the hub and refuses it.
                    offline=False,
                )
                report = json.loads((folder / "report" / "profile_export_aiperf.json").read_text())
                self.assertEqual(report["request_count"]["avg"], 6)
                self.assertFalse(report.get("error_summary"))
                self.assertGreater(report["output_token_throughput"]["avg"], 0)


def model_file():
    """The file of the model that the verifier knows by name."""
    models = pathlib.Path(os.environ.get("PACELINE_MODELS", pathlib.Path.home() / ".cache/paceline/models"))
    [file] = models.glob("SmolLM2-135M-Instruct.*.gguf") if MODEL == "smollm2-135m" else [pathlib.Path(MODEL)]
    return str(file)


if __name__ == "__main__":
    unittest.main()
