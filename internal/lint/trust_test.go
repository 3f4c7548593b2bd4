package lint

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTrustNamesTests holds docs/trust.md to the tests: each that it names exists, each row of its tables of promises names one, and no
// invariant of docs/architecture.md is left out.
func TestTrustNamesTests(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "trust.md"))
	if err != nil {
		t.Fatal(err)
	}
	exist := map[string]bool{}
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.test() && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				exist[f.Name.Name] = true
			}
		}
	}
	name := regexp.MustCompile("`(Test\\w+)`")
	for _, m := range name.FindAllStringSubmatch(string(text), -1) {
		if !exist[m[1]] {
			t.Errorf("docs/trust.md names %s; there is no such test", m[1])
		}
	}
	for _, heading := range []string{"Promises", "Invariants", "What went wrong elsewhere"} {
		_, section, ok := strings.Cut(string(text), "\n## "+heading+"\n")
		if !ok {
			t.Errorf("docs/trust.md has no section %q", heading)
			continue
		}
		section, _, _ = strings.Cut(section, "\n## ")
		rows := 0
		for line := range strings.Lines(section) {
			if !strings.HasPrefix(line, "| ") || strings.Contains(line, "| held") || strings.HasPrefix(line, "| ---") {
				continue
			}
			if rows++; !name.MatchString(line) {
				t.Errorf("docs/trust.md, %s: no test is named for %s", heading, line)
			}
		}
		if rows < 10 {
			t.Errorf("docs/trust.md, %s: found only %d rows", heading, rows)
		}
	}
	architecture, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^- \*\*(I\d+)\*\*`).FindAllStringSubmatch(string(architecture), -1) {
		if !strings.Contains(string(text), fmt.Sprintf("\n| %s | ", m[1])) {
			t.Errorf("docs/trust.md says nothing of %s", m[1])
		}
	}
}

// TestEveryFileGoesThroughTheSeam holds that what is below package stele, and the package itself, reaches files by
// internal/vfs alone (I12).
func TestEveryFileGoesThroughTheSeam(t *testing.T) {
	harmless := []string{"Getpid", "Hostname", "IsNotExist", "ErrNotExist"}
	for _, s := range sources(t) {
		below := s.dir() == "."
		for _, part := range []string{"engine", "journal", "manifest", "document", "segment", "frame", "block", "column", "terse", "query", "event", "inspect"} {
			below = below || within(s.dir(), "internal/"+part)
		}
		if !below || s.test() {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && (x.Name == "os" || x.Name == "syscall" || x.Name == "ioutil") && x.Obj == nil && !slices.Contains(harmless, sel.Sel.Name) {
				t.Errorf("%s uses %s.%s; files are reached through internal/vfs", s.name, x.Name, sel.Sel.Name)
			}
			return true
		})
	}
}
