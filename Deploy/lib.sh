# Set-up that demo.sh and test.sh share; sourced, not run. Debian 12 with Swift, git and python3 with pip is enough to
# begin.
# shellcheck shell=bash

# The folder of the package.
root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"

# What the build links, in Debian's names. The compiler of protocol buffers is for regenerating the C code alone.
readonly packages=(libopenblas-dev libprotobuf-c-dev protobuf-c-compiler openssl)
readonly swift_minimum=6.3

say() { printf '== %s\n' "$*" >&2; }

fail() {
    printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2
    exit 1
}

is_root() { [[ "$(id -u)" == 0 ]]; }

# as_root COMMAND…: runs it as root, with sudo where that is needed.
as_root() { if is_root; then "$@"; else sudo -- "$@"; fi; }

is_installed() { [[ "$(dpkg-query --show --showformat='${Status}' "$1" 2>/dev/null)" == "install ok installed" ]]; }

# install_packages PACKAGES…: installs those that are missing.
install_packages() {
    local -a missing=()
    local package
    command -v dpkg-query >/dev/null || fail "this is no Debian; install what it calls $* by hand"
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then return; fi
    is_root || command -v sudo >/dev/null ||
        fail "installing packages needs root; run as root: apt-get install ${missing[*]}"
    say "installing ${missing[*]} with apt-get"
    as_root apt-get update -qq || fail "apt-get update failed (see above); is the network there?"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
        fail "apt-get could not install ${missing[*]} (see above)"
}

# Fails with the way out unless a Swift that can build the package is there.
check_swift() {
    local found
    command -v swift >/dev/null || fail "swift is not on the PATH; install Swift $swift_minimum from swift.org/install"
    found="$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+(\.[0-9]+)*).*/\1/p' | head -n 1)"
    [[ -n "$found" ]] || fail "swift --version says nothing that can be understood; install Swift $swift_minimum"
    [[ "$(printf '%s\n%s\n' "$swift_minimum" "$found" | sort -V | head -n 1)" == "$swift_minimum" ]] ||
        fail "Swift $found is too old; install Swift $swift_minimum or later from swift.org/install"
}

# set_up MODELS…: everything before the build.
set_up() {
    check_swift
    install_packages "${packages[@]}"
    "$root/Deploy/fetch-models.sh" "$@"
}
