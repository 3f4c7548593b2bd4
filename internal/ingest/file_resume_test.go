package ingest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// placed is an event with its place.
type placed struct {
	CLEF         string
	Line, Offset int64
}

func allPlaced(t *testing.T, text string, o FileOptions) []placed {
	t.Helper()
	r := NewFileReader(strings.NewReader(text), o)
	var all []placed
	for r.Next() {
		e := r.Event()
		all = append(all, placed{string(e.CLEF), e.Line, e.Offset})
	}
	if r.Err() != nil {
		t.Fatal(r.Err())
	}
	return all
}

// TestReadingResumesAnywhere reads files from each of their events on, with the head up to
// each event before it, and gets what reading them whole gives.
func TestReadingResumesAnywhere(t *testing.T) {
	var timed, bare, table, zeek strings.Builder
	table.WriteString("time,level,msg\n")
	zeek.WriteString("#separator \\x09\n#fields\tts\tuid\n#types\ttime\tstring\n")
	for i := range 12 {
		fmt.Fprintf(&timed, "2026-11-20 10:00:%02d,5 WARN number %d\n", i, i)
		if i%3 == 0 {
			timed.WriteString("java.io.IOException: gone\n\tat kafka.Fetch(Fetch.scala:9)\n")
		}
		fmt.Fprintf(&table, "2026-11-20 10:00:%02d,info,\"of two\nlines %d\"\n", i, i)
		fmt.Fprintf(&zeek, "%d.5\tC%d\n", 1669575482+i, i)
		fmt.Fprintf(&bare, "{\"ts\":%d,\"msg\":\"m\"}\n", 1669575482+i)
		if i%4 == 1 {
			bare.WriteString("{\"msg\":\"no time\"}\n\n")
		}
	}
	for name, text := range map[string]string{
		"text":  timed.String(),
		"json":  bare.String(),
		"clef":  strings.Repeat(`{"@t":"2026-11-20T10:00:00Z","@mt":"x"}`+"\n", 9),
		"array": "[" + strings.Repeat("{\"ts\":1669575482},\n {\n\"ts\":1669575483},", 5) + "{\"ts\":1669575484}]\n",
		"bulk":  strings.Repeat("{\"index\":{\"_id\":\"1\"}}\n{\"ts\":1669575482}\n", 9),
		"csv":   table.String(),
		"zeek":  zeek.String(),
		"plain": strings.Repeat("a line without time\n", 9),
	} {
		t.Run(name, func(t *testing.T) {
			o := FileOptions{Patient: true, Now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}
			whole := allPlaced(t, text, o)
			for n := 2; n < len(whole); n++ {
				for head := 1; head <= n; head++ {
					o.Resume = &FileResume{Head: []byte(text[:whole[head].Offset]), Offset: whole[n].Offset, Line: whole[n].Line - 1}
					if name == "json" { // an event without a time takes that of the event before
						last, _ := clefInstant([]byte(whole[n-1].CLEF))
						o.Resume.Last = time.Unix(0, last)
					}
					if d := cmp.Diff(whole[n:], allPlaced(t, text[whole[n].Offset:], o)); d != "" {
						t.Fatalf("from event %d with a head of %d: %s", n, head, d)
					}
				}
			}
		})
	}
}

// TestLinesAfterAnEventThatWasTaken are not added to the head's last event, which nobody would get.
func TestLinesAfterAnEventThatWasTaken(t *testing.T) {
	head := "2026-11-20 10:00:00 INFO first\n"
	o := FileOptions{Patient: true, Resume: &FileResume{Head: []byte(head), Offset: int64(len(head)), Line: 1}}
	got := allPlaced(t, "\tat late.Line(Late.java:1)\n2026-11-20 10:00:01 INFO second\n", o)
	if len(got) != 2 || got[0].Offset != int64(len(head)) || got[0].Line != 2 || !strings.Contains(got[0].CLEF, "late.Line") {
		t.Errorf("%+v", got)
	}
}

// TestRefusalsComeWithTheirText, so that it can be kept.
func TestRefusalsComeWithTheirText(t *testing.T) {
	var got []string
	o := FileOptions{Patient: true, EventBytes: 60, Refused: func(r FileRefusal) { got = append(got, string(r.Text)) }}
	for _, text := range []string{
		"{\"ts\":1669575482}\n{\"ts\":1\n" + `{"ts":1669575482,"a":"` + strings.Repeat("x", 60) + "\"}\n{\"ts\":1669575482}\n",
		"2026-11-20 10:00:00 " + strings.Repeat("\x01", 30) + "\n2026-11-20 10:00:00 x\n",
	} {
		allPlaced(t, text, o)
	}
	if len(got) != 3 || got[0] != `{"ts":1` || !strings.HasPrefix(got[1], `{"ts":1669575482,"a":"xxx`) || !strings.Contains(got[2], `\u0001\u0001`) {
		t.Errorf("%q", got)
	}
}
