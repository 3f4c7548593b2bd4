package syntax

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/fault"
)

// Error points at what is wrong in an expression. errors.Is(err, fault.Invalid) holds.
type Error struct {
	Offset       int    // byte offset in the text
	Line, Column int    // from 1; Column counts characters
	Message      string // what was found, what was expected
	Suggestion   string // what was probably meant, as it would be written there: "<>", "@Level"; may be empty
}

// Error renders the error on one line.
func (e *Error) Error() string {
	s := fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
	if e.Suggestion != "" {
		s += fmt.Sprintf(" (did you mean `%s`?)", e.Suggestion)
	}
	return s
}

// Is makes errors.Is(err, fault.Invalid) hold.
func (e *Error) Is(target error) bool { return target == error(fault.Invalid) }

// ErrorAt returns an error that points at byte pos of text.
func ErrorAt(text string, pos Pos, suggestion, format string, args ...any) *Error {
	off := min(max(int(pos), 0), len(text))
	before := text[:off]
	lineStart := strings.LastIndexByte(before, '\n') + 1
	return &Error{
		Offset:     off,
		Line:       strings.Count(before, "\n") + 1,
		Column:     utf8.RuneCountInString(before[lineStart:]) + 1,
		Message:    fmt.Sprintf(format, args...),
		Suggestion: suggestion,
	}
}

// Nearest returns the candidate that word was probably meant to be, or "": equal but for case, or at most
// one edit away for each three characters.
func Nearest(word string, candidates []string) string {
	best, bestCost := "", min(len(word)/3, 3)+1
	for _, c := range candidates {
		if strings.EqualFold(word, c) {
			return c
		}
		// Names longer than this are no near miss of anything, and the cost is quadratic.
		if len(word) > 40 || len(c) > 40 {
			continue
		}
		if cost := edits(strings.ToLower(word), strings.ToLower(c)); cost < bestCost {
			best, bestCost = c, cost
		}
	}
	return best
}

// edits counts the bytes to insert, delete, replace, or swap with their neighbour to turn a into b.
func edits(a, b string) int {
	prev2 := make([]int, len(b)+1)
	prev := make([]int, len(b)+1)
	cur := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
