#!/usr/bin/env bash
# Starts, stops and shows one quern-worker per host over ssh, and prints a table of outcomes.
#   scripts/launch-workers.sh [start|status|stop] [OPTIONS] HOST...
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/launch-workers.sh [start|status|stop] [OPTIONS] HOST...

  start (default)   start a worker on each host, unless one that was started from here still runs
  status            show which workers run
  stop              let the workers finish their running tasks and leave

options:
  --broker ENDPOINT  endpoint at which the hosts reach the broker; default $QUERN_BROKER, else tcp://127.0.0.1:7600
  --slots N          slots of each worker; default: one for each core
  --bin PATH         quern-worker on the hosts; default: quern-worker in their PATH
  --quern PATH       quern on this machine, which invites hosts without a key; default: beside --bin, else in the PATH
  --keys DIR         folder of the broker's keys on this machine; default $QUERN_KEYS, else $XDG_CONFIG_HOME/quern

A host without a key for this broker is invited with a one-time code (`quern keys invite`), creates its
own key and joins: run `start` on the machine of the broker, or where its keys are.

HOST is anything that ssh accepts. ssh runs in BatchMode and never asks, so its keys must be set up.
QUERN_SSH names a command to use instead of ssh. Exit code: 0 if all hosts succeeded, else 1; 2 for a
wrong command line.

examples:
  scripts/launch-workers.sh --broker tcp://10.0.0.1:7600 node1 node2
  scripts/launch-workers.sh status node1 node2
TEXT
}

complain() {
  echo "launch-workers: $1" >&2
  exit 2
}

action=start
broker=${QUERN_BROKER:-tcp://127.0.0.1:7600}
slots=
bin="quern-worker"
quern=
keys=${QUERN_KEYS:-${XDG_CONFIG_HOME:-$HOME/.config}/quern}
hosts=()

case "${1:-}" in
  start | status | stop)
    action=$1
    shift
    ;;
esac
while [ $# -gt 0 ]; do
  case "$1" in
    --help | -h)
      usage
      exit 0
      ;;
    --broker | --slots | --bin | --quern | --keys)
      [ $# -ge 2 ] || complain "$1 takes a value"
      case "$1" in
        --broker) broker=$2 ;;
        --slots) slots=$2 ;;
        --bin) bin=$2 ;;
        --quern) quern=$2 ;;
        --keys) keys=$2 ;;
      esac
      shift
      ;;
    -*) complain "unknown option '$1' (--help lists all)" ;;
    *) hosts+=("$1") ;;
  esac
  shift
done
[ "${#hosts[@]}" -gt 0 ] || complain "no host is given (see --help)"
[[ "$slots" =~ ^[0-9]*$ ]] || complain "--slots takes a number, not '$slots'"

if [ -z "$quern" ]; then
  quern=$(dirname "$bin")/quern
  [ -x "$quern" ] || quern=quern
fi
broker_key=$(cat "$keys/broker.pub" 2>/dev/null || true)

# Prints a code for one host to join with, or nothing if there are no keys to invite with; then the host
# must have its own key. The code is part of the script, because arguments are visible to other users.
invitation() {
  [ "$action" = start ] && [ -n "$broker_key" ] || return 0
  "$quern" keys invite --role work --broker "$broker" --keys "$keys" 2>/dev/null || true
}

# The script that runs on the host. Its arguments: action, broker, slots, program, the broker's public
# key, and the name of the host as given here: one worker per name, so that a machine can be listed under
# two names. `code` is the code to join with.
remote_script() {
  cat <<'REMOTE'
set -eu
action=$1 broker=$2 slots=$3 bin=$4 broker_key=$5 name=$6
folder=${XDG_RUNTIME_DIR:-}
if [ -z "$folder" ] || [ ! -w "$folder" ]; then folder=/tmp/quern-$(id -u); fi
mkdir -p -m 700 "$folder"
# A folder of another user with our name in /tmp must not determine which process is signalled.
[ -O "$folder" ] || { echo "failed: $folder belongs to another user"; exit 1; }
file=$folder/quern-worker-$(printf %s "$name" | tr -c 'A-Za-z0-9._-' _)
pid= born=
# A process id may have been reused, so the start time of the process is stored with it.
birth() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
if [ -r "$file.pid" ]; then read -r pid born <"$file.pid" || true; fi
runs() { [ -n "$pid" ] && [ -n "$born" ] && [ "$(birth "$pid")" = "$born" ] && kill -0 "$pid" 2>/dev/null; }
case $action in
  start)
    if runs; then echo "already running (process $pid)"; exit 0; fi
    command -v "$bin" >/dev/null 2>&1 || { echo "failed: $bin is not installed there; name it with --bin"; exit 1; }
    # Uses its keys for this broker, or the code to get some.
    config=${QUERN_KEYS:-${XDG_CONFIG_HOME:-$HOME/.config}/quern}
    place=$config/brokers/$(printf %s "${broker#*://}" | tr -c 'A-Za-z0-9.-' _)
    knows() { [ -r "$1/worker.secret" ] && { [ -z "$broker_key" ] || [ "$(cat "$1/broker.pub" 2>/dev/null)" = "$broker_key" ]; }; }
    if knows "$place" || { [ ! -e "$place" ] && knows "$config"; } || [ -z "$code" ]; then
      set -- "$bin" --broker "$broker" --name "$name"
    else
      set -- "$bin" --join "$code" --name "$name"
    fi
    [ -z "$slots" ] || set -- "$@" --slots "$slots"
    setsid "$@" </dev/null >"$file.log" 2>&1 &
    pid=$!
    born=$(birth "$pid")
    echo "$pid $born" >"$file.pid"
    # A wrong option or library ends it at once; `status` shows later problems.
    tries=0
    while [ $tries -lt 5 ]; do
      tries=$((tries + 1))
      sleep 0.1
      runs || { echo "failed: $(tail -n 1 "$file.log")"; rm -f "$file.pid"; exit 1; }
    done
    echo "started (process $pid)"
    ;;
  status)
    if runs; then echo "running (process $pid)"; else echo "not running"; exit 1; fi
    ;;
  stop)
    if ! runs; then rm -f "$file.pid"; echo "was not running"; exit 0; fi
    kill -TERM "$pid"
    tries=0
    while runs && [ $tries -lt 100 ]; do
      tries=$((tries + 1))
      sleep 0.1
    done
    if runs; then echo "finishing its tasks (process $pid)"; exit 0; fi
    rm -f "$file.pid"
    echo "stopped"
    ;;
esac
REMOTE
}

quote() { printf '%q ' "$@"; }

read -r -a ssh <<<"${QUERN_SSH:-ssh}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# All hosts in parallel; each outcome goes to a file, so that lines are not mixed.
for i in "${!hosts[@]}"; do
  (
    code=0
    { printf 'code=%q\n' "$(invitation)"; remote_script; } | "${ssh[@]}" -o BatchMode=yes -o ConnectTimeout=10 "${hosts[$i]}" \
      "sh -s -- $(quote "$action" "$broker" "$slots" "$bin" "$broker_key" "${hosts[$i]}")" \
      >"$folder/$i.out" 2>"$folder/$i.err" || code=$?
    echo "$code" >"$folder/$i.code"
  ) &
done
wait

failures=0
printf '%-24s %-8s %s\n' host action outcome
for i in "${!hosts[@]}"; do
  code=$(cat "$folder/$i.code")
  outcome=$(tail -n 1 "$folder/$i.out")
  if [ -z "$outcome" ]; then outcome="failed: $(tail -n 1 "$folder/$i.err")"; fi
  [ "$code" -eq 0 ] || failures=$((failures + 1))
  printf '%-24s %-8s %s\n' "${hosts[$i]}" "$action" "$outcome"
done
[ "$failures" -eq 0 ]
