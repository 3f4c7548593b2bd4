// Package lint holds the rules of this house as tests: who may import whom, what files
// may look like, and that each numbered rule has its test.
package lint

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// source is one Go file, by its slash-separated path from the repository's root.
type source struct {
	name string
	text []byte
	file *ast.File
}

func (s source) test() bool  { return strings.HasSuffix(s.name, "_test.go") }
func (s source) dir() string { return path.Dir(s.name) }

// sources parses every Go file of the repository, nested modules included.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); base == "node_modules" || base == ".git" || base == "dist" || base == "work" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		short, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		all = append(all, source{filepath.ToSlash(short), text, file})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("found only %d Go files below %s: the walk is broken", len(all), root)
	}
	return all
}

func TestFilesAreOfReadableLength(t *testing.T) {
	for _, s := range sources(t) {
		if lines := bytes.Count(s.text, []byte("\n")); lines > 700 {
			t.Errorf("%s has %d lines; look for the second idea in it", s.name, lines)
		}
	}
}

func TestNoInitRegistriesAndNoVaguePackages(t *testing.T) {
	for _, s := range sources(t) {
		if name := s.file.Name.Name; slices.Contains([]string{"util", "utils", "common", "helpers", "misc"}, name) {
			t.Errorf("%s: package %s says nothing; name it for what it owns", s.name, name)
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function; a list of formats, functions or codecs is a table in one file", s.name)
			}
		}
	}
}

func TestNothingIsLeftToDo(t *testing.T) {
	unfinished := regexp.MustCompile(`\b(TODO|FIXME|XXX)\b|panic\("(stub|not implemented)`)
	for _, s := range sources(t) {
		if s.dir() == "internal/lint" {
			continue
		}
		if at := unfinished.Find(s.text); at != nil {
			t.Errorf("%s says %s; finish it, or open an issue and delete the line", s.name, at)
		}
	}
}

// TestEveryRuleHasATest asks for a test named after each numbered rule (TestR13…).
func TestEveryRuleHasATest(t *testing.T) {
	// Rules that Go cannot test.
	elsewhere := map[int]string{
		24: "closing across C is tested in C: closing and drill of capi/torture",
	}
	found := map[int]bool{}
	name := regexp.MustCompile(`^TestR(\d+)\D`)
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !s.test() {
				continue
			}
			if m := name.FindStringSubmatch(f.Name.Name + "_"); m != nil {
				n, _ := strconv.Atoi(m[1])
				found[n] = true
			}
		}
	}
	for n := 1; n <= 24; n++ {
		if _, excused := elsewhere[n]; !found[n] && !excused {
			t.Errorf("no test is named after rule R%d", n)
		} else if found[n] && excused {
			t.Errorf("R%d has a test now: take it off the list of exceptions", n)
		}
	}
}

// TestEveryFuzzTargetHasACorpus keeps seeds checked in beside each fuzz target.
func TestEveryFuzzTargetHasACorpus(t *testing.T) {
	targets := 0
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || !s.test() || !strings.HasPrefix(f.Name.Name, "Fuzz") {
				continue
			}
			targets++
			corpus := filepath.Join(root, s.dir(), "testdata", "fuzz", f.Name.Name)
			if entries, err := os.ReadDir(corpus); err != nil || len(entries) == 0 {
				t.Errorf("%s: %s has no checked-in corpus in testdata/fuzz/%s", s.name, f.Name.Name, f.Name.Name)
			}
		}
	}
	if targets == 0 {
		t.Error("no fuzz target found")
	}
}

// TestWhatIsSkippedSaysSo finds tests that are skipped without telling what is absent, in words that a run can be searched for.
func TestWhatIsSkippedSaysSo(t *testing.T) {
	call := regexp.MustCompile(`\.Skip(?:Now|f)?\(("skipped: )?`)
	for _, s := range sources(t) {
		if !s.test() || s.dir() == "internal/lint" {
			continue
		}
		for _, m := range call.FindAllSubmatch(s.text, -1) {
			if m[1] == nil {
				t.Errorf("%s has a test that is skipped without the words \"skipped: \" and what is absent", s.name)
			}
		}
	}
}

// TestNoMachineSpecifics keeps paths of one machine and addresses of registries out.
func TestNoMachineSpecifics(t *testing.T) {
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		t.Skip("skipped: this is no git checkout, and only git knows which files are the repository's")
	}
	out, err := exec.Command("git", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		t.Fatal(err)
	}
	specific := regexp.MustCompile(`(^|[^A-Za-z0-9_.~$])/(work|farm|root)/[a-z]|"resolved": *"https?://`)
	for _, name := range strings.Split(strings.TrimRight(string(out), "\x00"), "\x00") {
		switch path.Ext(name) {
		case ".png", ".sum", ".gz", ".bin":
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue // deleted but not yet committed
		}
		if at := specific.Find(text); at != nil && !strings.HasPrefix(name, "internal/lint/") {
			t.Errorf("%s names %q", name, at)
		}
	}
}
