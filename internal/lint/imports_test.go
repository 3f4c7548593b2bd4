package lint

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/stelehq/stele"

// walls lists what each part of the product may import of the product itself; a part is
// the folder named or anything below it, and the longest name counts. "stele" is the
// root package. Tests may also use what testsMay lists.
var walls = []struct {
	part string
	may  []string
	why  string
}{
	{"stele", []string{"internal/fault", "internal/event", "internal/vfs", "internal/block", "internal/engine", "internal/inspect", "internal/query", "internal/document", "internal/units", "internal/backup"}, "the public API wires the engine to the query language"},
	{"internal/fault", nil, "errors are the lowest leaf"},
	{"internal/units", []string{"internal/fault"}, "sizes and lengths of time as text"},
	{"internal/machine", nil, "what the machine has; knows nothing of what for"},
	{"internal/vfs", []string{"internal/fault"}, "the seam to the disk knows nothing of events"},
	{"internal/event", []string{"internal/fault"}, "a leaf that server and commands may use"},
	{"internal/frame", []string{"internal/fault", "internal/vfs"}, "one codec that all logs share"},
	{"internal/column", []string{"internal/fault"}, "bytes and slices, no knowledge of events"},
	{"internal/terse", []string{"internal/fault"}, "texts in, bytes out"},
	{"internal/membership", []string{"internal/fault"}, "texts in, bytes out"},
	{"internal/block", []string{"internal/fault", "internal/event", "internal/column", "internal/terse", "internal/membership"}, "columns never see files"},
	{"internal/journal", []string{"internal/fault", "internal/vfs", "internal/frame", "internal/event"}, "kinds of file are strangers to each other"},
	{"internal/manifest", []string{"internal/fault", "internal/vfs", "internal/frame", "internal/event"}, "kinds of file are strangers to each other"},
	{"internal/document", []string{"internal/fault", "internal/vfs", "internal/frame", "internal/event"}, "kinds of file are strangers to each other"},
	{"internal/segment", []string{"internal/fault", "internal/vfs", "internal/frame", "internal/event"}, "kinds of file are strangers to each other"},
	{"internal/backup", []string{"internal/fault", "internal/vfs"}, "copies files whole; what is in them it does not know"},
	{"internal/engine", []string{"internal/fault", "internal/machine", "internal/event", "internal/vfs", "internal/frame", "internal/block", "internal/journal", "internal/manifest", "internal/document", "internal/segment", "internal/backup", "internal/membership"}, "the engine alone knows the order of writes and syncs"},
	{"internal/inspect", []string{"internal/fault", "internal/event", "internal/vfs", "internal/frame", "internal/block", "internal/journal", "internal/manifest", "internal/document", "internal/segment"}, "shows files as they are, without the engine's judgement"},
	{"internal/query/syntax", []string{"internal/fault", "internal/event"}, "text in, tree out"},
	{"internal/query/plan", []string{"internal/fault", "internal/event", "internal/block", "internal/query"}, "columns of many events at once, wherever they come from"},
	{"internal/query", []string{"internal/fault", "internal/event", "internal/query"}, "queries see rows and columns, never files"},
	{"internal/ingest", []string{"stele", "internal/fault", "internal/event", "internal/syslog"}, "what the door needs of the engine must be public"},
	{"internal/elastic", []string{"internal/fault", "internal/event", "internal/ingest"}, "a form of payload is a decoder alone"},
	{"internal/otlp", []string{"internal/fault", "internal/event", "internal/ingest"}, "a form of payload is a decoder alone"},
	{"internal/syslog", []string{"internal/fault", "internal/event"}, "messages in, CLEF out; dialects of files read it too"},
	{"internal/follow", []string{"internal/fault", "internal/vfs"}, "finds files and follows them; sees bytes, never events"},
	{"cmd", []string{"stele", "internal/fault", "internal/units", "internal/machine", "internal/event", "internal/ingest", "internal/otlp", "internal/follow", "internal/server", "ui", "cmd"}, "what the door needs of the engine must be public"},
	{"capi", []string{"stele", "internal/fault", "internal/event", "internal/server", "ui"}, "what the door needs of the engine must be public"},
	{"internal/gelf", []string{"internal/fault", "internal/event", "internal/syslog"}, "its levels are syslog's, and so is what a text may hold"},
	{"internal/loki", []string{"internal/fault", "internal/event", "internal/ingest"}, "a form of payload is a decoder alone"},
	{"internal/server", []string{"stele", "internal/fault", "internal/units", "internal/machine", "internal/event", "internal/ingest", "internal/elastic", "internal/loki", "internal/otlp", "internal/syslog", "internal/gelf", "ui"}, "what the door needs of the engine must be public"},
	{"internal/testkit", []string{"stele", "internal/fault", "internal/event", "internal/vfs", "internal/engine"}, "test stores are opened as users open them, but for the hooks of the engine"},
	{"internal/metamorphic", []string{"stele", "internal/fault", "internal/event", "internal/vfs", "internal/engine", "internal/server", "internal/testkit"}, "the same through every door, over a disk of the test"},
	{"internal/lint", nil, "reads files only"},
	{"e2e", []string{"internal/event"}, "speaks to the binary alone"},
	{"ci", nil, "scripts stand outside the product"},
	{"ui", nil, "files to embed"},
	{"examples", []string{"stele"}, "what users may import"},
	{"bench", []string{"stele"}, "benchmarks measure what users get"},
}

// testsMay lists what any test may import besides.
var testsMay = []string{"internal/testkit", "internal/otlp", "internal/vfs", "internal/event", "internal/fault", "internal/frame", "stele"}

func TestImportWalls(t *testing.T) {
	for _, s := range sources(t) {
		part, may, why := wall(s.dir())
		if part == "" {
			t.Errorf("%s: no wall is drawn for %s; add a row", s.name, s.dir())
			continue
		}
		for _, spec := range s.file.Imports {
			target, _ := strconv.Unquote(spec.Path.Value)
			if target != module && !strings.HasPrefix(target, module+"/") {
				continue
			}
			target = strings.TrimPrefix(strings.TrimPrefix(target, module), "/")
			if target == "" {
				target = "stele"
			}
			allowed := within(target, part) || slices.ContainsFunc(may, func(m string) bool { return within(target, m) })
			if s.test() && !allowed {
				allowed = slices.ContainsFunc(testsMay, func(m string) bool { return within(target, m) })
			}
			if !allowed {
				t.Errorf("%s imports %s; %s may import %v: %s", s.name, target, part, may, why)
			}
		}
	}
}

func wall(dir string) (part string, may []string, why string) {
	if dir == "." {
		dir = "stele"
	}
	for _, w := range walls {
		if within(dir, w.part) && len(w.part) > len(part) {
			part, may, why = w.part, w.may, w.why
		}
	}
	return part, may, why
}

func within(dir, part string) bool { return dir == part || strings.HasPrefix(dir, part+"/") }

// TestEmbeddingLinksNoServer holds that a program which imports stele gets neither an HTTP
// server, nor cgo, nor what only commands and tests need.
func TestEmbeddingLinksNoServer(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}}", module)
	cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, module+"/internal/engine") {
		t.Fatal("the engine is not among the dependencies: the list is broken")
	}
	for _, banned := range []string{"net/http", "net", "runtime/cgo", "os/signal", "testing", "github.com/alecthomas/kong"} {
		if slices.Contains(deps, banned) {
			t.Errorf("importing %s links %s", module, banned)
		}
	}
}
