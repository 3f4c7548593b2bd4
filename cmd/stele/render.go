package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/stelehq/stele/internal/event"
)

// output is how events are shown.
type output struct {
	JSON  bool   `name:"json" help:"CLEF as it was given, one JSON object a line."`
	Local bool   `help:"Times in the local time zone (default UTC)."`
	Color string `enum:"auto,always,never" default:"auto" help:"Colour by level: ${enum}. NO_COLOR in the environment is never."`
}

// printer shows events, one line each; the lines of an exception follow, indented.
//
//	2026-11-20 10:23:02.123Z ERR Payment of 12.50 failed for alice
//	    System.TimeoutException: no answer
type printer struct {
	w     io.Writer
	json  bool
	color bool
	zone  *time.Location
	buf   []byte
}

func (o output) printer(w io.Writer) *printer {
	p := &printer{w: w, json: o.JSON, zone: time.UTC}
	if o.Local {
		p.zone = time.Local
	}
	p.color = o.Color == "always" || o.Color == "auto" && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
	return p
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// print shows the event with this CLEF.
func (p *printer) print(clef []byte) error {
	p.buf = p.buf[:0]
	if p.json {
		p.buf = append(append(p.buf, clef...), '\n')
	} else {
		p.buf = p.appendLine(p.buf, clef)
	}
	_, err := p.w.Write(p.buf)
	return err
}

// printLines shows several events.
func (p *printer) printLines(lines []byte) error {
	if p.json {
		_, err := p.w.Write(lines)
		return err
	}
	for line := range bytes.Lines(lines) {
		if err := p.print(bytes.TrimSuffix(line, newline)); err != nil {
			return err
		}
	}
	return nil
}

// printTurned shows several events, the last one first.
func (p *printer) printTurned(lines []byte) error {
	for len(lines) > 0 {
		lines = bytes.TrimSuffix(lines, newline)
		start := bytes.LastIndexByte(lines, '\n') + 1
		if err := p.print(lines[start:]); err != nil {
			return err
		}
		lines = lines[:start]
	}
	return nil
}

var newline = []byte("\n")

// The parts of a line, and their colours.
const (
	plain  = ""
	dim    = "2"
	value  = "36" // of a property in a message
	traced = "2;31"
)

// levels has the label and the colour of each rank.
var levels = [...]struct{ label, color string }{
	event.RankUnknown:     {"", "35"},
	event.RankVerbose:     {"VRB", "2"},
	event.RankDebug:       {"DBG", "2"},
	event.RankInformation: {"INF", "32"},
	event.RankWarning:     {"WRN", "33"},
	event.RankError:       {"ERR", "31"},
	event.RankFatal:       {"FTL", "1;37;41"},
}

func (p *printer) appendLine(dst, clef []byte) []byte {
	e, err := event.ParseValue(clef)
	if err != nil {
		return append(append(dst, clef...), '\n') // a store gives JSON; what is not is shown as it is
	}
	dst = p.appendPart(dst, dim, p.time(e))
	dst = append(dst, ' ')
	level := event.Level(e)
	look := levels[event.LevelRank(level)]
	if look.label == "" {
		look.label = clipText(level, 12)
	}
	dst = p.appendPart(dst, look.color, look.label)
	dst = p.appendMessage(append(dst, ' '), e)
	dst = append(dst, '\n')
	if x := e.Get("@x"); x.Kind == event.String {
		for line := range strings.Lines(strings.TrimRight(x.Text, "\r\n")) {
			dst = append(dst, "    "...)
			dst = p.appendPart(dst, traced, strings.TrimRight(line, "\r\n"))
			dst = append(dst, '\n')
		}
	}
	return dst
}

// time renders the event's time to the millisecond.
func (p *printer) time(e event.Value) string {
	text := e.Get("@t").Text
	instant, _, err := event.ParseTime([]byte(text))
	if err != nil {
		return text
	}
	t := time.Unix(0, instant).In(p.zone)
	if p.zone == time.UTC {
		return t.Format("2006-01-02 15:04:05.000Z")
	}
	return t.Format("2006-01-02 15:04:05.000")
}

// appendMessage renders the message, with the values of properties marked. An event without
// a message shows its properties.
func (p *printer) appendMessage(dst []byte, e event.Value) []byte {
	tokens, filled := event.MessageParts(e)
	for i, t := range tokens {
		look := plain
		if t.Name != "" && filled[i] != t.Text {
			look = value
		}
		dst = p.appendPart(dst, look, filled[i])
	}
	if len(tokens) > 0 {
		return dst
	}
	rest := event.Value{Kind: event.Object}
	for _, m := range e.Members {
		switch m.Name {
		case "@t", "@l", "@x":
		default:
			rest.Members = append(rest.Members, m)
		}
	}
	return p.appendPart(dst, dim, string(rest.AppendJSON(nil)))
}

// appendPart appends text on one line, with a colour. Control characters are made visible:
// a log must not speak to the terminal.
func (p *printer) appendPart(dst []byte, color, text string) []byte {
	if p.color && color != "" {
		dst = append(append(append(dst, "\x1b["...), color...), 'm')
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	for _, r := range text {
		switch {
		case r == '\n':
			dst = append(dst, "⏎ "...)
		case r == '\t':
			dst = append(dst, '\t')
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	if p.color && color != "" {
		dst = append(dst, "\x1b[0m"...)
	}
	return dst
}

func clipText(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
