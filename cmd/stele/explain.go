package main

import (
	"strings"

	"github.com/stelehq/stele/internal/fault"
)

// explain renders an error for a person: what happened, each cause after a colon, and last,
// in parentheses, what can be done. Names of operations are left to logs; places are kept.
func explain(err error) string {
	var text strings.Builder
	hint := ""
	for err != nil {
		if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) == 1 {
			err = joined.Unwrap()[0]
			continue
		}
		e, ok := err.(*fault.Error)
		if !ok {
			add(&text, err.Error())
			break
		}
		if hint == "" {
			hint = e.Hint
		}
		place := e.File
		if strings.Contains(e.Msg, place) && e.Offset == fault.NoOffset {
			place = ""
		}
		if place != "" && e.Offset != fault.NoOffset {
			place += " at byte " + itoa(e.Offset)
		}
		add(&text, place)
		add(&text, e.Msg)
		err = e.Err
	}
	if hint != "" {
		text.WriteString(" (" + hint + ")")
	}
	return text.String()
}

func add(b *strings.Builder, part string) {
	if part == "" {
		return
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(part)
}
