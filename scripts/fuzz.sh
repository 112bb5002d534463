#!/usr/bin/env bash
# Fuzzes every decoder and every core, each for some time, under the address and undefined-behaviour sanitizers.
#   scripts/fuzz.sh [SECONDS [TARGET...]]      default: 600 seconds each of decode, broker, worker, client
# What it finds is a file crash-* in build/fuzz; a corpus grows in build/fuzz/corpus and starts from tests/fuzz/corpus.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-600}
[[ "$seconds" =~ ^[0-9]+$ ]] || { echo "usage: scripts/fuzz.sh [SECONDS [TARGET...]]" >&2; exit 2; }
shift || true
targets=("$@")
[ "${#targets[@]}" -gt 0 ] || targets=(decode broker worker client)

scripts/setup.sh --tests
if ! command -v clang++-14 >/dev/null || [ ! -e /usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a ]; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends clang-14 libclang-rt-14-dev
fi
cmake -G Ninja -S . -B build/fuzz -DCMAKE_CXX_COMPILER=clang++-14 -DCMAKE_BUILD_TYPE=RelWithDebInfo -DQUERN_FUZZ=ON \
  -DCMAKE_CXX_FLAGS="-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined -Wno-unknown-warning-option" \
  -DCMAKE_EXE_LINKER_FLAGS="-fsanitize=address,undefined" -DCMAKE_MODULE_LINKER_FLAGS="-fsanitize=address,undefined" >/dev/null
cmake --build build/fuzz --target "${targets[@]/#/fuzz_}"

cd build/fuzz
for target in "${targets[@]}"; do
  mkdir -p "corpus/$target"
  echo "== $target: $seconds s"
  "bin/fuzz_$target" -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 -verbosity=0 \
    "corpus/$target" "../../tests/fuzz/corpus/$target"
done
echo "fuzz: no finding"
