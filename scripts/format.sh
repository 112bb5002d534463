#!/usr/bin/env bash
# clang-format (Debian 12's, version 14; .clang-format says how) over the C++ sources. CI runs it with --check.
#   scripts/format.sh            writes
#   scripts/format.sh --check    exit 1 when a file is not formatted, with the places
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1:-}" in
  "") how=(-i) ;;
  --check) how=(--dry-run --Werror) ;;
  *)
    echo "usage: scripts/format.sh [--check]" >&2
    exit 2
    ;;
esac

format=$(command -v clang-format-14 || command -v clang-format) || {
  echo "format: clang-format is missing: scripts/setup.sh --tests installs it" >&2
  exit 1
}
find broker worker sdk tests \( -name '*.cpp' -o -name '*.hpp' \) -print0 | xargs -0 "$format" "${how[@]}" || {
  echo "format: not formatted: run scripts/format.sh" >&2
  exit 1
}
