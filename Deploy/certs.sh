#!/usr/bin/env bash
# Makes a certificate authority for trying out mutual TLS, and certificates for verifiers and workers.
#
#   Deploy/certs.sh [FOLDER [VERIFIER_NAME…]]
#
# Writes ca.pem, verifier.pem, verifier-key.pem, worker.pem and worker-key.pem to FOLDER (default: certs). The
# verifier's certificate is for localhost, 127.0.0.1, ::1 and the given names; the worker's is for
# URI:paceline://worker. Valid files are kept, so running it again changes nothing. Different names give the verifier a
# new certificate.
#
# Only for tests and demonstrations: the authority's key is in the same folder, without a password.
set -euo pipefail
umask 077

days=365

fail() {
    printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2
    exit 1
}

command -v openssl >/dev/null || fail "openssl is not installed; on Debian: apt-get install openssl"
folder=${1:-certs}
shift || true
mkdir -p -- "$folder"
cd -- "$folder"

# is_good NAME SUBJECT_ALTERNATIVE_NAMES: whether this authority issued the certificate for these names, and whether it
# matches its key and is valid for at least another week.
is_good() {
    [[ -s $1.pem && -s $1-key.pem && -s $1.names && "$(cat -- "$1.names")" == "$2" ]] || return 1
    openssl x509 -in "$1.pem" -noout -checkend $((7 * 86400)) >/dev/null || return 1
    openssl verify -CAfile ca.pem "$1.pem" >/dev/null 2>&1 || return 1
    [[ "$(openssl x509 -in "$1.pem" -noout -pubkey)" == "$(openssl pkey -in "$1-key.pem" -pubout)" ]]
}

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

# issue NAME USAGE SUBJECT_ALTERNATIVE_NAMES
issue() {
    if is_good "$1" "$3"; then return; fi
    new_key "$1-key.pem"
    openssl req -new -key "$1-key.pem" -subj "/CN=paceline $1" |
        openssl x509 -req -CA ca.pem -CAkey ca-key.pem -days "$days" -out "$1.pem.new" \
            -set_serial "0x$(openssl rand -hex 16)" \
            -extfile <(printf '%s\n' "basicConstraints=critical,CA:FALSE" "keyUsage=critical,digitalSignature" \
                "extendedKeyUsage=$2" "subjectAltName=$3") 2>/dev/null || fail "openssl could not sign $1.pem"
    mv -- "$1.pem.new" "$1.pem"
    printf '%s\n' "$3" >"$1.names"
}

if ! [[ -s ca.pem && -s ca-key.pem ]] || ! openssl x509 -in ca.pem -noout -checkend $((7 * 86400)) >/dev/null; then
    new_key ca-key.pem
    openssl req -x509 -new -key ca-key.pem -days "$((days * 10))" -subj "/CN=paceline test authority" -out ca.pem \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" ||
        fail "openssl could not make ca.pem"
fi

names=DNS:localhost,IP:127.0.0.1,IP:::1
for name in "$@"; do
    case $name in
    DNS:* | IP:* | URI:*) names+=,$name ;;
    *:* | [0-9]*.[0-9]*.[0-9]*.[0-9]*) names+=,IP:$name ;;
    *) names+=,DNS:$name ;;
    esac
done
if (($# == 0)) && [[ -s verifier.names ]]; then names=$(cat verifier.names); fi
issue verifier serverAuth,clientAuth "$names"
issue worker serverAuth,clientAuth "URI:paceline://worker"

cat <<END
Certificates are in $PWD.

  paceline verifier … --tls-ca $PWD/ca.pem --tls-certificate $PWD/verifier.pem --tls-key $PWD/verifier-key.pem \\
      --tls-allow-san URI:paceline://worker
  paceline worker … --tls-ca $PWD/ca.pem --tls-certificate $PWD/worker.pem --tls-key $PWD/worker-key.pem
END
