#!/usr/bin/env bash
# Sets up a Debian 12 machine, builds everything and runs all tests. Arguments go to `swift test` (--filter …).
#
# PACELINE_TEST_QWEN=1 also fetches the Qwen models and runs the tests that need them. PACELINE_CROSS=required makes it
# an error if the AArch64 kernels cannot be tested (see cross-test.sh).
set -euo pipefail

# shellcheck source=Deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

models=(smollm2)
if [[ "${PACELINE_TEST_QWEN:-}" == 1 ]]; then models+=(qwen); fi

say "checking format and style"
"$root/Deploy/lint.sh"
set_up "${models[@]}"
cd -- "$root"
name_commit
say "building"
swift build --build-tests --explicit-target-dependency-import-check error
say "installing Python packages"
python_packages="$root/.build/python"
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --target "$python_packages" \
    --upgrade --requirement Tests/PythonWorker/requirements.txt --requirement Tests/ChatTemplates/requirements.txt \
    --requirement Tests/MetricsExposition/requirements.txt
export PYTHONPATH="$python_packages" PYTHONDONTWRITEBYTECODE=1
say "testing"
# Tests with real sockets have deadlines. A few tests at a time keep the cores busy. If all run at once, which is the
# default, such a test may have to wait until all others have finished.
swift test --skip-build --experimental-maximum-parallelization-width 4 "$@"
if (($# == 0)); then
    say "testing the AArch64 kernels"
    Deploy/cross-test.sh
    say "testing the draft link with the Python worker"
    PACELINE="$(swift build --show-bin-path)/paceline" python3 -m unittest discover \
        --start-directory Tests/PythonWorker
    say "testing drafting over a slow network, in network namespaces"
    PACELINE="$(swift build --show-bin-path)/paceline" python3 Tests/Measurements/overlap.py --short
fi
say "all tests passed"
