#!/usr/bin/env bash
# Installs the Debian packages that building Quern needs. Asks nothing, installs only what is missing, and
# can be run again at any time. Works as root and through sudo.
#   scripts/setup.sh            what the programs and the demo need
#   scripts/setup.sh --tests    what the tests need, too
set -euo pipefail

tests=no
case "${1:-}" in
  "") ;;
  --tests) tests=yes ;;
  *)
    echo "usage: scripts/setup.sh [--tests]" >&2
    exit 2
    ;;
esac

packages=(
  g++ cmake ninja-build pkg-config          # compiler and build
  libzmq3-dev cppzmq-dev                    # messages between processes
  libmsgpack-cxx-dev                        # headers of messages, typed values
  libboost-program-options-dev              # command lines
  nlohmann-json3-dev                        # JSON output
  libspdlog-dev                             # log lines
  libsqlite3-dev                            # the broker's store
  libmimalloc-dev                           # the broker's allocator
  libsodium-dev                             # keys, hashes of the audit log
  libhowardhinnant-date-dev tzdata          # time zones of schedules
  libssl-dev                                # TLS of the HTTP gateway
  python3                                   # the demo's tables, the page's files in the gateway
  esbuild                                   # bundles the page of the gateway
  libjs-dygraphs                            # the page's charts
)
for_tests=(
  ccache                                    # three builds of the same sources, again and again
  libgtest-dev                              # tests in C++
  libbenchmark-dev                          # benchmarks in C++ (tests/bench)
  clang-format-14                           # scripts/format.sh --check
  clang-tidy-14                             # scripts/tidy.sh --changed
  doxygen                                   # the reference of the public headers, without a warning
  python3-zmq python3-msgpack               # tests in Python, a second implementation of the protocol
  jq                                        # sdk/examples/http_worker.sh
  parallel                                  # `quern map` is compared with it (and with xargs)
  tmux groff-base                           # live views on a real terminal, manual pages without a warning
  nginx-light curl openssl                  # the HTTP gateway behind a proxy, from a shell, with TLS
  libfaketime                               # the clock of schedules (tests/e2e/test_schedules.py)
  prometheus                                # promtool, which checks the metrics of the gateway
  chromium                                  # the page in a browser (tests/page)
)
[ "$tests" = no ] || packages+=("${for_tests[@]}")
# Debian's npm conflicts with a Node.js from elsewhere, which brings its own.
[ "$tests" = no ] || command -v npm >/dev/null || packages+=(nodejs npm)

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done

# The packages of the page's tests, as tests/page/package-lock.json has them.
install_node_packages() {
  local page
  page=$(cd "$(dirname "${BASH_SOURCE[0]}")/../tests/page" && pwd)
  [ "$tests" = yes ] || return 0
  [ "$page/node_modules/.package-lock.json" -nt "$page/package-lock.json" ] && return 0
  npm ci --prefix "$page" --silent ||
    echo "setup: npm ci failed in tests/page: the tests of the page will be skipped" >&2
}

if [ "${#missing[@]}" -eq 0 ]; then
  install_node_packages
  echo "setup: all ${#packages[@]} packages are installed"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: neither root nor sudo; run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "setup: installing ${missing[*]}"
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${missing[@]}"
install_node_packages
echo "setup: done"
