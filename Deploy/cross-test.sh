#!/usr/bin/env bash
# Compares the AArch64 kernels bit for bit with their scalar twins on an emulated CPU. Also compares the results of the
# scalar twins there and on this CPU, because they define the bits everywhere. See Tests/CrossKernels.
#
# Swift's clang cross-compiles the kernels, and qemu-user runs them. Missing Debian packages are installed. If that
# fails, the test is skipped with a message; with PACELINE_CROSS=required it fails.
set -euo pipefail

# shellcheck source=Deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

readonly cross_packages=(qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
readonly sysroot=/usr/aarch64-linux-gnu
# The targets to compare.
readonly c_targets=(Sources/CPacelineKernels Sources/CPacelineChecksum)
# A CPU with the dot product and nothing newer, and one without it.
readonly with_dot_product=neoverse-n1 without_dot_product=cortex-a57
build="$root/.build/cross-kernels"

skip() {
    if [[ "${PACELINE_CROSS:-}" == required ]]; then fail "$*"; fi
    say "skipping the AArch64 kernels: $*"
    exit 0
}

# The compiler flags that Package.swift gives to both targets, one per line.
kernel_flags() {
    sed -nE 's/^let kernelSettings.*unsafeFlags\(\[(.*)\]\).*/\1/p' Package.swift | tr -d ' "' | tr ',' '\n' | grep .
}

# compile NAME FLAGS…: compiles all kernels and the comparing program to objects in $build/NAME.
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

# link NAME FLAGS…: links the objects in $build/NAME.
link() {
    local name="$1"
    shift
    "$clang" "$@" "$build/$name"/*.o -lm -ldl -lpthread -o "$build/$name/cross-kernels"
}

# emulate CPU ARGUMENTS…: runs the AArch64 program on an emulated CPU.
emulate() {
    local cpu="$1"
    shift
    qemu-aarch64 -L "$sysroot" -cpu "$cpu" "$build/aarch64/cross-kernels" "$@"
}

# Links OpenBLAS's headers, which the cross libraries lack. The kernels use only declarations from them.
link_blas_headers() {
    local header
    mkdir -p "$build/include"
    for header in cblas.h openblas_config.h; do
        ln -sf "$(find /usr/include -name "$header" -print -quit)" "$build/include/$header"
    done
}

# Checks that the tested kernels use the dot product: a CPU without it must select the scalar ones, and must not be able
# to run the others.
check_selection() {
    local status=0
    # No -q: grep would exit at the match, and the program's next line would then break the pipeline.
    emulate "$without_dot_product" --only checksums | grep -x 'best of this CPU: scalar' >/dev/null ||
        fail "a CPU without the dot product does not select the scalar kernels"
    (emulate "$without_dot_product" --isa neon --force --only products >/dev/null 2>&1) 2>/dev/null || status=$?
    # 128 + SIGILL
    ((status == 132)) || fail "products do not use the dot product: a CPU without it runs them (status $status)"
}

cd -- "$root"
command -v apt-get >/dev/null || skip "apt-get, which installs the emulator, is not available"
(install_packages "${cross_packages[@]}") || skip "${cross_packages[*]} could not be installed"
clang="$(command -v clang || true)"
[[ -n "$clang" ]] || skip "clang, which comes with Swift, is not on the PATH"
mapfile -t flags < <(kernel_flags)
((${#flags[@]} > 0)) || fail "kernelSettings in Package.swift has no unsafeFlags"
for c_target in "${c_targets[@]}"; do flags+=("-I$c_target" "-I$c_target/include"); done

say "compiling the kernels for AArch64 and for this CPU"
link_blas_headers
compile aarch64 --target=aarch64-linux-gnu -isystem "$sysroot/include" -idirafter "$build/include"
link aarch64 --target=aarch64-linux-gnu -fuse-ld=lld "-L$sysroot/lib"
compile native
link native
say "comparing the kernels with their scalar twins on this CPU"
"$build/native/cross-kernels" | tee "$build/native/table"
say "comparing the kernels with their scalar twins on an emulated $with_dot_product"
emulate "$with_dot_product" --isa neon | tee "$build/aarch64/table"
# Skips the two lines that name the CPU's instruction sets.
diff <(tail -n +3 "$build/native/table") <(tail -n +3 "$build/aarch64/table") ||
    fail "the scalar twins do not give the same bits on both CPUs (see above)"
check_selection
say "the AArch64 kernels equal their scalar twins, which give the same bits on both CPUs"
