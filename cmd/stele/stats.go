package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"text/tabwriter"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/units"
)

// statsCommand shows what is in the store.
type statsCommand struct {
	JSON   bool `name:"json" help:"One JSON object."`
	target `embed:""`
}

func (statsCommand) Help() string {
	return `    stele stats
    stele stats --datapath ./data
    stele stats --json | jq .Events`
}

// storeStats is what GET /api/store answers.
type storeStats struct {
	Where            string `json:",omitempty"`
	StoreID          string `json:"StoreId"`
	Events           int64
	JournalEvents    int64
	Segments         int64
	Documents        int64
	SegmentBytes     int64
	JournalBytes     int64
	DocumentBytes    int64
	DiskBytes        int64
	Oldest           *time.Time
	Newest           *time.Time
	LastArrival      uint64 `json:",string"`
	HiddenEvents     int64
	HiddenBytes      int64
	PinnedBytes      int64
	FreeBytes        int64
	MinFreeBytes     int64
	Snapshots        int64
	OldestSnapshotMs int64
	Damage           []damageNote
}

type damageNote struct {
	File           string
	Offset         int64
	What           string
	Error          string
	Rows           int64
	Oldest, Newest *time.Time
	Kept           bool
}

func noteOf(d stele.Damage) damageNote {
	n := damageNote{File: d.File, Offset: d.Offset, What: d.What, Error: explain(d.Err), Rows: d.Rows, Kept: d.Kept}
	if !d.Oldest.IsZero() {
		n.Oldest, n.Newest = &d.Oldest, &d.Newest
	}
	return n
}

func (c *statsCommand) Run(ctx context.Context, s streams) error {
	d, err := c.open(reads)
	if err != nil {
		return err
	}
	defer d.close()
	st, err := d.stats(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		if st.Damage == nil {
			st.Damage = []damageNote{}
		}
		out := json.NewEncoder(s.out)
		out.SetEscapeHTML(false)
		return out.Encode(st)
	}
	return st.print(s.out)
}

func (st storeStats) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("store", "%s", st.Where)
	row("id", "%s", st.StoreID)
	row("events", "%s", count(st.Events))
	if st.Oldest != nil && st.Newest != nil {
		row("oldest", "%s", shortTime(st.Oldest.UnixNano()))
		row("newest", "%s", shortTime(st.Newest.UnixNano()))
	}
	row("segments", "%s, %s", count(st.Segments), size(st.SegmentBytes))
	row("journal", "%s, %s", counted(st.JournalEvents, "event"), size(st.JournalBytes))
	row("documents", "%s, %s", count(st.Documents), size(st.DocumentBytes))
	if st.Events > 0 {
		row("on disk", "%s (%.1f bytes/event)", size(st.DiskBytes), float64(st.DiskBytes)/float64(st.Events))
	} else {
		row("on disk", "%s", size(st.DiskBytes))
	}
	if st.HiddenEvents > 0 {
		row("deleted", "%s, %s that come back as files are rewritten", counted(st.HiddenEvents, "event"), size(st.HiddenBytes))
	}
	if st.PinnedBytes > 0 {
		row("kept by readers", "%s", size(st.PinnedBytes))
	}
	if st.Snapshots > 0 {
		row("snapshots", "%s, the oldest for %s", count(st.Snapshots), units.Span(time.Duration(st.OldestSnapshotMs)*time.Millisecond))
	}
	if st.FreeBytes >= 0 {
		row("free", "%s, events are refused below %s", size(st.FreeBytes), size(st.MinFreeBytes))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return printDamage(w, st.Damage)
}

// printDamage says where the store is damaged, what is lost and why.
func printDamage(w io.Writer, all []damageNote) error {
	if len(all) == 0 {
		return nil
	}
	fmt.Fprintf(w, "damage in %s:\n", counted(int64(len(all)), "place"))
	for _, d := range all {
		if d.Offset >= 0 {
			fmt.Fprintf(w, "  %s at byte %d\n", d.File, d.Offset)
		} else {
			fmt.Fprintf(w, "  %s\n", d.File)
		}
		if d.Kept {
			fmt.Fprintf(w, "    kept: until stele verify DIR --forget %s\n", path.Base(d.File))
		}
		if d.What != "" {
			fmt.Fprintf(w, "    lost: %s\n", d.What)
		}
		if d.Error != "" {
			fmt.Fprintf(w, "    why:  %s\n", d.Error)
		}
	}
	return nil
}
