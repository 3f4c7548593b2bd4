package ingest

import (
	"bytes"
	"testing"

	"github.com/stelehq/stele/internal/testkit"
)

// FuzzConsole reads any lines after an example of a layout, in its format and without one:
// everything of them is in an event.
func FuzzConsole(f *testing.F) {
	for i, form := range consoleForms {
		f.Add(uint8(i), []byte("\n\tat x.y(Z.java:1)\nmore words\n"+form.example+"\n"))
	}
	f.Fuzz(func(t *testing.T, which uint8, seed []byte) {
		form := &consoleForms[int(which)%len(consoleForms)]
		testkit.Soak(t, append([]byte(form.example), seed...), func(text []byte) {
			checkReading(t, form.format, text, nil)
			if bytes.IndexByte(text, 0) < 0 { // else it may be binary, and refused
				checkReading(t, AutoFormat, text, func(string) bool { return true })
			}
		})
	})
}
