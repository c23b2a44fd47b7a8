"""Anthropic's client: messages, streams, tools and counts, translated onto chat."""

import unittest

import anthropic
from scripted_service import CALL, NAME, WEATHER, ScriptedCase

TOOLS = [{"name": "weather", "description": "Tells the weather.", "input_schema": WEATHER}]


def ask(text, **fields):
    return {"model": NAME, "max_tokens": 500, "messages": [{"role": "user", "content": text}]} | fields


def blocks(message):
    """A message in a few values, without ids."""
    values = [block.text if block.type == "text" else (block.name, block.input) for block in message.content]
    return values, message.stop_reason, message.stop_sequence


class Messages(ScriptedCase):
    def client(self, address):
        return self.enterContext(anthropic.Anthropic(base_url=address.root, api_key="none", max_retries=0))

    def streamed(self, address, **fields):
        with self.client(address).messages.stream(**fields) as stream:
            return stream.get_final_message()

    def everywhere(self, **fields):
        whole = self.alike(lambda address: blocks(self.client(address).messages.create(**fields)))
        self.assertEqual(self.alike(lambda address: blocks(self.streamed(address, **fields))), whole)
        return whole

    def test_text(self):
        self.assertEqual(self.everywhere(**ask("hi", system="Be kind.")), (["Hello there, friend."], "end_turn", None))
        cut = ask("hi", stop_sequences=["there"])
        self.assertEqual(self.everywhere(**cut), (["Hello "], "stop_sequence", "there"))
        self.assertEqual(self.everywhere(**ask("hi", max_tokens=2)), (["Hello there, "], "max_tokens", None))

    def test_a_call(self):
        called = self.everywhere(**ask("the weather, please", tools=TOOLS))
        self.assertEqual(called, (["I look.", (CALL[0], {"city": "Zürich"})], "tool_use", None))

    def test_the_result_of_a_call_leads_to_an_answer(self):
        def loop(address):
            fields = ask("the weather, please", tools=TOOLS)
            message = self.streamed(address, **fields)
            [call] = [block for block in message.content if block.type == "tool_use"]
            result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "sunny"}]}
            fields["messages"] = [
                *fields["messages"],
                {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in message.content]},
                {"role": "user", "content": [result]},
            ]
            return blocks(self.client(address).messages.create(**fields))

        self.assertEqual(self.alike(loop), (["It is sunny in Zürich."], "end_turn", None))

    def test_tokens_are_counted_alike_before_in_and_after_an_answer(self):
        fields = ask("the weather, please", tools=TOOLS)
        client = self.client(self.addresses["plain"])
        count = client.messages.count_tokens(**{name: fields[name] for name in ("model", "messages", "tools")})
        events = list(client.messages.create(stream=True, **fields))
        [start] = [event.message for event in events if event.type == "message_start"]
        self.assertEqual(start.usage.input_tokens, count.input_tokens)
        usage = client.messages.create(**fields).usage
        self.assertEqual(usage.input_tokens + usage.cache_read_input_tokens, count.input_tokens)
        [delta] = [event.usage for event in events if event.type == "message_delta"]
        self.assertEqual(delta.output_tokens, usage.output_tokens)

    def test_errors_are_of_the_classes_that_the_client_knows(self):
        client = self.client(self.addresses["plain"])
        with self.assertRaises(anthropic.BadRequestError) as caught:
            client.messages.create(**ask("hi", extra_body={"temperature": -1}))
        self.assertEqual(caught.exception.body["error"]["type"], "invalid_request_error")
        with self.assertRaises(anthropic.NotFoundError):
            client.messages.create(**ask("hi") | {"model": "another"})
        with self.assertRaises(anthropic.BadRequestError) as caught:
            client.messages.create(**ask("word " * 5000))
        self.assertIn("maximum context length", str(caught.exception))


if __name__ == "__main__":
    unittest.main()
