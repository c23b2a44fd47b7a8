"""Keeps the requests that schemathesis makes small: without limits, a model would write for minutes."""

import schemathesis

LIMIT = 2
LIMITS = ("max_completion_tokens", "max_tokens", "n_predict")
# Of other APIs that generate.
OTHERS = {"/v1/responses": "max_output_tokens", "/v1/messages": "max_tokens"}


def is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Lowers valid numbers only: a request that is meant to be refused stays so."""
    body = case.body
    if not isinstance(body, dict):
        return
    if name := OTHERS.get(case.path):
        if is_whole(body.get(name)) and body[name] > LIMIT or name not in body and case.path == "/v1/responses":
            body[name] = LIMIT
    if not case.path.endswith("completions"):
        return
    for name in LIMITS:
        if is_whole(body.get(name)) and (body[name] == -1 or body[name] > LIMIT):
            body[name] = LIMIT
    if all(body.get(name) is None for name in LIMITS):
        body["max_tokens"] = LIMIT
    for name, most in [("min_tokens", LIMIT), ("n", 2)]:
        if is_whole(body.get(name)) and body[name] > most:
            body[name] = most
    if isinstance(body.get("prompt"), list):
        body["prompt"] = body["prompt"][:LIMIT]
