package exec

import (
	"fmt"
	"strings"
	"testing"
)

// Laws that hold whatever the operands are: what is new in the language is compared with what is older.

// operands are of every kind, near each other and far apart.
var operands = []string{
	"null", "true", "false", "0", "1", "-1.5", "79228162514264337593543950335", "Huge", "1h", "''", "'a'", "'A'", "'ab'", "'ß'", "'Ss'", "'日本'", "'1'", "'a%_?'",
	"[]", "[1]", "['a', 'B']", "[null, [1, {a: 2}]]", "{}", "{a: 1}", "{b: 'x', a: 1.0}", "Missing", "Name", "N", "L", "O", "Null", "L[?] = 2", "@Timestamp", "@Message",
	"1 / 0", "not Missing", "let |q: 3| q", "Some(L, |q| q = 2)", "Length('abc')", "@Exception", "Cut",
}

func TestLawsOfNames(t *testing.T) {
	row := rowOf(t, strings.TrimSuffix(sample, "}")+`,"Cut":"a\ud800b"}`)
	same := func(a, b string) {
		t.Helper()
		if x, y := evalText(a, row), evalText(b, row); x != y || strings.HasPrefix(x, "error") {
			t.Errorf("%s\n gives %s, but\n%s\n gives %s", a, x, b, y)
		}
	}
	isTrue := func(text string) bool { return evalText(text, row) == "true" }
	for _, a := range operands {
		same("let |x: "+a+"| x", a)
		same("if let |x: "+a+"| x then 1 else 2", "if "+a+" then 1 else 2")
		same("let |x: "+a+", y: x| [x, y]", "["+a+", "+a+"]")
		same("Some([1], |x| "+a+")", "("+a+") and true")
		same("Every([1, 2], |x| "+a+")", "("+a+") and true")
		same("Coalesce(let |x: "+a+"| x, 1)", "Coalesce("+a+", 1)")
		same("FromJson(ToJson("+a+"))", a)
		for i, b := range operands {
			if underRace && i%7 != len(a)%7 {
				continue
			}
			b = "Coalesce(" + b + ")" // in ('a') is an error
			for _, op := range []string{"=", "<", "+", "like", "in"} {
				for _, ci := range []string{"", " ci"} {
					if ci != "" && op == "+" {
						continue
					}
					pair := "(" + a + ") " + op + " " + b + ci
					same("let |x: "+a+", y: "+b+"| x "+op+" y"+ci, pair)
					if op == "+" || strings.Contains(a+b, "Huge") {
						continue
					}
					// Undefined elements are in no array.
					any := isTrue(pair) || isTrue("1 "+op+" "+b+ci)
					same("Some([1, "+a+"], |x| x "+op+" "+b+ci+")", fmt.Sprint(any))
					same("[1, "+a+"][?] "+op+" "+b+ci, fmt.Sprint(any))
					same("Every([1, "+a+"], |x| x "+op+" "+b+ci+")", "[1, "+a+"][*] "+op+" "+b+ci)
					same("Some({k: "+a+"}, |x| x "+op+" "+b+ci+")", fmt.Sprint(isTrue(pair)))
				}
			}
		}
	}
}

func TestLawsOfText(t *testing.T) {
	row := rowOf(t, sample)
	holds := func(law string) {
		t.Helper()
		if got := evalText(law, row); got != "true" {
			t.Errorf("%s is %s", law, got)
		}
	}
	texts := []string{"", "a", "A", "aa", "banana", "BANANA", "Größe", "größe", "日本語日本", "a.b*c", "$1", "İi", "ſs", "K k", "x\ty", "it''s", "😂a😂"}
	for _, a := range texts {
		a = "'" + a + "'"
		holds("Replace(" + a + ", 'zz', 'y') = " + a)
		holds("ToLower(" + a + ") = ToLower(ToLower(" + a + "))")
		for _, b := range texts {
			quoted := "/" + strings.NewReplacer(".", `\.`, "*", `\*`, "$", `\$`, "''", "'").Replace(b) + "/"
			b = "'" + b + "'"
			for _, ci := range []string{"", " ci"} {
				holds(fmt.Sprintf("Contains(%s, %s)%s = (IndexOf(%s, %s)%s >= 0)", a, b, ci, a, b, ci))
				holds(fmt.Sprintf("Contains(%s, %s)%s = Contains(%s, %s)%s", a, b, ci, a, quoted, ci))
				holds(fmt.Sprintf("IndexOf(%s, %s)%s = IndexOf(%s, %s)%s", a, b, ci, a, quoted, ci))
				holds(fmt.Sprintf("(LastIndexOf(%s, %s)%s >= 0) = Contains(%s, %s)%s", a, b, ci, a, b, ci))
				holds(fmt.Sprintf("LastIndexOf(%s, %s)%s >= IndexOf(%s, %s)%s", a, b, ci, a, b, ci))
				holds(fmt.Sprintf("StartsWith(%s, %s)%s = StartsWith(%s, %s)%s", a, b, ci, a, quoted, ci))
				holds(fmt.Sprintf("EndsWith(%s, %s)%s = EndsWith(%s, %s)%s", a, b, ci, a, quoted, ci))
				holds(fmt.Sprintf("(%s = %s%s) = (%s = %s%s)", a, b, ci, a, quoted, ci))
				if b != "''" {
					holds(fmt.Sprintf("Replace(%s, %s, '<>')%s = Replace(%s, %s, '<>')%s", a, b, ci, a, quoted, ci))
					holds(fmt.Sprintf("Contains(Replace(%s, %s, '')%s, '#') = false", a, b, ci))
				}
			}
			holds(fmt.Sprintf("Length(Concat(%s, %s)) = Length(%s) + Length(%s)", a, b, a, b))
			holds(fmt.Sprintf("Coalesce(Substring(Concat(%s, %s, '!'), Length(%s)), 'none') = Concat(%s, '!')", a, b, a, b))
		}
	}
}

func TestLawsOfTimes(t *testing.T) {
	row := rowOf(t, sample)
	for _, at := range []string{"0", "DateTime('1582-10-15T00:00:00Z')", "@Timestamp", "DateTime('2024-02-29T23:59:59.9999999Z')", "DateTime('9999-12-30T00:00:00Z')", "1", "1d - 1"} {
		for _, offset := range []string{"0", "1h", "5h30m", "14h"} {
			law := fmt.Sprintf(`let |t: %s, o: %s, iso: ToIsoString(t, o)|
				DateTime(iso) = t and
				DatePart(t, 'date', o) + DatePart(t, 'time', o) = t + o and
				DatePart(t, 'hour', o) * 1h + DatePart(t, 'minute', o) * 1m + DatePart(t, 'second', o) * 1s <= DatePart(t, 'time', o) and
				TimeOfDay(t, o / 1h) = DatePart(t, 'time', o) and
				ToNumber(Substring(iso, 0, 4)) = DatePart(t, 'year', o) and
				ToNumber(Substring(iso, 5, 2)) = DatePart(t, 'month', o) and
				ToNumber(Substring(iso, 8, 2)) = DatePart(t, 'day', o) and
				((DatePart(t, 'date', o) / 1d) + 1) %% 7 = DatePart(t, 'weekday', o) and
				TimeSpan(ToTimeString(t)) = t and ToTimeString(TimeSpan(ToTimeString(-t))) = ToTimeString(-t)`, at, offset)
			if got := evalText(law, row); got != "true" {
				t.Errorf("%s\n gives %s", law, got)
			}
		}
	}
}
