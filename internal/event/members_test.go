package event

import (
	"strings"
	"testing"
)

func TestMembers(t *testing.T) {
	var m Members
	text := ` {"a":[1, 2],"b\u0041" : "x\/y","a":null} tail`
	next, err := m.Scan([]byte(text), 0, 0)
	if err != nil || text[next:] != " tail" || m.Len() != 3 {
		t.Fatalf("%v, ends at %d, %d members", err, next, m.Len())
	}
	if string(m.Name(1)) != "bA" || string(m.Value(0)) != "[1,2]" || m.Find("a") != 2 || m.Find("none") != -1 {
		t.Errorf("%s: %s %s %d", text, m.Name(1), m.Value(0), m.Find("a"))
	}
	if string(m.All()) != `"a":[1,2],"bA":"x/y","a":null` || string(m.Member(2)) != `"a":null` || m.Find("bA") != 1 {
		t.Errorf("%s: %s, %s, %d", text, m.All(), m.Member(2), m.Find("bA"))
	}
	if s, ok := m.Text(1); s != "x/y" || !ok {
		t.Errorf("the text is %q", s)
	}
	if _, ok := m.Text(0); ok {
		t.Error("an array is a text")
	}
	// Names that need escapes are found and given as what they mean.
	var n Members
	if _, err := n.Scan([]byte(`{"a\"\n":1,"a":2,"\ud800":3}`), 0, 0); err != nil || string(n.RawName(0)) != `a\"\n` || string(n.Name(0)) != "a\"\n" ||
		n.Find("a\"\n") != 0 || n.Find("a") != 1 || n.Find("\xed\xa0\x80") != 2 || n.Find(`a\"\n`) != -1 {
		t.Errorf("%v, %s, %q, %d", err, n.RawName(0), n.Name(0), n.Find("a\"\n"))
	}
	for text, want := range map[string]string{
		"": "a JSON object", "[]": "a JSON object", `{"a" 1}`: "a colon", `{"a":1`: "a comma or }", `{a:1}`: "name in double quotes",
		`{"a":1,}`: "name in double quotes", `{"a`: "the text ends", strings.Repeat(`{"a":`, 70): "levels deep",
	} {
		if _, err := m.Scan([]byte(text), 0, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20s: %v, want %s", text, err, want)
		}
	}
	if next, err := m.Scan([]byte("{}"), 0, 0); err != nil || next != 2 || m.Len() != 0 {
		t.Errorf("{}: %v, %d members", err, m.Len())
	}
}
