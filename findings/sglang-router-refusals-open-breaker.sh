#!/usr/bin/env bash
# sglang-router 0.3.2 (PyPI; github.com/sgl-project/sglang) takes a server that refuses wrong requests for a broken one.
#
# Expected: an answer of 400 is about the request. A circuit breaker protects against servers that fail, so that it
# counts errors of the connection and answers from 500 on, as vllm-router 0.1.17 does, which has the same origin.
#
# Actual: every status but 2xx counts. After ten refusals in a row, for whatever reason, the server is left out for 60 s
# (--cb-failure-threshold, --cb-timeout-duration-secs), and other clients' right requests get 503. So it is with 429:
# after a peak that all servers have refused in part, the router refuses everything while they are idle.
# Reported as issue 25811.
#
# Consequence: refusals that are meant for single requests leave a healthy server out for a minute. Turn the breaker off
# (--disable-circuit-breaker), and have health checks find servers that are gone.
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
    --target "$folder/packages" sglang-router==0.3.2 vllm-router==0.1.17

cat >"$folder/server.py" <<'PYTHON'
"""A completion server that refuses long answers with 400, and prints its port."""

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
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if request.get("max_tokens", 0) > 100:
            return self.answer(400, {"error": {"message": "too long", "type": "invalid_request_error"}})
        choice = {"index": 0, "text": "ok", "finish_reason": "stop", "logprobs": None}
        self.answer(200, {"id": "1", "object": "text_completion", "created": 0, "model": "m", "choices": [choice]})


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# ask PORT TOKENS: prints the status.
ask() {
    curl --silent --output /dev/null --write-out '%{http_code} ' --header 'content-type: application/json' \
        "http://127.0.0.1:$1/v1/completions" --data "{\"model\": \"m\", \"prompt\": \"a\", \"max_tokens\": $2}"
}

# statuses MODULE: the statuses of a right request, twelve wrong ones and a right one, through a router of its own.
statuses() {
    local port
    port="$(free_port)"
    PYTHONPATH="$folder/packages" python3 -m "$1.launch_router" --host 127.0.0.1 --port "$port" \
        --prometheus-port "$(free_port)" --worker-urls "http://127.0.0.1:$served" >"$folder/$1.log" 2>&1 &
    children+=("$!")
    until curl --silent --fail --output /dev/null "http://127.0.0.1:$port/readiness"; do sleep 0.2; done
    ask "$port" 1
    for _ in {1..12}; do ask "$port" 1000; done
    ask "$port" 1
}

python3 "$folder/server.py" >"$folder/port" &
children+=("$!")
until [[ -s "$folder/port" ]]; do sleep 0.1; done
served="$(<"$folder/port")"

statuses sglang_router >"$folder/sglang"
statuses vllm_router >"$folder/vllm"
printf 'sglang-router: %s\nvllm-router:   %s\n' "$(<"$folder/sglang")" "$(<"$folder/vllm")"
grep --quiet '^200 400 .* 503 $' "$folder/sglang"
grep --quiet --extended-regexp '^200 (400 ){12}200 $' "$folder/vllm"
