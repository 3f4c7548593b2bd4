package exec

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

const sample = `{"@t":"2026-03-14T15:09:26.5358979Z","@mt":"Hi {Name}","@x":"Boom","Name":"nina","N":7,"Huge":1e400,"Null":null,"Yes":true,"No":false,"L":[1,2,3],"O":{"a":1}}`

func expect(t *testing.T, row Row, cases map[string]string) {
	t.Helper()
	for text, want := range cases {
		if got := evalText(text, row); got != want {
			t.Errorf("%s\n gives %s\nnot    %s", text, got, want)
		}
	}
}

func TestR7NumbersAreDecimals(t *testing.T) {
	expect(t, rowOf(t, sample), map[string]string{
		"0.1 + 0.2 = 0.3":                       "true",
		"9007199254740993 - 9007199254740992":   "1",
		"79228162514264337593543950335 = Huge":  "undefined",
		"Huge":                                  "1e400",
		"Huge = Huge":                           "undefined",
		"[Huge] = [Huge]":                       "undefined",
		"[Huge, 1] = [Huge, 2]":                 "false",
		"{a: Huge, b: 1} = {b: 2, a: Huge}":     "false",
		"Huge in [1]":                           "undefined",
		"Huge * 0":                              "undefined",
		"Huge < 1":                              "undefined",
		"Has(Huge) and TypeOf(Huge) = 'number'": "true",
		"79228162514264337593543950335 + 0.4":   "79228162514264337593543950335",
		"79228162514264337593543950335 + 1":     "undefined",
		"1 / 3 * 3":                             "0.9999999999999999999999999999",
		"0.00000000000005 * 0.000000000000001":  "0",
		"0.00000000000015 * 0.000000000000001":  "0.0000000000000000000000000002",
		"2 ^ 95":                                "39614081257132168796771975168",
		"2 ^ 96":                                "undefined",
		"(-1) ^ 99999999999999999":              "-1",
		"1.0000001 ^ 99999999999":               "undefined",
		"2 ^ 0.5":                               "1.4142135623731",
		"(-8) ^ 0.5":                            "undefined",
		"10 ^ -3":                               "0.001",
		"-7 % 3":                                "-1",
		"7 % -3":                                "1",
		"0.3 % 0.1":                             "0",
		"-0 = 0":                                "true",
		"79228162514264337593543950335 / 0.1":   "undefined",
		"79228162514264337593543950335 % 0.0000001": "0",
	})
}

func TestR8OnlyTrueSelects(t *testing.T) {
	row := rowOf(t, sample)
	all := map[string]string{ // operands, and what `not` makes of them
		"true": "false", "false": "true", "Missing": "true", "null": "undefined", "1": "undefined", "'true'": "undefined",
		"L": "undefined", "O": "undefined", "Missing = 1": "true", "Huge > 1": "true", "N / 0": "true",
	}
	for a, not := range all {
		expect(t, row, map[string]string{"not (" + a + ")": not})
		f, err := Parse(a)
		if err != nil {
			t.Fatal(err)
		}
		if f.Match(row) != (a == "true") {
			t.Errorf("%s selects: %v", a, f.Match(row))
		}
		for b := range all {
			expect(t, row, map[string]string{
				fmt.Sprintf("(%s) and (%s)", a, b): fmt.Sprint(a == "true" && b == "true"),
				fmt.Sprintf("(%s) or (%s)", a, b):  fmt.Sprint(a == "true" || b == "true"),
			})
		}
	}
}

func TestR8UndefinedPoisonsAllButTheExceptions(t *testing.T) {
	row := rowOf(t, sample)
	for _, op := range strings.Fields("= <> < <= > >= + - * / % ^ like in") {
		expect(t, row, map[string]string{"Missing " + op + " 1": "undefined", "1 " + op + " Missing": "undefined"})
	}
	expect(t, row, map[string]string{
		"Missing not like 'x'": "undefined", "Missing not in [1]": "undefined", "Missing = /x/": "undefined", "-Missing": "undefined",
		"Missing is null": "true", "Null is null": "true", "Missing is not null": "false", "Has(Missing)": "false", "Has(Null)": "true",
		"Coalesce(Missing, 1)": "1", "if Missing then 1 else 2": "2", "TypeOf(Missing)": `"undefined"`,
	})
	exceptions := map[string]bool{"Has": true, "Coalesce": true, "TypeOf": true, "Now": true, "Undefined": true}
	for _, f := range functions {
		if !exceptions[f.Name] {
			args := strings.TrimSuffix(strings.Repeat("Missing, ", max(f.Min, 1)), ", ")
			if f.Lambda {
				args = "Missing, |x| true"
			}
			expect(t, row, map[string]string{f.Name + "(" + args + ")": "undefined"})
		}
	}
}

// TestR6RawNamesAreReachable: escaped, unknown and duplicate members are the user's, the reified ones are not.
func TestR6RawNamesAreReachable(t *testing.T) {
	row := rowOf(t, `{"@t":"2026-03-14T15:09:26Z","@@t":"escaped","@timestamp":"unknown","@@@x":"twice","D":1,"D":2,"":"empty"}`)
	expect(t, row, map[string]string{
		"@Properties['@t']":         `"escaped"`,
		"@Properties['@timestamp']": `"unknown"`,
		"@Properties['@@x']":        `"twice"`,
		"@Properties['@l']":         "undefined",
		"@Properties['']":           `"empty"`,
		"D":                         "2",
		"D = 1":                     "false",
		"@Data['@@t']":              `"escaped"`,
	})
}

// TestEveryNameIsDescribedAndTested: each built-in and function stands in docs/query-language.md, a function in an example too, and in
// testdata/eval.
func TestEveryNameIsDescribedAndTested(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/query-language.md")
	if err != nil {
		t.Fatal(err)
	}
	var scripts strings.Builder
	for _, name := range []string{"builtins", "functions"} {
		text, err := os.ReadFile("testdata/eval/" + name)
		if err != nil {
			t.Fatal(err)
		}
		scripts.Write(text)
	}
	var examples strings.Builder
	for line := range strings.Lines(string(doc)) {
		if strings.Contains(line, "⇒") {
			examples.WriteString(line)
		}
	}
	check := func(name, inDoc string) {
		if !strings.Contains(string(doc), inDoc) {
			t.Errorf("docs/query-language.md does not describe %s", name)
		}
		if !strings.Contains(scripts.String(), name) {
			t.Errorf("testdata/eval does not test %s", name)
		}
	}
	for _, b := range builtIns {
		for _, n := range b.names {
			check("@"+n, "`@"+n+"`")
		}
	}
	for _, f := range functions {
		check(f.Name+"(", "`"+f.Name+"(")
		if !strings.Contains(examples.String(), f.Name+"(") {
			t.Errorf("docs/query-language.md has no example of %s", f.Name)
		}
	}
}

// TestEvaluationIsBounded: the worst that a filter of the largest size can do to an event of the largest size. A
// case whose cost is not bounded never ends: the time limit of the test run catches it.
func TestEvaluationIsBounded(t *testing.T) {
	// What goes on until its steps are spent takes a second each, and under the race detector, which has nothing to find in it, ten.
	steps := map[string]bool{"wildcards": true, "lambdas": true, "equal": true, "regex product": true, "replace": true, "double object": true}
	size := 16 << 10
	if os.Getenv("STELE_LONG") != "" {
		size = 256 << 10
	}
	long := strings.Repeat("a", size)
	members := ""
	for i := range size / 10 {
		members += fmt.Sprintf("\"k%d\":1,", i)
	}
	numbers := strings.TrimSuffix(strings.Repeat("1,", size/2), ",")
	row := rowOf(t, `{"@t":"2026-03-14T15:09:26Z","@mt":"{S}","S":"`+long+`","L":[`+numbers+`],"O":{`+members+`"a":1},"J":"[`+numbers+`]"}`)
	for name, text := range map[string]string{
		"wildcards":     "L[?] + L[?] + L[?] + L[?] = 0",
		"percent":       "S like '" + strings.Repeat("%a", 15_000) + "%b'",
		"underscore":    "S like '" + strings.Repeat("%_a?", 7_000) + "b'",
		"dynamic like":  "S like Concat(S, '?')",
		"in":            "0 in L and L in L",
		"regex":         "S = /(a|aa|a?)+b/",
		"regex size":    "S = /(a?){900}b/",
		"regex product": "Contains(S, /((a?){30}){30}b/)",
		"concat":        "Length(Concat(" + strings.TrimSuffix(strings.Repeat("S,", 10_000), ",") + ")) = 1",
		"json":          "Length(ToJson([" + strings.TrimSuffix(strings.Repeat("@Data,", 4_000), ",") + "])) = 1",
		"equal":         "[" + strings.TrimSuffix(strings.Repeat("L,", 5_000), ",") + "] = [" + strings.TrimSuffix(strings.Repeat("L,", 5_000), ",") + "]",
		"long chain":    strings.Repeat("1+", 16_000) + "1 = 16001",
		"long or":       strings.TrimSuffix(strings.Repeat("N=1 or ", 4_600), " or "),
		"powers":        "2 ^ 2 ^ 2 ^ 99999999999999 = 1",
		"lambdas":       "Some(L, |a| Some(L, |b| Some(L, |c| c = 0)))",
		"read in loop":  "Some(L, |a| O.a = -a or S = a or @Data = a or @Message = a)",
		"in in loop":    "Some(L, |a| -1 in L)",
		"get in loop":   "Some(L, |a| O.b = 1 or @Data.b = 1 or ElementAt(O, 'B') ci = 1)",
		"keys in loop":  "Some(L, |a| Keys(@Data.O) = 1 or Values(O) = 1 or Length(S) = 1 or Substring(S, 9999) = 1)",
		"json in loop":  "Some(L, |a| FromJson(Concat('[', '1', ']')) = 2 or ToJson(@Data) = 1 or FromJson(J) = 1)",
		"same in loop":  "Some(L, |a| S <> S or S < S or S <> S ci or S not like 'a%' or S not like 'A%' ci)",
		"deep in loop":  "Some(L, |a| [S, O] <> [S, O] ci or [S] in [[S]] and a < 0)",
		"text in loop":  `Some(L, |a| "b" or "c")`,
		"zone in loop":  "Some(L, |a| OffsetIn(Concat('x', ToJson(a * Now())), 0) = 0)",
		"double object": "O[?] + O[?] = 0",
		"long in loop":  "Some(L, |a| a < 0" + strings.Repeat(" or a < 0", 3000) + ")",
		"wide in loop":  "Some(L, |a| [" + strings.Repeat("a, ", 9000) + "a] = 1)",
		"lambda text":   "Some(L, |a| Contains(S, 'b'))",
		"replace":       "Replace(S, /a(.*b)?/, '') = 1",
		"replace size":  "Length(Replace(S, 'a', S)) = 1",
		"replace case":  "Length(Replace(S, 'A', S) ci) = 1",
		"replace both":  "Replace(S, Concat(S, 'b'), '') ci = 1",
		"growing text":  "let |a: Concat(S, S)" + strings.Repeat(", a: Concat(a, S)", 1500) + "| Length(a) = 1",
		"growing array": "let |a: [S, S]" + strings.Repeat(", a: [a, a]", 2000) + "| ToJson(a) = 1 or a = [a, 1]",
		"text":          `"` + strings.Repeat("a", 30_000) + `b"`,
	} {
		f, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if underRace && (steps[name] || strings.HasSuffix(name, "in loop")) {
			continue
		}
		got := f.Match(row)
		if got != (name == "long chain") {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestWhatIsBuiltIsBounded: an expression cannot make a value of a few names that no memory holds.
func TestWhatIsBuiltIsBounded(t *testing.T) {
	row := rowOf(t, sample)
	expect(t, row, map[string]string{
		"let |a: [1, 2]" + strings.Repeat(", a: [a, a]", 60) + "| a": "undefined",
		"let |a: [1]" + strings.Repeat(", a: {a: a}", 3) + "| a":     `{"a":{"a":{"a":[1]}}}`,
	})
}

func TestLargeRegularExpressionsAreRefused(t *testing.T) {
	for _, source := range []string{strings.Repeat("(ab)*", 3000), "(" + strings.Repeat("a", 9000) + "){2}"} {
		if _, err := Parse("A = /" + source + "/"); err == nil || !strings.Contains(err.Error(), "too large") {
			t.Errorf("%.20s…: %v", source, err)
		}
	}
}

func TestFilterIsSafeForConcurrentUse(t *testing.T) {
	f, err := Parse("L[?] = N - 4 and \"hi NINA\" and Name like '%I%' ci and Contains(@Exception, /o+m/)")
	if err != nil {
		t.Fatal(err)
	}
	yes, no := rowOf(t, sample), rowOf(t, strings.Replace(sample, `"N":7`, `"N":8`, 1))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 500 {
				if !f.Match(yes) || f.Match(no) {
					t.Error("wrong under concurrency")
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestNowIsFixedForOneEvaluation(t *testing.T) {
	f, err := Parse("Now() = Now() and Now() > DateTime('2024-01-01') and Now() < DateTime('2200-01-01')")
	if err != nil {
		t.Fatal(err)
	}
	if !f.Match(rowOf(t, sample)) {
		t.Error("the time moves, or is none")
	}
}

func TestSearchTakesAnythingButRefusesWhatIsTooLong(t *testing.T) {
	if _, _, err := Search(strings.Repeat("a ", 1<<19)); err == nil {
		t.Error("a search of 1 MiB is accepted")
	}
	if _, _, err := Search("a\xffb"); err == nil {
		t.Error("a search that is not UTF-8 is accepted")
	}
	for _, blank := range []string{"", "  \n"} {
		f, reason, err := Search(blank)
		if err != nil || reason != nil || !f.Match(rowOf(t, sample)) {
			t.Errorf("%q: %v, %v", blank, reason, err)
		}
	}
	f, reason, err := Search("NINA!")
	if err != nil || reason == nil || reason.Offset != 4 || f.Match(rowOf(t, sample)) {
		t.Errorf("%v, %+v, %v", f, reason, err)
	}
	f, _, _ = Search("hi nina")
	if !f.Match(rowOf(t, sample)) {
		t.Error("text is not found")
	}
}
