package e2e

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const writers = 4

// leastBatches are acknowledged between two kills.
const leastBatches = 40

// killsEach is how often the server over one store is killed; each check reads the whole store.
const killsEach = 20

// TestKillNineLosesNothingAcknowledged kills the server under four concurrent writers and one who deletes, again
// and again over one store: every acknowledged batch must be there whole, once and in the
// order of its writer; a batch that was not acknowledged is there whole or not at all (R10, R11). A batch whose deletion was
// acknowledged is gone; one whose deletion was not is there whole or not at all. Backups are made all the while, and what is restored of one
// is the store as it was at a moment between the beginning of that backup and its end.
func TestKillNineLosesNothingAcknowledged(t *testing.T) {
	skipWithoutProcesses(t)
	stores := 1
	if os.Getenv("STELE_LONG") != "" {
		stores = 50
	}
	seed := uint64(time.Now().UnixNano())
	var merged atomic.Int64
	t.Run("all", func(t *testing.T) {
		for n := range stores {
			t.Run(fmt.Sprintf("seed %d", seed+uint64(n)), func(t *testing.T) {
				t.Parallel()
				killAgainAndAgain(t, seed+uint64(n), &merged)
			})
		}
	})
	if merged.Load() == 0 && !t.Failed() {
		t.Error("hardly a kill can have met the merging")
	}
}

func killAgainAndAgain(t *testing.T, seed uint64, mergedOfAll *atomic.Int64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	dir, backups := t.TempDir(), t.TempDir()
	w := newWorkload(seed)
	seen := map[string]bool{} // segments after each kill
	segments := func() []string {
		names, _ := filepath.Glob(filepath.Join(dir, "segment-*.seg"))
		return names
	}
	// merged counts the segments that were seen and have been merged away since.
	merged := func() int {
		left, n := segments(), 0
		for name := range seen {
			if !slices.Contains(left, name) {
				n++
			}
		}
		return n
	}
	// A machine with little time for it may not come to merging in so many lives: it gets more of them, and longer ones.
	kills := 0
	for ; kills < killsEach || kills < 3*killsEach && merged() == 0; kills++ {
		kill := kills
		p := serve(t, dir, "--journal-limit", "32KiB")
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for n := range writers {
			wg.Go(func() { w.write(p, n, stop) })
		}
		wg.Go(func() { w.delete(t, p, stop) })
		wg.Go(func() { w.backUp(t, p, backups, stop) })
		// However busy the machine is, there is something to kill.
		enough := w.acknowledged() + leastBatches
		life := 50 + rng.IntN(250)
		if kill >= killsEach {
			life *= 4
		}
		time.Sleep(time.Duration(life) * time.Millisecond)
		for late := time.Now().Add(10 * time.Second); w.acknowledged() < enough && time.Now().Before(late); {
			time.Sleep(time.Duration(5+rng.IntN(20)) * time.Millisecond)
		}
		p.kill()
		close(stop)
		wg.Wait()
		for _, name := range segments() {
			seen[name] = true
		}
		now := w.copy()
		w.check(t, dir, fmt.Sprintf("after kill %d", kill+1), now, now)
		if w.backup != "" && kill%5 == 4 {
			w.checkBackup(t, backups, fmt.Sprintf("%s, after kill %d", w.backup, kill+1))
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d kills, %d batches acknowledged, %d unanswered; %d deletions acknowledged, %d unanswered", kills, w.count(acknowledged), w.count(unanswered),
		w.deleted(acknowledged), w.deleted(unanswered))
	if w.count(acknowledged) < killsEach || w.deleted(acknowledged) < killsEach {
		t.Errorf("only %d batches and %d deletions were acknowledged: the test proves nothing", w.count(acknowledged), w.deleted(acknowledged))
	}
	t.Logf("%d backups made", w.backups)
	if w.backups == 0 {
		t.Error("no backup was made: the test proves nothing of them")
	} else if out, errs, code := run(t, "backup", backups, "--verify"); code != 0 {
		t.Errorf("backup --verify ends with %d:\n%s%s", code, out, errs)
	}
	t.Logf("%d segments were seen between the kills, %d of them are merged", len(seen), merged())
	mergedOfAll.Add(int64(merged()))
	if len(seen) < killsEach {
		t.Error("hardly a kill can have met the sealer")
	}
	if out, errs, code := run(t, "verify", dir); code != 0 {
		t.Errorf("verify ends with %d:\n%s%s", code, out, errs)
	}
}

type fate uint8

const (
	unanswered fate = iota
	acknowledged
)

// known is what is known of batches: which were sent, what was answered, and which deletions were asked for.
type known struct {
	sizes     [writers][]int // by batch number
	fates     [writers][]fate
	deletions map[[2]int]fate // by writer and batch
}

// workload remembers each batch that was ever sent and what was answered.
type workload struct {
	rngs [writers]*rand.Rand
	rng  *rand.Rand // of whoever deletes

	mu sync.Mutex
	known

	backup       string // the newest, which began and ended when this was known
	began, ended known
	backups      int
}

// copy returns what is known now.
func (w *workload) copy() known {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := known{deletions: maps.Clone(w.deletions)}
	for n := range writers {
		k.sizes[n], k.fates[n] = slices.Clone(w.sizes[n]), slices.Clone(w.fates[n])
	}
	return k
}

// backUp makes backups, one after the other, until the server is gone; the one that is being made then is killed too.
func (w *workload) backUp(t *testing.T, p *process, dest string, stop <-chan struct{}) {
	bin, err := binary()
	if err != nil {
		t.Error(err)
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-stop
		cancel()
	}()
	for ctx.Err() == nil {
		began := w.copy()
		out, err := exec.CommandContext(ctx, bin, "backup", dest, "--url", p.url).Output()
		if err == nil {
			name, _, _ := strings.Cut(string(out), ":")
			w.backup, w.began, w.ended = name, began, w.copy()
			w.backups++
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// checkBackup restores the newest backup, and holds it against what was known when it was made.
func (w *workload) checkBackup(t *testing.T, backups, when string) {
	dir := filepath.Join(t.TempDir(), "restored")
	if out, errs, code := run(t, "restore", backups, dir, "--backup", w.backup); code != 0 {
		t.Errorf("%s: restore ends with %d:\n%s%s", when, code, out, errs)
		return
	}
	if out, errs, code := run(t, "verify", dir); code != 0 {
		t.Errorf("%s: verify of what was restored ends with %d:\n%s%s", when, code, out, errs)
	}
	w.check(t, dir, when, w.began, w.ended)
	os.RemoveAll(dir)
}

func newWorkload(seed uint64) *workload {
	w := &workload{rng: rand.New(rand.NewPCG(seed, 0)), known: known{deletions: map[[2]int]fate{}}}
	for n := range w.rngs {
		w.rngs[n] = rand.New(rand.NewPCG(seed, uint64(n)+1))
	}
	return w
}

func (w *workload) count(f fate) int {
	total := 0
	for _, fates := range w.fates {
		for _, one := range fates {
			if one == f {
				total++
			}
		}
	}
	return total
}

func (w *workload) acknowledged() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count(acknowledged)
}

func (w *workload) deleted(f fate) (n int) {
	for _, one := range w.deletions {
		if one == f {
			n++
		}
	}
	return n
}

// delete deletes acknowledged batches, one after the other, until the server is gone.
func (w *workload) delete(t *testing.T, p *process, stop <-chan struct{}) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(w.rng.IntN(10)) * time.Millisecond):
		}
		id, size, ok := w.choose()
		if !ok {
			continue
		}
		r, err := http.NewRequest("DELETE", p.url+"/api/events?filter="+url.QueryEscape(fmt.Sprintf("W = %d and B = %d", id[0], id[1])), nil)
		if err != nil {
			t.Error(err)
			return
		}
		resp, err := client.Do(r)
		if err != nil {
			return
		}
		var answer struct{ Deleted int }
		err = json.NewDecoder(resp.Body).Decode(&answer)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || err != nil {
			continue
		}
		if answer.Deleted != size {
			t.Errorf("deleting writer %d's batch %d took %d events of %d", id[0], id[1], answer.Deleted, size)
		}
		w.mu.Lock()
		w.deletions[id] = acknowledged
		w.mu.Unlock()
	}
}

// choose chooses an acknowledged batch to delete.
func (w *workload) choose() (id [2]int, size int, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.rng.IntN(writers)
	if len(w.fates[n]) == 0 {
		return id, 0, false
	}
	b := w.rng.IntN(len(w.fates[n]))
	id = [2]int{n, b}
	if _, asked := w.deletions[id]; asked || w.fates[n][b] != acknowledged {
		return id, 0, false
	}
	w.deletions[id] = unanswered
	return id, w.sizes[n][b], true
}

// write posts batches until the server is gone. Even writers date all events alike, so that key
// order is arrival order; odd ones spread each batch over years (R11).
func (w *workload) write(p *process, n int, stop <-chan struct{}) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	rng := w.rngs[n]
	for {
		select {
		case <-stop:
			return
		default:
		}
		size := 1 + rng.IntN(20)
		if rng.IntN(20) == 0 {
			size = 1000
		}
		w.mu.Lock()
		batch := len(w.sizes[n])
		w.sizes[n] = append(w.sizes[n], size)
		w.fates[n] = append(w.fates[n], unanswered)
		w.mu.Unlock()

		var body strings.Builder
		var pad [100]byte // that nothing makes shorter, so that there is much to seal and to merge
		for i := range size {
			year := 2026
			if n%2 == 1 {
				year = 1990 + (batch+i*7)%60
			}
			for k := range pad {
				pad[k] = byte(rng.Uint32())
			}
			fmt.Fprintf(&body, `{"@t":"%d-11-20T10:00:00.0000000Z","@mt":"Batch {B} of {W}","W":%d,"B":%d,"I":%d,"N":%d,"Pad":%q}`+"\n",
				year, n, batch, i, size, hex.EncodeToString(pad[:rng.IntN(len(pad))]))
		}
		status, _, err := p.post(client, body.String())
		if err != nil {
			return
		}
		if status == http.StatusCreated {
			w.mu.Lock()
			w.fates[n][batch] = acknowledged
			w.mu.Unlock()
		}
	}
}

// check reads the whole store, which is as it was at a moment, and compares it with what was known before that and after.
func (w *workload) check(t *testing.T, dir, when string, before, after known) {
	t.Helper()
	out, errs, code := run(t, "search", "--datapath", dir, "--count", "0", "--json", "")
	if code != 0 {
		t.Fatalf("%s: search ends with %d: %s", when, code, errs)
	}
	type event struct{ W, B, I, N int }
	seen := map[[2]int]map[int]int{} // writer and batch: how often each event
	last := map[int]event{}
	for line := range strings.Lines(out) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v in %.200s", when, err, line)
		}
		id := [2]int{e.W, e.B}
		if seen[id] == nil {
			seen[id] = map[int]int{}
		}
		seen[id][e.I]++
		if e.W%2 == 0 {
			// Newest first: of one writer, batches and the events in them come in descending order.
			if prev, ok := last[e.W]; ok && (prev.B < e.B || prev.B == e.B && prev.I <= e.I) {
				t.Fatalf("%s: writer %d: event %d of batch %d comes after event %d of batch %d", when, e.W, e.I, e.B, prev.I, prev.B)
			}
			last[e.W] = e
		}
	}
	for n := range writers {
		for b, size := range after.sizes[n] {
			id := [2]int{n, b}
			got := seen[id]
			delete(seen, id)
			_, asked := after.deletions[id]
			stored := b < len(before.fates[n]) && before.fates[n][b] == acknowledged
			if len(got) == 0 && (asked || !stored) {
				continue
			}
			if before.deletions[id] == acknowledged {
				t.Errorf("%s: writer %d, batch %d: %d events are there, and were deleted", when, n, b, len(got))
			}
			if len(got) != size {
				t.Errorf("%s: writer %d, batch %d (acknowledged: %t): %d of %d events are there", when, n, b, stored, len(got), size)
			}
			for i, times := range got {
				if times != 1 || i < 0 || i >= size {
					t.Errorf("%s: writer %d, batch %d: event %d is there %d times", when, n, b, i, times)
				}
			}
		}
	}
	for id := range seen {
		t.Errorf("%s: writer %d, batch %d was never sent", when, id[0], id[1])
	}
}
