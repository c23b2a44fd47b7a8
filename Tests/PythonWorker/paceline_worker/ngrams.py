"""Drafting without a model: proposes what followed earlier occurrences of the latest tokens."""

import dataclasses
import math

LONGEST = 4


@dataclasses.dataclass
class Draft:
    """A tree in its wire format."""

    parents: list = dataclasses.field(default_factory=list)  # distances back; the base has index -1
    tokens: list = dataclasses.field(default_factory=list)
    surprisals: list = dataclasses.field(default_factory=list)  # 1/1024 nat

    def __len__(self):
        return len(self.tokens)


class NGrams:
    """The positions where each n-gram of a growing sequence ended, latest last."""

    def __init__(self):
        self._tokens = []
        self._ends = {}

    def extend(self, tokens):
        for token in tokens:
            self._tokens.append(token)
            for length in range(1, min(LONGEST, len(self._tokens)) + 1):
                self._ends.setdefault(tuple(self._tokens[-length:]), []).append(len(self._tokens))

    def draft(self, nodes, depth, width):
        """A tree of the continuations of the longest repeated suffixes, the likeliest first."""
        draft = Draft()
        children = {}  # (parent, token) -> node
        fan = {}  # parent -> count of children
        for length in range(LONGEST, 0, -1):
            suffix = tuple(self._tokens[-length:])
            if len(suffix) < length:
                continue
            ends = [end for end in self._ends[suffix] if end < len(self._tokens)]
            for end in reversed(ends[-width:]):
                self._graft(draft, children, fan, self._tokens[end : end + depth], length, nodes, width)
        return draft

    @staticmethod
    def _graft(draft, children, fan, continuation, length, nodes, width):
        parent = -1
        for token in continuation:
            node = children.get((parent, token))
            if node is None:
                if len(draft) >= nodes or fan.get(parent, 0) >= width:
                    return
                node = len(draft)
                children[(parent, token)] = node
                fan[parent] = fan.get(parent, 0) + 1
                probability = length / (length + 1) / fan[parent]
                draft.parents.append(node - parent)
                draft.tokens.append(token)
                draft.surprisals.append(min(65_535, round(-math.log(probability) * 1024)))
            parent = node
