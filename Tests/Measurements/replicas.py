"""Verifiers of one model behind a gateway, as processes that a program kills, stops and starts again."""

import contextlib
import http.client
import os
import re
import signal
import socket
import time

from cluster import Cluster, Failure, Process


def free_ports(count):
    """Ports that nobody listens on now; a process that is started again keeps its own."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Replica:
    """A verifier that can be ended in any way and started again at the same addresses."""

    def __init__(self, model, options):
        link, http_port = free_ports(2)
        self.link, self.http = f"127.0.0.1:{link}", f"127.0.0.1:{http_port}"
        self.command = ["verifier", "-m", model, "--listen", self.link, "--http", self.http, *options]
        self.process = None
        self.start()

    def start(self):
        self.process = Process(self.command)

    def wait(self):
        self.process.announcement("ready")

    def kill(self):
        self.process.child.kill()
        self.process.child.wait()

    def restart(self):
        """Ends it for certain and starts it again."""
        self.kill()
        self.close_pipes()
        self.start()

    def close_pipes(self):
        for pipe in (self.process.child.stdin, self.process.child.stdout):
            pipe.close()

    def stop(self):
        if self.process.child.poll() is None:
            self.process.stop()
        elif not self.process.child.stdout.closed:
            self.close_pipes()


class Replicas(Cluster):
    """Verifiers, a gateway in front of them and workers that draft for all of them."""

    def __init__(self, model, count, *options, workers=(), gateway=()):
        super().__init__()
        self.model, self.options = model, options
        with contextlib.ExitStack() as started:
            started.push(self)
            self.replicas = []
            for _ in range(count):
                self.replicas.append(Replica(model, options))
                self.callback(self.replicas[-1].stop)
            for replica in self.replicas:
                replica.wait()
            links = ",".join(replica.link for replica in self.replicas)
            for drafters in workers:
                self.worker(links, drafters, "-t", 1)
            addresses = [replica.http for replica in self.replicas]
            self.gateway = self.start("gateway", "--verifier", *addresses, "--http", "127.0.0.1:0", *gateway)
            self.address = self.gateway.announcement("ready")["http"]
            self.await_ready(count)
            started.pop_all()

    def metrics(self):
        """The gateway's figures, by name and labels as they are written."""
        host, port = self.address.rsplit(":", 1)
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=10)) as connection:
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    def await_ready(self, count, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.metrics()["paceline_gateway_active_replicas"] >= count:
                return
            time.sleep(0.05)
        raise Failure(f"not {count} verifiers are ready for the gateway after {seconds} s")

    def busy(self):
        """The replicas that answer requests of the gateway."""
        name = re.compile(r'paceline_gateway_replica_requests\{replica="(.*)"\}')
        figures = {name.fullmatch(key): value for key, value in self.metrics().items() if name.fullmatch(key)}
        addresses = {match.group(1) for match, value in figures.items() if value > 0}
        return [replica for replica in self.replicas if replica.http in addresses]

    def failovers(self):
        """Streams that went on with another verifier, by reason."""
        name = re.compile(r'paceline_gateway_failovers_total\{reason="(.*)"\}')
        matches = {name.fullmatch(key): value for key, value in self.metrics().items() if name.fullmatch(key)}
        return {match.group(1): int(value) for match, value in matches.items() if value}


def suspend(replica):
    os.kill(replica.process.pid, signal.SIGSTOP)


def resume(replica):
    os.kill(replica.process.pid, signal.SIGCONT)
