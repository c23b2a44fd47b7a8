#!/usr/bin/env python3
"""Writes how Hugging Face's tokenizers treat every code point: the golden that the unit tests compare with.

    python3 Tests/TokenizerComparison/characters.py > Tests/PacelineModelTests/Goldens/characters.json

It also reports on standard error how the answers differ from two versions of Unicode.
"""

import importlib.metadata
import json
import sys

import unicodedata2 as unicode17
import unicodedataplus as unicode16
from tokenizers import Regex, normalizers, pre_tokenizers

CHARACTERS = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
# A starter that composes with nothing, and the only mark of the highest combining class.
STARTER, HIGHEST = "%", "\u0345"
nfc, nfd = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str


def main() -> None:
    classes = {
        name: matching(expression)
        for name, expression in (("letters", r"[^\p{L}]"), ("numbers", r"[^\p{N}]"), ("whiteSpace", r"\S"))
    }
    classes["digits"] = digits()
    report(classes)
    lines = [f'"note": "by PyPI\'s tokenizers {importlib.metadata.version("tokenizers")}"']
    lines += [f'"{name}": {compact(ranges(found))}' for name, found in classes.items()]
    lines.append(f'"marks": {compact(marks())}')
    lines.append('"normalization": [\n' + ",\n".join(map(compact, normalization())) + "\n]")
    print("{\n" + ",\n".join(lines) + "\n}")


def matching(others: str) -> set[str]:
    """The characters that are left after removing those that match `others`."""
    found = set()
    step = pre_tokenizers.Split(Regex(others), "removed")
    for start in range(0, len(CHARACTERS), 4096):
        for piece, _ in step.pre_tokenize_str("".join(CHARACTERS[start : start + 4096])):
            found.update(piece)
    return found


def digits() -> set[str]:
    step = pre_tokenizers.Digits(individual_digits=True)
    return {character for character in CHARACTERS if len(step.pre_tokenize_str(f"a{character}a")) == 3}


def marks() -> list:
    """The marks of each canonical combining class, found by which marks they change places with."""
    # Every other mark moves before U+0345.
    movable = [
        mark
        for mark in CHARACTERS
        if nfd(mark) == mark and nfd(STARTER + HIGHEST + mark) == STARTER + mark + HIGHEST and mark != HIGHEST
    ]
    representatives: dict[int, str] = {unicode16.combining(mark): mark for mark in movable}
    found: dict[int, list[int]] = {240: [ord(HIGHEST)]}
    for mark in movable:
        above = [
            number
            for number, other in representatives.items()
            if nfd(STARTER + other + mark) == STARTER + mark + other and mark != other
        ]
        # Its class is the highest one below all classes that it moves before.
        own = max(number for number in representatives if number < min(above, default=240))
        found.setdefault(own, []).append(ord(mark))
    return [[number, points] for number, points in sorted(found.items())]


def normalization() -> list:
    """Every character that decomposes with its NFD and NFC, except Hangul syllables."""
    return [
        [character, nfd(character), nfc(character)]
        for character in CHARACTERS
        if not "\uac00" <= character <= "\ud7a3" and nfd(character) != character
    ]


def report(classes: dict[str, set[str]]) -> None:
    for name, found in classes.items():
        for database in (unicode16, unicode17):
            if name == "whiteSpace":
                continue
            wanted = {c for c in CHARACTERS if database.category(c)[0] == ("L" if name == "letters" else "N")}
            version = database.unidata_version
            print(f"{name}: {len(found)}, {len(found ^ wanted)} unlike Unicode {version}", file=sys.stderr)


def ranges(characters: set[str]) -> list[list[int]]:
    result: list[list[int]] = []
    for point in sorted(map(ord, characters)):
        if result and result[-1][1] == point - 1:
            result[-1][1] = point
        else:
            result.append([point, point])
    return result


def compact(value) -> str:
    return json.dumps(value, separators=(",", ":"))


main()
