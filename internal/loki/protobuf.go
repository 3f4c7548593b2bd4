package loki

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// The fields of push.proto.
//
//	PushRequest  1 streams  Stream, repeated
//	Stream       1 labels   string            2 entries   Entry, repeated     (3 hash)
//	Entry        1 timestamp Timestamp        2 line      string
//	             3 metadata LabelPair, repeated   4 parsed  LabelPair, repeated
//	Timestamp    1 seconds  int64             2 nanos     int32
//	LabelPair    1 name     string            2 value     string

// protobuf adds the entries of a PushRequest.
func (d *decoder) protobuf(body []byte) error {
	return fields(body, "push request", func(field protowire.Number, stream []byte) error {
		if field != 1 || d.stop {
			return nil
		}
		return d.protoStream(stream)
	})
}

func (d *decoder) protoStream(stream []byte) error {
	// Labels come first from everybody, but need not.
	var text []byte
	err := fields(stream, "stream", func(field protowire.Number, value []byte) error {
		if field == 1 {
			text = value
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.stream()
	d.named = append(d.named, `"stream":{`...)
	bad := parseLabels(text, func(name, value []byte) {
		d.labels.add(name, value)
		d.named = appendPair(d.named, name, value)
	})
	if d.named = append(d.named, '}'); bad != nil {
		d.labels.reset()
		d.named = event.AppendString(append(d.named[:0], `"labels":`...), text)
	}
	return fields(stream, "stream", func(field protowire.Number, entry []byte) error {
		if field != 2 || d.stop {
			return nil
		}
		return d.protoEntry(entry, bad)
	})
}

// appendPair appends a member to an object.
func appendPair(dst, name, value []byte) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return event.AppendString(append(event.AppendString(dst, name), ':'), value)
}

func (d *decoder) protoEntry(entry []byte, bad error) error {
	var time timestamp
	var line []byte
	d.meta.reset()
	err := fields(entry, "entry", func(field protowire.Number, value []byte) (err error) {
		switch field {
		case 1:
			time, err = readTimestamp(value)
		case 2:
			line = value
		case 3, 4:
			var name, text []byte
			name, text, err = readPair(value)
			d.meta.add(name, text)
		}
		return err
	})
	if err != nil {
		return err
	}
	instant, ok := time.instant()
	if bad == nil && !ok {
		bad = fault.New(fault.Invalid, "", "the entry's time, %d seconds since 1970, is out of range", time.seconds)
	}
	return d.entry(instant, line, bad, func() []byte {
		rest := fmt.Appendf(nil, `["%d",`, instant)
		if !ok {
			rest = fmt.Appendf(nil, `["%d%09d",`, time.seconds, time.nanos)
		}
		rest = append(event.AppendString(rest, line), `,{`...)
		_ = fields(entry, "entry", func(field protowire.Number, value []byte) error {
			if field == 3 || field == 4 {
				name, text, _ := readPair(value)
				rest = appendPair(rest, name, text)
			}
			return nil
		})
		return append(rest, `}]`...)
	})
}

func readPair(pair []byte) (name, value []byte, err error) {
	err = fields(pair, "label", func(field protowire.Number, text []byte) error {
		switch field {
		case 1:
			name = text
		case 2:
			value = text
		}
		return nil
	})
	return name, value, err
}

type timestamp struct{ seconds, nanos int64 }

// instant is false for what nanoseconds in 64 bits do not hold.
func (t timestamp) instant() (int64, bool) {
	const billion = 1_000_000_000
	if t.seconds >= math.MaxInt64/billion-2 || t.seconds <= math.MinInt64/billion+2 { // nanos may add two seconds more
		return 0, false
	}
	return t.seconds*billion + t.nanos, true
}

func readTimestamp(message []byte) (t timestamp, err error) {
	for len(message) > 0 {
		field, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return t, protoFault("timestamp")
		}
		message = message[size:]
		if kind != protowire.VarintType {
			size = protowire.ConsumeFieldValue(field, kind, message)
		} else {
			var n uint64
			n, size = protowire.ConsumeVarint(message)
			switch field {
			case 1:
				t.seconds = int64(n)
			case 2:
				t.nanos = int64(int32(n))
			}
		}
		if size < 0 {
			return t, protoFault("timestamp")
		}
		message = message[size:]
	}
	return t, nil
}

// fields calls each for the fields of a message that are messages or text; all others are unknown and passed over.
func fields(message []byte, what string, each func(field protowire.Number, value []byte) error) error {
	for len(message) > 0 {
		field, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return protoFault(what)
		}
		message = message[size:]
		if kind != protowire.BytesType {
			if size = protowire.ConsumeFieldValue(field, kind, message); size < 0 {
				return protoFault(what)
			}
			message = message[size:]
			continue
		}
		value, size := protowire.ConsumeBytes(message)
		if size < 0 {
			return protoFault(what)
		}
		message = message[size:]
		if err := each(field, value); err != nil {
			return err
		}
	}
	return nil
}

func protoFault(what string) error {
	return fault.New(fault.Invalid, "", "the body is no push request: its %s is no protobuf", what)
}
