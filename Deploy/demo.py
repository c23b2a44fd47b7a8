"""The HTTP client of demo.sh; it needs only Python's standard library.

demo.py warm-up                     generate a few tokens and show nothing
demo.py generate FILE               generate and show the text; save the last chunk with all tokens to FILE
demo.py wait-for-workers COUNT      return when COUNT workers are connected
demo.py compare PLAIN SPECULATIVE   show both runs; fail if their tokens differ
"""

import http.client
import json
import os
import sys
import time

JSON = os.environ["DEMO_JSON"] == "yes"


def connect():
    return http.client.HTTPConnection(os.environ["DEMO_HTTP"], timeout=600)


def stream(max_tokens):
    """Yields the chunks of one completion."""
    body = {"prompt": os.environ["DEMO_PROMPT"], "max_tokens": max_tokens, "temperature": 0, "stream": True}
    body |= {"return_token_ids": True, "return_spec_decode": True}
    connection = connect()
    connection.request("POST", "/v1/completions", json.dumps(body), {"content-type": "application/json"})
    response = connection.getresponse()
    if response.status != 200:
        sys.exit("demo: " + json.load(response)["error"]["message"])
    for line in response:
        data = line.removeprefix(b"data: ").strip()
        if line.startswith(b"data: ") and data != b"[DONE]":
            chunk = json.loads(data)
            if "error" in chunk:
                sys.exit("demo: " + chunk["error"]["message"])
            yield chunk


def generate(path):
    tokens = []
    for chunk in stream(int(os.environ["DEMO_TOKENS"])):
        tokens += chunk["choices"][0].get("token_ids") or []
        if not JSON:
            print(chunk["choices"][0]["text"], end="", flush=True)
    if not JSON:
        print()
    chunk["tokens"] = tokens
    with open(path, "w") as file:
        json.dump(chunk, file)


def wait_for_workers(count):
    for _ in range(1200):
        connection = connect()
        connection.request("GET", "/v1/workers")
        if len(json.load(connection.getresponse())["data"]) >= count:
            return
        time.sleep(0.05)
    sys.exit("demo: the workers did not connect within a minute; see the messages above")


def compare(plain_path, speculative_path):
    with open(plain_path) as plain_file, open(speculative_path) as speculative_file:
        plain, speculative = json.load(plain_file), json.load(speculative_file)
    identical = plain["tokens"] == speculative["tokens"]
    rates = [run["timings"]["predicted_per_second"] for run in (plain, speculative)]
    figures = speculative["spec_decode"]
    if JSON:
        print(
            json.dumps(
                {
                    "model": plain["model"],
                    "tokens": len(plain["tokens"]),
                    "plain_tokens_per_second": rates[0],
                    "speculative_tokens_per_second": rates[1],
                    "identical": identical,
                    "spec_decode": figures,
                    "workers": speculative["workers"],
                }
            )
        )
    else:
        print(f"\n{plain['model']}, {len(plain['tokens'])} tokens, greedy")
        print(f"  plain                    {rates[0]:8.1f} tokens/s")
        print(f"  speculative              {rates[1]:8.1f} tokens/s   {rates[1] / rates[0]:.2f} x")
        print(f"  mean acceptance length   {figures['mean_acceptance_length']:8.2f}")
        print(
            f"  acceptance rate          {100 * figures['draft_acceptance_rate']:8.1f} %"
            f"          {figures['num_accepted_tokens']} of {figures['num_draft_tokens']} drafted tokens"
        )
        print(f"  both token streams       {'identical' if identical else 'DIFFERENT'}")
    if not identical:
        sys.exit(
            "demo: the token streams differ, which must never happen; please report this with the name of your CPU"
        )


COMMANDS = {"generate": generate, "compare": compare}

if __name__ == "__main__":
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "warm-up":
        for _ in stream(8):
            pass
    elif command == "wait-for-workers":
        wait_for_workers(int(arguments[0]))
    else:
        COMMANDS[command](*arguments)
