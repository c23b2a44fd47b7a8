"""Writes tiny models with all biases that llama.cpp applies for their architecture, and their log-probabilities.

    python3 -m pip install gguf==0.19.0 numpy
    python3 Tests/PacelineModelTests/Goldens/biases/make.py

llama.cpp's own library writes the files. The pass uses NumPy in float32 and follows the published descriptions of the
models, without any code of the engine. Keys and values are rounded to float16, as the engine stores them.
"""

import json
import pathlib

import gguf
import numpy as np

FOLDER = pathlib.Path(__file__).parent
WIDTH, FEED_FORWARD, HEADS, KEY_HEADS, HEAD, BLOCKS, VOCABULARY = 32, 64, 2, 1, 16, 2, 48
EPSILON, BASE = 1e-5, 10_000.0
TOKENS = [5, 17, 40, 3, 3, 29, 11, 46]

PROJECTIONS = {"attn_q": HEADS * HEAD, "attn_k": KEY_HEADS * HEAD, "attn_v": KEY_HEADS * HEAD}
LLAMA = {**PROJECTIONS, "attn_output": WIDTH, "ffn_gate": FEED_FORWARD, "ffn_up": FEED_FORWARD, "ffn_down": WIDTH}

# Name: architecture, biases of the blocks, the blocks that have them, whether the output head has one.
MODELS = {
    "llama": ("llama", LLAMA, [0, 1], False),
    "llama-one-block": ("llama", LLAMA, [1], False),
    "mistral3": ("mistral3", LLAMA, [0, 1], False),
    "qwen2": ("qwen2", PROJECTIONS, [0, 1], True),
    "qwen3": ("qwen3", PROJECTIONS, [0, 1], False),
    "phi3": ("phi3", {"attn_qkv": (HEADS + 2 * KEY_HEADS) * HEAD}, [0, 1], False),
    "gemma3": ("gemma3", PROJECTIONS, [0, 1], False),
}


def tensors(name):
    """A model's tensors by name, matrices as (outputs, inputs)."""
    architecture, biases, biased, has_output_bias = MODELS[name]
    draw = np.random.default_rng(list(name.encode()))

    def matrix(rows, columns, deviation=None):
        return draw.normal(0, deviation or columns**-0.5, (rows, columns)).astype(np.float16)

    def vector(count, mean=0.0, deviation=0.3):
        return draw.normal(mean, deviation, count).astype(np.float32)

    result = {"token_embd.weight": matrix(VOCABULARY, WIDTH, 1)}
    for block in range(BLOCKS):
        part = {"attn_norm.weight": vector(WIDTH, 1, 0.1), "ffn_norm.weight": vector(WIDTH, 1, 0.1)}
        if architecture == "phi3":
            part["attn_qkv.weight"] = matrix((HEADS + 2 * KEY_HEADS) * HEAD, WIDTH)
            part["ffn_up.weight"] = matrix(2 * FEED_FORWARD, WIDTH)
        else:
            for projection, rows in PROJECTIONS.items():
                part[projection + ".weight"] = matrix(rows, WIDTH)
            part["ffn_gate.weight"] = matrix(FEED_FORWARD, WIDTH)
            part["ffn_up.weight"] = matrix(FEED_FORWARD, WIDTH)
        part["attn_output.weight"] = matrix(WIDTH, HEADS * HEAD)
        part["ffn_down.weight"] = matrix(WIDTH, FEED_FORWARD)
        if architecture in ("qwen3", "gemma3"):
            part["attn_q_norm.weight"] = vector(HEAD, 1.5)
            part["attn_k_norm.weight"] = vector(HEAD, 1.5)
        if architecture == "gemma3":
            part["post_attention_norm.weight"] = vector(WIDTH, 1)
            part["post_ffw_norm.weight"] = vector(WIDTH, 1)
        if block in biased:
            for tensor, count in biases.items():
                part[tensor + ".bias"] = vector(count)
        result.update({f"blk.{block}.{key}": value for key, value in part.items()})
    result["output_norm.weight"] = vector(WIDTH, 1, 0.1)
    result["output.weight"] = matrix(VOCABULARY, WIDTH, 0.4)
    if has_output_bias:
        result["output.bias"] = vector(VOCABULARY)
    return result


def write(name, weights):
    architecture = MODELS[name][0]
    writer = gguf.GGUFWriter(FOLDER / f"{name}.gguf", architecture)
    writer.add_block_count(BLOCKS)
    writer.add_context_length(64)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_freq_base(BASE)
    for key, value in weights.items():
        writer.add_tensor(key, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def norm(x, weight):
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + np.float32(EPSILON)) * weight


def rotate(heads, interleaved):
    """Rotary embedding of (positions, heads, dimensions)."""
    half = HEAD // 2
    angles = np.arange(len(heads))[:, None] * BASE ** (-np.arange(half) / half)
    cosine, sine = np.cos(angles)[:, None].astype(np.float32), np.sin(angles)[:, None].astype(np.float32)
    result = np.empty_like(heads)
    first, second = (slice(0, None, 2), slice(1, None, 2)) if interleaved else (slice(0, half), slice(half, None))
    x, y = heads[..., first], heads[..., second]
    result[..., first], result[..., second] = x * cosine - y * sine, x * sine + y * cosine
    return result


def log_probabilities(architecture, weights):
    """The log-probabilities (positions, vocabulary) after each of TOKENS."""
    get = lambda name: weights[name].astype(np.float32)
    has = lambda name: name in weights

    def linear(x, name):
        y = x @ get(name + ".weight").T
        return y + get(name + ".bias") if has(name + ".bias") else y

    gemma = architecture == "gemma3"
    interleaved = architecture in ("llama", "mistral3")
    hidden = get("token_embd.weight")[TOKENS]
    if gemma:
        hidden = hidden * np.float32(WIDTH**0.5)
    count = len(TOKENS)
    for block in range(BLOCKS):
        prefix = f"blk.{block}."
        x = norm(hidden, get(prefix + "attn_norm.weight"))
        if has(prefix + "attn_qkv.weight"):
            parts = linear(x, prefix + "attn_qkv")
            q, k, v = np.split(parts, [HEADS * HEAD, (HEADS + KEY_HEADS) * HEAD], axis=1)
        else:
            q, k, v = (linear(x, prefix + part) for part in PROJECTIONS)
        q, k, v = (y.reshape(count, -1, HEAD) for y in (q, k, v))
        if has(prefix + "attn_q_norm.weight"):
            q, k = norm(q, get(prefix + "attn_q_norm.weight")), norm(k, get(prefix + "attn_k_norm.weight"))
        q, k = rotate(q, interleaved), rotate(k, interleaved)
        k, v = (y.astype(np.float16).astype(np.float32) for y in (k, v))
        k, v = (np.repeat(y, HEADS // KEY_HEADS, axis=1) for y in (k, v))
        scores = np.einsum("ihd,jhd->hij", q, k) / np.float32(HEAD**0.5)
        scores = np.where(np.tril(np.ones((count, count), bool)), scores, -np.inf)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        update = linear(np.einsum("hij,jhd->ihd", shares, v).reshape(count, -1), prefix + "attn_output")
        hidden = hidden + (norm(update, get(prefix + "post_attention_norm.weight")) if gemma else update)
        x = norm(hidden, get(prefix + "ffn_norm.weight"))
        up = linear(x, prefix + "ffn_up")
        if has(prefix + "ffn_gate.weight"):
            gate = linear(x, prefix + "ffn_gate")
        else:
            gate, up = np.split(up, 2, axis=1)
        if gemma:
            gate = 0.5 * gate * (1 + np.tanh(np.sqrt(2 / np.float32(np.pi)) * (gate + 0.044715 * gate**3)))
        else:
            gate = gate / (1 + np.exp(-gate))
        update = linear(gate * up, prefix + "ffn_down")
        hidden = hidden + (norm(update, get(prefix + "post_ffw_norm.weight")) if gemma else update)
    logits = linear(norm(hidden, get("output_norm.weight")), "output")
    assert logits.dtype == np.float32
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def main():
    golden = {"tokens": TOKENS, "models": {}}
    for name, (architecture, *_) in MODELS.items():
        weights = tensors(name)
        write(name, weights)
        law = log_probabilities(architecture, weights)
        effects = {
            bias: float(
                np.abs(log_probabilities(architecture, {k: v for k, v in weights.items() if k != bias}) - law).max()
            )
            for bias in weights
            if bias.endswith(".bias")
        }
        golden["models"][name] = {
            # The largest change of a log-probability without one bias, for the least important bias.
            "smallest_effect": round(min(effects.values()), 5),
            "logprobs": [[round(float(x), 5) for x in row] for row in law],
        }
        print(name, min(effects, key=effects.get), golden["models"][name]["smallest_effect"], f"of {len(effects)}")
    (FOLDER / "biases.json").write_text(json.dumps(golden) + "\n")


main()
