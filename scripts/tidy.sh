#!/usr/bin/env bash
# clang-tidy's bugprone and cert checks (.clang-tidy) over the product's sources, or over those that are named. Installs clang-tidy when
# it is missing. Needs the release preset to be configured (it is by scripts/test.sh).
#   scripts/tidy.sh [FILE...]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v clang-tidy-14 >/dev/null; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends clang-tidy-14
fi
[ -e build/release/compile_commands.json ] || cmake --preset release

files=("$@")
if [ "${#files[@]}" -eq 0 ]; then
  mapfile -t files < <(find broker worker sdk -name '*.cpp' | LC_ALL=C sort)
fi
echo "tidy: ${#files[@]} files"
# One file at a time per core: a finding ends with the file's name, not in another's output.
# shellcheck disable=SC2016  # the inner shell expands it
printf '%s\0' "${files[@]}" |
  xargs -0 -P "$(nproc)" -n 1 sh -c 'clang-tidy-14 --quiet -p build/release "$1" 2>/dev/null || { echo "tidy: findings in $1"; exit 1; }' tidy
