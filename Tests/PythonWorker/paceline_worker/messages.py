"""Message classes, generated from the .proto files when the module is loaded."""

import pathlib
import shutil
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PROTOCOLS = pathlib.Path(__file__).resolve().parents[3] / "Protocols"
FILES = ("paceline/v1/handshake.proto", "paceline/v1/drafting.proto", "paceline/v1/liveness.proto")

TYPES = {
    0x01: "Hello",
    0x02: "Challenge",
    0x03: "Authenticate",
    0x04: "Welcome",
    0x10: "Open",
    0x11: "Tree",
    0x12: "Verifying",
    0x13: "Verdict",
    0x14: "Close",
    0x20: "Ping",
    0x21: "Pong",
    0x22: "Drain",
    0x23: "Fault",
}
TYPE_BYTES = {name: byte for byte, name in TYPES.items()}
HANDSHAKE = frozenset(("Hello", "Challenge", "Authenticate", "Welcome"))


def _descriptors():
    compiler = shutil.which("protoc") or shutil.which("protoc-c")
    if compiler is None:
        raise SystemExit("neither protoc nor protoc-c is installed; on Debian: apt-get install protobuf-c-compiler")
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "messages.binpb"
        subprocess.run([compiler, f"--descriptor_set_out={output}", *FILES], cwd=PROTOCOLS, check=True)
        return descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes())


def _classes():
    pool = descriptor_pool.DescriptorPool()
    for file in _descriptors().file:
        pool.Add(file)
    find = pool.FindMessageTypeByName
    return {name: message_factory.GetMessageClass(find(f"paceline.v1.{name}")) for name in TYPES.values()}


_CLASSES = _classes()
Hello, Challenge, Authenticate, Welcome = (_CLASSES[name] for name in ("Hello", "Challenge", "Authenticate", "Welcome"))
Open, Tree, Verifying, Verdict, Close = (_CLASSES[name] for name in ("Open", "Tree", "Verifying", "Verdict", "Close"))
Ping, Pong, Drain, Fault = (_CLASSES[name] for name in ("Ping", "Pong", "Drain", "Fault"))

FAULT_BAD_FRAME, FAULT_BAD_MESSAGE, FAULT_UNEXPECTED, FAULT_VERSION = 1, 2, 3, 4
FAULT_AUTHENTICATION, FAULT_TIMEOUT = 6, 7


def parse(name, payload):
    """Decodes a message by name; raises google.protobuf.message.DecodeError if the payload is invalid."""
    return _CLASSES[name].FromString(payload)


def name_of(message):
    return message.DESCRIPTOR.name
