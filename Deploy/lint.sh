#!/usr/bin/env bash
# Checks how all code is written, in under a minute and without building it. Deploy/test.sh runs it first.
set -euo pipefail

# shellcheck source=Deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'END_OF_USAGE'
Usage: Deploy/lint.sh [--fix]

Checks, over all files that git knows or would add:
  Swift     swift format lint --strict
  C         clang-format (not over generated code)
  scripts   shellcheck
  Python    ruff check, ruff format
  all       no line over 120 columns; every dependency that Package.swift declares is used

  --fix     repair first what can be repaired: format of Swift, C and Python
END_OF_USAGE
}

fix=no
case "${1:-}" in
'') ;;
--fix) fix=yes ;;
-h | --help)
    usage
    exit 0
    ;;
*) fail "unknown option $1; --help shows the options" ;;
esac

readonly ruff_version=0.17.6
readonly ruff_folder="$root/.build/ruff-$ruff_version"

install_ruff() {
    [[ -x "$ruff_folder/bin/ruff" ]] && return
    python3 -m pip --version >/dev/null 2>&1 ||
        fail "python3 with pip is needed; on Debian: apt-get install python3-pip"
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --target "$ruff_folder" \
        "ruff==$ruff_version" >&2 ||
        fail "pip could not install ruff $ruff_version (see above)"
}

# files PATTERN…: the files of these patterns that are tracked or not ignored, one a line.
files() {
    git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
        [[ ! -e "$file" ]] || echo "$file"
    done
}

failures=0

# check NAME COMMAND…: runs it, and goes on after a failure so that one run shows everything.
check() {
    local name="$1"
    shift
    if ! "$@" >&2; then
        say "$name: see above"
        failures=$((failures + 1))
    fi
}

long_lines() { ! grep --with-filename --line-number --extended-regexp '^.{121,}' -- "$@"; }

check_swift
install_packages clang-format shellcheck
cd -- "$root"
install_ruff
export LC_ALL=C.UTF-8 RUFF_NO_CACHE=true

mapfile -t swift < <(files '*.swift')
mapfile -t c < <(files '*.c' '*.h' '*.inc' ':!Sources/CPacelineProtocol')
mapfile -t scripts < <(files '*.sh' '.ci/run')
mapfile -t python < <(files '*.py')
mapfile -t protocols < <(files '*.proto')

if [[ "$fix" == yes ]]; then
    swift format format --in-place --parallel "${swift[@]}"
    clang-format -i "${c[@]}"
    "$ruff_folder/bin/ruff" check --quiet --fix "${python[@]}" || true
    "$ruff_folder/bin/ruff" format --quiet "${python[@]}"
fi

check "swift format" swift format lint --strict --parallel "${swift[@]}"
check "clang-format" clang-format --dry-run --Werror "${c[@]}"
check "shellcheck" shellcheck --external-sources "${scripts[@]}"
check "ruff check" "$ruff_folder/bin/ruff" check --quiet "${python[@]}"
check "ruff format" "$ruff_folder/bin/ruff" format --quiet --check "${python[@]}"
check "lines over 120 columns" long_lines "${swift[@]}" "${c[@]}" "${scripts[@]}" "${python[@]}" "${protocols[@]}"
check "dependencies" python3 Deploy/dependencies.py

((failures == 0)) || fail "$failures of the checks failed; Deploy/lint.sh --fix repairs the format"
say "every check passed"
