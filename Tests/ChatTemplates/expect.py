"""Prints random chat templates with what Python's Jinja2 makes of them, one JSON object a line.

    PYTHONPATH=FOLDER_OF_JINJA2 python3 Tests/ChatTemplates/expect.py FIRST_SEED LAST_SEED

The environment is the one in which Hugging Face's transformers render chat templates. Each object has `template`,
`context` and one of `output`, `refused` (the text given to raise_exception) and `error`.
"""

import datetime
import json
import re
import sys

import jinja2
import jinja2.ext
from generate import case
from jinja2.sandbox import ImmutableSandboxedEnvironment

TIME = datetime.datetime.fromtimestamp(1_700_000_000, datetime.UTC)

# Texts that hold the address of an object differ from run to run.
ADDRESS = re.compile(r"generator object|markup\(| at 0x[0-9a-f]{6}", re.IGNORECASE)


class Refused(Exception):
    """What a template raises with raise_exception."""


def raise_exception(message):
    raise Refused(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    result = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    result.filters["tojson"] = tojson
    result.globals["raise_exception"] = raise_exception
    result.globals["strftime_now"] = TIME.strftime
    return result


def expectation(jinja, template, context):
    try:
        output = jinja.from_string(template).render(**context)
    except Refused as refusal:
        return {"refused": str(refusal)}
    # A template may raise whatever Python raises; each is a failure of the template.
    except Exception as error:  # noqa: BLE001
        return {"error": f"{type(error).__name__}: {error}"}
    return None if ADDRESS.search(output) else {"output": output}


def main():
    first, last = int(sys.argv[1]), int(sys.argv[2])
    jinja = environment()
    for seed in range(first, last + 1):
        template, context = case(seed)
        expected = expectation(jinja, template, context)
        if expected is not None:
            print(json.dumps({"seed": seed, "template": template, "context": context} | expected))


if __name__ == "__main__":
    main()
