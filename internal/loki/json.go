package loki

import (
	"strconv"
	"strings"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// The JSON forms, of which the second is Loki's older one. Members may come in any order; those not named here are ignored.
//
//	{"streams":[{"stream":{"app":"shop"},"values":[["1795168800000000000","line",{"name":"value"}],…]},…]}
//	{"streams":[{"labels":"{app=\"shop\"}","entries":[{"ts":"2026-11-20T10:00:00Z","line":"line"},…]},…]}

// json adds the entries of a JSON body.
func (d *decoder) json(body []byte) error {
	found := false
	i, err := members(body, 0, func(name []byte, at int) (int, error) {
		if string(name) != "streams" {
			return skip(body, at, 1)
		}
		found = true
		return elements(body, at, func(at int) (int, error) { return d.jsonStream(body, at) })
	})
	if i = event.SkipSpace(body, i); err == nil && i < len(body) {
		err = event.Expected(body, i, "the end of the body")
	}
	if err == nil && !found {
		err = fault.New(fault.Invalid, "", "there is no member called streams")
	}
	switch {
	case err == errStop:
		return nil
	case fault.KindOf(err) == fault.Invalid:
		return fault.WrapAs(fault.Invalid, err, "", "the body is no push request")
	}
	return err
}

// errStop ends the reading of a body whose first refusal ends it.
var errStop error = fault.New(fault.Invalid, "", "stop")

// jsonStream reads the stream at body[i].
func (d *decoder) jsonStream(body []byte, i int) (int, error) {
	d.stream()
	var bad error
	labelled := false
	values := -1 // where entries stand that came before their labels
	next, err := members(body, i, func(name []byte, at int) (int, error) {
		switch string(name) {
		case "stream", "labels":
			text, next, err := event.Compact(nil, body, at, 0) // labels are members of an event
			if err != nil {
				return next, err
			}
			d.named = append(append(append(append(d.named[:0], '"'), name...), `":`...), text...)
			bad, labelled = d.jsonLabels(text), true
			return next, nil
		case "values", "entries":
			if labelled {
				return d.jsonEntries(body, at, bad)
			}
			values = at
		}
		return skip(body, at, 3)
	})
	if err != nil || values < 0 {
		return next, err
	}
	if !labelled {
		d.named = append(d.named, `"stream":{}`...)
	}
	_, err = d.jsonEntries(body, values, bad)
	return next, err
}

// jsonLabels reads a stream's labels: an object, or text in the form of the protobuf.
func (d *decoder) jsonLabels(text []byte) error {
	d.labels.reset()
	switch text[0] {
	case '{':
		_, err := members(text, 0, func(name []byte, at int) (int, error) {
			end := event.ValueEnd(text, at)
			d.labels.addJSON(name, text[at:end])
			return end, nil
		})
		return err
	case '"':
		plain, _, _, err := event.ScanString(text, 0, nil)
		if err == nil {
			err = parseLabels(plain, d.labels.add)
		}
		if err != nil {
			d.labels.reset()
		}
		return err
	}
	return fault.New(fault.Invalid, "", "the stream's labels are neither an object nor a string")
}

func (d *decoder) jsonEntries(body []byte, i int, bad error) (int, error) {
	return elements(body, i, func(at int) (int, error) {
		text, next, err := event.Compact(d.text[:0], body, at, -1) // metadata are members of an event
		d.text = text[:0]
		if err != nil {
			return next, err
		}
		instant, line, wrong := d.jsonEntry(text)
		if bad != nil {
			wrong = bad
		}
		if err := d.entry(instant, line, wrong, func() []byte { return text }); err != nil {
			return next, err
		}
		if d.stop {
			return next, errStop
		}
		return next, nil
	})
}

// jsonEntry reads an entry in compact JSON: an array, or the older form's object. It fills in d.meta.
func (d *decoder) jsonEntry(text []byte) (instant int64, line []byte, err error) {
	var parts struct{ time, line, meta []byte }
	d.meta.reset()
	take := func(part *[]byte, at int) (int, error) {
		end := event.ValueEnd(text, at)
		*part = text[at:end]
		return end, nil
	}
	switch text[0] {
	case '[':
		n := 0
		_, err = elements(text, 0, func(at int) (int, error) {
			n++
			switch n {
			case 1:
				return take(&parts.time, at)
			case 2:
				return take(&parts.line, at)
			case 3:
				return take(&parts.meta, at)
			}
			return at, fault.New(fault.Invalid, "", "the entry has more than time, line and metadata")
		})
	case '{':
		_, err = members(text, 0, func(name []byte, at int) (int, error) {
			switch string(name) {
			case "ts", "timestamp":
				return take(&parts.time, at)
			case "line":
				return take(&parts.line, at)
			case "structuredMetadata":
				return take(&parts.meta, at)
			}
			return event.ValueEnd(text, at), nil
		})
	default:
		err = fault.New(fault.Invalid, "", "the entry is neither an array nor an object")
	}
	if err != nil {
		return 0, nil, err
	}
	if instant, err = entryTime(parts.time); err != nil {
		return 0, nil, err
	}
	if len(parts.line) == 0 || parts.line[0] != '"' {
		return 0, nil, fault.New(fault.Invalid, "", "the entry's line is not a string")
	}
	if line, d.scratch, _, err = event.ScanString(parts.line, 0, d.scratch[:0]); err != nil {
		return 0, nil, err
	}
	if len(parts.meta) > 0 && string(parts.meta) != "null" {
		if parts.meta[0] != '{' {
			return 0, nil, fault.New(fault.Invalid, "", "the entry's structured metadata is no object")
		}
		_, err = members(parts.meta, 0, func(name []byte, at int) (int, error) {
			end := event.ValueEnd(parts.meta, at)
			d.meta.addJSON(name, parts.meta[at:end])
			return end, nil
		})
	}
	return instant, line, err
}

// entryTime reads nanoseconds since 1970, as a string or as a number, or a time of ISO 8601.
func entryTime(value []byte) (int64, error) {
	if len(value) == 0 {
		return 0, fault.New(fault.Invalid, "", "the entry has no time")
	}
	text := value
	if value[0] == '"' {
		text, _, _, _ = event.ScanString(value, 0, nil)
	}
	whole, fraction, _ := strings.Cut(string(text), ".") // of nanoseconds; JavaScript makes some
	if instant, err := strconv.ParseInt(whole, 10, 64); err == nil && strings.Trim(fraction, "0123456789") == "" {
		return instant, nil
	}
	if value[0] == '"' {
		if instant, _, err := event.ParseTime(text); err == nil {
			return instant, nil
		}
	}
	return 0, fault.New(fault.Invalid, "", "the entry's time, %s, is not nanoseconds since 1970", clip(value))
}

func clip(value []byte) string {
	if len(value) > 60 {
		return string(value[:60]) + "…"
	}
	return string(value)
}

// members calls each for the members of the object at src[i], with where the value begins; each returns where it ends.
func members(src []byte, i int, each func(name []byte, at int) (next int, err error)) (next int, err error) {
	if i = event.SkipSpace(src, i); i >= len(src) || src[i] != '{' {
		return i, event.Expected(src, i, "an object")
	}
	if i = event.SkipSpace(src, i+1); i < len(src) && src[i] == '}' {
		return i + 1, nil
	}
	for {
		name, _, after, err := event.ScanString(src, i, nil)
		if err != nil {
			return i, err
		}
		if i = event.SkipSpace(src, after); i >= len(src) || src[i] != ':' {
			return i, event.Expected(src, i, "a colon after the member's name")
		}
		if i, err = each(name, event.SkipSpace(src, i+1)); err != nil {
			return i, err
		}
		if i = event.SkipSpace(src, i); i < len(src) && src[i] == ',' {
			i = event.SkipSpace(src, i+1)
			continue
		}
		if i < len(src) && src[i] == '}' {
			return i + 1, nil
		}
		return i, event.Expected(src, i, "a comma or } of the object")
	}
}

// elements calls each for the elements of the array at src[i], with where they begin; each returns where it ends.
func elements(src []byte, i int, each func(at int) (next int, err error)) (next int, err error) {
	if i = event.SkipSpace(src, i); i >= len(src) || src[i] != '[' {
		return i, event.Expected(src, i, "an array")
	}
	if i = event.SkipSpace(src, i+1); i < len(src) && src[i] == ']' {
		return i + 1, nil
	}
	for {
		if i, err = each(event.SkipSpace(src, i)); err != nil {
			return i, err
		}
		if i = event.SkipSpace(src, i); i < len(src) && src[i] == ',' {
			i++
			continue
		}
		if i < len(src) && src[i] == ']' {
			return i + 1, nil
		}
		return i, event.Expected(src, i, "a comma or ] of the array")
	}
}

// skip checks the value at src[i] and returns where it ends.
func skip(src []byte, i, depth int) (next int, err error) {
	_, next, err = event.Compact(nil, src, i, depth)
	return next, err
}
