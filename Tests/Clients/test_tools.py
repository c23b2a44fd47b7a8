"""Calls of tools, through OpenAI's client: chat and the Responses API, whole, streamed and joined by its helpers."""

import json
import unittest

import openai
from scripted_service import CALL, NAME, WEATHER, ScriptedCase

TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "time", "parameters": {"type": "object", "properties": {}}}},
]
FLAT_TOOLS = [{"type": "function", **tool["function"]} for tool in TOOLS]


def ask(text, **fields):
    return {"model": NAME, "messages": [{"role": "user", "content": text}], "tools": TOOLS} | fields


class OpenAICase(ScriptedCase):
    def client(self, address):
        return self.enterContext(openai.OpenAI(base_url=address, api_key="none", max_retries=0))


class ChatCalls(OpenAICase):
    def whole(self, address, **fields):
        [choice] = self.client(address).chat.completions.create(**fields).choices
        calls = [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or []]
        return choice.message.content, calls, choice.finish_reason

    def streamed(self, address, **fields):
        """Joined as every client does it: the first part of a call has its id and name."""
        content, calls, reasons = "", [], []
        for chunk in self.client(address).chat.completions.create(stream=True, **fields):
            for choice in chunk.choices:
                content += choice.delta.content or ""
                reasons += [choice.finish_reason] if choice.finish_reason else []
                for part in choice.delta.tool_calls or []:
                    if part.id:
                        self.assertEqual((part.index, part.type, len(part.id)), (len(calls), "function", 9))
                        calls.append([part.function.name, ""])
                    calls[part.index][1] += part.function.arguments
        [reason] = reasons
        return content or None, [tuple(call) for call in calls], reason

    def joined(self, address, **fields):
        with self.client(address).chat.completions.stream(**fields) as stream:
            [choice] = stream.get_final_completion().choices
        calls = [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or []]
        return choice.message.content or None, calls, choice.finish_reason

    def everywhere(self, **fields):
        """The same answer from all verifiers, in all three ways."""
        whole = self.alike(lambda address: self.whole(address, **fields))
        self.assertEqual(self.alike(lambda address: self.streamed(address, **fields)), whole)
        self.assertEqual(self.alike(lambda address: self.joined(address, **fields)), whole)
        return whole

    def test_a_call_behind_text(self):
        self.assertEqual(self.everywhere(**ask("the weather, please")), ("I look.", [CALL], "tool_calls"))

    def test_two_calls_and_no_text(self):
        calls = [("weather", '{"city": "Bern"}'), ("time", "{}")]
        self.assertEqual(self.everywhere(**ask("both of them")), (None, calls, "tool_calls"))
        one = ask("both of them", parallel_tool_calls=False)
        self.assertEqual(self.everywhere(**one), (None, calls[:1], "tool_calls"))

    def test_a_call_that_is_forced(self):
        calls = [("weather", '{"city": "Bern"}'), ("time", "{}")]
        self.assertEqual(self.everywhere(**ask("both of them", tool_choice="required")), (None, calls, "tool_calls"))
        # The model would say something else, so chance decides unless the temperature is 0.
        named = {"type": "function", "function": {"name": "time"}}
        for text in ("both of them", "the weather, please"):
            content, [(name, arguments)], reason = self.everywhere(
                **ask(text, tool_choice=named, parallel_tool_calls=False, temperature=0)
            )
            self.assertEqual((content, name, json.loads(arguments), reason), (None, "time", {}, "tool_calls"))

    def test_a_broken_call_is_text_of_which_nothing_is_lost(self):
        text = '<tool_call>\n{"name": "weather", "arguments": {"city": oops}}\n</tool_call> Sorry.'
        self.assertEqual(self.everywhere(**ask("a broken one")), (text, [], "stop"))

    def test_no_call_may_be_made(self):
        content, calls, reason = self.everywhere(**ask("the weather, please", tool_choice="none"))
        self.assertEqual((calls, reason), ([], "stop"))
        self.assertIn("<tool_call>", content)

    def test_the_result_of_a_call_leads_to_an_answer(self):
        def loop(address):
            client, messages = self.client(address), [{"role": "user", "content": "the weather, please"}]
            answer = client.chat.completions.create(model=NAME, messages=messages, tools=TOOLS)
            message = answer.choices[0].message
            messages.append(message.model_dump(exclude_none=True))
            for call in message.tool_calls:
                self.assertEqual(json.loads(call.function.arguments), {"city": "Zürich"})
                messages.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
            return client.chat.completions.create(model=NAME, messages=messages, tools=TOOLS).choices[0].message.content

        self.assertEqual(self.alike(loop), "It is sunny in Zürich.")

    def test_workers_draft_calls(self):
        client = self.client(self.addresses["drafted"])
        # When drafts come is a matter of luck.
        answers = (client.chat.completions.create(**ask("the weather, please")) for _ in range(20))
        self.assertTrue(any(answer.timings["draft_n_accepted"] for answer in answers))


class Responses(OpenAICase):
    FIELDS = {"model": NAME, "tools": FLAT_TOOLS, "input": "the weather, please"}

    @staticmethod
    def items(response):
        """An item in a few values, without ids."""

        def item(each):
            if each.type == "function_call":
                return (each.name, each.arguments, each.status)
            return (each.type, "".join(part.text for part in each.content), each.status)

        return response.status, [item(each) for each in response.output]

    EXPECTED = ("completed", [("message", "I look.", "completed"), (*CALL, "completed")])

    def test_an_answer_in_one_piece(self):
        whole = self.alike(lambda address: self.items(self.client(address).responses.create(**self.FIELDS)))
        self.assertEqual(whole, self.EXPECTED)
        response = self.client(self.addresses["plain"]).responses.create(model=NAME, input="hi", instructions="kind")
        self.assertEqual((response.output_text, response.instructions), ("Hello there, friend.", "kind"))
        self.assertEqual(response.usage.total_tokens, response.usage.input_tokens + response.usage.output_tokens)

    def test_a_stream_of_events(self):
        def events(address):
            stream = list(self.client(address).responses.create(stream=True, **self.FIELDS))
            self.assertEqual([event.sequence_number for event in stream], list(range(len(stream))))
            kinds = [event.type for event in stream]
            self.assertEqual(kinds[:2] + kinds[-1:], [f"response.{n}" for n in ("created", "in_progress", "completed")])
            arguments = "".join(e.delta for e in stream if e.type == "response.function_call_arguments.delta")
            self.assertEqual(arguments, CALL[1])
            return self.items(stream[-1].response)

        self.assertEqual(self.alike(events), self.EXPECTED)

    def test_the_stream_helper_joins_the_events(self):
        def final(address):
            with self.client(address).responses.stream(**self.FIELDS) as stream:
                return self.items(stream.get_final_response())

        self.assertEqual(self.alike(final), self.EXPECTED)

    def test_the_result_of_a_call_leads_to_an_answer(self):
        def loop(address):
            client, conversation = self.client(address), [{"role": "user", "content": "the weather, please"}]
            response = client.responses.create(model=NAME, tools=FLAT_TOOLS, input=conversation, store=False)
            conversation += [item.model_dump(exclude_none=True) for item in response.output]
            calls = [item for item in response.output if item.type == "function_call"]
            for call in calls:
                conversation.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
            return client.responses.create(model=NAME, tools=FLAT_TOOLS, input=conversation, store=False).output_text

        self.assertEqual(self.alike(loop), "It is sunny in Zürich.")

    def test_what_needs_a_memory_is_refused_by_name(self):
        for field, value in {"previous_response_id": "resp_1", "store": True, "background": True}.items():
            with self.subTest(field), self.assertRaises(openai.BadRequestError) as caught:
                self.client(self.addresses["plain"]).responses.create(model=NAME, input="hi", **{field: value})
            self.assertEqual(caught.exception.param, field)

    def test_the_input_is_counted(self):
        counted = self.client(self.addresses["plain"]).responses.input_tokens.count(model=NAME, input="hi")
        answer = self.client(self.addresses["plain"]).responses.create(model=NAME, input="hi")
        self.assertEqual(counted.input_tokens, answer.usage.input_tokens)


if __name__ == "__main__":
    unittest.main()
