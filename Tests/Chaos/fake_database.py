"""A database of two for tests: every number that is written goes to a file, and from the primary to the standby.

python3 fake_database.py standby PORT FILE
python3 fake_database.py primary PORT FILE STANDBY_PORT

A client sends `write N` or `read`, each on a line. The primary confirms a write when it is in its file. It streams its
file to the standby again from where the standby is, whenever the connection to it was lost.
"""

import os
import socket
import socketserver
import sys
import threading
import time


class Log:
    """Numbers in a file, which survive a kill."""

    def __init__(self, path):
        self.file = open(path, "a+b")  # noqa: SIM115
        self.file.seek(0)
        # A kill may have cut off the last line.
        self.lines = [line for line in self.file.read().split(b"\n")[:-1] if line]
        self.file.truncate(sum(len(line) + 1 for line in self.lines))
        self.changed = threading.Condition()

    def append(self, line):
        with self.changed:
            self.file.write(line + b"\n")
            self.file.flush()
            os.fsync(self.file.fileno())
            self.lines.append(line)
            self.changed.notify_all()

    def after(self, count):
        """The lines behind the first ones; none if there are still none after a while."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.lines) > count, timeout=0.2)
            return self.lines[count:]


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def serve(port, log, answer):
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                self.wfile.write(answer(line.strip().split()) + b"\n")

    Server(("127.0.0.1", port), Handler).serve_forever(0.05)


def replicate(log, port):
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
                replies = link.makefile("rb")
                link.sendall(b"count\n")
                sent = int(replies.readline())
                while True:
                    lines = log.after(sent)
                    for line in lines:
                        link.sendall(b"append " + line + b"\n")
                        sent = int(replies.readline())
        except (OSError, ValueError):
            time.sleep(0.05)


def main():
    role, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    log = Log(path)

    def primary(words):
        if words[0] == b"write":
            log.append(words[1])
            return b"confirmed " + words[1]
        return b" ".join(log.lines)

    def standby(words):
        if words[0] == b"append":
            log.append(words[1])
        return b"%d" % len(log.lines)

    if role == "primary":
        threading.Thread(target=replicate, args=(log, int(sys.argv[4])), daemon=True).start()
    serve(port, log, primary if role == "primary" else standby)


if __name__ == "__main__":
    main()
