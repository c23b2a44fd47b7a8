#!/usr/bin/env bash
# Prints the path of Debian's kubectl (package kubernetes-client), with which the tests render the manifests.
#
#   Deploy/kubernetes/tools.sh
#
# Unpacks the package below .build instead of installing it, because another package may own /usr/bin/kubectl already.
# Needs no root once apt knows its lists. Run again, it fetches nothing.
set -euo pipefail

# shellcheck source=Deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"

readonly folder="$root/.build/kubernetes-client"
readonly kubectl="$folder/usr/bin/kubectl"

# download: leaves the package's file in the current folder.
download() { apt-get download -qq -o APT::Sandbox::User=root kubernetes-client >&2; }

if [[ ! -x "$kubectl" ]]; then
    command -v apt-get >/dev/null || fail "this is not a Debian system; put a kubectl on the PATH by hand"
    incoming="$(mktemp --directory)"
    trap 'rm -rf -- "$incoming"' EXIT
    cd -- "$incoming"
    if ! download; then
        as_root apt-get update -qq || fail "apt-get update failed (see above); check the network"
        download || fail "apt-get could not download kubernetes-client (see above)"
    fi
    mkdir -p -- "$folder"
    dpkg-deb --extract kubernetes-client_*.deb "$folder"
fi
echo "$kubectl"
