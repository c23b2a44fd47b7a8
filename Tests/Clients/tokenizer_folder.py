"""Writes a folder that Hugging Face's AutoTokenizer loads, from a GGUF file alone: no hub can be reached."""

import json
import pathlib
import sys

import gguf

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "TokenizerComparison"))

import published  # noqa: E402


def write(model: str, folder: pathlib.Path):
    vocabulary = published.Vocabulary.read(model)
    fields = gguf.GGUFReader(model).fields
    end = vocabulary.tokens[fields["tokenizer.ggml.eos_token_id"].contents()]
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": end,
        "pad_token": end,
        "chat_template": fields["tokenizer.chat_template"].contents(),
        "clean_up_tokenization_spaces": False,
    }
    published.published(vocabulary).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
