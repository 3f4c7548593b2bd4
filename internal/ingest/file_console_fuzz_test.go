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
			// Detection takes twenty times as long as reading, so a part of the inputs must do for it. What has
			// a zero byte or the mark of UTF-16 may be refused whole.
			if len(text)%32 == 0 && bytes.IndexByte(text, 0) < 0 && !utf16Mark(text) {
				checkReading(t, AutoFormat, text, func(string) bool { return true })
			}
		})
	})
}

func utf16Mark(text []byte) bool {
	return bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff"))
}
