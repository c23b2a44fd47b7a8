#!/usr/bin/env bash
# Installs the Debian packages that Tests/Deploy needs; without one, its tests are skipped and say so.
#
#   Deploy/test-packages.sh
set -euo pipefail

# shellcheck source=Deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

# systemd and prometheus check and run the files for them. package.sh needs dpkg-dev, patchelf and binutils. debootstrap
# makes and systemd-container boots the Debian in which the package is installed; the shells load its completions.
# nginx stands before verifiers.
install_packages systemd prometheus dpkg-dev binutils patchelf debootstrap systemd-container lintian \
    man-db zsh fish shellcheck nginx-light
