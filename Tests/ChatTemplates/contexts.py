"""What random chat templates are rendered with."""

TEXTS = [
    "",
    "user",
    "assistant",
    "system",
    " hi there ",
    "a\nb\n\n c",
    "<|im_end|>",
    'it\'s "quoted"',
    "é ß Σ ΑΣ ﬁ",
    "<think>why</think>\nanswer",
    "x,y,,z",
    "\t tab\u00a0",
    "12",
    "3.5",
    "😀 ok",
    "back\\slash",
    "Hello World-wide (web)",
    "\u0000\u200b",
]


def value(rng, depth=0):
    kind = rng.randrange(10 if depth < 3 else 6)
    if kind < 3:
        return rng.choice(TEXTS)
    if kind == 3:
        return rng.choice([0, 1, -1, 2, 7, 10**6, 2**40])
    if kind == 4:
        return rng.choice([True, False, None])
    if kind == 5:
        return rng.choice([0.5, 1.0, -2.25, 1e18, 1e-5, 123456.789, 1e16, 0.1])
    if kind < 8:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {
        rng.choice(["a", "b", "name", "role", "items", "x y"]): value(rng, depth + 1) for _ in range(rng.randrange(4))
    }


def message(rng):
    result = {"role": rng.choice(["system", "user", "assistant", "tool"]), "content": rng.choice(TEXTS + [None])}
    if rng.random() < 0.2:
        result["content"] = [{"type": "text", "text": rng.choice(TEXTS)}]
    if rng.random() < 0.3:
        result["tool_calls"] = [{"id": "abc123def", "function": {"name": "f", "arguments": value(rng, 2)}}]
    return result


def context(rng):
    result = {
        "messages": [message(rng) for _ in range(rng.randrange(5))],
        "add_generation_prompt": rng.random() < 0.5,
        "bos_token": "<s>",
        "eos_token": "</s>",
        "s": rng.choice(TEXTS),
        "t": rng.choice(TEXTS),
        "n": rng.choice([0, 1, 2, 3, -1, 5]),
        "f": rng.choice([0.5, 1.0, -2.25, 100.0]),
        "l": [value(rng, 1) for _ in range(rng.randrange(5))],
        "ns": [rng.randrange(-3, 9) for _ in range(rng.randrange(5))],
        "ws": [rng.choice(TEXTS) for _ in range(rng.randrange(5))],
        "d": {k: value(rng, 1) for k in rng.sample(["a", "b", "c", "items", "name", "z z"], rng.randrange(5))},
        "v": value(rng),
    }
    if rng.random() < 0.5:
        result["tools"] = [
            {"type": "function", "function": {"name": rng.choice(["g", "h"]), "parameters": value(rng, 1)}}
            for _ in range(rng.randrange(3))
        ]
    return result
