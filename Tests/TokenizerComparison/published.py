"""The tokenizers that model families publish, rebuilt with Hugging Face's library from the vocabulary of a GGUF file.

The rest comes from the families' `tokenizer.json`: how text is normalised and split into words.
"""

from dataclasses import dataclass

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE

NORMAL, CONTROL, USER_DEFINED = 1, 3, 4


@dataclass
class Vocabulary:
    """The tokenizer metadata of a GGUF file."""

    pre: str
    tokens: list[str]
    types: list[int]
    merges: list[str]

    @classmethod
    def read(cls, path: str) -> "Vocabulary":
        fields = gguf.GGUFReader(path).fields
        names = ("pre", "tokens", "token_type", "merges")
        return cls(*(fields[f"tokenizer.ggml.{name}"].contents() for name in names))

    def of_type(self, *types: int) -> list[str]:
        return [token for token, found in zip(self.tokens, self.types) if found in types]


def llama3_words(numbers: str) -> pre_tokenizers.PreTokenizer:
    expression = (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
        + numbers
        + r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(expression), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )


def gpt2_words() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


@dataclass
class Family:
    """The settings in a family's `tokenizer.json` beyond its vocabulary."""

    words: pre_tokenizers.PreTokenizer
    normalizer: normalizers.Normalizer | None = None
    ignore_merges: bool = False


# By `tokenizer.ggml.pre`.
FAMILIES = {
    "gpt-2": Family(gpt2_words()),
    "smollm": Family(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), gpt2_words()])),
    "llama-bpe": Family(llama3_words(r"\p{N}{1,3}"), ignore_merges=True),
    "qwen2": Family(llama3_words(r"\p{N}"), normalizer=normalizers.NFC()),
}


def published(vocabulary: Vocabulary) -> Tokenizer:
    family = FAMILIES[vocabulary.pre]
    # Includes special tokens, because `add_tokens` keeps the ids of known ones. No word can become one, because they
    # are cut out of the text first.
    ids = {
        text: id
        for id, (text, kind) in enumerate(zip(vocabulary.tokens, vocabulary.types))
        if kind in (NORMAL, CONTROL, USER_DEFINED)
    }
    merges = [tuple(merge.split(" ")) for merge in vocabulary.merges]
    tokenizer = Tokenizer(BPE(vocab=ids, merges=merges, ignore_merges=family.ignore_merges))
    if family.normalizer:
        tokenizer.normalizer = family.normalizer
    tokenizer.pre_tokenizer = family.words
    tokenizer.decoder = decoders.ByteLevel()
    for text, kind in zip(vocabulary.tokens, vocabulary.types):
        if kind in (CONTROL, USER_DEFINED):
            tokenizer.add_tokens([AddedToken(text, special=kind == CONTROL, normalized=False)])
    return tokenizer
