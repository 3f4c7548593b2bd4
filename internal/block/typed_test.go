package block

import (
	"math"
	"strings"
	"testing"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

const someInstant = 1704164645_123456700

func addTyped(b *Builder) error {
	b.Begin(someInstant, nil)
	b.String("@mt", "Hello \"{Name}\"\n")
	b.Int("n", -5)
	b.Float("f", 1.5)
	b.Float("g", 1e300)
	b.Float("z", math.Copysign(0, -1))
	b.Number("m", "1.50")
	b.Number("long", strings.Repeat("9", 400))
	b.Bool("yes", true)
	b.Bool("no", false)
	b.Null("null")
	b.Object("o")
	b.JSON("j", []byte(` { "a" : [ 1 , "\u0041" ] , "b" : "x\ny", "c" : "plain", "big": 1e400 } `))
	b.Object("empty")
	b.EndObject()
	b.JSON("l", []byte(`[1, 2]`))
	b.EndObject()
	b.String("last", "\xed\xa0\x80")
	return b.End()
}

var typedText = `{"@t":"2024-01-02T03:04:05.1234567Z","@mt":"Hello \"{Name}\"\n","n":-5,"f":1.5,"g":1e+300,"z":-0,"m":1.50,"long":` + strings.Repeat("9", 400) +
	`,"yes":true,"no":false,"null":null,"o":{"j":{"a":[1,"A"],"b":"x\ny","c":"plain","big":1e400},"empty":{},"l":[1,2]},"last":"\ud800"}`

func TestR19TypedValuesGoThroughTheSameShapesAsText(t *testing.T) {
	b := NewBuilder(Limits{})
	if err := addTyped(b); err != nil {
		t.Fatal(err)
	}
	if err := b.AddCLEF([]byte(typedText)); err != nil {
		t.Fatal(err)
	}
	if len(b.trie.shapes) != 1 {
		t.Errorf("%d shapes", len(b.trie.shapes))
	}
	check(t, reopen(t, b, Fast, 5), []stored{{event.MakeKey(someInstant, 5), typedText}, {event.MakeKey(someInstant, 6), typedText}})
}

// The schema may run full at any member; the event then goes on as text.
func TestR19TypedValuesBeyondTheSchemasBounds(t *testing.T) {
	for limit := range 40 {
		b := NewBuilder(Limits{})
		b.trie.nodes = maxNodes - limit
		if err := addTyped(b); err != nil {
			t.Fatal(err)
		}
		check(t, reopen(t, b, Fast, 5), []stored{{event.MakeKey(someInstant, 5), typedText}})
	}
}

func TestR19TypedRefusals(t *testing.T) {
	b := NewBuilder(Limits{EventBytes: 1000})
	for _, c := range []struct {
		name string
		add  func()
		kind fault.Kind
	}{
		{"NaN", func() { b.Float("f", math.NaN()) }, fault.Invalid},
		{"infinity", func() { b.Float("f", math.Inf(-1)) }, fault.Invalid},
		{"number", func() { b.Number("f", "1.") }, fault.Invalid},
		{"number with more", func() { b.Number("f", "1 ") }, fault.Invalid},
		{"empty number", func() { b.Number("f", "") }, fault.Invalid},
		{"value not UTF-8", func() { b.String("f", "\xff") }, fault.Invalid},
		{"surrogates that make a pair", func() { b.String("f", "\xed\xa0\x80\xed\xb0\x80") }, fault.Invalid},
		{"name not UTF-8", func() { b.Int("\xff", 1) }, fault.Invalid},
		{"@t", func() { b.String("@t", "2024-01-01") }, fault.Invalid},
		{"open object", func() { b.Object("o") }, fault.Invalid},
		{"too many ends", func() { b.EndObject() }, fault.Invalid},
		{"JSON", func() { b.JSON("j", []byte(`{"a":}`)) }, fault.Invalid},
		{"JSON with more", func() { b.JSON("j", []byte(`1 2`)) }, fault.Invalid},
		{"no JSON", func() { b.JSON("j", nil) }, fault.Invalid},
		{"deep JSON", func() { b.JSON("j", []byte(strings.Repeat("[", 64)+strings.Repeat("]", 64))) }, fault.Invalid},
		{"deep objects", func() {
			for range 64 {
				b.Object("o")
			}
		}, fault.Invalid},
		{"size", func() { b.String("s", strings.Repeat("x", 1100)) }, fault.TooLarge},
	} {
		b.Begin(someInstant, nil)
		b.Int("n", 1)
		c.add()
		b.Int("after", 1)
		if err := b.End(); fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v, expected %v", c.name, err, c.kind)
		}
		if b.Rows() != 0 || len(b.trie.columns) != 0 || len(b.trie.objects) != 1 {
			t.Errorf("%s left something behind", c.name)
		}
	}
	if err := b.End(); fault.KindOf(err) != fault.Invalid {
		t.Errorf("End without Begin: %v", err)
	}
	b.Begin(0, []byte("soon"))
	if err := b.End(); fault.KindOf(err) != fault.Invalid {
		t.Errorf("@t soon: %v", err)
	}
	b.Begin(0, []byte("2024-01-02T05:04:05.1234567+02:00"))
	b.Int("x", 1)
	if err := b.End(); err != nil {
		t.Fatal(err)
	}
	b.Begin(0, nil)
	b.Int("y", 1)
	b.Abandon()
	check(t, reopen(t, b, Fast, 0), []stored{{event.MakeKey(someInstant, 0), `{"@t":"2024-01-02T05:04:05.1234567+02:00","x":1}`}})
}
