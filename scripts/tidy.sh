#!/usr/bin/env bash
# clang-tidy's bugprone and cert checks (.clang-tidy) over the product's sources, or over those that are named. Installs clang-tidy when
# it is missing. Needs the release preset to be configured (it is by scripts/test.sh).
#   scripts/tidy.sh              every source
#   scripts/tidy.sh FILE...      these
#   scripts/tidy.sh --changed    those that changed since $QUERN_TIDY_BASE (default: the main branch of `origin`, or the commit before
#                                the last), 16 files at most: 5 to 20 s each. CI runs this.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v clang-tidy-14 >/dev/null; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends clang-tidy-14
fi
[ -e build/release/compile_commands.json ] || cmake --preset release

changed_most=16
if [ "${1:-}" = --changed ]; then
  base=${QUERN_TIDY_BASE:-$(git merge-base HEAD origin/main 2>/dev/null || true)}
  if [ -z "$base" ] || [ "$(git rev-parse "$base" 2>/dev/null)" = "$(git rev-parse HEAD)" ]; then base=HEAD~1; fi
  if ! git rev-parse --quiet --verify "$base^{commit}" >/dev/null; then
    echo "tidy: skipped: this checkout has no commit to compare with ($base)"
    exit 0
  fi
  mapfile -t files < <(git diff --name-only --diff-filter=d "$base" -- 'broker/*.cpp' 'worker/*.cpp' 'sdk/*.cpp')
  if [ "${#files[@]}" -eq 0 ]; then
    echo "tidy: no source has changed since $base"
    exit 0
  fi
  if [ "${#files[@]}" -gt "$changed_most" ]; then
    echo "tidy: ${#files[@]} sources have changed since $base; checking $changed_most of them (scripts/tidy.sh checks all)"
    mapfile -t files < <(printf '%s\n' "${files[@]}" | shuf -n "$changed_most" --random-source=<(git rev-parse HEAD; yes) | LC_ALL=C sort)
  fi
else
  files=("$@")
fi
if [ "${#files[@]}" -eq 0 ]; then
  mapfile -t files < <(find broker worker sdk -name '*.cpp' | LC_ALL=C sort)
fi
echo "tidy: ${#files[@]} files"
# One file at a time per core: a finding ends with the file's name, not in another's output.
# shellcheck disable=SC2016  # the inner shell expands it
# The codecs take clang-tidy half an hour. What clang 14 cannot compile (coroutines of libstdc++, some of C++20) it cannot check either; the build checks that it compiles.
printf '%s\0' "${files[@]}" |
  xargs -0 -P "$(nproc)" -n 1 sh -c '
    found=$(timeout 120 clang-tidy-14 --quiet -p build/release "$1" 2>/dev/null) && exit 0
    [ $? -ne 124 ] || { echo "tidy: clang-tidy takes longer than two minutes for $1"; exit 0; }
    case $found in
      *clang-diagnostic-error*) echo "tidy: clang 14 cannot read $1" ;;
      *) printf "%s\ntidy: findings in %s\n" "$found" "$1"; exit 1 ;;
    esac' tidy
