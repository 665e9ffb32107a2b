#!/bin/sh
# Measures what has a speed goal and prints measured / goal, and the ratio to a
# peer where it is installed. It judges nothing: machines differ, ratios matter.
set -eu
shared=${QUAYWATCH_TESTDATA:-../shared/data}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

go test -run '^$' -bench 'Chain' -benchtime 5x ./internal/system | tee -a "$tmp/out"
go test -run '^$' -bench 'Records' -benchtime 3x ./internal/system | tee -a "$tmp/out"
go test -run '^$' -bench 'DayOf8Million' -benchtime 9x ./internal/store/duckdb | tee -a "$tmp/out"
go test -run '^$' -bench BigPages -benchtime 200x -timeout 60m ./internal/system | tee -a "$tmp/out"
go test -run '^$' -bench 'Page|P95|Latency' -benchtime 200x ./internal/console ./internal/server | tee -a "$tmp/out"
go test -run '^$' -bench . -benchtime 1s ./internal/source/pcap ./internal/watch/vessel ./internal/watch/network ./internal/port ./internal/finding ./internal/stream | tee -a "$tmp/out"

go test -run '^$' -bench 'Million|Forty|Peer' -benchtime 5x ./internal/risk/... | tee "$tmp/risk" | tee -a "$tmp/out"

# The whole program under load: a minute, or as long as LOAD says (LOAD=10m).
go build -o "$tmp/quaywatch" ./cmd/quaywatch
go build -o "$tmp/load" ./tools/load
"$tmp/load" -binary "$tmp/quaywatch" -for "${LOAD:-1m}" || echo "the bench under load did not end well"

go test -run '^$' -bench Large -benchtime 5x ./internal/attackgraph | tee -a "$tmp/out"

go test -run '^$' -bench 'TenThousand|NewAdvisory' -benchtime 5x ./internal/advisory | tee -a "$tmp/out"

go test -run '^$' -bench 'Largest|ManyZones' -benchtime 3x ./internal/firewall | tee -a "$tmp/out"

# The decoder of AIS is measured in the time of its own thread, on one core.
pin=""
command -v taskset >/dev/null 2>&1 && pin="taskset -c 0"
go test -c -o "$tmp/ais.test" ./ais
(cd ais && $pin "$tmp/ais.test" -test.run '^$' -test.bench 'Blocks|Reader|JSON|Limit' -test.benchtime 1s) | tee "$tmp/ais" | tee -a "$tmp/out"

# A large capture: inventory, flows, zones and violations against tcpdump and a plain
# count of flows, in the same run: seconds that pass, and of the processor (user and
# system, whole process).
if [ -d "$shared/ot/pcap" ]; then
	go build -o "$tmp/bigcap" ./tools/bigcap
	"$tmp/bigcap" -size "${BIGCAP:-1000000000}" -o "$tmp/big.pcap" "$shared/ot/pcap"
	# took prints the seconds that a command takes: those that pass, and those of the
	# processor. It fails where the command does, so that one that stops early is never
	# taken for a fast one; 3 says that violations were found.
	took() {
		taken=$(bash -c 'TIMEFORMAT="%R %U %S"; { time "$@" >/dev/null 2>"$0"; } 2>&1; code=$?; [ "$code" = 0 ] || [ "$code" = 3 ]' "$tmp/told" "$@") || {
			echo "$* failed: $(tail -1 "$tmp/told")" >&2
			return 1
		}
		echo "$taken" | awk '{ print $1, $2 + $3 }'
	}
	# against NAME OURS THEIRS prints a peer with the ratios.
	against() {
		echo "$2 $3" | awk -v name="$1" '{ printf "%-28s %6.2f s %6.2f s   quaywatch takes %.1f times as long, %.1f times the processor\n", name, $3, $4, $1 / $3, $2 / $4 }'
	}
	cat "$tmp/big.pcap" >/dev/null
	ours=$(took "$tmp/quaywatch" network check --json --port examples/saltmere "$tmp/big.pcap")
	packets=$("$tmp/quaywatch" network check --json --port examples/saltmere "$tmp/big.pcap" | sed -n 's/.*"packets":\([0-9]*\).*/\1/p' | head -1)
	echo
	echo "== capture of ${BIGCAP:-1000000000} bytes, $packets packets"
	echo "$ours $packets" | awk '{ printf "%-28s %6.2f s %6.2f s   %.1f million packets a second (goal 8)\n", "quaywatch network check", $1, $2, $3 / $1 / 1e6 }'
	against "plain gopacket flows" "$ours" "$(took "$tmp/bigcap" -count "$tmp/big.pcap")"
	if command -v tcpdump >/dev/null 2>&1; then
		against "tcpdump -w /dev/null" "$ours" "$(took tcpdump -r "$tmp/big.pcap" -w /dev/null)"
	else
		echo "tcpdump is not installed: no ratio to it"
	fi
	rm -f "$tmp/big.pcap"
fi

echo
echo "== measured against the goals"
awk '
function goal(name, unit, want, more) {
	for (i = 3; i < NF; i++) if ($(i + 1) == unit) {
		r = more ? $i / want : want / $i
		printf("%-55s %14.1f %-10s goal %s %g  (%.1f times %s)\n", name, $i, unit, more ? ">=" : "<", want, r, (r >= 1) ? "better" : "NOT MET")
	}
}
/^BenchmarkRecords/ { goal($1, "records/s", 50000, 1); goal($1, "cpu-ns/record", 40000, 0) }
/^BenchmarkChain/ { goal($1, "reports/s", 100000, 1) }
/^BenchmarkDayOf8Million\// { goal($1, "median-ms", 100, 0) }
/^Benchmark(Blocks|Reader)\// { goal($1, "M/s", 20, 1) }
/^BenchmarkJSON\// { goal($1, "M/s", 5, 1) }
/p95-ms/ { goal($1, "p95-ms", 50, 0) }
/^BenchmarkMillionYears/ { goal($1, "s/Myears", 1, 0) }
/^BenchmarkLargeGraph\/answers/ { goal($1, "together-ms", 1000, 0) }
/^BenchmarkLargeGraph\/change/ { goal($1, "p99-ms", 50, 0) }
/^BenchmarkTenThousandAssets/ { goal($1, "cpu-s/op", 2, 0) }
/^BenchmarkNewAdvisory/ { goal($1, "cpu-ms/op", 50, 0) }
/^BenchmarkFortyTreatments/ { goal($1, "worst-s", 10, 0) }
' "$tmp/out"

echo
echo "== AIS decoder: how near to the least work (split lines, add up checksums, take off the armour), same run"
awk '
/M\/s/ {
	n = split($1, part, "/"); feed = part[n]; sub(/-[0-9]+$/, "", feed)
	for (i = 3; i < NF; i++) if ($(i + 1) == "M/s") v = $i
	if ($1 ~ /Limit\//) limit[part[2] "/" feed] = v
	else { name = substr(part[1], 10); if (!((name, feed) in got)) keys[++k] = name SUBSEP feed; got[name, feed] = v }
}
END {
	printf "%-8s %-8s %8s %10s %12s %14s\n", "face", "feed", "M/s", "of split", "of checksum", "of armour"
	for (i = 1; i <= k; i++) {
		split(keys[i], p, SUBSEP); f = p[2]
		if (limit["armour/" f] > 0) printf "%-8s %-8s %8.2f %9.0f%% %11.0f%% %13.0f%%\n", p[1], f, got[keys[i]],
			100 * got[keys[i]] / limit["split/" f], 100 * got[keys[i]] / limit["checksum/" f], 100 * got[keys[i]] / limit["armour/" f]
	}
}' "$tmp/ais"

echo
echo "== loss of a year, a million years of one scenario, same model"
if ${PYTHON:-python3} -c 'import pyfair' 2>/dev/null; then
	${PYTHON:-python3} - >"$tmp/pyfair" <<'END'
import time, pyfair
def once(n):
    m = pyfair.FairModel(name="peer", n_simulations=n)
    m.input_data("Loss Event Frequency", low=0, mode=0.1, high=1)
    m.input_data("Loss Magnitude", low=20000, mode=100000, high=1000000)
    m.calculate_all()
once(1000)
begun = time.perf_counter()
for _ in range(3):
    once(1000000)
print("%.1f" % ((time.perf_counter() - begun) / 3 * 1000))
END
	awk -v peer="$(cat "$tmp/pyfair")" '/^BenchmarkPeer/ { for (i = 3; i < NF; i++) if ($(i + 1) == "ms/Myears/scenario")
		printf "quaywatch %.2f ms, pyfair %s ms: %.0f times pyfair (goal 50)\n", $i, peer, peer / $i }' "$tmp/risk"
else
	echo "pyfair is not installed (pip install pyfair, or name a Python that has it in \$PYTHON): no ratio to it"
fi

capture=$shared/ais/captures/ais_vernon_20160331.log
if [ -f "$capture" ]; then
	sed 's/^[^!]*//' "$capture" >"$tmp/bare.nmea"
	echo
	echo "== AIS decoder against the Go peer, bare sentences of one day of Vernon, one core"
	if (cd tools/aispeer && go build -o "$tmp/aispeer" .) 2>/dev/null; then
		$pin "$tmp/aispeer" "$tmp/bare.nmea" | tee "$tmp/peer"
		awk '
			FNR == NR { peer[$1] = $2; next }
			/^Benchmark(Blocks|JSON)\/bare/ {
				for (i = 3; i < NF; i++) if ($(i + 1) == "M/s") v = $i
				what = $1 ~ /JSON/ ? "json" : "sentences"
				printf "%-10s %6.2f M/s   %.1f times go-ais", what, v, v / peer[what]
				if (what == "sentences") printf ", %.1f times its message codec alone", v / peer["codec"]
				print ""
			}' "$tmp/peer" "$tmp/ais"
	else
		echo "go-ais can't be had from the module proxy: no ratio to it"
	fi
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
