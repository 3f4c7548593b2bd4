package manifest

import (
	"path"
	"slices"
	"strings"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/vfs"
)

// A manifest file is a log of frames (R13): a checkpoint, then edits, both encoded as
// edit.go pictures. CURRENT holds the live one's name and a newline:
//
//	manifest-0000000000000007.log\n

const (
	// Format and Version stand in every file's header frame (R18).
	Format  = "stele manifest"
	Version = 3

	// Current is the file that names the live manifest.
	Current = "CURRENT"

	currentTemp = "CURRENT.tmp"

	kindCheckpoint = 1
	kindEdit       = 2
)

var names = vfs.Numbered{Prefix: "manifest-", Suffix: ".log"}

// Name returns the file name of manifest number n.
func Name(n uint64) string { return names.Name(n) }

// ParseName is the inverse of Name; ok is false for other files.
func ParseName(name string) (n uint64, ok bool) { return names.Parse(name) }

// Loaded is what Load found.
type Loaded struct {
	Catalog Catalog
	Name    string          // of the manifest read, empty if none
	Dropped map[uint64]bool // segments that surviving edits dropped
	Damage  []*fault.Error  // anything here means that the catalog may be incomplete
}

// Load reads the live manifest. names are the directory's files. Damage, a lost CURRENT and a lost manifest are
// reported in the result, which then has what survived; a directory without any manifest
// gives an empty result without damage, which only its caller can tell from a loss. An error is of kind IO or Unsupported.
func Load(fs vfs.FS, dir string, names []string) (Loaded, error) {
	var candidates []string
	for _, n := range names {
		if _, ok := ParseName(n); ok {
			candidates = append(candidates, n)
		}
	}
	// Names rise with numbers: the newest first.
	slices.Sort(candidates)
	slices.Reverse(candidates)

	var damage []*fault.Error
	named := ""
	if slices.Contains(names, Current) {
		var err error
		if named, err = readCurrent(fs, dir); err != nil {
			var bad *fault.Error
			if bad = asCorrupt(err); bad == nil {
				return Loaded{}, err
			}
			damage = append(damage, bad)
		} else if !slices.Contains(candidates, named) {
			damage = append(damage, fault.New(fault.Corrupt, "open manifest", "%s names %s, which is missing", Current, named).At(path.Join(dir, Current), 0))
			named = ""
		}
	} else if len(candidates) > 0 {
		damage = append(damage, fault.New(fault.Corrupt, "open manifest", "the file that names the live manifest is missing").At(path.Join(dir, Current), fault.NoOffset))
	}
	if named != "" {
		res, checkpoint, err := loadFile(fs, dir, named)
		if err != nil {
			return Loaded{}, err
		}
		if !checkpoint {
			res.Damage = append(res.Damage, fault.New(fault.Corrupt, "open manifest", "the checkpoint is lost").At(path.Join(dir, named), 0))
		}
		return res, nil
	}
	// CURRENT is no help: the newest manifest with its checkpoint is the live one, or one that was complete and about to be.
	for _, name := range candidates {
		res, checkpoint, err := loadFile(fs, dir, name)
		if err != nil {
			return Loaded{}, err
		}
		if checkpoint {
			res.Damage = append(damage, res.Damage...)
			return res, nil
		}
	}
	return Loaded{Damage: damage}, nil
}

func asCorrupt(err error) *fault.Error {
	if fault.KindOf(err) != fault.Corrupt {
		return nil
	}
	return fault.Wrap(err, "open manifest", "the live manifest is unknown")
}

func readCurrent(fs vfs.FS, dir string) (string, error) {
	const op = "read CURRENT"
	name := path.Join(dir, Current)
	f, err := fs.Open(name)
	if err != nil {
		return "", fault.Wrap(err, op, "cannot open the file").At(name, fault.NoOffset)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return "", fault.Wrap(err, op, "cannot tell the file's size").At(name, fault.NoOffset)
	}
	expected := len(Name(0)) + 1
	if size != int64(expected) {
		return "", fault.New(fault.Corrupt, op, "expected a name of %d bytes, found %d", expected, size).At(name, 0)
	}
	buf := make([]byte, size)
	if n, err := f.ReadAt(buf, 0); n < len(buf) {
		return "", fault.WrapAs(fault.IO, err, op, "%d of %d bytes could be read", n, len(buf)).At(name, 0)
	}
	current, ok := strings.CutSuffix(string(buf), "\n")
	if _, valid := ParseName(current); !ok || !valid {
		return "", fault.New(fault.Corrupt, op, "expected the name of a manifest, found %q", buf).At(name, 0)
	}
	return current, nil
}

// loadFile reads one manifest. checkpoint is false if its first edit, which holds the whole catalog, is lost.
func loadFile(fs vfs.FS, dir, base string) (res Loaded, checkpoint bool, err error) {
	const op = "open manifest"
	name := path.Join(dir, base)
	f, err := fs.Open(name)
	if err != nil {
		return res, false, fault.Wrap(err, op, "cannot open the file").At(name, fault.NoOffset)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return res, false, fault.Wrap(err, op, "cannot tell the file's size").At(name, fault.NoOffset)
	}
	res.Name, res.Dropped = base, map[uint64]bool{}
	res.Catalog.Apply(Edit{})
	var bad []*fault.Error
	scanned, err := frame.Scan(f, size, name, func(fr frame.Frame) error {
		e, err := decodeEdit(fr.Body)
		if err == nil && fr.Kind != kindCheckpoint && fr.Kind != kindEdit {
			err = fault.New(fault.Unsupported, op, "frame %d is of the unknown kind %d", fr.Sequence, fr.Kind)
		}
		if err != nil {
			wrapped := fault.Wrap(err, op, "frame %d is not an edit", fr.Sequence).At(name, fr.Offset)
			if fault.KindOf(err) == fault.Unsupported {
				return wrapped.WithHint("open it with the version of Stele that wrote it")
			}
			bad = append(bad, wrapped)
			return nil
		}
		checkpoint = checkpoint || fr.Kind == kindCheckpoint
		res.Catalog.Apply(e)
		for _, n := range e.Drop {
			res.Dropped[n] = true
		}
		return nil
	})
	if err != nil {
		return res, checkpoint, err
	}
	if !scanned.HeaderLost {
		if h := scanned.Header; h.Format != Format || h.Version != Version {
			return res, checkpoint, fault.New(fault.Unsupported, op, "expected %s version %d, found %s version %d", Format, Version, h.Format, h.Version).
				At(name, 0).WithHint("open it with the version of Stele that wrote it")
		}
		if res.Catalog.StoreID == [16]byte{} {
			res.Catalog.StoreID = scanned.Header.StoreID
		}
	}
	res.Damage = append(slices.Clone(scanned.Damage), bad...)
	return res, checkpoint, nil
}
