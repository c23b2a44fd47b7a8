#!/bin/bash
# Whether a verifier or worker on this host answers: status 0 if GET PATH is 200. Needs only bash; images have no HTTP
# client.
#
#   Deploy/health.sh [PORT [PATH [optional]]]        (by default 8080 /livez)
#
# With `optional` it is no fault if nobody listens, as with a worker that was not given --http. In images it is
# paceline-health, and their health check.
set -euo pipefail

port="${1:-8080}" path="${2:-/livez}" kind="${3:-}"
if ! { exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null; then
    [[ "$kind" == optional ]]
    exit
fi
printf 'GET %s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n' "$path" >&3
read -r -t 4 _ status _ <&3
[[ "$status" == 200 ]]
