package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestR17SecondProcessIsToldTheURL starts a second server on the directory of a running one.
func TestR17SecondProcessIsToldTheURL(t *testing.T) {
	skipWithoutProcesses(t)
	dir := t.TempDir()
	p := serve(t, dir)
	_, errs, code := run(t, "stats", "--datapath", dir)
	if code != 6 || !strings.Contains(errs, p.url) {
		t.Errorf("a second process ends with %d and says %q; want exit code 6 and the URL %s", code, errs, p.url)
	}
	second := launch(t, dir)
	select {
	case <-second.done:
		if got := second.cmd.ProcessState.ExitCode(); got != 6 || !strings.Contains(second.log.String(), p.url) {
			t.Errorf("a second server ends with %d and says %q; want exit code 6 and the URL %s", got, second.log, p.url)
		}
	case <-time.After(20 * time.Second):
		t.Error("a second server on the directory goes on running")
	}
	p.stop()
	if out, errs, code := run(t, "verify", dir); code != 0 {
		t.Errorf("verify ends with %d:\n%s%s", code, out, errs)
	}
}

// TestAcknowledgedEventsSurviveARestart ends a server both ways and finds its events again.
func TestAcknowledgedEventsSurviveARestart(t *testing.T) {
	skipWithoutProcesses(t)
	dir := t.TempDir()
	p := serve(t, dir)
	for i, end := range []func(){p.stop, nil} {
		if end == nil {
			p = serve(t, dir)
			end = p.kill
		}
		status, answer, err := p.post(http.DefaultClient, `{"@t":"2026-11-20T10:00:00Z","@mt":"Event {N}","N":1}`)
		if err != nil || status != http.StatusCreated || answer != `{"MinimumLevelAccepted":null}` {
			t.Fatalf("post: %d %s %v", status, answer, err)
		}
		end()
		p = serve(t, dir)
		if got := len(p.events("")); got != i+1 {
			t.Fatalf("after restart %d there are %d events, want %d", i+1, got, i+1)
		}
		p.stop()
	}
}
