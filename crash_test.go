package stele_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/testkit"
	"github.com/stelehq/stele/internal/vfs"
)

// A crashPoint is one end of everything: a clone of the disk as it may be found after it, and
// what was known to the callers at that moment.
type crashPoint struct {
	name    string
	disk    *vfs.Mem
	known   *history
	options stele.Options
	seed    uint64
	mode    vfs.CrashMode
	deep    bool // crash the recovery too
}

// crashes takes crash points at every call of file systems and judges them beside the workload.
type crashes struct {
	t      testing.TB
	points chan crashPoint
	all    sync.WaitGroup

	mu     sync.Mutex
	counts map[string]map[vfs.OpKind]int // by "workload" and "recovery"
	modes  map[vfs.CrashMode]int
	total  int
	bad    int
}

func newCrashes(t testing.TB) *crashes {
	c := &crashes{t: t, points: make(chan crashPoint, 64), counts: map[string]map[vfs.OpKind]int{"workload": {}, "recovery": {}}, modes: map[vfs.CrashMode]int{}}
	for range min(runtime.GOMAXPROCS(0), 8) {
		c.all.Go(func() {
			for p := range c.points {
				c.judge(p)
			}
		})
	}
	return c
}

// wait ends the judging.
func (c *crashes) wait() {
	close(c.points)
	c.all.Wait()
}

func (c *crashes) failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bad >= 5
}

func (c *crashes) judge(p crashPoint) {
	if c.failed() {
		return
	}
	if err := p.judge(); err != nil {
		c.mu.Lock()
		c.bad++
		c.mu.Unlock()
		c.t.Errorf("%s: %v", p.name, err)
	}
	if p.deep {
		c.recover(p)
	}
}

// changes are the kinds of calls that make a difference on disk.
var changes = []vfs.OpKind{vfs.OpCreate, vfs.OpRename, vfs.OpRemove, vfs.OpWrite, vfs.OpSync, vfs.OpReserve, vfs.OpSyncDir, vfs.OpMkdirAll}

// watch takes crash points before and after each call: in every mode, the random ones several times, where the disk
// changes; one, in turns, where it does not.
func (c *crashes) watch(disk *vfs.Mem, known func(func(*history)), seed uint64, options stele.Options, part string, random int) {
	var mu sync.Mutex
	taken := 0
	disk.OnOp(func(op vfs.Op) {
		if c.failed() {
			return
		}
		modes := slices.Clone(vfs.CrashModes())
		for range random - 1 {
			modes = append(modes, vfs.CrashTorn, vfs.CrashRandom)
		}
		if !slices.Contains(changes, op.Kind) {
			modes = modes[op.Index%4:][:1]
		}
		removing := op.Kind == vfs.OpRemove && !op.Before
		if removing {
			modes = append(modes, vfs.CrashLose)
		}
		var points []crashPoint
		known(func(h *history) {
			mu.Lock()
			defer mu.Unlock()
			for i, mode := range modes {
				when := "after"
				if op.Before {
					when = "before"
				}
				rng := rand.New(rand.NewPCG(seed, uint64(op.Index)<<8|uint64(i)<<1|uint64(len(when)&1)))
				left := disk.CrashClone(rng, mode)
				if removing && i == len(modes)-1 {
					left, when = onlyRemoved(disk, op.Name), "nothing kept but"
				}
				taken++
				points = append(points, crashPoint{
					name: fmt.Sprintf("seed %d, %s, %s call %d (%s %s), %s #%d", seed, part, when, op.Index, op.Kind, op.Name, mode, i),
					disk: left, known: h, options: options, seed: uint64(op.Index), mode: mode,
					deep: part == "workload" && random > 1 && taken%599 == 0,
				})
			}
		})
		c.mu.Lock()
		for _, m := range modes {
			c.modes[m]++
		}
		c.counts[part][op.Kind] += len(modes)
		c.total += len(modes)
		c.mu.Unlock()
		for _, p := range points {
			if part == "recovery" {
				c.judge(p) // by the worker itself, which must not wait for itself
			} else {
				c.points <- p
			}
		}
	})
}

// onlyRemoved is the disk after a power cut when, of all that was not synced, the removal of one file alone has survived: what takes its place must be durable by then.
func onlyRemoved(disk *vfs.Mem, name string) *vfs.Mem {
	left := disk.CrashClone(nil, vfs.CrashLose)
	_ = left.Remove(name) // it may never have been durable
	return left
}

// recover opens what a crash left and takes crash points at every call of that.
func (c *crashes) recover(p crashPoint) {
	disk := p.disk.CrashClone(nil, vfs.CrashKill)
	c.watch(disk, func(f func(*history)) { f(p.known) }, p.seed, p.options, "recovery", 1)
	s, err := p.open(disk, false)
	disk.OnOp(nil)
	if err != nil {
		return // judge has said so
	}
	_ = s.Close()
}

func (p crashPoint) open(disk *vfs.Mem, readOnly bool) (*stele.Store, error) {
	o := p.options
	o.FS, o.ReadOnly = disk, readOnly
	return stele.Open(testkit.Dir, &o)
}

// judge opens what the crash left and holds it against the history; goes on with it; and
// opens it again.
func (p crashPoint) judge() error {
	// What opening changes is not to be seen by others who crash from here.
	disk := p.disk.CrashClone(nil, vfs.CrashKill)
	if p.seed%8 == 0 {
		if err := p.readOnly(disk); err != nil {
			return fmt.Errorf("opened for reading: %w", err)
		}
	}
	s, err := p.open(disk, false)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	known, err := p.goOn(s, disk)
	if cerr := s.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("close: %w", cerr)
	}
	if err != nil {
		return err
	}
	if s, err = p.open(disk, false); err != nil {
		return fmt.Errorf("open again: %w", err)
	}
	if _, err = sound(s, known); err == nil {
		_, err = known.append(s, "", "", testkit.Epoch)
	}
	if cerr := s.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("opened again: %w", err)
	}
	// Now that one more number was given.
	c := &content{}
	steps := known.steps
	last := steps[len(steps)-1]
	if number, before := last.keys[0].Arrival(), (&history{steps: steps[:len(steps)-1]}).highest(c); number>>40 <= before>>40 {
		return fmt.Errorf("opened again: the arrival number %x is not of a higher epoch than %x", number, before)
	}
	return nil
}

// sound holds an open store against the history, and looks for damage that it reports.
func sound(s *stele.Store, h *history) (*content, error) {
	c, err := contentOf(s)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	known, err := h.judge(c)
	if err != nil {
		return nil, err
	}
	*h = history{steps: known.steps}
	report, err := s.Verify(context.Background())
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	if found := append(s.Stats().Damage, report.Damage...); len(found) > 0 {
		d := found[0]
		return nil, fmt.Errorf("damage in %s at %d: %s: %v", d.File, d.Offset, d.What, d.Err)
	}
	if n := s.Stats().Events; n != int64(len(c.lines)) {
		return nil, fmt.Errorf("%d events are counted, %d are read", n, len(c.lines))
	}
	return c, nil
}

func (p crashPoint) readOnly(disk *vfs.Mem) error {
	names := disk.Names()
	s, err := p.open(disk, true)
	if fresh := !slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, "/CURRENT") }); fresh && stele.KindOf(err) == stele.NotFound {
		return nil // there is no store yet
	}
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := sound(s, p.known.copy()); err != nil {
		return err
	}
	if now := disk.Names(); !slices.Equal(slices.DeleteFunc(names, isLock), slices.DeleteFunc(now, isLock)) {
		return fmt.Errorf("the files were %v and are %v", names, now)
	}
	return nil
}

func isLock(name string) bool { return strings.HasSuffix(name, "/LOCK") }

// goOn judges the recovered store, sends the last batch with an id again as a client would that did not get its
// answer, and appends.
func (p crashPoint) goOn(s *stele.Store, disk *vfs.Mem) (*history, error) {
	h := p.known.copy()
	c, err := sound(s, h)
	if err != nil {
		return nil, err
	}
	if p.mode == vfs.CrashKill {
		if err := p.lose(disk, h.copy()); err != nil {
			return nil, fmt.Errorf("the power cut after the recovery from that: %w", err)
		}
	}
	before := h.highest(c)
	if err := retryLast(s, h); err != nil {
		return nil, err
	}
	added, err := h.append(s, "", "", testkit.Epoch.Add(time.Minute))
	if err != nil {
		return nil, fmt.Errorf("append: %w", err)
	}
	if number := added.keys[0].Arrival(); number>>40 <= before>>40 {
		return nil, fmt.Errorf("the arrival number %x is not of a higher epoch than %x", number, before)
	}
	if err := h.set(s, "after", `"the crash"`); err != nil {
		return nil, fmt.Errorf("set: %w", err)
	}
	if c, err = contentOf(s); err != nil {
		return nil, fmt.Errorf("read on: %w", err)
	}
	if h, err = h.judge(c); err != nil {
		return nil, fmt.Errorf("gone on: %w", err)
	}
	if p.seed%8 == 1 {
		err = followed(s, c)
	}
	return h, err
}

// lose cuts the power of a recovered store: what it has shown was on disk by then (R10), though the process that
// wrote it died before its fsync.
func (p crashPoint) lose(disk *vfs.Mem, shown *history) error {
	s, err := p.open(disk.CrashClone(nil, vfs.CrashLose), false)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer s.Close()
	_, err = sound(s, shown)
	return err
}

// retryLast appends the last batch that has an id again (R16): afterwards it is there once, whether it was before or not.
func retryLast(s *stele.Store, h *history) error {
	for i, a := range slices.Backward(h.steps) {
		if a.kind == stepDelete && a.fate != refused {
			return nil // it may have deleted what would be sent again
		}
		if a.kind != stepAppend || a.id == "" {
			continue
		}
		there := a.fate == acked
		if !there && slices.ContainsFunc(h.steps[i+1:], func(s *step) bool { return s.kind == stepAppend && s.fate == acked }) {
			return nil // refused, and others came after it: then it is another batch
		}
		keys, err := send(s, a)
		if err != nil {
			return fmt.Errorf("append step %d again: %w", i, err)
		}
		if there && !slices.Equal(keys, a.keys) {
			return fmt.Errorf("append step %d again: its keys are %v, they were %v", i, keys, a.keys)
		}
		a.fate, a.keys = acked, keys
		return nil
	}
	return nil
}

// followed reads everything in the order of arrival (R5).
func followed(s *stele.Store, c *content) error {
	f := s.Follow(context.Background(), 0, nil)
	defer f.Close()
	var last uint64
	n := 0
	for {
		ok, caughtUp := f.TryNext()
		if !ok && caughtUp {
			break
		}
		if !ok {
			continue
		}
		if a := f.Event().Key().Arrival(); a <= last {
			return fmt.Errorf("followed: %x comes after %x", a, last)
		} else {
			last = a
		}
		n++
	}
	if err := f.Err(); err != nil || n != len(c.lines) {
		return fmt.Errorf("followed %d events of %d: %w", n, len(c.lines), err)
	}
	return nil
}

// seeds are STELE_SEED alone if it is set, else n of them from 1 on.
func seeds(n int) []uint64 {
	if one, err := strconv.ParseUint(os.Getenv("STELE_SEED"), 10, 64); err == nil {
		return []uint64{one}
	}
	all := make([]uint64, n)
	for i := range all {
		all[i] = uint64(i + 1)
	}
	return all
}

func long() bool { return os.Getenv("STELE_LONG") != "" }

// TestCrashPoints cuts a workload off before and after every call of the file system, in every way
// that there is, and the recovery from some of these crashes too. acknowledged ⊆ survived ⊆ written, in order; batches
// whole or not at all (R11); nothing reported as damage; no arrival number given twice (R2).
//
// STELE_SEED=n repeats one seed, STELE_LONG=1 takes ten times as many points.
func TestCrashPoints(t *testing.T) {
	crashPoints(t, 3, 9, 2, 10_000)
}

// TestCrashPointsQuick is one workload of TestCrashPoints with fewer points: mutations of the code are shown to it.
func TestCrashPointsQuick(t *testing.T) {
	crashPoints(t, 1, 0, 1, 1500)
}

func crashPoints(t *testing.T, workloads, steps, random, least int) {
	if long() && least >= 10_000 {
		workloads, steps, random, least = 8, 60, 3, 100_000
	}
	if raceDetector && !long() {
		workloads, random, least = 1, 1, 500
	}
	if os.Getenv("STELE_SEED") != "" {
		least = 0
	}
	start := time.Now()
	c := newCrashes(t)
	for _, seed := range seeds(workloads) {
		disk := vfs.NewMem()
		w := newWorkload(seed, disk)
		c.watch(disk, w.h.during, seed, w.options, "workload", random)
		err := w.steps(steps)
		if err == nil {
			err = w.finish()
		}
		disk.OnOp(nil)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
			_ = w.close()
		}
	}
	c.wait()
	c.report(t, start)
	if t.Failed() {
		return
	}
	if c.total < least {
		t.Errorf("%d crash points; there should be at least %d", c.total, least)
	}
	for _, kind := range vfs.OpKinds() {
		if c.counts["workload"][kind] == 0 {
			t.Errorf("no crash point at a call of %s", kind)
		}
	}
}

func (c *crashes) report(t *testing.T, start time.Time) {
	t.Logf("%d crash points in %.1fs: %v", c.total, time.Since(start).Seconds(), c.modes)
	t.Logf("%-10s %9s %9s", "call", "workload", "recovery")
	for _, kind := range slices.SortedFunc(maps.Keys(c.counts["workload"]), func(a, b vfs.OpKind) int { return cmp.Compare(a, b) }) {
		t.Logf("%-10s %9d %9d", kind, c.counts["workload"][kind], c.counts["recovery"][kind])
	}
}
