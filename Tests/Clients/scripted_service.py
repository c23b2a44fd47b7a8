"""Verifiers with a model that calls tools because a script says so: alone, with workers, and with one that lies."""

import atexit
import functools
import os
import pathlib
import tempfile
import unittest

import scripted_model
from service import Address, cluster

NAME = "scripted"
# What must be cut right where several tokens come at once: one token ends a call and begins the next one.
SCRIPTS = {
    "weather": [
        "I ",
        "look.",
        '\n\n<tool_call>\n{"name": "weather", ',
        '"arguments": {"ci',
        'ty": "Zürich"}',
        "}\n</tool_call>",
    ],
    "both": [
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Bern"}}\n</tool',
        '_call>\n<tool_call>\n{"name": "time", "argu',
        'ments": {}}\n</tool_call>',
    ],
    "broken": ['<tool_call>\n{"name": "weather", "arguments": {"city": ', "oops}}\n</tool_call>", " Sorry."],
    "result": ["It is ", "sunny ", "in Zürich."],
    "otherwise": ["Hello ", "there, ", "friend."],
}
CALL = ("weather", '{"city": "Zürich"}')
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class ScriptedService:
    """Lives as long as this process."""

    def __init__(self, scripts=SCRIPTS):
        self.processes = cluster.Cluster()
        atexit.register(self.processes.close)
        folder = pathlib.Path(self.processes.enter_context(tempfile.TemporaryDirectory()))
        model, quick, liar = folder / f"{NAME}.gguf", folder / "quick.gguf", folder / "liar.gguf"
        # Slow enough for drafts to come in time.
        scripted_model.ScriptedModel(scripts, work=8).write(model)
        scripted_model.ScriptedModel(scripts).write(quick)
        scripted_model.ScriptedModel(scripts, errs=True).write(liar)
        drafted = ["--always-draft", "--draft-wait", "1s", "--draft-delay", "10s"]
        self.addresses = {}
        for name, drafters in {"plain": [], "drafted": [[quick], ["ngram"]], "lied to": [[liar]]}.items():
            options = ["--context", 4096, "-t", 1, "--slots", 4, "--served-model-name", NAME]
            _, link, http = self.processes.verifier(model, *options, *(drafted if drafters else []))
            for each in drafters:
                self.processes.worker(link, each, "-t", 1)
            if drafters:
                cluster.Client(http).await_workers(len(drafters))
            self.addresses[name] = Address(f"http://{http}/v1")


service = functools.cache(ScriptedService)


@unittest.skipUnless(os.environ.get("PACELINE"), "set PACELINE to the paceline executable")
class ScriptedCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.addresses = service().addresses

    def alike(self, ask):
        """Asks all verifiers, and returns the answer after checking that it is the same."""
        answers = {name: ask(address) for name, address in self.addresses.items()}
        for name, answer in answers.items():
            self.assertEqual(answer, answers["plain"], name)
        return answers["plain"]
