#!/usr/bin/env bash
# The same chat template gives two prompts in Jinja2 3.1.6 (which renders templates in transformers) and in MiniJinja
# 3.1.0 (which inference servers in Rust use). Both from PyPI.
#
# Expected: an engine that renders the chat templates of model files agrees with Jinja2 on plain loops and numbers.
#
# Actual: three differences, none of them reported.
#   1. A loop reads a name of the context, and the template sets that name after the loop. In Jinja2 the name is
#      undefined in the loop, although the context has it: a name that a template sets at its top level belongs to the
#      template from the start. In MiniJinja the loop sees the value of the context.
#   2. A loop whose every iteration ends with `continue` goes on to its `else` in Jinja2, as if there had been no items.
#      In MiniJinja it does not.
#   3. Jinja2 prints 1e-05 and 1e+17, as Python does. MiniJinja prints all digits.
#
# Consequence: a model may be served with another prompt than the one that its authors tested. Compare with Jinja2's
# output, and write templates that set no name after a loop has read it.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --target "$folder" \
    jinja2==3.1.6 minijinja==3.1.0

PYTHONPATH="$folder" PYTHONDONTWRITEBYTECODE=1 python3 - <<'PYTHON'
import sys

import minijinja
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

context = {"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}], "date": "today"}
# The template, and what each engine is known to print.
cases = [
    ("{% for m in messages %}[{{ date }}]{% endfor %}{% set date = 'x' %}", "[][]", "[today][today]"),
    ("{% for m in messages %}{{ m.content }}{% continue %}{% else %}NONE{% endfor %}", "hihoNONE", "hiho"),
    ("{{ 1e-5 }} {{ 1e17 }}", "1e-05 1e+17", "0.00001 100000000000000000.0"),
]
jinja = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
mini = minijinja.Environment(trim_blocks=True, lstrip_blocks=True)
changed = False
for template, of_jinja, of_mini in cases:
    printed = (jinja.from_string(template).render(**context), mini.render_str(template, **context))
    print(f"{template}\n    Jinja2:    {printed[0]}\n    MiniJinja: {printed[1]}")
    changed = changed or printed != (of_jinja, of_mini)
sys.exit(1 if changed else 0)
PYTHON
