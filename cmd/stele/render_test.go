package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

func TestPrinter(t *testing.T) {
	for _, c := range []struct{ clef, plain, color string }{
		{`{"@t":"2026-11-20T10:00:00.1234567Z","@mt":"Hello {Name}, {Gone}","Name":"x"}`,
			"2026-11-20 10:00:00.123Z INF Hello x, {Gone}\n",
			"\x1b[2m2026-11-20 10:00:00.123Z\x1b[0m \x1b[32mINF\x1b[0m Hello \x1b[36mx\x1b[0m, {Gone}\n"},
		{`{"@t":"2026-11-20T10:00:00+02:00","@l":"warn","@m":"a{b}"}`,
			"2026-11-20 08:00:00.000Z WRN a{b}\n",
			"\x1b[2m2026-11-20 08:00:00.000Z\x1b[0m \x1b[33mWRN\x1b[0m a{b}\n"},
		{`{"@t":"2026-11-20T10:00:00Z","@l":"Error","@m":"x","@x":"E: y\r\n  at f\n"}`,
			"2026-11-20 10:00:00.000Z ERR x\n    E: y\n      at f\n",
			"\x1b[2m2026-11-20 10:00:00.000Z\x1b[0m \x1b[31mERR\x1b[0m x\n    \x1b[2;31mE: y\x1b[0m\n    \x1b[2;31m  at f\x1b[0m\n"},
		// A log must not speak to the terminal.
		{`{"@t":"2026-11-20T10:00:00Z","@l":"a very long level\u001b","@m":"\u001b[2J\u0000\u202e\u009b\r\nnext"}`,
			"2026-11-20 10:00:00.000Z a very long… \\u001b[2J\\u0000\\u202e\\u009b⏎ next\n", ""},
		{`{"@t":"2026-11-20T10:00:00Z","n":1.50,"@l":"x"}`, "2026-11-20 10:00:00.000Z x {\"n\":1.50}\n", ""},
		{`not JSON`, "not JSON\n", ""},
	} {
		var out bytes.Buffer
		p := &printer{w: &out, zone: time.UTC}
		if err := p.print([]byte(c.clef)); err != nil || out.String() != c.plain {
			t.Errorf("%s\nis shown as %q, %v; want %q", c.clef, out.String(), err, c.plain)
		}
		out.Reset()
		p.color = true
		if err := p.print([]byte(c.clef)); c.color != "" && (err != nil || out.String() != c.color) {
			t.Errorf("%s\nis coloured %q, %v; want %q", c.clef, out.String(), err, c.color)
		}
	}
}

func TestExplain(t *testing.T) {
	cause := fault.New(fault.Corrupt, "read frame", "expected 1, found 2").At("a.log", 12).WithHint("deeper")
	for _, c := range []struct {
		err  error
		want string
	}{
		{cause, "a.log at byte 12: expected 1, found 2 (deeper)"},
		{fault.Wrap(cause, "open", "cannot open %s", "x"), "cannot open x: a.log at byte 12: expected 1, found 2 (deeper)"},
		{fault.Wrap(cause, "open", "it is in a.log").At("a.log", fault.NoOffset).WithHint("nearer"), "it is in a.log: a.log at byte 12: expected 1, found 2 (nearer)"},
	} {
		if got := explain(c.err); got != c.want {
			t.Errorf("explained as %q, want %q", got, c.want)
		}
	}
}
