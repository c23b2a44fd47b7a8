#!/usr/bin/env python3
"""Compares Paceline's tokens with those of the published tokenizers; see README.md in this folder."""

import argparse
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import bytepairs
from published import CONTROL, USER_DEFINED, Vocabulary, published
from texts import Texts, swept

CHUNK = 100_000


def main() -> None:
    arguments = parser().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        differences = sum(compare(name, arguments, pathlib.Path(folder)) for name in arguments.models)
    sys.exit(1 if differences else 0)


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", help="GGUF files, or pairs:PRE for all byte pairs with a pre-tokeniser")
    parser.add_argument("--count", type=int, default=200_000, help="random texts (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-sweep", action="store_true", help="skip the sweep over every code point")
    parser.add_argument("--golden", type=pathlib.Path, help="write a sample with the published ids to this file")
    parser.add_argument("--sample", type=int, default=5_000, help="number of texts in it (default: %(default)s)")
    return parser


def compare(name: str, arguments: argparse.Namespace, folder: pathlib.Path) -> int:
    path = model_path(name, folder)
    vocabulary = Vocabulary.read(path)
    reference = published(vocabulary)
    made = Texts(arguments.seed, vocabulary.of_type(CONTROL, USER_DEFINED)).make(arguments.count)
    if arguments.golden:
        write_golden(arguments.golden, name, reference, made[: arguments.sample])
    total = 0
    for kind, texts in [("random", made)] + ([] if arguments.no_sweep else [("code points", swept())]):
        found = differences(path, reference, texts)
        print(f"{name} ({vocabulary.pre}), {kind}: {len(found)} of {len(texts)} differ", flush=True)
        for text, ours, theirs in found[:10]:
            print(f"  {ascii(text)}\n    paceline  {ours}\n    published {theirs}")
        total += len(found)
    return total


def model_path(name: str, folder: pathlib.Path) -> str:
    if not name.startswith("pairs:"):
        return name
    path = folder / f"{name.removeprefix('pairs:')}.gguf"
    bytepairs.write(path, name.removeprefix("pairs:"))
    return str(path)


def differences(path: str, reference, texts: list[str]) -> list[tuple[str, list[int], list[int]]]:
    found = []
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        for text, ours, theirs in zip(chunk, paceline(path, chunk), ids(reference, chunk), strict=True):
            if ours != theirs:
                found.append((text, ours, theirs))
    return found


def ids(reference, texts: list[str]) -> list[list[int]]:
    return [encoding.ids for encoding in reference.encode_batch_fast(texts, add_special_tokens=False)]


def paceline(path: str, texts: list[str]) -> list[list[int]]:
    executable = os.environ.get("PACELINE", ".build/release/paceline")
    lines = "".join(json.dumps(text) + "\n" for text in texts)
    command = [executable, "tokenize", "-m", path, "-f", "-", "--json-lines"]
    answer = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
    return [[int(id) for id in line.split(",") if id] for line in answer.splitlines()]


def write_golden(path: pathlib.Path, name: str, reference, texts: list[str]) -> None:
    """Writes texts with the published ids, and with the decoded text if it differs."""
    cases = []
    for text, tokens in zip(texts, ids(reference, texts), strict=True):
        decoded = reference.decode(tokens, skip_special_tokens=False)
        case = {"text": text, "tokens": tokens} | ({"decoded": decoded} if decoded != text else {})
        cases.append(json.dumps(case, separators=(",", ":")))
    library = importlib.metadata.version("tokenizers")
    head = {"model": pathlib.Path(name).name, "note": f"by PyPI's tokenizers {library}; special tokens are parsed"}
    path.write_text(json.dumps(head)[:-1] + ', "cases": [\n' + ",\n".join(cases) + "\n]}\n")


main()
