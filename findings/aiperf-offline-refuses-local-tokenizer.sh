#!/usr/bin/env bash
# aiperf 0.13.0 (PyPI; github.com/ai-dynamo/aiperf) loads a tokenizer from a local folder, but not in offline mode.
#
# Expected: HF_HUB_OFFLINE=1 keeps programs from asking the hub. A tokenizer in a local folder needs no hub, so it loads
# as before; AutoTokenizer of transformers does just that.
#
# Actual: with the variable, aiperf takes the path for the name of a repository and looks for it in the hub's cache. It
# fails with "Repo id must be in the form 'repo_name' or 'namespace/repo_name'". Without the variable, which permits
# asking the hub, the same folder loads and nothing is asked.
#
# Consequence: on a machine without network, where people set the variable to be safe, a benchmark with one's own
# tokenizer ends before its first request. Leave the variable unset for aiperf if the tokenizer is a folder.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts \
    --target "$folder/packages" aiperf==0.13.0 transformers==5.24.0 tokenizers==0.23.3
export PYTHONPATH="$folder/packages" HF_HOME="$folder/hub"

cat >"$folder/load.py" <<'PYTHON'
"""Loads the tokenizer of a folder with one of the two libraries, and prints tokens or the name of the error."""

import sys

which, folder = sys.argv[1:]
try:
    if which == "aiperf":
        from aiperf.common.tokenizer import Tokenizer

        print(Tokenizer.from_pretrained(folder).encode("one two"))
    else:
        from transformers import AutoTokenizer

        print(AutoTokenizer.from_pretrained(folder).encode("one two"))
except Exception as error:
    print(type(error).__name__, "Repo id must be" if "Repo id must be" in str(error) else error)
PYTHON

mkdir "$folder/tokenizer"
python3 - "$folder/tokenizer" <<'PYTHON'
import json
import pathlib
import sys

from tokenizers import Tokenizer, models, pre_tokenizers

tokenizer = Tokenizer(models.WordLevel({"one": 0, "two": 1, "?": 2}, unk_token="?"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
folder = pathlib.Path(sys.argv[1])
tokenizer.save(str(folder / "tokenizer.json"))
(folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
(folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
PYTHON

load() { python3 "$folder/load.py" "$1" "$folder/tokenizer" 2>/dev/null | tail -n 1; }

online="$(load aiperf)"
offline="$(HF_HUB_OFFLINE=1 load aiperf)"
transformers="$(HF_HUB_OFFLINE=1 load transformers)"
printf 'aiperf:                %s\naiperf, offline:       %s\ntransformers, offline: %s\n' \
    "$online" "$offline" "$transformers"
[[ "$online" == "[0, 1]" && "$offline" == "TokenizerError Repo id must be" && "$transformers" == "[0, 1]" ]]
