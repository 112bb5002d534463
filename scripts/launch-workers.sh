#!/usr/bin/env bash
# Starts, stops and shows one quern-worker per host over ssh, and prints a table of outcomes.
#   scripts/launch-workers.sh [start|status|stop] [OPTIONS] HOST...
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: scripts/launch-workers.sh [start|status|stop] [OPTIONS] HOST...

  start (default)   starts a worker on each host, unless one started here before still runs
  status            shows which run
  stop              lets them finish what they run and leave

options:
  --broker ENDPOINT  the broker as the hosts reach it; default $QUERN_BROKER, else tcp://127.0.0.1:7600
  --slots N          slots of each worker; default: the worker's own choice
  --bin PATH         quern-worker on the hosts; default: quern-worker in their PATH
  --quern PATH       quern here, which invites hosts that have no key yet; default: beside --bin, else in the PATH
  --keys DIR         the broker's keys, here; default $QUERN_KEYS, else $XDG_CONFIG_HOME/quern

A host that has no key for this broker is invited (a code for one use, `quern keys invite`), makes its own key and joins: run `start`
where the broker runs, or at least where its keys are.

Hosts are whatever ssh accepts; it never asks (BatchMode), so keys must be in place. QUERN_SSH names another command to use
instead of ssh. Exit: 0 when every host did as asked, 1 otherwise, 2 for a wrong command line.

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
[ "${#hosts[@]}" -gt 0 ] || complain "no host is given (--help shows how)"
[[ "$slots" =~ ^[0-9]*$ ]] || complain "--slots takes a number, not '$slots'"

if [ -z "$quern" ]; then
  quern=$(dirname "$bin")/quern
  [ -x "$quern" ] || quern=quern
fi
broker_key=$(cat "$keys/broker.pub" 2>/dev/null || true)

# A code for one host to join with; nothing when there are no keys to invite with, and then the host must have its own. It travels in
# the script, not in arguments that others can see here.
invitation() {
  [ "$action" = start ] && [ -n "$broker_key" ] || return 0
  "$quern" keys invite --role work --broker "$broker" --keys "$keys" 2>/dev/null || true
}

# What runs on the host. Its arguments: action, broker, slots, program, the broker's public key, and the host's name as it was given
# here: one worker per such name, so that a machine may be listed under two names. The code to join with is in `code`.
remote_script() {
  cat <<'REMOTE'
set -eu
action=$1 broker=$2 slots=$3 bin=$4 broker_key=$5 name=$6
folder=${XDG_RUNTIME_DIR:-}
if [ -z "$folder" ] || [ ! -w "$folder" ]; then folder=/tmp/quern-$(id -u); fi
mkdir -p -m 700 "$folder"
# A folder of somebody else under our name in /tmp must not choose whom we signal.
[ -O "$folder" ] || { echo "failed: $folder belongs to somebody else"; exit 1; }
file=$folder/quern-worker-$(printf %s "$name" | tr -c 'A-Za-z0-9._-' _)
pid= born=
# A process number alone may by now be somebody else's: the time of its start is kept beside it.
birth() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d ' ' -f 20; }
if [ -r "$file.pid" ]; then read -r pid born <"$file.pid" || true; fi
runs() { [ -n "$pid" ] && [ -n "$born" ] && [ "$(birth "$pid")" = "$born" ] && kill -0 "$pid" 2>/dev/null; }
case $action in
  start)
    if runs; then echo "runs already (process $pid)"; exit 0; fi
    command -v "$bin" >/dev/null 2>&1 || { echo "failed: no $bin there"; exit 1; }
    # Keys that it has for this very broker, or a code to get some.
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
    # A wrong option or library ends it at once; anything later is for `status`.
    tries=0
    while [ $tries -lt 5 ]; do
      tries=$((tries + 1))
      sleep 0.1
      runs || { echo "failed: $(tail -n 1 "$file.log")"; rm -f "$file.pid"; exit 1; }
    done
    echo "started (process $pid)"
    ;;
  status)
    if runs; then echo "runs (process $pid)"; else echo "does not run"; exit 1; fi
    ;;
  stop)
    if ! runs; then rm -f "$file.pid"; echo "did not run"; exit 0; fi
    kill -TERM "$pid"
    tries=0
    while runs && [ $tries -lt 100 ]; do
      tries=$((tries + 1))
      sleep 0.1
    done
    if runs; then echo "finishes what it runs (process $pid)"; exit 0; fi
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

# All hosts at once; each one's outcome goes to a file, so that lines never mix.
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
