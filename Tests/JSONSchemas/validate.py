"""Validates texts against JSON schemas.

    PYTHONPATH=FOLDER_OF_JSONSCHEMA python3 Tests/JSONSchemas/validate.py < LINES

A line is an object with `schema` and `text`. Prints how many texts are valid, and one line for each that is not.
"""

import json
import sys

import jsonschema


def fault(schema: object, text: str) -> str | None:
    try:
        value = json.loads(text)
    except ValueError as error:
        return f"not JSON: {error}"
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    return None if error is None else error.message[:300]


def main() -> None:
    valid = 0
    for line in sys.stdin.buffer:
        case = json.loads(line)
        found = fault(case["schema"], case["text"])
        if found is None:
            valid += 1
        else:
            print(f"{found} | {json.dumps(case['schema'])} | {case['text']!r}")
    print(f"valid {valid}")


main()
