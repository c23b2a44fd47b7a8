"""Reads PromQL only as far as the names of metrics go. `promtool` judges the rest."""

import re

# What names in an expression are not those of metrics: in strings, in labels of `by (…)`, and in ranges.
_NOT_NAMES = re.compile(
    r"""\[[^\]]*\] | \b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\) | (?<![\w:])[0-9][0-9a-zA-Z.]*""",
    re.VERBOSE,
)
_STRING = re.compile(r'"(?:\\.|[^"\\])*"')
_SELECTOR = re.compile(r"(?<![\w:])([a-zA-Z_:][a-zA-Z0-9_:]*)\b(?!\s*\()(\{[^}]*\})?")
_KEYWORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"}


def selectors(expression):
    """The series that an expression reads, as pairs of a metric's name and its matchers ('{…}' or '')."""
    # Strings may hold any sign, so they are put back last.
    strings = []

    def keep(match):
        strings.append(match.group())
        return f'"{len(strings) - 1}"'

    bare = _STRING.sub(keep, expression)
    # In braces, a number in quotes is a string that was taken out.
    pieces = re.split(r"(\{[^}]*\})", bare)
    bare = "".join(piece if piece.startswith("{") else _NOT_NAMES.sub(" ", piece) for piece in pieces)
    found = [(name, matchers) for name, matchers in _SELECTOR.findall(bare) if name not in _KEYWORDS]
    return [
        (name, re.sub(r'"(\d+)"', lambda match: strings[int(match.group(1))], matchers)) for name, matchers in found
    ]


def metric_names(expression):
    return {name for name, _ in selectors(expression)}


def exported_names(exposition):
    """The names of the samples of /metrics."""
    lines = (line for line in exposition.splitlines() if line and not line.startswith("#"))
    return {re.match(r"[a-zA-Z0-9_:]+", line).group() for line in lines}
