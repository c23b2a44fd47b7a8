"""Calls of tools in all three APIs, and JSON of a schema, through a gateway whose verifiers are killed meanwhile."""

import json
import os
import pathlib
import sys
import tempfile
import unittest

import anthropic
import openai
import scripted_model
from scripted_service import WEATHER

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Measurements"))

import replicas  # noqa: E402

NAME = "scripted"
# Long enough to be struck in the middle, and slow enough.
SCRIPT = [f"{number}, " for number in range(1, 120)]
SCRIPT += ['\n<tool_call>\n{"name": "weather", "argu', 'ments": {"city": "Bern"}}\n</tool_call>']
FUNCTION = {"name": "weather", "parameters": WEATHER}
QUESTION = [{"role": "user", "content": "hi"}]


@unittest.skipUnless(os.environ.get("PACELINE"), "set PACELINE to the paceline executable")
class FailoverCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        model = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory())) / f"{NAME}.gguf"
        scripted_model.ScriptedModel({"otherwise": SCRIPT, "result": ["unused"]}, work=8).write(model)
        options = ["--context", 2048, "-t", 1, "--served-model-name", NAME, "--grace", "100ms"]
        cls.fleet = cls.enterClassContext(replicas.Replicas(model, 2, *options))

    def addresses(self):
        return self.fleet.replicas[0].http, self.fleet.address

    def struck(self, ask, values):
        """A verifier's own answer, and the gateway's, whose verifier is killed after some events; `values` compares."""
        direct, gateway = self.addresses()
        plain = values(list(ask(direct)))
        before = sum(self.fleet.failovers().values())
        events = []
        for event in ask(gateway):
            events.append(event)
            if len(events) == 12:
                [harmed] = self.fleet.busy()
                harmed.kill()
        harmed.restart()
        harmed.wait()
        self.fleet.await_ready(2)
        self.assertEqual(sum(self.fleet.failovers().values()), before + 1)
        self.assertEqual(values(events), plain)
        return plain

    def openai(self, address):
        return self.enterContext(openai.OpenAI(base_url=f"http://{address}/v1", api_key="none", max_retries=0))

    def test_chat(self):
        def ask(address):
            tools = [{"type": "function", "function": FUNCTION}]
            fields = {"model": NAME, "messages": QUESTION, "tools": tools, "seed": 5}
            return self.openai(address).chat.completions.create(stream=True, **fields)

        def values(chunks):
            deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
            parts = [part.function for delta in deltas for part in delta.tool_calls or []]
            text = "".join(delta.content or "" for delta in deltas)
            self.assertEqual(len({chunk.id for chunk in chunks}), 1)
            return text, [part.name for part in parts if part.name], "".join(part.arguments for part in parts)

        text, *call = self.struck(ask, values)
        self.assertEqual((text.rstrip()[-5:], call), (" 119,", [["weather"], '{"city": "Bern"}']))

    def test_responses(self):
        def ask(address):
            tools = [{"type": "function", **FUNCTION}]
            return self.openai(address).responses.create(model=NAME, input="hi", tools=tools, stream=True)

        def values(events):
            self.assertEqual([event.sequence_number for event in events], list(range(len(events))))
            items = events[-1].response.output
            deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
            self.assertEqual(items[0].content[0].text, deltas)
            return deltas, items[1].name, items[1].arguments, events[-1].response.usage.output_tokens

        self.assertEqual(self.struck(ask, values)[1:3], ("weather", '{"city": "Bern"}'))

    def test_messages(self):
        def ask(address):
            tools = [{"name": "weather", "input_schema": WEATHER}]
            client = self.enterContext(anthropic.Anthropic(base_url=f"http://{address}", api_key="none", max_retries=0))
            return client.messages.create(model=NAME, max_tokens=500, messages=QUESTION, tools=tools, stream=True)

        def values(events):
            text = "".join(getattr(event.delta, "text", "") for event in events if event.type == "content_block_delta")
            parts = (
                getattr(event.delta, "partial_json", "") for event in events if event.type == "content_block_delta"
            )
            [end] = [event for event in events if event.type == "message_delta"]
            return text, "".join(parts), end.delta.stop_reason, end.usage.output_tokens

        self.assertEqual(self.struck(ask, values)[1:3], ('{"city": "Bern"}', "tool_use"))

    def test_json_of_a_schema(self):
        kinds = {"type": "array", "items": {"enum": ["sunny", "rainy", 17, None]}, "minItems": 60, "maxItems": 60}
        form = {"type": "json_schema", "json_schema": {"name": "kinds", "schema": kinds}}

        def ask(address):
            fields = {"model": NAME, "messages": QUESTION, "response_format": form, "seed": 5, "temperature": 1}
            return self.openai(address).chat.completions.create(stream=True, **fields)

        def values(chunks):
            return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)

        items = json.loads(self.struck(ask, values))
        self.assertEqual((len(items), len(set(items))), (60, 4))

    def test_counts_and_errors_come_through(self):
        _, gateway = self.addresses()
        client = self.enterContext(anthropic.Anthropic(base_url=f"http://{gateway}", api_key="none", max_retries=0))
        counts = client.messages.count_tokens(model=NAME, messages=QUESTION)
        self.assertGreater(counts.input_tokens, 0)
        with self.assertRaises(anthropic.NotFoundError) as caught:
            client.messages.create(model="another", max_tokens=5, messages=QUESTION)
        self.assertEqual(caught.exception.body["error"]["type"], "not_found_error")
        with self.assertRaises(openai.BadRequestError) as caught:
            self.openai(gateway).responses.create(model=NAME, input="hi", previous_response_id="resp_1")
        self.assertEqual(caught.exception.param, "previous_response_id")


if __name__ == "__main__":
    unittest.main()
