"""What the chaos proxy costs without a toxic, beside socat: throughput, and the time of a small exchange.

The same bytes go straight to a server, through socat and through `paceline chaos serve`, in turns. Socat forks for each
connection and copies 64 KiB at a time, which is its fastest way here.

    PACELINE=.build/release/paceline python3 Tests/Measurements/proxy_costs.py [--json report.json]
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import threading
import time

from cluster import Failure, median, run, table
from replicas import free_ports

THROUGHPUT_SHARE = 0.8
LATENCY_FACTOR = 1.5
BLOCK = 1 << 18
MESSAGE = b"x" * 64
SINK, ECHO = b"s", b"e"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="rounds of every way, in turns")
    parser.add_argument("--megabytes", type=int, default=1000, help="megabytes of a transfer")
    parser.add_argument("--exchanges", type=int, default=4000, help="small exchanges of a round")
    parser.add_argument("--json", help="write the report to this file")
    return parser.parse_args()


def serve(listener):
    """Takes what a client sends and says when it is all there, or sends every message back."""

    def handle(connection):
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            buffer = bytearray(BLOCK)
            if connection.recv(1) == SINK:
                while connection.recv_into(buffer):
                    pass
                connection.sendall(SINK)
                return
            while data := connection.recv(len(MESSAGE)):
                connection.sendall(data)

    while True:
        connection, _ = listener.accept()
        threading.Thread(target=handle, args=(connection,), daemon=True).start()


class Ways:
    """The server, and the proxies before it."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        listener = self.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        server = multiprocessing.Process(target=serve, args=(listener,), daemon=True)
        server.start()
        self.stack.callback(server.terminate)
        direct = listener.getsockname()[1]
        socat, chaos = free_ports(2)
        self.ports = {"direct": direct, "socat": socat, "paceline": chaos}
        self.start(
            ["socat", "-b", 65536, f"TCP-LISTEN:{socat},bind=127.0.0.1,reuseaddr,fork,nodelay"]
            + [f"TCP:127.0.0.1:{direct},nodelay"]
        )
        plan = json.dumps([{"name": "p", "listen": f"127.0.0.1:{chaos}", "upstream": f"127.0.0.1:{direct}"}])
        path = f"/tmp/proxy-costs-{os.getpid()}.json"
        with open(path, "w") as file:
            file.write(plan)
        self.stack.callback(os.unlink, path)
        self.start([os.environ["PACELINE"], "chaos", "serve", "--port", 0, "--config", path])
        for port in self.ports.values():
            await_port(port)

    def start(self, command):
        process = subprocess.Popen([str(word) for word in command], stderr=subprocess.DEVNULL)
        self.stack.callback(process.wait)
        self.stack.callback(process.terminate)

    def connect(self, way):
        connection = socket.create_connection(("127.0.0.1", self.ports[way]), timeout=60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def transfer(self, way, megabytes):
        """Megabytes a second, from the first byte to the word that all are there."""
        block = bytes(BLOCK)
        count = megabytes * 1_000_000 // BLOCK
        with self.connect(way) as connection:
            connection.sendall(SINK)
            start = time.monotonic()
            for _ in range(count):
                connection.sendall(block)
            connection.shutdown(socket.SHUT_WR)
            if connection.recv(1) != SINK:
                raise Failure(f"{way} lost the end of a transfer")
            return count * BLOCK / 1e6 / (time.monotonic() - start)

    def exchanges(self, way, count):
        """The 99th percentile of the time of a small exchange, in microseconds."""
        times = []
        with self.connect(way) as connection:
            connection.sendall(ECHO)
            for _ in range(count):
                start = time.monotonic_ns()
                connection.sendall(MESSAGE)
                received = 0
                while received < len(MESSAGE):
                    received += len(connection.recv(len(MESSAGE)))
                times.append(time.monotonic_ns() - start)
        return sorted(times)[int(0.99 * count)] / 1000


def await_port(port):
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise Failure(f"nothing listens on port {port}")


def measure(chosen):
    if not shutil.which("socat"):
        raise Failure("socat is not there to compare with; on Debian: apt-get install socat")
    ways = Ways()
    with ways.stack:
        speeds, times = ({way: [] for way in ways.ports} for _ in range(2))
        for number in range(chosen.rounds):
            order = list(ways.ports) if number % 2 else list(reversed(ways.ports))
            for way in order:
                speeds[way].append(ways.transfer(way, chosen.megabytes))
            for way in order:
                times[way].append(ways.exchanges(way, chosen.exchanges))
    # Rounds are compared with themselves, since the machine's speed changes between them.
    pairs = zip(speeds["paceline"], speeds["socat"], strict=True)
    added = {way: median(times[way]) - median(times["direct"]) for way in ("socat", "paceline")}
    return {
        "megabytes_per_second": speeds,
        "p99_us": times,
        "throughput_share": median([ours / theirs for ours, theirs in pairs]),
        # Less than a microsecond is less than the clock's own noise.
        "latency_factor": max(0.0, added["paceline"]) / max(1.0, added["socat"]),
    }


def show(report):
    speeds, times = report["megabytes_per_second"], report["p99_us"]
    rows = [[way, f"{median(speeds[way]):.0f}", f"{median(times[way]):.0f}"] for way in speeds]
    print(table(["way", "MB/s", "p99 µs"], rows))
    print(f"{report['throughput_share']:.2f} of socat's throughput, {report['latency_factor']:.2f} times its added p99")


def check(report):
    wrong = []
    if report["throughput_share"] < THROUGHPUT_SHARE:
        wrong.append(f"the proxy has less than {THROUGHPUT_SHARE} of socat's throughput")
    if report["latency_factor"] > LATENCY_FACTOR:
        wrong.append(f"the proxy adds more than {LATENCY_FACTOR} times what socat adds")
    return wrong


if __name__ == "__main__":
    sys.exit(run("proxy_costs.py", arguments(), measure, show, check))
