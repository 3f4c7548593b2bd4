package stele

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/units"
)

// policyJSON is a retention policy as it is stored, sent and configured: {"Id":"old","Age":"30d"}.
type policyJSON struct {
	ID         string          `json:"Id"`
	Age        *string         `json:",omitempty"`
	ArrivedAge *string         `json:",omitempty"`
	Bytes      json.RawMessage `json:",omitempty"` // a number, or text such as "10GiB"
	Filter     string          `json:",omitempty"`
	Signal     string          `json:",omitempty"`
	Fixed      bool            `json:",omitempty"`
}

// MarshalJSON writes ages as 30d or 1d12h, rounded up to a second, and the size as a number of bytes.
func (p RetentionPolicy) MarshalJSON() ([]byte, error) {
	out := policyJSON{ID: p.ID, Filter: p.Filter, Signal: p.Signal, Fixed: p.Fixed}
	age := func(d time.Duration) *string {
		if d == 0 {
			return nil
		}
		if whole := d.Truncate(time.Second); whole < d { // rather too old than too young
			d = max(whole, whole+time.Second) // it may overflow
		}
		text := units.Span(d)
		return &text
	}
	out.Age, out.ArrivedAge = age(p.Age), age(p.ArrivedAge)
	if p.Bytes != 0 {
		out.Bytes, _ = json.Marshal(p.Bytes) // a number
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return nil, fault.WrapAs(fault.Internal, err, "retention policy", "it cannot be written")
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// UnmarshalJSON reads a policy; what it does not know is an error, as a policy that is misread deletes too much. Fixed is not read.
func (p *RetentionPolicy) UnmarshalJSON(text []byte) error {
	const op = "retention policy"
	var in policyJSON
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return fault.WrapAs(fault.Invalid, err, op, "it is not of the form {\"Id\":\"old\",\"Age\":\"30d\",\"ArrivedAge\":\"30d\",\"Bytes\":\"10GiB\",\"Filter\":\"…\",\"Signal\":\"…\"}")
	}
	*p = RetentionPolicy{ID: in.ID, Filter: in.Filter, Signal: in.Signal}
	for _, a := range []struct {
		name string
		text *string
		to   *time.Duration
	}{{"Age", in.Age, &p.Age}, {"ArrivedAge", in.ArrivedAge, &p.ArrivedAge}} {
		if a.text == nil {
			continue
		}
		var err error
		if *a.to, err = units.ParseSpan(*a.text); err != nil {
			return fault.WrapAs(fault.Invalid, err, op, "%s", a.name)
		}
		if *a.to == 0 {
			return fault.New(fault.Invalid, op, "%s: nothing is younger than that; leave it out if it does not count", a.name)
		}
	}
	if len(in.Bytes) > 0 && string(in.Bytes) != "null" {
		size := string(in.Bytes)
		if size[0] == '"' {
			if err := json.Unmarshal(in.Bytes, &size); err != nil {
				return fault.WrapAs(fault.Invalid, err, op, "Bytes")
			}
		}
		var err error
		if p.Bytes, err = units.ParseSize(size); err != nil {
			return fault.WrapAs(fault.Invalid, err, op, "Bytes")
		}
		if p.Bytes == 0 {
			return fault.New(fault.Invalid, op, "Bytes: 0 would keep nothing; leave it out if it does not count")
		}
	}
	return nil
}
