"""llm, the command line tool, with its own file of extra models."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from service import CHAT, MODEL, TEXT, TOKENS, ServiceCase

# JSON is YAML, too.
SYSTEM, PROMPT = (message["content"] for message in CHAT)
OPTIONS = ["-o", "temperature", "0", "-o", "max_tokens", str(TOKENS)]


class CommandLine(ServiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.home = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        models = [
            {"model_id": name, "model_name": MODEL, "api_base": address, "api_key_name": "ours"} | options
            for name, address, options in [
                ("plain", cls.plain, {}),
                ("drafted", cls.drafted, {}),
                ("plain-text", cls.plain, {"completion": True}),
                ("drafted-text", cls.drafted, {"completion": True}),
            ]
        ]
        (cls.home / "extra-openai-models.yaml").write_text(json.dumps(models))
        (cls.home / "keys.json").write_text(json.dumps({"ours": cls.key}))

    def llm(self, *arguments, succeeds=True):
        environment = os.environ | {"LLM_USER_PATH": str(self.home)}
        done = subprocess.run(
            [sys.executable, "-m", "llm", *arguments], env=environment, capture_output=True, text=True, timeout=120
        )
        self.assertEqual(done.returncode == 0, succeeds, done.stderr)
        return done

    def prompt(self, model, *arguments):
        return self.llm("-m", model, "-s", SYSTEM, *OPTIONS, *arguments, PROMPT)

    def test_a_conversation_is_the_same_with_and_without_workers(self):
        def ask(model):
            first = self.prompt(model, "--usage")
            self.assertIn(f" input, {TOKENS} output", first.stderr)
            return first.stdout, self.llm("-c", *OPTIONS, "And again.").stdout

        answers = ask("plain")
        self.assertTrue(answers[0].strip())
        self.assertEqual(ask("drafted"), answers)
        whole = self.prompt("drafted", "--usage", "--no-stream")
        self.assertEqual(whole.stdout, answers[0])
        self.assertIn(f" input, {TOKENS} output", whole.stderr)

    def test_text_is_completed(self):
        answers = [self.llm("-m", f"{model}-text", *OPTIONS, TEXT).stdout for model in ("plain", "drafted")]
        self.assertTrue(answers[0].strip())
        self.assertEqual(*answers)

    def test_the_sentence_of_an_error_is_shown(self):
        refused = self.llm("-m", "plain", "-o", "temperature", "0", "-o", "max_tokens", "-5", PROMPT, succeeds=False)
        self.assertIn("max_tokens", refused.stderr)


if __name__ == "__main__":
    unittest.main()
