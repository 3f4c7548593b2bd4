package stele

import (
	"strconv"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/event"
)

// Reports as JSON, in one form for HTTP, C and whoever else asks.

// A jsonObject appends the members of a JSON object, in the order in which they are given. Names need no escapes.
type jsonObject struct{ dst []byte }

func (o *jsonObject) name(name string) {
	if c := o.dst[len(o.dst)-1]; c != '{' {
		o.dst = append(o.dst, ',')
	}
	o.dst = append(append(append(o.dst, '"'), name...), '"', ':')
}

func (o *jsonObject) int(name string, v int64) {
	o.name(name)
	o.dst = strconv.AppendInt(o.dst, v, 10)
}

// text adds a text; what of it is no UTF-8, as a file's name may be, is replaced.
func (o *jsonObject) text(name, v string) {
	o.name(name)
	o.dst = event.AppendText(o.dst, strings.ToValidUTF8(v, "\uFFFD"))
}

func (o *jsonObject) bool(name string, v bool) {
	o.name(name)
	o.dst = strconv.AppendBool(o.dst, v)
}

// time adds an instant, null for the zero one.
func (o *jsonObject) time(name string, v time.Time) {
	o.name(name)
	if v.IsZero() {
		o.dst = append(o.dst, "null"...)
		return
	}
	o.dst = append(event.AppendTime(append(o.dst, '"'), v.UnixNano()), '"')
}

func (o *jsonObject) damage(all []Damage) {
	o.name("Damage")
	o.dst = append(o.dst, '[')
	for i := range all {
		if i > 0 {
			o.dst = append(o.dst, ',')
		}
		o.dst = all[i].AppendJSON(o.dst)
	}
	o.dst = append(o.dst, ']')
}

// AppendJSON appends the damage as a JSON object: File, Offset, What, Error (null if nothing is known), Rows, Oldest, Newest, Kept.
func (d Damage) AppendJSON(dst []byte) []byte {
	o := jsonObject{append(dst, '{')}
	o.text("File", d.File)
	o.int("Offset", d.Offset)
	o.text("What", d.What)
	if d.Err != nil {
		o.text("Error", d.Err.Error())
	} else {
		o.name("Error")
		o.dst = append(o.dst, "null"...)
	}
	o.int("Rows", d.Rows)
	o.time("Oldest", d.Oldest)
	o.time("Newest", d.Newest)
	o.bool("Kept", d.Kept)
	return append(o.dst, '}')
}

// AppendJSON appends the statistics as a JSON object. Oldest and Newest are null in an empty store; LastArrival is text, for it may pass 2^53;
// durations are in milliseconds.
func (s Stats) AppendJSON(dst []byte) []byte {
	o := jsonObject{append(dst, '{')}
	o.text("StoreId", s.StoreID)
	o.int("Events", s.Events)
	o.int("JournalEvents", s.JournalEvents)
	o.int("Segments", s.Segments)
	o.int("Documents", s.Documents)
	o.int("SegmentBytes", s.SegmentBytes)
	o.int("JournalBytes", s.JournalBytes)
	o.int("DocumentBytes", s.DocumentBytes)
	o.int("DiskBytes", s.DiskBytes)
	o.time("Oldest", s.Oldest)
	o.time("Newest", s.Newest)
	o.text("LastArrival", strconv.FormatUint(s.LastArrival, 10))
	o.int("HiddenEvents", s.HiddenEvents)
	o.int("HiddenBytes", s.HiddenBytes)
	o.int("PinnedBytes", s.PinnedBytes)
	o.int("FreeBytes", s.FreeBytes)
	o.int("MinFreeBytes", s.MinFreeBytes)
	o.int("Snapshots", int64(s.Snapshots))
	o.int("OldestSnapshotMs", s.OldestSnapshot.Milliseconds())
	o.int("OpenedMs", int64(s.Opened/time.Millisecond))
	o.damage(s.Damage)
	return append(o.dst, '}')
}

// AppendJSON appends the report as a JSON object: Files, Frames, Blocks, Events, Documents, Bytes, Damage.
func (r *VerifyReport) AppendJSON(dst []byte) []byte {
	o := jsonObject{append(dst, '{')}
	o.int("Files", r.Files)
	o.int("Frames", r.Frames)
	o.int("Blocks", r.Blocks)
	o.int("Events", r.Events)
	o.int("Documents", r.Documents)
	o.int("Bytes", r.Bytes)
	o.damage(r.Damage)
	return append(o.dst, '}')
}

// AppendJSON appends what a backup is as a JSON object: Name, StoreId, Taken, Events, Documents, Files, Bytes, Added, Removed, Damage.
func (b *Backup) AppendJSON(dst []byte) []byte {
	o := jsonObject{append(dst, '{')}
	o.text("Name", b.Name)
	o.text("StoreId", b.StoreID)
	o.time("Taken", b.Taken)
	o.int("Events", b.Events)
	o.int("Documents", b.Documents)
	o.int("Files", int64(b.Files))
	o.int("Bytes", b.Bytes)
	o.int("Added", b.Added)
	o.int("Removed", int64(b.Removed))
	o.damage(b.Damage)
	return append(o.dst, '}')
}

// AppendJSON appends what a document is as a JSON object: Key, Bytes, Changed, Version.
func (d DocumentInfo) AppendJSON(dst []byte) []byte {
	o := jsonObject{append(dst, '{')}
	o.text("Key", d.Key)
	o.int("Bytes", int64(d.Bytes))
	o.time("Changed", d.Changed)
	o.int("Version", int64(d.Version))
	return append(o.dst, '}')
}
