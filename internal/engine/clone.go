package engine

import (
	"bytes"
	"context"
	"path"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/segment"
	"github.com/stelehq/stele/internal/vfs"
)

// Files of one store are written again as those of another: what is in them stays, keys above all, and each says that it is the other's. So a
// restored store is not taken for the one that it was a backup of, and its files are not taken for that one's.

// A loss is told of what could not be read while a file was cloned: why, and how many events that concerns, as far as that is known. What it returns ends
// the cloning, unless it is nil.
type loss func(err error, rows int64) error

// blockRoom is enough for what stands before a block in its file.
const blockRoom = 128

// cloneSegment writes the sound blocks of the segment file from into the new file to, under the identity id. If there are none, no file is made
// and the result has no blocks. What is damaged is told to lost and left out.
func cloneSegment(ctx context.Context, fs vfs.FS, from, to string, id segment.Identity, lost loss) (info segment.Info, err error) {
	var w *segment.Writer
	defer func() {
		if err != nil && w != nil {
			w.Abort()
		}
	}()
	add := func(data []byte, m segment.Meta) (err error) {
		if err := ctx.Err(); err != nil {
			return fault.WrapAs(fault.Canceled, err, "copy segment", "the caller gave up")
		}
		if w == nil {
			if w, err = segment.Create(fs, to, id); err != nil {
				return err
			}
		}
		return w.Add(data, m)
	}
	r, err := segment.Open(fs, from, nil)
	if err == nil {
		defer r.Release()
		most := 0
		for i := range r.Blocks() {
			most = max(most, r.BlockBytes(i))
		}
		buf := make([]byte, most+blockRoom)
		for i := range r.Blocks() {
			m := r.Meta(i)
			data, err := r.ReadBlock(i, buf)
			if err != nil {
				rows := int64(m.Rows)
				if fault.KindOf(err) == fault.Corrupt {
					sound, err := addSound(r, i, add)
					if err != nil {
						return info, err
					}
					rows -= sound
				}
				if err := lost(fault.Wrap(err, "copy segment", "block %d", i), rows); err != nil {
					return info, err
				}
				continue
			}
			if err := add(data, m); err != nil {
				return info, err
			}
		}
	} else if fault.KindOf(err) != fault.Corrupt {
		return info, err
	} else {
		_, damage, err := segment.Salvage(fs, from, add)
		if err != nil {
			return info, err
		}
		for _, d := range damage {
			if err := lost(d, 0); err != nil {
				return info, err
			}
		}
	}
	if w == nil {
		return info, nil
	}
	return w.Finish()
}

// addSound adds what is sound of a block that is damaged in part, as a block of its own, and returns how many events that is.
func addSound(r *segment.Reader, i int, add func([]byte, segment.Meta) error) (rows int64, err error) {
	b := openDamagedBlock(&part{reader: r}, i)
	if b == nil || allSound(b) != nil {
		return 0, nil
	}
	bad := b.Damaged().Rows
	w := &blockWriter{codec: block.Thorough, rows: b.Rows(), builder: block.NewBuilder(block.Limits{}), write: add}
	for from := 0; from < b.Rows(); from++ {
		to := from
		for to < b.Rows() && to-from < copyRows && !bad.Has(to) {
			to++
		}
		if err := w.add(block.Run{Block: b, From: from, To: to}); err != nil {
			return 0, err
		}
		rows += int64(to - from)
		if to > from {
			from = to - 1 // the row at to is looked at next
		}
	}
	return rows, w.end()
}

// cloneGroups is how many bytes of a journal's groups share a write and a sync in its clone.
const cloneGroups = 4 << 20

// cloneJournal writes the groups of the journal file from, up to the frame last, into a new journal in dir. before are the journals cloned
// before it, for which its header vouches. If there is nothing in it no file is made, and the result is zero.
func cloneJournal(ctx context.Context, fs vfs.FS, from string, last uint64, dir string, h journal.Header, before []journal.Cut, lost loss) (end journal.Cut, err error) {
	var w *journal.Writer
	var groups []journal.Group
	size := 0
	commit := func() error {
		if len(groups) == 0 {
			return nil
		}
		err := w.Commit(groups)
		groups, size = groups[:0], 0
		return err
	}
	res, err := journal.ReplayFile(fs, from, &journal.Cut{Sequence: last}, func(g journal.Group) (err error) {
		if err := ctx.Err(); err != nil {
			return fault.WrapAs(fault.Canceled, err, "copy journal", "the caller gave up")
		}
		if w == nil {
			h.Epoch, h.Cuts = epochOf(g.Base), before[max(0, len(before)-journal.MaxCuts):]
			if w, err = journal.Create(fs, dir, h); err != nil {
				return err
			}
		}
		for i := range g.Blocks {
			g.Blocks[i].Data = bytes.Clone(g.Blocks[i].Data)
			size += len(g.Blocks[i].Data)
		}
		if groups = append(groups, g); size < cloneGroups {
			return nil
		}
		return commit()
	})
	if err == nil {
		err = commit()
	}
	if w != nil {
		end = w.Cut()
		if cerr := w.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return end, fault.Wrap(err, "copy journal", "the journal cannot be written again").At(from, fault.NoOffset)
	}
	for _, d := range res.Damage {
		if err := lost(d, 0); err != nil {
			return end, err
		}
	}
	return end, nil
}

// A clone is a store in the making, in a directory of its own.
type clone struct {
	fs      vfs.FS
	dir     string
	storeID [16]byte
	catalog manifest.Catalog // what it will be
	cuts    []journal.Cut
}

// segment clones one segment file. It keeps its number, and what was known of deletions: was is as its catalog has it.
func (c *clone) segment(ctx context.Context, from string, was manifest.Segment, lost loss) (segment.Info, error) {
	info, err := cloneSegment(ctx, c.fs, from, path.Join(c.dir, segmentName(was.Number)), segment.Identity{Number: was.Number, StoreID: c.storeID}, lost)
	if err == nil && info.Blocks > 0 {
		is := segmentOf(info, was.Applied)
		if is.Rows == was.Rows {
			is.Hidden = was.Hidden
		}
		c.catalog.Apply(manifest.Edit{NextFile: is.Number + 1, Add: []manifest.Segment{is}})
	}
	return info, err
}

// journal clones one journal file, up to the frame last. It keeps its number. Older journals come first.
func (c *clone) journal(ctx context.Context, from string, number, last uint64, lost loss) error {
	end, err := cloneJournal(ctx, c.fs, from, last, c.dir, journal.Header{StoreID: c.storeID, Number: number}, c.cuts, lost)
	if err != nil || end.Number == 0 {
		return err
	}
	c.cuts = append(c.cuts, end)
	c.catalog.Apply(manifest.Edit{NextFile: number + 1, Journal: manifest.JournalEnd(end)})
	return nil
}

// finish makes the catalog durable: from then on the directory is a store.
func (c *clone) finish() error {
	c.catalog.StoreID = c.storeID
	log, err := manifest.Start(c.fs, c.dir, c.catalog, "", func() uint64 {
		n := max(c.catalog.NextFile, 1)
		c.catalog.NextFile = n + 1
		return n
	})
	if err != nil {
		return err
	}
	return log.Close()
}
