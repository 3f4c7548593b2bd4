package metamorphic

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stelehq/stele"
)

func TestMain(m *testing.M) {
	flag.Parse()
	for _, f := range filters {
		var err error
		if f.parsed, err = stele.ParseFilter(f.text); err != nil {
			panic(err)
		}
	}
	debug.SetGCPercent(800) // stores of some kilobytes come and go
	os.Exit(m.Run())
}

const (
	listLength = 120
	stores     = 4 // that each list is asked of; every other time one of them is behind HTTP
	patience   = 20 * time.Second
)

// A tally counts what was asked. Safe for concurrent use.
type tally struct {
	mu    sync.Mutex
	asked map[string]int // by door and operation
}

func (t *tally) add(door string, asked map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for do, n := range asked {
		t.asked[do+" "+door] += n
	}
}

func (t *tally) report(log func(format string, args ...any)) (total int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kinds := map[string]bool{}
	for name, n := range t.asked {
		kinds[name[:strings.LastIndexByte(name, ' ')]] = true
		if name[0] != ' ' {
			total += n
		}
	}
	log("%-28s %10s %10s", "operation", "package", "HTTP")
	for _, do := range slices.Sorted(maps.Keys(kinds)) {
		log("%-28s %10d %10d", do, t.asked[do+" go"], t.asked[do+" http"])
	}
	return total
}

// TestMetamorphic asks lists of operations, made by chance, of stores that are set up in every way and behind each door,
// and holds every answer against the naive model: so all stores agree with it and with each other. STELE_SEED=n
// repeats one list, STELE_LONG=1 asks more than a million operations.
func TestMetamorphic(t *testing.T) {
	lists := 24
	long := os.Getenv("STELE_LONG") != ""
	switch {
	case long && !raceDetector:
		lists = 2500
	case long:
		lists = 200
	case raceDetector:
		lists = 2
	}
	seed := uint64(time.Now().UnixNano())
	if one, err := strconv.ParseUint(os.Getenv("STELE_SEED"), 10, 64); err == nil {
		seed, lists = one, 1
	}
	start := time.Now()
	var next atomic.Int64
	counts := &tally{asked: map[string]int{}}
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for n := uint64(next.Add(1)); n <= uint64(lists) && !t.Failed(); n = uint64(next.Add(1)) {
				if err := metamorphosis(seed+n-1, counts); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	took := time.Since(start).Seconds()
	asked := counts.report(t.Logf)
	t.Logf("seeds %d to %d: lists of %d operations, %d asked of %d stores in %.1fs", seed, seed+uint64(lists)-1, lists*listLength, asked, lists*stores, took)
}

// metamorphosis asks the list of a seed of its stores.
func metamorphosis(seed uint64, counts *tally) error {
	rng := rand.New(rand.NewPCG(seed, 0))
	l := newList(rng, listLength)
	m, outcomes := play(l)
	for i := range stores {
		c := newConfig(rng, "go")
		switch {
		case i == stores-1 && seed%2 == 0:
			c.Door = "http"
		case i == 0 && seed%8 == 0:
			c = plain("go")
		}
		if err := ask(c, l, m, outcomes, nil, counts); err != nil {
			return explain(seed, c, l, err)
		}
	}
	return nil
}

// ask asks a list of a new store.
func ask(c config, l list, m *model, outcomes []outcome, wrap func(door) door, counts *tally) error {
	w, err := newWorld(c, m, wrap)
	if err != nil {
		return err
	}
	err = w.run(l, outcomes)
	if counts != nil {
		counts.add(c.Door, w.asked)
	}
	return err
}

// explain makes a failing list as short as can be.
func explain(seed uint64, c config, l list, err error) error {
	short := shrink(l, func(some list) bool { return failing(c, some, nil) != nil }, patience)
	again := failing(c, short, nil)
	if again == nil {
		return fmt.Errorf("STELE_SEED=%d: %w\nThat does not happen every time. The store is %s\nThe list:\n%s", seed, err, c, l)
	}
	return fmt.Errorf("STELE_SEED=%d: %w\nof a list of %d operations. Shorter: %w\nThe store is %s\nThe list:\n%s", seed, err, len(l), again, c, short)
}

// failing asks a list of a store, twice if need be: what runs beside the list may or may not matter.
func failing(c config, l list, wrap func(door) door) error {
	m, outcomes := play(l)
	for range 2 {
		if err := ask(c, l, m, outcomes, wrap, nil); err != nil {
			return err
		}
	}
	return nil
}

// TestLists asks the lists that found something once, in testdata/lists, of some stores each.
func TestLists(t *testing.T) {
	names, err := filepath.Glob("testdata/lists/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			l, err := parseList(string(text))
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(1, 0))
			for i := range 12 {
				c := newConfig(rng, []string{"go", "go", "http"}[i%3])
				if err := failing(c, l, nil); err != nil {
					t.Errorf("%v\nThe store is %s", err, c)
				}
			}
		})
	}
}
