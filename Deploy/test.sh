#!/usr/bin/env bash
# Sets up a Debian 12 machine, builds everything and runs every test. Arguments go to `swift test` (--filter …).
#
# PACELINE_TEST_QWEN=1 runs the tests that need the Qwen models, too, and fetches these.
set -euo pipefail

# shellcheck source=Deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

models=(smollm2)
if [[ "${PACELINE_TEST_QWEN:-}" == 1 ]]; then models+=(qwen); fi

set_up "${models[@]}"
cd -- "$root"
say "building"
swift build --build-tests
say "testing"
swift test --skip-build "$@"
say "all tests passed"
