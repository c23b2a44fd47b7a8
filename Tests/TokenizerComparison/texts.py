"""Texts that reveal differences between tokenizers, made from a seed so that they are reproducible."""

import random

import unicodedata2 as unicode17
import unicodedataplus as unicode16

CONTEXTS = ("{0}", "a{0}b", " {0}'s 1", "e{0}\u0301{0}\r\n{0}")
LAST_SWEPT = 0x3FFFF

WHITE_SPACE = [chr(point) for point in range(0x3001) if chr(point).isspace() and not 0x1C <= point <= 0x1F]
ASCII = [chr(point) for point in range(0x80)]
CONTRACTIONS = ["'s", "'T", "'re", "'VE", "'m", "'ll", "'Ll", "'d", "'", "\u2019s", "'\u017f", "'\u212a"]
# SmolLM2's vocabulary has no token for these control characters, nor for the first bytes of planes 4 to 11.
MISSING = ["\x04", "\x06", "\x13", "\x14", "\x16", "\x1d"]
SINGLETONS = list("\u212b\u2126\u212a\u037e\u0387\u1fef\u0340\u0341\u0343\u0344\u0374\u2000\u2329\uf900\U0002f800")
WORDS = (
    "the of and import return self Straße naïve déjà Ελλάδα "
    "привет שלום مرحبا नमस्ते สวัสดี 你好 こんにちは 한국어 Tiếng Việt"
).split()
EMOJI = ["\U0001f44d\U0001f3fd", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u2764\ufe0f", "\U0001f1e9\U0001f1ea"]


class Texts:
    """Random texts from all general categories, for a family with the given markers."""

    def __init__(self, seed: int, markers: list[str]) -> None:
        self.random = random.Random(seed)
        self.markers = markers
        self.by_category: dict[str, list[str]] = {}
        self.composed: list[str] = []
        marks: dict[int, list[str]] = {}
        for point in range(0x110000):
            character = chr(point)
            if 0xD800 <= point < 0xE000:
                continue
            self.by_category.setdefault(unicode17.category(character), []).append(character)
            decomposition = unicode16.decomposition(character)
            if decomposition and not decomposition.startswith("<"):
                self.composed.append(character)
            if unicode17.combining(character):
                marks.setdefault(unicode17.combining(character), []).append(character)
        self.categories = sorted(self.by_category)
        self.marks = list(marks.values())

    def make(self, count: int) -> list[str]:
        return [self.text() for _ in range(count)]

    def text(self) -> str:
        return "".join(self.piece() for _ in range(self.random.randrange(1, 14)))

    def piece(self) -> str:
        kinds = [
            (10, lambda: self.pick(self.by_category[self.pick(self.categories)])),
            (6, lambda: self.pick(ASCII) * self.pick([1, 1, 1, 2, 5])),
            (5, lambda: self.pick(WORDS)),
            (4, lambda: self.pick(WHITE_SPACE) * self.pick([1, 1, 2, 3])),
            (4, lambda: " "),
            (3, lambda: self.pick(CONTRACTIONS)),
            (4, lambda: unicode16.normalize("NFD", self.pick(self.composed))),
            (2, lambda: self.pick(self.composed)),
            (3, lambda: unicode16.normalize("NFD", self.pick(WORDS))),
            (4, self.marked),
            (2, self.hangul),
            (2, lambda: self.pick(SINGLETONS)),
            (3, lambda: self.pick(MISSING)),
            (1, lambda: chr(self.random.randrange(0x40000, 0xC0000))),
            (2, lambda: self.pick(self.by_category[self.pick(["Nd", "Nl", "No"])]) * self.pick([1, 2, 4])),
            (1, lambda: self.pick(EMOJI)),
            (2, self.marker),
        ]
        return self.random.choices([make for _, make in kinds], [weight for weight, _ in kinds])[0]()

    def pick(self, choices):
        return choices[self.random.randrange(len(choices))]

    def marked(self) -> str:
        """A character with several marks in any order."""
        base = self.pick([self.pick("aeiouAESscz<>="), self.pick(self.composed), self.pick(self.by_category["Lo"])])
        return base + "".join(self.pick(self.pick(self.marks)) for _ in range(self.random.randrange(1, 5)))

    def hangul(self) -> str:
        """Korean letters, some of which form syllables."""
        letters = [chr(self.random.randrange(*span)) for span in [(0x1100, 0x1113), (0x1161, 0x1176), (0x11A7, 0x11C3)]]
        if self.random.random() < 0.3:
            letters[0:2] = [chr(0xAC00 + 28 * self.random.randrange(399))]
        return "".join(letters[: self.random.randrange(1, 4)])

    def marker(self) -> str:
        """A special token's text, whole or cut short, sometimes with a mark that could compose with its end."""
        marker = self.pick(self.markers)
        if self.random.random() < 0.3:
            marker = marker[: self.random.randrange(1, len(marker) + 1)]
        return self.pick(["", "", "e", "\u0301"]) + marker + self.pick(["", "", "\u0338", "\u0301"])


def swept() -> list[str]:
    """Every code point up to U+3FFFF in each context."""
    points = [point for point in range(LAST_SWEPT + 1) if not 0xD800 <= point < 0xE000]
    return [context.format(chr(point)) for context in CONTEXTS for point in points]
