package ingest

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/event"
)

// timesOf returns the times of the events of a text, without fractions of zero.
func timesOf(t *testing.T, text string, o FileOptions) (times []string) {
	t.Helper()
	o.Now, o.Patient = testNow, true
	r := NewFileReader(strings.NewReader(text), o)
	for r.Next() {
		v, err := event.ParseValue(r.Event().CLEF)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, strings.TrimSuffix(strings.TrimSuffix(v.Get("@t").Text, "Z"), ".0000000"))
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return times
}

// TestTimesThatLeaveOutYearOrDate holds what follows from the lines before, from the file's
// time, and from a look ahead.
func TestTimesThatLeaveOutYearOrDate(t *testing.T) {
	day := func(text string) time.Time {
		at, err := time.Parse("2006-01-02T15:04:05", text)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, c := range []struct {
		name, modified string
		lines          []string
		ahead          bool
		want           []string
	}{
		{"a year ends", "2026-01-02T12:00:00", []string{"Dec 31 23:59:59", "Jan  1 00:00:00", "Jan  2 11:00:00"}, false,
			[]string{"2025-12-31T23:59:59", "2026-01-01T00:00:00", "2026-01-02T11:00:00"}},
		{"two years end, known ahead", "2026-03-01T00:00:00", []string{"Nov  1 00:00:00", "Feb  1 00:00:00", "Nov  2 00:00:00", "Feb  2 00:00:00"}, true,
			[]string{"2024-11-01T00:00:00", "2025-02-01T00:00:00", "2025-11-02T00:00:00", "2026-02-02T00:00:00"}},
		{"two years end, as they come", "2026-03-01T00:00:00", []string{"Nov  1 00:00:00", "Feb  1 00:00:00", "Nov  2 00:00:00"}, false,
			[]string{"2025-11-01T00:00:00", "2026-02-01T00:00:00", "2025-11-02T00:00:00"}},
		{"a line too late", "2026-01-02T00:00:00", []string{"Jan  1 00:00:01", "Dec 31 23:59:59", "Jan  1 00:00:02"}, true,
			[]string{"2026-01-01T00:00:01", "2025-12-31T23:59:59", "2026-01-01T00:00:02"}},
		{"years that are given lead", "2026-03-01T00:00:00", []string{"2019-12-31 10:00:00", "Jan  1 00:00:00"}, false,
			[]string{"2019-12-31T10:00:00", "2020-01-01T00:00:00"}},
		{"the leap day", "2026-03-01T00:00:00", []string{"Feb 28 00:00:00", "Feb 29 00:00:00", "Mar  1 00:00:00"}, true,
			[]string{"2024-02-28T00:00:00", "2024-02-29T00:00:00", "2024-03-01T00:00:00"}},
		{"midnights, known ahead", "2026-03-03T10:00:00", []string{"22:00:00", "09:00:00", "23:59:59", "00:00:01"}, true,
			[]string{"2026-03-01T22:00:00", "2026-03-02T09:00:00", "2026-03-02T23:59:59", "2026-03-03T00:00:01"}},
		{"the file's time is another zone's", "2026-03-03T10:00:00", []string{"11:58:00", "12:00:00"}, true,
			[]string{"2026-03-03T11:58:00", "2026-03-03T12:00:00"}},
		{"midnight, as they come", "2026-03-03T10:00:00", []string{"23:59:59", "00:00:01"}, false,
			[]string{"2026-03-02T23:59:59", "2026-03-03T00:00:01"}},
		{"a leap second", "2026-03-03T10:00:00", []string{"2016-12-31 23:59:60"}, false, []string{"2016-12-31T23:59:59.999999999"}},
	} {
		text := strings.Join(c.lines, " host app[1]: x\n") + " host app[1]: x\n"
		o := FileOptions{Modified: day(c.modified), Format: TextFormat}
		if c.ahead {
			o.Ahead = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
		}
		if d := cmp.Diff(c.want, timesOf(t, text, o)); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

// TestZonesOfText holds the times that zones by name give, on days when they change too.
func TestZonesOfText(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("skipped: no time zone database:", err)
	}
	for _, c := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"winter and summer", []string{"2026-01-01 12:00:00", "2026-07-01 12:00:00"}, []string{"2026-01-01T11:00:00", "2026-07-01T10:00:00"}},
		{"the hour that comes twice", []string{"2026-10-25 01:59:00", "2026-10-25 02:30:00", "2026-10-25 02:59:00", "2026-10-25 02:01:00", "2026-10-25 02:59:00", "2026-10-25 03:00:00"},
			[]string{"2026-10-24T23:59:00", "2026-10-25T00:30:00", "2026-10-25T00:59:00", "2026-10-25T01:01:00", "2026-10-25T01:59:00", "2026-10-25T02:00:00"}},
		{"the hour that does not come", []string{"2026-03-29 01:59:59", "2026-03-29 02:30:00", "2026-03-29 03:30:00"}, []string{"2026-03-29T00:59:59", "2026-03-29T01:30:00", "2026-03-29T01:30:00"}},
		{"zones in the text", []string{"2026-01-01 12:00:00 America/New_York", "2026-01-01 12:00:00 PST", "2026-01-01 12:00:00 +0530", "2026-07-01 12:00:00 CEST"},
			[]string{"2026-01-01T17:00:00", "2026-01-01T20:00:00", "2026-01-01T06:30:00", "2026-07-01T10:00:00"}},
	} {
		got := timesOf(t, strings.Join(c.lines, " x\n")+" x\n", FileOptions{Zone: berlin, Format: TextFormat, Modified: testNow})
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

// TestOrderOfNumbersInDates holds that the whole sample decides which number is the month.
func TestOrderOfNumbersInDates(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  string // of the first
	}{
		{[]string{"01/02/2026 10:00:00"}, "2026-01-02T10:00:00"},
		{[]string{"01/02/2026 10:00:00", "13/02/2026 10:00:00"}, "2026-02-01T10:00:00"},
		{[]string{"01/02/2026 10:00:00", "01/13/2026 10:00:00"}, "2026-01-02T10:00:00"},
		{[]string{"09/10/2026 10:00:00", "10/10/2026 10:00:00", "11/10/2026 10:00:00"}, "2026-10-09T10:00:00"},
		{[]string{"03/12/2025 23:00:00", "04/12/2025 01:00:00"}, "2025-12-03T23:00:00"},
		{[]string{"17/06/09 20:10:40"}, "2017-06-09T20:10:40"},
		{[]string{"01/02/23 10:00:00", "01/03/23 10:00:00"}, "2023-01-02T10:00:00"},
		{[]string{"1/2/2026 3:04:05 PM"}, "2026-01-02T15:04:05"},
		{[]string{"20.11.2025 10:00:00"}, "2025-11-20T10:00:00"},
		{[]string{"12/31/2026 10:00:00"}, "2026-12-31T10:00:00"},
	} {
		got := timesOf(t, strings.Join(c.lines, " x\n")+" x\n", FileOptions{Format: TextFormat, Modified: testNow})
		if len(got) != len(c.lines) || got[0] != c.want {
			t.Errorf("%q: %q, want %s", c.lines, got, c.want)
		}
	}
}

// TestTimesGoOnAfterResuming holds that the year of the event before counts.
func TestTimesGoOnAfterResuming(t *testing.T) {
	head := "Dec 30 10:00:00 host app[1]: a\nDec 31 10:00:00 host app[1]: b\n"
	got := timesOf(t, "Jan  1 00:00:00 host app[1]: c\n", FileOptions{
		Modified: time.Date(2030, 6, 1, 0, 0, 0, 0, time.UTC),
		Resume:   &FileResume{Head: []byte(head), Offset: int64(len(head)), Line: 2, Last: time.Date(2026, 12, 31, 10, 0, 0, 0, time.UTC)},
	})
	if !slices.Equal(got, []string{"2027-01-01T00:00:00"}) {
		t.Error(fmt.Sprint(got))
	}
}
