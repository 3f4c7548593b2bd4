package stele

import (
	"bytes"
	"encoding/json"

	"github.com/stelehq/stele/internal/fault"
)

// signalJSON is a signal as it is stored and sent: Seq's shape.
type signalJSON struct {
	ID                string `json:"Id,omitempty"`
	Title             string
	Description       *string
	Filters           []signalFilterJSON
	Columns           []signalColumnJSON
	IsProtected       bool
	IsIndexSuppressed bool
	Grouping          string
	ExplicitGroupName *string
	OwnerID           *string `json:"OwnerId"`
}

type signalFilterJSON struct {
	Description           *string
	DescriptionIsExcluded bool
	Filter                *string
	FilterNonStrict       *string
}

type signalColumnJSON struct{ Expression string }

// MarshalJSON writes the signal in Seq's shape; texts that are empty and may be are null.
func (g Signal) MarshalJSON() ([]byte, error) {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	out := signalJSON{
		ID: g.ID, Title: g.Title, Description: text(g.Description), Filters: []signalFilterJSON{}, Columns: []signalColumnJSON{},
		IsProtected: g.IsProtected, IsIndexSuppressed: g.IsIndexSuppressed, Grouping: g.Grouping, ExplicitGroupName: text(g.ExplicitGroupName), OwnerID: text(g.OwnerID),
	}
	for _, f := range g.Filters {
		out.Filters = append(out.Filters, signalFilterJSON{text(f.Description), f.DescriptionIsExcluded, text(f.Filter), text(f.FilterNonStrict)})
	}
	for _, c := range g.Columns {
		out.Columns = append(out.Columns, signalColumnJSON{c})
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(out); err != nil {
		return nil, fault.WrapAs(fault.Internal, err, "signal", "it cannot be written")
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// UnmarshalJSON reads a signal. What it does not know is passed over: clients send what a newer Seq may have given them.
func (g *Signal) UnmarshalJSON(text []byte) error {
	var in signalJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return fault.WrapAs(fault.Invalid, err, "signal", "it is not of the form {\"Title\":\"…\",\"Filters\":[{\"Filter\":\"…\"}]}")
	}
	or := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	*g = Signal{
		ID: in.ID, Title: in.Title, Description: or(in.Description), IsProtected: in.IsProtected, IsIndexSuppressed: in.IsIndexSuppressed,
		Grouping: in.Grouping, ExplicitGroupName: or(in.ExplicitGroupName), OwnerID: or(in.OwnerID),
	}
	for _, f := range in.Filters {
		g.Filters = append(g.Filters, SignalFilter{or(f.Filter), or(f.FilterNonStrict), or(f.Description), f.DescriptionIsExcluded})
	}
	for _, c := range in.Columns {
		g.Columns = append(g.Columns, c.Expression)
	}
	return nil
}
