#!/usr/bin/env python3
"""Writes the Unicode tables in this folder for the Unicode versions that published tokenizers use.

    pip install --target /tmp/unicode unicodedataplus==16.0.0.post1 unicodedata2==17.0.1
    PYTHONPATH=/tmp/unicode python3 Sources/PacelineModel/Tokenizer/Unicode/generate.py

Asking Hugging Face's tokenizers 0.23.3 about every code point showed the versions: 16 for regular expressions, 17 for
the "Digits" step and 9 for NFC. Tests/TokenizerComparison repeats this check. Unicode never changes how a character
normalises, so NFC in version 9 is NFC in any later version without the characters added after 9.0.
"""

import pathlib

import unicodedata2 as unicode17
import unicodedataplus as unicode16

FOLDER = pathlib.Path(__file__).parent
CODE_POINTS = range(0x110000)
# In the order of Swift's GeneralCategory.
CATEGORIES = ("Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn").split()
# White_Space in PropList-16.0.0.txt outside the categories Zs, Zl and Zp.
CONTROLS_OF_WHITE_SPACE = {0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x85}


def main() -> None:
    assert unicode16.unidata_version == "16.0.0" and unicode17.unidata_version == "17.0.0"
    write(
        "CharacterTable+Categories.swift",
        array(
            "categoryRuns",
            "General categories in Unicode 16.0.0, one entry per run: its first code point × 256 + its category.",
            [hexadecimal(first << 8 | value) for first, value in runs(category)],
        ),
    )
    write(
        "CharacterTable+Ranges.swift",
        array(
            "whiteSpaceRanges",
            "White_Space in Unicode 16.0.0: first and last code point of each range.",
            ranges(is_white_space),
        ),
        array(
            "numberRanges",
            "The categories Nd, Nl and No in Unicode 17.0.0: first and last code point of each range.",
            ranges(lambda point: unicode17.category(chr(point))[0] == "N"),
        ),
    )
    pairs = [entry for entry in decompositions() if len(entry) == 3]
    write(
        "NormalizationTable+Decompositions.swift",
        array(
            "decompositionsIntoTwo",
            "Canonical decompositions in Unicode 9.0.0: a code point and the two that it decomposes into.",
            [", ".join(map(hexadecimal, entry)) for entry in pairs],
        ),
        array(
            "decompositionsIntoOne",
            "Canonical decompositions in Unicode 9.0.0: a code point and the one that it decomposes into.",
            [", ".join(map(hexadecimal, entry)) for entry in decompositions() if len(entry) == 2],
        ),
    )
    write(
        "NormalizationTable+Composition.swift",
        array(
            "compositionExclusions",
            "Full_Composition_Exclusion in Unicode 9.0.0: code points that decompose into two but never compose again.",
            [hexadecimal(entry[0]) for entry in pairs if not is_composed(entry[0])],
        ),
        array(
            "combiningClassRuns",
            "Canonical_Combining_Class in Unicode 9.0.0, one entry per run: its first code point × 256 + its class.",
            [hexadecimal(first << 8 | value) for first, value in runs(combining_class)],
        ),
    )


def category(point: int) -> int:
    return CATEGORIES.index(unicode16.category(chr(point)))


def is_white_space(point: int) -> bool:
    return point in CONTROLS_OF_WHITE_SPACE or unicode16.category(chr(point))[0] == "Z"


def is_in_unicode9(point: int) -> bool:
    age = unicode16.age(chr(point))
    return age != "Unassigned" and tuple(map(int, age.split("."))) <= (9, 0)


def combining_class(point: int) -> int:
    return unicode16.combining(chr(point)) if is_in_unicode9(point) else 0


def decompositions() -> list[list[int]]:
    """Code points with their direct decompositions, except Hangul syllables, which are computed."""
    result = []
    for point in filter(is_in_unicode9, CODE_POINTS):
        parts = unicode16.decomposition(chr(point)).split()
        if parts and not parts[0].startswith("<"):
            result.append([point] + [int(part, 16) for part in parts])
    return result


def is_composed(point: int) -> bool:
    return unicode16.normalize("NFC", chr(point)) == chr(point)


def runs(value) -> list[tuple[int, int]]:
    result: list[tuple[int, int]] = []
    for point in CODE_POINTS:
        found = value(point)
        if not result or result[-1][1] != found:
            result.append((point, found))
    return result


def ranges(belongs) -> list[str]:
    found = runs(lambda point: int(belongs(point))) + [(len(CODE_POINTS), 0)]
    return [
        f"{hexadecimal(first)}, {hexadecimal(after - 1)}"
        for (first, inside), (after, _) in zip(found, found[1:])
        if inside
    ]


def hexadecimal(number: int) -> str:
    return f"0x{number:X}"


def array(name: str, summary: str, items: list[str]) -> str:
    lines = [f"    /// {summary}", f"    static let {name}: [UInt32] = ["]
    line = ""
    for item in items:
        if line and len(line) + len(item) + 2 > 120:
            lines.append(line)
            line = ""
        line += f" {item}," if line else f"        {item},"
    return "\n".join(lines + [line, "    ]"])


def write(file: str, *arrays: str) -> None:
    head = "// Written by generate.py from the Unicode versions named below.\n// swift-format-ignore-file\n"
    body = "\n\n".join(arrays)
    (FOLDER / file).write_text(f"{head}\nextension {file.partition('+')[0]} {{\n{body}\n}}\n")


main()
