"""What a gateway costs: time to the first token, and CPU time for each token that it relays.

Pairs of requests for the same cached prompt go to the verifier and through the gateway, in turns. Then clients stream
through the gateway at once; its CPU time, less what it uses when nobody asks, is divided by the tokens. Most of them
come one by one, which costs most. Where nginx is installed, the same goes through it too, in turns: it tells what a
relay in C needs on this machine, which has no tokens to count and no streams to go on with.

    PACELINE=.build/release/paceline python3 Tests/Measurements/gateway.py [--json report.json]
"""

import argparse
import contextlib
import http.client
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from cluster import Failure, median, run, table
from http_costs import cpu_seconds
from replicas import Replicas, free_ports

FIRST_TOKEN_LIMIT_MS = 1.0
TOKEN_LIMIT_US = 20.0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--pairs", type=int, default=100, help="pairs of requests, at least 20")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=300, help="tokens of each client's text")
    parser.add_argument("--runs", type=int, default=3, help="how often all clients stream")
    parser.add_argument("--idle", type=float, default=3, help="seconds for which the idle gateway is watched")
    parser.add_argument("--json", help="write the report to this file")
    chosen = parser.parse_args()
    if chosen.pairs < 20:
        parser.error("at least 20 pairs")
    return chosen


class Connection:
    """A connection that is kept, as clients' libraries do."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.http = http.client.HTTPConnection(host, int(port), timeout=60)

    def stream(self, tokens, **fields):
        """Streams a completion; returns the seconds to its first chunk, and the number of its chunks."""
        # Short, so that little of the time is the model's.
        body = {"prompt": "One,", "max_tokens": tokens, "ignore_eos": True, "stream": True}
        start = time.monotonic()
        self.http.request("POST", "/v1/completions", json.dumps(body | fields), {"content-type": "application/json"})
        response = self.http.getresponse()
        if response.status != 200:
            raise Failure(response.read().decode())
        first, chunks = None, 0
        for line in response:
            if line.startswith(b"data: {"):
                first = first or time.monotonic() - start
                chunks += 1
        return first, chunks


def first_tokens(replicas, other, chosen):
    addresses = {"direct": replicas.replicas[0].http, "through": replicas.address}
    if other:
        addresses["nginx"] = other
    with contextlib.ExitStack() as stack:
        connections = {name: Connection(address) for name, address in addresses.items()}
        for each in connections.values():
            stack.callback(each.http.close)
            each.stream(2)
        times = {name: [] for name in connections}
        for number in range(chosen.pairs):
            for name in sorted(connections, reverse=number % 2):
                times[name].append(connections[name].stream(2)[0] * 1000)
    report = {"pairs": chosen.pairs, "direct_ms": median(times["direct"]), "through_ms": median(times["through"])}
    for name, added in (("through", "added_ms"), ("nginx", "nginx_added_ms")):
        differences = [one - direct for one, direct in zip(times.get(name, []), times["direct"])]
        report[added] = median(differences) if differences else None
    return report


@contextlib.contextmanager
def nginx(address):
    """nginx in front of a verifier, in one process as the gateway; yields its address and process."""
    port = free_ports(1)[0]
    with tempfile.TemporaryDirectory() as folder:
        # Paths that the package has outside of the folder.
        paths = "".join(f"{kind}_temp_path {folder}/{kind}; " for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
        settings = pathlib.Path(folder, "nginx.conf")
        settings.write_text(f"""
            daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
            events {{ worker_connections 1024; }}
            http {{
                access_log off; client_body_temp_path {folder}/body; {paths}
                upstream verifier {{ server {address}; keepalive 64; }}
                server {{
                    listen 127.0.0.1:{port};
                    location / {{
                        proxy_pass http://verifier; proxy_http_version 1.1; proxy_set_header Connection "";
                        proxy_buffering off;
                    }}
                }}
            }}
        """)
        process = subprocess.Popen(["nginx", "-p", folder, "-c", settings])
        try:
            yield f"127.0.0.1:{port}", process.pid
        finally:
            process.terminate()
            process.wait()


def idle_share(pid, seconds):
    before = cpu_seconds(pid)
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / seconds


def relay(address, pid, idle, chosen):
    """Streams to all clients at once; returns CPU seconds of the relay less those of an idle one, chunks, seconds."""
    counts = []

    def work(number):
        connection = Connection(address)
        with contextlib.closing(connection.http):
            counts.append(connection.stream(chosen.tokens, seed=number, temperature=1)[1])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(chosen.clients)]
    before, start = cpu_seconds(pid), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - start
    return cpu_seconds(pid) - before - idle * seconds, sum(counts), seconds


def tokens(replicas, other, chosen):
    pid = replicas.gateway.pid
    idle = idle_share(pid, chosen.idle)
    report = {"clients": chosen.clients, "idle_cpu_percent": idle * 100}
    counted = "paceline_gateway_relayed_tokens_total"
    costs, speeds, others = [], [], []
    for _ in range(chosen.runs):
        before = replicas.metrics()[counted]
        cpu, _, seconds = relay(replicas.address, pid, idle, chosen)
        count = replicas.metrics()[counted] - before
        costs.append(cpu / count * 1e6)
        speeds.append(count / seconds)
        if other:
            cpu, chunks, _ = relay(*other, 0, chosen)
            others.append(cpu / chunks * 1e6)
    report |= {"cpu_us_per_token": median(costs), "tokens_per_second": median(speeds)}
    return report | {"nginx_cpu_us_per_chunk": median(others) if others else None}


def measure(chosen):
    # One thread, so that a core is left for what is measured.
    options = ["-t", 1, "--slots", chosen.clients, "--context", 1024]
    with contextlib.ExitStack() as stack:
        replicas = stack.enter_context(Replicas(chosen.model, 1, *options))
        other = stack.enter_context(nginx(replicas.replicas[0].http)) if shutil.which("nginx") else None
        return {
            "first_token": first_tokens(replicas, other and other[0], chosen),
            "relay": tokens(replicas, other, chosen),
        }


def show(report):
    first, relay = report["first_token"], report["relay"]
    rows = [
        ["time to the first token, verifier alone, ms", f"{first['direct_ms']:.2f}", ""],
        ["the same through the gateway, ms", f"{first['through_ms']:.2f}", ""],
        [f"added, median of {first['pairs']} pairs, ms", f"{first['added_ms']:.2f}", f"{FIRST_TOKEN_LIMIT_MS}"],
        ["the same of nginx, ms", f"{first['nginx_added_ms'] or 0:.2f}", ""],
        ["CPU time for each token, us", f"{relay['cpu_us_per_token']:.1f}", f"{TOKEN_LIMIT_US}"],
        ["the same of nginx, for each chunk, us", f"{relay['nginx_cpu_us_per_chunk'] or 0:.1f}", ""],
        ["tokens/s of all clients", f"{relay['tokens_per_second']:.0f}", ""],
        ["CPU of an idle gateway, % of a core", f"{relay['idle_cpu_percent']:.2f}", ""],
    ]
    print(table(["", "figure", "at most"], rows))


def check(report):
    """Checks the expectations; returns a sentence for each that is not met."""
    wrong = []
    if (added := report["first_token"]["added_ms"]) > FIRST_TOKEN_LIMIT_MS:
        wrong.append(f"the gateway adds {added:.2f} ms to the first token")
    if (cost := report["relay"]["cpu_us_per_token"]) > TOKEN_LIMIT_US:
        wrong.append(f"the gateway takes {cost:.1f} us of CPU time for a token")
    return wrong


if __name__ == "__main__":
    sys.exit(run("gateway", arguments(), measure, show, check))
