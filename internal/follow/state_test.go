package follow

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/stelehq/stele/internal/fault"
)

func TestStateComesBack(t *testing.T) {
	name := filepath.Join(t.TempDir(), "deep", "state.json")
	s, err := OpenState(name, "here")
	must(t, err)
	when := time.Date(2026, 11, 20, 10, 0, 0, 5, time.UTC)
	a := &Log{Path: "/a", Live: "/a", ID: ID{1, 1<<63 + 1}, Head: printOf([]byte("x")), Mod: when, At: Position{Offset: 7, Line: 1, Sample: 7, Last: when, Tail: printOf([]byte("y"))}}
	b := &Log{Path: "/b", Head: printOf([]byte("z")), Mod: when, Gone: when}
	s.Logs = []*Log{a, b}
	must(t, s.Begin("one", []Part{{Log: b, To: Position{Offset: 5, Skip: 2}}, {Log: a, To: Position{Offset: 9, Packed: 3}}}))
	want := []any{s.Logs, s.Sent}
	must(t, s.Close())

	s, err = OpenState(name, "here")
	must(t, err)
	if d := cmp.Diff(want, []any{s.Logs, s.Sent}, cmpopts.IgnoreUnexported(Log{}), cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	if s.Sent.Parts[0].Log != s.Logs[1] || s.Sent.Parts[1].Log != s.Logs[0] {
		t.Error("the parts are of other logs")
	}
	s.Done(s.Sent.Parts)
	must(t, s.Save())
	if _, err := OpenState(name, "here"); !errors.Is(err, fault.Locked) || !strings.Contains(err.Error(), "process") {
		t.Errorf("a second opener gets %v", err)
	}
	must(t, s.Close())
	if _, err := OpenState(name, "elsewhere"); !errors.Is(err, fault.Invalid) {
		t.Errorf("the state of another store gives %v", err)
	}
	s, err = OpenState(name, "here")
	must(t, err)
	if s.Sent != nil || s.Logs[0].At.Offset != 9 || s.Logs[1].At.Skip != 2 {
		t.Errorf("after the acknowledgement: %+v, %+v, %+v", s.Sent, s.Logs[0], s.Logs[1])
	}
	must(t, s.Close())
}

// TestDamagedStateIsNamed: to start over would store everything twice.
func TestDamagedStateIsNamed(t *testing.T) {
	name := filepath.Join(t.TempDir(), "state.json")
	for text, kind := range map[string]fault.Kind{
		"":                           fault.Corrupt,
		"{":                          fault.Corrupt,
		`{"target":"here"}`:          fault.Corrupt,
		`{"version":2}`:              fault.Unsupported,
		`{"version":1,"target":"x"}`: fault.Invalid,
		`{"version":1,"target":"here","logs":[null]}`:                                                                   fault.Corrupt,
		`{"version":1,"target":"here","logs":[{"path":"/a","at":{"offset":-1}}]}`:                                       fault.Corrupt,
		`{"version":1,"target":"here","logs":[{"path":"/a","at":{"offset":1,"sample":2}}]}`:                             fault.Corrupt,
		`{"version":1,"target":"here","logs":[{"path":"/a","head":{"bytes":99999}}]}`:                                   fault.Corrupt,
		`{"version":1,"target":"here","logs":[{"path":"/a"}],"sent":{"parts":[{"log":1}]}}`:                             fault.Corrupt,
		`{"version":1,"target":"here","logs":[{"path":"/a","at":{"offset":5}}],"sent":{"parts":[{"to":{"offset":4}}]}}`: fault.Corrupt,
	} {
		must(t, os.WriteFile(name, []byte(text), 0o644))
		_, err := OpenState(name, "here")
		if !errors.Is(err, kind) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s gives %v, want %v", text, err, kind)
		}
		if kept, _ := os.ReadFile(name); string(kept) != text {
			t.Errorf("%s was changed to %s", text, kept)
		}
	}
}
