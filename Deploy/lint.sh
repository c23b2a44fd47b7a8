#!/usr/bin/env bash
# Checks format and style of all code in under a minute, without building it. Deploy/test.sh runs it first.
set -euo pipefail

# shellcheck source=Deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'END_OF_USAGE'
Usage: Deploy/lint.sh [--fix]

Checks all files that are tracked by git or not ignored:
  Swift     swift format lint --strict
  C         clang-format (except generated code)
  scripts   shellcheck
  Python    ruff check, ruff format
  all       no line over 120 columns; Package.swift declares exactly what targets import; every hole that
            Protocols/SECURITY.md lists has its test

  --fix     first repair the format of Swift, C and Python
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

# files PATTERN…: prints the tracked and not ignored files that match, one per line.
files() {
    git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
        [[ ! -e "$file" ]] || echo "$file"
    done
}

failures=0

# check NAME COMMAND…: runs the command and continues after a failure, so that one run shows all problems.
check() {
    local name="$1"
    shift
    if ! "$@" >&2; then
        say "$name failed: see above"
        failures=$((failures + 1))
    fi
}

long_lines() { ! grep --with-filename --line-number --extended-regexp '^.{121,}' -- "$@"; }

# Rows of Markdown tables may be longer, because they cannot be wrapped.
long_prose() { ! grep --with-filename --line-number --extended-regexp '^[^|].{120,}' -- "$@"; }

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
mapfile -t prose < <(files '*.md')

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
check "prose over 120 columns" long_prose "${prose[@]}"
check "dependencies" python3 Deploy/dependencies.py
check "security references" python3 Deploy/security_references.py

((failures == 0)) || fail "$failures checks failed; Deploy/lint.sh --fix repairs the format"
say "all checks passed"
