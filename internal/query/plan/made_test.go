package plan_test

import (
	"fmt"
	"strings"

	"github.com/stelehq/stele/internal/query/exec"
)

// A maker makes the text of a query by choices; when there are none left it always takes the first.
type maker struct {
	choices []byte
	locals  []string
}

// queryOf returns the query that choices stand for. Most parse, and many mean something.
func queryOf(choices []byte) string {
	m := &maker{choices: choices}
	return m.query()
}

func (m *maker) upTo(n int) int {
	if len(m.choices) == 0 {
		return 0
	}
	c := int(m.choices[0])
	m.choices = m.choices[1:]
	return c % n
}

func (m *maker) pick(list ...string) string { return list[m.upTo(len(list))] }

// some joins up to n of what make makes, at least one.
func (m *maker) some(n int, sep string, make func() string) string {
	all := []string{make()}
	for range m.upTo(n) {
		all = append(all, make())
	}
	return strings.Join(all, sep)
}

func (m *maker) query() string {
	if m.upTo(12) == 11 {
		return "select " + m.some(3, ", ", func() string { return m.value(3) + m.pick("", " as s") })
	}
	grouped := m.upTo(3) > 0
	laterals := ""
	for range m.upTo(4) / 2 {
		laterals += " lateral unnest(" + m.pick("L", "L[1].p", "[1, 2, A]", "A", "X.y") + ") as item" + fmt.Sprint(len(m.locals))
		m.locals = append(m.locals, "item"+fmt.Sprint(len(m.locals)))
	}
	column := func() string { return m.value(2) }
	if grouped {
		column = func() string {
			return m.pick("", "", "", "2 * ", "Round(1, ", "interval() / ") + m.aggregate() + m.pick("", "", " + 1", ")", " / "+m.aggregate())
		}
	}
	q := m.pick("", "", "", "", "explain ", "explain analyze ", "explain lower ") + "select " + m.some(3, ", ", func() string { return column() + m.pick("", " as s", " as n", " as n") })
	if m.upTo(20) == 19 {
		q = "select *"
	}
	q += " from stream" + laterals
	if m.upTo(3) > 0 {
		q += " where " + m.some(3, " and ", func() string { return m.condition(2) })
	}
	if grouped && m.upTo(3) > 0 {
		q += " group by " + m.some(3, ", ", func() string {
			return m.pick("time(1m)", "time(20s)", "A", "B ci", "A ci as a", "C", "D as d", "item0", m.value(2), m.value(1)+" as k")
		})
	}
	if grouped && m.upTo(4) == 3 {
		q += " having " + m.pick("s > 1", "n is not null", "n = 'x' or s <> 2", "a = 'x' ci", "not k", "time > 0", "s[?] = 1", m.condition(1))
	}
	if m.upTo(3) == 2 {
		q += " order by " + m.some(3, ", ", func() string {
			return m.pick("s", "n", "time", "A", "B", "a", "k", "d") + m.pick("", " desc", " asc", " ci", " ci desc")
		})
	}
	if m.upTo(4) == 3 {
		q += " limit " + m.pick("0", "1", "2", "1000", "9223372036854775807", "1.5")
	}
	return q
}

func (m *maker) aggregate() string {
	of := func() string { return m.value(1) }
	switch m.upTo(12) {
	case 0:
		return "count(*)"
	case 1:
		return "count(distinct(" + of() + ")" + m.pick("", " ci") + ")"
	case 2:
		return "percentile(" + of() + ", " + m.pick("50", "0", "100", "99.9", "101") + m.pick("", ", 0.001", ", 1") + ")"
	case 3:
		return "phist(" + of() + ", " + of() + ", " + m.pick("75", "-1") + ")"
	case 4:
		return "distinct(" + of() + ")" + m.pick("", " ci")
	case 5:
		return m.pick("top", "bottom") + "(" + of() + ", " + m.pick("1", "2", "100000", "0") + ")"
	}
	return m.pick("sum", "mean", "min", "max", "first", "last", "any", "all", "count") + "(" + of() + ")"
}

func (m *maker) value(depth int) string {
	if depth == 0 || m.upTo(3) == 0 {
		if len(m.locals) > 0 && m.upTo(3) == 2 {
			return m.pick(m.locals...) + m.pick("", "", ".p", "[0]")
		}
		return m.pick("A", "B", "C", "D", "L", "X.y", "X['y']", "L[0]", "L[1].p[0]", "Missing", "1", "0", "-1.5", "1m", "0xff", "79228162514264337593543950335", "'x'", "'7'", "''", "null", "true", "[]", "{a: 1}",
			"@Message", "@Level", "@Timestamp", "@Exception", "@Document", "@Id", "@Properties", "@MessageTemplate", "@EventType", "Now()")
	}
	v := func() string { return m.value(depth - 1) }
	switch m.upTo(10) {
	case 0, 1:
		return "(" + v() + m.pick(" + ", " - ", " * ", " / ", " % ", " ^ ") + v() + ")"
	case 2:
		return "[" + m.some(2, ", ", v) + "]" + m.pick("", "[0]", "[?]")
	case 3:
		return "{a: " + v() + ", 'b c': " + v() + "}" + m.pick("", ".a", "['b c']")
	case 4:
		return "if " + m.condition(depth-1) + " then " + v() + " else " + v()
	case 5:
		return "let |x: " + v() + "| " + "(x" + m.pick(" + ", " = ", " <> ") + v() + ")"
	case 6:
		return m.pick("Some", "Every") + "(" + v() + ", |x| " + m.pick("x", "x = 1", "x + 1", "x.p", "x is null", "not x") + ")"
	case 7:
		return "-" + v()
	}
	functions := exec.Functions()
	f := functions[m.upTo(len(functions))]
	n := f.Min
	if f.Max > n || f.Max < 0 {
		n += m.upTo(2)
	}
	args := make([]string, n)
	for i := range args {
		args[i] = v()
	}
	return f.Name + "(" + strings.Join(args, ", ") + ")" + m.pick("", "", "", "", " ci")
}

func (m *maker) condition(depth int) string {
	if depth > 0 {
		switch m.upTo(8) {
		case 0:
			return "(" + m.condition(depth-1) + m.pick(" and ", " or ") + m.condition(depth-1) + ")"
		case 1:
			return "not " + m.condition(depth-1)
		}
	}
	of := m.value(min(depth, 1))
	switch m.upTo(10) {
	case 0:
		return of + m.pick(" like ", " not like ") + "'" + m.some(3, "", func() string { return m.pick("%", "_", "?", "x", "e", "7") }) + "'" + m.pick("", " ci")
	case 1:
		return of + m.pick(" = ", " <> ") + m.pick("/x|e/", "/[a-z]+/", "/7$/", "/(/") + m.pick("", " ci")
	case 2:
		return of + m.pick(" in ", " not in ") + "[" + m.some(3, ", ", func() string { return m.value(0) }) + "]"
	case 3:
		return of + m.pick(" is null", " is not null")
	case 4:
		return "Has(" + of + ")"
	case 5:
		return m.pick(`"e"`, `"m"`, `""`)
	case 6:
		return "@Timestamp " + m.pick(">=", "<", ">", "=", "<>") + " " + m.pick("DateTime('2026-03-14T15:00:01Z')", "Now() - 1d", "Now()", "DateTime('x')", "0", "1e30", of)
	case 7:
		return m.pick("Contains", "StartsWith", "EndsWith") + "(" + of + ", " + m.pick("'x'", "/e/", "A") + ")" + m.pick("", " ci")
	case 8:
		return m.pick("L[?]", "L[*]", "L[?].p[?]", "A[*]") + m.pick(" = 1", " > 0", " is null", " = A")
	}
	return of + m.pick(" = ", " <> ", " < ", " <= ", " > ", " >= ") + m.value(min(depth, 1)) + m.pick("", "", " ci")
}
