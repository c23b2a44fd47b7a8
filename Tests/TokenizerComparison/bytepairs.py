"""A vocabulary of all bytes and all pairs of bytes, so that any change of a word boundary changes the tokens."""

import pathlib

import gguf

MARKERS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def write(path: pathlib.Path, pre: str) -> None:
    """Writes a GGUF file without weights; the tests' `BytePairVocabulary` writes the same file in Swift."""
    letters = [letter for _, letter in sorted(spelling().items())]
    # A scattered order, so that either of two overlapping merges may rank first.
    order = [rank * 40_503 % 0x10000 for rank in range(0x10000)]
    pairs = [(letters[pair >> 8], letters[pair & 0xFF]) for pair in order]
    tokens = letters + [first + second for first, second in pairs] + MARKERS
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([1] * (len(tokens) - len(MARKERS)) + [3] * len(MARKERS))
    writer.add_token_merges([" ".join(pair) for pair in pairs])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def spelling() -> dict[int, str]:
    """The character that byte-level vocabularies use for each byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(0x100 + rank) for rank, byte in enumerate(others)}
