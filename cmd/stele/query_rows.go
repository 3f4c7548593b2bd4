package main

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// rowsOutput is what a door writes the answer to a query to: CSV as it is shown, or lines (stele.Rows.WriteLines).
type rowsOutput struct {
	out     *bufio.Writer
	printer rowPrinter // nil: the answer is shown as it comes
	rest    []byte     // of a line whose end is to come
	begun   bool
	columns int
	ended   bool   // the last line was there
	limited bool   // there are more rows
	warning string // of damage
	hints   []string
	failure string // why it is not whole
}

// rowPrinter shows rows.
type rowPrinter interface {
	begin(h rowsHeader) error
	row(values []event.Value) error
	end() error
}

// rowsHeader says what the columns are: the time slice first, if timed, then so many keys, then what was selected.
type rowsHeader struct {
	columns []string
	timed   bool
	keys    int
}

func newRowsOutput(c *queryCommand, w io.Writer) *rowsOutput {
	o := &rowsOutput{out: bufio.NewWriterSize(w, 64<<10)}
	p := output{Color: c.Color}.printer(w)
	p.w = o.out
	width := terminalWidth(w)
	switch {
	case c.CSV:
	case c.JSON:
		o.printer = &objectRows{w: o.out}
	case c.Chart:
		o.printer = &chartRows{p: p, width: width}
	default:
		o.printer = &tableRows{p: p, width: width}
	}
	return o
}

// terminalWidth is how many characters a line has; 0 if it is no terminal and COLUMNS does not say either.
func terminalWidth(w io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return n
		}
	}
	return 0
}

func (o *rowsOutput) Write(p []byte) (int, error) {
	if o.printer == nil {
		return o.out.Write(p)
	}
	n := len(p)
	for {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			o.rest = append(o.rest, p...)
			return n, nil
		}
		line := p[:end]
		if len(o.rest) > 0 {
			line = append(o.rest, line...)
		}
		if err := o.line(line); err != nil {
			return 0, err
		}
		o.rest, p = o.rest[:0], p[end+1:]
	}
}

func (o *rowsOutput) line(text []byte) error {
	v, err := event.ParseValue(text)
	switch {
	case err != nil:
		return fault.WrapAs(fault.Unsupported, err, "", "the answer cannot be read")
	case v.Kind == event.Array && o.begun && !o.ended && len(v.Items) == o.columns:
		return o.printer.row(v.Items)
	case v.Kind == event.Object && !o.begun:
		o.begun, o.columns = true, len(v.Get("Columns").Items)
		h := rowsHeader{timed: v.Get("Time").Bool}
		h.keys, _ = strconv.Atoi(v.Get("Keys").Text)
		h.keys = max(0, h.keys)
		for _, name := range v.Get("Columns").Items {
			h.columns = append(h.columns, name.Text)
		}
		return o.printer.begin(h)
	case v.Kind == event.Object && !o.ended:
		o.ended = true
		o.limited = v.Get("Statistics").Get("LimitReached").Bool
		for _, h := range v.Get("Hints").Items {
			o.hints = append(o.hints, h.Get("Text").Text)
		}
		o.warning, o.failure = v.Get("Warning").Text, v.Get("Error").Text
		return nil
	}
	return fault.New(fault.Unsupported, "", "the answer cannot be read: %.60s", text)
}

// end shows what was held back. The error says that the answer is not whole, and is of the kind that cut it short if that is known.
func (o *rowsOutput) end(cut fault.Kind) error {
	if o.printer != nil {
		if !o.begun {
			return fault.New(fault.Unavailable, "", "the server's answer was cut short")
		}
		if err := o.printer.end(); err != nil {
			return err
		}
	}
	if err := o.out.Flush(); err != nil {
		return err
	}
	switch {
	case o.printer == nil:
		return nil
	case !o.ended:
		return fault.New(fault.Unavailable, "", "the server's answer was cut short")
	case o.failure != "":
		return fault.New(cmp.Or(cut, fault.Internal), "", "the rows are not all: %s", o.failure)
	}
	return nil
}

// objectRows are an object for each row.
type objectRows struct {
	w     *bufio.Writer
	names [][]byte // with their colons
	buf   []byte
}

func (p *objectRows) begin(h rowsHeader) error {
	for _, name := range h.columns {
		p.names = append(p.names, append(event.AppendText(nil, name), ':'))
	}
	return nil
}

func (p *objectRows) row(values []event.Value) error {
	p.buf = append(p.buf[:0], '{')
	for i, v := range values {
		if i > 0 {
			p.buf = append(p.buf, ',')
		}
		p.buf = v.AppendJSON(append(p.buf, p.names[i]...))
	}
	_, err := p.w.Write(append(p.buf, "}\n"...))
	return err
}

func (p *objectRows) end() error { return nil }

// cellText shows a value in one line. A time slice leaves out what is zero of its seconds.
func cellText(v event.Value, isTime bool) string {
	switch {
	case v.Kind == event.String && isTime:
		if head, fraction, ok := strings.Cut(strings.TrimSuffix(v.Text, "Z"), "."); ok {
			if fraction = strings.TrimRight(fraction, "0"); fraction != "" {
				fraction = "." + fraction
			}
			return head + fraction + "Z"
		}
		return v.Text
	case v.Kind == event.String:
		return strings.ReplaceAll(visible(v.Text), "\t", " ")
	case v.Kind == event.Number:
		return shortNumber(v.Text)
	}
	return visible(v.String())
}

// shortNumber cuts what is more than six digits of a fraction, or six that count if it is a very small one.
func shortNumber(text string) string {
	whole, fraction, ok := strings.Cut(text, ".")
	if !ok || strings.ContainsAny(fraction, "eE") {
		return text
	}
	most := 6
	if strings.Trim(whole, "-0") == "" {
		most += len(fraction) - len(strings.TrimLeft(fraction, "0"))
	}
	if len(fraction) <= most+1 { // the mark would take as much
		return text
	}
	return whole + "." + fraction[:most] + "…"
}
