package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/stelehq/stele/internal/fault"
)

// queryError is what is wrong with a query, and where.
type queryError struct {
	text         string // the error on one line, with its place
	message      string // without
	line, column int    // from 1; column counts characters
	better       string // the query that was probably meant; "" if that is not known
}

func (e *queryError) Error() string { return e.text }

// queryRefused reads the answer to a query that is refused.
func (r *remote) queryRefused(resp *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	var part struct {
		Error, Suggestion string
		Reasons           []string
		Position          *struct{ Line, Column int }
	}
	if err != nil || json.Unmarshal(text, &part) != nil || part.Error == "" {
		return fault.New(fault.Invalid, "", "the server at %s answers %s", r.base, resp.Status)
	}
	if part.Position == nil || len(part.Reasons) == 0 {
		return fault.New(fault.Invalid, "", "the server answers: %s", part.Error)
	}
	return &queryError{text: strings.TrimPrefix(part.Error, "the query cannot be run: "), message: part.Reasons[0], line: part.Position.Line, column: part.Position.Column, better: part.Suggestion}
}

const shownAround = 70 // characters of a query's line on each side of the place

// render shows the error, the line of the query, a caret under the place, and what was probably meant.
//
//	stele: line 1, column 37: unexpected `==`: equality is written `=`
//	    select count(*) from stream where N == 1
//	                                        ^
//	did you mean:
//	    select count(*) from stream where N = 1
func (e *queryError) render(text string) string {
	var b strings.Builder
	said := e.text
	if e.better != "" { // instead of the word alone
		if cut := strings.Index(said, e.message); cut >= 0 {
			said = said[:cut+len(e.message)]
		}
	}
	b.WriteString("stele: " + visible(said) + "\n")
	lines := strings.Split(text, "\n")
	if e.line >= 1 && e.line <= len(lines) {
		line := []rune(strings.ReplaceAll(strings.TrimRight(lines[e.line-1], "\r"), "\t", " "))
		at := min(max(e.column-1, 0), len(line))
		before, after := line[max(0, at-shownAround):at], line[at:min(len(line), at+shownAround)]
		left, right := visible(string(before)), visible(string(after))
		if len(before) < at {
			left = "…" + left
		}
		if at+len(after) < len(line) {
			right += "…"
		}
		b.WriteString("    " + left + right + "\n    " + strings.Repeat(" ", displayWidth(left)) + "^\n")
	}
	if e.better != "" {
		b.WriteString("did you mean:\n")
		for line := range strings.Lines(e.better) {
			b.WriteString("    " + visible(strings.TrimRight(line, "\r\n")) + "\n")
		}
	}
	return b.String()
}
