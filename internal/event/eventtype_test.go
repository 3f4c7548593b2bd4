package event

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHashTemplate(t *testing.T) {
	tests := []struct {
		template string
		want     uint32
	}{
		{"", 0},
		{"test", 0xBA6BD213}, // published values of MurmurHash3
		{"Hello, world!", 0xC0363E43},
		{"The quick brown fox jumps over the lazy dog", 0x2E4FF723},
	}
	for _, test := range tests {
		if got := HashTemplate(test.template); got != test.want {
			t.Errorf("HashTemplate(%q) = %08X, want %08X", test.template, got, test.want)
		}
	}
	if HashTemplate("a\xED\xA0\x80\xED\xBF\xBFb") != HashTemplate("a\uFFFD\uFFFDb") {
		t.Error("lone surrogates do not count as U+FFFD")
	}
	for n := range 9 { // every length of what is left of the last word
		if HashTemplate("abcdefgh"[:n]) == HashTemplate("abcdefghi"[:n+1]) {
			t.Errorf("the byte %d does not count", n)
		}
	}
}

func TestEventType(t *testing.T) {
	tests := []struct {
		event string
		want  uint32
	}{
		{`{"@i":"c0ffee00","@mt":"x"}`, 0xC0FFEE00},
		{`{"@i":"$C0FFEE00"}`, 0xC0FFEE00},
		{`{"@i":"12"}`, 0x12},
		{`{"@i":3221225472}`, 0xC0000000},
		{`{"@i":1.0}`, 1},
		{`{"@i":-1,"@mt":"x"}`, HashTemplate("-1")},
		{`{"@i":4294967296}`, HashTemplate("4294967296")},
		{`{"@i":"my event"}`, HashTemplate("my event")},
		{`{"@i":"c0ffee0011"}`, HashTemplate("c0ffee0011")},
		{`{"@i":"","@mt":"x"}`, HashTemplate("x")},
		{`{"@i":null,"@mt":"x {y}","@m":"x 1"}`, HashTemplate("x {y}")},
		{`{"@m":"x {y}"}`, HashTemplate("x {{y}}")},
		{`{}`, 0},
	}
	for _, test := range tests {
		v, err := ParseValue([]byte(test.event))
		if err != nil {
			t.Fatal(err)
		}
		if got := EventType(v); got != test.want {
			t.Errorf("%s: %08X, want %08X", test.event, got, test.want)
		}
	}
	for number, want := range map[uint32]string{0: "$00000000", 0xC0FFEE00: "$C0FFEE00", 0xFFFFFFFF: "$FFFFFFFF", 0x1A: "$0000001A"} {
		if got := EventTypeText(number); got != want {
			t.Errorf("EventTypeText(%X) = %s", number, got)
		}
	}
}

// Events that Seq exported carry the event types that it gave.
func TestEventTypesAreThoseOfSeq(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/data/clef/squirrel-*.json")
	if len(files) == 0 {
		t.Skip("skipped: the events that Seq exported are not in ../shared/data/clef, and nothing else has its event types")
	}
	agreed := 0
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		v, err := ParseValue(body)
		if err != nil {
			t.Fatal(err)
		}
		template := v.Get("@mt")
		if v.Get("@i").Kind == Undefined || template.Kind != String {
			continue
		}
		// One file's double quotes were made typographic after the export, to be rid of escapes.
		original := strings.NewReplacer("“", `"`, "”", `"`).Replace(template.Text)
		if got, want := HashTemplate(original), EventType(v); got != want {
			t.Errorf("%s: %q has %s, we give %s", file, template.Text, EventTypeText(want), EventTypeText(got))
		}
		agreed++
	}
	if agreed < 3 {
		t.Errorf("only %d events had a template and an event type", agreed)
	}
}
