"""litellm: how it maps answers, streams and errors of a server that speaks OpenAI's API."""

import os
import unittest

# Otherwise it asks the network for the prices of models.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm  # noqa: E402
from service import CHAT, MODEL, TEXT, TOKENS, TOO_LONG, ServiceCase  # noqa: E402


class LiteLLM(ServiceCase):
    def ask(self, address, **fields):
        asked = {"model": f"openai/{MODEL}", "messages": CHAT, "temperature": 0, "max_tokens": TOKENS, "max_retries": 0}
        return litellm.completion(**asked | {"api_base": address, "api_key": self.key} | fields)

    def whole(self, address, **fields):
        return self.ask(address, **fields).choices[0].message.content

    def test_a_chat_is_answered_with_usage(self):
        def ask(address):
            answer = self.ask(address)
            self.assertEqual(answer.choices[0].finish_reason, "length")
            self.assertEqual(answer.usage.completion_tokens, TOKENS)
            return answer.choices[0].message.content

        self.assertTrue(self.alike(ask))

    def test_a_stream_is_the_whole_text_with_usage(self):
        def ask(address):
            chunks = list(self.ask(address, stream=True, stream_options={"include_usage": True}))
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
            built = litellm.stream_chunk_builder(chunks, messages=CHAT)
            self.assertEqual(built.choices[0].message.content, text)
            self.assertEqual(built.choices[0].finish_reason, "length")
            self.assertEqual(built.usage.completion_tokens, TOKENS)
            return text

        self.assertEqual(self.alike(ask), self.whole(self.plain))

    def test_a_stream_without_usage_can_be_built_together(self):
        def ask(address):
            chunks = list(self.ask(address, stream=True))
            return litellm.stream_chunk_builder(chunks, messages=CHAT).choices[0].message.content

        self.assertEqual(self.alike(ask), self.whole(self.plain))

    def test_seeds_logprobs_and_choices_arrive(self):
        def ask(address):
            answer = self.ask(address, temperature=0.9, seed=5, n=2, logprobs=True, top_logprobs=1)
            return [
                (choice.message.content, [item["logprob"] for item in choice.logprobs["content"]])
                for choice in answer.choices
            ]

        choices = self.alike(ask)
        self.assertEqual([len(values) for _, values in choices], [TOKENS, TOKENS])

    def test_text_is_completed(self):
        def ask(address):
            answer = litellm.text_completion(
                model=f"text-completion-openai/{MODEL}",
                prompt=TEXT,
                temperature=0,
                max_tokens=16,
                api_base=address,
                api_key=self.key,
            )
            return answer.choices[0].text

        self.assertTrue(self.alike(ask))

    def test_errors_have_the_classes_that_callers_catch(self):
        cases = [
            (litellm.BadRequestError, {"temperature": -1}),
            (litellm.AuthenticationError, {"api_key": "wrong"}),
            (litellm.NotFoundError, {"model": "openai/gpt-99"}),
            (litellm.ContextWindowExceededError, {"messages": [{"role": "user", "content": TOO_LONG}]}),
        ]
        for kind, fields in cases:
            for stream in (False, True):
                with self.subTest(kind.__name__, stream=stream):
                    with self.assertRaises(kind) as caught:
                        self.ask(self.plain, stream=stream, **fields)
                    self.assertIs(type(caught.exception), kind)


if __name__ == "__main__":
    unittest.main()
