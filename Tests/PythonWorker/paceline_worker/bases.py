"""Names for a sequence's committed tokens."""

_OFFSET_BASIS = 0xCBF29CE484222325
_PRIME = 0x100000001B3


def base_hash(tokens, start=_OFFSET_BASIS):
    """FNV-1a over the tokens as four little-endian bytes each, continued from `start`."""
    value = start
    for token in tokens:
        for byte in token.to_bytes(4, "little"):
            value = ((value ^ byte) * _PRIME) & 0xFFFFFFFFFFFFFFFF
    return value


class Base:
    """A sequence's tokens with their name: epoch, length and hash."""

    def __init__(self, tokens, epoch):
        self.tokens = list(tokens)
        self.epoch = epoch
        self.hash = base_hash(self.tokens)

    @property
    def name(self):
        return (self.epoch, len(self.tokens), self.hash)

    def commit(self, tokens):
        self.tokens += tokens
        self.hash = base_hash(tokens, self.hash)
        self.epoch += 1
