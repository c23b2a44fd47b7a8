"""Frames: 28 bytes of header, then a protobuf payload."""

import dataclasses
import struct

from google.protobuf.message import DecodeError

from . import messages
from .crc32c import crc32c

MAGIC = b"\xf7PCL"
HEADER_SIZE = 28
FRAMING_VERSION = 1
HANDSHAKE_CAP = 4 << 10
CONTROL_CAP = 16 << 10
TREE_CAP = 64 << 10
FRAME_CAP = 1 << 20

_PREFIX = struct.Struct("<4sI")
_COVERED = struct.Struct("<HBBIIQ")


class ProtocolError(Exception):
    """The other side broke a rule; `code` is sent to it before the connection is closed."""

    def __init__(self, code, reason):
        super().__init__(reason)
        self.code = code


@dataclasses.dataclass(frozen=True)
class Frame:
    name: str
    payload: bytes
    sequence: int

    def encoded(self):
        covered = _COVERED.pack(
            FRAMING_VERSION, messages.TYPE_BYTES[self.name], 0, len(self.payload), crc32c(self.payload), self.sequence
        )
        return _PREFIX.pack(MAGIC, crc32c(covered)) + covered + self.payload

    def message(self):
        try:
            return messages.parse(self.name, self.payload)
        except DecodeError as error:
            raise ProtocolError(messages.FAULT_BAD_MESSAGE, f"a {self.name} does not parse: {error}") from error


class FrameWriter:
    def __init__(self):
        self._sequence = 0

    def write(self, message):
        self._sequence += 1
        return Frame(messages.name_of(message), message.SerializeToString(), self._sequence)


class FrameReader:
    """Splits received bytes into frames. Uses no field of a header before its checksum is verified."""

    def __init__(self, established=False):
        self.established = established
        self.sequence = 0
        self._buffer = bytearray()

    def append(self, data):
        self._buffer += data

    def next(self):
        """The next frame, or None if more bytes are needed."""
        self._check_magic()
        if len(self._buffer) < HEADER_SIZE:
            return None
        name, length, checksum = self._check_header()
        if len(self._buffer) < HEADER_SIZE + length:
            return None
        payload = bytes(self._buffer[HEADER_SIZE : HEADER_SIZE + length])
        if crc32c(payload) != checksum:
            raise self._error(f"the payload of a {name} is corrupt")
        del self._buffer[: HEADER_SIZE + length]
        self.sequence += 1
        return Frame(name, payload, self.sequence)

    def _check_magic(self):
        found = bytes(self._buffer[: len(MAGIC)])
        if not MAGIC.startswith(found):
            raise self._error(f"the other side speaks another protocol: it began with {found!r}")

    def _check_header(self):
        _, header_checksum = _PREFIX.unpack_from(self._buffer)
        covered = self._buffer[_PREFIX.size : HEADER_SIZE]
        if crc32c(covered) != header_checksum:
            raise self._error("a header is corrupt")
        version, type_byte, flags, length, checksum, sequence = _COVERED.unpack(covered)
        if version != FRAMING_VERSION:
            raise self._error(f"framing version {version}")
        name = messages.TYPES.get(type_byte)
        if name is None:
            raise self._error(f"unknown type {type_byte:#x}")
        if flags:
            raise self._error(f"flags {flags:#x}")
        if length > self._cap(name):
            raise self._error(f"a {name} of {length} bytes")
        if sequence != self.sequence + 1:
            raise self._error(f"frame {self.sequence + 1} was expected, but frame {sequence} came")
        return name, length, checksum

    def _cap(self, name):
        if name == "Fault":
            return HANDSHAKE_CAP
        if (name in messages.HANDSHAKE) == self.established:
            raise ProtocolError(messages.FAULT_UNEXPECTED, f"a {name} came at the wrong time")
        if not self.established:
            return HANDSHAKE_CAP
        return {"Open": FRAME_CAP, "Tree": TREE_CAP}.get(name, CONTROL_CAP)

    @staticmethod
    def _error(reason):
        return ProtocolError(messages.FAULT_BAD_FRAME, reason)
