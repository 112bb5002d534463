#!/bin/sh
# A worker in shell that pulls its tasks over HTTP from quern-gateway; needs curl and jq.
#
#   QUERN_TOKEN=$(quern keys token upper --role work) ./http_worker.sh
#   quern run upper --items words.txt
#
# QUERN_HTTP names the gateway, by default http://127.0.0.1:7680.
set -eu

# post PATH: sends the JSON on standard input. Every request may be repeated.
post() {
  curl --silent --show-error --fail --max-time 90 --retry 1000 --retry-delay 1 --retry-max-time 600 \
    --retry-connrefused --header "Authorization: Bearer ${QUERN_TOKEN:-}" \
    --header 'Content-Type: application/json' --data @- \
    "${QUERN_HTTP:-http://127.0.0.1:7680}$1"
}

while :; do
  id=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  pulled=$(jq -n --arg id "$id" --arg worker "$(uname -n)-$$" \
    '{functions: ["upper"], wait_s: 60, request_id: $id, $worker}' | post /v1/leases)
  lease=$(printf '%s' "$pulled" | jq -c '.leases[]')
  if [ -z "$lease" ]; then continue; fi
  token=$(printf '%s' "$lease" | jq -r .token)
  printf '%s' "$lease" | jq -j .input | tr a-z A-Z | jq -R -s '{result: .}' |
    post "/v1/leases/$token/complete" > /dev/null || echo "too late: $token" >&2
done
