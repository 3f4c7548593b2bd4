package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestClientRestartSyslogClient has syslog-client send over TCP across restarts. Nothing acknowledges a message: what
// the server owes is to store each once, all that was on its way when it was asked to stop, and to take them in
// again when it is back.
func TestClientRestartSyslogClient(t *testing.T) {
	skipWithoutProcesses(t)
	t.Parallel()
	dir, addr := t.TempDir(), freeAddress(t)
	flags := []string{"--syslog", "tcp://" + addr}
	p := serve(t, dir, flags...)
	c := drive(t, "syslog-client", "tcp://"+addr, "{}")

	told := map[int]string{}
	n := 0
	send := func() {
		c.emit(n)
		told[n] = strings.Join(c.flush(), " ")
		n++
	}
	// arrives sends until something of it is stored.
	arrives := func() {
		first := n
		for deadline := time.Now().Add(time.Minute); ; {
			send()
			for got := range p.probes() {
				if got >= first {
					return
				}
			}
			if time.Now().After(deadline) {
				t.Fatal("after a minute nothing is stored")
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	for _, end := range []func(*process){(*process).stop, (*process).kill, (*process).stop} {
		arrives()
		end(p)
		for range 5 {
			send()
		}
		p = launchAt(t, p.url, dir, flags...).ready()
	}
	arrives()
	c.close()
	p.stop()

	p = serve(t, dir)
	var silent, lost int
	stored := p.probes()
	for i := range n {
		switch {
		case stored[i] > 1:
			t.Errorf("message %d is stored %d times", i, stored[i])
		case stored[i] == 0 && told[i] == "":
			silent++
		case stored[i] == 0:
			lost++
		}
	}
	t.Logf("of %d messages %d are stored; %d were lost and the client knew it, %d and nobody knew", n, len(stored), lost, silent)
	p.stop()
}
