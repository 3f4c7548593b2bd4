package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"runtime/pprof"
	"sync"
	"syscall"
	"time"

	"github.com/valyala/fastjson"

	"github.com/stelehq/stele/bench/meter"
)

// figures are what one run of a store gives. Rates are events a second.
type figures struct {
	Store                         string
	Append                        float64 // until the last batch was durable
	CPU                           float64 // µs an event, settled
	Disk                          float64 // bytes an event, settled and closed
	Ascending, Descending, Filter float64 // the median of three scans
	ScanCPU, BackCPU, FilterCPU   float64 // µs an event of the store
	Others                        float64 // processor seconds that the rest of the machine used while appending
}

// runOne measures one store and prints its figures as JSON.
func runOne(o options) error {
	data, err := mapFile(o.file)
	if err != nil {
		return err
	}
	all, want, err := prepare(data)
	if err != nil {
		return err
	}
	dir := filepath.Join(o.work, "embedded-"+o.one)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f := figures{Store: o.one}
	if err := f.append(o, dir, all); err != nil {
		return err
	}
	if err := f.read(o, dir, want); err != nil {
		return err
	}
	size, err := meter.TreeSize(dir) // now, for some files go only when a store is opened again
	if err != nil {
		return err
	}
	f.Disk = float64(size) / float64(want.events)
	return json.NewEncoder(os.Stdout).Encode(f)
}

// mapFile maps a file into memory, so that the events take no room in the heap and their reading next to no time.
func mapFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return syscall.Mmap(int(f.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED|syscall.MAP_POPULATE)
}

// expected is what reading must give.
type expected struct {
	events, bytes, matches int
	sum                    uint32 // over all events, oldest first
}

// An eventFile is the events of a file. Where each stands is kept without a pointer, so that they are nothing to a store's collection of garbage.
type eventFile struct {
	data   []byte
	places []place
}

type place struct {
	key      [16]byte
	from, to int
}

// next takes up to n events, which it puts into buf.
func (e *eventFile) next(buf []entry, n int) []entry {
	n = min(n, len(e.places))
	buf = buf[:0]
	for _, p := range e.places[:n] {
		buf = append(buf, entry{p.key, e.data[p.from:p.to:p.to]})
	}
	e.places = e.places[n:]
	return buf
}

// prepare cuts the events apart and makes their keys.
func prepare(data []byte) (eventFile, expected, error) {
	all := eventFile{data: data, places: make([]place, 0, bytes.Count(data, []byte{'\n'}))}
	var want expected
	var match matcher
	from := 0
	for line := range bytes.Lines(data) {
		line = bytes.TrimSuffix(line, []byte{'\n'})
		text, ok := bytes.CutPrefix(line, []byte(`{"@t":"`))
		end := bytes.IndexByte(text, '"')
		if !ok || end < 0 {
			return all, want, fmt.Errorf("event %d does not begin with its time: %.60s", len(all.places), line)
		}
		at, err := time.Parse(time.RFC3339Nano, string(text[:end]))
		if err != nil {
			return all, want, err
		}
		p := place{from: from, to: from + len(line)}
		from = p.to + 1
		binary.BigEndian.PutUint64(p.key[:], uint64(at.UnixNano()))
		binary.BigEndian.PutUint64(p.key[8:], uint64(len(all.places)))
		all.places = append(all.places, p)
		want.add(line)
		if match.event(line) {
			want.matches++
		}
	}
	return all, want, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (x *expected) add(event []byte) {
	x.events++
	x.bytes += len(event)
	x.sum = crc32.Update(x.sum, castagnoli, event)
}

// matcher is the filter of the stores that know nothing of JSON.
type matcher struct{ parser fastjson.Parser }

func (m *matcher) event(event []byte) bool {
	v, err := m.parser.ParseBytes(event)
	return err == nil && v.GetFloat64("StatusCode") >= 500
}

// append fills an empty store from several goroutines, each taking the next batch.
func (f *figures) append(o options, dir string, all eventFile) error {
	stop, err := o.profile("append")
	if err != nil {
		return err
	}
	defer stop()
	watch, before := meter.Watch(0), meter.CPU(os.Getpid())
	begun := time.Now()
	s, err := open(o.one, dir)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	rest := all
	next := func(buf []entry) []entry {
		mu.Lock()
		defer mu.Unlock()
		return rest.next(buf, o.batch)
	}
	failed := make([]error, o.writers)
	var wg sync.WaitGroup
	for i := range o.writers {
		wg.Go(func() {
			for batch := next(nil); len(batch) > 0 && failed[i] == nil; batch = next(batch) {
				failed[i] = s.append(batch)
			}
		})
	}
	wg.Wait()
	n := float64(len(all.places))
	f.Append = n / time.Since(begun).Seconds()
	f.Others = watch.CPU(0)
	if err := errors.Join(failed...); err != nil {
		s.close()
		return err
	}
	if err := s.settle(); err != nil {
		s.close()
		return err
	}
	if err := meter.Rest(os.Getpid(), dir); err != nil {
		s.close()
		return err
	}
	if err := s.close(); err != nil {
		return err
	}
	f.CPU = (meter.CPU(os.Getpid()) - before) * 1e6 / n
	return nil
}

// profile begins a processor profile if it is wanted of this; stop ends it.
func (o *options) profile(of string) (stop func(), err error) {
	if o.prof == "" || o.profOf != of {
		return func() {}, nil
	}
	w, err := os.Create(o.prof)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(w); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		w.Close()
	}, nil
}

// read opens the store again, checks that it gives back what went in, and measures the scans.
func (f *figures) read(o options, dir string, want expected) (err error) {
	s, err := open(o.one, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var got expected
	if err := s.scan(false, got.add); err != nil {
		return err
	}
	got.matches = want.matches // counted below
	if got != want {
		return fmt.Errorf("%s gives back %+v, not %+v", o.one, got, want)
	}
	var buf []byte
	count, size := 0, 0
	take := func(event []byte) { // every event's bytes are looked at, and are the reader's
		buf = append(buf[:0], event...)
		count, size = count+1, size+len(buf)
	}
	timed := func(what string, events int, scan func() error) (rate, cpu float64, err error) {
		stop, err := o.profile(what)
		if err != nil {
			return 0, 0, err
		}
		defer stop()
		var rates, used []float64
		for range 3 {
			count, size = 0, 0
			before, begun := meter.CPU(os.Getpid()), time.Now()
			if err := scan(); err != nil {
				return 0, 0, err
			}
			rates = append(rates, float64(want.events)/time.Since(begun).Seconds())
			used = append(used, (meter.CPU(os.Getpid())-before)*1e6/float64(want.events))
			if count != events || events == want.events && size != want.bytes {
				return 0, 0, fmt.Errorf("%s gives back %d events of %d bytes, not %d", o.one, count, size, events)
			}
		}
		return meter.Median(rates), meter.Median(used), nil
	}
	if f.Ascending, f.ScanCPU, err = timed("scan", want.events, func() error { return s.scan(false, take) }); err != nil {
		return err
	}
	if f.Descending, f.BackCPU, err = timed("back", want.events, func() error { return s.scan(true, take) }); err != nil {
		return err
	}
	f.Filter, f.FilterCPU, err = timed("filter", want.matches, func() error { return s.filter(take) })
	return err
}
