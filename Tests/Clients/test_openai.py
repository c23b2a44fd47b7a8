"""OpenAI's own client: what it parses, concatenates and raises."""

import asyncio
import itertools
import time
import unittest

import openai
from service import CHAT, CONTEXT, MODEL, TEXT, TOKENS, TOO_LONG, ServiceCase

GREEDY = {"model": MODEL, "messages": CHAT, "temperature": 0, "max_tokens": TOKENS}
SAMPLED = GREEDY | {"temperature": 0.9, "top_p": 0.95, "seed": -7}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Tells the weather.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
]


def first_text(answer):
    return answer.choices[0].message.content


def logprob_rows(content):
    """Tokens with their log-probabilities and alternatives, as plain values that can be compared."""
    return [(item.token, item.logprob, [(top.token, top.logprob) for top in item.top_logprobs]) for item in content]


class OpenAICase(ServiceCase):
    def client(self, address, **options):
        # A retry would hide a fault.
        return self.enterContext(openai.OpenAI(base_url=address, **{"api_key": self.key, "max_retries": 0} | options))

    def chat(self, address, **fields):
        return self.client(address).chat.completions.create(**fields)

    def chunks(self, address, **fields):
        return list(self.chat(address, stream=True, **fields))


class WholeChat(OpenAICase):
    def test_every_field_of_the_answer_is_there(self):
        answer = self.chat(self.drafted, **GREEDY)
        self.assertEqual((answer.object, answer.model), ("chat.completion", MODEL))
        self.assertTrue(answer.id.startswith("chatcmpl-"))
        self.assertLess(abs(answer.created - time.time()), 600)
        self.assertTrue(answer.system_fingerprint)
        [choice] = answer.choices
        self.assertEqual((choice.index, choice.finish_reason, choice.logprobs), (0, "length", None))
        self.assertEqual((choice.message.role, choice.message.tool_calls), ("assistant", None))
        self.assertEqual(answer.usage.completion_tokens, TOKENS)
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + TOKENS)
        self.assertIsInstance(answer.usage.prompt_tokens_details.cached_tokens, int)

    def test_workers_draft_and_change_no_text(self):
        self.assertTrue(self.alike(lambda address: first_text(self.chat(address, **GREEDY))))
        # When drafts come is a matter of luck.
        accepted = (self.chat(self.drafted, **GREEDY).timings["draft_n_accepted"] for _ in range(10))
        self.assertTrue(any(accepted))
        self.assertEqual(self.chat(self.plain, **GREEDY).timings["draft_n"], 0)

    def test_a_seed_gives_one_text_and_another_seed_another(self):
        text = self.alike(lambda address: first_text(self.chat(address, **SAMPLED)))
        self.assertEqual(first_text(self.chat(self.drafted, **SAMPLED)), text)
        self.assertNotEqual(first_text(self.chat(self.drafted, **SAMPLED | {"seed": 8})), text)

    def test_logprobs_are_the_same_bits_and_spell_the_text(self):
        def ask(address):
            answer = self.chat(address, logprobs=True, top_logprobs=3, **GREEDY)
            content = answer.choices[0].logprobs.content
            self.assertEqual(bytes(byte for item in content for byte in item.bytes).decode(), first_text(answer))
            return logprob_rows(content)

        rows = self.alike(ask)
        self.assertEqual(len(rows), TOKENS)
        for token, value, top in rows:
            self.assertEqual(len(top), 3)
            # Greedy: the token is the likeliest one.
            self.assertEqual((token, value), top[0])
            self.assertEqual([value for _, value in top], sorted((value for _, value in top), reverse=True))

    def test_choice_i_is_the_answer_for_the_seed_plus_i(self):
        def ask(address):
            return [choice.message.content for choice in self.chat(address, n=3, **SAMPLED).choices]

        texts = self.alike(ask)
        single = [first_text(self.chat(self.plain, **SAMPLED | {"seed": -7 + i})) for i in range(3)]
        self.assertEqual(texts, single)
        self.assertEqual(len(set(texts)), 3)

    def test_the_newer_limit_and_stop_strings_end_the_text(self):
        whole = first_text(self.chat(self.plain, **GREEDY))
        word = whole.split()[3]

        def ask(address):
            answer = self.chat(address, stop=[word], **GREEDY | {"max_tokens": None, "max_completion_tokens": TOKENS})
            self.assertEqual(answer.choices[0].finish_reason, "stop")
            return first_text(answer)

        self.assertEqual(self.alike(ask), whole[: whole.index(word)])

    def test_tools_that_are_not_used_change_no_status(self):
        for choice in ("auto", "none"):
            with self.subTest(choice):
                fields = GREEDY | {"tools": TOOLS, "tool_choice": choice}
                self.assertTrue(self.alike(lambda address, fields=fields: first_text(self.chat(address, **fields))))

    def test_content_in_parts_and_the_developer_role_are_understood(self):
        def ask(messages):
            return lambda address: first_text(self.chat(address, **GREEDY | {"messages": messages}))

        system, user = CHAT
        parts = [{"type": "text", "text": user["content"]}]
        self.assertEqual(
            self.alike(ask([{"role": "developer", "content": system["content"]}, user | {"content": parts}])),
            self.alike(ask(CHAT)),
        )

    def test_fields_that_nobody_knows_are_ignored(self):
        extra = {"store": False, "metadata": {"a": "b"}, "user": "me", "of_the_future": {"deep": [1, None]}}
        self.assertEqual(
            first_text(self.chat(self.drafted, extra_body=extra, **GREEDY)), first_text(self.chat(self.plain, **GREEDY))
        )

    def test_a_prediction_is_counted_and_changes_no_text(self):
        text = first_text(self.chat(self.plain, **GREEDY))
        answer = self.chat(self.drafted, prediction={"type": "content", "content": text}, **GREEDY)
        self.assertEqual(first_text(answer), text)
        details = answer.usage.completion_tokens_details
        self.assertGreaterEqual(details.accepted_prediction_tokens + details.rejected_prediction_tokens, 0)
        # Alone, the verifier drafts from the prediction itself.
        answer = self.chat(self.plain, prediction={"type": "content", "content": text}, **GREEDY)
        self.assertEqual(first_text(answer), text)
        self.assertGreater(answer.usage.completion_tokens_details.accepted_prediction_tokens, 0)

    def test_the_next_turn_finds_its_past_in_the_cache(self):
        past = [*CHAT, {"role": "assistant", "content": first_text(self.chat(self.drafted, **GREEDY))}]
        asked = GREEDY | {"messages": [*past, {"role": "user", "content": "And again."}]}
        self.assertTrue(self.alike(lambda address: first_text(self.chat(address, **asked))))
        usage = self.chat(self.drafted, **asked).usage
        self.assertGreater(usage.prompt_tokens_details.cached_tokens, 0)
        self.assertLess(usage.prompt_tokens_details.cached_tokens, usage.prompt_tokens)

    def test_many_at_once_get_what_one_alone_gets(self):
        seeds = range(8)

        async def ask(address):
            async with openai.AsyncOpenAI(base_url=address, api_key=self.key, max_retries=0) as client:
                answers = (client.chat.completions.create(**SAMPLED | {"seed": seed}) for seed in seeds)
                return [first_text(answer) for answer in await asyncio.gather(*answers)]

        together = self.alike(lambda address: asyncio.run(ask(address)))
        alone = [first_text(self.chat(self.plain, **SAMPLED | {"seed": seed})) for seed in seeds]
        self.assertEqual(together, alone)


class StreamedChat(OpenAICase):
    def test_the_chunks_have_the_layout_that_clients_rely_on(self):
        for address in (self.plain, self.drafted):
            with self.subTest(address):
                chunks = self.chunks(address, stream_options={"include_usage": True}, **GREEDY)
                *deltas, finish, usage = chunks
                constant = {(chunk.id, chunk.created, chunk.model, chunk.system_fingerprint) for chunk in chunks}
                self.assertEqual(len(constant), 1)
                self.assertEqual({chunk.object for chunk in chunks}, {"chat.completion.chunk"})
                roles = [chunk.choices[0].delta.role for chunk in deltas]
                self.assertEqual(roles, ["assistant"] + [None] * (len(deltas) - 1))
                self.assertEqual({chunk.choices[0].finish_reason for chunk in deltas}, {None})
                # Explicitly null, not absent.
                self.assertTrue(all("finish_reason" in chunk.choices[0].model_fields_set for chunk in deltas))
                self.assertEqual(finish.choices[0].finish_reason, "length")
                self.assertEqual(finish.choices[0].delta.to_dict(), {})
                self.assertEqual(usage.choices, [])
                self.assertEqual(usage.usage.completion_tokens, TOKENS)
                self.assertEqual({chunk.usage for chunk in chunks[:-1]}, {None})

    def test_usage_comes_only_when_asked_for(self):
        chunks = self.chunks(self.drafted, **GREEDY)
        self.assertEqual({chunk.usage for chunk in chunks}, {None})
        self.assertTrue(all(len(chunk.choices) == 1 for chunk in chunks))

    def test_the_deltas_are_the_whole_text(self):
        for fields in (GREEDY, SAMPLED):
            whole = first_text(self.chat(self.plain, **fields))

            def ask(address, fields=fields):
                return "".join(chunk.choices[0].delta.content or "" for chunk in self.chunks(address, **fields))

            self.assertEqual(self.alike(ask), whole)

    def test_streamed_logprobs_are_those_of_the_whole_answer(self):
        fields = GREEDY | {"logprobs": True, "top_logprobs": 2}
        whole = logprob_rows(self.chat(self.plain, **fields).choices[0].logprobs.content)

        def ask(address):
            choices = [chunk.choices[0] for chunk in self.chunks(address, **fields)]
            return [row for choice in choices if choice.logprobs for row in logprob_rows(choice.logprobs.content)]

        self.assertEqual(self.alike(ask), whole)

    def test_the_choices_of_a_stream_are_those_of_the_whole_answer(self):
        whole = [choice.message.content for choice in self.chat(self.plain, n=2, **SAMPLED).choices]

        def ask(address):
            texts = ["", ""]
            for chunk in self.chunks(address, n=2, **SAMPLED):
                texts[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
            return texts

        self.assertEqual(self.alike(ask), whole)

    def test_the_stream_helper_builds_the_whole_answer(self):
        """The helper concatenates strings that come twice, takes the last usage, and raises on `length`."""
        word = first_text(self.chat(self.plain, **GREEDY)).split()[5]
        fields = GREEDY | {"logprobs": True, "top_logprobs": 1, "stop": [word]}
        whole = self.chat(self.plain, **fields)

        def ask(address):
            helper = self.client(address).chat.completions
            with helper.stream(stream_options={"include_usage": True}, **fields) as stream:
                kinds = {event.type for event in stream}
                answer = stream.get_final_completion()
            self.assertLessEqual({"chunk", "content.delta", "content.done", "logprobs.content.done"}, kinds)
            self.assertEqual(answer.choices[0].message.role, "assistant")
            self.assertEqual(answer.choices[0].finish_reason, "stop")
            self.assertEqual(answer.usage.completion_tokens, whole.usage.completion_tokens)
            return first_text(answer), logprob_rows(answer.choices[0].logprobs.content)

        self.assertEqual(self.alike(ask), (first_text(whole), logprob_rows(whole.choices[0].logprobs.content)))

    def test_a_client_that_leaves_is_not_missed(self):
        whole = first_text(self.chat(self.plain, **GREEDY))
        # More than there are slots: those that leave must make room.
        for _ in range(8):
            with self.chat(self.drafted, stream=True, **GREEDY | {"max_tokens": 800}) as stream:
                next(iter(stream))
        self.assertEqual(first_text(self.chat(self.drafted, **GREEDY)), whole)


class Completions(OpenAICase):
    fields = {"model": MODEL, "prompt": TEXT, "temperature": 0, "max_tokens": 24}

    def complete(self, address, **fields):
        return self.client(address).completions.create(**self.fields | fields)

    def test_whole_and_streamed_texts_are_the_same(self):
        def ask(address):
            *chunks, usage = self.complete(address, stream=True, stream_options={"include_usage": True})
            self.assertEqual((usage.choices, usage.usage.completion_tokens), ([], 24))
            self.assertEqual({chunk.object for chunk in chunks}, {"text_completion"})
            reasons = [chunk.choices[0].finish_reason for chunk in chunks]
            self.assertEqual(reasons, [None] * (len(chunks) - 1) + ["length"])
            self.assertEqual(chunks[-1].choices[0].text, "")
            return "".join(chunk.choices[0].text for chunk in chunks)

        self.assertEqual(self.alike(ask), self.complete(self.plain).choices[0].text)

    def test_a_broken_stream_goes_on_with_the_seed_in_its_head(self):
        fields = {"temperature": 1.3, "stream": True, "extra_body": {"return_token_ids": True, "ignore_eos": True}}
        for address in (self.plain, self.drafted):
            with self.subTest(address):
                completions = self.client(address).completions.with_raw_response
                answer = completions.create(**self.fields | fields)
                seed = int(answer.headers["paceline-seed"])
                with answer.parse() as stream:
                    first = list(itertools.islice(stream, 3))
                came = [token for chunk in first for token in chunk.choices[0].token_ids]
                self.assertGreater(len(came), 0)
                again = fields | {"seed": seed}
                resume = again["extra_body"] | {"resume": {"tokens": came}}
                rest = list(self.complete(address, **again | {"extra_body": resume}))
                whole = list(self.complete(self.plain, **again))
                self.assertEqual(self.joined(first) + self.joined(rest), self.joined(whole))
                self.assertGreater(len(self.joined(rest).encode()), 0)

    @staticmethod
    def joined(chunks):
        return "".join(chunk.choices[0].text for chunk in chunks)

    def test_the_head_of_a_whole_answer_names_its_seed(self):
        chat = self.client(self.plain).chat.completions.with_raw_response
        answer = chat.create(**{name: value for name, value in SAMPLED.items() if name != "seed"})
        seed = int(answer.headers["paceline-seed"])
        self.assertEqual(first_text(self.chat(self.drafted, **SAMPLED | {"seed": seed})), first_text(answer.parse()))
        self.assertEqual(int(chat.create(**SAMPLED).headers["paceline-seed"]), SAMPLED["seed"] % 2**64)

    def test_a_batch_of_prompts_gives_a_choice_for_each(self):
        prompts = [TEXT, "Once upon a time", "def f(x):"]

        def ask(address):
            answer = self.complete(address, prompt=prompts)
            self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2])
            return [choice.text for choice in answer.choices]

        texts = self.alike(ask)
        self.assertEqual(texts, [self.complete(self.plain, prompt=prompt).choices[0].text for prompt in prompts])

    def test_echo_scores_the_prompt(self):
        def ask(address):
            [choice] = self.complete(address, echo=True, logprobs=1, max_tokens=4).choices
            scores = choice.logprobs
            self.assertTrue(choice.text.startswith(TEXT))
            self.assertEqual("".join(scores.tokens), choice.text)
            self.assertEqual((scores.token_logprobs[0], scores.top_logprobs[0]), (None, None))
            ends = [offset + len(token) for offset, token in zip(scores.text_offset, scores.tokens)]
            self.assertEqual(scores.text_offset[1:], ends[:-1])
            return scores.to_dict()

        scores = self.alike(ask)
        # lm-eval compares exactly so to learn whether a continuation is the greedy one.
        greedy = [
            value == max(top.values()) for value, top in zip(scores["token_logprobs"][1:], scores["top_logprobs"][1:])
        ]
        self.assertTrue(all(greedy[-4:]))


class Errors(OpenAICase):
    def refusal(self, kind, status, ask, **fields):
        with self.assertRaises(kind) as caught:
            ask(**fields)
        self.assertEqual(caught.exception.status_code, status)
        # The client takes the object out of its key `error`.
        self.assertEqual(set(caught.exception.body), {"message", "type", "param", "code"})
        self.assertTrue(caught.exception.request_id)
        return caught.exception

    def test_a_field_out_of_range_is_named(self):
        cases = {
            "temperature": {"temperature": -1},
            "top_logprobs": {"logprobs": True, "top_logprobs": 21},
            "messages[0].role": {"messages": [{"role": "pope", "content": "hi"}]},
            "response_format.type": {"response_format": {"type": "xml"}},
            "tool_choice": {"tools": TOOLS, "tool_choice": "required"},
        }
        for param, fields in cases.items():
            for stream in (False, True):
                with self.subTest(param, stream=stream):
                    fields = GREEDY | fields | {"stream": stream}
                    error = self.refusal(openai.BadRequestError, 400, self.chat, address=self.drafted, **fields)
                    self.assertEqual(error.param, param)

    def test_a_prompt_that_is_too_long_has_the_code_and_the_words(self):
        fields = GREEDY | {"messages": [{"role": "user", "content": TOO_LONG}]}
        error = self.refusal(openai.BadRequestError, 400, self.chat, address=self.plain, **fields)
        self.assertEqual(error.code, "context_length_exceeded")
        self.assertIn(f"maximum context length is {CONTEXT} tokens", error.message)

    def test_another_model_is_not_found(self):
        fields = GREEDY | {"model": "gpt-99"}
        error = self.refusal(openai.NotFoundError, 404, self.chat, address=self.plain, **fields)
        self.assertEqual((error.code, error.param), ("model_not_found", "model"))

    def test_a_path_that_does_not_exist_is_not_found(self):
        client = self.client(self.plain)
        self.refusal(openai.NotFoundError, 404, client.embeddings.create, model=MODEL, input="text")

    def test_a_wrong_key_is_refused(self):
        for client in (self.client(self.plain, api_key="wrong"), self.client(self.plain, api_key=self.key[:-1])):
            error = self.refusal(openai.AuthenticationError, 401, client.models.list)
            self.assertEqual(error.code, "invalid_api_key")
            self.refusal(openai.AuthenticationError, 401, client.chat.completions.create, **GREEDY)


class Models(OpenAICase):
    def test_the_model_is_listed_and_found_by_its_name(self):
        client = self.client(self.plain)
        [model] = client.models.list().data
        self.assertEqual((model.id, model.object), (MODEL, "model"))
        self.assertIsInstance(model.created, int)
        self.assertTrue(model.owned_by)
        self.assertEqual((model.root, model.max_model_len), (MODEL, CONTEXT))
        self.assertEqual(client.models.retrieve(MODEL), model)

    def test_another_model_is_not_found(self):
        with self.assertRaises(openai.NotFoundError):
            self.client(self.plain).models.retrieve("gpt-99")

    def test_answers_have_the_id_of_the_request(self):
        client = self.client(self.plain)
        answer = client.chat.completions.create(**GREEDY, extra_headers={"x-request-id": "of-the-client"})
        self.assertEqual(answer._request_id, "of-the-client")
        self.assertTrue(client.chat.completions.create(**GREEDY)._request_id)


if __name__ == "__main__":
    unittest.main()
