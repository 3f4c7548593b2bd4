package terse_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/terse"
	"github.com/stelehq/stele/internal/testkit"
)

// FuzzDecode decodes any bytes, behind two for the size of the text: to a text of that size, or to nothing.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0, 0})
	f.Add(terse.Append([]byte{29, 0}, []byte(`{"@t":"2024-01-02T03:04:05Z"}`)))
	f.Add([]byte{0, 3, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(data []byte) { decodeAny(t, data) })
	})
}

func decodeAny(t *testing.T, data []byte) {
	if len(data) < 2 {
		return
	}
	size := int(data[0]) | int(data[1])<<8
	text, err := terse.Decode(data[2:], size)
	if err != nil {
		if !errors.Is(err, fault.Corrupt) {
			t.Fatal(err)
		}
		return
	}
	if len(text) != size {
		t.Fatalf("%d bytes, %d were asked for", len(text), size)
	}
	code := terse.Append(nil, text)
	if again, err := terse.Decode(code, size); err != nil || !bytes.Equal(again, text) {
		t.Fatalf("%q came back as %q, %v", text, again, err)
	}
}
