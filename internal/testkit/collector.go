package testkit

import (
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// Collector is a batch that keeps its lines, and asks of them what every batch does. The zero value has no limits.
type Collector struct {
	Lines      []string
	Bytes      int // of all lines
	EventBytes int // most bytes of a line; 0: any number
	Most       int // most of all lines; 0: any number
}

// AddCLEF is as stele.Batch's.
func (c *Collector) AddCLEF(line []byte) error {
	v, err := event.ParseValue(line)
	if err != nil {
		return err
	}
	t := v.Get("@t")
	if v.Kind != event.Object || t.Kind != event.String {
		return fault.New(fault.Invalid, "", "no @t")
	}
	if _, _, err := event.ParseTime([]byte(t.Text)); err != nil {
		return err
	}
	if c.EventBytes > 0 && len(line) > c.EventBytes {
		return fault.New(fault.TooLarge, "", "the event is too long")
	}
	if c.Most > 0 && c.Bytes+len(line) > c.Most {
		return fault.New(fault.TooLarge, "", "the batch is full")
	}
	c.Bytes += len(line)
	c.Lines = append(c.Lines, string(line))
	return nil
}
