"""The worker against the golden frames and against a scripted verifier."""

import hashlib
import hmac
import pathlib
import unittest

from google.protobuf import text_format
from paceline_worker import messages
from paceline_worker.bases import Base, base_hash
from paceline_worker.crc32c import crc32c
from paceline_worker.frames import FrameReader, FrameWriter, ProtocolError
from paceline_worker.ngrams import NGrams
from paceline_worker.session import Refused, Session

VECTORS = messages.PROTOCOLS / "vectors"
# Invalid frames that protobuf's own reader accepts, and that a worker may accept too. This one reads no constraint.
TOLERATED = frozenset(
    ("ping-number-zero", "text-empty", "text-nul", "message-in-parts", "constraint-empty", "constraint-prompt")
)


def vector(path):
    lines = (line.split("#")[0] for line in pathlib.Path(path).read_text().splitlines())
    return bytes.fromhex("".join(lines))


def read_all(data, established):
    reader = FrameReader(established)
    reader.append(data)
    frames = []
    while (frame := reader.next()) is not None:
        frames.append(frame)
    return frames


class Vectors(unittest.TestCase):
    def test_checksum(self):
        self.assertEqual(crc32c(b"123456789"), 0xE3069283)
        self.assertEqual(crc32c(b""), 0)

    def test_base_hash(self):
        self.assertEqual(base_hash([]), 0xCBF29CE484222325)
        self.assertEqual(base_hash([504, 3575, 282, 4649, 314]), 0xEFFC6E6EBD6FD64D)
        base = Base([504, 3575], epoch=0)
        base.commit([282, 4649, 314])
        self.assertEqual(base.name, (1, 5, 0xEFFC6E6EBD6FD64D))

    def test_golden_frames(self):
        paths = [path for folder in ("exchange", "authenticated") for path in sorted((VECTORS / folder).glob("*.hex"))]
        self.assertGreater(len(paths), 10)
        for path in paths:
            with self.subTest(path.name):
                data = vector(path)
                reader = FrameReader(established=data[10] >= 0x10)
                reader.sequence = int.from_bytes(data[20:28], "little") - 1
                reader.append(data)
                frame = reader.next()
                self.assertEqual(frame.encoded(), data)
                message = frame.message()
                self.assertEqual(message.SerializeToString(), frame.payload)
                text = path.with_suffix(".txtpb").read_text()
                self.assertEqual(text_format.Parse(text, type(message)()), message)

    def test_invalid_frames(self):
        framing = [path for path in (VECTORS / "invalid").glob("*.hex") if vector(path)[10:11] != b"\x11"]
        self.assertGreater(len(framing), 5)
        for path in framing:
            if path.stem in TOLERATED:
                continue
            with self.subTest(path.name):
                early = "before the handshake" in path.read_text()
                with self.assertRaises(ProtocolError):
                    for frame in read_all(vector(path), established=not early):
                        frame.message()


class Drafting(unittest.TestCase):
    def test_repeats_what_followed(self):
        ngrams = NGrams()
        ngrams.extend([1, 2, 3, 4, 9, 1, 2, 3])
        draft = ngrams.draft(nodes=8, depth=3, width=2)
        self.assertEqual(draft.tokens[:3], [4, 9, 1])
        self.assertEqual(draft.parents[:3], [1, 1, 1])

    def test_trees_keep_the_rules(self):
        ngrams = NGrams()
        ngrams.extend([(i * i) % 7 for i in range(500)])
        draft = ngrams.draft(nodes=40, depth=5, width=3)
        self.assertEqual(len(draft), len(draft.parents))
        self.assertEqual(len(draft), len(draft.surprisals))
        self.assertLessEqual(len(draft), 40)
        depths, seen = [], set()
        for index, (distance, token) in enumerate(zip(draft.parents, draft.tokens)):
            parent = index - distance
            self.assertTrue(-1 <= parent < index)
            depths.append(1 if parent < 0 else depths[parent] + 1)
            self.assertNotIn((parent, token), seen)
            seen.add((parent, token))
        self.assertLessEqual(max(depths), 5)


class ScriptedVerifier:
    """The other end of a session, without a socket."""

    def __init__(self, session):
        self.session = session
        self.reader = FrameReader()
        self.writer = FrameWriter()

    def send(self, *sent, now=0.0):
        for message in sent:
            self.session.receive(self.writer.write(message).encoded(), now)

    def take(self):
        self.reader.append(self.session.take_output())
        frames = []
        while (frame := self.reader.next()) is not None:
            frames.append(frame)
            if frame.name in ("Hello", "Authenticate"):
                self.reader.established = frame.name == "Authenticate" or not frame.message().nonce
        return frames


def welcome(proof=b""):
    message = messages.Welcome(version=1, name="v", incarnation=9, heartbeat_ms=250, dead_after_ms=1000, proof=proof)
    message.fingerprint.vocabulary_size = 100
    message.limits.tree_nodes, message.limits.tree_depth = 512, 32
    return message


def opened(tokens, credit=64):
    message = messages.Open(request=7, epoch=3, base_tokens=tokens, base_hash=base_hash(tokens), credit=credit)
    message.limits.nodes, message.limits.depth, message.limits.width = 64, 8, 2
    message.length_limit = len(tokens) + 50
    return message


class Sessions(unittest.TestCase):
    def test_drafts_and_follows_verdicts(self):
        session = Session("w", 5)
        verifier = ScriptedVerifier(session)
        self.assertEqual([frame.name for frame in verifier.take()], ["Hello"])
        tokens = [1, 2, 3, 4] * 10
        verifier.send(welcome(), opened(tokens))
        trees = [frame.message() for frame in verifier.take()]
        self.assertEqual(trees[0].tokens[:4], [1, 2, 3, 4])
        self.assertEqual(trees[0].first_node, 0)
        self.assertTrue(trees[-1].final)
        for previous, tree in zip(trees, trees[1:]):
            self.assertEqual(tree.first_node, previous.first_node + len(previous.tokens))

        base = Base(tokens, 3)
        base.commit([1, 2, 5])
        epoch, length, value = base.name
        verifier.send(
            messages.Verdict(
                request=7,
                epoch=epoch,
                base_length=length,
                base_hash=value,
                tokens=[1, 2, 5],
                verified_nodes=4,
                accepted_nodes=2,
                credit=64,
            )
        )
        again = verifier.take()[0].message()
        self.assertEqual((again.epoch, again.base_length, again.base_hash, again.first_node), (*base.name, 0))
        self.assertEqual((session.verified, session.accepted), (4, 2))

        verifier.send(messages.Close(request=7, reason=1), messages.Ping(number=1))
        self.assertEqual([frame.name for frame in verifier.take()], ["Pong"])
        self.assertEqual(session.requests, {})

    def test_says_when_it_has_nothing(self):
        verifier = ScriptedVerifier(Session("w", 5))
        verifier.take()
        verifier.send(welcome(), opened([1, 2, 3]))
        (tree,) = (frame.message() for frame in verifier.take())
        self.assertTrue(tree.final and not tree.tokens)

    def test_keeps_to_its_credit(self):
        verifier = ScriptedVerifier(Session("w", 5))
        verifier.take()
        verifier.send(welcome(), opened([1, 2, 3, 4] * 10, credit=3))
        self.assertEqual(sum(len(frame.message().tokens) for frame in verifier.take()), 3)

    def test_refuses_a_verdict_that_leads_elsewhere(self):
        verifier = ScriptedVerifier(Session("w", 5))
        verifier.take()
        verifier.send(welcome(), opened([1, 2, 3]))
        with self.assertRaises(ProtocolError):
            verifier.send(messages.Verdict(request=7, epoch=4, base_length=4, base_hash=0, tokens=[4]))

    def test_heartbeats(self):
        session = Session("w", 5)
        verifier = ScriptedVerifier(session)
        verifier.take()
        verifier.send(welcome(), now=10.0)
        session.tick(10.0)
        session.tick(10.1)
        session.tick(10.25)
        self.assertEqual([frame.message().number for frame in verifier.take()], [1, 2])
        with self.assertRaises(ProtocolError):
            session.tick(11.1)

    def test_authenticates_as_in_the_vectors(self):
        token = b"correct horse battery staple"
        frames = [vector(path) for path in sorted((VECTORS / "authenticated").glob("*.hex"))]
        hello, challenge, authenticate, welcome_frame = frames

        def proof(side, *parts):
            return hmac.digest(token, b"paceline/1 " + side + b" proof\0" + b"".join(parts), hashlib.sha256)

        (frame,) = read_all(challenge, established=False)
        reader = FrameReader()
        reader.append(hello + authenticate)
        self.assertEqual(len(reader.next().message().nonce), 32)
        self.assertEqual(reader.next().message().proof, proof(b"worker", hello, challenge))
        reader = FrameReader()
        reader.append(challenge + welcome_frame)
        self.assertEqual(reader.next(), frame)
        self.assertEqual(reader.next().message().proof, proof(b"verifier", hello, challenge, authenticate))

    def test_mutual_proof(self):
        token, nonce = b"a secret of some length", bytes(32)
        verifier = ScriptedVerifier(Session("w", 5, token=token, nonce=nonce))
        (hello,) = verifier.take()
        challenge = verifier.writer.write(messages.Challenge(version=1, nonce=bytes(range(32))))
        verifier.session.receive(challenge.encoded(), 0)
        (answer,) = verifier.take()
        transcript = hello.encoded() + challenge.encoded()
        worker = hmac.digest(token, b"paceline/1 worker proof\0" + transcript, hashlib.sha256)
        self.assertEqual(answer.message().proof, worker)
        transcript += answer.encoded()
        verifier.send(welcome(hmac.digest(token, b"paceline/1 verifier proof\0" + transcript, hashlib.sha256)))
        self.assertIsNotNone(verifier.session.welcome)

    def test_refuses_an_impostor(self):
        for proof in (b"", bytes(32)):
            verifier = ScriptedVerifier(Session("w", 5, token=b"a secret of some length", nonce=bytes(32)))
            verifier.take()
            with self.assertRaises(ProtocolError):
                verifier.send(welcome(proof))

    def test_gives_up_where_trying_again_does_not_help(self):
        for code, kind in [
            (6, Refused),
            (4, Refused),
            (5, Refused),
            (7, ConnectionError),
            (10, ConnectionError),
            (8, ConnectionError),
        ]:
            verifier = ScriptedVerifier(Session("w", 5))
            verifier.take()
            with self.assertRaises(kind):
                verifier.send(messages.Fault(code=code, reason="a reason"))


if __name__ == "__main__":
    unittest.main()
