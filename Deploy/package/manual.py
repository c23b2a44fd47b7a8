"""Writes a manual page for `paceline` and each of its commands, from what the executable says of itself.

    paceline --experimental-dump-help | python3 Deploy/package/manual.py --version 0.1.0 --date 2026-01-31 FOLDER

Deploy/package.sh does this. The pages say what --help says, which is why they are not kept in the repository.
"""

import argparse
import json
import pathlib
import re
import sys

NAME = "paceline"
SETTINGS = """\
.TP
.I /etc/paceline/verifier.yaml\\fR, \\fI/etc/paceline/worker.yaml\\fR, \\fI/etc/paceline/gateway.yaml
Settings of the services paceline-verifier, paceline-worker and paceline-gateway.
.TP
.I /etc/paceline/environment
Environment variables of the services.
.TP
.I /var/lib/paceline/models
Where the services find models with short names."""


def escape(text):
    """Text as roff takes it literally: a dash stays one, and no line is a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...").replace("~", "\\(ti")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def paragraphs(text):
    """Prose as paragraphs, and indented lines, which are examples, as they stand."""
    made, is_example = [], False
    for line in text.strip("\n").splitlines():
        if line.startswith("  "):
            made += [] if is_example else [".PP", ".nf", ".RS 4"]
            made.append(escape(line.strip()))
            is_example = True
            continue
        if is_example:
            made += [".RE", ".fi"]
            is_example = False
        made.append(escape(line) if line.strip() else ".PP")
    made += [".RE", ".fi"] if is_example else []
    # One paragraph's end is another's beginning.
    return [line for index, line in enumerate(made) if line != ".PP" or made[index + 1 : index + 2] != [".PP"]]


def spelled(name):
    return ("--" if name["kind"] == "long" else "-") + name["name"]


def option(argument):
    """An option with its names, its meaning, and what its values are."""
    value = "" if argument["kind"] == "flag" else f" \\fI{escape(argument['valueName'])}\\fR"
    if argument["kind"] == "positional":
        heading = f"\\fI{escape(argument['valueName'])}\\fR"
    else:
        heading = ", ".join(f"\\fB{escape(spelled(name))}\\fR" for name in argument["names"]) + value
    meaning = [argument.get("abstract", "")]
    if values := argument.get("allValues"):
        meaning.append(f"Values: {', '.join(values)}.")
    if default := argument.get("defaultValue"):
        meaning.append(f"Default: {default}.")
    return [".TP", heading, escape(" ".join(filter(None, meaning)))]


def synopsis(path, command):
    """The command with what it cannot do without."""
    words = [f"\\fB{escape(' '.join(path))}\\fR"]
    shown = [argument for argument in command.get("arguments", []) if argument["shouldDisplay"]]
    if any(argument["isOptional"] for argument in shown):
        words.append("[\\fIoptions\\fR]")
    for argument in shown:
        if argument["isOptional"] and argument["kind"] != "positional":
            continue
        word = f"\\fI{escape(argument['valueName'])}\\fR"
        if argument["kind"] == "option":
            word = f"\\fB{escape(spelled(argument['preferredName']))}\\fR {word}"
        words.append(f"[{word}]" if argument["isOptional"] else word)
    if command.get("subcommands"):
        words.append("\\fIcommand\\fR")
    return " ".join(words)


def sections(command):
    """The options by the titles under which --help shows them."""
    titled = {}
    for argument in command.get("arguments", []):
        if argument["shouldDisplay"]:
            titled.setdefault(argument.get("sectionTitle", "Options"), []).append(argument)
    for title, arguments in titled.items():
        yield f".SH {title.upper()}"
        for argument in arguments:
            yield from option(argument)


def page(path, command, others, chosen):
    """The lines of one manual page; `others` are the names of the rest."""
    name = "-".join(path)
    lines = [
        f'.TH "{escape(name.upper())}" 1 "{chosen.date}" "Paceline {escape(chosen.version)}" "User Commands"',
        ".nh",
        ".ad l",
        ".SH NAME",
        f"{escape(name)} \\- {escape(command['abstract'].rstrip('.'))}",
        ".SH SYNOPSIS",
        synopsis(path, command),
    ]
    if discussion := command.get("discussion"):
        lines += [".SH DESCRIPTION", *paragraphs(discussion)]
    if subcommands := [one for one in command.get("subcommands", []) if one["commandName"] != "help"]:
        lines.append(".SH COMMANDS")
        for one in subcommands:
            reference = escape("-".join([*path, one["commandName"]]))
            lines += [".TP", f"\\fB{reference}\\fR(1)", escape(one["abstract"])]
    lines += sections(command)
    if name in (f"{NAME}-verifier", f"{NAME}-worker", f"{NAME}-gateway"):
        lines += [".SH FILES", *SETTINGS.splitlines()]
    references = ", ".join(f"\\fB{escape(other)}\\fR(1)" for other in others if other != name)
    return [*lines, ".SH SEE ALSO", references]


def commands(command, path=()):
    path = (*path, command["commandName"])
    yield path, command
    for one in command.get("subcommands", []):
        if one["shouldDisplay"] and one["commandName"] != "help":
            yield from commands(one, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", required=True)
    parser.add_argument("--date", required=True)
    parser.add_argument("folder", type=pathlib.Path)
    chosen = parser.parse_args()
    found = list(commands(json.load(sys.stdin)["command"]))
    names = ["-".join(path) for path, _ in found]
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for path, command in found:
        text = "\n".join(page(path, command, names, chosen)) + "\n"
        (chosen.folder / f"{'-'.join(path)}.1").write_text(text)


if __name__ == "__main__":
    main()
