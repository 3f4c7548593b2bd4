package stele_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/vfs"
)

// A disease is a way in which calls fail.
type disease struct {
	name string
	rule vfs.Rule // Nth is added
	kind stele.Kind
	most int // points in the short version
}

var diseases = []disease{
	{"EIO", vfs.Rule{Kind: vfs.OpAny, Err: vfs.EIO}, stele.IO, 60},
	{"EIO after taking effect", vfs.Rule{Kind: vfs.OpAny, Err: vfs.EIO, Late: true}, stele.IO, 60},
	{"no room for good", vfs.Rule{Kind: vfs.OpWrite, Err: vfs.ENOSPC, Forever: true}, stele.Full, 40},
	{"EIO for good", vfs.Rule{Kind: vfs.OpAny, Err: vfs.EIO, Forever: true}, stele.IO, 30},
	{"short write", vfs.Rule{Kind: vfs.OpWrite, Err: vfs.ENOSPC}, stele.Full, 40},
	{"failing fsync that loses data", vfs.Rule{Kind: vfs.OpSync, Err: vfs.EIO, DropUnsynced: true}, stele.IO, 60},
	{"no room at fsync", vfs.Rule{Kind: vfs.OpSync, Err: vfs.ENOSPC}, stele.Full, 40},
	{"no room ahead", vfs.Rule{Kind: vfs.OpReserve, Err: vfs.ENOSPC}, stele.Full, 20},
	{"failing rename", vfs.Rule{Kind: vfs.OpRename, Err: vfs.EIO}, stele.IO, 10},
	{"failing remove", vfs.Rule{Kind: vfs.OpRemove, Err: vfs.EIO}, stele.IO, 20},
	{"failing directory sync", vfs.Rule{Kind: vfs.OpSyncDir, Err: vfs.EIO}, stele.IO, 20},
	{"failing create", vfs.Rule{Kind: vfs.OpCreate, Err: vfs.ENOSPC}, stele.Full, 20},
}

// TestFaultPoints has one call of a workload fail, whichever, and sees that whoever was hit is told with the right kind of
// error or not concerned; that what was refused stays refused and what was acknowledged stays, in the same process and after
// a power cut; and that writing goes on without reopening (R12).
//
// STELE_SEED=n repeats one seed, STELE_LONG=1 takes every call of several workloads.
func TestFaultPoints(t *testing.T) {
	workloads := 1
	if long() {
		workloads = 4
	}
	start := time.Now()
	points := make(chan faultPoint)
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 8) {
		all.Go(func() {
			for p := range points {
				if t.Failed() {
					continue
				}
				if err := p.run(); err != nil {
					t.Errorf("seed %d, %s at call %d: %v", p.seed, p.disease.name, p.rule.Nth, err)
				}
			}
		})
	}
	total := 0
	for _, seed := range seeds(workloads) {
		total += eachFault(seed, healthyCounts(t, seed), 0, func(d disease, rule *vfs.Rule, _ string) {
			points <- faultPoint{seed: seed, disease: d, rule: rule}
		})
	}
	close(points)
	all.Wait()
	t.Logf("%d fault points in %.1fs", total, time.Since(start).Seconds())
}

// eachFault calls try for each disease at so many calls, or d.most, of those that something makes when nothing fails; STELE_LONG=1 takes all of them. where says it in words.
func eachFault(seed uint64, calls map[vfs.OpKind]int64, most int, try func(d disease, rule *vfs.Rule, where string)) (points int) {
	for _, d := range diseases {
		of := int(calls[d.rule.Kind])
		step := stride(cmp.Or(most, d.most), of)
		for nth := 1 + int(seed)%step; nth <= of; nth += step {
			rule := d.rule
			rule.Nth, rule.Short = int64(nth), nth%90
			points++
			try(d, &rule, fmt.Sprintf("seed %d, %s at call %d", seed, d.name, nth))
		}
	}
	return points
}

// callsOf returns how many calls of each kind do makes of a disk, and of all kinds.
func callsOf(disk *vfs.Mem, do func()) map[vfs.OpKind]int64 {
	before := disk.Counts()
	do()
	calls := disk.Counts()
	for kind := range calls {
		calls[kind] -= before[kind]
		calls[vfs.OpAny] += calls[kind]
	}
	return calls
}

// healthyCounts returns how many calls of each kind the workload makes when nothing fails.
func healthyCounts(t *testing.T, seed uint64) map[vfs.OpKind]int64 {
	t.Helper()
	disk := vfs.NewMem()
	return callsOf(disk, func() {
		if err := newWorkload(seed, disk).faultSteps(); err != nil {
			t.Fatal(err)
		}
	})
}

func (w *workload) faultSteps() error {
	err := w.steps(10)
	if err == nil {
		err = w.finish()
	}
	return err
}

// A faultPoint is one call that fails.
type faultPoint struct {
	seed    uint64
	disease disease
	rule    *vfs.Rule
	disk    *vfs.Mem
	faulty  *vfs.Faulty
	w       *workload
	cleared bool
}

func (p *faultPoint) run() error {
	p.disk = vfs.NewMem()
	p.faulty = vfs.NewFaulty(p.disk)
	p.w = newWorkload(p.seed, p.faulty)
	p.w.failed, p.w.opened = p.failed, p.whole
	p.faulty.Add(p.rule)
	err := p.w.faultSteps()
	if err != nil {
		if p.w.store != nil {
			_ = p.w.store.Close()
		}
		return err
	}
	return p.cut("at the end")
}

// failed looks into an error of a step: it is of the fault's kind, nothing is lost by it, and once the
// disk is well the store goes on.
func (p *faultPoint) failed(doing string, err error) error {
	if p.faulty.Hits(p.rule) == 0 {
		return fmt.Errorf("%s, without a fault: %w", doing, err)
	}
	if p.cleared {
		return fmt.Errorf("%s, when the fault was gone: %w", doing, err)
	}
	if kind := stele.KindOf(err); kind != p.disease.kind {
		return fmt.Errorf("%s: expected an error of kind %s, found %s: %w", doing, p.disease.kind, kind, err)
	}
	if !p.rule.Forever {
		if err := p.cut("after " + doing + " failed: " + err.Error()); err != nil {
			return err
		}
	}
	p.faulty.Clear()
	if p.w.store == nil {
		p.cleared = true
		if doing == "close" {
			return nil
		}
		return p.w.open()
	}
	// Whatever it was that failed: all kinds of change are possible again, at once. With them what was
	// refused is refused for good, even where the disk could not take that at the time.
	if err := p.whole(); err != nil {
		return err
	}
	p.cleared = true
	for _, do := range []func() error{p.live, p.w.inOrder, p.w.set, p.w.flush, p.live} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

// whole opens the store again if it could not read a file when it was opened. It has said so then,
// and is complete when the disk is well.
func (p *faultPoint) whole() error {
	damage := p.w.store.Stats().Damage
	if len(damage) == 0 {
		return nil
	}
	if p.faulty.Hits(p.rule) == 0 || p.cleared {
		return fmt.Errorf("opened, with damage and without a fault: %v", damage)
	}
	p.faulty.Clear()
	p.cleared = true
	return p.w.reopen()
}

// live holds the open store against the history.
func (p *faultPoint) live() error {
	known := p.w.h.copy()
	if _, err := sound(p.w.store, known); err != nil {
		return fmt.Errorf("in the same process: %w", err)
	}
	return nil
}

// cut crashes here and holds what is left against the history.
func (p *faultPoint) cut(when string) error {
	for i, mode := range vfs.CrashModes() {
		rng := rand.New(rand.NewPCG(p.seed, uint64(p.rule.Nth)<<8|uint64(i)))
		var c crashPoint
		p.w.h.during(func(known *history) {
			c = crashPoint{disk: p.disk.CrashClone(rng, mode), known: known, options: p.w.options, seed: uint64(p.rule.Nth), mode: mode}
		})
		if err := c.judge(); err != nil {
			return fmt.Errorf("%s, then %s: %w", when, mode, err)
		}
	}
	return nil
}
