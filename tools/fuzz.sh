#!/bin/sh
# Runs every fuzz target of the repository for the effort given: inputs (such
# as 2000x) or time (such as 5m). What a long run finds interesting is kept in
# Go's fuzz cache.
#
# The gate counts inputs: with a time, Go before 1.27 now and then reports its
# own deadline as a failure of the target (go.dev/issue/75804). A run by time
# therefore lets exactly that message pass, when no failing input came with it.
set -eu
time=${1:-2000x}
ended_by_clock() {
	grep -q '^    context deadline exceeded$' "$1" && ! grep -qE 'Failing input|panic|fuzzing process' "$1"
}
root=$(pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cache=$(go env GOCACHE)/fuzz/quaywatch
mkdir -p "$cache"
n=0
for dir in $(git ls-files --cached --others --exclude-standard '*_test.go' | xargs grep -l '^func Fuzz' 2>/dev/null | xargs -n1 dirname | sort -u); do
	go test -c -fuzz=. -o "$tmp/fuzz.test" "./$dir"
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$dir"/*_test.go); do
		echo "fuzz ./$dir $target $time"
		if ! (cd "$dir" && "$tmp/fuzz.test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$time" \
			-test.fuzzminimizetime 1x -test.fuzzcachedir "$cache/$dir" >"$tmp/out" 2>&1); then
			cat "$tmp/out"
			ended_by_clock "$tmp/out" || exit 1
			echo "fuzz: $target: the time ran out, no failing input"
		fi
		n=$((n + 1))
	done
done
cd "$root"
[ "$n" -gt 0 ] || { echo "fuzz: no target found, which can't be right" >&2; exit 1; }
echo "fuzz: $n targets, nothing found"
