package event

import (
	"testing"
	"unicode/utf8"

	"github.com/stelehq/stele/internal/fault"
)

// FuzzFind: in text that Compact has written, a walk meets what ParseValue does; in any other it ends.
func FuzzFind(f *testing.F) {
	for _, seed := range []string{
		`{"@t":"2026-11-20T09:58:00Z","a":{"b":[1,{"c":"}"}],"b":{"":null}},"a\"b":"\\","\ud800":true,"a":1,"a":{"b":-1.5e7}}`,
		`{}`, `{"a":"`, `{"a"`, `{"a":1`, `{"a":}`, `[{"a":1}]`, `{"a":"\`, `{"a":[[[{`, `{"0123456789":"0123456789\"0123456789","é":"é"}`, `x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var w Walk
		members := func(text []byte) (names []string, values [][]byte) {
			w.Start(text)
			for {
				name, value, ok, err := w.Next()
				if err != nil && fault.KindOf(err) != fault.Corrupt {
					t.Fatalf("%q: %v", text, err)
				}
				if !ok {
					return names, values
				}
				names, values = append(names, string(name)), append(values, value)
			}
		}
		names, _ := members(src)
		_, _ = w.Find(src, names)
		text, err := compactAll(src)
		if err != nil || len(text) == 0 || text[0] != '{' {
			return
		}
		v, err := ParseValue(text)
		if err != nil {
			t.Fatal(err)
		}
		var check func(text []byte, v Value)
		check = func(text []byte, v Value) {
			names, values := members(text)
			if len(names) != len(v.Members) {
				t.Fatalf("%q: members %q", text, names)
			}
			for i, m := range v.Members {
				if names[i] != m.Name || string(values[i]) != string(m.Value.AppendJSON(nil)) {
					t.Fatalf("%q: member %d is %q: %s", text, i, names[i], values[i])
				}
				found, err := w.Find(text, []string{m.Name})
				if want := v.Get(m.Name).AppendJSON(nil); err != nil || string(found) != string(want) {
					t.Fatalf("%q: %q is %s (%v), not %s", text, m.Name, found, err, want)
				}
				if m.Value.Kind == Object {
					check(values[i], m.Value)
				}
				for _, inner := range v.Get(m.Name).Members {
					found, err := w.Find(text, []string{m.Name, inner.Name})
					if want := v.Get(m.Name).Get(inner.Name).AppendJSON(nil); err != nil || string(found) != string(want) {
						t.Fatalf("%q: %q.%q is %s (%v), not %s", text, m.Name, inner.Name, found, err, want)
					}
				}
			}
			if found, err := w.Find(text, []string{"no such name \x00"}); found != nil || err != nil {
				t.Fatalf("%q: found %s (%v)", text, found, err)
			}
		}
		if utf8.Valid(text) {
			check(text, v)
		}
	})
}
