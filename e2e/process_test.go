// Package e2e runs the real binary as a process and speaks to it as its users do: over
// HTTP, with unmodified clients, and with signals.
package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary returns the path of the program under test: STELE_BIN, or one built here.
var binary = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("STELE_BIN"); bin != "" {
		return bin, nil
	}
	dir, err := os.MkdirTemp("", "stele-e2e-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "stele")
	if out, err := exec.Command("go", "build", "-o", bin, "../cmd/stele").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if bin, err := binary(); err == nil && os.Getenv("STELE_BIN") == "" {
		os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(code)
}

func skipWithoutProcesses(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("skipped: this test sends POSIX signals")
	}
}

// process is a running server. It is killed when the test ends, whatever happens.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	log  *output
	done chan struct{} // closed when the process has ended
	err  error         // how it ended
}

// output is what a process says; it may be looked at while the process runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// launch starts the server over a directory, on a free port, without waiting for it to be in service.
func launch(t *testing.T, dir string, flags ...string) *process {
	t.Helper()
	return launchAt(t, "http://"+freeAddress(t), dir, flags...)
}

// freeAddress is a loopback address with a port that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// launchAt starts it at an address, as after the end of an earlier one.
func launchAt(t *testing.T, url, dir string, flags ...string) *process {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, url: url, log: new(output), done: make(chan struct{})}
	p.cmd = exec.Command(bin, append([]string{"serve", "--datapath", dir, "--urls", url}, flags...)...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.kill)
	return p
}

// serve starts the server and waits until it is in service.
func serve(t *testing.T, dir string, flags ...string) *process {
	t.Helper()
	for {
		p := launch(t, dir, flags...)
		if !p.taken() {
			return p.ready()
		}
	}
}

// taken waits for the server to be in service or to end, and says whether it ended because something else had got its port meanwhile: a test
// that runs beside this one, or a client's connection.
func (p *process) taken() bool {
	for late := time.Now().Add(30 * time.Second); time.Now().Before(late); time.Sleep(10 * time.Millisecond) {
		select {
		case <-p.done:
			return strings.Contains(p.log.String(), "address already in use")
		default:
		}
		if resp, err := http.Get(p.url + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return false
			}
		}
	}
	return false
}

// ready waits until the server is in service.
func (p *process) ready() *process {
	t := p.t
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		select {
		case <-p.done:
			t.Fatalf("the server ended: %v\n%s", p.err, p.log)
		default:
		}
		if resp, err := http.Get(p.url + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return p
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.kill()
	t.Fatalf("the server was not in service after 30 s\n%s", p.log)
	return nil
}

// kill ends the process as kill -9 does. It is harmless when the process has ended.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// stop ends the process as a service manager does and fails the test if it complains.
func (p *process) stop() {
	p.t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		if p.err != nil {
			p.t.Errorf("after SIGTERM the server ended with %v\n%s", p.err, p.log)
		}
	case <-time.After(20 * time.Second):
		p.kill()
		p.t.Errorf("the server had not ended 20 s after SIGTERM\n%s", p.log)
	}
}

// run runs the program with the arguments given, for at most a minute.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command(bin, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	err = cmd.Run()
	timer.Stop()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// entity is what the tests look at of an event in Seq's shape.
type entity struct {
	ID                    string `json:"Id"`
	Timestamp             string
	Level                 string
	RenderedMessage       string
	Exception             string
	TraceID               string `json:"TraceId"`
	SpanID                string `json:"SpanId"`
	ParentID              string `json:"ParentId"`
	SpanKind              string
	Start                 string
	Elapsed               string
	MessageTemplateTokens []map[string]any
	Properties            []struct {
		Name  string
		Value any
	}
}

func (e entity) property(name string) any {
	for _, p := range e.Properties {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

// events returns what the list endpoint answers to a query string.
func (p *process) events(query string) []entity {
	p.t.Helper()
	var list []entity
	p.get("/api/events?render=true&count=1000&"+query, &list)
	return list
}

func (p *process) get(path string, into any) {
	p.t.Helper()
	resp, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		p.t.Fatalf("GET %s: %s: %s", path, resp.Status, body)
	}
	if err := json.Unmarshal(body, into); err != nil {
		p.t.Fatalf("GET %s: %v in %.200s", path, err, body)
	}
}

// post sends a CLEF body; it is acknowledged if the status is 201.
func (p *process) post(client *http.Client, body string) (status int, answer string, err error) {
	resp, err := client.Post(p.url+"/ingest/clef", "application/vnd.serilog.clef", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}
