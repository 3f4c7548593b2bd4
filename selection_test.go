package stele_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/testkit"
)

// realLines returns some lines of each file of real logs; none if they are not there.
func realLines(random *rand.Rand, each int) (lines []string) {
	_ = filepath.WalkDir("../shared/data", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var some []string
		for sc := bufio.NewScanner(bytes.NewReader(data[:min(len(data), 1<<20)])); sc.Scan(); {
			if v, err := event.ParseValue(sc.Bytes()); err == nil && v.Kind == event.Object && len(sc.Bytes()) < 2000 {
				some = append(some, sc.Text())
			}
		}
		for range min(each, len(some)) {
			lines = append(lines, some[random.IntN(len(some))])
		}
		return nil
	})
	return lines
}

// An expressions makes random filters about some events.
type expressions struct {
	*rand.Rand
	names  []string
	values []string // literals
	words  []string
}

func (x *expressions) pick(list ...string) string { return list[x.IntN(len(list))] }

func (x *expressions) text() string {
	w := x.words[x.IntN(len(x.words))]
	if from := x.IntN(len(w) + 1); x.IntN(2) == 0 {
		w = w[from:min(len(w), from+1+x.IntN(6))]
	}
	return quoted(w)
}

// quoted is a word as a literal; what would need care is left out.
func quoted(w string) string {
	var plain []byte
	for _, c := range []byte(w) {
		if c >= ' ' && c < 0x7f && c != '\'' && c != '\\' && c != '/' && c != '"' {
			plain = append(plain, c)
		}
	}
	return string(plain)
}

func (x *expressions) regex() string {
	w := regexpQuote(x.text())
	switch x.IntN(5) {
	case 0:
		return w + ".?" + regexpQuote(x.text())
	case 1:
		return "(" + w + "|" + regexpQuote(x.text()) + ")"
	case 2:
		return "[a-m]+" + w
	case 3:
		return ".*" + w + ".*"
	}
	return w
}

func regexpQuote(s string) string {
	var out []byte
	for _, c := range []byte(s) {
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == ' ' {
			out = append(out, c)
		} else {
			out = append(out, '.')
		}
	}
	return string(out)
}

// about returns a condition on something.
func (x *expressions) about(what string) string {
	ci := x.pick("", "", " ci")
	switch x.IntN(9) {
	case 0:
		return fmt.Sprintf("%s %s '%s'%s", what, x.pick("=", "<>", "<", ">="), x.text(), ci)
	case 1:
		return fmt.Sprintf("%s %s '%s%s%s'%s", what, x.pick("like", "not like"), x.pick("%", "", "_"), x.text(), x.pick("%", "", "%e%"), ci)
	case 2:
		return fmt.Sprintf("%s(%s, '%s')%s", x.pick("Contains", "StartsWith", "EndsWith"), what, x.text(), ci)
	case 3:
		return fmt.Sprintf("%s(%s, /%s/)%s", x.pick("Contains", "StartsWith", "EndsWith"), what, x.regex(), ci)
	case 4:
		return fmt.Sprintf("%s %s /%s/%s", what, x.pick("=", "<>"), x.regex(), ci)
	case 5:
		return fmt.Sprintf("%s %s %s", what, x.pick("=", "<>", "<", "<=", ">", ">="), x.values[x.IntN(len(x.values))])
	case 6:
		return fmt.Sprintf("%s %s [%s, '%s', 1]", what, x.pick("in", "not in"), x.values[x.IntN(len(x.values))], x.text())
	case 7:
		return x.pick("Has("+what+")", what+" is null", what+" is not null", "Length("+what+") > 5", "TypeOf("+what+") = 'string'", what)
	}
	return "Coalesce(" + what + ", 'x') = '" + x.text() + "'"
}

func (x *expressions) condition() string {
	switch x.IntN(10) {
	case 0, 1, 2:
		return x.about("@Message")
	case 3:
		return `"` + x.text() + `"`
	case 4:
		return fmt.Sprintf("@Timestamp %s DateTime('%s')", x.pick("<", "<=", ">", ">=", "="), timeOf(x.IntN(90)).Format("2006-01-02T15:04:05Z"))
	case 5:
		return x.about(x.pick("@Level", "@Exception", "@MessageTemplate", "@TraceId", "@EventType", "@Properties", "@Id"))
	}
	return x.about(x.names[x.IntN(len(x.names))])
}

func (x *expressions) filter(depth int) string {
	switch n := x.IntN(9); {
	case depth > 2 || n < 4:
		return x.condition()
	case n < 6:
		return "(" + x.filter(depth+1) + ") and (" + x.filter(depth+1) + ")"
	case n < 8:
		return "(" + x.filter(depth+1) + ") or (" + x.filter(depth+1) + ")"
	}
	return "not (" + x.filter(depth+1) + ")"
}

// learn takes names and values from an event.
func (x *expressions) learn(v event.Value, path string) {
	for _, m := range v.Members {
		name := m.Name
		if quoted(name) != name || name == "" || name[0] == '@' {
			continue
		}
		at := fmt.Sprintf("@Properties['%s']", name)
		if regexpQuote(name) == name && name[0] > '9' && name[0] != ' ' && !slices.Contains([]string{"like", "in", "is", "not", "and", "or", "if", "let", "ci", "null", "true", "false", "then", "else"}, name) {
			at = name
			if path != "" {
				at = path + "." + name
			}
		} else if path != "" {
			continue
		}
		switch x.names = append(x.names, at); m.Value.Kind {
		case event.String:
			if len(m.Value.Text) > 0 {
				x.words = append(x.words, m.Value.Text[:min(len(m.Value.Text), 60)])
			}
		case event.Number:
			x.values = append(x.values, m.Value.Text)
		case event.Object:
			if len(path) < 20 && at != "" && at[0] != '@' {
				x.learn(m.Value, at)
			}
		}
	}
}

// TestFiltersDecideForBlocksWhatTheyDecideForEvents: random filters about random and real events, in the journal, sealed, merged and partly
// deleted, find what they match one by one. STELE_LONG: a million filters.
func TestFiltersDecideForBlocksWhatTheyDecideForEvents(t *testing.T) {
	filters, stores := 20_000, 10
	if os.Getenv("STELE_LONG") != "" {
		filters, stores = 1_020_000, 100 // two of a hundred do not parse
	}
	tried, found := 0, 0
	for seed := range stores {
		random := rand.New(rand.NewPCG(uint64(seed), 77))
		x := &expressions{Rand: random, names: []string{"A", "B", "N"}, values: []string{"1", "7.5", "null", "true"}, words: []string{"time", "out", "Timeout", "e"}}
		lines := variedLines(random, 26)
		if real := realLines(random, 2); len(real) > 30 {
			random.Shuffle(len(real), func(i, j int) { real[i], real[j] = real[j], real[i] })
			lines = append(lines, real[:14]...)
		}
		for _, line := range lines {
			if v, err := event.ParseValue([]byte(line)); err == nil {
				x.learn(v, "")
			}
		}
		s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks = engine.Hooks{BlockRows: 15, ReserveBytes: -1} })
		store := func(lines []string) {
			for i, line := range lines {
				if v, err := event.ParseValue([]byte(line)); err == nil && v.Get("@t").Kind != event.String {
					lines[i] = fmt.Sprintf(`{"@t":"%s",%s`, timeOf(random.IntN(90)).Format("2006-01-02T15:04:05Z"), line[1:])
				}
			}
			s.Append(lines...)
		}
		do := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		check := func(n int) {
			t.Helper()
			var events []*stele.Event
			r := s.Read(ctx, stele.ReadOptions{})
			for r.Next() {
				events = append(events, r.Event().Clone())
			}
			do(r.Close())
			for range n {
				text := x.filter(0)
				f, err := stele.ParseFilter(text)
				if err != nil {
					continue // too long a program, a number that is none here
				}
				tried++
				r := s.Read(ctx, stele.ReadOptions{Filter: f})
				for _, e := range events {
					if !f.Match(e) {
						continue
					}
					found++
					if !r.Next() || r.Event().Key() != e.Key() {
						t.Fatalf("seed %d: %s does not find %s", seed, text, e.AppendCLEF(nil))
					}
				}
				if r.Next() {
					t.Fatalf("seed %d: %s finds %s", seed, text, r.Event().AppendCLEF(nil))
				}
				do(r.Close())
			}
		}
		n := filters / stores / 4
		half := len(lines) / 2
		store(lines[:half])
		check(n) // in the journal
		do(s.Flush(ctx))
		store(lines[half:])
		check(n) // sealed, and more in the journal
		do(s.Flush(ctx))
		do(s.Settle(ctx))
		check(n) // merged
		f, err := stele.ParseFilter("N > 50 or Contains(@Message, 'o')")
		do(err)
		_, err = s.DeleteMatching(ctx, stele.Range{}, f)
		do(err)
		check(n) // partly deleted
		do(s.Close())
	}
	if tried < filters*3/4 || found < filters {
		t.Errorf("%d filters were tried, they found %d events", tried, found)
	}
	t.Logf("%d filters found %d events", tried, found)
}

// variedLines are events with messages, and members of any kind.
func variedLines(r *rand.Rand, n int) (lines []string) {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	for i := range n {
		e := fmt.Sprintf(`{"@t":"%s"`, timeOf(i*90/n).Format("2006-01-02T15:04:05Z"))
		if r.IntN(5) > 0 {
			e += fmt.Sprintf(`,"@mt":%q`, pick("timeout of {A}", "{A}{N} out", "tim{A} {B.C}", "{N:000} {A,-6}|", "{B} {missing} {{A}}", "{L}", ""))
		}
		for range r.IntN(5) {
			e += fmt.Sprintf(`,%q:%s`, pick("A", "A", "B", "N", "@l", "@x", "@m", "@tr", "A.B", "L", "D"), pick(`"eout"`, `"e"`, `"Time"`, `"out of time"`, `""`, `1`, `7.5`, `-3`, `1e2`, `true`, `null`, `[1,"out"]`, `{"C":"eout"}`, `{"C":{"D":1}}`))
		}
		lines = append(lines, e+fmt.Sprintf(`,"N":%d}`, r.IntN(100)))
	}
	return lines
}
