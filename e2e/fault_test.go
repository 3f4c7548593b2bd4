package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What clients do when the server says no, is slow, or is not there, by measurement; and what
// the server owes them: what it acknowledged is there, once, after a kill -9 too. The table of
// docs/clients.md is what these tests measure.

// client is what the tests drive: a process that runs an unmodified client, or a stand-in.
type client interface {
	emit(n int)              // logs an event whose message is "probe n"
	flush() (told []string)  // waits until the client has done with its events; what it told the application of failures
	errors() (told []string) // what it has told since
	close()
}

// subject is a client whose conduct is measured.
type subject struct {
	name  string // its row in docs/clients.md
	start func(t *testing.T, url string, own bool) client
	// waits is how long the slowest case may take if the client's own times are kept.
	waits time.Duration
	// impatience is when the client gives up a request, with its waits shortened and with its own.
	impatience [2]time.Duration
	endless    []string  // the faults upon which it retries without end
	files      bool      // it puts aside in a file what is refused
	want       []conduct // in the order of faults
}

// conduct is what a client did with one batch.
type conduct struct {
	requests int  // how many of it came through, or several
	stored   int  // how often the event was stored in the end
	told     bool // whether the application was told of a failure
}

// several requests: how many is a matter of time.
const several = -1

// fault is a column of the table.
type fault struct {
	name   string
	script func(patience time.Duration) []step
}

var faults = []fault{
	{"400", func(time.Duration) []step { return []step{refuse(400)} }},
	{"413", func(time.Duration) []step { return []step{refuse(413)} }},
	{"503 once", func(time.Duration) []step { return []step{busy, pass} }},
	{"503 for good", func(time.Duration) []step { return []step{busy} }},
	{"answer too late", func(p time.Duration) []step { return []step{{hold: 2 * p}, pass} }},
	{"answer lost", func(time.Duration) []step { return []step{{cut: true}, pass} }},
	{refusedOnce, func(time.Duration) []step { return []step{pass} }},
}

// script is what the proxy plays to a client. One that retries without end is let through at last.
func (s *subject) script(f fault, patience time.Duration) []step {
	script := f.script(patience)
	if slices.Contains(s.endless, f.name) {
		script = append(repeat(3, script...), pass)
	}
	return script
}

func repeat(times int, steps ...step) (all []step) {
	for range times {
		all = append(all, steps...)
	}
	return all
}

const refusedOnce = "connection refused"

// busy is the server's own answer when it starts or has no room.
var busy = step{status: 503, header: "Retry-After: 2"}

// cell is the text of a cell of docs/clients.md.
func (s *subject) cell(f fault, c conduct) string {
	retried := c.requests != 1 || f.name == refusedOnce // the requests that were refused did not come through
	var text string
	switch {
	case slices.Contains(s.endless, f.name):
		text = "retried without end"
	case c.stored == 0 && s.files:
		text = "put aside in a file"
	case c.stored == 0 && c.requests == several:
		text = "lost after many requests"
	case c.stored == 0 && c.requests <= 1:
		text = "lost, not retried"
	case c.stored == 0:
		text = fmt.Sprintf("lost after %d requests", c.requests)
	case !retried:
		text = "stored, not retried"
	case c.stored == 1:
		text = "retried, stored once"
	default:
		text = "retried, **stored twice**"
	}
	if c.told {
		text += ", told"
	}
	return text
}

func long() bool { return os.Getenv("STELE_LONG") != "" }

// measure plays every fault to a client and compares what it does with what is written of it.
func measure(t *testing.T, s subject) {
	t.Helper()
	skipWithoutProcesses(t)
	t.Parallel()
	dir := t.TempDir()
	p := serve(t, dir)
	proxy := newFaultProxy(t, p.url)
	patience := s.impatience[0]
	if long() {
		patience = s.impatience[1]
	}
	c := s.start(t, proxy.url, long())

	acknowledged, stored := map[int]bool{}, map[int]int{}
	for n, f := range faults {
		want := s.want[n]
		proxy.play(s.script(f, patience)...)
		back := make(chan struct{})
		if f.name == refusedOnce {
			proxy.refuse()
			go func() {
				defer close(back)
				time.Sleep(200 * time.Millisecond)
				proxy.accept()
			}()
		} else {
			close(back)
		}
		c.emit(n)
		told := c.flush()
		<-back
		seen := proxy.exchanges(want.requests, s.waits)
		for _, e := range seen {
			if e.client == 200 || e.client == 201 || e.client == 204 {
				acknowledged[n] = true
			}
		}
		told = append(told, c.errors()...)
		stored[n] = p.probes()[n]
		got := conduct{len(seen), stored[n], len(told) > 0}
		t.Logf("%s: %s: %+v %.300q", s.name, f.name, got, told)
		if want.requests == several && got.requests > 1 {
			got.requests = several
		}
		if got != want {
			t.Errorf("%s: on %s it does %+v, and is said to do %+v; it was told %q", s.name, f.name, got, want, told)
		}
	}
	c.close()

	p.kill()
	p = serve(t, dir)
	after := p.probes()
	for n, f := range faults {
		if acknowledged[n] && after[n] == 0 {
			t.Errorf("%s: %s: it was acknowledged and is lost", s.name, f.name)
		}
		if after[n] != stored[n] {
			t.Errorf("%s: %s: stored %d times, %d times after kill -9", s.name, f.name, stored[n], after[n])
		}
	}
	p.stop()
	s.inDocs(t)
}

// driving starts a module of clients/faults: with its waits shortened by options, or with its own.
func driving(module, options string) func(*testing.T, string, bool) client {
	return func(t *testing.T, url string, own bool) client {
		if own {
			options = "{}"
		}
		return drive(t, module, url, options)
	}
}

// inDocs checks that docs/clients.md says what was measured.
func (s subject) inDocs(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	cells := []string{s.name}
	for n, f := range faults {
		cells = append(cells, s.cell(f, s.want[n]))
	}
	row := "| " + strings.Join(cells, " | ") + " |"
	if !slices.Contains(strings.Split(string(text), "\n"), row) {
		t.Errorf("docs/clients.md lacks the row\n%s", row)
	}
}

// driven is a client that runs in a process of its own and does as it is told.
type driven struct {
	t     *testing.T
	stdin io.WriteCloser
	lines chan string
	done  chan struct{}
}

// drive runs a module of clients/faults with options as JSON; {} are the client's own.
func drive(t *testing.T, module, url, options string) *driven {
	t.Helper()
	needClients(t)
	cmd := exec.Command("node", "faults/driver.mjs", module, url, options)
	cmd.Dir = "clients"
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d := &driven{t: t, stdin: stdin, lines: make(chan string, 10_000), done: make(chan struct{})}
	go func() {
		defer close(d.done)
		defer close(d.lines)
		for s := bufio.NewScanner(stdout); s.Scan(); {
			d.lines <- s.Text()
		}
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-d.done
	})
	return d
}

func (d *driven) emit(n int) { d.command("emit " + strconv.Itoa(n)) }

func (d *driven) command(line string) {
	d.t.Helper()
	if _, err := io.WriteString(d.stdin, line+"\n"); err != nil {
		d.t.Fatalf("the client has ended: %v; it said %q", err, d.errors())
	}
}

// flush waits until the client has done with its events, and returns what it told the application.
func (d *driven) flush() (told []string) {
	d.t.Helper()
	d.command("flush")
	limit := time.After(2 * time.Minute)
	for {
		select {
		case line, ok := <-d.lines:
			switch {
			case !ok:
				d.t.Fatalf("the client has ended; it said %q", told)
			case line == "flushed":
				return told
			default:
				told = append(told, line)
			}
		case <-limit:
			d.t.Fatalf("the client does not come to an end with its events; it said %q", told)
		}
	}
}

// errors are what the client has told since.
func (d *driven) errors() (told []string) {
	for {
		select {
		case line, ok := <-d.lines:
			if !ok {
				return told
			}
			told = append(told, line)
		default:
			return told
		}
	}
}

// close lets the client end by itself.
func (d *driven) close() {
	d.t.Helper()
	d.stdin.Close()
	select {
	case <-d.done:
	case <-time.After(30 * time.Second):
		d.t.Error("the client does not end")
	}
}

var probe = regexp.MustCompile(`probe (?:\{n\}.*"n":)?(\d+)`)

// probes counts the stored events that clients were told to log, by their number.
func (p *process) probes() map[int]int {
	p.t.Helper()
	resp, err := http.Get(p.url + "/api/events?clef&count=0")
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatal(resp.Status, err)
	}
	count := map[int]int{}
	for line := range strings.Lines(string(body)) {
		m := probe.FindStringSubmatch(line)
		if m == nil {
			p.t.Fatalf("an event that is no probe: %s", line)
		}
		n, _ := strconv.Atoi(m[1])
		count[n]++
	}
	return count
}
