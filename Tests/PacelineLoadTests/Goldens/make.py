"""Writes histograms.json: what PyPI's `hdrhistogram` makes of values that are recorded in it.

    python3 -m pip install --target FOLDER -r Tests/PacelineLoadTests/Goldens/requirements.txt
    PYTHONPATH=FOLDER python3 Tests/PacelineLoadTests/Goldens/make.py

Its text is that of the Java and C versions but for two things, which are mended here: steps become shorter with every
step instead of with every halving, and the count of values is a fraction.
"""

import io
import json
import math
import pathlib
import random

from hdrh.histogram import HdrHistogram
from hdrh.iterators import PercentileIterator

PERCENTILES = [0, 0.01, 1, 25, 50, 75, 90, 99, 99.9, 99.99, 100]
TICKS = 5


class Steps(PercentileIterator):
    def increment_iteration_level(self):
        self.percentile_to_iterate_from = self.percentile_to_iterate_to
        left = 100.0 - self.percentile_to_iterate_to
        if left:
            half_distance = 2 ** (math.floor(math.log2(100 / left)) + 1)
            self.percentile_to_iterate_to += 100.0 / (self.percentile_ticks_per_half_distance * half_distance)


class Histogram(HdrHistogram):
    def get_percentile_iterator(self, ticks_per_half_distance):
        return Steps(self, ticks_per_half_distance)

    def text(self):
        file = io.BytesIO()
        self.output_percentile_distribution(file, 1, TICKS)
        lines = file.getvalue().decode().splitlines(keepends=True)
        digits = self.significant_figures
        for place, line in enumerate(lines):
            if line.startswith("#[Max"):
                maximum, count = self.get_max_value(), self.get_total_count()
                lines[place] = f"#[Max     = {maximum:12.{digits}f}, Total count    = {count:12d}]\n"
        return "".join(lines)


def entry(layout, values):
    histogram = Histogram(*layout)
    for value, count in values:
        assert histogram.record_value(value, count), value
    return histogram, {
        "lowest": layout[0],
        "highest": layout[1],
        "digits": layout[2],
        "values": values,
        "total": histogram.get_total_count(),
        "minimum": histogram.get_min_value(),
        "maximum": histogram.get_max_value(),
        "mean": histogram.get_mean_value(),
        "deviation": histogram.get_stddev(),
        "percentiles": [[share, histogram.get_value_at_percentile(share)] for share in PERCENTILES],
        "counts": [[value, histogram.get_count_at_value(value)] for value, _ in values[:20]],
        "text": histogram.text(),
    }


def main():
    generator = random.Random(20261130)
    latencies = [[int(generator.lognormvariate(9, 1.2)), 1] for _ in range(1000)]
    uniform = [[generator.randrange(1, 1_000_000), generator.randrange(1, 4)] for _ in range(300)]
    coarse = [[generator.randrange(0, 1_000_000_000), 1] for _ in range(200)]
    edges = [[2**power + offset, 1] for power in range(11, 31) for offset in (-1, 0, 1)]
    cases = [
        ((1, 3_600_000_000, 3), latencies),
        ((1, 1_000_000, 2), uniform),
        ((1000, 1_000_000_000, 3), coarse),
        ((1, 2**31, 1), edges),
        ((1, 2**31, 4), edges),
        ((1, 100, 3), [[7, 1]]),
        ((1, 100, 1), []),
    ]
    entries = []
    for layout, values in cases:
        _, described = entry(layout, values)
        entries.append(described)
    half = len(latencies) // 2
    first, _ = entry(cases[0][0], latencies[:half])
    second, _ = entry(cases[0][0], latencies[half:])
    first.add(second)
    assert first.text() == entries[0]["text"], "merging changes the text"
    file = pathlib.Path(__file__).with_name("histograms.json")
    file.write_text(json.dumps(entries, separators=(",", ":")) + "\n")


main()
