"""A vocabulary of all bytes and all pairs of them, where every moved word boundary changes the tokens."""

import pathlib

import gguf

MARKERS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def write(path: pathlib.Path, pre: str, missing: bytes = b"") -> None:
    """Writes a file without weights; the bytes in `missing` have no token."""
    letters = [letter for byte, letter in sorted(spelling().items()) if byte not in missing]
    pairs = [(first, second) for first in letters for second in letters]
    # An order in which the pairs of neighbouring bytes are far apart, so that merges overlap in many ways.
    pairs.sort(key=lambda pair: hash_of(pair))
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
    """How byte-level vocabularies write each byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(0x100 + rank) for rank, byte in enumerate(others)}


def hash_of(pair: tuple[str, str]) -> int:
    return (ord(pair[0]) * 0x9E3779B1 ^ ord(pair[1]) * 0x85EBCA77) * 0xC2B2AE35 % 2**32
