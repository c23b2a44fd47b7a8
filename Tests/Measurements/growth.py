"""Descriptors, threads and memory of processes over time, and whether they grow. Needs only the standard library."""

import contextlib
import math
import os
import time
from dataclasses import dataclass

# Quantiles of Student's t distribution for 95 % both ways, by degrees of freedom.
T_QUANTILES = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 8: 2.31, 10: 2.23, 15: 2.13, 20: 2.09, 30: 2.04}
MEASURES = ("descriptors", "threads", "MiB")


@dataclass(frozen=True)
class Usage:
    descriptors: int
    threads: int
    MiB: float

    @staticmethod
    def of(pid):
        with open(f"/proc/{pid}/status") as lines:
            fields = dict(line.rstrip().split(":", 1) for line in lines)
        # Pages of model files are shared with the kernel's cache and come and go as it likes.
        memory = int(fields["RssAnon"].split()[0]) / 1024
        return Usage(len(os.listdir(f"/proc/{pid}/fd")), int(fields["Threads"]), memory)


def slope(points):
    """The slope of a straight line through (x, y), and half the width of its 95 % confidence interval."""
    count = len(points)
    if count < 3:
        return None
    middle_x = sum(x for x, _ in points) / count
    middle_y = sum(y for _, y in points) / count
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    if spread == 0:
        return None
    gradient = sum((x - middle_x) * (y - middle_y) for x, y in points) / spread
    errors = sum((y - middle_y - gradient * (x - middle_x)) ** 2 for x, y in points)
    free = count - 2
    # Of the largest number of degrees in the table that is not too large, which errs towards a wider interval.
    quantile = T_QUANTILES[max(degrees for degrees in T_QUANTILES if degrees <= free)]
    return gradient, quantile * math.sqrt(errors / free / spread)


def windows(samples, seconds):
    """Means over windows, whose errors depend on each other far less than those of single samples."""
    groups = {}
    for when, value in samples:
        groups.setdefault(int(when // seconds), []).append((when, value))
    for group in groups.values():
        yield sum(when for when, _ in group) / len(group), sum(value for _, value in group) / len(group)


class Growth:
    """Samples of the processes of a cluster, by role. A role's process may be killed and started again.

    A role is a command line, or the number of a process.
    """

    def __init__(self, roles):
        self.roles = {name: command if isinstance(command, int) else list(command) for name, command in roles.items()}
        self.begun = time.monotonic()
        # By role and process number: (seconds, usage)
        self.samples = {}

    def pids(self):
        wanted = {tuple(command): name for name, command in self.roles.items() if not isinstance(command, int)}
        found = {name: pid for name, pid in self.roles.items() if isinstance(pid, int)}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                with contextlib.suppress(OSError):
                    with open(f"/proc/{entry}/cmdline", "rb") as file:
                        words = tuple(file.read().decode(errors="replace").split("\0")[:-1])
                    if words in wanted:
                        found[wanted[words]] = int(entry)
        return found

    def now(self):
        """The usage of each role that has a process."""
        usages = {}
        for name, pid in self.pids().items():
            # It may have ended by now.
            with contextlib.suppress(OSError, KeyError):
                usages[name] = (pid, Usage.of(pid))
        return usages

    def sample(self):
        when = time.monotonic() - self.begun
        for name, (pid, usage) in self.now().items():
            self.samples.setdefault((name, pid), []).append((when, usage))

    def slopes(self, least=300.0, window=60.0):
        """The slopes per hour of every process that lived for `least` seconds, from its second window on."""
        rows = []
        for (name, pid), samples in self.samples.items():
            first, last = samples[0][0], samples[-1][0]
            if last - first < least:
                continue
            row = {"process": name, "pid": pid, "seconds": last - first}
            for measure in MEASURES:
                values = [(when, getattr(usage, measure)) for when, usage in samples if when >= first + window]
                line = slope([(when / 3600, value) for when, value in windows(values, window)])
                row[measure] = None if line is None else {"per_hour": line[0], "half_width": line[1]}
            rows.append(row)
        return rows
