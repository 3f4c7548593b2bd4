package exec

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/event"
)

// What filters see is what event.RenderMessage makes of the whole event.
func TestMessageIsTheRenderedMessage(t *testing.T) {
	lines := []string{
		`{}`, `{"@mt":5}`, `{"@m":null,"@mt":"a {b}","b":1}`, `{"@m":5,"@mt":"no"}`, `{"@m":{"a":[1,"x"]}}`, `{"@m":""}`, `{"@m":"given {a}","@mt":"no"}`,
		`{"@mt":"{a} {a} {b.c} {@d} {$e} {0} {missing} {{x}}","a":"x","b":{"c":null},"d":{"z":1.50},"e":[true],"0":"zero"}`,
		`{"@mt":"{a.b.c} {a.b}","a.b.c":"flat","a":{"b":{"c":"deep"}}}`, `{"@mt":"{a.b}","a":{"b":1},"a":{"b":2}}`, `{"@mt":"{a.b}","a":5}`,
		`{"@mt":"{a:000} {b} {c:0.0} {d:x}","@r":["001",7],"a":1,"b":2,"c":3,"d":4}`, `{"@mt":"{a,5}|{a,-5}|{a,3:00}","@r":["é"],"a":"ü"}`,
		`{"@mt":"dots {.} {a.} {.a} {a..b}","a":{"":{"b":1}},"":{"a":2,"":3}}`, `{"@mt":"\ud800 {a}","a":"\ud801"}`, `{"@mt":"last","@mt":"{a}","a":1,"a":2}`,
	}
	var m messageText
	for _, line := range lines {
		v, err := event.ParseValue([]byte(line))
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		m.next()
		if got, want := string(m.of(NewRow(event.Key{}, v))), event.RenderMessage(v); got != want {
			t.Errorf("%s\n gives %q\nnot    %q", line, got, want)
		}
	}

	const seed = 1
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 2))
	names := []string{"a", "b", "a.b", "a.b.c", "A", "@a", "b.a"}
	for range 3000 {
		v := event.Value{Kind: event.Object}
		add := func(name string, x event.Value) {
			v.Members = append(v.Members, event.Member{Name: name, Value: x})
		}
		var template strings.Builder
		for range rnd.IntN(6) {
			fmt.Fprintf(&template, []string{"{%s}", "{@%s}", "{%s:0}", "{%s,4}", "{{%s}}", "{%s"}[rnd.IntN(6)], names[rnd.IntN(len(names))])
		}
		add("@mt", event.Value{Kind: event.String, Text: template.String()})
		if rnd.IntN(3) == 0 {
			add("@r", event.Value{Kind: event.Array, Items: []event.Value{{Kind: event.String, Text: "r"}, {Kind: event.Null}}})
		}
		for range rnd.IntN(5) {
			add(names[rnd.IntN(len(names))], aValue(rnd, 2))
		}
		m.next()
		if got, want := string(m.of(NewRow(event.Key{}, v))), event.RenderMessage(v); got != want {
			t.Fatalf("%s\n gives %q\nnot    %q", v, got, want)
		}
	}
	if len(m.templates) > keptTemplates {
		t.Errorf("%d templates are kept", len(m.templates))
	}
}

func aValue(rnd *rand.Rand, depth int) event.Value {
	switch n := rnd.IntN(5); {
	case n == 0:
		return event.Value{Kind: event.Null}
	case n == 1:
		return event.Value{Kind: event.Number, Text: "1.50"}
	case n < 4 && depth > 0:
		o := event.Value{Kind: event.Object}
		for _, name := range []string{"a", "b", "b.c", "c"}[rnd.IntN(4):] {
			o.Members = append(o.Members, event.Member{Name: name, Value: aValue(rnd, depth-1)})
		}
		return o
	}
	return event.Value{Kind: event.String, Text: "x"}
}

// A search for text asks for no more of an event than its message and exception, and costs no memory an event.
func TestTextSearchMakesNoGarbage(t *testing.T) {
	row := rowOf(t, `{"@t":"2026-03-14T15:09:26Z","@mt":"Order {OrderId} of {User} failed","OrderId":1017,"User":"nina"}`)
	f, _, err := Search("no such order")
	if err != nil {
		t.Fatal(err)
	}
	f.Match(row)
	const events = 100
	if n := testing.AllocsPerRun(10, func() {
		for range events {
			f.Match(row)
		}
	}); n > 5*events { // pools keep less under the race detector; building the event takes 30
		t.Errorf("%.2f allocations an event", n/events)
	}
}
