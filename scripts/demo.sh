#!/usr/bin/env bash
# The main job, end to end: a broker and three workers of unequal speed count the words of texts on
# this machine, and the whole table is checked against coreutils; then sum, primes and pi. The exit code is
# not 0 if a check fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

least_seconds=5   # the word count and pi are sized to take at least this long

say() { printf '\n== %s\n' "$*"; }
fail() {
  echo "demo: $*" >&2
  exit 1
}

scripts/setup.sh
# The budget: three minutes on two cores from a fresh clone without a compiler's cache (packages apart), five seconds once built. What
# keeps it: rooms that are compiled as a whole (QUERN_UNITY), no variables in the debug information, no tests, no examples.
say "build"
options=(-DQUERN_TESTS=OFF)
[ ! -e build/release/CMakeCache.txt ] || options=()  # as it was configured: with tests, a file at a time
cmake --preset release "${options[@]}" >/dev/null
cmake --build --preset release --target quern quern-broker quern-worker
bin=$PWD/build/release/bin

folder=$(mktemp -d)
processes=()
clean_up() {
  # Workers first (the broker was started first), so that they can end their sessions.
  for ((i = ${#processes[@]} - 1; i >= 0; i--)); do kill "${processes[$i]}" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# Waits until a command succeeds, ten seconds at most.
await() {
  local what=$1
  shift
  for ((i = 0; i < 200; i++)); do
    if "$@"; then return; fi
    sleep 0.05
  done
  fail "$what did not happen within 10 s"
}

# Its own keys, store and audit log, so that a broker on this machine is not affected.
export XDG_CONFIG_HOME=$folder XDG_STATE_HOME=$folder
unset QUERN_KEYS

say "one broker, three workers: a whole core, half of one, a quarter of one"
"$bin/quern-broker" --bind tcp://127.0.0.1:0 --no-store >"$folder/ready" 2>"$folder/broker.log" &
processes+=($!)
await "the start of the broker" grep -q '^ready ' "$folder/ready"
QUERN_BROKER=$(sed -n 's/^ready //p' "$folder/ready")
export QUERN_BROKER
for worker in whole=1 half=0.5 quarter=0.25; do
  "$bin/quern-worker" --name "${worker%=*}" --cpu-share "${worker#*=}" --slots 1 2>"$folder/${worker%=*}.log" &
  processes+=($!)
done
three_workers() { [ "$("$bin/quern" workers --json | wc -l)" -eq 3 ]; }
await "the arrival of three workers" three_workers
"$bin/quern" workers

# field NAME: that key of the JSON object on standard input.
field() { /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
now() { date +%s.%N; }
seconds_since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.2f", b - a }'; }
is_less() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a < b) }'; }

say "count the words of /usr/share/doc and /usr/share/common-licenses"
# One file, so that both ways of counting read the same bytes; a missing newline at the end of a file is
# added, so that words of different files are not joined.
# shellcheck disable=SC1003,SC2016  # `$a\` is a command of sed
find /usr/share/doc /usr/share/common-licenses -type f ! -name '*.gz' -print0 2>/dev/null |
  LC_ALL=C sort -z | LC_ALL=C xargs -0 sed -s '$a\' >"$folder/text"
[ -s "$folder/text" ] || fail "there is no plain text in /usr/share/doc and /usr/share/common-licenses"
text_bytes=$(wc -c <"$folder/text")
echo "$text_bytes bytes of text"

count_words() { # PASSES: over the text so many times
  local texts=()
  for ((i = 0; i < $1; i++)); do texts+=("$folder/text"); done
  "$bin/quern" run wordcount --blocks "${texts[@]}" --reduce merge_counts --name "words x$1" --json >"$folder/words.json"
}
passes=1
while :; do
  start=$(now)
  count_words "$passes"
  words_seconds=$(seconds_since "$start")
  echo "$passes times over: $words_seconds s"
  if ! is_less "$words_seconds" "$least_seconds"; then break; fi
  passes=$(awk -v n="$passes" -v t="$words_seconds" -v goal="$least_seconds" \
    'BEGIN { more = n * goal * 1.3 / (t > 0.1 ? t : 0.1); print int(more > n ? more : n) + 1 }')
done
words_job=$(field job <"$folder/words.json")

# "COUNT WORD" lines, counts divided by the passes: the table of one pass, in the order of the reference.
/usr/bin/python3 - "$folder/words.json" "$passes" <<'PY' | LC_ALL=C sort -k 2 >"$folder/ours"
import json, sys
counts, passes = json.load(open(sys.argv[1]))["result"], int(sys.argv[2])
for word, count in counts.items():
    whole, rest = divmod(count, passes)
    assert rest == 0, f"{word} was counted {count} times in {passes} passes"
    print(whole, word)
PY
LC_ALL=C tr -cs 'A-Za-z' '\n' <"$folder/text" | LC_ALL=C tr '[:upper:]' '[:lower:]' | LC_ALL=C sort | LC_ALL=C uniq -c |
  awk 'NF == 2 { print $1, $2 }' | LC_ALL=C sort -k 2 >"$folder/theirs"
echo "the ten most frequent of $(wc -l <"$folder/ours") words, in one pass:"
LC_ALL=C sort -k 1,1nr -k 2 "$folder/ours" | awk "NR <= 10"  # reads to the end, so there is no broken pipe
cmp "$folder/ours" "$folder/theirs" || fail "the word counts differ from those of tr | sort | uniq -c"
echo "the whole table equals that of tr | sort | uniq -c"

say "sum of 1 to 100, and the primes below ten million"
sum=$("$bin/quern" run sum --range 1:101)
echo "sum: $sum"
[ "$sum" = 5050 ] || fail "the sum of 1 to 100 is 5050"
primes=$("$bin/quern" run primes --range 1:10000000)
echo "primes: $primes"
[ "$primes" = 664579 ] || fail "there are 664579 primes below ten million"

say "pi by Monte Carlo"
samples=20000000
while :; do
  start=$(now)
  "$bin/quern" run pi --range "0:$samples" --name "pi $samples" --json >"$folder/pi.json"
  pi_seconds=$(seconds_since "$start")
  echo "$samples samples: $(field result <"$folder/pi.json"), $pi_seconds s"
  if ! is_less "$pi_seconds" "$least_seconds"; then break; fi
  samples=$(awk -v n="$samples" -v t="$pi_seconds" -v goal="$least_seconds" \
    'BEGIN { printf "%.0f", n * goal * 1.3 / (t > 0.1 ? t : 0.1) + n / 10 }')
done
pi_job=$(field job <"$folder/pi.json")
# The deviation of 4 x hits / N is 1.64 / sqrt(N); five of them never occur by chance.
awk -v pi="$(field result <"$folder/pi.json")" -v n="$samples" \
  'BEGIN { d = pi - 3.14159265358979; if (d < 0) d = -d; exit !(d < 5 * 1.65 / sqrt(n)) }' || fail "that is not pi"

for job in "$words_job" "$pi_job"; do "$bin/quern" job "$job" --json; done >"$folder/jobs.json"
/usr/bin/python3 - "$folder/jobs.json" <<'PY'
import json, sys
for line in open(sys.argv[1]):
    job = json.loads(line)
    tasks, seconds = job["done"], job["run_s"]
    print(f"\n== {job['name']}: {tasks} tasks in {seconds:.2f} s, {tasks / seconds:.0f} a second")
    print(f"{'worker':<10}{'measured rate':>16}{'leases':>9}{'tasks':>14}{'share':>9}{'alone it would take':>22}")
    for worker in sorted(job["workers"], key=lambda w: -w["rate"]):
        rate = worker["rate"] * worker["slots"]
        alone = f"{tasks / rate:.1f} s" if rate else "-"
        print(f"{worker['worker']:<10}{rate:>14.0f}/s{worker['leases']:>9}{worker['tasks']:>14}"
              f"{100 * worker['share']:>7.1f} %{alone:>22}")
PY
say "all checks passed"
