#!/bin/bash
# Whether a verifier on this host answers: status 0 if GET PATH is 200. Needs only bash; images have no HTTP client.
#
#   Deploy/health.sh [PORT [PATH]]        (by default 8080 /livez)
#
# In images it is paceline-health, and their health check.
set -euo pipefail

port="${1:-8080}" path="${2:-/livez}"
exec 3<>"/dev/tcp/127.0.0.1/$port"
printf 'GET %s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n' "$path" >&3
read -r -t 4 _ status _ <&3
[[ "$status" == 200 ]]
