#!/bin/sh
# Measures what has a speed goal and prints measured / goal, and the ratio to a
# peer where it is installed. It judges nothing: machines differ, ratios matter.
set -eu
shared=${QUAYWATCH_TESTDATA:-../shared/data}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

go test -run '^$' -bench 'Chain' -benchtime 5x ./internal/system | tee -a "$tmp/out"
go test -run '^$' -bench 'DayOf8Million' -benchtime 9x ./internal/store/duckdb | tee -a "$tmp/out"
go test -run '^$' -bench BigPages -benchtime 200x -timeout 60m ./internal/system | tee -a "$tmp/out"
go test -run '^$' -bench 'Page|P95|Latency' -benchtime 200x ./internal/console ./internal/server | tee -a "$tmp/out"
go test -run '^$' -bench . -benchtime 1s ./ais ./internal/source/pcap ./internal/watch/vessel ./internal/watch/network ./internal/port ./internal/finding ./internal/stream | tee -a "$tmp/out"

echo
echo "== measured against the goals"
awk '
function goal(name, unit, want, more) {
	for (i = 3; i < NF; i++) if ($(i + 1) == unit) {
		r = more ? $i / want : want / $i
		printf "%-55s %14.1f %-10s goal %s %g  (%.1f times %s)\n", name, $i, unit, more ? ">=" : "<", want, r, r >= 1 ? "better" : "NOT MET"
	}
}
/^BenchmarkChain/ { goal($1, "reports/s", 100000, 1) }
/^BenchmarkDayOf8Million\// { goal($1, "median-ms", 100, 0) }
/p95-ms/ { goal($1, "p95-ms", 50, 0) }
' "$tmp/out"

capture=$shared/ais/captures/ais_vernon_20160331.log
if [ -f "$capture" ]; then
	go build -o "$tmp/quaywatch" ./cmd/quaywatch
	sed 's/^[^!]*//' "$capture" >"$tmp/bare.nmea"
	for i in 1 2 3 4 5 6 7 8 9 10; do cat "$tmp/bare.nmea"; done >"$tmp/ten.nmea"
	echo
	echo "== AIS to JSON, ten times one day of Vernon, user seconds (whole process)"
	seconds() { # command: prints its user time
		/usr/bin/env bash -c 'TIMEFORMAT=%U; { time "$@" >/dev/null 2>/dev/null; } 2>&1' _ "$@" | tail -1
	}
	ours=$(seconds "$tmp/quaywatch" ais decode --json "$tmp/ten.nmea")
	echo "quaywatch ais decode   $ours s"
	if command -v gpsdecode >/dev/null 2>&1; then
		theirs=$(seconds sh -c "gpsdecode -j <'$tmp/ten.nmea'")
		echo "gpsdecode              $theirs s   ratio $(awk "BEGIN{printf \"%.1f\", $theirs/$ours}")"
	else
		echo "gpsdecode is not installed: no ratio to it (Debian: gpsd-clients)"
	fi
fi
