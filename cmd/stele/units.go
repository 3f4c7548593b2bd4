package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/units"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// count renders 1234567 as 1,234,567.
func count(n int64) string {
	digits := itoa(n)
	negative := strings.HasPrefix(digits, "-")
	digits = strings.TrimPrefix(digits, "-")
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if negative {
		return "-" + digits
	}
	return digits
}

// counted is a number with its noun: 1 event, 2 events.
func counted(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return count(n) + " " + noun
}

// size renders bytes in the unit that a person would take.
func size(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v := float64(n) / 1024
	i := 0
	for v >= 1023.95 && i < len(units)-1 {
		v /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", v, units[i])
}

// parseWhen reads a point in time: an ISO 8601 timestamp or date, UTC unless it names a
// zone; now; today and yesterday (UTC); or how long ago: 90s, 30m, 1h, 2d, 1w, 1d12h.
func parseWhen(text string, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	if instant, _, err := event.ParseTime([]byte(text)); err == nil {
		return time.Unix(0, instant).UTC(), nil
	}
	day := now.UTC().Truncate(24 * time.Hour)
	switch text {
	case "now":
		return now, nil
	case "today":
		return day, nil
	case "yesterday":
		return day.AddDate(0, 0, -1), nil
	}
	ago, err := units.ParseSpan(strings.TrimSuffix(text, " ago"))
	if err != nil {
		return time.Time{}, fault.New(fault.Invalid, "", "%q is not a time", text).
			WithHint("a time is 2026-11-20T10:23:02Z, 2026-11-20, today, or how long ago: 30m, 1h, 2d")
	}
	return now.Add(-ago), nil
}
