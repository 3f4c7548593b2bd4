package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/units"
)

// chartRows draw each column of numbers. Over time alone, or by keys alone, each row has a bar:
//
//	count(*)
//	2026-11-20T10:00:00Z  ██████████████████  12
//	2026-11-20T10:01:00Z  █████████            6
//
// Over time and keys each key has a line, all of one scale, with the most of each on the right:
//
//	count(*)     2026-11-20T10:00:00Z to 2026-11-20T10:05:00Z, each 1m
//	Error        ▁   ▃   2
//	Information  ▃▅█▇▅▃  7
type chartRows struct {
	p      *printer
	width  int // of a line; 0: 80
	header rowsHeader
	rows   [][]event.Value
}

const (
	chartWidth = 80
	mostPoints = 1 << 20
	leastBar   = 10
	widestName = 40
	barLook    = "36"
)

func (c *chartRows) begin(h rowsHeader) error {
	if c.header = h; !h.timed && h.keys == 0 || c.lead() > len(h.columns) {
		return fault.New(fault.Invalid, "", "a chart is of a query that groups by something").WithHint("group by time(1h), for one")
	}
	if c.width == 0 {
		c.width = chartWidth
	}
	return nil
}

// lead is how many columns say what a row is of.
func (c *chartRows) lead() int {
	if c.header.timed {
		return c.header.keys + 1
	}
	return c.header.keys
}

func (c *chartRows) row(values []event.Value) error {
	if len(c.rows) == mostPoints {
		return fault.New(fault.TooLarge, "", "there are more than %d rows, which no chart shows", mostPoints)
	}
	c.rows = append(c.rows, values)
	return nil
}

func (c *chartRows) end() error {
	first := c.lead()
	drawn := false
	for col := first; col < len(c.header.columns); col++ {
		if !c.numeric(col) {
			continue
		}
		if drawn {
			if _, err := c.p.w.Write([]byte("\n")); err != nil {
				return err
			}
		}
		drawn = true
		draw := c.bars
		if c.header.timed && c.header.keys > 0 {
			draw = c.lines
		}
		if err := draw(col, first); err != nil {
			return err
		}
	}
	if !drawn && len(c.rows) > 0 {
		return fault.New(fault.Invalid, "", "a chart is of numbers, and no column has any").WithHint("without --chart the rows are a table")
	}
	return nil
}

// numeric reports whether a column has numbers.
func (c *chartRows) numeric(col int) bool {
	for _, row := range c.rows {
		if _, ok := number(row[col]); ok {
			return true
		}
	}
	return false
}

func number(v event.Value) (float64, bool) {
	if v.Kind != event.Number {
		return 0, false
	}
	n, err := strconv.ParseFloat(v.Text, 64)
	return n, err == nil
}

// bars draws a bar for each row: of what is negative in another shade.
func (c *chartRows) bars(col, first int) error {
	labels, texts := make([]string, len(c.rows)), make([]string, len(c.rows))
	labelWidth, textWidth, most := 0, 0, 0.0
	for i, row := range c.rows {
		labels[i] = cutTo(c.name(row[:first]), widestName)
		if _, ok := number(row[col]); ok {
			texts[i] = shortNumber(row[col].Text)
		}
		n, _ := number(row[col])
		most = max(most, math.Abs(n))
		labelWidth, textWidth = max(labelWidth, displayWidth(labels[i])), max(textWidth, displayWidth(texts[i]))
	}
	if err := c.title(col, ""); err != nil {
		return err
	}
	room := max(leastBar, c.width-labelWidth-textWidth-2*len(columnGap))
	for i, row := range c.rows {
		n, _ := number(row[col])
		bar := barOf(n, most, room)
		c.p.buf = append(c.p.buf[:0], labels[i]+strings.Repeat(" ", labelWidth-displayWidth(labels[i]))+columnGap...)
		c.p.buf = c.p.appendPart(c.p.buf, barLook, bar)
		c.p.buf = append(c.p.buf, strings.Repeat(" ", room-displayWidth(bar)+len(columnGap)+textWidth-displayWidth(texts[i]))+texts[i]...)
		if err := c.flush(); err != nil {
			return err
		}
	}
	return nil
}

// flush ends a line.
func (c *chartRows) flush() error {
	_, err := c.p.w.Write(append([]byte(strings.TrimRight(string(c.p.buf), " ")), '\n'))
	return err
}

func (c *chartRows) title(col int, more string) error {
	c.p.buf = append(c.p.appendPart(c.p.buf[:0], "1", visible(c.header.columns[col])), more...)
	return c.flush()
}

// name is what a row is called by its time and keys.
func (c *chartRows) name(lead []event.Value) string {
	parts := make([]string, len(lead))
	for i, v := range lead {
		parts[i] = cellText(v, i == 0 && c.header.timed)
	}
	return strings.Join(parts, ", ")
}

// barOf is a bar of at most room characters, in eighths of one; negative ones are shaded.
func barOf(n, most float64, room int) string {
	if most == 0 {
		return ""
	}
	eighths := int(math.Round(math.Abs(n) / most * float64(room*8)))
	if eighths == 0 && n != 0 {
		eighths = 1
	}
	if n < 0 {
		return strings.Repeat("░", (eighths+7)/8)
	}
	bar := strings.Repeat("█", eighths/8)
	if part := eighths % 8; part > 0 {
		bar += string([]rune("▏▎▍▌▋▊▉")[part-1])
	}
	return bar
}

// A series is what a key has over time.
type series struct {
	name   string
	points []point
	most   float64
	text   string // of most
}

type point struct {
	at time.Time
	n  float64
}

// series gathers the numbers of a column by key, in the order in which the keys come first.
func (c *chartRows) series(col, first int) []*series {
	var all []*series
	byName := map[string]*series{}
	for _, row := range c.rows {
		n, ok := number(row[col])
		at, err := time.Parse(time.RFC3339Nano, row[0].Text)
		if !ok || err != nil {
			continue
		}
		parts := make([]string, 0, c.header.keys)
		for _, v := range row[1:first] {
			parts = append(parts, cellText(v, false))
		}
		name := strings.Join(parts, ", ")
		s := byName[name]
		if s == nil {
			s = &series{name: cutTo(name, widestName), most: math.Inf(-1)}
			byName[name] = s
			all = append(all, s)
		}
		s.points = append(s.points, point{at, n})
		if n > s.most {
			s.most, s.text = n, shortNumber(row[col].Text)
		}
	}
	return all
}

// lines draws a line for each key, the slices from left to right; several share a character if they are too many, which then shows the most of them.
func (c *chartRows) lines(col, first int) error {
	from, to, step, ok := c.times()
	if !ok {
		return fault.New(fault.Unsupported, "", "the answer's times cannot be drawn")
	}
	title := visible(c.header.columns[col])
	all := c.series(col, first)
	nameWidth, textWidth, least, most := displayWidth(title), 0, 0.0, 0.0
	for _, s := range all {
		nameWidth, textWidth = max(nameWidth, displayWidth(s.name)), max(textWidth, displayWidth(s.text))
		for _, p := range s.points {
			least, most = min(least, p.n), max(most, p.n)
		}
	}
	slices := 1
	if step > 0 {
		slices = int(to.Sub(from)/step) + 1
	}
	room := min(slices, max(leastBar, c.width-nameWidth-textWidth-2*len(columnGap)))
	share := (slices + room - 1) / room // slices of one character
	room = (slices + share - 1) / share
	span := ""
	if step > 0 {
		each := step * time.Duration(share)
		text := units.Span(each)
		if each%time.Second != 0 {
			text = each.String()
		}
		span = fmt.Sprintf(" to %s, each %s", shortTime(to.UnixNano()), text)
	}
	if err := c.title(col, strings.Repeat(" ", nameWidth-displayWidth(title)+len(columnGap))+shortTime(from.UnixNano())+span); err != nil {
		return err
	}
	for _, s := range all {
		c.p.buf = append(c.p.buf[:0], s.name+strings.Repeat(" ", nameWidth-displayWidth(s.name))+columnGap...)
		c.p.buf = c.p.appendPart(c.p.buf, barLook, s.marks(from, step*time.Duration(share), room, least, most))
		c.p.buf = append(c.p.buf, columnGap+strings.Repeat(" ", textWidth-displayWidth(s.text))+s.text...)
		if err := c.flush(); err != nil {
			return err
		}
	}
	return nil
}

// marks draws a series in so many characters of each some time.
func (s *series) marks(from time.Time, each time.Duration, room int, least, most float64) string {
	marks := []rune(strings.Repeat(" ", room))
	highest := make([]float64, room)
	for _, p := range s.points {
		at := 0
		if each > 0 {
			at = int(p.at.Sub(from) / each)
		}
		if marks[at] == ' ' || p.n > highest[at] {
			marks[at], highest[at] = level(p.n, least, most), p.n
		}
	}
	return string(marks)
}

// level is the mark of a value between least and most.
func level(n, least, most float64) rune {
	marks := []rune("▁▂▃▄▅▆▇█")
	if most == least {
		return marks[0]
	}
	return marks[min(len(marks)-1, int((n-least)/(most-least)*float64(len(marks))))]
}

// times are those of the first and the last slice, and the least between two.
func (c *chartRows) times() (from, to time.Time, step time.Duration, ok bool) {
	seen := map[int64]bool{}
	for _, row := range c.rows {
		t, err := time.Parse(time.RFC3339Nano, row[0].Text)
		if err != nil || t.Year() < 1678 || t.Year() > 2261 {
			return from, to, 0, false
		}
		if len(seen) == 0 || t.Before(from) {
			from = t
		}
		if len(seen) == 0 || t.After(to) {
			to = t
		}
		seen[t.UnixNano()] = true
	}
	for at := range seen {
		if d := time.Duration(at - from.UnixNano()); d > 0 {
			step = gcd(step, d)
		}
	}
	return from, to, step, len(seen) > 0
}

// gcd: slices begin a whole number of their width apart.
func gcd(a, b time.Duration) time.Duration {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}
