"""LangChain's ChatOpenAI: messages, usage metadata, log-probabilities, tools."""

import os
import unittest

# Nothing may leave this machine.
os.environ["LANGSMITH_TRACING"] = "false"

import openai  # noqa: E402
from langchain_openai import ChatOpenAI, OpenAI  # noqa: E402
from service import CHAT, MODEL, TEXT, TOKENS, ServiceCase  # noqa: E402

MESSAGES = [(message["role"], message["content"]) for message in CHAT]


def weather(city: str) -> str:
    """Tells the weather."""
    return f"fine in {city}"


class LangChain(ServiceCase):
    def model(self, address, **options):
        fields = {"model": MODEL, "temperature": 0, "max_tokens": TOKENS, "max_retries": 0}
        return ChatOpenAI(**fields | {"base_url": address, "api_key": self.key} | options)

    def test_an_invocation_is_answered_with_usage(self):
        def ask(address):
            message = self.model(address).invoke(MESSAGES)
            usage = message.usage_metadata
            self.assertEqual((usage["output_tokens"], message.response_metadata["finish_reason"]), (TOKENS, "length"))
            self.assertEqual(usage["total_tokens"], usage["input_tokens"] + TOKENS)
            self.assertIn("cache_read", usage["input_token_details"])
            return message.content

        self.assertTrue(self.alike(ask))

    def test_a_stream_is_the_whole_text_with_usage(self):
        def ask(address):
            chunks = list(self.model(address, stream_usage=True).stream(MESSAGES))
            whole = sum(chunks[1:], start=chunks[0])
            self.assertEqual(whole.usage_metadata["output_tokens"], TOKENS)
            self.assertEqual(whole.response_metadata["finish_reason"], "length")
            return whole.content

        self.assertEqual(self.alike(ask), self.model(self.plain).invoke(MESSAGES).content)

    def test_logprobs_of_a_stream_are_those_of_an_invocation(self):
        def ask(address):
            model = self.model(address, logprobs=True, top_logprobs=1)
            whole = model.invoke(MESSAGES).response_metadata["logprobs"]["content"]
            chunks = list(model.stream(MESSAGES))
            self.assertEqual(sum(chunks[1:], start=chunks[0]).response_metadata["logprobs"]["content"], whole)
            return [(item["token"], item["logprob"]) for item in whole]

        self.assertEqual(len(self.alike(ask)), TOKENS)

    def test_tools_that_are_bound_and_not_used_change_no_status(self):
        text = self.alike(lambda address: self.model(address).bind_tools([weather]).invoke(MESSAGES).content)
        self.assertTrue(text)

    def test_a_batch_gets_what_single_invocations_get(self):
        prompts = ["Count to three.", "Name a colour.", "Say yes."]
        together = self.alike(lambda address: [message.content for message in self.model(address).batch(prompts)])
        self.assertEqual(together, [self.model(self.plain).invoke(prompt).content for prompt in prompts])

    def test_text_is_completed(self):
        def ask(address):
            model = OpenAI(model=MODEL, base_url=address, api_key=self.key, temperature=0, max_tokens=16)
            return model.invoke(TEXT), "".join(model.stream(TEXT))

        whole, streamed = self.alike(ask)
        self.assertTrue(whole)
        self.assertEqual(streamed, whole)

    def test_a_wrong_key_is_an_error_of_authentication(self):
        with self.assertRaises(openai.AuthenticationError):
            self.model(self.plain, api_key="wrong").invoke(MESSAGES)


if __name__ == "__main__":
    unittest.main()
