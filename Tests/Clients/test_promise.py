"""The promise, as a client sees it: tokens depend on the request alone, not on the load, the cache or the drafts."""

import concurrent.futures
import secrets
import unittest

from service import CHAT, MODEL, ServiceCase

TOKENS = 16
SAMPLED = {"temperature": 0.9, "top_p": 0.95, "logprobs": True, "top_logprobs": 3}
TURNS = ["Count from 1 to 50.", "List the months.", "Name four animals.", "Spell the word river."]


def bodies():
    """Sixteen requests: every kind of sampling for each of four prompts that begin alike."""
    kinds = [
        {"temperature": 0},
        {"n": 2, **SAMPLED},
        {"temperature": 1.5, "top_k": 40, "presence_penalty": 0.5, "logprobs": True},
        {"temperature": 0.7, "min_p": 0.05, "min_tokens": 8, "logit_bias": {"31": 3}, "frequency_penalty": 0.2},
    ]
    system, _ = CHAT
    return [
        {"model": MODEL, "messages": [system, {"role": "user", "content": turn}], "max_tokens": TOKENS, "seed": seed}
        | kind
        for seed, turn in enumerate(TURNS)
        for kind in kinds
    ]


class Promise(ServiceCase):
    def choices(self, address, body):
        """What the promise is about: texts, log-probabilities and why they ended."""
        return self.post(address, body)["choices"]

    def test_sixteen_at_once_get_what_each_gets_alone(self):
        alone = [self.choices(self.plain, body) for body in bodies()]
        self.assertGreater(len({choice["message"]["content"] for choices in alone for choice in choices}), 16)
        with concurrent.futures.ThreadPoolExecutor(len(alone)) as clients:
            for address in (self.drafted, self.plain):
                with self.subTest(address):
                    together = list(clients.map(lambda body, address=address: self.choices(address, body), bodies()))
                    self.assertEqual(together, alone)

    def test_what_the_cache_holds_changes_no_bit(self):
        for address in (self.plain, self.drafted):
            for body in bodies()[:4]:
                salted = body | {"cache_salt": secrets.token_hex(8), "messages": [*CHAT, *CHAT, *body["messages"]]}
                first, second = (self.post(address, salted) for _ in range(2))
                cached = [answer["usage"]["prompt_tokens_details"]["cached_tokens"] for answer in (first, second)]
                self.assertEqual(cached[0], 0)
                self.assertGreater(cached[1], 0)
                self.assertEqual(first["choices"], second["choices"])

    def test_a_stream_resumed_at_any_cut_goes_on_byte_for_byte(self):
        body = {"model": MODEL, "messages": CHAT, "max_tokens": TOKENS, "seed": 5, "stream": True} | SAMPLED
        body |= {"return_token_ids": True, "stream_options": {"include_usage": True}}
        whole = self.post(self.plain, body)
        tokens = [token for chunk in whole for token in ids(chunk)]
        self.assertEqual(len(tokens), TOKENS)
        # The last chunks are the end and the usage.
        for cut in range(len(whole) - 1):
            came = [token for chunk in whole[:cut] for token in ids(chunk)]
            address = (self.drafted, self.plain)[cut % 2]
            with self.subTest(cut=cut):
                rest = self.post(address, body | {"resume": {"tokens": came}})
                self.assertEqual(said(rest), said(whole[cut:]))
                self.assertEqual(rest[-1]["usage"]["completion_tokens"], TOKENS)


def ids(chunk):
    return [token for choice in chunk["choices"] for token in choice.get("token_ids") or []]


def said(chunks):
    """Text, tokens, log-probabilities and the reason of the end of a stream's chunks."""
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    return (
        "".join(choice["delta"].get("content") or "" for choice in choices),
        [token for chunk in chunks for token in ids(chunk)],
        [entry for choice in choices for entry in (choice.get("logprobs") or {}).get("content") or []],
        [choice["finish_reason"] for choice in choices if choice["finish_reason"]],
    )


if __name__ == "__main__":
    unittest.main()
