#!/usr/bin/env python3
"""Writes texts with their tokens from the published tokenizers, for small vocabularies of four families.

    pip install --target /tmp/tokenizers tokenizers==0.23.3
    PYTHONPATH=/tmp/tokenizers python3 Tests/TokenizerComparison/families.py [--cases N] [--seed S] [FOLDER]

The vocabularies are small, but normalisers, pre-tokenisers and the flags of added tokens come from the tokenizer.json
files that the families publish: Phi-3-mini-4k-instruct, gemma-3-1b-it, Llama-2-7b, and Mistral's since Nemo.
Without FOLDER, it writes the committed sample. PACELINE_FAMILY_GOLDENS=FOLDER makes FamilyGoldenTests read FOLDER too.
With --phi3 FILE, it also uses the real tokenizer.json of Phi-3, which is not committed.
"""

import argparse
import json
import pathlib
import random

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

SPACE = "\u2581"
GOLDENS = pathlib.Path(__file__).parent.parent / "PacelineModelTests/Goldens/Families"
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6
TEKKEN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|"
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CORPUS = """the quick Brown fox jumps over the lazy dog and then the dog sleeps while HTTPServer and helloWorld talk
if x == 12 : return None else : print ( hello ) the end of the story was the beginning of another story
Hello hello world World it is what it is and that is that straße café naïve 中文 文字 привет мир""".split()


def learned_pieces(words: list[str], count: int) -> list[str]:
    """The pieces that byte-pair encoding learns from words, earliest merge first."""
    texts = [list(word) for word in words]
    pieces: list[str] = []
    while len(pieces) < count:
        pairs: dict[tuple[str, str], int] = {}
        for text in texts:
            for pair in zip(text, text[1:]):
                pairs[pair] = pairs.get(pair, 0) + 1
        if not pairs:
            break
        left, right = max(sorted(pairs), key=lambda pair: pairs[pair])
        if left + right not in pieces:
            pieces.append(left + right)
        for text in texts:
            index = 0
            while index + 1 < len(text):
                if (text[index], text[index + 1]) == (left, right):
                    text[index : index + 2] = [left + right]
                index += 1
    return pieces


class SentencePiece:
    """A vocabulary of pieces with scores, as SentencePiece learns them and Hugging Face converts them."""

    def __init__(self, first: list[tuple[str, int]], last: list[tuple[str, int]]):
        words = [SPACE + word for word in CORPUS]
        pieces = learned_pieces(words, 140)
        characters = sorted({character for word in words for character in word})
        self.entries = first + [(f"<0x{byte:02X}>", BYTE) for byte in range(256)]
        start = len(self.entries)
        self.entries += [(piece, NORMAL) for piece in pieces + characters]
        self.model_size = len(self.entries)
        self.entries += last
        self.scores = [-float(max(0, index - start)) for index in range(len(self.entries))]

    def model(self) -> models.BPE:
        # The model's own vocabulary lacks the tokens that were added later.
        vocabulary = {text: index for index, (text, _) in enumerate(self.entries[: self.model_size])}
        merges = []
        for text, index in vocabulary.items():
            if self.entries[index][1] not in (NORMAL, USER_DEFINED):
                continue
            score = self.scores[index] if self.entries[index][1] == NORMAL else 0.0
            for cut in range(1, len(text)):
                left, right = text[:cut], text[cut:]
                if left in vocabulary and right in vocabulary:
                    merges.append((score, len(left), len(right), left, right))
        merges.sort(key=lambda merge: merge[:3], reverse=True)
        pairs = [merge[3:] for merge in merges]
        return models.BPE(vocabulary, pairs, unk_token="<unk>", fuse_unk=True, byte_fallback=True)

    def fields(self, prefix: bool) -> dict:
        """The vocabulary as converters write it to GGUF: user-defined tokens have spaces instead of U+2581."""
        texts = [text.replace(SPACE, " ") if kind == USER_DEFINED else text for text, kind in self.entries]
        scores = [-1000.0 if kind == USER_DEFINED else score for (_, kind), score in zip(self.entries, self.scores)]
        types = [kind for _, kind in self.entries]
        return {"model": "llama", "tokens": texts, "types": types, "scores": scores, "addsSpacePrefix": prefix}


LLAMA_NORMALIZER = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])


def added(tokenizer: Tokenizer, text: str, special: bool, rstrip: bool = False) -> None:
    token = AddedToken(text, rstrip=rstrip, normalized=False, special=special)
    (tokenizer.add_special_tokens if special else tokenizer.add_tokens)([token])


def llama() -> tuple[dict, Tokenizer]:
    vocabulary = SentencePiece([("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)], [])
    tokenizer = Tokenizer(vocabulary.model())
    tokenizer.normalizer = LLAMA_NORMALIZER
    for text in ("<unk>", "<s>", "</s>"):
        added(tokenizer, text, special=True)
    return vocabulary.fields(prefix=True) | {"architecture": "llama", "bos": 1, "eos": 2}, tokenizer


def phi3() -> tuple[dict, Tokenizer]:
    first = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", USER_DEFINED)]
    names = "endoftext assistant placeholder1 system end user".split()
    vocabulary = SentencePiece(first, [(f"<|{name}|>", CONTROL) for name in names])
    tokenizer = Tokenizer(vocabulary.model())
    tokenizer.normalizer = LLAMA_NORMALIZER
    for text in ("<unk>", "<s>"):
        added(tokenizer, text, special=True)
    added(tokenizer, "</s>", special=False, rstrip=True)
    for name in names:
        added(tokenizer, f"<|{name}|>", special=True, rstrip=name != "endoftext")
    end = len(vocabulary.entries) - len(names)
    return vocabulary.fields(prefix=True) | {"architecture": "phi3", "bos": 1, "eos": end}, tokenizer


def gemma3() -> tuple[dict, Tokenizer]:
    control = ["<pad>", "<eos>", "<bos>", "<unk>"]
    runs = ["\n" * count for count in range(1, 32)] + [SPACE * count for count in range(2, 32)]
    tags = ["<table>", "<b>", "<s>", "</b>", "</s>"]
    first = [(text, CONTROL) for text in control] + [("<mask>", CONTROL)]
    first += [("<start_of_turn>", CONTROL), ("<end_of_turn>", CONTROL)]
    vocabulary = SentencePiece(first + [(text, USER_DEFINED) for text in runs + tags], [])
    tokenizer = Tokenizer(vocabulary.model())
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    for text, _ in first:
        added(tokenizer, text, special=text != "<mask>")
    for text in runs + tags:
        added(tokenizer, text, special=False)
    return vocabulary.fields(prefix=False) | {"architecture": "gemma3", "bos": 2, "eos": 1}, tokenizer


def mistral3() -> tuple[dict, Tokenizer]:
    control = "<unk> <s> </s> [INST] [/INST] [SYSTEM_PROMPT] [/SYSTEM_PROMPT]".split()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    words = ["".join(piece for piece, _ in level.pre_tokenize_str(" " + word)) for word in CORPUS]
    # Whole words that merges do not produce: a word that is itself a token skips the merges.
    pieces = learned_pieces(words, 140)
    whole = [word for word in words if word not in pieces]
    tokens = control + alphabet + pieces + whole
    vocabulary = {text: index for index, text in enumerate(tokens)}
    merges = []
    for piece in pieces:
        cuts = [(piece[:cut], piece[cut:]) for cut in range(1, len(piece))]
        merges += [next((left, right) for left, right in cuts if left in vocabulary and right in vocabulary)]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, ignore_merges=True))
    split = pre_tokenizers.Split(Regex(TEKKEN), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    for text in control:
        added(tokenizer, text, special=True)
    types = [UNKNOWN] + [CONTROL] * (len(control) - 1) + [NORMAL] * (len(tokens) - len(control))
    fields = {"model": "gpt2", "pre": "tekken", "tokens": tokens, "types": types}
    fields["merges"] = [f"{left} {right}" for left, right in merges]
    return fields | {"architecture": "mistral3", "bos": 1, "eos": 2}, tokenizer


def real_phi3(file: str) -> tuple[dict, Tokenizer]:
    published = json.loads(pathlib.Path(file).read_text())
    texts = dict(map(reversed, published["model"]["vocab"].items()))
    texts |= {token["id"]: token["content"] for token in published["added_tokens"]}
    special = {token["id"]: token["special"] for token in published["added_tokens"]}
    tokens = [texts[index] for index in range(len(texts))]
    bytes_end = 259
    types = [BYTE if 3 <= index < bytes_end else NORMAL for index in range(len(tokens))]
    for index, is_special in special.items():
        types[index] = CONTROL if is_special else USER_DEFINED
    fields = {"model": "llama", "tokens": tokens, "types": types, "addsSpacePrefix": True}
    ranks: dict[str, int] = {}
    for rank, merge in enumerate(published["model"]["merges"]):
        ranks.setdefault("".join(merge.split(" ", 1) if isinstance(merge, str) else merge), rank)
    fields["scores"] = [-float(ranks.get(text, len(ranks))) for text in tokens]
    return fields | {"architecture": "phi3", "bos": 1, "eos": 32000}, Tokenizer.from_file(file)


def texts(chance: random.Random, tokens: list[str], types: list[int], count: int) -> list[str]:
    marked = [text for text, kind in zip(tokens, types) if kind in (UNKNOWN, CONTROL, USER_DEFINED)]
    markers = [text for text in marked if text.strip("\n ")]
    blanks = [" ", " ", "  ", "   ", SPACE, SPACE * 2, SPACE * 3, "\n", "\n\n", "\n\n\n", "\t", "\r\n"]
    blanks += ["\u00a0", "\u3000", "\u0085", "\u2028", "\x1c", " " * 7, SPACE * 9, "\n" * 11, " " * 17]
    letters = [
        "a",
        "é",
        "e\u0301",
        "中",
        "日本",
        "👍🏽",
        "ß",
        "İ",
        "ǅ",
        "ʰ",
        "ﬁ",
        "\u0301",
        "١",
        "½",
        "0",
        "42",
        "1234",
    ]
    others = ["'s", "'LL", "<", "<|", "|>", "</", ">", "[", "_", "//", "/\n", ".", "...", "\u200d", "\x00", "\x7f"]
    kinds = [(markers, 3), (blanks, 4), (CORPUS, 4), (letters, 2), (others, 1)]
    found = []
    while len(found) < count:
        pools = chance.choices([pool for pool, _ in kinds], [weight for _, weight in kinds], k=chance.randint(1, 12))
        text = ""
        for pool in pools:
            piece = chance.choice(pool)
            cut = chance.random() < 0.1
            text += piece[: chance.randint(1, len(piece))] if cut else piece
        found.append(text)
    return found


CHATS = [
    "<|user|>\nHello<|end|>\n<|assistant|>\n",
    "<|system|>\n  hello <|end|> \n\t<|user|>\u3000Hello<|endoftext|> world</s> the",
    "<bos><start_of_turn>user\nhello  world<end_of_turn>\n<start_of_turn>model\n",
    SPACE + "hello" + SPACE * 2 + "world" + SPACE + " the " + SPACE + SPACE * 31 + "fox  " + SPACE + SPACE + "dog",
    "<s>[INST] hello [/INST]the end</s>",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=GOLDENS)
    parser.add_argument("--cases", type=int, default=400)
    parser.add_argument("--seed", type=int, default=12)
    parser.add_argument("--phi3", help="the published tokenizer.json of Phi-3")
    arguments = parser.parse_args()
    families = {"llama": llama(), "phi3": phi3(), "gemma3": gemma3(), "mistral3": mistral3()}
    if arguments.phi3:
        families["phi3-published"] = real_phi3(arguments.phi3)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, (fields, tokenizer) in families.items():
        chance = random.Random(f"{arguments.seed} {name}")
        cases = CHATS + texts(chance, fields["tokens"], fields["types"], arguments.cases - len(CHATS))
        fields["cases"] = [
            {"text": text, "tokens": tokenizer.encode(text, add_special_tokens=False).ids} for text in cases
        ]
        (arguments.folder / f"{name}.json").write_text(json.dumps(fields, separators=(",", ":")) + "\n")


main()
