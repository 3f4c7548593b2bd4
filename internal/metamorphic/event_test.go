package metamorphic

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
)

// An entry is an event as the model knows it.
type entry struct {
	n     int // its number in the list when it was first written
	form  int
	at    time.Time
	text  string
	group int // the first of those that were appended at the same time; itself if it was alone

	arrived time.Duration // by the list's clock
}

func instant(ms int64) time.Time { return testkit.Epoch.Add(time.Duration(ms) * time.Millisecond) }

const forms = 7

func newEntry(n int, r row) entry {
	e := entry{n: n, form: r.Form % forms, at: instant(r.At), group: n}
	t := e.at.Format("2006-01-02T15:04:05.0000000Z")
	switch e.form {
	case 0:
		e.text = fmt.Sprintf(`{"@t":"%s","N":%d}`, t, n)
	case 1:
		e.text = fmt.Sprintf(`{"@t":"%s","@mt":"Row {N} failed","@l":"Error","N":%d}`, t, n)
	case 2:
		e.text = fmt.Sprintf(`{"@t":"%s","@l":"warn","User":{"Name":"%s","Id":%d},"N":%d}`, t, userOf(n), n%5, n)
	case 3: // the last of duplicates counts
		e.text = fmt.Sprintf(`{"@t":"%s","A":%d.50,"N":%d,"A":%d}`, t, n, n, n%3)
	case 4:
		e.text = fmt.Sprintf(`{"@t":"%s","@m":"text","Text":"number %d of many","P":"%s","N":%d}`, t, n, strings.Repeat("x", n%90), n)
	case 5: // a time whose text is kept
		e.text = fmt.Sprintf(`{"@t":"%s","N":%d,"L":[1,{"a":null},"é"]}`, e.at.In(time.FixedZone("", 3600)).Format("2006-01-02T15:04:05.000-07:00"), n)
	case 6:
		e.text = fmt.Sprintf(`{"@t":"%s","@x":"Boom: \ud800\u0000","@@t":"mine","N":%d,"Big":12345678901234567890123456789.0%d}`, t, n, n)
	}
	return e
}

func userOf(n int) string { return []string{"ann", "bob", "cid"}[n%3] }

func (e *entry) level() string {
	switch e.form {
	case 1:
		return "Error"
	case 2:
		return "warn"
	}
	return "Information"
}

// A filter is an expression and what it means.
type filter struct {
	text   string
	parsed *stele.Filter
	holds  func(e *entry) bool
}

var filters = []*filter{
	{text: "N % 3 = 1", holds: func(e *entry) bool { return e.n%3 == 1 }},
	{text: "@Level = 'Error'", holds: func(e *entry) bool { return e.form == 1 }},
	{text: "not (@Level = 'warn') and N >= 10", holds: func(e *entry) bool { return e.form != 2 && e.n >= 10 }},
	{text: "N >= 20 and N < 60", holds: func(e *entry) bool { return e.n >= 20 && e.n < 60 }},
	{text: "User.Name = 'ann'", holds: func(e *entry) bool { return e.form == 2 && userOf(e.n) == "ann" }},
	{text: "Has(Text) or N = 5", holds: func(e *entry) bool { return e.form == 4 || e.n == 5 }},
	{text: "Text like '%7%'", holds: func(e *entry) bool { return e.form == 4 && strings.Contains(strconv.Itoa(e.n), "7") }},
	{text: "A = 2", holds: func(e *entry) bool { return e.form == 3 && e.n%3 == 2 }},
	{text: "Has(@Exception) and not Has(Text)", holds: func(e *entry) bool { return e.form == 6 }},
	{text: "N % 5 = 2 and @Id <> ''", holds: func(e *entry) bool { return e.n%5 == 2 }}, // only the event tells
	{text: "N < 0", holds: func(*entry) bool { return false }},
}

// filterOf returns the filter of a text, nil for none.
func filterOf(text string) *filter {
	for _, f := range filters {
		if f.text != text {
			continue
		}
		return f
	}
	return nil
}
