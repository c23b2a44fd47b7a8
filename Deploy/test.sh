#!/usr/bin/env bash
# Sets up a Debian 12 machine, builds everything and runs every test. Arguments go to `swift test` (--filter …).
#
# PACELINE_TEST_QWEN=1 runs the tests that need the Qwen models, too, and fetches these. PACELINE_CROSS=required makes
# it an error when the kernels for AArch64 cannot be tested (see cross-test.sh).
set -euo pipefail

# shellcheck source=Deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

models=(smollm2)
if [[ "${PACELINE_TEST_QWEN:-}" == 1 ]]; then models+=(qwen); fi

say "checking how the code is written"
"$root/Deploy/lint.sh"
set_up "${models[@]}"
cd -- "$root"
say "building"
swift build --build-tests --explicit-target-dependency-import-check error
say "testing"
# Tests of real sockets have deadlines. A few tests at once keep the cores busy; all at once, as is the default, keep
# such a test from its turn for as long as all others compute.
swift test --skip-build --experimental-maximum-parallelization-width 4 "$@"
if (($# == 0)); then
    say "testing the kernels of another CPU"
    Deploy/cross-test.sh
    say "testing the draft link from another language"
    python_packages="$root/.build/python"
    python3 -m pip install --quiet --disable-pip-version-check --target "$python_packages" --upgrade \
        --requirement Tests/PythonWorker/requirements.txt
    PACELINE="$(swift build --show-bin-path)/paceline" PYTHONPATH="$python_packages" PYTHONDONTWRITEBYTECODE=1 \
        python3 -m unittest discover --start-directory Tests/PythonWorker
    say "testing drafting over a long way, in network namespaces"
    PACELINE="$(swift build --show-bin-path)/paceline" PYTHONDONTWRITEBYTECODE=1 \
        python3 Tests/Measurements/overlap.py --short
fi
say "all tests passed"
