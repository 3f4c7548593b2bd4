package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestFollowingRecordsInParts follows a log in which records come in parts, between those of other
// records: several are open where the file ends for now, and each is stored once.
func TestFollowingRecordsInParts(t *testing.T) {
	skipWithoutProcesses(t)
	p := serve(t, t.TempDir())
	name := filepath.Join(t.TempDir(), "postgresql.log")
	log, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	// What does not grow for four polls is whole: much longer than the pauses below.
	f := startFollower(t, p, filepath.Join(t.TempDir(), "state.json"), "--poll", "200ms", name)
	n := 0
	for range 20 {
		for process := range 3 { // each goes on with a part after the others began
			fmt.Fprintf(log, "Nov 19 10:00:00 db postgres[%d]: [%d-1] LOG:  number %d\n", process, n, n+1+process)
		}
		time.Sleep(15 * time.Millisecond)
		for process := range 3 {
			fmt.Fprintf(log, "Nov 19 10:00:00 db postgres[%d]: [%d-2] #011part\n", process, n)
		}
		time.Sleep(15 * time.Millisecond)
		n += 3
	}
	p.eventually(n, f)
	time.Sleep(500 * time.Millisecond) // for what should not come
	var store struct{ Events int }
	if p.get("/api/store", &store); store.Events != n {
		t.Errorf("%d events are stored, want %d\n%s", store.Events, n, f.log)
	}
	out, errs, code := run(t, "search", "--url", p.url, "--count", "0", "--json", "")
	if parts := strings.Count(out, `\npart"`); code != 0 || parts != n {
		t.Errorf("%d records have their second part, want %d; %s", parts, n, errs)
	}
}
