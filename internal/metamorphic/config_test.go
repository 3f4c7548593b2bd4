package metamorphic

import (
	"encoding/json"
	"math/rand/v2"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/testkit"
)

// A config is how one of the stores is set up. None of it may be seen in what the store answers.
type config struct {
	Door         string // "go" or "http"
	JournalBytes int64
	CacheBytes   int64
	MemoryBytes  int64
	OpenFiles    int
	BlockRows    int
	PieceRows    int
	SegmentBytes int64
	SmallBytes   int64
	Fan          int
	NoCompact    bool
	NoTidy       bool
	NoTelling    bool
	ReserveBytes int64
	CompactBytes int64
	FirstCounter uint64
	Year         int           // in which the store believes to be
	Moves        time.Duration // by which its clock moves each time that it is read
}

func (c config) String() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }

// newConfig chooses every setting by chance.
func newConfig(rng *rand.Rand, door string) config {
	c := config{
		Door:         door,
		JournalBytes: pick[int64](rng, 1, 700, 2000, 20_000, 1<<20),
		CacheBytes:   pick[int64](rng, 1, 4000, 1<<20),
		MemoryBytes:  pick[int64](rng, 1<<20, 256<<20),
		OpenFiles:    pick(rng, 1, 3, 0),
		BlockRows:    pick(rng, 2, 7, 64, 65536),
		PieceRows:    pick(rng, 1, 5, 64, 8192),
		SegmentBytes: pick[int64](rng, 1000, 3000, 0),
		SmallBytes:   pick[int64](rng, 1, 1000, 0),
		Fan:          pick(rng, 2, 3, 0),
		NoCompact:    rng.IntN(2) == 0,
		NoTidy:       rng.IntN(3) == 0,
		NoTelling:    rng.IntN(60) > 0 || raceDetector, // telling is short and takes long
		ReserveBytes: pick[int64](rng, -1, 600, 600),
		CompactBytes: pick[int64](rng, 0, 500),
		FirstCounter: pick[uint64](rng, 0, 0, 0, event.MaxCounter-30),
		Year:         pick(rng, 1971, 2026, 2026, 2200),
		Moves:        pick(rng, 0, time.Microsecond),
	}
	if !c.NoTelling {
		c.CacheBytes = 1 << 20 // a told block is decoded once
	}
	return c
}

// plain is the store as users have it.
func plain(door string) config {
	return config{Door: door, MemoryBytes: 256 << 20, Year: 2026, ReserveBytes: 600}
}

// options are the store's, with a clock that the list moves.
func (c config) options(now func() time.Time) stele.Options {
	return stele.Options{
		JournalBytes: c.JournalBytes, CacheBytes: c.CacheBytes, MemoryBytes: c.MemoryBytes, OpenFiles: c.OpenFiles,
		Hooks: engine.Hooks{
			Now: now, BlockRows: c.BlockRows, PieceRows: c.PieceRows, SegmentBytes: c.SegmentBytes, SmallBytes: c.SmallBytes, CompactFan: c.Fan,
			NoCompact: c.NoCompact, NoTidy: c.NoTidy, NoTelling: c.NoTelling, ReserveBytes: c.ReserveBytes, CompactBytes: c.CompactBytes, FirstCounter: c.FirstCounter,
		},
	}
}

// start is when the list begins, half a second after a whole one: a policy of retention has an age of whole seconds, and events are about whole ones.
func (c config) start() time.Time {
	return testkit.Epoch.AddDate(c.Year-testkit.Epoch.Year(), 0, 0).Add(500 * time.Millisecond)
}
