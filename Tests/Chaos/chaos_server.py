"""A chaos server, and something to put a proxy before.

PACELINE=path/to/paceline python3 -m unittest
"""

import json
import os
import socket
import socketserver
import subprocess
import threading
import unittest


class Echo(socketserver.ThreadingTCPServer):
    """Sends back what it gets, and ends its direction when the client ends the other one."""

    allow_reuse_address = True
    daemon_threads = True

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            try:
                while data := self.request.recv(65536):
                    self.request.sendall(data)
            except ConnectionError:
                pass

    def __init__(self):
        super().__init__(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        return f"127.0.0.1:{self.server_address[1]}"

    def close(self):
        self.shutdown()
        self.server_close()


class ChaosServer:
    """The process `paceline chaos serve`, on a free port."""

    def __init__(self, *arguments):
        command = [os.environ["PACELINE"], "chaos", "serve", "--port", "0", "--announce", "--exit-with-parent"]
        self.process = subprocess.Popen(
            [*command, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        ready = json.loads(line) if line else {}
        if ready.get("event") != "ready":
            raise RuntimeError(f"the server did not start: {ready} {self.process.stderr.read()}")
        self.address = ready["http"]
        self.port = int(self.address.rpartition(":")[2])
        # Nobody reads the log, and a full pipe must not stop the server.
        self.reader = threading.Thread(target=self.process.stderr.read, daemon=True)
        self.reader.start()

    def close(self):
        self.process.terminate()
        status = self.process.wait(20)
        self.reader.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
        if status != 0:
            raise RuntimeError(f"the server ended with status {status}")


def exchange(address, data, size=None):
    """Sends data through a proxy, ends the direction, and returns what comes back."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(65536):
            received += part
            if size is not None and len(received) >= size:
                break
        return received


@unittest.skipUnless(os.environ.get("PACELINE"), "set PACELINE to the paceline executable")
class ChaosCase(unittest.TestCase):
    """Each test has a server and an upstream of its own."""

    arguments = ()

    def setUp(self):
        self.server = ChaosServer(*self.arguments)
        self.addCleanup(self.server.close)
        self.echo = Echo()
        self.addCleanup(self.echo.close)
