package metamorphic

import (
	"fmt"
	"slices"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// made is a backup.
type made struct {
	name   string
	issuer int // the store that it is of
}

// backup makes one, all in the same directory. What could not be read when it was made is told, and left out; what could not be read before is no matter.
func (w *world) backup(want *outcome) error {
	b, err := w.door.backup(backupDir, w.faulty)
	if err != nil {
		return told{err}
	}
	if b.Events != int64(want.alive) {
		return fmt.Errorf("the backup counts %d events, not %d", b.Events, want.alive)
	}
	if len(b.Damage) > 0 {
		return told{fault.New(fault.IO, "backup", "%+v", b.Damage)}
	}
	w.backups = append(w.backups, made{b.Name, w.issuer})
	return nil
}

// restore makes another store of a backup, and goes on with that.
func (w *world) restore(b made, want *outcome) error {
	w.dirs++
	dir := fmt.Sprintf("/restored-%d", w.dirs)
	o := &stele.RestoreOptions{Backup: b.name, FS: w.faulty}
	r, err := stele.Restore(ctx, backupDir, dir, o)
	if err != nil {
		w.faulty.Clear()
		return w.restoreAgain(dir, o, want, err)
	}
	if r.Events != int64(want.alive) || len(r.Damage) > 0 {
		return fmt.Errorf("%d events were to be restored: %+v", want.alive, r)
	}
	if err := w.close(); err != nil {
		return err
	}
	w.dir = dir
	// Its numbers are above all that the backup's store has given; of other stores it knows nothing.
	w.floor = 0
	for n, k := range w.keys {
		if w.issuers[n] == b.issuer {
			w.floor = max(w.floor, k.Arrival())
		}
		w.highest[n] = 0
		if n > 0 {
			w.highest[n] = w.highest[n-1]
		}
		if slices.Contains(want.events, n) {
			w.highest[n] = max(w.highest[n], k.Arrival())
			w.floor = max(w.floor, k.Arrival())
		}
	}
	w.issuer = w.dirs
	if err := w.open(); err != nil {
		return err
	}
	if h, ok := w.door.(*httpDoor); ok { // deleted events may be there still, of a store before that
		h.last = max(h.last, h.s.Stats().LastArrival)
	}
	return nil
}

// restoreAgain looks at what a restore left that failed. That is no store, unless what failed was its last step, and
// restoring into the same directory begins anew.
func (w *world) restoreAgain(dir string, o *stele.RestoreOptions, want *outcome, because error) error {
	if s, err := stele.Open(dir, &stele.Options{FS: w.faulty, ReadOnly: true}); err == nil {
		defer s.Close()
		if n := s.Stats().Events; n != int64(want.alive) {
			return fmt.Errorf("a restore that failed left a store of %d events (%w)", n, because)
		}
	} else if r, err := stele.Restore(ctx, backupDir, dir, o); err != nil || r.Events != int64(want.alive) {
		return fmt.Errorf("restored again, after %w: %+v %w", because, r, err)
	}
	return told{because}
}

// verifyBackups holds that every backup that was made is there and whole.
func (w *world) verifyBackups() error {
	if len(w.backups) == 0 {
		return nil
	}
	o := &stele.BackupOptions{FS: w.faulty}
	all, err := stele.Backups(backupDir, o)
	if err != nil {
		return err
	}
	for _, m := range w.backups {
		if !slices.ContainsFunc(all, func(b stele.Backup) bool { return b.Name == m.name && b.Err == nil }) {
			return fmt.Errorf("%s is not among %+v", m.name, all)
		}
	}
	r, err := stele.VerifyBackups(ctx, backupDir, o)
	if err == nil && len(r.Bad) > 0 {
		err = fmt.Errorf("%+v", r.Bad)
	}
	return err
}
