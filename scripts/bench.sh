#!/usr/bin/env bash
# Builds Quern and measures it: throughput in each mode, then latency, each beside bare libzmq in the same run; the HTTP gateway beside a
# bare server, if wrk is installed; then the same tasks over Redis and gearmand, installed from Debian's packages (tests/bench/comparison.md is made of it).
#   scripts/bench.sh [OPTIONS OF quern bench]     everything
#   scripts/bench.sh --alone [OPTIONS]            without the others: nothing is installed for them
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

others=yes
if [ "${1:-}" = --alone ]; then
  others=no
  shift
fi

scripts/setup.sh >&2
if [ -e build/release/CMakeCache.txt ]; then cmake --preset release >/dev/null; else cmake --preset release -DQUERN_TESTS=OFF >/dev/null; fi
cmake --build --preset release --target quern quern-broker quern-worker quern-gateway >&2
quern=build/release/bin/quern

for mode in map single range; do
  "$quern" bench throughput --mode "$mode" "$@"
done
"$quern" bench latency "$@"

rivals=build/rivals
mkdir -p "$rivals"
if command -v wrk >/dev/null; then
  c++ -std=c++20 -O2 tests/bench/bare_http.cpp -lpthread -o "$rivals/bare_http"
  python3 tests/bench/gateway_rates.py build/release/bin --bare "$rivals/bare_http" --seconds 2
else
  echo "bench: the HTTP gateway is not measured: wrk is not installed" >&2
fi
[ "$others" = yes ] || exit 0

packages=(redis-server gearman-job-server libgearman-dev libhiredis-dev)
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}" >&2
fi
c++ -std=c++20 -O2 tests/bench/rivals/redis_tasks.cpp -lhiredis -lpthread -o "$rivals/redis_tasks"
c++ -std=c++20 -O2 tests/bench/rivals/gearman_tasks.cpp -lgearman -o "$rivals/gearman_tasks"
python3 tests/bench/compare.py build/release/bin "$rivals"
