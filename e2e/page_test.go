package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// ingestPage is the page of set-ups. Each of its blocks that somebody would copy is marked by
// a comment on the line before:
//
//	<!-- run KIND want="TEXT" -->    run as KIND (sh, node, python, rsyslog); an event whose
//	                                 message has TEXT is in the store afterwards
//	<!-- tested by NAME -->          what it needs cannot run here; the test NAME stands in
const ingestPage = "../docs/ingest.md"

// pageBlock is one marked block.
type pageBlock struct {
	line       int
	kind, want string // of run
	standIn    string // of tested by
	text       string
}

var (
	runMark    = regexp.MustCompile(`^<!-- run (\w+) want="([^"]+)" -->$`)
	testedMark = regexp.MustCompile(`^<!-- tested by (\w+) -->$`)
	fileMark   = regexp.MustCompile(`^<!-- file \S+ -->$`) // held by internal/ingest
)

// pageBlocks reads the page. A block without a mark is an error: nothing is shown untested.
func pageBlocks(t *testing.T) (blocks []pageBlock) {
	t.Helper()
	text, err := os.ReadFile(ingestPage)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	result := false // the block that follows a file's block is its result
	for i := 0; i < len(lines); i++ {
		if !strings.HasPrefix(lines[i], "```") {
			continue
		}
		b := pageBlock{line: i + 1}
		mark := lines[max(i-1, 0)]
		run, tested := runMark.FindStringSubmatch(mark), testedMark.FindStringSubmatch(mark)
		switch {
		case run != nil:
			b.kind, b.want = run[1], run[2]
		case tested != nil:
			b.standIn = tested[1]
		case fileMark.MatchString(mark):
			result = true
		case result:
			result = false
		default:
			t.Errorf("%s line %d: the block is not marked as tested", ingestPage, i+1)
		}
		var body []string
		for i++; i < len(lines) && lines[i] != "```"; i++ {
			body = append(body, lines[i])
		}
		b.text = strings.Join(body, "\n") + "\n"
		if run != nil || tested != nil {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// TestClientIngestPage runs what the page shows against the real binary, as it is but for addresses.
func TestClientIngestPage(t *testing.T) {
	skipWithoutProcesses(t)
	blocks := pageBlocks(t)
	tests := testNames(t)
	ports := freePorts(t, 4)
	address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	p := serve(t, t.TempDir(),
		"--otlp-urls", "grpc://"+address(0)+";http://"+address(1),
		"--syslog", "udp://"+address(2)+";tcp://"+address(2), "--gelf", "udp://"+address(3)+";tcp://"+address(3))
	own := strings.NewReplacer(
		"http://localhost:5341", p.url, "localhost:5341", strings.TrimPrefix(p.url, "http://"),
		"localhost:4317", address(0), "localhost:4318", address(1),
		"5514", fmt.Sprint(ports[2]), "12201", fmt.Sprint(ports[3]),
		"bin/stele", mustBinary(t))
	for _, b := range blocks {
		if b.standIn != "" {
			if !slices.Contains(tests, b.standIn) {
				t.Errorf("%s line %d: there is no test %s", ingestPage, b.line, b.standIn)
			}
			continue
		}
		t.Run(fmt.Sprintf("line%d-%s", b.line, b.kind), func(t *testing.T) {
			runBlock(t, b.kind, own.Replace(b.text))
			deadline := time.Now().Add(20 * time.Second)
			for {
				var found []string
				for _, e := range p.events("") {
					found = append(found, e.RenderedMessage)
				}
				if slices.ContainsFunc(found, func(m string) bool { return strings.Contains(m, b.want) }) {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("no event says %q; there are %q", b.want, found)
				}
				time.Sleep(50 * time.Millisecond)
			}
		})
	}
	p.stop()
}

// runBlock runs a block of the page for at most a minute.
func runBlock(t *testing.T, kind, text string) {
	t.Helper()
	dir := t.TempDir()
	var cmd *exec.Cmd
	switch kind {
	case "sh":
		cmd = exec.Command("bash", "-eu", "-o", "pipefail", "-c", text)
	case "python":
		if _, err := exec.LookPath("python3"); err != nil {
			t.Skip("skipped: there is no python3")
		}
		cmd = exec.Command("python3", "-c", text)
	case "node":
		modules, err := filepath.Abs("clients/node_modules")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(modules); err != nil {
			t.Skip("skipped: the npm clients are not installed; `make test-clients` installs them")
		}
		if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "block.mjs"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd = exec.Command("node", "block.mjs")
	default:
		t.Fatalf("nothing runs a block of kind %q", kind)
	}
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	err := cmd.Wait()
	if !timer.Stop() || err != nil {
		t.Fatalf("%v\n%s\n%s", err, text, out.Bytes())
	}
}

func mustBinary(t *testing.T) string {
	t.Helper()
	bin, err := binary()
	if err == nil {
		bin, err = filepath.Abs(bin)
	}
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// freePorts returns ports that were free for TCP a moment ago.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

var testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)

// testNames lists the tests of this folder.
func testNames(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testFunc.FindAllSubmatch(text, -1) {
			names = append(names, string(m[1]))
		}
	}
	return names
}
