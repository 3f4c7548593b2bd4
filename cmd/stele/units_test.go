package main

import (
	"testing"
	"time"

	"github.com/stelehq/stele/internal/units"
)

func TestParseWhen(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 30, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"2026-11-20T10:23:02Z":      "2026-11-20T10:23:02Z",
		"2026-11-20 10:23":          "2026-11-20T10:23:00Z",
		"2026-11-20T10:23:02+02:00": "2026-11-20T08:23:02Z",
		"2026-11-20":                "2026-11-20T00:00:00Z",
		"now":                       "2026-11-20T12:30:00Z",
		"today":                     "2026-11-20T00:00:00Z",
		"yesterday":                 "2026-11-19T00:00:00Z",
		"1h":                        "2026-11-20T11:30:00Z",
		"30m ago":                   "2026-11-20T12:00:00Z",
		"2d":                        "2026-11-18T12:30:00Z",
		"1w1d12h30m15s":             "2026-11-11T23:59:45Z",
	} {
		got, err := parseWhen(text, now)
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("parseWhen(%q) = %s, %v; want %s", text, got.Format(time.RFC3339), err, want)
		}
	}
	for _, text := range []string{"", "h", "1", "1x", "-1h", "1.5h", "99999999999h", "999999999w", "noon", "2026-13-01", "1h 30m"} {
		if got, err := parseWhen(text, now); err == nil {
			t.Errorf("parseWhen(%q) = %s, want an error", text, got)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{"1": 1, "262144": 262144, "256KiB": 262144, "256k": 262144, "10MiB": 10 << 20, "10 MB": 10 << 20, "1g": 1 << 30, "5B": 5} {
		if got, err := units.ParseSize(text); err != nil || got != want {
			t.Errorf("units.ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "k", "-1", "1.5k", "1kk", "99999999999t", "0x10"} {
		if got, err := units.ParseSize(text); err == nil {
			t.Errorf("units.ParseSize(%q) = %d, want an error", text, got)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB", 5 << 30: "5.0 GiB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 events", 1: "1 event", 999: "999 events", 1000: "1,000 events", 1234567: "1,234,567 events", -1234: "-1,234 events"} {
		if got := counted(n, "event"); got != want {
			t.Errorf("counted(%d) = %q, want %q", n, got, want)
		}
	}
}
