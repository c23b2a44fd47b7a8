#!/usr/bin/env bash
# Shows the system at work: generates the same text twice, first with the target alone and then with workers that draft.
# The verifier and each worker are separate processes.
set -euo pipefail

# shellcheck source=Deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'END'
Usage: Deploy/demo.sh [options]

  -m, --model NAME     the target: smollm2-135m (default), qwen2.5-coder-1.5b or a GGUF file
  -md, --draft NAME    the drafter of one worker: a model, ngram or suffix; repeat for more workers
                       (default: ngram and suffix; for qwen2.5-coder-1.5b, its 0.5B model and ngram)
  --head               draft with a head in the verifier's process instead of workers; the first time, train it in
                       about ten minutes and keep it beside the models
  -p, --prompt TEXT    the text to continue
  -n, --tokens COUNT   tokens to generate (default: 160)
  -t, --threads COUNT  threads of the verifier (default: one for each CPU that it may use)
  --json               print one JSON object instead of text and a table
END
}

model=smollm2-135m drafters=() prompt='' tokens=160 threads='' json=no head=no
while (($# > 0)); do
    case "$1" in
    -h | --help)
        usage
        exit 0
        ;;
    --json)
        json=yes
        shift
        continue
        ;;
    --head)
        head=yes
        shift
        continue
        ;;
    -m | --model | -md | --draft | -p | --prompt | -n | --tokens | -t | --threads)
        (($# > 1)) || fail "$1 needs a value; --help shows the options"
        ;;
    *) fail "unknown option $1; --help shows the options" ;;
    esac
    case "$1" in
    -m | --model) model="$2" ;;
    -md | --draft) drafters+=("$2") ;;
    -p | --prompt) prompt="$2" ;;
    -n | --tokens) tokens="$2" ;;
    -t | --threads) threads="$2" ;;
    esac
    shift 2
done
[[ "$tokens" =~ ^[1-9][0-9]{0,5}$ ]] || fail "--tokens must be a number from 1 to 999999, not $tokens"

[[ "$head" == no ]] || ((${#drafters[@]} == 0)) || fail "--head and --draft exclude each other"

models=(smollm2)
if [[ "$model" == qwen* || "${drafters[*]}" == *qwen* ]]; then models=(qwen); fi
if ((${#drafters[@]} == 0)); then
    drafters=(ngram suffix)
    if [[ "$model" == qwen2.5-coder-1.5b ]]; then drafters=(qwen2.5-coder-0.5b ngram); fi
fi
if [[ -z "$prompt" ]]; then
    prompt=$'class Point:\n    def __init__(self, x, y):\n        self.x = x\n        self.y = y\n\n'
    prompt+=$'class Circle:\n    def __init__(self, center, radius):\n        self.center = center\n'
    prompt+=$'        self.radius = radius\n\nclass Rectangle:\n'
fi

# --- Set-up -------------------------------------------------------------------------------------------------------

set_up "${models[@]}"
cd -- "$root"
say "building in release mode (minutes the first time, seconds afterwards)"
name_commit
swift build -c release --product paceline >&2
paceline="$(swift build -c release --show-bin-path)/paceline"

work="$(mktemp -d)"
children=()
clean_up() {
    # Workers stop first, because they would complain about a lost verifier.
    local index
    for ((index = ${#children[@]} - 1; index >= 0; index--)); do
        kill "${children[index]}" 2>/dev/null || true
        wait "${children[index]}" 2>/dev/null || true
    done
    rm -rf -- "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# start NAME ARGUMENT…: starts a process that ends with this script. Its announcements go to the file $work/NAME.
start() {
    local name="$1"
    shift
    "$paceline" "$@" --announce --log-level warning >"$work/$name" &
    children+=($!)
}

# announced PID FILE EVENT: waits until the process has announced EVENT in FILE.
announced() {
    until grep -q "\"event\":\"$3\"" "$2"; do
        if grep -q '"event":"failed"' "$2" || ! kill -0 "$1" 2>/dev/null; then
            fail "$(sed -n 's/.*"message":"\([^"]*\)".*/\1/p' "$2")"
        fi
        sleep 0.05
    done
}

# address KEY FILE: prints an address that the verifier announced.
address() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$2"; }

# make_head FILE: trains a head for the model, from texts that it writes itself. Both steps take a few minutes each.
make_head() {
    local data="$1.capture" ending=0 options=(--batch-tokens 512)
    say "no head for $model yet: the model writes texts to train it on, for 4 minutes"
    timeout --foreground --signal INT 240 "$paceline" capture -m "$model" --tokens 200000 -o "$data" >&2 || ending=$?
    # 124: the time was up, which is as good as all tokens.
    ((ending == 0 || ending == 124)) || exit "$ending"
    say "training the head, for 5 minutes"
    if [[ "$model" == smollm2* ]]; then options+=(--learning-rate 1e-3); fi
    "$paceline" train eagle -m "$model" --data "$data" -o "$1.new" "${options[@]}" --max-minutes 5 >&2
    mv -- "$1.new" "$1"
    rm -f -- "$data" "$1.new.record"
}

# start_verifier ARGUMENT…: starts it and tells the client where it is.
start_verifier() {
    verifier="$work/verifier${#children[@]}"
    start "$(basename -- "$verifier")" verifier -m "$model" --listen 127.0.0.1:0 --http 127.0.0.1:0 \
        ${threads:+-t "$threads"} "$@"
    announced "${children[-1]}" "$verifier" ready
    DEMO_HTTP="$(address http "$verifier")"
}

# --- The demonstration --------------------------------------------------------------------------------------------

if [[ "$head" == yes ]]; then
    head_file="${PACELINE_MODELS:-$HOME/.cache/paceline/models}/$(basename -- "$model" .gguf).head.gguf"
    [[ -f "$head_file" ]] || make_head "$head_file"
fi
export DEMO_HTTP DEMO_PROMPT="$prompt" DEMO_TOKENS="$tokens" DEMO_JSON="$json"
say "starting the verifier with $model"
start_verifier

ask() { python3 "$root/Deploy/demo.py" "$@"; }

ask warm-up
say "the target alone"
ask generate "$work/plain.json"
if [[ "$head" == yes ]]; then
    say "with the head $head_file"
    start_verifier -md "head:$head_file"
    ask warm-up
else
    say "with ${#drafters[@]} workers: ${drafters[*]}"
    for index in "${!drafters[@]}"; do
        start "worker$index" worker --connect "$(address drafts "$verifier")" -md "${drafters[index]}" -t 1
    done
    ask wait-for-workers "${#drafters[@]}"
fi
ask generate "$work/speculative.json"
ask compare "$work/plain.json" "$work/speculative.json"
