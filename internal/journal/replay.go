package journal

import (
	"path"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/frame"
	"github.com/stelehq/stele/internal/vfs"
)

// ReadHeader reads a file's header alone. fault.Corrupt: both copies are lost, or the
// file's creation was cut off. fault.Unsupported: a version or format that this program does not know (R18).
func ReadHeader(fs vfs.FS, dir string, number uint64) (Header, error) {
	name := path.Join(dir, Name(number))
	f, err := fs.Open(name)
	if err != nil {
		return Header{}, fault.Wrap(err, "open journal", "cannot open the file").At(name, fault.NoOffset)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return Header{}, fault.Wrap(err, "open journal", "cannot tell the file's size").At(name, fault.NoOffset)
	}
	h, err := frame.ReadHeader(f, size, name)
	if err != nil {
		return Header{}, err
	}
	return headerOf(h, name)
}

func headerOf(h frame.FileHeader, name string) (Header, error) {
	if h.Format != Format || h.Version != Version {
		return Header{}, fault.New(fault.Unsupported, "open journal", "expected %s version %d, found %s version %d", Format, Version, h.Format, h.Version).
			At(name, 0).WithHint("open it with the version of Stele that wrote it")
	}
	epoch, cuts, err := decodeHeader(h.Extra)
	if err != nil {
		return Header{}, fault.Wrap(err, "open journal", "the header is damaged").At(name, 0)
	}
	return Header{StoreID: h.StoreID, Number: h.Number, Epoch: epoch, Cuts: cuts}, nil
}

// Result is what a replay found.
type Result struct {
	Header     Header
	HeaderLost bool // damaged in both copies: Header is zero
	Size       int64
	End        int64  // end of the last frame that counts
	Last       uint64 // sequence of the last frame that counts
	Synced     uint64 // highest sequence that a later frame says is durable
	Groups     int64
	Damage     []*fault.Error
}

// Cut is what a following file's header says of this one.
func (r Result) Cut(number uint64) Cut { return Cut{Number: number, Sequence: r.Last} }

// Replay is ReplayFile of a journal by its number.
func Replay(fs vfs.FS, dir string, number uint64, limit *Cut, fn func(Group) error) (Result, error) {
	return ReplayFile(fs, path.Join(dir, Name(number)), limit, fn)
}

// ReplayFile calls fn with every group of the file that counts, in order. The blocks' bytes are not opened, and are good only until fn returns.
// limit, if not nil, is the cut that a later file's header names: frames beyond it are passed over,
// and frames before it that are missing are damage, not a torn tail. An error of fn ends the replay and
// is returned as it is; other errors are those of reading the file at all.
func ReplayFile(fs vfs.FS, name string, limit *Cut, fn func(Group) error) (Result, error) {
	f, err := fs.Open(name)
	if err != nil {
		return Result{}, fault.Wrap(err, "replay journal", "cannot open the file").At(name, fault.NoOffset)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return Result{}, fault.Wrap(err, "replay journal", "cannot tell the file's size").At(name, fault.NoOffset)
	}
	res := Result{Size: size}
	durable := uint64(0)
	if limit != nil {
		durable = limit.Sequence
	}
	scanned, err := frame.ScanDurable(f, size, name, durable, func(fr frame.Frame) error {
		if limit != nil && fr.Sequence > limit.Sequence {
			return nil
		}
		res.Synced = max(res.Synced, fr.Synced)
		res.Last, res.End = fr.Sequence, fr.Offset+fr.Length
		if fr.Kind != kindGroup {
			return fault.New(fault.Unsupported, "replay journal", "expected a frame of kind %d, found kind %d", kindGroup, fr.Kind).At(name, fr.Offset)
		}
		g, err := decodeGroup(fr.Body, fr.Offset+frame.HeaderSize)
		if err != nil {
			// The frame's checksum held, so this is a defect or a forgery: report it, go on.
			res.Damage = append(res.Damage, fault.Wrap(err, "replay journal", "frame %d is not a group", fr.Sequence).At(name, fr.Offset))
			return nil
		}
		res.Groups++
		return fn(g)
	})
	if err != nil {
		return res, err
	}
	res.HeaderLost = scanned.HeaderLost
	for _, d := range scanned.Damage {
		// What is wrong beyond the cut was refused anyhow.
		if limit == nil || res.Last < limit.Sequence || d.Offset < res.End {
			res.Damage = append(res.Damage, d)
		}
	}
	if !scanned.HeaderLost {
		if res.Header, err = headerOf(scanned.Header, name); err != nil {
			return res, err
		}
	}
	if limit == nil {
		// Frames that are not the caller's (headers, marks) count too.
		res.Last, res.End = max(res.Last, scanned.LastSequence), max(res.End, scanned.End)
	} else if scanned.LastSequence < limit.Sequence && limit.Sequence >= frame.FirstSequence {
		res.Damage = append(res.Damage, fault.New(fault.Corrupt, "replay journal",
			"expected frames up to %d, found %d: the last frames are lost", limit.Sequence, scanned.LastSequence).At(name, scanned.End))
	}
	return res, nil
}

// Sync makes durable what a replay read, before it is shown to anybody (R10): the process that
// wrote it may have died before its fsync returned.
func Sync(fs vfs.FS, dir string, number uint64) error {
	name := path.Join(dir, Name(number))
	f, err := fs.Append(name)
	if err != nil {
		return fault.Wrap(err, "sync journal", "cannot open the file").At(name, fault.NoOffset)
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fault.Wrap(err, "sync journal", "cannot make the replayed file durable").At(name, fault.NoOffset)
	}
	return nil
}
