package event

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/stelehq/stele/internal/fault"
)

func at(t *testing.T, rfc3339 string) int64 {
	t.Helper()
	when, err := time.Parse(time.RFC3339Nano, rfc3339)
	if err != nil {
		t.Fatal(err)
	}
	return when.UnixNano()
}

func TestR3TimestampForms(t *testing.T) {
	tests := []struct {
		text      string
		want      string
		canonical bool
	}{
		{"2026-11-20T09:58:00.1234567Z", "2026-11-20T09:58:00.1234567Z", true},
		{"2026-11-20T09:58:00.123456789Z", "2026-11-20T09:58:00.123456789Z", true},
		{"1677-09-21T00:12:43.145224192Z", "1677-09-21T00:12:43.145224192Z", true},
		{"2262-04-11T23:47:16.854775807Z", "2262-04-11T23:47:16.854775807Z", true},
		{"1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.9999999Z", true},
		{"1677-12-31T23:59:59.9999999Z", "1677-12-31T23:59:59.9999999Z", true},
		{"2262-01-01T00:00:00.0000000Z", "2262-01-01T00:00:00Z", true},
		{"2024-02-29T00:00:00.0000000Z", "2024-02-29T00:00:00Z", true},
		{"2000-02-29T00:00:00.0000000Z", "2000-02-29T00:00:00Z", true},
		// The same instants in other forms.
		{"2026-11-20T09:58:00.123456700Z", "2026-11-20T09:58:00.1234567Z", false},
		{"2026-11-20T09:58:00.123Z", "2026-11-20T09:58:00.123Z", false},
		{"2026-11-20T09:58:00Z", "2026-11-20T09:58:00Z", false},
		{"2026-11-20t09:58:00.1234567z", "2026-11-20T09:58:00.1234567Z", false},
		{"2026-11-20 09:58:00.1234567Z", "2026-11-20T09:58:00.1234567Z", false},
		{"2026-11-20T09:58:00.1234567", "2026-11-20T09:58:00.1234567Z", false},
		{"2026-11-20T09:58:00.1234567+00:00", "2026-11-20T09:58:00.1234567Z", false},
		{"2026-11-20T09:58:00,5Z", "2026-11-20T09:58:00.5Z", false},
		{"2026-11-20T09:58", "2026-11-20T09:58:00Z", false},
		{"2026-11-20T09:58+01", "2026-11-20T08:58:00Z", false},
		{"2026-11-20", "2026-11-20T00:00:00Z", false},
		{"2026-11-20T09:58:00+05:30", "2026-11-20T04:28:00Z", false},
		{"2026-11-20T09:58:00-0330", "2026-11-20T13:28:00Z", false},
		{"2026-11-20T09:58:00-12", "2026-11-20T21:58:00Z", false},
		{"2026-11-20T00:00:00+23:59", "2026-11-19T00:01:00Z", false},
		{"2026-11-20T09:58:00.12345678999999999999999999Z", "2026-11-20T09:58:00.123456789Z", false},
		{"2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999999999Z", false},
		{"2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.999999999Z", false},
		{"2016-12-31T23:59:60.0000000Z", "2016-12-31T23:59:59.999999999Z", false},
		{"2017-01-01T05:29:60+05:30", "2016-12-31T23:59:59.999999999Z", false},
		// Clamped.
		{"0001-01-01T00:00:00.0000000Z", "1677-09-21T00:12:43.145224192Z", false},
		{"0001-01-01T00:00:00+23:59", "1677-09-21T00:12:43.145224192Z", false},
		{"1677-09-21T00:12:43.145224191Z", "1677-09-21T00:12:43.145224192Z", false},
		{"1677-09-21T00:12:43Z", "1677-09-21T00:12:43.145224192Z", false},
		{"2262-04-11T23:47:16.854775808Z", "2262-04-11T23:47:16.854775807Z", false},
		{"2262-04-11T23:47:17.0000000Z", "2262-04-11T23:47:16.854775807Z", false},
		{"9999-12-31T23:59:59.9999999Z", "2262-04-11T23:47:16.854775807Z", false},
		{"9999-12-31T23:59:60-23:59", "2262-04-11T23:47:16.854775807Z", false},
	}
	for _, test := range tests {
		instant, canonical, err := ParseTime([]byte(test.text))
		if err != nil || instant != at(t, test.want) || canonical != test.canonical {
			t.Errorf("ParseTime(%s) = %s, %v, %v; want %s, %v", test.text, AppendTime(nil, instant), canonical, err, test.want, test.canonical)
		}
	}
}

func TestR3OnlyWhatCannotBeParsedIsRefused(t *testing.T) {
	tests := []struct {
		text string
		want string // part of the message
	}{
		{"", "byte 0: expected a digit of the year, found the end of the text"},
		{"hello", "byte 0: expected a digit of the year, found 'h'"},
		{"0000-01-01", "byte 0: the year is 0000, expected 0001 to 9999"},
		{"2026-13-01", "byte 5: the month is 13, expected 01 to 12"},
		{"2026-00-01", "byte 5: the month is 00"},
		{"2026-04-31", "byte 8: the day is 31, expected 01 to 30"},
		{"2026-01-00", "byte 8: the day is 00"},
		{"2016-02-30", "byte 8: the day is 30, expected 01 to 29"},
		{"2026-02-29", "byte 8: the day is 29, expected 01 to 28"},
		{"1900-02-29T00:00:00.0000000Z", "byte 8: the day is 29, expected 01 to 28"},
		{"2026-02-29T00:00:00.0000000Z", "byte 8: the day is 29, expected 01 to 28"},
		{"2026-1-01", "byte 6: expected a digit of the month, found '-'"},
		{"20260101T000000Z", "byte 4: expected - after the year, found '0'"},
		{"2026-01-01T", "byte 11: expected a digit of the hour, found the end of the text"},
		{"2026-01-01T24:00:00Z", "byte 11: the hour is 24, expected 00 to 23"},
		{"2026-01-01T24:00:00.0000000Z", "byte 11: the hour is 24, expected 00 to 23"},
		{"2026-01-01T10", "byte 13: expected : after the hour, found the end of the text"},
		{"2026-01-01T10:60:00Z", "byte 14: the minute is 60, expected 00 to 59"},
		{"2026-01-01T10:60:00.0000000Z", "byte 14: the minute is 60, expected 00 to 59"},
		{"2026-01-01T10:00:61Z", "byte 17: the second is 61, expected 00 to 60"},
		{"2026-01-01T10:00:61.0000000Z", "byte 17: the second is 61, expected 00 to 60"},
		{"2026-01-01T10:00:00.Z", "byte 20: expected a digit of the fraction, found 'Z'"},
		{"2026-01-01T10:00:00 Z", "byte 19: expected the end, found ' '"},
		{"2026-01-01T10:00:00ZZ", "byte 20: expected the end, found 'Z'"},
		{"2026-01-01T10:00:00+24:00", "byte 20: the zone's hour is 24, expected 00 to 23"},
		{"2026-01-01T10:00:00+01:60", "byte 23: the zone's minute is 60"},
		{"2026-01-01T10:00:00+1", "byte 21: expected a digit of the zone's hour"},
		{"2026-01-01T10:00:00+01:", "byte 23: expected a digit of the zone's minute"},
		{"2026-01-01T10:00.5Z", "byte 16: expected the end, found '.'"},
		{"2026-01-01Z", "byte 10: expected T or a blank after the date, found 'Z'"},
		{" 2026-01-01", "byte 0: expected a digit of the year, found ' '"},
		{"2026-11-20T09:58:00.123456\x007Z", "byte 26: expected the end, found the control character 0x00"},
		{"2026-11-20T09:58:00.123456:Z", "byte 26: expected the end, found ':'"},
		{"2026/11/20", "byte 4: expected - after the year, found '/'"},
	}
	for _, test := range tests {
		instant, canonical, err := ParseTime([]byte(test.text))
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), test.want) || instant != 0 || canonical {
			t.Errorf("ParseTime(%q) = %d, %v, %v; want %s", test.text, instant, canonical, err, test.want)
		}
	}
}

func TestTimeAgreesWithTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instant := anInstant().Draw(t, "instant")
		if rapid.Bool().Draw(t, "whole ticks") {
			instant -= instant % 100
		}
		layout := "2006-01-02T15:04:05.0000000Z"
		if instant%100 != 0 {
			layout = "2006-01-02T15:04:05.000000000Z"
		}
		want := time.Unix(0, instant).UTC().Format(layout)
		text := AppendTime([]byte("x"), instant)
		if string(text) != "x"+want {
			t.Fatalf("AppendTime(%d) = %s, want %s", instant, text, want)
		}
		back, canonical, err := ParseTime(text[1:])
		if back != instant || !canonical || err != nil {
			t.Fatalf("ParseTime(%s) = %d, %v, %v; want %d", want, back, canonical, err, instant)
		}
	})
}

// Every field that the calendar allows, in any form, over all years.
func TestTimeCoversTheCalendar(t *testing.T) {
	least, most := big.NewInt(math.MinInt64), big.NewInt(math.MaxInt64)
	rapid.Check(t, func(t *rapid.T) {
		year, month := rapid.IntRange(1, 9999).Draw(t, "year"), rapid.IntRange(1, 12).Draw(t, "month")
		if rapid.Bool().Draw(t, "near an end") {
			year = rapid.SampledFrom([]int{1677, 1678, 2261, 2262}).Draw(t, "year near an end")
		}
		day := rapid.IntRange(1, 31).Draw(t, "day")
		hour, minute, second := rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), rapid.IntRange(0, 59).Draw(t, "second")
		fraction := rapid.StringMatching(`(\.[0-9]{1,12})?`).Draw(t, "fraction")
		zone := rapid.SampledFrom([]string{"Z", "", "+05:45", "-0930", "+14", "-23:59"}).Draw(t, "zone")
		text := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d%s%s", year, month, day, hour, minute, second, fraction, zone)
		instant, canonical, err := ParseTime([]byte(text))

		offset := map[string]int{"+05:45": 345, "-0930": -570, "+14": 840, "-23:59": -1439}[zone]
		when := time.Date(year, time.Month(month), day, hour, minute-offset, second, 0, time.UTC)
		if time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Day() != day {
			if err == nil {
				t.Fatalf("%s: no such day, yet it is read", text)
			}
			return
		}
		want := new(big.Int).Mul(big.NewInt(when.Unix()), big.NewInt(1e9))
		ns, _ := new(big.Int).SetString((strings.TrimPrefix(fraction, ".") + "000000000")[:9], 10)
		want.Add(want, ns)
		if want.Cmp(least) < 0 {
			want = least
		}
		if want.Cmp(most) > 0 {
			want = most
		}
		if err != nil || instant != want.Int64() {
			t.Fatalf("%s: %d, %v; want %d", text, instant, err, want)
		}
		if canonical != (string(AppendTime(nil, instant)) == text) {
			t.Fatalf("%s: canonical is %v", text, canonical)
		}
	})
}

// The fast way reads what the slow way reads, and nothing else: any byte at any place.
func TestCanonicalTimeIsReadAlikeBothWays(t *testing.T) {
	for _, form := range []string{"2026-11-20T09:58:00.1234567Z", "1999-12-31T23:59:59.9999999Z", "2000-02-29T00:00:00.0000000Z"} {
		for i := range len(form) {
			for c := range 256 {
				text := []byte(form)
				text[i] = byte(c)
				slow := timeText{text: text}
				want := slow.parse()
				valid := slow.fault == "" && string(AppendTime(nil, want)) == string(text)
				if got, ok := parseCanonical(text); ok != valid || ok && got != want {
					t.Fatalf("parseCanonical(%q) = %d, %v; want %d, %v (%s)", text, got, ok, want, valid, slow.fault)
				}
			}
		}
	}
}

func TestInstant(t *testing.T) {
	for _, c := range []struct {
		time time.Time
		want int64
	}{
		{time.Unix(1, 5), 1_000_000_005}, {time.Unix(-1, 5), -999_999_995}, {time.Unix(0, math.MaxInt64), math.MaxInt64}, {time.Unix(0, math.MinInt64), math.MinInt64},
		{time.Unix(0, math.MaxInt64).Add(1), math.MaxInt64}, {time.Unix(0, math.MinInt64).Add(-1), math.MinInt64}, {time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), math.MaxInt64}, {time.Time{}, math.MinInt64},
	} {
		if got := Instant(c.time); got != c.want {
			t.Errorf("%v is %d, want %d", c.time, got, c.want)
		}
	}
	for year, want := range map[int]int{0: 29, 1900: 28, 2000: 29, 2024: 29, 2026: 28} {
		if got := DaysIn(year, 2); got != want {
			t.Errorf("February %d has %d days, want %d", year, got, want)
		}
	}
}
