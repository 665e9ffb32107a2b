#!/bin/sh
# Runs every fuzz target of the repository for the time given (such as 3s or 5m).
set -eu
time=${1:-3s}
n=0
for file in $(git ls-files --cached --others --exclude-standard '*_test.go' | xargs grep -l '^func Fuzz' 2>/dev/null); do
	dir=./$(dirname "$file")
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		echo "fuzz $dir $target $time"
		go test "$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 1x >/tmp/quaywatch-fuzz.$$ 2>&1 || {
			cat /tmp/quaywatch-fuzz.$$
			rm -f /tmp/quaywatch-fuzz.$$
			exit 1
		}
		n=$((n + 1))
	done
done
rm -f /tmp/quaywatch-fuzz.$$
[ "$n" -gt 0 ] || { echo "fuzz: no target found, which can't be right" >&2; exit 1; }
echo "fuzz: $n targets, nothing found"
