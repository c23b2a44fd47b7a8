#!/bin/sh
# Writes the C structures of paceline/v1/*.proto into Sources/CPacelineProtocol with protoc-c (Debian:
# protobuf-c-compiler). The output is committed, so that building needs no generator.
#
#   Protocols/generate.sh           regenerate
#   Protocols/generate.sh --check   fail, showing the difference, when the committed files are not what would be written
set -eu

protocols=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
target=$protocols/../Sources/CPacelineProtocol

command -v protoc-c >/dev/null || {
    echo "generate.sh: protoc-c is missing; on Debian: apt-get install protobuf-c-compiler" >&2
    exit 2
}

written=$(mktemp -d)
trap 'rm -rf "$written"' EXIT
mkdir -p "$written/include/paceline/v1" "$written/paceline/v1"

cd "$protocols"
protoc-c --c_out="$written" paceline/v1/*.proto
mv "$written"/paceline/v1/*.h "$written/include/paceline/v1/"

case ${1-} in
--check)
    for folder in include/paceline paceline; do
        diff -r -u "$target/$folder" "$written/$folder" || {
            echo "generate.sh: the committed C is not that of the .proto files; run Protocols/generate.sh" >&2
            exit 1
        }
    done
    ;;
'')
    rm -rf "$target/include/paceline" "$target/paceline"
    cp -R "$written/paceline" "$target/paceline"
    cp -R "$written/include/paceline" "$target/include/paceline"
    ;;
*)
    echo "usage: generate.sh [--check]" >&2
    exit 64
    ;;
esac
