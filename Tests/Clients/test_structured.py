"""Structured output: what the clients' schemas ask for is what they get, drafted or not, and cut anywhere."""

import concurrent.futures
import enum
import json
import re
import unittest

import openai
import pydantic
from service import CHAT, DRAFTERS, MODEL, ServiceCase, service

TURN = [{"role": "user", "content": "Describe the city of Paris as JSON."}]
GREEDY = {"model": MODEL, "messages": TURN, "temperature": 0, "max_tokens": 200}
SAMPLED = GREEDY | {"temperature": 1.2, "top_p": 0.9, "seed": 11}


class Kind(enum.Enum):
    TOWN = "town"
    CITY = "city"


class River(pydantic.BaseModel):
    name: str = pydantic.Field(max_length=16)
    length_km: int = pydantic.Field(ge=1, le=9000)


class Place(pydantic.BaseModel):
    name: str = pydantic.Field(max_length=16)
    kind: Kind
    founded: int | None
    rivers: list[River] = pydantic.Field(max_length=2)
    mayor: str | None = pydantic.Field(max_length=16)


class Structured(ServiceCase):
    # At which tokens a stream is cut.
    cuts = slice(None)

    def client(self, address):
        return self.enterContext(openai.OpenAI(base_url=address, api_key=self.key, max_retries=0))

    def both(self, ask):
        """What the verifier alone answers, which must be what the one with workers answers."""
        plain, drafted = (ask(self.client(address)) for address in (self.plain, self.drafted))
        self.assertEqual(plain, drafted)
        return plain

    def text(self, **fields):
        extra = {name: fields.pop(name) for name in ("structured_outputs", "json_schema", "grammar") if name in fields}
        return self.both(
            lambda client: client.chat.completions.create(**fields, extra_body=extra).choices[0].message.content
        )

    def test_a_model_of_pydantic_is_parsed(self):
        for fields in (GREEDY, SAMPLED):
            with self.subTest(temperature=fields["temperature"]):
                place, text = self.both(
                    lambda client, fields=fields: (lambda message: (message.parsed, message.content))(
                        client.chat.completions.parse(**fields, response_format=Place).choices[0].message
                    )
                )
                self.assertIsInstance(place, Place)
                self.assertEqual(Place.model_validate_json(text), place)

    def test_a_stream_is_parsed_too(self):
        def ask(client):
            with client.chat.completions.stream(**SAMPLED, response_format=Place) as stream:
                return stream.get_final_completion().choices[0].message.parsed

        self.assertIsInstance(self.both(ask), Place)

    def test_the_other_forms_are_held(self):
        city = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 8}}, "required": ["city"]}
        self.assertIn("city", json.loads(self.text(**GREEDY, json_schema=city)))
        self.assertIn("city", json.loads(self.text(**SAMPLED, structured_outputs={"json": city})))
        self.assertIn(self.text(**GREEDY, structured_outputs={"choice": ["yes", "no"]}), ["yes", "no"])
        pattern = "[A-Z][a-z]{2,8}( [a-z]{2,6}){1,3}[.]"
        self.assertTrue(re.fullmatch(pattern, self.text(**SAMPLED, structured_outputs={"regex": pattern})))
        grammar = 'root ::= "(" [0-9]{1,3} (", " [0-9]{1,3}){2} ")"'
        self.assertTrue(re.fullmatch(r"\(\d{1,3}(, \d{1,3}){2}\)", self.text(**GREEDY, grammar=grammar)))

    def test_an_object_is_an_object(self):
        def ask(client):
            answer = client.chat.completions.create(**GREEDY, response_format={"type": "json_object"})
            return answer.choices[0].message.content, answer.choices[0].finish_reason

        text, reason = self.both(ask)
        self.assertTrue(text.startswith("{"))
        if reason == "stop":
            self.assertIsInstance(json.loads(text), dict)

    def test_completions_are_held_as_well(self):
        def ask(client):
            extra = {"structured_outputs": {"regex": "[0-9]{2}"}}
            answer = client.completions.create(model=MODEL, prompt="The year is 20", max_tokens=8, extra_body=extra)
            return answer.choices[0].text

        self.assertTrue(re.fullmatch("[0-9]{2}", ask(self.client(self.drafted))))

    def test_what_is_not_supported_is_named_by_its_path(self):
        schema = {"type": "object", "properties": {"a": {"not": {}}}}
        form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
        with self.assertRaises(openai.BadRequestError) as caught:
            self.client(self.plain).chat.completions.create(**GREEDY, response_format=form)
        self.assertEqual(caught.exception.param, "response_format.json_schema.schema.properties.a.not")

    def test_a_stream_resumed_at_any_cut_goes_on_byte_for_byte(self):
        form = {"type": "json_schema", "json_schema": {"name": "place", "schema": Place.model_json_schema()}}
        body = SAMPLED | {"messages": [*CHAT, *TURN], "response_format": form, "stream": True, "return_token_ids": True}
        whole = self.post(self.plain, body)
        tokens = [token for chunk in whole for token in ids(chunk)]
        Place.model_validate_json(content(whole))
        cuts = range(1, len(tokens))[self.cuts]
        resumed = [body | {"resume": {"tokens": tokens[:cut]}} for cut in cuts]
        # Several at a time are faster, and each runs in other batches.
        with concurrent.futures.ThreadPoolExecutor(4) as asking:
            rests = list(asking.map(lambda body: self.post(self.drafted, body), resumed))
        for cut, rest in zip(cuts, rests, strict=True):
            with self.subTest(cut=cut):
                self.assertEqual([token for chunk in rest for token in ids(chunk)], tokens[cut:])
                self.assertTrue(content(whole).endswith(content(rest)))


class StructuredBesideALiar(Structured):
    """The same with a third worker, whose trees are valid and wrong, and claim to be right."""

    cuts = slice(None, None, 7)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        liar = service().worker(["liar"])
        cls.addClassCleanup(service().await_workers, len(DRAFTERS))
        cls.addClassCleanup(liar.stop)
        service().await_workers(len(DRAFTERS) + 1)


def ids(chunk):
    return [token for choice in chunk["choices"] for token in choice.get("token_ids") or []]


def content(chunks):
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])


if __name__ == "__main__":
    unittest.main()
