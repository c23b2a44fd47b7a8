#!/usr/bin/env bash
# Fuzzes what reads bytes from outside, with libFuzzer. See README.md beside it.
set -euo pipefail

# shellcheck source=Deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/../../Deploy/lib.sh"

readonly targets=(frames messages gguf tokenizer templates completions chat chaos schedules datastore grammars)

usage() {
    cat <<'END_OF_USAGE'
Usage: Tests/Fuzzing/fuzz.sh TARGET [--runs N]
       Tests/Fuzzing/fuzz.sh TARGET --minimize
       Tests/Fuzzing/fuzz.sh TARGET --input FILE
       Tests/Fuzzing/fuzz.sh --counts

Fuzzes one target: frames, messages, gguf, tokenizer, templates, completions, chat, chaos, schedules, datastore or
grammars. The first use builds the targets with coverage in .build-fuzz, which takes some minutes.

  --runs N      executions (default: 1,000,000); a run goes on from the corpus that earlier ones have left
  --minimize    write a small corpus with the same coverage to Tests/Fuzzing/corpora/TARGET
  --input FILE  execute one input, for example one that was found
  --counts      the executions of all runs so far, and what they reached

An input may take a second and the process 1 GiB. A finding ends the run with status 1; its input is in
.build-fuzz/findings/TARGET. The command and what came of it are added to .build-fuzz/runs.tsv.
END_OF_USAGE
}

build_folder="$root/.build-fuzz"
readonly build_folder runs_file="$root/.build-fuzz/runs.tsv"

# Builds the fuzzer, unless it is newer than all code.
build() {
    check_swift
    # The toolchain brings libFuzzer; Debian's packages of Swift may leave it out.
    local runtime
    runtime="$(dirname -- "$(dirname -- "$(realpath -- "$(command -v swift)")")")/lib/clang"
    [[ -n "$(find "$runtime" -name 'libclang_rt.fuzzer*' -print -quit 2>/dev/null)" ]] ||
        fail "this toolchain has no libFuzzer below $runtime; install Swift from swift.org/install"
    install_packages "${packages[@]}"
    (cd -- "$root" && PACELINE_FUZZING=1 swift build --configuration release --product PacelineFuzzer \
        --build-path "$build_folder" >&2)
    fuzzer="$(cd -- "$root" && PACELINE_FUZZING=1 swift build --configuration release --build-path "$build_folder" \
        --show-bin-path)/PacelineFuzzer"
}

# prepare TARGET: makes the folders, and puts the seeds and the committed corpus into a corpus that is empty.
prepare() {
    corpus="$build_folder/corpora/$1"
    findings="$build_folder/findings/$1"
    committed="$root/Tests/Fuzzing/corpora/$1"
    mkdir -p -- "$corpus" "$findings" "$committed"
    # Where Swift tells of a crash itself, libFuzzer does not keep the input.
    export PACELINE_FUZZ_TARGET="$1" SWIFT_BACKTRACE=enable=no
    "$fuzzer" --seeds "$corpus"
}

# The longest input of a target, in bytes.
longest() {
    case "$1" in
    frames | messages) echo 2048 ;;
    gguf) echo 16384 ;;
    *) echo 1024 ;;
    esac
}

# limits TARGET: libFuzzer's options that hold for every run.
limits() { printf '%s\n' -timeout=1 -rss_limit_mb=1024 -malloc_limit_mb=256 "-max_len=$(longest "$1")"; }

run() {
    local target="$1" runs="$2" log status=0 began
    log="$build_folder/$target.log"
    began="$(date +%s)"
    local -a options
    mapfile -t options < <(limits "$target")
    "$fuzzer" "${options[@]}" "-runs=$runs" "-artifact_prefix=$findings/" -print_final_stats=1 -use_value_profile=0 \
        "$corpus" "$committed" >"$log" 2>&1 || status=1
    local executions edges inputs last
    executions="$(sed -nE 's/^stat::number_of_executed_units: *([0-9]+)/\1/p' "$log")"
    edges="$(sed -nE 's/.*cov: ([0-9]+).*/\1/p' "$log" | tail -n 1)"
    inputs="$(find "$corpus" -type f | wc -l)"
    # The execution that found the last new edge: the last line whose count of edges differs from the line before.
    last="$(sed -nE 's/^#([0-9]+).*cov: ([0-9]+).*/\1 \2/p' "$log" |
        awk '$2 > edges { edges = $2; at = $1 } END { print at + 0 }')"
    [[ -f "$runs_file" ]] ||
        printf 'target\tbegan\tseconds\texecutions\tedges\tlast_new_edge_at\tinputs\tstatus\n' >"$runs_file"
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$target" "$(date -u -d "@$began" +%FT%TZ)" \
        "$(($(date +%s) - began))" "${executions:-0}" "${edges:-0}" "$last" "$inputs" "$status" >>"$runs_file"
    say "$target: ${executions:-0} executions, ${edges:-0} edges, the last new one at execution $last"
    ((status == 0)) || fail "the run ended early; $log says why, and the input is in $findings"
}

minimize() {
    local target="$1" small
    local -a options
    mapfile -t options < <(limits "$target")
    small="$(mktemp -d)"
    # Inputs that once broke something have names; they stay.
    "$fuzzer" "${options[@]}" -merge=1 "$small" "$corpus" "$committed" >"$build_folder/$target-merge.log" 2>&1 ||
        fail "the corpus could not be minimised; $build_folder/$target-merge.log says why"
    find "$committed" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
    # The smallest files that together still reach the most: merging has put each edge's smallest input into the folder.
    find "$small" -type f -printf '%s %p\n' | sort -n | head -n "${PACELINE_FUZZ_KEEP:-48}" | cut -d ' ' -f 2- |
        while read -r file; do cp -- "$file" "$committed/"; done
    rm -rf -- "$small"
    say "$target: $(find "$committed" -type f | wc -l) inputs in $committed"
}

counts() {
    [[ -f "$runs_file" ]] || fail "there was no run yet"
    awk -F '\t' 'NR > 1 { runs[$1] += $4; seconds[$1] += $3; edges[$1] = $5; bad[$1] += $8;
            if ($6 > 0 && $6 < $4) last[$1] = runs[$1] - $4 + $6 }
        END { for (name in runs) printf "%-12s %12d executions %8d s %6d edges, last new one at %d, %d ended early\n",
            name, runs[name], seconds[name], edges[name], last[name], bad[name] }' "$runs_file" | sort
}

[[ $# -gt 0 ]] || { usage >&2; exit 2; }
case "$1" in
-h | --help) usage; exit 0 ;;
--counts) counts; exit 0 ;;
esac
target="$1"
shift
[[ " ${targets[*]} " == *" $target "* ]] || fail "there is no target $target; there are ${targets[*]}"
action=run runs=1000000 input=''
while (($# > 0)); do
    case "$1" in
    --runs) runs="${2:?--runs needs a number}"; shift 2 ;;
    --minimize) action=minimize; shift ;;
    --input) action=input; input="${2:?--input needs a file}"; shift 2 ;;
    *) fail "unknown option $1; --help shows the options" ;;
    esac
done
[[ "$runs" =~ ^[1-9][0-9]*$ ]] || fail "--runs needs a number from 1, not $runs"
build
prepare "$target"
case "$action" in
run) run "$target" "$runs" ;;
minimize) minimize "$target" ;;
input) "$fuzzer" -timeout=1 "$input" ;;
esac
