package syntax

import (
	"errors"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/fault"
)

func TestTooLongIsRefusedBySize(t *testing.T) {
	_, err := Parse(strings.Repeat("a", 1<<20))
	if fault.KindOf(err) != fault.TooLarge || !strings.Contains(err.Error(), "1048576") {
		t.Fatalf("1 MiB of filter: %v", err)
	}
	if _, err := Parse("A = '" + strings.Repeat("x", MaxBytes-6) + "'"); err != nil {
		t.Fatalf("the largest filter: %v", err)
	}
}

// TestNothingIsTooDeep: whatever repeats as often as the limit on size allows either parses, prints and parses again, or is refused.
func TestNothingIsTooDeep(t *testing.T) {
	for _, c := range []struct{ before, middle, after string }{
		{"(", "A", ")"}, {"[", "A", "]"}, {"{a:", "A", "}"}, {"F(", "A", ")"}, {"A[", "0", "]"}, {"not ", "A", ""}, {"- ", "1", ""},
		{"if A then ", "A", " else A"}, {"if ", "A", " then A else A"}, {"", "A", " or A"}, {"", "A", " and A"}, {"", "1", "+1"},
		{"1+", "1", ""}, {"", "A", "=A"}, {"", "A", ".a"}, {"", "A", "[0]"}, {"", "A", "[?]"}, {"", "A", " is null"}, {"A and (", "A", ")"},
		{"A or(", "A", ")"}, {"2^(", "1", ")"}, {"A = not ", "A", ""}, {"(A or A = not ", "A", ")"}, {"-(", "1", ")"}, {"let |a: ", "A", "| a"},
		{"let |a: A| ", "a", ""}, {"F(|x| ", "x", ")"}, {"(let |a: A| ", "a", ")"}, {"let |a: A", "", ", a: a"}, {"$a[", "0", "]"}, {"(", "", ""}, {"", "1", "d1"}, {"1", "1", "1"},
	} {
		for _, n := range []int{20, 150, 1000, 1 << 20} {
			n = min(n, (MaxBytes-len(c.middle))/(len(c.before)+len(c.after)))
			text := strings.Repeat(c.before, n) + c.middle + strings.Repeat(c.after, n)
			e, err := Parse(text)
			if n == 20 && err != nil && c.middle != "" && c.after != "d1" && c.before != "1" {
				t.Errorf("%q: %v", text, err)
			}
			if err != nil {
				if !errors.Is(err, fault.Invalid) {
					t.Errorf("%d × %q: %v", n, c.before+"…"+c.after, err)
				}
				continue
			}
			again, err := Parse(Print(e))
			// Canonical text has more blanks, and so may be over the limit.
			if fault.KindOf(err) == fault.TooLarge {
				continue
			}
			if err != nil || same(e, again) != "" {
				t.Errorf("%d × %q does not print as itself: %v", n, c.before+"…"+c.after, err)
			}
		}
	}
}

func TestErrorsCountLinesAndCharacters(t *testing.T) {
	_, err := Parse("Größe = 1 and\n  Straße == 2")
	e, ok := err.(*Error)
	if !ok {
		t.Fatal(err)
	}
	if e.Offset != 26 || e.Line != 2 || e.Column != 10 || e.Suggestion != "=" {
		t.Errorf("%+v", *e)
	}
	if !errors.Is(err, fault.Invalid) {
		t.Error("not of kind Invalid")
	}
	_, err = Parse("A = 'ok' and \xff")
	if e, ok = err.(*Error); !ok || e.Offset != 13 || e.Column != 14 {
		t.Errorf("invalid UTF-8: %v", err)
	}
}

func TestNearest(t *testing.T) {
	names := []string{"Level", "Message", "Timestamp", "Tr"}
	for word, want := range map[string]string{
		"level": "Level", "Levle": "Level", "Mesage": "Message", "TimeStamp": "Timestamp", "X": "", "Tx": "", "": "",
		strings.Repeat("Level", 1000): "",
	} {
		if got := Nearest(word, names); got != want {
			t.Errorf("%.20q: %q, not %q", word, got, want)
		}
	}
}

func TestDepthIsLimited(t *testing.T) {
	for _, c := range [][3]string{
		{"(", "A", ")"}, {"[", "A", "]"}, {"{a:", "A", "}"}, {"F(", "A", ")"}, {"A[", "0", "]"}, {"not ", "A", ""}, {"- ", "1", ""},
		{"if A then ", "A", " else A"}, {"if ", "A", " then A else A"}, {"", "A", ".a"}, {"", "A", "[0]"}, {"and(", "A", ",B)"}, {"(not ", "A", ")"},
		{"let |a: ", "A", "| a"}, {"let |a: A| ", "a", ""}, {"$a[", "0", "]"},
	} {
		nest := func(n int) error {
			_, err := Parse(strings.Repeat(c[0], n) + c[1] + strings.Repeat(c[2], n))
			return err
		}
		if err := nest(MaxDepth); err != nil {
			t.Errorf("%q, %d levels: %v", c, MaxDepth, err)
		}
		if err := nest(MaxDepth + 1); err == nil {
			t.Errorf("%q: %d levels are accepted", c, MaxDepth+1)
		}
	}
}

// TestQueriesAreAsLimitedAsFilters: of whatever a query may have many, as many as the limit on size allows parse and print, or are refused.
func TestQueriesAreAsLimitedAsFilters(t *testing.T) {
	for _, c := range []struct{ before, repeated, after string }{
		{"select A", ", A", " from stream"}, {"select * from stream", " lateral unnest(A) as a", ""}, {"select * from stream where A", " or A", ""},
		{"select count(*) from stream group by A", ", A ci as b", ""}, {"select A from stream order by A", ", A ci desc", ""},
		{"select ", "(", "1"}, {"select * from stream where ", "not ", "A"}, {"select let |a: 1", ", a: a + 1", "| a"}, {"explain", " explain", " select 1"},
	} {
		for _, n := range []int{20, 1 << 20} {
			n = min(n, (MaxBytes-len(c.before)-len(c.after))/len(c.repeated))
			text := c.before + strings.Repeat(c.repeated, n) + c.after
			q, err := ParseQuery(text)
			if err != nil {
				if !errors.Is(err, fault.Invalid) {
					t.Errorf("%d × %q: %v", n, c.repeated, err)
				}
				continue
			}
			again, err := ParseQuery(PrintQuery(q))
			if fault.KindOf(err) != fault.TooLarge && (err != nil || sameQuery(q, again) != "") {
				t.Errorf("%d × %q does not print as itself: %v", n, c.repeated, err)
			}
		}
	}
	if _, err := ParseQuery(strings.Repeat("a", 1<<20)); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("1 MiB of query: %v", err)
	}
}
