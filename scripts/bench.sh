#!/usr/bin/env bash
# Builds Quern and measures it: throughput in each mode, then latency, each beside bare libzmq in the same run. Options that every
# bench takes are passed on: scripts/bench.sh --json --repeat 9
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh >&2
cmake --preset release >/dev/null
cmake --build --preset release >&2
quern=build/release/bin/quern

for mode in map single range; do
  "$quern" bench throughput --mode "$mode" "$@"
done
"$quern" bench latency "$@"
