#!/usr/bin/env bash
# Compares the kernels for AArch64 with their scalar twins, bit for bit, on an emulated CPU; and what the scalar twins
# give there with what they give here, because they define the bits everywhere. See Tests/CrossKernels.
#
# The kernels are cross-compiled with Swift's clang and run under qemu-user. Debian's packages for that are installed
# if they are missing. Where that does not work the test is skipped with a message, or, with PACELINE_CROSS=required,
# fails.
set -euo pipefail

# shellcheck source=Deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

readonly cross_packages=(qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
readonly sysroot=/usr/aarch64-linux-gnu
# What is compared.
readonly c_targets=(Sources/CPacelineKernels Sources/CPacelineChecksum)
# One with the dot product and nothing newer, and one without it.
readonly with_dot_product=neoverse-n1 without_dot_product=cortex-a57
build="$root/.build/cross-kernels"

skip() {
    if [[ "${PACELINE_CROSS:-}" == required ]]; then fail "$*"; fi
    say "skipping the kernels for AArch64: $*"
    exit 0
}

# The flags that Package.swift gives both, one a line.
kernel_flags() {
    sed -nE 's/^let kernelSettings.*unsafeFlags\(\[(.*)\]\).*/\1/p' Package.swift | tr -d ' "' | tr ',' '\n' | grep .
}

# compile NAME FLAGS…: all kernels and the program that compares them, as objects in $build/NAME.
compile() {
    local name="$1" source
    shift
    local -a sources
    mapfile -t sources < <(find "${c_targets[@]}" Tests/CrossKernels -name '*.c' | sort)
    mkdir -p "$build/$name"
    rm -f "$build/$name"/*.o
    for source in "${sources[@]}"; do
        printf '%s\0-o%s\0' "$source" "$build/$name/${source//\//-}.o"
    done | xargs -0 -n 2 -P "$(nproc)" "$clang" "$@" -c "${flags[@]}" -Wextra ||
        fail "the kernels do not compile for $name (see above)"
}

# link NAME FLAGS…: the objects of $build/NAME.
link() {
    local name="$1"
    shift
    "$clang" "$@" "$build/$name"/*.o -lm -ldl -lpthread -o "$build/$name/cross-kernels"
}

# emulate CPU ARGUMENTS…: the AArch64 program on an emulated CPU.
emulate() {
    local cpu="$1"
    shift
    qemu-aarch64 -L "$sysroot" -cpu "$cpu" "$build/aarch64/cross-kernels" "$@"
}

# OpenBLAS's headers, which are no part of the cross libraries. The kernels take declarations from them alone.
link_blas_headers() {
    local header
    mkdir -p "$build/include"
    for header in cblas.h openblas_config.h; do
        ln -sf "$(find /usr/include -name "$header" -print -quit)" "$build/include/$header"
    done
}

# That the kernels that ran were those with the dot product: a CPU without it is not offered them and cannot run them.
check_selection() {
    local status=0
    # Without -q: grep would leave at the match, and the program's next line would fail the pipeline.
    emulate "$without_dot_product" --only checksums | grep -x 'best of this CPU: scalar' >/dev/null ||
        fail "a CPU without the dot product would not run the scalar kernels"
    (emulate "$without_dot_product" --isa neon --force --only products >/dev/null 2>&1) 2>/dev/null || status=$?
    # 128 + SIGILL
    ((status == 132)) || fail "products do not use the dot product: a CPU without it runs them (status $status)"
}

cd -- "$root"
command -v apt-get >/dev/null || skip "there is no apt-get to install an emulator with"
(install_packages "${cross_packages[@]}") || skip "${cross_packages[*]} could not be installed"
clang="$(command -v clang || true)"
[[ -n "$clang" ]] || skip "clang, which comes with Swift, is not on the PATH"
mapfile -t flags < <(kernel_flags)
((${#flags[@]} > 0)) || fail "Package.swift has no kernelSettings with flags"
for c_target in "${c_targets[@]}"; do flags+=("-I$c_target" "-I$c_target/include"); done

say "compiling the kernels for AArch64 and for this CPU"
link_blas_headers
compile aarch64 --target=aarch64-linux-gnu -isystem "$sysroot/include" -idirafter "$build/include"
link aarch64 --target=aarch64-linux-gnu -fuse-ld=lld "-L$sysroot/lib"
compile native
link native
say "comparing with the scalar twins here"
"$build/native/cross-kernels" | tee "$build/native/table"
say "comparing with the scalar twins on an emulated $with_dot_product"
emulate "$with_dot_product" --isa neon | tee "$build/aarch64/table"
# Without the two lines that name the CPU's instruction sets.
diff <(tail -n +3 "$build/native/table") <(tail -n +3 "$build/aarch64/table") ||
    fail "the scalar twins do not give the same bits on both CPUs (see above)"
check_selection
say "the kernels for AArch64 equal their scalar twins, and these give the same bits on both CPUs"
