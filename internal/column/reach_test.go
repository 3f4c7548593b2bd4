package column

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// A finder is a machine that finds a text: its state is how much of it has been read, and stays at all of it.
type finder string

func (f finder) Read(state uint8, text []byte) uint8 {
	for _, c := range text {
		if int(state) == len(f) {
			break
		}
		read := append([]byte(f[:state]), c)
		for !bytes.HasPrefix([]byte(f), read) {
			read = read[1:]
		}
		state = uint8(len(read))
	}
	return state
}

func TestReachAndEqual(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 2))
	met := map[string]bool{}
	for _, n := range []int{1, 900} {
		for _, c := range textColumns {
			name, values := c.name, make([][]byte, n)
			for i := range values {
				values[i] = []byte(c.value(r, i))
			}
			for _, effort := range []Effort{Fast, Thorough} {
				e := Encoder{Effort: effort}
				var l list
				for _, v := range values {
					l.add(v)
				}
				texts := Texts{Bytes: l.bytes, Ends: l.ends}
				if dictionary, ok := e.intern(&l, n/2+1); ok {
					texts = dictionary
				}
				a := &Account{}
				src, _ := e.Texts(nil, texts, nil)
				d := &Decoder{Src: src}
				reader := d.Texts("texts", n, a)
				if err := d.End(); err != nil {
					t.Fatal(err)
				}
				met[textNames[reader.form]] = true
				for _, m := range []finder{"api/", "2026", "e\n"} {
					var from, to States
					for _, state := range []uint8{0, 1, uint8(len(m) - 1)} {
						from.Add(state)
					}
					to = reader.Reach(m, from)
					for i := range values {
						for state := range from.All() {
							if got := m.Read(state, values[i]); !to.Has(got) {
								t.Fatalf("%s: %q leads from %d to %d, not among %v", name, values[i], state, got, to)
							}
						}
					}
				}
				longest := reader.Longest()
				for _, v := range values {
					if len(v) > longest {
						t.Fatalf("%s: %d bytes, longest %d", name, len(v), longest)
					}
				}
				for _, sought := range [][]byte{values[r.IntN(n)], values[n-1], []byte("none"), {}, []byte("0000000000000000"), []byte("0123456789ABCDEF")} {
					found := make([]bool, n)
					reader.Equal(sought, func(i int) {
						if reader.Entries() == 0 {
							found[i] = true
							return
						}
						for j := range found {
							found[j] = found[j] || reader.Code(j) == i
						}
					})
					for i, v := range values {
						if found[i] != bytes.Equal(v, sought) {
							t.Fatalf("%s: text %d, %q, is %q: %v", name, i, v, sought, found[i])
						}
					}
				}
				if err := a.Err(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if len(met) < textForms {
		t.Errorf("only the forms %v were met", met)
	}
}
