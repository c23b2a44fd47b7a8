#!/usr/bin/env bash
# toxiproxy-python 0.1.1 (PyPI; github.com/douglas/toxiproxy-python) and chaostoolkit-toxiproxy 0.3.1 (PyPI) lose the
# sentence in which Toxiproxy says why it refused.
#
# Expected: Toxiproxy answers a refused request with a status and {"error": "listen tcp …: bind: address already in
# use", "status": 500}. Clients raise an exception of their own with that text, as toxiproxy-python does for 400, 404
# and 409.
#
# Actual: toxiproxy-python takes every other status for success and looks up a field of the proxy in the error. A port
# that is in use, which is a 500, ends in "KeyError: 'name'". create_toxic of chaostoolkit-toxiproxy does the like for
# every refusal: "TypeError: 'NoneType' object is not subscriptable", and a log line without status or reason.
#
# Consequence: an experiment that fails at its first step says nothing about the cause. Ask the server, for example with
# curl, what it answers. Paceline's own server for these clients answers in Toxiproxy's shape, and its command line
# shows the reason.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts \
    --target "$folder" toxiproxy-python==0.1.1 chaostoolkit-toxiproxy==0.3.1 chaostoolkit-lib==1.44.0
seen="$(PYTHONPATH="$folder" python3 - 2>/dev/null <<'PYTHON'
import http.server
import json
import logging
import threading


class Refusing(http.server.BaseHTTPRequestHandler):
    """Knows no proxy, and refuses to make one as Toxiproxy does when its port is in use."""

    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.answer(200, {})

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        reason = "listen tcp 127.0.0.1:6379: bind: address already in use"
        self.answer(500, {"error": reason, "status": 500})

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Refusing)
threading.Thread(target=server.serve_forever, daemon=True).start()

from toxiproxy import Toxiproxy
from toxiproxy.api import APIConsumer

APIConsumer.host, APIConsumer.port = server.server_address
try:
    seen = repr(Toxiproxy().create(name="redis", upstream="127.0.0.1:6380", listen="127.0.0.1:6379"))
except Exception as error:
    seen = f"{type(error).__name__}: {error}"
print("toxiproxy-python:", seen)

import logzero

logzero.loglevel(logging.CRITICAL)
import chaostoxi.toxic.actions as actions

place = {"toxiproxy_host": APIConsumer.host, "toxiproxy_port": APIConsumer.port}
try:
    toxic = actions.create_toxic("redis", "slow", "latency", attributes={"latency": 1}, configuration=place)
except Exception as error:
    toxic = f"{type(error).__name__}: {error}"
print("chaostoolkit-toxiproxy:", toxic)
PYTHON
)"
printf '%s\n' "$seen"
[[ "$seen" == "toxiproxy-python: KeyError: 'name'
chaostoolkit-toxiproxy: TypeError: 'NoneType' object is not subscriptable" ]]
