"""instructor: objects of Pydantic by calls of tools, by a schema, as plain JSON and in a block of Markdown.

It needs an older version of OpenAI's library than the other tests, and so a folder of its own.
"""

import asyncio
import datetime
import enum
import importlib.util
import json
import unittest
from collections.abc import Iterable
from typing import Literal

if importlib.util.find_spec("instructor") is None:
    raise unittest.SkipTest("install requirements-instructor.txt in a folder of its own")

import instructor  # noqa: E402
import openai  # noqa: E402
import pydantic  # noqa: E402
from instructor.core import IncompleteOutputException  # noqa: E402
from scripted_service import NAME, ScriptedCase, ScriptedService  # noqa: E402


class River(pydantic.BaseModel):
    name: str
    length_km: int = pydantic.Field(ge=1, le=9000)


class Place(pydantic.BaseModel):
    name: str
    kind: Literal["town", "city"]
    mayor: str | None
    rivers: list[River]


class Peopled(Place):
    """A place that is refused until it has a mayor. What is wrong is told to the model, and names its next script."""

    @pydantic.field_validator("mayor")
    @classmethod
    def must_be_somebody(cls, mayor):
        if mayor is None:
            raise ValueError("the mayor is missing")
        return mayor


class Answer(pydantic.BaseModel):
    """A list in which every element is one of two kinds of object."""

    found: list[Place | River]


class Kind(enum.Enum):
    TOWN = "town"
    CITY = "city"


class Founding(pydantic.BaseModel):
    place: str
    kind: Kind
    day: datetime.date


FOUNDING = Founding(place="La Chaux-de-Fonds", kind=Kind.TOWN, day=datetime.date(1656, 12, 2))
RIVERS = [River(name="Limmat", length_km=35), River(name="Sihl", length_km=73)]
ZURICH = Place(name="Zürich", kind="city", mayor=None, rivers=RIVERS)
WITH_MAYOR = ZURICH.model_dump(mode="json") | {"mayor": "Frau Müller"}


def text(value):
    return json.dumps(value.model_dump(mode="json") if isinstance(value, pydantic.BaseModel) else value)


def listed(objects):
    return [each.model_dump(mode="json") for each in objects]


def call(name, arguments):
    return f'<tool_call>\n{{"name": "{name}", "arguments": {text(arguments)}}}\n</tool_call>'


def cut(whole, size):
    """Pieces that no other script has, since each is cut to another size; the last takes the rest."""
    *starts, last = range(0, len(whole) - size + 1, size)
    return [whole[start : start + size] for start in starts] + [whole[last:]]


# By a word of the last message; instructor itself writes the one with `codeblock`.
SCRIPTS = {
    "mayor": cut(text(WITH_MAYOR), 14),
    "codeblock": cut(f"Here it is:\n```json\n{text(ZURICH)}\n```\nGood bye.", 13),
    "bare": cut(text(ZURICH), 12),
    "call": cut(call("Place", ZURICH), 11),
    "grow": cut(call("PartialPlace", ZURICH), 18),
    "founding": cut(text(FOUNDING), 8),
    "nobody": cut(call("Peopled", ZURICH), 10),
    "each": cut(call("Place", ZURICH) + "\n" + call("River", RIVERS[0]), 15),
    "streams": cut(call("IterableRiver", {"tasks": listed(RIVERS)}), 9),
    "mixture": cut(text({"found": listed([ZURICH, *RIVERS])}), 16),
    "result": cut(call("Peopled", WITH_MAYOR), 17),
    "otherwise": ["I do ", "not know."],
}
Mode = instructor.Mode
ASKED = {Mode.TOOLS: "call", Mode.JSON_SCHEMA: "bare", Mode.JSON: "bare", Mode.MD_JSON: "as you like"}
# What instructor calls a tool for an object that grows has another name.
GROWING = ASKED | {Mode.TOOLS: "grow"}


def ask(words, **fields):
    """Answers are taken as they come, unless a test wants a second attempt."""
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": words}]
    return {"messages": messages, "temperature": 0, "max_retries": 0} | fields


class Instructor(ScriptedCase):
    @classmethod
    def setUpClass(cls):
        cls.addresses = ScriptedService(SCRIPTS).addresses

    def client(self, address, mode):
        client = self.enterContext(openai.OpenAI(base_url=address, api_key="none", max_retries=0))
        return instructor.from_openai(client, mode=mode, model=NAME)

    def everywhere(self, create, expected, modes=ASKED):
        """Asks all verifiers in each mode."""
        for mode, words in modes.items():
            with self.subTest(mode=mode.name):
                got = self.alike(lambda address, mode=mode, words=words: create(self.client(address, mode), words))
                self.assertEqual(got, expected)

    def test_an_object(self):
        def create(client, words):
            place, completion = client.create_with_completion(response_model=Place, **ask(words))
            usage = completion.usage
            self.assertEqual(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
            return place.model_dump()

        self.everywhere(create, ZURICH.model_dump())

    def test_an_object_that_grows(self):
        numbers = {}

        def create(client, words):
            *parts, last = [part.model_dump() for part in client.create_partial(response_model=Place, **ask(words))]
            names = [part["name"] for part in parts if part["name"]]
            self.assertTrue(all(ZURICH.name.startswith(name) for name in names), names)
            rivers = [len(part["rivers"] or []) for part in parts]
            self.assertEqual(rivers, sorted(rivers))
            # The verifier alone is asked first. Drafted tokens come several at a time.
            numbers.setdefault(client.mode, len(parts))
            return last

        self.everywhere(create, ZURICH.model_dump(), GROWING)
        # A call is given when it is whole.
        self.assertTrue(all(number > 5 for mode, number in numbers.items() if mode != Mode.TOOLS), numbers)

    def test_an_object_with_an_enum_and_a_date_that_grows(self):
        def create(client, words):
            # With strict=True, its default, instructor 1.17.0 takes no string for them, and asks again in vain.
            fields = ask(words, response_model=Founding, strict=False)
            return [part.model_dump() for part in client.create_partial(**fields)][-1]

        self.everywhere(create, FOUNDING.model_dump(), {Mode.JSON_SCHEMA: "founding", Mode.JSON: "founding"})

    def test_an_object_that_grows_beside_other_work(self):
        async def create(address, mode, words):
            async with openai.AsyncOpenAI(base_url=address, api_key="none", max_retries=0) as client:
                asked = instructor.from_openai(client, mode=mode, model=NAME)
                return [part async for part in asked.create_partial(response_model=Place, **ask(words))][-1]

        async def together(address):
            parts = await asyncio.gather(*(create(address, mode, words) for mode, words in GROWING.items()))
            return [part.model_dump() for part in parts]

        self.assertEqual(
            self.alike(lambda address: asyncio.run(together(address))), [ZURICH.model_dump()] * len(GROWING)
        )

    def test_a_list_whose_elements_come_one_by_one(self):
        def create(client, words):
            return [river.model_dump() for river in client.create_iterable(response_model=River, **ask(words))]

        self.everywhere(create, listed(RIVERS), {Mode.TOOLS: "streams"})

    def test_a_list_of_different_objects(self):
        def create(client, words):
            return client.create(response_model=Answer, **ask(words)).model_dump(mode="json")

        expected = {"found": listed([ZURICH, *RIVERS])}
        self.everywhere(create, expected, {Mode.JSON_SCHEMA: "mixture", Mode.JSON: "mixture"})

    def test_calls_of_several_tools(self):
        def create(client, words):
            return listed(client.create(response_model=Iterable[Place | River], **ask(words)))

        self.everywhere(create, listed([ZURICH, RIVERS[0]]), {Mode.PARALLEL_TOOLS: "each"})

    def test_what_is_refused_is_asked_for_again(self):
        def create(client, words):
            attempts = []
            client.on("completion:kwargs", lambda *_, **fields: attempts.append(len(fields["messages"])))
            place = client.create(response_model=Peopled, **ask(words, max_retries=2))
            self.assertEqual(len(attempts), 2)
            return place.model_dump(mode="json")

        modes = ASKED | {Mode.TOOLS: "nobody"}
        self.everywhere(create, WITH_MAYOR, modes)

    def test_an_object_that_is_cut_off_is_an_error(self):
        def create(client, words):
            with self.assertRaises(IncompleteOutputException):
                client.create(response_model=Place, **ask(words, max_tokens=4))

        self.everywhere(create, None)

    def test_a_call_that_is_asked_for_together_with_a_text(self):
        """In this mode, instructor asks for a call and for a text by a schema. A forced call leaves no text."""

        def create(client, words):
            return client.create(response_model=Place, **ask(words)).model_dump()

        self.everywhere(create, ZURICH.model_dump(), {Mode.RESPONSES_TOOLS: "call"})

    def test_workers_draft_objects(self):
        for mode, words in ASKED.items():
            with self.subTest(mode=mode.name):
                client = self.client(self.addresses["drafted"], mode)
                # When drafts come is a matter of luck.
                answers = (client.create_with_completion(response_model=Place, **ask(words))[1] for _ in range(20))
                self.assertTrue(any(answer.timings["draft_n_accepted"] for answer in answers))


if __name__ == "__main__":
    unittest.main()
