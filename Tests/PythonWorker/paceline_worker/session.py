"""A connection from `Hello` to its end, as a state machine without a socket: frames in, frames out."""

import hashlib
import hmac

from . import messages
from .bases import Base
from .frames import FrameReader, FrameWriter, ProtocolError
from .ngrams import NGrams

DELTAS = 1
FINAL_FAULTS = {2, 3, 4, 5, 6}  # trying again does not help
PIECE = 16  # nodes per Tree message


class Refused(Exception):
    """One side refuses the other until somebody changes a setting."""


class Request:
    def __init__(self, opened):
        self.id = opened.request
        self.base = Base(opened.base_tokens, opened.epoch)
        self.credit = opened.credit
        self.limits = opened.limits
        self.length_limit = opened.length_limit
        self.ngrams = NGrams()
        self.ngrams.extend(opened.base_tokens)

    def follow(self, verdict):
        self.base.commit(list(verdict.tokens))
        if self.base.name != (verdict.epoch, verdict.base_length, verdict.base_hash):
            raise ProtocolError(messages.FAULT_BAD_MESSAGE, f"request {self.id}: the verdict leads to another base")
        self.ngrams.extend(verdict.tokens)
        self.credit = verdict.credit
        if verdict.HasField("limits"):
            self.limits = verdict.limits

    def trees(self, tree_limits):
        """The whole tree for the current base, in pieces."""
        room = self.length_limit - len(self.base.tokens) - 1
        depth = min(self.limits.depth, tree_limits.tree_depth, room)
        nodes = min(self.credit, self.limits.nodes, tree_limits.tree_nodes)
        draft = self.ngrams.draft(nodes, depth, self.limits.width) if min(depth, nodes) > 0 else []
        for first in range(0, max(1, len(draft)), PIECE):
            piece = slice(first, first + PIECE)
            yield messages.Tree(
                request=self.id,
                epoch=self.base.epoch,
                base_length=len(self.base.tokens),
                base_hash=self.base.hash,
                first_node=first,
                parents=draft.parents[piece] if draft else [],
                tokens=draft.tokens[piece] if draft else [],
                surprisals=draft.surprisals[piece] if draft else [],
                final=first + PIECE >= len(draft),
            )


class Session:
    """`now` is the time of any monotonic clock, in seconds."""

    def __init__(self, name, incarnation, slots=8, token=None, nonce=b""):
        self._writer = FrameWriter()
        self._reader = FrameReader()
        self._token = token
        self._transcript = b""
        self._output = bytearray()
        self._challenged = False
        self._pings = 0
        self._next_ping = None
        self._heard = None
        self.welcome = None
        self.requests = {}
        self.accepted = self.verified = 0
        hello = messages.Hello(
            minimum_version=1,
            maximum_version=1,
            role=1,
            name=name,
            incarnation=incarnation,
            capabilities=DELTAS,
            slots=slots,
            nonce=nonce if token else b"",
        )
        self._transcript += self._send(hello)

    def take_output(self):
        output, self._output = bytes(self._output), bytearray()
        return output

    def receive(self, data, now):
        self._heard = now
        self._reader.append(data)
        while (frame := self._reader.next()) is not None:
            self._handle(frame, now)

    def tick(self, now):
        """Sends heartbeats. Call it at least every few tens of milliseconds once there is a welcome."""
        if self.welcome is None:
            return
        if now - self._heard > self.welcome.dead_after_ms / 1000:
            raise ProtocolError(messages.FAULT_TIMEOUT, "the verifier fell silent")
        if now >= self._next_ping:
            self._next_ping = now + self.welcome.heartbeat_ms / 1000
            self._pings += 1
            self._send(messages.Ping(number=self._pings, last_received=self._reader.sequence))

    def fault(self, error):
        self._send(messages.Fault(code=error.code, reason=str(error)[:256]))

    def _send(self, message):
        encoded = self._writer.write(message).encoded()
        self._output += encoded
        return encoded

    def _handle(self, frame, now):
        message = frame.message()
        handler = getattr(self, "_on_" + frame.name.lower(), None)
        if handler is None:
            raise ProtocolError(messages.FAULT_UNEXPECTED, f"a {frame.name} came to a worker")
        handler(message, frame, now)

    # Handshake

    def _on_challenge(self, challenge, frame, now):
        if self._token is None or self._challenged:
            raise ProtocolError(messages.FAULT_UNEXPECTED, "an unexpected challenge came")
        self._challenged = True
        self._transcript += frame.encoded()
        self._transcript += self._send(messages.Authenticate(proof=self._proof(b"worker", self._transcript)))

    def _on_welcome(self, welcome, frame, now):
        if self._token is not None:
            proof = self._proof(b"verifier", self._transcript)
            if not (self._challenged and hmac.compare_digest(proof, welcome.proof)):
                raise ProtocolError(messages.FAULT_AUTHENTICATION, "the verifier does not know the shared token")
        if welcome.version != 1:
            raise ProtocolError(messages.FAULT_VERSION, f"version {welcome.version} was not offered")
        self.welcome = welcome
        self._reader.established = True
        self._next_ping = now

    def _proof(self, side, transcript):
        return hmac.digest(self._token, b"paceline/1 " + side + b" proof\0" + transcript, hashlib.sha256)

    # Work

    def _on_open(self, opened, frame, now):
        request = self.requests[opened.request] = Request(opened)
        self._draft(request)

    def _on_verdict(self, verdict, frame, now):
        request = self.requests.get(verdict.request)
        if request is None:  # we closed it, but the verifier does not know yet
            return
        self.verified += verdict.verified_nodes
        self.accepted += verdict.accepted_nodes
        request.follow(verdict)
        self._draft(request)

    def _draft(self, request):
        for tree in request.trees(self.welcome.limits):
            self._send(tree)

    def _on_verifying(self, verifying, frame, now):
        pass

    def _on_close(self, close, frame, now):
        self.requests.pop(close.request, None)

    # Liveness

    def _on_ping(self, ping, frame, now):
        self._send(messages.Pong(number=ping.number, last_received=self._reader.sequence))

    def _on_pong(self, pong, frame, now):
        pass

    def _on_drain(self, drain, frame, now):
        pass

    def _on_fault(self, fault, frame, now):
        kind = Refused if fault.code in FINAL_FAULTS else ConnectionError
        raise kind(f"the verifier closed the connection: {fault.reason} (code {fault.code})")
