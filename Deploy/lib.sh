# Functions that scripts in this folder share; source this file, do not run it. The scripts need Debian 12 with Swift,
# git and python3 with pip, and install the rest.
# shellcheck shell=bash

# The folder of Package.swift.
root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"

# Debian packages that the build and the tests need. Only regenerating the C code needs the protocol buffer compiler.
readonly packages=(libopenblas-dev libprotobuf-c-dev protobuf-c-compiler openssl)
readonly swift_minimum=6.3

# say WORDS…: what happens now, and how long the script has been running.
say() { printf '== %d:%02d %s\n' "$((SECONDS / 60))" "$((SECONDS % 60))" "$*" >&2; }

fail() {
    printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2
    exit 1
}

# name_commit: tells the build which commit it builds, for `paceline --version`.
name_commit() {
    PACELINE_COMMIT="$(git -C "$root" rev-parse HEAD 2>/dev/null)" || return 0
    if [[ -n "$(git -C "$root" status --porcelain)" ]]; then PACELINE_COMMIT+="+changes"; fi
    export PACELINE_COMMIT
}

is_root() { [[ "$(id -u)" == 0 ]]; }

# as_root COMMAND…: runs the command as root, with sudo if necessary.
as_root() { if is_root; then "$@"; else sudo -- "$@"; fi; }

is_installed() { [[ "$(dpkg-query --show --showformat='${Status}' "$1" 2>/dev/null)" == "install ok installed" ]]; }

# install_packages PACKAGES…: installs the missing ones.
install_packages() {
    local -a missing=()
    local package
    command -v dpkg-query >/dev/null ||
        fail "this is not a Debian system; install your system's equivalents of $* by hand"
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then return; fi
    is_root || command -v sudo >/dev/null ||
        fail "installing packages needs root; run as root: apt-get install ${missing[*]}"
    say "installing ${missing[*]} with apt-get"
    as_root apt-get update -qq || fail "apt-get update failed (see above); check the network"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 ||
        fail "apt-get could not install ${missing[*]} (see above)"
}

# Fails unless a version of Swift that can build the package is installed.
check_swift() {
    local found
    command -v swift >/dev/null || fail "swift is not on the PATH; install Swift $swift_minimum from swift.org/install"
    found="$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+(\.[0-9]+)*).*/\1/p' | head -n 1)"
    [[ -n "$found" ]] ||
        fail "swift --version prints no version; install Swift $swift_minimum from swift.org/install"
    [[ "$(printf '%s\n%s\n' "$swift_minimum" "$found" | sort -V | head -n 1)" == "$swift_minimum" ]] ||
        fail "Swift $found is too old; install Swift $swift_minimum or later from swift.org/install"
}

# set_up MODELS…: installs and fetches everything that the build needs.
set_up() {
    check_swift
    install_packages "${packages[@]}"
    "$root/Deploy/fetch-models.sh" "$@"
}
