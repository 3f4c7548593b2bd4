package engine

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"path"
	"strings"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/segment"
)

// Repaired says what a repair made, and what is lost.
type Repaired struct {
	StoreID                            string
	Epoch                              uint32
	Events, Documents, Segments, Bytes int64
	Damage                             []Damage
}

// Repair makes a store in dest of what is sound in the store in dir, which is not written to: with the same events under the same keys and the same
// documents, an identity of its own, and an epoch above whatever the other may have issued since (R2). Every event is looked at. Blocks of segments that are
// sound are copied as they stand, deletions in force with them; those of journals, and what is found in segments without an index, are sealed.
//
// dest is made, or is empty; or has what a repair left that was cut off. It has the file RESTORING from before anything else is in it until all of it is durable.
func Repair(ctx context.Context, dir, dest string, o Options) (done *Repaired, err error) {
	const op = "repair"
	if from, to := path.Clean(dir), path.Clean(dest); to == from || strings.HasPrefix(to, from+"/") || from == "." && !path.IsAbs(to) && !strings.HasPrefix(to, "../") {
		return nil, fault.New(fault.Invalid, op, "%s is in the store that is to be repaired, which stays as it is", dest).WithHint("name a directory elsewhere")
	}
	o.ReadOnly, o.Salvage = true, true
	e, err := Open(dir, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	r := &repair{e: e, ctx: ctx, c: clone{fs: e.fs, dir: dest}, done: &Repaired{}}
	if err := r.identify(); err != nil {
		return nil, err
	}
	m := &making{e.fs, dest, op, "What is sound of the store in " + dir + " is being written here."}
	lock, err := m.begin()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := r.run(); err != nil {
		m.undo()
		return nil, fault.Wrap(err, op, "nothing was made in %s", dest)
	}
	r.done.Damage = e.damage.all()
	return r.done, m.finish()
}

type repair struct {
	e    *Engine
	ctx  context.Context
	view *View
	c    clone
	done *Repaired

	partly []*recent // blocks of segments that are damaged
}

// identify gives the new store its identity, and what the catalog says besides segments and journals.
func (r *repair) identify() error {
	_, _ = rand.Read(r.c.storeID[:]) // never fails: crypto/rand
	var random [4]byte
	_, _ = rand.Read(random[:])
	edit := r.e.found.Checkpoint()
	epoch, err := restoredEpoch(edit.Epoch, binary.LittleEndian.Uint32(random[:]))
	if err != nil {
		return err
	}
	edit.StoreID, edit.Epoch, edit.Add, edit.Journal, edit.Documents, edit.Retries = r.c.storeID, epoch, nil, manifest.JournalEnd{}, manifest.JournalEnd{}, nil
	r.e.retries.fresh(r.e.now().UnixNano(), func(uint64) bool { return true }, func(id string, known retry) {
		edit.Retries = append(edit.Retries, manifest.Retry{ID: id, Base: known.base, Rows: known.rows, Time: known.time})
	})
	r.c.catalog.Apply(edit)
	r.done.StoreID, r.done.Epoch = hex.EncodeToString(r.c.storeID[:]), epoch
	return nil
}

// run writes everything, the catalog last.
func (r *repair) run() error {
	r.view = r.e.acquire(false)
	defer r.view.Release()
	for _, p := range r.view.st.set.parts {
		if err := r.segment(p); err != nil {
			return err
		}
	}
	if err := r.recents(); err != nil {
		return err
	}
	if err := r.documents(); err != nil {
		return err
	}
	return r.c.finish()
}

// readTries is how often a block is read before it is given up.
const readTries = 3

// segment copies the sound blocks of a segment. Its copy has a number of its own, for blocks are known by that of their file.
func (r *repair) segment(p *part) (err error) {
	var w *segment.Writer
	defer func() {
		if err != nil && w != nil {
			w.Abort()
		}
	}()
	number := r.e.takeFile()
	name := path.Join(r.c.dir, segmentName(number))
	for i := range p.reader.Blocks() {
		if err := r.stopped(); err != nil {
			return err
		}
		m := p.reader.Meta(i)
		data, err := soundBlock(p, i)
		if err != nil {
			b := openDamagedBlock(p, i)
			if b != nil && allSound(b) != nil {
				b = nil
			}
			lost := lostBlock("repair", err, p, i, b)
			r.e.lost(lost, lost.Msg, toll{lostRows(b, m), m.MinKey, m.MaxKey})
			if b != nil {
				if part, err := recentOf(b, int64(p.reader.BlockBytes(i)), 0); err == nil {
					r.partly = append(r.partly, part)
				}
				if len(r.partly) == mostPartly {
					if err := r.seal(r.partly); err != nil {
						return err
					}
					r.partly = nil
				}
			}
			continue
		}
		if w == nil {
			if w, err = segment.Create(r.e.fs, name, segment.Identity{Number: number, StoreID: r.c.storeID}); err != nil {
				return err
			}
		}
		if err := w.Add(data, m); err != nil {
			return err
		}
	}
	if w == nil {
		return nil
	}
	info, err := w.Finish()
	if err != nil {
		return err
	}
	w = nil
	made := &part{Segment: segmentOf(info, p.Applied)}
	if made.reader, err = segment.Open(r.e.fs, name, r.e.segments); err != nil {
		return fault.Wrap(err, "repair", "the segment just written cannot be read")
	}
	defer release([]*part{made})
	if made.Hidden = p.Hidden; info.Rows != p.Rows {
		if err := r.e.weigh(r.ctx, []*part{made}, r.view.st.deletions); err != nil {
			return err
		}
	}
	r.add(made)
	return nil
}

// add puts a segment of the new store into its catalog.
func (r *repair) add(p *part) {
	r.c.catalog.Apply(manifest.Edit{NextFile: p.Number + 1, Add: []manifest.Segment{p.Segment}})
	r.done.Segments++
	r.done.Bytes += p.Bytes
	r.done.Events += p.Rows - min(p.Hidden, p.Rows)
}

func (r *repair) stopped() error {
	if err := r.ctx.Err(); err != nil {
		return fault.WrapAs(fault.Canceled, err, "repair", "the caller gave up")
	}
	return nil
}

// soundBlock reads a block of which every event can be read.
func soundBlock(p *part, i int) (data []byte, err error) {
	for range readTries {
		if data, err = p.reader.ReadBlock(i, nil); fault.KindOf(err) != fault.IO {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	m := p.reader.Meta(i)
	b, err := block.Open(data, m.Base)
	if err == nil && checkMeta(b, m) {
		err = fault.New(fault.Corrupt, "open block", "the block is not the one that the index tells of").At(p.reader.Name(), fault.NoOffset)
	}
	if err == nil {
		err = allSound(b)
	}
	return data, err
}

// allSound reads every event of a block, but for those that are known to be lost.
func allSound(b *block.Block) error {
	var buf []byte
	var last event.Key
	for i := range b.Rows() {
		k := b.Key(i)
		if i > 0 && last.Compare(k) >= 0 {
			return fault.New(fault.Corrupt, "open block", "event %s does not follow %s", k, last)
		}
		last = k
		if d := b.Damaged(); d != nil && d.Rows.Has(i) {
			continue
		}
		var err error
		if buf, err = b.AppendCLEF(buf[:0], i); err != nil {
			return err
		}
	}
	if b.Damaged() != nil {
		return nil
	}
	return b.Load()
}

// recents seals what is sound of the journals, and what was found in segments without an index.
func (r *repair) recents() error {
	sound := r.partly
	for _, b := range r.view.st.recent {
		if err := r.stopped(); err != nil {
			return err
		}
		var opened *block.Block
		var err error
		for range readTries {
			if opened, err = r.e.recentBlock(b, false); fault.KindOf(err) != fault.IO {
				break
			}
		}
		if err == nil {
			if err = allSound(opened); err != nil {
				err = r.e.lostRecent(b, err)
			}
		}
		if err == nil {
			sound = append(sound, b)
		}
	}
	return r.seal(sound)
}

// mostPartly is how many blocks that are damaged in part are held in memory.
const mostPartly = 16

// seal writes segments of blocks.
func (r *repair) seal(sound []*recent) error {
	out := r.e.newOutputs(r.view.st)
	out.dir, out.replaces.StoreID = r.c.dir, r.c.storeID
	parts, unread, err := r.e.mergeInto(r.ctx, &out, r.view.st, sound)
	defer release(parts)
	if err = cmp.Or(err, unread); err != nil {
		return err
	}
	for _, p := range parts {
		r.add(p)
	}
	return nil
}

func (r *repair) documents() error {
	n, damage, err := r.e.documents.Clone(r.ctx, r.c.dir, r.c.storeID)
	if err != nil {
		return err
	}
	r.done.Documents = n
	for _, d := range damage {
		r.e.damaged(d, "")
	}
	return nil
}
