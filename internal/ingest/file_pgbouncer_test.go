package ingest

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/testkit"
)

func TestPgBouncer(t *testing.T) {
	text := "2018-09-12 16:08:54.775 3392 LOG up\n2026-11-20 10:00:00.123 UTC [42] WARNING C-0x55: shop/ada@10.0.0.1:40732 pooler error\n2026-11-20 10:00:00.123 CET [42] NOISE x\n"
	got, _, r := readAll(t, text, FileOptions{Patient: true})
	want := []string{
		`{"@t":"2018-09-12T16:08:54.7750000Z","@l":"Information","@m":"up","level":"LOG","pid":3392}`,
		`{"@t":"2026-11-20T10:00:00.1230000Z","@l":"Warning","@m":"C-0x55: shop/ada@10.0.0.1:40732 pooler error","level":"WARNING","pid":42}`,
		`{"@t":"2026-11-20T09:00:00.1230000Z","@l":"Verbose","@m":"x","level":"NOISE","pid":42}`,
	}
	if d := cmp.Diff(want, got); d != "" || r.Report().Format != "PgBouncer log" {
		t.Errorf("%s\n%s", r.Report().Format, d)
	}
	for _, text := range []string{"2026-11-20 10:00:00 42 ERROR x\n", "2026-11-20 10:00:00 [main] LOG x\n"} {
		if _, _, r := readAll(t, text, FileOptions{Patient: true}); r.Report().Format == "PgBouncer log" {
			t.Errorf("%q is taken for %s", text, r.Report().Format)
		}
	}
}

func FuzzPgBouncer(f *testing.F) {
	f.Add([]byte("2026-11-20 10:00:00.123 UTC [42] LOG listening\nmore\n"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) { checkReading(t, "pgbouncer", text, nil) })
	})
}

func BenchmarkPgBouncer(b *testing.B) {
	benchmarkFile(b, "pgbouncer", bytes.Repeat([]byte("2026-11-20 10:00:00.123 UTC [3394] LOG C-0x562376c01cb0: shop/ada@127.0.0.1:40732 closing because: client close request (age=0)\n"), 10000))
}
