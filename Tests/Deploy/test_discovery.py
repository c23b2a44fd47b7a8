"""`worker --discover`: real processes in a network namespace of their own, whose name server the test plays.

sudo PACELINE=path/to/paceline python3 -m unittest discover --start-directory Tests/Deploy
"""

import contextlib
import pathlib
import socket
import stat
import struct
import tempfile
import threading
import time
import unittest
import unittest.mock

import namespaces
import starting
from starting import cluster

NAME = "verifiers.test"
PORT = 7411
A, AAAA = 1, 28
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3


class NameServer:
    """Answers every question about addresses with those that the test sets, or with an error."""

    def __init__(self, inside):
        self.addresses, self.status = [], NO_ERROR
        self.questions = 0
        with inside():
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def says(self, *addresses, status=NO_ERROR):
        self.addresses, self.status = list(addresses), status

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                question, sender = self.socket.recvfrom(4096)
                self.socket.sendto(self._answer(question), sender)
                self.questions += 1

    def _answer(self, question):
        end = question.index(0, 12) + 5
        (kind,) = struct.unpack("!H", question[end - 4 : end - 2])
        found = self.addresses if kind == A and self.status == NO_ERROR else []
        head = question[:2] + struct.pack("!HHHHH", 0x8180 | self.status, 1, len(found), 0, 0)
        # The name of each answer is that of the question, at offset 12.
        records = [struct.pack("!HHHIH", 0xC00C, A, 1, 0, 4) + socket.inet_aton(address) for address in found]
        return head + question[12:end] + b"".join(records)

    def close(self):
        self.socket.close()


@unittest.skipIf(namespaces.missing(), namespaces.missing())
@starting.needs_paceline
class Discovery(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.network = namespaces.Network("group")
        self.addCleanup(self.network.remove)
        self.names = self.enterContext(contextlib.closing(NameServer(lambda: self.network.inside("group"))))
        self.started = []
        self.addCleanup(lambda: [process.child.stderr.close() for process in self.started])
        self.processes = self.enterContext(cluster.Cluster())

    def start(self, *arguments):
        process = self.processes.start(*arguments, preexec=self.network.entering("group"), log="info")
        self.started.append(process)
        return process

    def verifier(self, host):
        line = ["verifier", "-m", starting.MODEL, "-t", 1, "--listen", f"{host}:{PORT}", "--http", f"{host}:8080"]
        process = self.start(*line)
        process.announcement("ready")
        client = cluster.Client(f"{host}:8080", lambda: self.network.inside("group"))
        return process, client

    def worker(self, *options):
        """A worker that asks the test for addresses, and the address of its figures."""
        resolver, wrapper = self.folder / "resolv.conf", self.folder / "paceline"
        resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        mount = f"mount --bind {resolver} /etc/resolv.conf"
        wrapper.write_text(
            f'#!/bin/sh\nexec unshare --mount sh -ec \'{mount}; exec {starting.paceline()} "$@"\' sh "$@"\n'
        )
        wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
        with unittest.mock.patch.object(cluster, "EXECUTABLE", str(wrapper)):
            return self.start("worker", "-md", "ngram", "--http", "127.0.0.1:8081", *options)

    def figure(self, name):
        server = starting.Server("127.0.0.1:8081")
        with self.network.inside("group"):
            text = server.request("GET", "/metrics")[1]
        (line,) = [line for line in text.splitlines() if line.startswith(f"paceline_worker_{name}{{")]
        return float(line.rsplit(" ", 1)[1])

    def await_figure(self, name, wanted, limit=20):
        deadline = time.monotonic() + limit
        while (found := self.figure(name)) != wanted:
            self.assertLess(time.monotonic(), deadline, f"{name} is {found}, not {wanted}")
            time.sleep(0.1)

    def after_three_questions(self):
        """Long enough for the worker to have acted on what the name server says now."""
        seen = self.names.questions
        deadline = time.monotonic() + 30
        while self.names.questions < seen + 6:
            self.assertLess(time.monotonic(), deadline, "the name is not looked up any more")
            time.sleep(0.1)

    def test_a_worker_follows_the_members_of_a_name(self):
        _, first = self.verifier("127.0.0.2")
        _, second = self.verifier("127.0.0.3")
        self.names.says("127.0.0.2")
        # The same verifier by another name is one.
        worker = self.worker("--discover", f"dns:{NAME}:{PORT}", "--connect", f"127.0.0.2:{PORT}")
        worker.announcement("ready")
        first.await_workers(1)
        self.assertEqual(len(second.workers()), 0)
        self.names.says("127.0.0.2", "127.0.0.3")
        second.await_workers(1)
        self.await_figure("connected_verifiers", 2)
        self.assertEqual(self.figure("connections_made_total"), 2)
        # Look-ups that fail change nothing.
        self.names.says(status=SERVER_FAILURE)
        self.after_three_questions()
        self.assertEqual(self.figure("connected_verifiers"), 2)
        self.names.says("127.0.0.2")
        second.await_workers(0)
        self.await_figure("known_verifiers", 1)
        # What was named on the command line stays, whatever the name server says.
        self.names.says(status=NO_SUCH_NAME)
        self.after_three_questions()
        self.assertEqual(self.figure("connected_verifiers"), 1)
        self.assertEqual(self.figure("connections_lost_total"), 0)
        self.assertEqual(len(first.generate("1, 2, 3, 1, 2, 3,", 8).tokens), 8)

    def test_a_verifier_that_leaves_its_name_keeps_its_worker_to_the_end_of_its_requests(self):
        process, client = self.verifier("127.0.0.2")
        self.names.says("127.0.0.2")
        self.worker("--discover", f"dns:{NAME}").announcement("ready")
        client.await_workers(1)
        counts = []

        def watch(answer):
            if len(answer.tokens) == 5:
                self.names.says(status=NO_SUCH_NAME)
                self.await_figure("known_verifiers", 0)
                counts.append(len(client.workers()))

        answer = client.generate("1, 2, 3, 1, 2, 3,", 200, on_token=watch)
        self.assertEqual((len(answer.tokens), counts), (200, [1]))
        client.await_workers(0)


if __name__ == "__main__":
    unittest.main()
