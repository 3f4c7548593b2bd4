package ingest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/testkit"
)

func TestMongo(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`2020-03-12T01:00:01.935+0100 I  COMMAND  [conn7] command shop.orders appName: "a" command: find { x: 1 } protocol:op_msg 123ms`,
			`{"@t":"2020-03-12T00:00:01.9350000Z","@l":"Information","@m":"command shop.orders appName: \"a\" command: find { x: 1 } protocol:op_msg 123ms","level":"I","component":"COMMAND","context":"conn7","ns":"shop.orders","duration_ms":123}`},
		{`2020-03-12T00:00:01.935Z D2 REPL_HB  [replexec-1]     indented`, `{"@t":"2020-03-12T00:00:01.9350000Z","@l":"Debug","@m":"indented","level":"D2","component":"REPL_HB","context":"replexec-1"}`},
		{`2020-03-12T00:00:01.935+0000 F -        [] Invariant failure`, `{"@t":"2020-03-12T00:00:01.9350000Z","@l":"Fatal","@m":"Invariant failure","level":"F"}`},
		{`2020-03-12T00:00:01.935+0000 W NETWORK  [conn7] `, `{"@t":"2020-03-12T00:00:01.9350000Z","@l":"Warning","@m":"","level":"W","component":"NETWORK","context":"conn7"}`},
		{`Thu Mar 12 00:00:01.935 E STORAGE  [repl writer worker 7] x`, `{"@t":"2026-03-12T00:00:01.9350000Z","@l":"Error","@m":"x","level":"E","component":"STORAGE","context":"repl writer worker 7"}`},
		{`Thu Mar  5 00:00:01 [initandlisten] warning: old`, `{"@t":"2026-03-05T00:00:01.0000000Z","@l":"Warning","@m":"warning: old","context":"initandlisten"}`},
		{`2014-03-12T00:00:01.935+0000 [conn7] query shop.orders query: { x: 1 } nreturned:1 105ms`,
			`{"@t":"2014-03-12T00:00:01.9350000Z","@m":"query shop.orders query: { x: 1 } nreturned:1 105ms","context":"conn7","ns":"shop.orders","duration_ms":105}`},
	} {
		got, refused, r := readAll(t, c.line+"\n", FileOptions{Patient: true})
		if d := cmp.Diff([]string{c.want}, got); d != "" || refused != nil || !strings.HasPrefix(r.Report().Format, "MongoDB") {
			t.Errorf("%s\n%s, refused %v", d, r.Report().Format, refused)
		}
	}
	for _, line := range []string{"2020-03-12T00:00:01Z [INFO] x", "2020-03-12T00:00:01Z [main] x", "2020-03-12T00:00:01 [main] x", "2020-03-12 00:00:01Z I [main] x", "Thu Mar 12 00:00:01 2020 [x] y", "[Thu Mar 12 00:00:01 2020] [x] y"} {
		if _, _, r := readAll(t, line+"\n", FileOptions{Patient: true}); strings.HasPrefix(r.Report().Format, "MongoDB") {
			t.Errorf("%q is taken for %s", line, r.Report().Format)
		}
	}
}

func FuzzMongo(f *testing.F) {
	f.Add([]byte("2020-03-12T01:00:01.935+0100 I  COMMAND  [conn7] command shop.orders command: find { x: 1 } 123ms\nmore\n"))
	f.Add([]byte("Thu Mar 12 00:00:01.935 D5 -  [] message\nThu Mar  5 00:00:01 [initandlisten] ERROR: word\n"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) { checkReading(t, "mongodb", text, nil) })
	})
}

func BenchmarkMongo(b *testing.B) {
	benchmarkFile(b, "mongodb", bytes.Repeat([]byte(`2020-03-12T01:00:01.935+0100 I  COMMAND  [conn7] command shop.orders appName: "a" command: find { find: "orders", filter: { x: 1 } } planSummary: COLLSCAN protocol:op_msg 123ms`+"\n"), 10000))
}
