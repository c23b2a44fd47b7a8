"""300 random schemas: the same tokens without drafts, with useful ones and with a lying worker's, and valid texts."""

import json
import os
import pathlib
import random
import tempfile
import unittest
import urllib.request

import jsonschema
import scripted_model
from service import cluster

NAME = "babbler"
SCHEMAS = 300
# Of each verifier: its options, and the drafters of its workers.
VERIFIERS = {
    "plain": ([], []),
    "useful": (["--always-draft", "-md", "grammar+ngram"], ["MODEL"]),
    "hostile": (["--always-draft", "--drafting", "stop-and-wait"], ["LIAR", "liar", "random"]),
}
WORDS = ["alpha", "beta", "gamma", "délta", "a b", "x_1", 'quote"d', "日本"]


class RandomSchema:
    """A schema, all of whose texts are short, so that a model which knows nothing writes them to their end."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def schema(self, depth=3):
        kinds = [self.text, self.number, self.listed, self.plain]
        if depth > 0:
            kinds += [self.object, self.object, self.array, self.either]
        return self.random.choice(kinds)(depth - 1)

    def text(self, _):
        pattern = {"type": "string", "pattern": self.random.choice(["^[a-c]{1,4}$", "^(?:no|yes)$", "^\\d{2}-\\d{2}$"])}
        length = {"type": "string", "minLength": self.random.randrange(3), "maxLength": 3 + self.random.randrange(3)}
        return self.random.choice([pattern, length, {"type": "string", "format": "date"}])

    def number(self, _):
        least = self.random.randrange(-50, 50)
        return {"type": "integer", "minimum": least, "maximum": least + self.random.randrange(200)}

    def listed(self, _):
        return {"enum": self.random.sample([*WORDS, None, True, 7, -1.5], 3)}

    def plain(self, _):
        return self.random.choice([{"type": "boolean"}, {"type": "null"}, {"const": self.random.choice(WORDS)}])

    def object(self, depth):
        names = self.random.sample(WORDS, self.random.randrange(1, 5))
        return {
            "type": "object",
            "properties": {name: self.schema(depth) for name in names},
            "required": [name for name in names if self.random.random() < 0.6],
            "additionalProperties": False,
        }

    def array(self, depth):
        least = self.random.randrange(2)
        return {"type": "array", "items": self.schema(depth), "minItems": least, "maxItems": least + 2}

    def either(self, depth):
        return {"anyOf": [self.schema(depth), self.schema(depth)]}


@unittest.skipUnless(os.environ.get("PACELINE"), "set PACELINE to the paceline executable")
class RandomSchemas(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        processes = cls.enterClassContext(cluster.Cluster())
        folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        model, liar = folder / f"{NAME}.gguf", folder / "liar.gguf"
        # It has something to say to nobody, so what a schema leaves open it chooses by chance.
        scripts = {"result": ["yes "], "otherwise": ["no "]}
        scripted_model.ScriptedModel(scripts).write(model)
        # What `liar` and `random` draft is hardly ever legal; this one's is, and is still wrong.
        scripted_model.ScriptedModel(scripts, leans=True).write(liar)
        files = {"MODEL": model, "LIAR": liar}
        cls.addresses = {}
        for name, (options, drafters) in VERIFIERS.items():
            fixed = ["--context", 4096, "-t", 1, "--served-model-name", NAME]
            _, link, http = processes.verifier(model, *fixed, *options)
            for drafter in drafters:
                processes.worker(link, [files.get(drafter, drafter)], "-t", 1)
            hosted = 1 if "-md" in options else 0
            cluster.Client(http).await_workers(len(drafters) + hosted)
            cls.addresses[name] = f"http://{http}/v1"

    def ask(self, address, schema, seed):
        body = {
            "model": NAME,
            "messages": [{"role": "user", "content": "Write it."}],
            "json_schema": schema,
            "temperature": [0, 1][seed % 2],
            "seed": seed,
            "max_tokens": 2000,
            "return_token_ids": True,
            "return_spec_decode": True,
        }
        request = urllib.request.Request(
            f"{address}/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            answer = json.load(response)
        choice, figures = answer["choices"][0], answer["spec_decode"]
        return (choice["token_ids"], choice["message"]["content"], choice["finish_reason"]), figures

    def test_the_texts_of_random_schemas_are_valid_and_the_same_with_any_drafts(self):
        finished, drafted, accepted = 0, dict.fromkeys(VERIFIERS, 0), dict.fromkeys(VERIFIERS, 0)
        for seed in range(SCHEMAS):
            schema = RandomSchema(seed).schema()
            with self.subTest(seed=seed, schema=schema):
                answers = {name: self.ask(address, schema, seed) for name, address in self.addresses.items()}
                for name, (answer, figures) in answers.items():
                    self.assertEqual(answer, answers["plain"][0], name)
                    drafted[name] += figures["num_draft_tokens"]
                    accepted[name] += figures["num_accepted_tokens"]
                _, text, reason = answers["plain"][0]
                if reason == "stop":
                    finished += 1
                    jsonschema.Draft202012Validator(schema).validate(json.loads(text))
        self.assertGreater(finished, SCHEMAS * 9 // 10)
        # That the trees were there: the useful ones were mostly right, and the others were verified and wrong.
        self.assertGreater(accepted["useful"], SCHEMAS * 2)
        self.assertGreater(drafted["hostile"], SCHEMAS * 20)
        self.assertLess(accepted["hostile"], drafted["hostile"] / 2)


if __name__ == "__main__":
    unittest.main()
