package terse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/stelehq/stele/internal/fault"
)

func roundTrip(t interface {
	Helper()
	Fatalf(string, ...any)
}, text []byte) []byte {
	t.Helper()
	code := Append([]byte("before"), text)
	if string(code[:6]) != "before" {
		t.Fatalf("what stood before is gone: %q", code[:6])
	}
	got, err := Decode(code[6:], len(text))
	if err != nil || !bytes.Equal(got, text) {
		t.Fatalf("%q came back as %q, %v", text, got, err)
	}
	return code[6:]
}

func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, MaxText)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	texts := [][]byte{nil, {0}, {255}, []byte("{"), noise, noise[:1], make([]byte, MaxText), bytes.Repeat([]byte{0xff}, MaxText), Vocabulary[:MaxText/2]}
	for n := range 64 {
		texts = append(texts, noise[100:100+n], bytes.Repeat([]byte("ab"), n), bytes.Repeat([]byte(`{"@t":"`), n))
	}
	for _, text := range texts {
		if code := roundTrip(t, text); len(code) > len(text)+len(text)/8+8 {
			t.Errorf("%d bytes became %d", len(text), len(code))
		}
	}
}

func TestAnyTextComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.SampledFrom([]string{`{"`, `":"`, `",`, "\n", "\\", "level", "\x00", "é", "42", "}", "Information"}), 0, 200).Draw(t, "words")
		roundTrip(t, []byte(strings.Join(words, "GOLDEN")))
	})
}

// An event that has nothing in the vocabulary but its form takes a good part less than its bytes, one like those of the vocabulary far less.
func TestEventsAreShort(t *testing.T) {
	for text, most := range map[string]int{
		`{"@t":"2021-02-03T04:05:06.7890000Z","@mt":"Started","SourceContext":"Microsoft.Hosting.Lifetime"}`:                  30,
		`{"@t":"2021-02-03T04:05:06.7890000Z","@l":"Warning","@mt":"Qux {Zyx} wandered","Zyx":"plugh","Grue":[1,2],"w":true}`: 72,
	} {
		if code := roundTrip(t, []byte(text)); len(code) > most {
			t.Errorf("%s takes %d bytes, more than %d", text, len(code), most)
		}
	}
}

// The numbers are a part of the format: the same text has the same code everywhere and for ever.
func TestR18TheCodeStaysAsItIs(t *testing.T) {
	text := []byte(`{"@t":"2024-01-02T03:04:05.1234567Z","@mt":"Hello {Name}","Name":"World","n":-1.5e3,"o":{"x":null,"y":[true]}}`)
	const want = "a0507c106aa648a401e59cbd0ce2282bf3abd0c83b16225b195f851d228882db5ed1b46fac6fe8a90f91cc931eb7ad"
	if got := fmt.Sprintf("%x", Append(nil, text)); got != want {
		t.Errorf("the code is %s, not %s: raise the version of the block's format", got, want)
	}
}

func TestDecodeKeepsToItsLimits(t *testing.T) {
	for _, size := range []int{-1, MaxText + 1, math.MaxInt} {
		if _, err := Decode(nil, size); !errors.Is(err, fault.Corrupt) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
	if _, err := Decode(make([]byte, 100), 1); !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), "left over") {
		t.Errorf("bytes that are not needed: %v", err)
	}
}

// No text finds what another one has left behind.
func TestTextsAreIndependent(t *testing.T) {
	text := []byte(`{"@t":"2024-01-02T03:04:05Z","a":1}`)
	want := Append(nil, text)
	Append(nil, bytes.Repeat([]byte(`{"b":"c"}`), 500))
	if got := Append(nil, text); !bytes.Equal(got, want) {
		t.Errorf("%x, then %x", want, got)
	}
	var wait sync.WaitGroup
	for i := range 4 {
		wait.Go(func() {
			for range 4 {
				roundTrip(t, bytes.Repeat([]byte(`{"d":"e"}`), 10*i))
				if got := Append(nil, text); !bytes.Equal(got, want) {
					t.Errorf("%x, at the same time %x", want, got)
				}
			}
		})
	}
	wait.Wait()
}

func TestLogistic(t *testing.T) {
	for i, n := range logistic {
		if want := 4096 / (1 + math.Exp(-float64(i-16)/2)); math.Abs(float64(n)-want) > 1 {
			t.Errorf("at %d: %d, expected %f", i, n, want)
		}
	}
	for x := int32(-3000); x <= 3000; x++ {
		p := squash(x)
		if p < 1 || p > 4095 || p < squash(x-1) {
			t.Fatalf("squash(%d) is %d, of one less %d", x, p, squash(x-1))
		}
		if again := squash(stretch(uint16(p << 4))); again != p {
			t.Fatalf("%d is stretched to %d, which is squashed to %d", p, stretch(uint16(p<<4)), again)
		}
	}
}

func TestVocabularyIsOfEvents(t *testing.T) {
	if len(Vocabulary) > 16<<10 {
		t.Errorf("%d bytes are read before each program's first text", len(Vocabulary))
	}
	for line := range bytes.Lines(Vocabulary) {
		if !json.Valid(line) {
			t.Errorf("no JSON: %s", line)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	text := Vocabulary[:1024]
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Append(nil, text)
	}
}
