"""Simulated clusters from many seeds: no promise is broken, and every kind of fault strikes often enough to say so.

    PACELINE=.build/release/paceline python3 Tests/Measurements/campaign.py [--seeds 10000] [--json report.json]

The tests run it with a debug build whose simulator is optimised (PACELINE_QUICK_SIMULATION=1).
"""

import argparse
import json
import re
import subprocess
import sys
import time

from cluster import EXECUTABLE, Failure, run, table

# How often each kind of fault has to strike in so many seeds.
STRIKES, SEEDS = 100, 10_000


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"how many (default: {SEEDS})")
    parser.add_argument("--from", dest="first", type=int, default=1, help="the first of them (default: 1)")
    parser.add_argument("--json", help="write the report to this file")
    return parser.parse_args()


def kinds():
    """All kinds of faults, which the command's help lists."""
    words = subprocess.run([EXECUTABLE, "simulate", "--help"], capture_output=True, text=True, check=True).stdout
    return re.split(r",\s+", re.search(r"^Faults: (.*?)\.$", words, re.S | re.M)[1])


def measure(chosen):
    seeds = f"{chosen.first}..{chosen.first + chosen.seeds - 1}"
    began = time.monotonic()
    # Its progress goes to the terminal, and so does what it says of a broken promise.
    done = subprocess.run(
        [EXECUTABLE, "simulate", "--seeds", seeds, "--json"], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise Failure(f"simulate ended with status {done.returncode}; see above")
    return json.loads(done.stdout) | {"seconds": time.monotonic() - began}


def show(report):
    faults = report["faults"]
    rows = [
        ["seeds", str(report["seeds"])],
        ["seeds a second", report["seeds"] / report["seconds"]],
        ["tokens compared", str(report["tokens_compared"])],
        ["run twice, the same both times", str(report["repeated"])],
        ["trace hash", report["trace_hash"]],
        ["kinds of faults", str(len(faults))],
        ["strikes of the rarest", str(min(faults.values()))],
    ]
    print(table(["", ""], rows))


def check(report):
    wanted = STRIKES * report["seeds"] // SEEDS
    counts = {kind: report["faults"].get(kind, 0) for kind in kinds()}
    return [f"{kind} struck {count} times, not {wanted}" for kind, count in counts.items() if count < wanted]


if __name__ == "__main__":
    chosen = arguments()
    sys.exit(run("campaign", chosen, measure, show, check))
