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

scripts/setup.sh

failed=()
for preset in "${presets[@]}"; do
  echo "== $preset: build"
  cmake --preset "$preset"
  cmake --build --preset "$preset"
  echo "== $preset: test"
  # Every preset is tested, also after one has failed: a sanitizer often says why.
  ctest --preset "$preset" || failed+=("$preset")
done

if [ "${#failed[@]}" -gt 0 ]; then
  echo "test: failed: ${failed[*]}" >&2
  exit 1
fi
