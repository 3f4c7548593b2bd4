package e2e

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rsyslog runs an rsyslogd of our own, with the configuration given and nothing of the system's. dir is its working directory.
func rsyslog(t *testing.T, dir, configuration string) {
	t.Helper()
	bin, err := exec.LookPath("rsyslogd")
	if err != nil {
		bin = "/usr/sbin/rsyslogd" // where Debian has it, which is not in everybody's PATH
	}
	if _, err := os.Stat(bin); err != nil {
		t.Skip("skipped: rsyslogd is not installed; `ci/need rsyslog` installs it where apt is")
	}
	file := filepath.Join(dir, "rsyslog.conf")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(bin, "-N1", "-f", file).CombinedOutput(); err != nil {
		t.Skipf("skipped: this rsyslogd cannot do what the configuration asks: %v\n%s", err, out)
	}
	var log bytes.Buffer
	cmd := exec.Command(bin, "-n", "-f", file, "-i", filepath.Join(dir, "rsyslogd.pid"))
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("rsyslogd said:\n%s", &log)
		}
	})
}

// await waits until the filter finds so many events.
func (p *process) await(filter string, count int) []entity {
	p.t.Helper()
	deadline := time.Now().Add(40 * time.Second)
	for {
		list := p.events("filter=" + url.QueryEscape(filter))
		if len(list) >= count {
			return list
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s finds %d events, want %d", filter, len(list), count)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// TestClientRsyslogElasticsearch: omelasticsearch as docs/ingest.md sets it up, across a kill of the server.
func TestClientRsyslogElasticsearch(t *testing.T) {
	skipWithoutProcesses(t)
	dir, data := t.TempDir(), t.TempDir()
	p := serve(t, data)
	input := filepath.Join(dir, "in.log")
	in, err := os.Create(input)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	rsyslog(t, dir, `
global(workDirectory="`+dir+`")
module(load="imfile" mode="polling" pollingInterval="1")
module(load="omelasticsearch")
template(name="events" type="list" option.jsonf="on") {
  property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="severity" name="syslogseverity-text" format="jsonf")
  property(outname="app" name="programname" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}
input(type="imfile" file="`+input+`" tag="shop:" severity="warning" facility="local0")
action(type="omelasticsearch" server="`+p.url+`" searchType="" searchIndex="syslog" bulkmode="on" template="events"
       queue.type="LinkedList" action.resumeRetryCount="-1" action.resumeInterval="1")
`)
	write := func(from, to int) {
		var b strings.Builder
		for n := from; n < to; n++ {
			fmt.Fprintf(&b, "order %d \"placed\" by Zoë\n", n)
		}
		if _, err := in.WriteString(b.String()); err != nil {
			t.Fatal(err)
		}
	}
	write(0, 100)
	list := p.await("_index = 'syslog'", 100)
	first := list[len(list)-1]
	if first.RenderedMessage != `order 0 "placed" by Zoë` || first.Level != "warning" || first.property("app") != "shop" || first.property("message") != first.RenderedMessage ||
		!strings.HasPrefix(first.property("@timestamp").(string), first.Timestamp[:19]) {
		t.Errorf("the first line came back as %+v", first)
	}

	p.kill()
	write(100, 200)
	p = launchAt(t, p.url, data).ready()
	seen := map[string]bool{}
	for _, e := range p.await("_index = 'syslog'", 200) {
		seen[e.RenderedMessage] = true
	}
	if len(seen) != 200 {
		t.Errorf("%d different lines arrived, want 200", len(seen))
	}
	p.stop()
}
