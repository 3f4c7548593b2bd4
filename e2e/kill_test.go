package e2e

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const writers = 4

// killsEach is how often the server over one store is killed; each check reads the whole store.
const killsEach = 20

// TestKillNineLosesNothingAcknowledged kills the server under four concurrent writers, again
// and again over one store: every acknowledged batch must be there whole, once and in the
// order of its writer; a batch that was not acknowledged is there whole or not at all (R10, R11).
func TestKillNineLosesNothingAcknowledged(t *testing.T) {
	skipWithoutProcesses(t)
	stores := 1
	if os.Getenv("STELE_LONG") != "" {
		stores = 50
	}
	seed := uint64(time.Now().UnixNano())
	for n := range stores {
		t.Run(fmt.Sprintf("seed %d", seed+uint64(n)), func(t *testing.T) {
			t.Parallel()
			killAgainAndAgain(t, seed+uint64(n))
		})
	}
}

func killAgainAndAgain(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	w := newWorkload(seed)
	seen := map[string]bool{} // segments after each kill
	segments := func() []string {
		names, _ := filepath.Glob(filepath.Join(dir, "segment-*.seg"))
		return names
	}
	for kill := range killsEach {
		p := serve(t, dir, "--journal-limit", "64KiB")
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for n := range writers {
			wg.Go(func() { w.write(p, n, stop) })
		}
		time.Sleep(time.Duration(50+rng.IntN(250)) * time.Millisecond)
		p.kill()
		close(stop)
		wg.Wait()
		for _, name := range segments() {
			seen[name] = true
		}
		w.check(t, dir, fmt.Sprintf("after kill %d", kill+1))
		if t.Failed() {
			return
		}
	}
	t.Logf("%d kills, %d batches acknowledged, %d unanswered", killsEach, w.count(acknowledged), w.count(unanswered))
	if w.count(acknowledged) < killsEach {
		t.Errorf("only %d batches were acknowledged: the test proves nothing", w.count(acknowledged))
	}
	left := segments()
	merged := 0
	for name := range seen {
		if !slices.Contains(left, name) {
			merged++
		}
	}
	t.Logf("%d segments were seen between the kills, %d of them are merged", len(seen), merged)
	if merged < killsEach/4 {
		t.Error("hardly a kill can have met the sealer and the merging")
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

// workload remembers each batch that was ever sent and what was answered.
type workload struct {
	mu    sync.Mutex
	rngs  [writers]*rand.Rand
	sizes [writers][]int // by batch number
	fates [writers][]fate
}

func newWorkload(seed uint64) *workload {
	w := new(workload)
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

// check reads the whole store and compares it with what was sent and answered.
func (w *workload) check(t *testing.T, dir, when string) {
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
		for b, size := range w.sizes[n] {
			got := seen[[2]int{n, b}]
			delete(seen, [2]int{n, b})
			if len(got) == 0 && w.fates[n][b] == unanswered {
				continue
			}
			if len(got) != size {
				t.Errorf("%s: writer %d, batch %d (acknowledged: %t): %d of %d events are there", when, n, b, w.fates[n][b] == acknowledged, len(got), size)
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
