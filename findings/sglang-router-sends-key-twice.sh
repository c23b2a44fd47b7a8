#!/usr/bin/env bash
# sglang-router 0.3.2 (PyPI; github.com/sgl-project/sglang), started with --api-key, sends `authorization` twice.
#
# Expected: HTTP allows one `authorization` field in a request (RFC 9110, section 5.3: a sender must not repeat a field
# that is no list). The router has to know the servers' key, so it sets the field, or passes the client's on.
#
# Actual: it does both. Each forwarded request has the field twice, with the same key. Its own requests (/server_info)
# have it once.
#
# Consequence: a server that joins repeated fields with a comma, as proxies may, sees another key, and answers 401.
# Without --api-key the client's field is passed on alone, and the servers check it.
set -euo pipefail

folder="$(mktemp -d)"
children=()
end() {
    ((${#children[@]} == 0)) || kill -- "${children[@]}" 2>/dev/null || true
    wait
    rm -rf -- "$folder"
}
trap end EXIT
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts \
    --target "$folder/packages" sglang-router==0.3.2

cat >"$folder/server.py" <<'PYTHON'
"""A server that answers with the number of `authorization` fields of a request, and prints its port."""

import http.server
import json


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.answer(200 if self.path == "/health" else 404, {})

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.answer(200, {"fields": len(self.headers.get_all("authorization", []))})


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# ask OPTIONS…: what the server says through a router with these options.
ask() {
    local port
    port="$(free_port)"
    PYTHONPATH="$folder/packages" python3 -m sglang_router.launch_router --host 127.0.0.1 --port "$port" "$@" \
        --prometheus-port "$(free_port)" --worker-urls "http://127.0.0.1:$served" >"$folder/log" 2>&1 &
    children+=("$!")
    until curl --silent --fail --output /dev/null "http://127.0.0.1:$port/readiness"; do sleep 0.2; done
    curl --silent --header 'authorization: Bearer KEY' --header 'content-type: application/json' \
        "http://127.0.0.1:$port/v1/completions" --data '{"model": "m", "prompt": "a", "max_tokens": 1}'
}

python3 "$folder/server.py" >"$folder/port" &
children+=("$!")
until [[ -s "$folder/port" ]]; do sleep 0.1; done
served="$(<"$folder/port")"

ask >"$folder/without"
ask --api-key KEY >"$folder/with"
printf 'without --api-key: %s\nwith --api-key:    %s\n' "$(<"$folder/without")" "$(<"$folder/with")"
[[ "$(<"$folder/without")" == '{"fields": 1}' && "$(<"$folder/with")" == '{"fields": 2}' ]]
