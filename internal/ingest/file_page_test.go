package ingest

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ingestPage shows kinds of log file by example: a block of lines after a comment
// <!-- file NAME -->, then a line that says what the file is taken for, then a block of the
// events that the lines become.
const ingestPage = "../../docs/ingest.md"

var pageExample = regexp.MustCompile("(?s)<!-- file (\\S+) -->\n```[a-z]*\n(.*?)```\n(.*?)```json\n(.*?)```\n")

// TestIngestPageFiles holds the page's results to what is read from its examples; -update
// writes them anew.
func TestIngestPageFiles(t *testing.T) {
	text, err := os.ReadFile(ingestPage)
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	formats := map[string]bool{}
	now := pageExample.ReplaceAllStringFunc(page, func(example string) string {
		m := pageExample.FindStringSubmatch(example)
		name, lines := m[1], m[2]
		events, refused, r := readAll(t, lines, FileOptions{Patient: true})
		if r.Err() != nil || len(refused) > 0 || len(events) == 0 {
			t.Errorf("the example %s gives %d events, refused %v, error %v", name, len(events), refused, r.Err())
		}
		formats[r.Report().Format] = true
		head := example[:strings.Index(example, lines)+len(lines)]
		return head + "```\n\n" + r.Report().Format + ":\n\n```json\n" + strings.Join(events, "\n") + "\n```\n"
	})
	if len(formats) == 0 {
		t.Errorf("%s has no examples", ingestPage)
	}
	if *update {
		if err := os.WriteFile(ingestPage, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(strings.Split(page, "\n"), strings.Split(now, "\n")); d != "" {
		t.Errorf("the results on %s differ; if they are right, write them anew with -update\n%s", ingestPage, d)
	}
}
