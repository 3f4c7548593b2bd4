package exec

import (
	"regexp"
	resyntax "regexp/syntax"
)

// Regular expressions are RE2's: matching takes time proportional to text and program, whatever they are.

// maxProgram bounds a regular expression's program, so that text of the largest event is matched in bounded time.
const maxProgram = 4000

// A matcher is a compiled regular expression with the size of its program.
type matcher struct {
	*regexp.Regexp
	size int
}

// compileRegex compiles source between before and after; problem says what is wrong.
func compileRegex(before, source, after string, ci bool) (m *matcher, problem string) {
	tree, err := resyntax.Parse(source, resyntax.Perl)
	if err != nil {
		e, ok := err.(*resyntax.Error)
		if !ok {
			return nil, err.Error()
		}
		switch e.Code {
		case resyntax.ErrInvalidPerlOp, resyntax.ErrInvalidEscape:
			return nil, e.Code.String() + " `" + e.Expr + "` (look-around and back-references are not supported: the syntax is RE2)"
		}
		return nil, e.Code.String() + " `" + e.Expr + "`"
	}
	size := programSize(tree)
	if size > maxProgram {
		return nil, "it is too large"
	}
	flags := ""
	if ci {
		flags = "(?i)"
	}
	re, err := regexp.Compile(flags + before + "(?:" + source + ")" + after)
	if err != nil {
		return nil, err.Error()
	}
	return &matcher{re, size}, ""
}

// programSize estimates the instructions of a regular expression before it is expanded; no more than maxProgram+1.
func programSize(re *resyntax.Regexp) int {
	n := 1 + len(re.Rune)/2
	for _, sub := range re.Sub {
		if n += programSize(sub); n > maxProgram {
			return maxProgram + 1
		}
	}
	if re.Op == resyntax.OpRepeat {
		n *= max(re.Max, re.Min+1)
	}
	return min(n, maxProgram+1)
}

// afford says whether matching s may be paid for.
func (m *matcher) afford(e *env, s string) bool { return e.spend(len(s)/64*m.size + 1) }
