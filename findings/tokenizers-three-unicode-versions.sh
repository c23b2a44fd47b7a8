#!/usr/bin/env bash
# tokenizers 0.23.3 (PyPI, the published wheel; github.com/huggingface/tokenizers) uses three versions of Unicode for
# the same text.
#
# Expected: one library has one set of character tables. Letters and compositions follow the same version of Unicode
# everywhere, or the version of the Python that runs it.
#
# Actual: \p{N} in the expression of a Split follows Unicode 16, the Digits step Unicode 17 and the NFC normalizer
# Unicode 9, in any version of Python. U+11DE0, a decimal digit since Unicode 17, is a digit for Digits but not a number
# for \p{N}. U+10D40, a digit since Unicode 16, is one for both. U+105D2 U+0307, which composes to U+105C9 since Unicode
# 16, stays unchanged, although U+006F U+0308 composes.
#
# Consequence: a reimplementation that takes its character classes from its language's runtime gives other tokens than
# the published tokenizer. The tokens change again when the runtime is updated. The classes belong in tables of fixed
# versions, one for each step.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --target "$folder" \
    tokenizers==0.23.3

PYTHONPATH="$folder" python3 - <<'PYTHON'
import sys

from tokenizers import Regex, normalizers, pre_tokenizers

digits = pre_tokenizers.Digits(individual_digits=True)
numbers = pre_tokenizers.Split(Regex(r"\p{N}"), behavior="isolated")
nfc = normalizers.NFC()


def is_cut(step, point: int) -> bool:
    """Whether the step treats a code point between two letters as a separate word."""
    return len(step.pre_tokenize_str(f"a{chr(point)}b")) == 3


seen = {
    "digit since Unicode 17, U+11DE0: Digits, \\p{N}": (is_cut(digits, 0x11DE0), is_cut(numbers, 0x11DE0)),
    "digit since Unicode 16, U+10D40: Digits, \\p{N}": (is_cut(digits, 0x10D40), is_cut(numbers, 0x10D40)),
    "composition of Unicode 1, U+006F U+0308: composed": nfc.normalize_str("o\u0308") == "\u00f6",
    "composition since Unicode 16, U+105D2 U+0307: composed": nfc.normalize_str("\U000105d2\u0307") == "\U000105c9",
}
for what, value in seen.items():
    print(f"{what}: {value}")
sys.exit(list(seen.values()) != [(True, False), (True, True), True, False])
PYTHON
