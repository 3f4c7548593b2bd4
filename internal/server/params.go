package server

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// Parameters of the query string. Every error names the parameter and what is allowed.

// maxFilter is the length limit of a filter in bytes.
const maxFilter = 32 << 10

func badParam(name, format string, args ...any) *fault.Error {
	return fault.New(fault.Invalid, "parameter "+name, format, args...)
}

// query returns the parameters; unlike url.URL.Query it tells of what it cannot decode.
func query(u *url.URL) (url.Values, error) {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fault.WrapAs(fault.Invalid, err, "", "the query string cannot be decoded").
			WithHint("percent-encode the values; ; must be %%3B")
	}
	return q, nil
}

// intParam reads a whole number of least..most; absent or empty is deflt.
func intParam(q url.Values, name string, deflt, least, most int) (int, error) {
	text := q.Get(name)
	if text == "" {
		return deflt, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, badParam(name, "%q is not allowed; it is a whole number from %d to %d (default %d)", clip(text, 40), least, most, deflt)
	}
	return n, nil
}

// boolParam reads true or false; a bare name is true, absent is false.
func boolParam(q url.Values, name string) (bool, error) {
	values, given := q[name]
	if !given {
		return false, nil
	}
	switch text := strings.ToLower(values[0]); text {
	case "", "true", "1", name:
		return true, nil
	case "false", "0":
		return false, nil
	default:
		return false, badParam(name, "%q is not allowed; it is true or false", clip(values[0], 40))
	}
}

// timeParam reads an ISO 8601 timestamp; ok is false if it is absent or empty.
func timeParam(q url.Values, name string) (t time.Time, ok bool, err error) {
	text := q.Get(name)
	if text == "" {
		return t, false, nil
	}
	instant, _, err := event.ParseTime([]byte(text))
	if err != nil {
		e := badParam(name, "%q is not an ISO 8601 timestamp such as 2026-11-20T10:23:02Z", clip(text, 60))
		if strings.Contains(text, " ") {
			e = e.WithHint("a + of an offset must be percent-encoded as %%2B")
		}
		return t, false, e
	}
	return time.Unix(0, instant).UTC(), true, nil
}

// keyParam reads an event's id; ok is false if it is absent or empty.
func keyParam(q url.Values, name string) (k stele.Key, ok bool, err error) {
	text := q.Get(name)
	if text == "" {
		return k, false, nil
	}
	if k, err = stele.ParseKey(text); err != nil {
		return k, false, badParam(name, "%q is no event id; it is event- and 32 hex digits", clip(text, 60))
	}
	return k, true, nil
}

// rangeParams reads fromDateUtc (inclusive) and toDateUtc (exclusive).
func rangeParams(q url.Values) (stele.Range, error) { return rangeOf(q, "fromDateUtc", "toDateUtc") }

func rangeOf(q url.Values, first, last string) (stele.Range, error) {
	var rg stele.Range
	from, hasFrom, err := timeParam(q, first)
	if err != nil {
		return rg, err
	}
	to, hasTo, err := timeParam(q, last)
	if err != nil {
		return rg, err
	}
	if hasFrom && hasTo && to.Before(from) {
		return rg, badParam(last, "%s is before %s, %s", q.Get(last), first, q.Get(first))
	}
	if hasFrom {
		rg.From = stele.FromTime(from)
	}
	if hasTo {
		rg.To = stele.BeforeTime(to)
	}
	return rg, nil
}

// search is what a filter parameter and a signal stand for.
type search struct {
	filter *stele.Filter      // of both; nil: every event
	asText *stele.FilterError // why the text was no expression and is searched as text; nil if it was one
}

// filterParam reads a filter; what does not parse is text to find.
func filterParam(q url.Values, name string) (search, error) {
	text := q.Get(name)
	if strings.TrimSpace(text) == "" {
		return search{}, nil
	}
	if len(text) > maxFilter {
		return search{}, badParam(name, "a filter of %d bytes is too long; at most %d are allowed", len(text), maxFilter)
	}
	if !utf8.ValidString(text) {
		return search{}, badParam(name, "the text is not UTF-8")
	}
	f, reason, err := stele.ParseSearch(text)
	if err != nil {
		return search{}, fault.WrapAs(fault.Invalid, err, "parameter "+name, "the filter cannot be used")
	}
	return search{f, reason}, nil
}

// searchParams reads filter and signal: what both select.
func (a *api) searchParams(ctx context.Context, q url.Values) (s search, err error) {
	if s, err = filterParam(q, "filter"); err != nil {
		return s, err
	}
	signals, err := a.signalParam(ctx, q)
	if err != nil {
		return s, err
	}
	if s.filter, err = stele.And(signals, s.filter); err != nil {
		return s, fault.Wrap(err, "parameter signal", "it cannot be combined with the filter")
	}
	return s, nil
}

// signalParam reads a signal expression as what it selects now; nil: every event.
func (a *api) signalParam(ctx context.Context, q url.Values) (*stele.Filter, error) {
	text := strings.TrimSpace(q.Get("signal"))
	if text == "" {
		return nil, nil
	}
	f, err := a.store.FilterOf(ctx, text)
	if err != nil {
		return nil, fault.Wrap(err, "parameter signal", "it cannot be used")
	}
	return f, nil
}

// clip shortens text that is quoted in an error.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// validText makes any text fit for a JSON string.
func validText(s string) []byte { return []byte(strings.ToValidUTF8(s, "\uFFFD")) }

// asciiHeader makes text fit for a header's value.
func asciiHeader(s string) string {
	ascii := func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}
	return strings.Map(ascii, clip(s, 400))
}
