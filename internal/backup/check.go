package backup

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/stelehq/stele/internal/fault"
)

// Check compares a file of the pool with what a description says of it. The error is Corrupt, with the file, if it is missing or another one; IO; Canceled.
func (d *Directory) Check(ctx context.Context, f *File) error {
	const op = "verify backup"
	name := d.path(f.Pool)
	size, sum, err := SumOf(ctx, d.fs, name)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return fault.WrapAs(fault.Corrupt, err, op, "a file of the pool is missing").At(name, fault.NoOffset)
	case err != nil:
		return err
	case size != f.Size:
		return fault.New(fault.Corrupt, op, "expected %d bytes, found %d", f.Size, size).At(name, fault.NoOffset)
	case sum != f.SHA256:
		return fault.New(fault.Corrupt, op, "checksum: expected %x, found %x", f.SHA256[:], sum[:]).At(name, fault.NoOffset)
	}
	return nil
}

// A Bad file is one that backups need and that is not as they need it.
type Bad struct {
	Err     error
	Backups []string // which cannot be restored as they were, because of it
}

// A Report says what Verify checked.
type Report struct {
	Backups, Files, Bytes int64
	Bad                   []Bad
}

// Verify reads every description and every file that one names. An error says that it ended early.
func (d *Directory) Verify(ctx context.Context) (*Report, error) {
	r := &Report{}
	checked := map[string]int{} // files of the pool; the index in r.Bad of those that are bad, else -1
	for _, backup := range d.Backups() {
		r.Backups++
		desc, err := d.Read(backup)
		if err != nil {
			if kind := fault.KindOf(err); kind == fault.NotFound && !d.files[backup+names.Suffix] {
				continue
			}
			r.Bad = append(r.Bad, Bad{err, []string{backup}})
			continue
		}
		for i := range desc.Files {
			f := &desc.Files[i]
			if f.Pool == "" {
				continue
			}
			// Two descriptions that expect different things of a file cannot both be right.
			key := f.Pool + string(f.SHA256[:])
			bad, known := checked[key]
			if !known {
				bad = -1
				err := d.Check(ctx, f)
				switch fault.KindOf(err) {
				case 0:
				case fault.Canceled:
					return r, err
				default:
					bad = len(r.Bad)
					r.Bad = append(r.Bad, Bad{Err: err})
				}
				checked[key] = bad
				r.Files++
				r.Bytes += f.Size
			}
			if bad >= 0 && !slices.Contains(r.Bad[bad].Backups, backup) {
				r.Bad[bad].Backups = append(r.Bad[bad].Backups, backup)
			}
		}
	}
	return r, nil
}

// Prune removes all but the newest keep backups of a store, and the files of the pool that no backup is left to need. It removes none of these
// while a description cannot be read, for that may need any. It returns what it removed.
func (d *Directory) Prune(store ID, keep int) (backups, files int, err error) {
	const op = "prune backups"
	all := d.Backups()
	needed := map[string]bool{}
	var unread error
	mine := 0
	var drop []string
	for _, backup := range slices.Backward(all) {
		desc, err := d.Read(backup)
		if err != nil {
			unread = err
			continue
		}
		if desc.StoreID == store {
			if mine++; mine > keep {
				drop = append(drop, backup)
				continue
			}
		}
		for i := range desc.Files {
			needed[desc.Files[i].Pool] = true
		}
	}
	for _, backup := range slices.Backward(drop) { // the oldest first
		if err := d.remove(backup + names.Suffix); err != nil {
			return backups, files, err
		}
		backups++
	}
	if unread != nil {
		return backups, files, fault.Wrap(unread, op, "files of the pool stay, for a description cannot be read").WithHint("remove that description if nobody can make use of it")
	}
	// Before any file goes that one of them names.
	if err := d.fs.SyncDir(d.dir); err != nil {
		return backups, files, fault.Wrap(err, op, "cannot sync the directory").At(d.dir, fault.NoOffset)
	}
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		if !poolNames.MatchString(name) || needed[name] {
			continue
		}
		if err := d.remove(name); err != nil {
			return backups, files, err
		}
		files++
	}
	return backups, files, nil
}

func (d *Directory) remove(name string) error {
	if err := d.fs.Remove(d.path(name)); err != nil && fault.KindOf(err) != fault.NotFound {
		return fault.Wrap(err, "prune backups", "cannot remove a file").At(d.path(name), fault.NoOffset)
	}
	delete(d.files, name)
	return nil
}

// Newest returns the newest backup of a store that can be read, or of any store if store is zero; NotFound if there is none. The backups that it
// passed over because their descriptions cannot be read are in unread.
func (d *Directory) Newest(store ID) (backup string, desc *Description, unread []error, err error) {
	for _, backup := range slices.Backward(d.Backups()) {
		desc, err := d.Read(backup)
		if err != nil {
			unread = append(unread, err)
			continue
		}
		if store == (ID{}) || desc.StoreID == store {
			return backup, desc, unread, nil
		}
	}
	e := fault.New(fault.NotFound, "read backup", "there is no backup in %s", d.dir)
	if len(unread) > 0 {
		e = fault.Wrap(unread[0], "read backup", "no backup in %s can be read", strings.TrimSuffix(d.dir, "/"))
	}
	return "", nil, unread, e
}
