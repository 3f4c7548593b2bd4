package engine

import (
	"path"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/manifest"
)

// reserveName is the file that is given up to make deletes possible on a full disk (R14).
const reserveName = "reserve"

// appendFreeing is an append to the catalog that gives up the reserve file if the disk is full. e.catalogMu is held.
func (e *Engine) appendFreeing(edit manifest.Edit) error {
	err := e.catalog.Append(edit)
	if fault.KindOf(err) == fault.Full && e.giveReserve() {
		err = e.catalog.Append(edit)
	}
	return err
}

// giveReserve removes the reserve file and reports whether there was one.
func (e *Engine) giveReserve() bool {
	e.mu.Lock()
	had := e.reserve
	e.reserve = false
	e.mu.Unlock()
	if !had {
		return false
	}
	e.log.Warn("the disk is full: the reserve file is given up to go on")
	return e.fs.Remove(path.Join(e.dir, reserveName)) == nil
}

// keepReserve puts the reserve file back in place if it is missing and there is room.
func (e *Engine) keepReserve() {
	size := e.o.Hooks.ReserveBytes
	e.mu.Lock()
	has := e.reserve
	e.mu.Unlock()
	if has || size < 0 || e.o.ReadOnly {
		return
	}
	name := path.Join(e.dir, reserveName)
	f, err := e.fs.Create(name)
	if err != nil {
		_ = e.fs.Remove(name)
		return
	}
	// Not zeros: a file system may keep those without giving them room.
	buf := make([]byte, min(size, 64<<10))
	x := uint64(88172645463325252)
	for i := range buf {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		buf[i] = byte(x)
	}
	for left := size; left > 0 && err == nil; left -= int64(len(buf)) {
		_, err = f.Write(buf[:min(left, int64(len(buf)))])
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = e.fs.Remove(name)
		return
	}
	e.mu.Lock()
	e.reserve = true
	e.mu.Unlock()
}
