#!/usr/bin/env bash
# Makes a Debian package of an executable: with services for systemd, examples of their settings, manual pages, and
# completions for three shells.
#
#   swift build -c release --static-swift-stdlib
#   Deploy/package.sh .build/release/paceline && apt install ./paceline_*.deb
#
# An executable that needs the shared libraries of its Swift toolchain works, too; they come into the package.
set -euo pipefail
umask 022

# shellcheck source=Deploy/lib.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

usage() {
    cat <<'END'
Usage: Deploy/package.sh [options] EXECUTABLE

  --version VERSION    the package's version (default: the executable's)
  --output FOLDER      where the package goes (default: here)
  --compression KIND   xz (default), zstd, gzip or none; the others are faster, for trials

Prints the package's path. The same executable, version and commit give the same bytes.
END
}

version='' output=. compression=xz executable=''
while (($# > 0)); do
    case "$1" in
    -h | --help)
        usage
        exit 0
        ;;
    --version | --output | --compression)
        (($# > 1)) || fail "$1 needs a value; --help shows the options"
        declare "${1#--}=$2"
        shift 2
        ;;
    -*) fail "unknown option $1; --help shows the options" ;;
    *)
        [[ -z "$executable" ]] || fail "name one executable; --help shows the options"
        executable="$1"
        shift
        ;;
    esac
done
[[ -n "$executable" ]] || fail "name the executable; --help shows the options"
[[ -x "$executable" ]] || fail "$executable is not an executable; swift build -c release makes one"

readonly templates="$root/Deploy/package" private=usr/lib/paceline
work="$(mktemp -d)"
trap 'rm -rf -- "$work"' EXIT
readonly stage="$work/debian/paceline"

# put MODE SOURCE DESTINATION: copies a file into the package.
put() { install -D --mode="$1" -- "$2" "$stage/$3"; }

# toolchain_libraries: prints the libraries that the executable finds by its own search path, one per line.
toolchain_libraries() {
    local searched folder
    searched="$(readelf --dynamic "$executable" | sed -nE 's/.*R(UN)?PATH.*\[(.*)\]/\2/p')"
    while IFS= read -r -d : folder; do
        [[ "$folder" == /* ]] || continue
        ldd "$executable" | awk -v folder="${folder%/}/" 'index($3, folder) == 1 { print $3 }'
    done <<<"$searched:"
}

# The libraries lie beside the executable, so that nothing else uses them.
put_program() {
    local library libraries
    libraries="$(toolchain_libraries | sort -u)"
    if [[ -z "$libraries" ]]; then
        put 755 "$executable" usr/bin/paceline
        strip --strip-unneeded "$stage/usr/bin/paceline"
        patchelf --remove-rpath "$stage/usr/bin/paceline"
        return
    fi
    put 755 "$executable" "$private/paceline"
    while read -r library; do
        put 644 "$library" "$private/$(basename -- "$library")"
    done <<<"$libraries"
    strip --strip-unneeded "$stage/$private"/*
    # shellcheck disable=SC2016 # The loader knows $ORIGIN.
    for library in "$stage/$private"/*; do patchelf --set-rpath '$ORIGIN' "$library"; done
    mkdir -p "$stage/usr/bin"
    ln -s ../lib/paceline/paceline "$stage/usr/bin/paceline"
}

put_services() {
    local file
    for file in "$root"/Deploy/systemd/*.service; do
        put 644 "$file" "lib/systemd/system/$(basename -- "$file")"
    done
    put 644 "$root/Deploy/systemd/paceline.sysusers" usr/lib/sysusers.d/paceline.conf
    for file in verifier.yaml worker.yaml gateway.yaml environment; do
        put 644 "$root/Deploy/systemd/$file" "etc/paceline/$file"
        echo "/etc/paceline/$file" >>"$work/conffiles"
    done
    put 755 "$root/Deploy/fetch-models.sh" usr/share/paceline/fetch-models.sh
    mkdir -p "$stage/var/lib/paceline/models"
}

put_completions() {
    local shell file
    for shell in bash:bash-completion/completions/paceline zsh:zsh/vendor-completions/_paceline \
        fish:fish/vendor_completions.d/paceline.fish; do
        file="$work/completions"
        # A file that is sourced has no interpreter.
        "$executable" --generate-completion-script "${shell%%:*}" | sed '1{/^#!/d}' >"$file"
        put 644 "$file" "usr/share/${shell#*:}"
    done
}

put_documents() {
    local folder
    "$executable" --experimental-dump-help |
        python3 "$templates/manual.py" --version "$version" --date "$(date --utc --date="@$SOURCE_DATE_EPOCH" +%F)" \
            "$stage/usr/share/man/man1"
    find "$stage/usr/share/man" -type f -exec gzip --best --no-name {} +
    put 644 "$templates/copyright" usr/share/doc/paceline/copyright
    put 644 "$templates/lintian-overrides" usr/share/lintian/overrides/paceline
    printf 'paceline (%s) unstable; urgency=medium\n\n  * Made by Deploy/package.sh.\n\n -- %s  %s\n' "$version" \
        "$(sed -n 's/^Maintainer: //p' "$templates/control")" "$(date --utc --date="@$SOURCE_DATE_EPOCH" -R)" |
        gzip --best --no-name >"$work/changelog.gz"
    put 644 "$work/changelog.gz" usr/share/doc/paceline/changelog.gz
    for folder in prometheus grafana nginx; do
        mkdir -p "$stage/usr/share/doc/paceline/examples/$folder"
        find "$root/Deploy/$folder" -maxdepth 1 \( -name '*.yaml' -o -name '*.json' -o -name '*.conf' \) -exec \
            install --mode=644 -t "$stage/usr/share/doc/paceline/examples/$folder" {} +
    done
}

# Prints the packages whose libraries the program needs.
dependencies() {
    local -a files
    mapfile -t files < <(find "$stage/usr/bin" "$stage/usr/lib" -type f -perm /111 -o -name '*.so*' -type f)
    printf 'Source: paceline\n\nPackage: paceline\nArchitecture: any\n' >"$work/debian/control"
    # The toolchain's own libraries belong to no package.
    (cd -- "$work" && dpkg-shlibdeps -O --ignore-missing-info "-l$stage/$private" "${files[@]/#/-e}" 2>"$work/log") |
        sed -n 's/^shlibs:Depends=//p' | grep . || fail "dpkg-shlibdeps: $(cat "$work/log")"
}

put_control() {
    local name needed size
    needed="$(dependencies)"
    mkdir -p "$stage/DEBIAN"
    for name in postinst prerm postrm; do put 755 "$templates/$name" "DEBIAN/$name"; done
    put 644 "$work/conffiles" DEBIAN/conffiles
    size="$(du --summarize --apparent-size --block-size=1024 --exclude=DEBIAN "$stage" | cut -f 1)"
    sed -e "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@SIZE@/$size/; s/@DEPENDS@/$needed/" \
        "$templates/control" >"$stage/DEBIAN/control"
    (cd -- "$stage" && find . -type f -not -path './DEBIAN/*' -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' md5sum) \
        >"$stage/DEBIAN/md5sums"
}

install_packages dpkg-dev binutils patchelf python3
executable="$(realpath -- "$executable")"
[[ -n "$version" ]] || version="$("$executable" --version | sed -nE '1s/^paceline +//p')"
[[ "$version" =~ ^[0-9][A-Za-z0-9.+~-]*$ ]] || fail "\"$version\" cannot be a package's version; it begins with a digit"
architecture="$(dpkg --print-architecture)"
# For times in the package.
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || date +%s)}"
export SOURCE_DATE_EPOCH

mkdir -p "$stage" "$output"
put_program
put_services
put_completions
put_documents
put_control
package="$output/paceline_${version}_$architecture.deb"
dpkg-deb --root-owner-group "-Z$compression" --build "$stage" "$package" >&2
printf '%s\n' "$package"
