package inspect

import (
	"fmt"
	"time"

	"github.com/stelehq/stele/internal/document"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/vfs"
)

// A log's frames by the format that its header names.
var logs = map[string]struct {
	kind   string
	header func(p *Part, h frame.FileHeader) error
	frame  func(in *inspection, p *Part, f frame.Frame) error
}{
	journal.Format:  {"journal", journalHeader, (*inspection).group},
	manifest.Format: {"manifest", func(*Part, frame.FileHeader) error { return nil }, (*inspection).edit},
	document.Format: {"documents", documentHeader, (*inspection).change},
}

func (in *inspection) log(p *Part, f vfs.File, size int64) error {
	p.Kind = "log"
	format := ""
	err := frame.Walk(f, size, in.name, func(found frame.Found) error {
		part := &Part{Kind: "frame", Offset: found.Offset, Bytes: found.Length}
		p.Parts = append(p.Parts, part)
		if found.None {
			part.Kind = "room"
			if !found.Room {
				part.Kind = "no frame"
				part.damaged(found.Bad)
			}
			return nil
		}
		part.add("sequence", found.Sequence)
		part.add("synced", found.Synced)
		switch {
		case found.Bad != nil:
			part.damaged(found.Bad)
		case found.Mark:
			part.Kind = "closing mark"
		case found.Header != nil:
			part.Kind = "file header"
			if format == "" {
				format = found.Header.Format
				in.fileHeader(p, found.Header)
			}
		case logs[format].frame == nil:
			part.add("kind", found.Kind)
		default:
			if err := logs[format].frame(in, part, found.Frame); err != nil {
				part.damaged(err)
			}
		}
		return nil
	})
	if fault.KindOf(err) == fault.Unsupported {
		p.damaged(err)
		return nil
	}
	return err
}

func (in *inspection) fileHeader(p *Part, h *frame.FileHeader) {
	p.add("format", fmt.Sprintf("%s, version %d", h.Format, h.Version))
	p.add("store id", fmt.Sprintf("%x", h.StoreID))
	p.add("number", h.Number)
	l, ok := logs[h.Format]
	if !ok {
		return
	}
	p.Kind = l.kind
	if err := l.header(p, *h); err != nil {
		p.damaged(err)
	}
}

func journalHeader(p *Part, h frame.FileHeader) error {
	j, err := journal.HeaderOf(h, p.Name)
	if err != nil {
		return err
	}
	p.add("epoch", j.Epoch)
	for _, c := range j.Cuts {
		p.add(fmt.Sprintf("journal %d counts up to", c.Number), c.Sequence)
	}
	return nil
}

func (in *inspection) group(p *Part, f frame.Frame) error {
	g, err := journal.GroupOf(f)
	if err != nil {
		return err
	}
	p.add("committed", instant(g.Time))
	p.add("rows", g.Rows())
	p.add("first arrival", g.Base)
	for i, b := range g.Batches {
		if b.ID != "" {
			p.add(fmt.Sprintf("id of batch %d", i), b.ID)
		}
	}
	p.add("batches", len(g.Batches))
	base := g.Base
	for _, b := range g.Blocks {
		part := &Part{Kind: "block", Offset: b.Offset, Bytes: int64(len(b.Data))}
		part.add("rows", b.Rows)
		part.add("bytes per event", ratio(part.Bytes, b.Rows))
		first, last := event.MakeKey(b.First.Instant, base+uint64(b.First.Place)), event.MakeKey(b.Last.Instant, base+uint64(b.Last.Place))
		part.keys(first, last, base, base+uint64(b.Rows)-1)
		in.block(part, b.Data, base)
		p.Parts = append(p.Parts, part)
		base += uint64(b.Rows)
	}
	return nil
}

func instant(ns int64) string { return string(event.AppendTime(nil, ns)) }

func (in *inspection) edit(p *Part, f frame.Frame) error {
	e, checkpoint, err := manifest.EditOf(f)
	if err != nil {
		return err
	}
	p.Kind = "edit"
	if checkpoint {
		p.Kind = "checkpoint"
	}
	for _, n := range []struct {
		name  string
		value uint64
	}{{"epoch", uint64(e.Epoch)}, {"next file", e.NextFile}, {"sealed through journal", e.Sealed}, {"last deletion", e.LastDeletion}, {"newest journal", e.Journal.Number}, {"its last sequence", e.Journal.Sequence}} {
		if n.value != 0 {
			p.add(n.name, n.value)
		}
	}
	for _, s := range e.Add {
		part := &Part{Kind: "add segment", Name: fmt.Sprint(s.Number), Offset: fault.NoOffset, Bytes: s.Bytes}
		part.add("rows", s.Rows)
		part.keys(s.MinKey, s.MaxKey, s.MinArrival, s.MaxArrival)
		part.add("deletions applied through", s.Applied)
		if s.Hidden > 0 {
			part.add("rows hidden", s.Hidden)
		}
		p.Parts = append(p.Parts, part)
	}
	for _, n := range e.Drop {
		p.Parts = append(p.Parts, &Part{Kind: "drop segment", Name: fmt.Sprint(n), Offset: fault.NoOffset})
	}
	for _, d := range e.AddDeletions {
		part := &Part{Kind: "add deletion", Name: fmt.Sprint(d.Number), Offset: fault.NoOffset}
		part.add("from", d.From.String())
		part.add("to", d.To.String())
		part.add("of arrivals below", d.Horizon)
		if len(d.Keys) > 0 {
			part.add("keys", len(d.Keys))
		}
		if d.Filter != "" {
			part.add("filter", d.Filter)
		}
		p.Parts = append(p.Parts, part)
	}
	for _, n := range e.DropDeletions {
		p.Parts = append(p.Parts, &Part{Kind: "drop deletion", Name: fmt.Sprint(n), Offset: fault.NoOffset})
	}
	for _, m := range e.Marks {
		part := &Part{Kind: "mark", Offset: fault.NoOffset}
		part.add("arrivals below", m.Arrival)
		part.add("by", instant(m.Time))
		p.Parts = append(p.Parts, part)
	}
	for _, r := range e.Retries {
		part := &Part{Kind: "retry", Name: r.ID, Offset: fault.NoOffset}
		part.add("rows", r.Rows)
		part.add("first arrival", r.Base)
		part.add("committed", instant(r.Time))
		p.Parts = append(p.Parts, part)
	}
	return nil
}

func documentHeader(p *Part, h frame.FileHeader) error {
	d, err := document.PredecessorOf(h)
	if err != nil {
		return err
	}
	p.add("complete", d.Complete)
	if d.Previous != 0 {
		p.add("previous file", d.Previous)
		p.add("counts up to", d.Last)
	}
	p.add("versions before", d.Version)
	return nil
}

func (in *inspection) change(p *Part, f frame.Frame) error {
	c, err := document.ChangeOf(f)
	if err != nil {
		return err
	}
	p.Kind = "set"
	if c.Deleted {
		p.Kind = "delete"
	}
	p.Name = c.Key
	if c.Space != "" {
		p.add("space", c.Space)
	}
	p.add("version", c.Version)
	p.add("changed", c.Changed.Format(time.RFC3339Nano))
	p.add("value bytes", c.Bytes)
	return nil
}
