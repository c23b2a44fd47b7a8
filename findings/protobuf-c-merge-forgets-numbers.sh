#!/usr/bin/env bash
# protobuf-c 1.4.1 (Debian 12: libprotobuf-c-dev, protobuf-c-compiler 1.4.1-1+b1) loses numbers from a sub-message that
# arrives in two parts. Google's own library (PyPI: protobuf 6.33.1) merges the parts.
#
# Expected: a singular sub-message may occur several times. The documentation of the encoding says that its parts are
# merged field by field, so {a: 7} followed by {b: 9} should give {a: 7, b: 9} in every library.
#
# Actual: protobuf-c gives {a: 0, b: 9} for proto3 numbers. It does keep the string and the repeated field of the same
# two parts. It reports no error.
#
# Consequence: C reads a message that is valid by the specification differently from other languages. Two peers may then
# disagree about the contents of one signed or checksummed payload. A protocol that uses protobuf-c should require that
# a sub-message occurs only once.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
cd -- "$folder"

readonly version=1.4.1-1+b1
packages=(
    "libprotobuf-c-dev=$version" "libprotobuf-c1=$version" "protobuf-c-compiler=$version" libprotoc32 libprotobuf32
)
apt-get download -qq "${packages[@]}" >/dev/null 2>&1 ||
    { apt-get update -qq && apt-get download -qq "${packages[@]}"; }
for package in ./*.deb; do dpkg -x "$package" root; done
PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --target python \
    protobuf==6.33.1 grpcio-tools==1.76.0
libraries="$(dirname "$(find root -name 'libprotobuf-c.so.1')")"
export LD_LIBRARY_PATH="$folder/$libraries" PYTHONPATH="$folder/python"

cat >parts.proto <<'PROTO'
syntax = "proto3";
message Part { uint32 a = 1; uint32 b = 2; string text = 3; repeated uint32 list = 4; }
message Whole { Part part = 1; }
PROTO
root/usr/bin/protoc-c --c_out=. parts.proto
python3 -m grpc_tools.protoc --proto_path=. --python_out=. parts.proto

cat >read.c <<'C'
#include <stdio.h>

#include "parts.pb-c.h"

int main(void) {
    /* part {a: 7, text: "x", list: [1]}, part {b: 9, list: [2]} */
    const uint8_t bytes[] = {0x0a, 8, 0x08, 7, 0x1a, 1, 'x', 0x22, 1, 1, 0x0a, 5, 0x10, 9, 0x22, 1, 2};
    Whole *whole = whole__unpack(NULL, sizeof bytes, bytes);
    if (!whole) return 2;
    printf("a=%u b=%u text=%s list=%zu\n", whole->part->a, whole->part->b, whole->part->text, whole->part->n_list);
    whole__free_unpacked(whole, NULL);
    return 0;
}
C
cc -I. -Iroot/usr/include read.c parts.pb-c.c -L"$libraries" -l:libprotobuf-c.so.1 -o read
in_c="$(./read)"
in_python="$(python3 -c '
from parts_pb2 import Whole
part = Whole.FromString(bytes([0x0a, 8, 0x08, 7, 0x1a, 1, 0x78, 0x22, 1, 1, 0x0a, 5, 0x10, 9, 0x22, 1, 2])).part
print(f"a={part.a} b={part.b} text={part.text} list={len(part.list)}")')"
printf 'protobuf-c: %s\nprotobuf:   %s\n' "$in_c" "$in_python"
[[ "$in_c" == "a=0 b=9 text=x list=2" && "$in_python" == "a=7 b=9 text=x list=2" ]]
