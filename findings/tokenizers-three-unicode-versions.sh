#!/usr/bin/env bash
# tokenizers 0.23.3 (PyPI, the published wheel; github.com/huggingface/tokenizers) reads one text by three versions of
# Unicode.
#
# Guessed: one library, one set of character tables, so that a letter is a letter and a composition a composition by the
# same version everywhere, or by that of the Python that runs it.
#
# Seen: \p{N} of a Split's expression follows Unicode 16, the step Digits Unicode 17, and the normalizer NFC Unicode 9,
# whatever the Python. So U+11DE0, a decimal digit since Unicode 17, is a digit to Digits and no number to \p{N};
# U+10D40, one since Unicode 16, is one to both; and U+105D2 U+0307, composed to U+105C9 since Unicode 16, stays as it
# is, where U+006F U+0308 composes.
#
# For who builds on it: a tokenizer of one's own that takes its character classes from its language's runtime gives
# other tokens than the published one, and other ones again after an update. The classes belong into tables of named
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
    """Whether the step takes a code point between two letters for a word of its own."""
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
