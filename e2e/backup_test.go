package e2e

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBackupsUnderLoad makes backups of a server under four writers that also delete, kills some of them and the server now and then, and
// restores each: it verifies, and holds exactly what there was at one moment while it was made.
func TestBackupsUnderLoad(t *testing.T) {
	skipWithoutProcesses(t)
	stores, rounds := 1, 6
	if os.Getenv("STELE_LONG") != "" {
		stores, rounds = 10, 50
	}
	seed := uint64(time.Now().UnixNano())
	for n := range stores {
		t.Run(fmt.Sprintf("seed %d", seed+uint64(n)), func(t *testing.T) {
			t.Parallel()
			backUpAgainAndAgain(t, seed+uint64(n), rounds)
		})
	}
}

func backUpAgainAndAgain(t *testing.T, seed uint64, rounds int) {
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	dir, dest, restored := t.TempDir(), filepath.Join(t.TempDir(), "backups"), filepath.Join(t.TempDir(), "restored")
	l := &load{began: time.Now(), rngs: map[int]*rand.Rand{}}
	for n := range writers {
		l.rngs[n] = rand.New(rand.NewPCG(seed, uint64(n)+1))
	}
	p := serve(t, dir, "--journal-limit", "32KiB")
	stop := l.start(p)
	defer func() { stop() }()
	made, cutOff := 0, 0
	for round := range rounds {
		time.Sleep(time.Duration(20+rng.IntN(150)) * time.Millisecond)
		switch {
		case round%3 == 1:
			// A backup that is killed leaves the others whole, and no pin for ever.
			cmd := exec.Command(bin, "backup", dest, "--url", p.url)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(rng.IntN(40)) * time.Millisecond)
			_ = cmd.Process.Kill()
			if cmd.Wait() != nil {
				cutOff++
			}
		case round%5 == 3:
			p.kill()
			stop()
			p = serve(t, dir, "--journal-limit", "32KiB")
			stop = l.start(p)
		}
		from := l.now()
		out, errs, code := run(t, "backup", dest, "--url", p.url, "--keep", "3")
		if code != 0 {
			t.Fatalf("round %d: backup ends with %d:\n%s%s", round, code, out, errs)
		}
		to := l.now()
		made++
		if err := os.RemoveAll(restored); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"restore", dest, restored}, {"verify", restored}, {"backup", dest, "--verify"}} {
			if out, errs, code := run(t, args...); code != 0 {
				t.Fatalf("round %d: %v ends with %d:\n%s%s", round, args, code, out, errs)
			}
		}
		if err := l.judge(t, restored, from, to); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	t.Logf("%d backups, %d more were killed; %d batches, %d of them deleted", made, cutOff, len(l.batches), l.deleted())
	if len(l.batches) < 10*rounds || l.deleted() < rounds {
		t.Error("hardly anything happened beside the backups")
	}
}

// load is writers that append batches and delete some of their own again, one thing at a time each.
type load struct {
	began time.Time
	rngs  map[int]*rand.Rand

	mu      sync.Mutex
	batches []*loadBatch
}

// A loadBatch is one batch. Times count from the beginning; what has no answer may happen at any time after it began.
type loadBatch struct {
	writer, number, size int
	appended, deleted    span
}

type span struct {
	asked    bool
	from, to time.Duration
}

const never = time.Duration(math.MaxInt64)

func (l *load) now() time.Duration { return time.Since(l.began) }

func (l *load) deleted() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.batches {
		if b.deleted.asked {
			n++
		}
	}
	return n
}

// start has the writers write until what it returns is called.
func (l *load) start(p *process) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	for n := range writers {
		wg.Go(func() { l.write(p, n, done) })
	}
	return sync.OnceFunc(func() {
		close(done)
		wg.Wait()
	})
}

func (l *load) write(p *process, writer int, done chan struct{}) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	rng := l.rngs[writer]
	var mine []*loadBatch
	for {
		select {
		case <-done:
			return
		default:
		}
		if len(mine) > 0 && rng.IntN(3) == 0 {
			i := rng.IntN(len(mine))
			b := mine[i]
			mine = append(mine[:i], mine[i+1:]...)
			if !l.during(&b.deleted, func() bool { return remove(client, p, b, rng.IntN(2) == 0) }) {
				return
			}
			continue
		}
		b := &loadBatch{writer: writer, size: 1 + rng.IntN(20)}
		if rng.IntN(10) == 0 {
			b.size = 300
		}
		l.mu.Lock()
		b.number = len(l.batches)
		l.batches = append(l.batches, b)
		l.mu.Unlock()
		var body strings.Builder
		for i := range b.size {
			fmt.Fprintf(&body, `{"@t":%q,"@mt":"Event {I} of {B}","B":%d,"I":%d,"Pad":"%x"}`+"\n", b.time(), b.number, i, rng.Uint64())
		}
		if !l.during(&b.appended, func() bool {
			status, _, err := p.post(client, body.String())
			return err == nil && status == http.StatusCreated
		}) {
			return
		}
		mine = append(mine, b)
	}
}

// during asks for something, and reports whether it was answered.
func (l *load) during(s *span, do func() bool) (ok bool) {
	l.mu.Lock()
	*s = span{true, l.now(), never}
	l.mu.Unlock()
	if ok = do(); ok {
		l.mu.Lock()
		s.to = l.now()
		l.mu.Unlock()
	}
	return ok
}

// time is the batch's own second, in no order.
func (b *loadBatch) time() string {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(b.number*7919%1000003) * time.Second).Format(time.RFC3339)
}

func remove(client *http.Client, p *process, b *loadBatch, byFilter bool) bool {
	q := url.Values{"filter": {fmt.Sprintf("B = %d", b.number)}}
	if !byFilter {
		at, _ := time.Parse(time.RFC3339, b.time())
		q = url.Values{"fromDateUtc": {b.time()}, "toDateUtc": {at.Add(time.Second).Format(time.RFC3339)}}
	}
	r, err := http.NewRequest(http.MethodDelete, p.url+"/api/events?"+q.Encode(), nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(r)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// judge reads a restored store and sees that there was a moment, from one to another, when the server held just that.
func (l *load) judge(t *testing.T, dir string, from, to time.Duration) error {
	t.Helper()
	out, errs, code := run(t, "search", "--datapath", dir, "--count", "0", "--json", "")
	if code != 0 {
		return fmt.Errorf("search ends with %d: %s", code, errs)
	}
	found := map[int]map[int]bool{}
	for line := range strings.Lines(out) {
		var e struct{ B, I int }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return fmt.Errorf("%w in %.200s", err, line)
		}
		if found[e.B] == nil {
			found[e.B] = map[int]bool{}
		}
		if found[e.B][e.I] {
			return fmt.Errorf("event %d of batch %d is there twice", e.I, e.B)
		}
		found[e.B][e.I] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	first, last := from, to
	var gone []*loadBatch // deleted, or not there yet
	for _, b := range l.batches {
		got := found[b.number]
		delete(found, b.number)
		switch {
		case len(got) > 0 && len(got) != b.size:
			return fmt.Errorf("batch %d: %d of %d events are there", b.number, len(got), b.size)
		case len(got) > 0:
			first = max(first, b.appended.from)
			if b.deleted.asked {
				last = min(last, b.deleted.to)
			}
		case !b.appended.asked:
			// Its writer is about to.
		case !b.deleted.asked:
			last = min(last, b.appended.to)
		default:
			gone = append(gone, b)
		}
	}
	if len(found) > 0 {
		return fmt.Errorf("batches that were never sent: %v", found)
	}
	fits := func(at time.Duration) bool {
		for _, b := range gone {
			if at > b.appended.to && at < b.deleted.from {
				return false
			}
		}
		return first <= at && at <= last
	}
	moments := []time.Duration{first}
	for _, b := range gone {
		moments = append(moments, b.deleted.from)
	}
	for _, at := range moments {
		if fits(at) {
			return nil
		}
	}
	return fmt.Errorf("there was no moment when the store held that: not before %v, not after %v, and %d batches are gone", first, last, len(gone))
}
