package units

import (
	"testing"
	"time"
)

func TestSpans(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30d": 720 * time.Hour, "1d12h": 36 * time.Hour, "90s": 90 * time.Second, "2w": 336 * time.Hour, "1h30m": 90 * time.Minute, "0s": 0, "106751d": 106751 * 24 * time.Hour,
	} {
		got, err := ParseSpan(text)
		if err != nil || got != want {
			t.Errorf("%s is %v, %v; expected %v", text, got, err, want)
		}
		if again, err := ParseSpan(Span(got)); err != nil || again != got {
			t.Errorf("%s is written %s, which is %v, %v", text, Span(got), again, err)
		}
	}
	for _, text := range []string{"", "d", "1", "1y", "-1d", "1.5h", "1d 2h", "106752d", "9999999999s", "1dd"} {
		if got, err := ParseSpan(text); err == nil {
			t.Errorf("%q is %v, expected an error", text, got)
		}
	}
}
