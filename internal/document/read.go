package document

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
)

// Get reads and checks a value, which is the caller's. NotFound if there is none; Corrupt,
// with the place, if it is damaged.
func (l *Log) Get(ctx context.Context, space, key string) ([]byte, Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, Info{}, fault.WrapAs(fault.Canceled, err, "get document", "given up")
	}
	l.mu.RLock()
	if l.closed {
		l.mu.RUnlock()
		return nil, Info{}, errClosed()
	}
	d, ok := l.spaces[space][key]
	if ok {
		d.file.refs.Add(1) // the log's own reference is there as long as mu is held
	}
	l.mu.RUnlock()
	if !ok {
		return nil, Info{}, fault.New(fault.NotFound, "get document", "there is no document %q", key)
	}
	defer d.file.release()
	_, value, err := l.read(space, d)
	if err != nil {
		return nil, Info{}, err
	}
	return value, d.info, nil
}

// read returns the change that set d, and its value, which is a part of it.
func (l *Log) read(space string, d doc) (body, value []byte, err error) {
	fr, err := frame.ReadAt(d.file.file, d.offset+d.length, d.file.name, d.offset)
	if err == nil {
		c, ok := decodeChange(fr.Body)
		if ok && fr.Kind == kindSet && fr.Sequence == d.sequence && c.version == d.info.Version && string(c.space) == space && string(c.key) == d.info.Key {
			return fr.Body, c.value, nil
		}
		err = fault.New(fault.Corrupt, "read frame", "expected frame %d, found frame %d of another change", d.sequence, fr.Sequence).At(d.file.name, d.offset)
	}
	e := fault.Wrap(err, "get document", "the value of %q cannot be read", d.info.Key).At(d.file.name, d.offset)
	if e.Kind == fault.Corrupt {
		l.report(d, e)
	}
	return nil, nil, e
}

// report files damage once for each place.
func (l *Log) report(d doc, e *fault.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := place{d.file.number, d.offset}
	if !l.reported[at] {
		l.reported[at] = true
		l.damage = append(l.damage, e)
	}
}

// List returns the space's documents whose keys start with prefix, by key.
func (l *Log) List(space, prefix string) []Info {
	l.mu.RLock()
	var infos []Info
	for key, d := range l.spaces[space] {
		if strings.HasPrefix(key, prefix) {
			infos = append(infos, d.info)
		}
	}
	l.mu.RUnlock()
	slices.SortFunc(infos, func(a, b Info) int { return cmp.Compare(a.Key, b.Key) })
	return infos
}

// Stats returns figures of the log.
func (l *Log) Stats() Stats {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return Stats{Documents: l.documents, LiveBytes: l.liveBytes, FileBytes: l.fileBytes(), Files: len(l.files), CompactErr: l.compactErr}
}

// Damage returns what was found while opening or reading.
func (l *Log) Damage() []*fault.Error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Clone(l.damage)
}

// Verify reads every frame of every file and every live value. err is only for what kept it
// from going on.
func (l *Log) Verify(ctx context.Context) (damage []*fault.Error, err error) {
	l.mu.RLock()
	if l.closed {
		l.mu.RUnlock()
		return nil, errClosed()
	}
	files := slices.Clone(l.files)
	sizes := make([]int64, len(files))
	for i, f := range files {
		f.refs.Add(1)
		sizes[i] = f.size
	}
	var docs []moved
	for space, in := range l.spaces {
		for _, d := range in {
			docs = append(docs, moved{space, d})
		}
	}
	l.mu.RUnlock()
	defer func() {
		for _, f := range files {
			f.release()
		}
	}()
	canceled := func() error {
		if err := ctx.Err(); err != nil {
			return fault.WrapAs(fault.Canceled, err, "verify documents", "given up")
		}
		return nil
	}
	for i, f := range files {
		result, err := frame.Scan(f.file, sizes[i], f.name, func(frame.Frame) error { return canceled() })
		damage = append(damage, result.Damage...)
		if err != nil {
			return damage, err
		}
	}
	for _, m := range docs {
		if err := canceled(); err != nil {
			return damage, err
		}
		_, _, err := l.read(m.space, m.doc)
		var e *fault.Error
		if errors.As(err, &e) && e.Kind == fault.Corrupt {
			damage = append(damage, e)
		} else if err != nil {
			return damage, err
		}
	}
	return damage, nil
}
