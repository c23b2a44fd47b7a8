"""Prints what Python's Prometheus client reads in an exposition on standard input, one JSON object a line.

    PYTHONPATH=FOLDER_OF_PROMETHEUS_CLIENT python3 Tests/MetricsExposition/parse.py text|openmetrics

Each object is a family: `name`, `kind`, `help` and `samples`, a list of name, labels and value; values are texts,
because JSON has no infinity. Fails if the client refuses the text.
"""

import json
import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics_parser

PARSERS = {
    "text": parser.text_string_to_metric_families,
    "openmetrics": openmetrics_parser.text_string_to_metric_families,
}


def main() -> None:
    text = sys.stdin.buffer.read().decode()
    for family in PARSERS[sys.argv[1]](text):
        samples = [[sample.name, sample.labels, repr(float(sample.value))] for sample in family.samples]
        print(json.dumps({"name": family.name, "kind": family.type, "help": family.documentation, "samples": samples}))


main()
