"""Writes a model that says what a test wants, and that is computed like any other.

Every token of a script is a token of the vocabulary, and the model's output matrix names the one that follows it: its
only block adds nothing, so that the next token depends on the last one alone. Which script is spoken is decided by the
last token of the prompt, and so by the template. Chat, sampling, drafts, failover: all of it is the real thing.
"""

import array
import struct

END = "<|im_end|>"
CONTROLS = ["<|endoftext|>", "<|im_start|>", END]

# The tools are shown and calls are written as Hermes and Qwen2.5 do. Which script follows goes by what the last message
# says, if it names one, or else by whether it is the result of a call.
TEMPLATE = """
{%- if tools %}<|im_start|>system
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif %}
{%- for m in messages %}<|im_start|>{{ m.role }}
{{ m.content or '' }}
{%- for call in m.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% set last = messages[-1].content or '' %}
{%- if messages[-1].role == 'tool' %}<|result|>
{%- SCRIPTS -%}
{%- else %}<|otherwise|>{% endif %}
{%- endif %}"""


def letters():
    """GPT-2's letter for each byte, in which byte-level vocabularies are written."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + n) for n, byte in enumerate(others)}


LETTERS = letters()


def spelled(text):
    return "".join(LETTERS[byte] for byte in text.encode())


class ScriptedModel:
    """A model with a script for each name: `{"weather": ["I look.", "<tool_call>", …]}`.

    `result` follows results of tools, `otherwise` is for all else; the others are asked for by their names in the last
    message. `work` is how many million weights a token costs, for models that are to take their time. With `errs`, the
    model has the same vocabulary and is wrong about every token: a drafter that lies. Where a script says nothing all
    tokens are equal, but for a model that `leans` to the last ones: it lies where a constraint leaves little else.
    """

    def __init__(self, scripts, work=0, errs=False, leans=False):
        self.scripts, self.work, self.errs, self.leans = scripts, work, errs, leans
        selectors = [f"<|{name}|>" for name in scripts]
        self.tokens = [LETTERS[byte] for byte in range(256)] + CONTROLS + selectors
        self.types = [1] * 256 + [3] * (len(CONTROLS) + len(selectors))
        self.follows = {}
        for selector, pieces in zip(selectors, scripts.values(), strict=True):
            last = self.tokens.index(selector)
            for piece in pieces:
                self.follows[last] = len(self.tokens)
                last = len(self.tokens)
                self.tokens.append(spelled(piece))
                self.types.append(1)
            self.follows[last] = 256 + CONTROLS.index(END)
        if len(set(self.tokens)) < len(self.tokens):
            raise ValueError("every piece of all scripts must be another text, and longer than one byte")

    @property
    def template(self):
        names = [name for name in self.scripts if name not in ("result", "otherwise")]
        cases = "".join("{%- elif '" + name + "' in last %}<|" + name + "|>\n" for name in names)
        return TEMPLATE.replace("{%- SCRIPTS -%}", cases)

    def write(self, path):
        states = sorted(self.follows)
        width = -(-(len(states) + 1) // 32) * 32
        embedding = array.array("f", bytes(4 * width * len(self.tokens)))
        output = array.array("f", embedding)
        for place, token in enumerate(states):
            embedding[token * width + place] = 1
            # Another state's successor is always a wrong one.
            after = self.follows[states[(place + 1) % len(states)] if self.errs else token]
            output[after * width + place] = 10
        for token in range(len(self.tokens)) if self.leans else ():
            embedding[token * width + width - 1] = 1
            output[token * width + width - 1] = 4 * token / len(self.tokens)
        hidden = max(32, self.work * 1_000_000 // (3 * width) // 32 * 32)
        zeros, ones = (lambda count: bytes(4 * count)), array.array("f", [1] * width).tobytes()
        square, wide = zeros(width * width), zeros(width * hidden)
        tensors = [("token_embd.weight", [width, len(self.tokens)], embedding.tobytes())]
        tensors += [("blk.0.attn_norm.weight", [width], ones), ("blk.0.ffn_norm.weight", [width], ones)]
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensors.append((f"blk.0.{name}.weight", [width, width], square))
        for name in ("ffn_gate", "ffn_up"):
            tensors.append((f"blk.0.{name}.weight", [width, hidden], wide))
        tensors.append(("blk.0.ffn_down.weight", [hidden, width], wide))
        tensors += [("output_norm.weight", [width], ones)]
        tensors += [("output.weight", [width, len(self.tokens)], output.tobytes())]
        path.write_bytes(gguf(self.metadata(width, hidden), tensors))

    def metadata(self, width, hidden):
        return {
            "general.architecture": "llama",
            "general.name": "scripted",
            "llama.block_count": 1,
            "llama.context_length": 8192,
            "llama.embedding_length": width,
            "llama.feed_forward_length": hidden,
            "llama.attention.head_count": width // 32,
            "llama.attention.head_count_kv": width // 32,
            "llama.attention.layer_norm_rms_epsilon": 1e-5,
            "llama.rope.freq_base": 10000.0,
            "llama.vocab_size": len(self.tokens),
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": "gpt-2",
            "tokenizer.ggml.tokens": self.tokens,
            "tokenizer.ggml.token_type": self.types,
            "tokenizer.ggml.merges": [],
            "tokenizer.ggml.bos_token_id": 256,
            "tokenizer.ggml.eos_token_id": 258,
            "tokenizer.ggml.add_bos_token": False,
            "tokenizer.chat_template": self.template,
        }


def gguf(metadata, tensors):
    """The bytes of a file, version 3."""

    def text(value):
        return struct.pack("<Q", len(value.encode())) + value.encode()

    def field(value):
        match value:
            case bool():
                return struct.pack("<I?", 7, value)
            case int():
                return struct.pack("<II", 4, value)
            case float():
                return struct.pack("<If", 6, value)
            case str():
                return struct.pack("<I", 8) + text(value)
            case [int(), *_]:
                return struct.pack("<IIQ", 9, 5, len(value)) + struct.pack(f"<{len(value)}i", *value)
            case list():
                return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))

    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(text(key) + field(value) for key, value in metadata.items())
    offset = 0
    for name, shape, content in tensors:
        head += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, offset)
        offset += len(content) + -len(content) % 32
    parts = [head + bytes(-len(head) % 32)]
    parts += [content + bytes(-len(content) % 32) for _, _, content in tensors]
    return b"".join(parts)
