#!/usr/bin/env bash
# Gets what Tests/Deploy needs from Debian to test the manifests, images and README: kubectl, debootstrap, iproute2.
#
#   Deploy/kubernetes/tools.sh
#
# kubectl (package kubernetes-client) is unpacked below .build and not installed, because another package may own
# /usr/bin/kubectl already. Run again, this fetches nothing.
set -euo pipefail

# shellcheck source=Deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/../lib.sh"

readonly folder="$root/.build/kubernetes-client"

# download: leaves the package's file in the current folder.
download() { apt-get download -qq -o APT::Sandbox::User=root kubernetes-client >&2; }

unpack_kubectl() {
    local incoming
    [[ ! -x "$folder/usr/bin/kubectl" ]] || return 0
    incoming="$(mktemp --directory)"
    (
        trap 'rm -rf -- "$incoming"' EXIT
        cd -- "$incoming"
        if ! download; then
            as_root apt-get update -qq || fail "apt-get update failed (see above); check the network"
            download || fail "apt-get could not download kubernetes-client (see above)"
        fi
        mkdir -p -- "$folder"
        dpkg-deb --extract kubernetes-client_*.deb "$folder"
    )
}

install_packages debootstrap iproute2
unpack_kubectl
