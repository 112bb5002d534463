#!/usr/bin/env bash
# Builds Quern and runs every test: as released, then under the address and the thread sanitizer. Ends with ctest's summary.
#   scripts/test.sh           everything
#   scripts/test.sh --quick   the release build only
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

presets=(release asan tsan)
case "${1:-}" in
  "") ;;
  --quick) presets=(release) ;;
  *)
    echo "usage: scripts/test.sh [--quick]" >&2
    exit 2
    ;;
esac

# Tests wait more than they compute, so two run at once. Those that need the machine for themselves say so (RUN_SERIAL).
jobs=2

# The budget: 45 minutes from nothing on two cores, 30 with a warm compiler's cache. The time of each part is printed at the end.
scripts/setup.sh --tests

costs=()
cost() { # PRESET WHAT SECONDS
  costs+=("$(printf '%-8s %-6s %5d s' "$1" "$2" "$3")")
}
# The slowest tests of the last run of a preset, from what ctest keeps: NAME RUNS SECONDS.
slowest() {
  local file=build/$1/Testing/Temporary/CTestCostData.txt
  [ -r "$file" ] || return 0
  awk 'NF == 3 && $3 >= 1 { printf "  %7.1f s  %s\n", $3, $1 }' "$file" | LC_ALL=C sort -k 1,1nr | awk 'NR <= 12'
}

failed=()
echo "== format"
scripts/format.sh --check || failed+=(format)
for preset in "${presets[@]}"; do
  echo "== $preset: build"
  begin=$SECONDS
  cmake --preset "$preset" -DQUERN_TESTS=ON
  cmake --build --preset "$preset"
  cost "$preset" build $((SECONDS - begin))
  echo "== $preset: test"
  # Every preset is tested, also after one has failed: a sanitizer often shows the reason.
  begin=$SECONDS
  ctest --preset "$preset" -j "$jobs" || failed+=("$preset")
  cost "$preset" tests $((SECONDS - begin))
  if [ "$preset" = release ]; then
    echo "== clang-tidy on what changed"
    begin=$SECONDS
    scripts/tidy.sh --changed || failed+=(tidy)
    cost "$preset" tidy $((SECONDS - begin))
  fi
done

echo "== where the time went"
for preset in "${presets[@]}"; do
  printf '%s\n' "${costs[@]}" | grep "^$preset "
  slowest "$preset"
done
printf '%-15s %5d s\n' "in all" "$SECONDS"

if [ "${#failed[@]}" -gt 0 ]; then
  echo "test: failed: ${failed[*]}" >&2
  exit 1
fi
