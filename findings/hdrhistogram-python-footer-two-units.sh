#!/usr/bin/env bash
# hdrhistogram 0.10.8 (PyPI; github.com/HdrHistogram/HdrHistogram_py) writes the mean and the standard deviation of one
# percentile file in two units, and lists other percentiles than the Java library that defined the file.
#
# Expected: output_percentile_distribution(file, 1000) turns microseconds into milliseconds everywhere, as the class
# org.HdrHistogram.Histogram does: values, Mean, StdDeviation and Max. And between 0 and 50 % there are as many steps as
# asked for, of equal width: with 5 of them 0 %, 10 %, 20 %, 30 %, 40 %, 50 %.
#
# Actual: StdDeviation alone stays as recorded. Ten values of 100 ms and ten of 200 ms have "Mean = 150.000,
# StdDeviation = 50000.000". The steps shrink from the first on: 10 %, 19 %, 27.1 % …, since the number of them that is
# left is not rounded to a power of two.
#
# Consequence: a spread read from such a file can be a thousand times too large, and files from Python and Java have few
# percentiles in common, so that they cannot be compared line by line. Take the deviation from get_stddev(), and ask
# both for the same percentiles. Paceline's own files are as Java's; a test has the footer.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts \
    --target "$folder" hdrhistogram==0.10.8

PYTHONPATH="$folder" python3 - <<'PYTHON'
import io
import re
import sys

from hdrh.histogram import HdrHistogram

histogram = HdrHistogram(1, 3_600_000_000, 3)
for microseconds in [100_000, 200_000]:
    for _ in range(10):
        histogram.record_value(microseconds)
file = io.BytesIO()
histogram.output_percentile_distribution(file, 1000)
text = file.getvalue().decode()
footer = {name: float(value) for name, value in re.findall(r"(Mean|StdDeviation|Max) +=\s+([0-9.]+)", text)}
levels = [float(line.split()[1]) for line in text.splitlines() if re.match(r" +[0-9]", line)]
print("deviation recorded:", histogram.get_stddev(), "us; written:", footer)
print("percentiles listed:", [round(level * 100, 2) for level in levels])
is_as_stated = footer["Mean"] == 150 and footer["StdDeviation"] == 50_000 and footer["Max"] == 200.063
sys.exit(not (is_as_stated and levels[1:4] == [0.1, 0.19, 0.271]))
PYTHON
