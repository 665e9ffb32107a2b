package storetest

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/finding"
)

// crowd is occurrences of many subjects with facts as heavy as AIS lines.
func crowd(from, n int, at time.Duration) []finding.Occurrence {
	domains := []finding.Domain{finding.IT, finding.OT, finding.Physical, finding.Sea, finding.Cargo}
	rules := []string{"vessel.impossible-movement", "network.outside-conduit", "physical.revoked-badge", "network.unknown-device"}
	out := make([]finding.Occurrence, n)
	for i := range out {
		k := from + i
		when := start.Add(at + time.Duration(k)*time.Millisecond)
		facts := make([]finding.Fact, 2)
		for j := range facts {
			raw := []byte(fmt.Sprintf("!AIVDM,1,1,,A,15M67FC000G?ufbE`FepT@3n00Sa,0*%02X", j))
			facts[j] = finding.Fact{Time: when, Text: fmt.Sprintf("It was %d.%d nm away one minute before.", k%90, j), Domain: finding.Sea,
				Evidence: finding.Evidence{Source: "ais", Time: when, Seen: when, Told: true, Raw: event.Raw{Input: "tcp://127.0.0.1:4001", Offset: int64(k*100 + j), Length: len(raw), Sum: event.SumOf(raw), Text: raw}}}
		}
		out[i] = finding.Occurrence{
			Rule: rules[k%len(rules)], Subject: finding.Subject{Kind: "vessel", ID: fmt.Sprint("mmsi:", 200_000_000+k), Name: fmt.Sprint("SALT WIND ", k)},
			Domains: []finding.Domain{domains[k%5]}, Grade: finding.Grade(1 + k%3), Severity: finding.Severity(1 + k/3%3),
			Title: fmt.Sprintf("Vessel %d jumped %d nm in a minute", k, k%90), Summary: "Its position can't be trusted; berth planning for the quay depends on it.",
			Facts: facts, RuledOut: []string{"a gap in reception"}, Next: []string{"Call it on VHF 12"}, Services: []string{"vessel-traffic"}, Technique: "T0856",
			Time: when,
		}
	}
	return out
}

// Bench measures the register on one database: reporting in batches of 500, and
// the pages that screens ask for with 100,000 findings.
func Bench(b *testing.B, maker Maker) {
	ctx := context.Background()
	r, err := maker(b).Open(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	register := finding.NewRegister(r.Findings(), finding.Options{})
	const many, batch = 100_000, 500
	began, used := time.Now(), processor()
	for n := 0; n < many; n += batch {
		if _, err := register.Report(ctx, "bench", uint64(n+1), crowd(n, batch, 0)); err != nil {
			b.Fatal(err)
		}
	}
	rate, rateProcessor := many/time.Since(began).Seconds(), many/(processor()-used).Seconds()
	b.Run("report new", func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(rate, "occurrences/s")
		b.ReportMetric(rateProcessor, "occurrences/cpu-s") // what a machine that is busy with other things does not blur
	})
	seq, round := uint64(many), 0
	again := func(b *testing.B, subjects int) {
		used := processor()
		for b.Loop() {
			seq++
			round++
			if _, err := register.Report(ctx, "bench", seq, crowd(round*batch%subjects, batch, time.Duration(round)*time.Hour)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "occurrences/s")
		b.ReportMetric(float64(b.N*batch)/(processor()-used).Seconds(), "occurrences/cpu-s")
	}
	b.Run("report again", func(b *testing.B) { again(b, many) })       // each of 100,000 in its turn
	b.Run("report a few again", func(b *testing.B) { again(b, 2000) }) // what went wrong a moment ago goes wrong again
	open := []finding.State{finding.Active, finding.Acknowledged, finding.Returned}
	deep, err := register.List(ctx, finding.Query{Limit: 1000})
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range []struct {
		name string
		q    finding.Query
	}{
		{"first page", finding.Query{}},
		{"open", finding.Query{States: open}},
		{"rare state", finding.Query{States: []finding.State{finding.Shelved}}},
		{"domain and severity", finding.Query{Domains: []finding.Domain{finding.OT}, Severity: finding.Alarm}},
		{"low grade", finding.Query{Domains: []finding.Domain{finding.Cargo}, States: open}},
		{"next page", finding.Query{Cursor: deep.Next}},
		{"rule", finding.Query{Rules: []string{"vessel.impossible-movement"}}},
		{"subject", finding.Query{Subject: "mmsi:200054321"}},
		{"rare word", finding.Query{Text: "wind 54321"}},
		{"word of all", finding.Query{Text: "vessel"}},
		{"since", finding.Query{Since: start.Add(time.Minute)}},
	} {
		b.Run(q.name, func(b *testing.B) {
			measure(b, func() error { _, err := register.List(ctx, q.q); return err })
		})
	}
	b.Run("summary", func(b *testing.B) {
		measure(b, func() error { _, err := register.Summary(ctx, time.Now()); return err })
	})
}

// measure reports the 95th percentile of what it runs.
func measure(b *testing.B, run func() error) {
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if err := run(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
}

// processor is the processor time that this process has used.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
