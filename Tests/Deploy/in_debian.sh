#!/usr/bin/env bash
# What test_package.py runs as root in a freshly booted Debian: installs, uses, upgrades and removes the package.
#
#   in_debian.sh FOLDER      with first.deb and second.deb, of which the second is newer and has another verifier.yaml
#
# Prints `step NAME` as it goes, and `done` at the end. Debian's smallest system has no curl; bash must do.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

readonly folder="$1" services=(paceline-verifier paceline-worker paceline-gateway)

step() { printf 'step %s\n' "$*"; }

fail() {
    printf 'failed: %s\n' "$*"
    systemctl status --no-pager --full "${services[@]}" || true
    journalctl --no-pager --lines 40 || true
    exit 1
}

# expect WHAT COMMAND…: fails unless the command succeeds.
expect() {
    local what="$1"
    shift
    "$@" || fail "$what"
}

not() { ! "$@"; }

# eventually WHAT COMMAND…: fails unless the command succeeds within a minute.
eventually() {
    local what="$1" attempt
    shift
    for ((attempt = 0; attempt < 120; attempt++)); do
        if "$@"; then return; fi
        sleep 0.5
    done
    fail "$what: not within a minute"
}

# ask PATH [BODY [PORT]]: prints the answer of the verifier, or of what else listens on the port.
ask() {
    local method=GET
    [[ -z "${2:-}" ]] || method=POST
    # The redirection fails in a shell of its own, and quietly, while nobody listens.
    (
        exec 3<>"/dev/tcp/127.0.0.1/${3:-8080}" || exit 1
        printf '%s %s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n' \
            "$method" "$1" >&3
        printf 'content-length: %d\r\n\r\n%s' "${#2}" "${2:-}" >&3
        cat <&3
    ) 2>/dev/null
}

# Nothing may be left unread, or the writer would be ended by a signal.
answers() { ask "${@:2}" | grep "$1" >/dev/null; }
serves() { answers '"status":"ok"' /health '' && answers '"drafter":"ngram"' /v1/workers ''; }
# generates [PORT]: whether a token comes from there.
generates() {
    answers '"finish_reason":"length"' /v1/completions '{"prompt": "One, two,", "max_tokens": 1}' "${1:-8080}"
}
main_pid() { systemctl show --property MainPID --value "$1"; }
status_of() { sed -n "s/^$2:\t//p" "/proc/$1/status"; }
is_new_process() { [[ "$(main_pid paceline-verifier)" != 0 && "$(main_pid paceline-verifier)" != "$1" ]]; }

# Without the network: what the package depends on is there.
install_package() {
    apt-get install --yes --no-install-recommends -o Dpkg::Options::=--force-confold "$folder/$1" 2>&1
}

step install
install_package first.deb
expect "there is a user" getent passwd paceline
expect "the program runs" paceline --version
for service in "${services[@]}"; do
    expect "$service waits for its settings" not systemctl --quiet is-active "$service"
    expect "$service is not enabled" not systemctl --quiet is-enabled "$service"
done
install -m 644 "$folder"/*.gguf /var/lib/paceline/models/

step start
systemctl enable --now "${services[@]}"
eventually "a worker drafts for the verifier" serves
expect "it generates" generates
eventually "the gateway does, too" generates 8000

step confinement
for service in "${services[@]}"; do
    pid="$(main_pid "$service")"
    expect "$service runs as paceline" test "$(stat --format %U "/proc/$pid")" = paceline
    expect "$service filters system calls" test "$(status_of "$pid" Seccomp)" = 2
    expect "$service gains no privileges" test "$(status_of "$pid" NoNewPrivs)" = 1
    expect "$service has no capability" test "$(status_of "$pid" CapBnd)" = 0000000000000000
    expect "$service cannot change files" grep -E '^\S+ \S+ \S+ \S+ / ro[, ]' "/proc/$pid/mountinfo"
done

step crash
pid="$(main_pid paceline-verifier)"
kill -KILL "$pid"
eventually "it is started again" is_new_process "$pid"
eventually "the worker comes back" serves
eventually "the gateway has its verifier again" generates 8000

step token
(umask 077 && od -A n -t x1 -N 32 /dev/urandom | tr -d ' \n' >/etc/paceline/token)
chown paceline: /etc/paceline/token
sed -i -e 's/^#token-file/token-file/' /etc/paceline/verifier.yaml /etc/paceline/worker.yaml
sed -i -e '/^listen:/d; s/^#listen:/listen:/' /etc/paceline/verifier.yaml
systemctl restart "${services[@]}"
eventually "the worker shows the token" serves

step upgrade
pid="$(main_pid paceline-verifier)" gateway="$(main_pid paceline-gateway)"
eventually "the gateway has the new verifier" generates 8000
readonly long='{"prompt": "One,", "max_tokens": 800, "ignore_eos": true, "stream": true}'
ask /v1/completions "$long" >"$folder/stream" &
streams=("$!")
ask /v1/completions "$long" 8000 >"$folder/relayed" &
streams+=("$!")
eventually "a stream runs" grep -q '^data: ' "$folder/stream"
eventually "one runs through the gateway" grep -q '^data: ' "$folder/relayed"
install_package second.deb
wait "${streams[@]}"
expect "the settings stay" grep -x 'listen: 0.0.0.0:7411' /etc/paceline/verifier.yaml
expect "the new ones lie beside" test -f /etc/paceline/verifier.yaml.dpkg-dist
expect "the verifier was started anew" is_new_process "$pid"
expect "the gateway was started anew" test "$(main_pid paceline-gateway)" != "$gateway"
expect "the stream went on to its end" grep -q '^data: \[DONE\]' "$folder/stream"
expect "so did the one through the gateway" grep -q '^data: \[DONE\]' "$folder/relayed"
journalctl --no-pager --output cat "_PID=$pid" >"$folder/journal"
expect "it ended while the old one drained" awk '/not ready any more/ { draining = 1 }
    /path=\/v1\/completions/ { last = draining } END { exit !last }' "$folder/journal"
eventually "the new one serves" serves
expect "it generates" generates
eventually "the gateway is back" generates 8000

# Such as libraries that expect a system call to work. Workers without the new token rightly complained about that.
step log
said="$(journalctl --no-pager --output cat _UID="$(id -u paceline)")"
complaints="$(grep -E 'Failed to|not permitted|denied' <<<"$said" || true)"
expect "nobody complains, but: $complaints" test -z "$complaints"

step remove
apt-get remove --yes paceline 2>&1
for service in "${services[@]}"; do
    expect "$service has ended" not systemctl --quiet is-active "$service"
done
expect "the program is gone" not test -e /usr/bin/paceline -o -e /usr/lib/paceline
expect "the settings stay" test -f /etc/paceline/verifier.yaml
expect "the models stay" test -d /var/lib/paceline/models

step install again
install_package second.deb
for setting in verifier:token-file worker:token-file gateway:verifier; do
    name="${setting%:*}"
    # As the file itself advises.
    command="$(sed -nE 's/^# +(cd .* --check)$/\1/p' "/etc/paceline/$name.yaml")"
    bash -euc "$command" | grep -E "^${setting#*:} .* $name.yaml, line" || fail "its settings do not hold: $command"
done

step purge
apt-get purge --yes paceline 2>&1
leftovers="$(find /etc /usr /lib/systemd /var/lib -name '*paceline*' -not -path "$folder/*")"
expect "nothing is left, but: $leftovers" test -z "$leftovers"
printf 'done\n'
