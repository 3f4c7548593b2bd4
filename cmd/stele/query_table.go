package main

import (
	"slices"
	"strings"
	"unicode"

	"github.com/stelehq/stele/internal/event"
)

// tableRows are rows in columns: numbers to the right, what is too wide cut with ….
//
//	@Level       count(*)
//	Error               3
//	Information      1204
type tableRows struct {
	p      *printer
	width  int // of a line; 0: any
	header rowsHeader
	held   [][]string // rows until the widths are known
	widths []int
	right  []bool
	laid   bool
}

const (
	heldRows  = 1000 // by which the widths are chosen
	widest    = 60   // column
	narrowest = 8    // a column that gives way to others
	columnGap = "  "
)

func (t *tableRows) begin(h rowsHeader) error {
	t.header = h
	t.widths, t.right = make([]int, len(h.columns)), make([]bool, len(h.columns))
	for i, name := range h.columns {
		t.widths[i], t.right[i] = displayWidth(visible(name)), true
	}
	return nil
}

func (t *tableRows) row(values []event.Value) error {
	cells := make([]string, len(values))
	for i, v := range values {
		cells[i] = cellText(v, i == 0 && t.header.timed)
		if !t.laid {
			t.widths[i] = max(t.widths[i], displayWidth(cells[i]))
			t.right[i] = t.right[i] && (v.Kind == event.Number || v.Kind == event.Null)
		}
	}
	if t.laid {
		return t.print(cells, plain)
	}
	if t.held = append(t.held, cells); len(t.held) == heldRows {
		return t.lay()
	}
	return nil
}

func (t *tableRows) end() error {
	if t.laid {
		return nil
	}
	return t.lay()
}

// lay chooses the widths and prints what is held.
func (t *tableRows) lay() error {
	t.laid = true
	for i := range t.widths {
		t.widths[i] = min(t.widths[i], widest)
	}
	over := (len(t.widths) - 1) * len(columnGap)
	for _, w := range t.widths {
		over += w
	}
	for over -= t.width; t.width > 0 && over > 0; over-- {
		i := slices.Index(t.widths, slices.Max(t.widths))
		if t.widths[i] <= narrowest {
			break
		}
		t.widths[i]--
	}
	names := make([]string, len(t.header.columns))
	for i, name := range t.header.columns {
		names[i] = visible(name)
	}
	if err := t.print(names, "1"); err != nil {
		return err
	}
	for _, cells := range t.held {
		if err := t.print(cells, plain); err != nil {
			return err
		}
	}
	t.held = nil
	return nil
}

func (t *tableRows) print(cells []string, look string) error {
	var line strings.Builder
	for i, cell := range cells {
		cell = cutTo(cell, t.widths[i])
		pad := strings.Repeat(" ", t.widths[i]-displayWidth(cell))
		if i > 0 {
			line.WriteString(columnGap)
		}
		if t.right[i] {
			line.WriteString(pad + cell)
		} else {
			line.WriteString(cell + pad)
		}
	}
	t.p.buf = append(t.p.appendPart(t.p.buf[:0], look, strings.TrimRight(line.String(), " ")), '\n')
	_, err := t.p.w.Write(t.p.buf)
	return err
}

// displayWidth is how many columns of a terminal a text takes, about.
func displayWidth(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && (r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 || r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f ||
		r >= 0xff00 && r <= 0xff60 || r >= 0xffe0 && r <= 0xffe6 || r >= 0x1f300 && r <= 0x1faff || r >= 0x20000 && r <= 0x3fffd):
		return 2
	}
	return 1
}

// cutTo shortens a text to so many columns.
func cutTo(s string, width int) string {
	if displayWidth(s) <= width {
		return s
	}
	n := 0
	for i, r := range s {
		if n += runeWidth(r); n > width-1 {
			return s[:i] + "…"
		}
	}
	return s
}
