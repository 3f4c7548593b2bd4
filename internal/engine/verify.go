package engine

import (
	"context"
	"path"

	"github.com/stelehq/stele/internal/block"
	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/journal"
	"github.com/stelehq/stele/internal/manifest"
	"github.com/stelehq/stele/internal/segment"
)

// A Report says what was checked and what was found wrong.
type Report struct {
	Files, Frames, Blocks, Events, Documents, Bytes int64
	Damage                                          []Damage

	seen damages
}

func (r *Report) damaged(err error, what string) { r.lost(err, what, toll{}) }

func (r *Report) lost(err error, what string, l toll) { r.seen.add(damageOf(err, what).and(l)) }

// Verify checks every byte that the catalog names: frames, segments, and each event of each block.
func (e *Engine) Verify(ctx context.Context) (*Report, error) {
	if err := e.gate.enter(); err != nil {
		return nil, err
	}
	defer e.gate.leave()
	r := &Report{}
	for _, d := range e.damage.all() {
		r.seen.add(d)
	}
	err := e.verify(ctx, r)
	r.Damage = r.seen.all()
	return r, err
}

func (e *Engine) verify(ctx context.Context, r *Report) error {
	v := e.acquire(false)
	defer v.Release()
	for _, p := range v.st.set.parts {
		if err := verifySegment(ctx, p, r); err != nil {
			return err
		}
		if err := e.verifyHidden(ctx, p, v.st.deletions, r); err != nil {
			return err
		}
	}
	for _, b := range v.st.recent {
		if err := e.canceled(ctx); err != nil {
			return err
		}
		if opened, err := e.recentBlock(b, false); err == nil {
			verifyBlock(opened, r, "a recent block")
		} else {
			r.lost(err, "", b.toll())
		}
	}
	e.mu.Lock()
	cuts := map[uint64]*journal.Cut{}
	for _, c := range e.cuts {
		cuts[c.Number] = &c
	}
	live := append([]journalFile(nil), e.journals...)
	e.mu.Unlock()
	for _, j := range live {
		if err := e.canceled(ctx); err != nil {
			return err
		}
		res, err := journal.Replay(e.fs, e.dir, j.number, cuts[j.number], func(journal.Group) error { return nil })
		if (err != nil || len(res.Damage) > 0) && !j.rotated {
			// Perhaps it ended meanwhile, and its room was cut off: that happens once.
			res, err = journal.Replay(e.fs, e.dir, j.number, cuts[j.number], func(journal.Group) error { return nil })
		}
		if err != nil {
			if fault.KindOf(err) == fault.NotFound && !e.isLive(j.number) {
				continue // sealed meanwhile
			}
			r.damaged(err, "")
			continue
		}
		r.Files++
		r.Frames += res.Groups
		r.Bytes += res.Size
		for _, d := range res.Damage {
			if d.Offset < j.bytes {
				r.damaged(d, "")
			}
		}
	}
	if err := e.verifyManifest(r); err != nil {
		return err
	}
	damage, err := e.documents.Verify(ctx)
	for _, d := range damage {
		r.damaged(d, "")
	}
	st := e.documents.Stats()
	r.Documents, r.Files, r.Bytes = st.Documents, r.Files+int64(st.Files), r.Bytes+st.FileBytes
	return err
}

func (e *Engine) canceled(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.WrapAs(fault.Canceled, err, "verify", "the caller gave up")
	}
	select {
	case <-e.gate.closing:
		return errClosed()
	default:
		return nil
	}
}

func (e *Engine) isLive(number uint64) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, j := range e.journals {
		if j.number == number {
			return true
		}
	}
	return false
}

// verifyManifest reads the live manifest again. Nobody may append to it meanwhile.
func (e *Engine) verifyManifest(r *Report) error {
	e.catalogMu.Lock()
	defer e.catalogMu.Unlock()
	fl, err := listFiles(e.fs, e.dir)
	if err != nil {
		return err
	}
	loaded, err := manifest.Load(e.fs, e.dir, fl.names)
	if err != nil {
		r.damaged(err, "")
		return nil
	}
	for _, d := range loaded.Damage {
		r.damaged(d, "")
	}
	if loaded.Name != "" {
		r.Files++
		if f, err := e.fs.Open(path.Join(e.dir, loaded.Name)); err == nil {
			if size, err := f.Size(); err == nil {
				r.Bytes += size
				res, _ := frame.Scan(f, size, loaded.Name, func(frame.Frame) error { r.Frames++; return nil })
				_ = res
			}
			_ = f.Close()
		}
	}
	return nil
}

func verifySegment(ctx context.Context, p *part, r *Report) error {
	damage, err := p.reader.Verify(ctx)
	if err != nil {
		if fault.KindOf(err) == fault.Canceled {
			return err
		}
		r.damaged(err, "")
	}
	for _, d := range damage {
		r.damaged(d, "")
	}
	r.Files++
	r.Bytes += p.Bytes
	var buf []byte
	for i := range p.reader.Blocks() {
		if ctx.Err() != nil {
			return fault.WrapAs(fault.Canceled, ctx.Err(), "verify", "the caller gave up")
		}
		m := p.reader.Meta(i)
		if buf, err = p.reader.ReadBlock(i, buf[:0]); err != nil {
			b := openDamagedBlock(p, i)
			lost := lostBlock("verify", err, p, i, b)
			r.lost(lost, lost.Msg, toll{lostRows(b, m), m.MinKey, m.MaxKey})
			if b != nil {
				verifyBlock(b, r, p.reader.Name())
			}
			continue
		}
		b, err := block.Open(buf, m.Base)
		if err != nil {
			r.lost(fault.Wrap(err, "verify", "block %d of %s", i, p.reader.Name()).At(p.reader.Name(), fault.NoOffset), "block of "+plural(int64(m.Rows), "event"),
				toll{int64(m.Rows), m.MinKey, m.MaxKey})
			continue
		}
		if checkMeta(b, m) {
			r.damaged(fault.New(fault.Corrupt, "verify", "block %d and its entry in the index differ", i).At(p.reader.Name(), fault.NoOffset), "")
		}
		verifyBlock(b, r, p.reader.Name())
	}
	return nil
}

func checkMeta(b *block.Block, m segment.Meta) (differ bool) {
	n := b.Rows()
	return n != m.Rows || n == 0 || b.Key(0) != m.MinKey || b.Key(n-1) != m.MaxKey || b.MinArrival() != m.MinArrival || b.MaxArrival() != m.MaxArrival
}

// verifyBlock decodes every event.
func verifyBlock(b *block.Block, r *Report, file string) {
	r.Blocks++
	var buf []byte
	var last event.Key
	for i := range b.Rows() {
		k := b.Key(i)
		if i > 0 && last.Compare(k) >= 0 {
			r.damaged(fault.New(fault.Corrupt, "verify", "event %s does not follow %s", k, last).At(file, fault.NoOffset), "the order of a block")
		}
		last = k
		if d := b.Damaged(); d != nil && d.Rows.Has(i) {
			continue // told already
		}
		var err error
		if buf, err = b.AppendCLEF(buf[:0], i); err != nil {
			r.damaged(fault.Wrap(err, "verify", "event %s", k).At(file, fault.NoOffset), "event "+k.String())
			continue
		}
		r.Events++
	}
}

// VerifyDir checks the store in dir without writing to it.
func VerifyDir(ctx context.Context, dir string, o Options) (*Report, error) {
	o.ReadOnly = true
	e, err := Open(dir, o)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return e.Verify(ctx)
}
