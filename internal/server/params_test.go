package server

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/fault"
)

// Every wrong parameter is an Invalid that names it and says what is allowed.
func TestParameterErrors(t *testing.T) {
	for _, c := range []struct{ query, want string }{
		{"count=0", `parameter count: "0" is not allowed; it is a whole number from 1 to 10000 (default 30)`},
		{"count=10001", `parameter count: "10001" is not allowed`},
		{"count=ten", `parameter count: "ten" is not allowed`},
		{"render=maybe", `parameter render: "maybe" is not allowed; it is true or false`},
		{"fromDateUtc=yesterday", `parameter fromDateUtc: "yesterday" is not an ISO 8601 timestamp such as 2026-11-20T10:23:02Z`},
		{"toDateUtc=2026-11-20T10:00:00+02:00", `a + of an offset must be percent-encoded as %2B`},
		{"fromDateUtc=2026-11-21&toDateUtc=2026-11-20", `parameter toDateUtc: 2026-11-20 is before fromDateUtc, 2026-11-21`},
		{"afterId=7", `parameter afterId: "7" is no event id; it is event- and 32 hex digits`},
		{"startAtId=event-xyz", `parameter startAtId: "event-xyz" is no event id`},
		{"filter=" + strings.Repeat("a", maxFilter+1), `parameter filter: a filter of 32769 bytes is too long; at most 32768 are allowed`},
		{"filter=%ff", `parameter filter: the text is not UTF-8`},
		{"filter=%zz", `the query string cannot be decoded`},
	} {
		err := func() error {
			q, err := query(&url.URL{RawQuery: c.query})
			if err != nil {
				return err
			}
			if _, err := intParam(q, "count", 30, 1, 10_000); err != nil {
				return err
			}
			if _, err := boolParam(q, "render"); err != nil {
				return err
			}
			_, err = new(api).listParams(t.Context(), q)
			return err
		}()
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60s: got %v, want %s", c.query, err, c.want)
		}
	}
}

func TestCLEFFlag(t *testing.T) {
	for q, want := range map[string]bool{"clef": true, "clef=true": true, "clef=clef": true, "apiKey=x&clef": true, "CLEF=True": true,
		"": false, "clef=": false, "clef=false": false, "noclef": false, "apiKey=clef": false} {
		r := httpRequest("POST", "/api/events/raw?"+q)
		if got := isCLEF(r); got != want {
			t.Errorf("?%s: %v", q, got)
		}
	}
	for typ, want := range map[string]bool{"application/vnd.serilog.clef": true, "Application/Vnd.Serilog.CLEF ; charset=utf-8": true, "application/json": false, "": false} {
		r := httpRequest("POST", "/api/events/raw")
		r.Header.Set("Content-Type", typ)
		if got := isCLEF(r); got != want {
			t.Errorf("%s: %v", typ, got)
		}
	}
}
