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
  libssl-dev                                # TLS of the HTTP gateway
  python3                                   # the demo's tables
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
)
[ "$tests" = no ] || packages+=("${for_tests[@]}")

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done

if [ "${#missing[@]}" -eq 0 ]; then
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
echo "setup: done"
