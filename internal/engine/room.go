package engine

import (
	"time"

	"github.com/stelehq/stele/internal/fault"
)

// Below a mark of free bytes appends are refused, so that sealing, deletions and others on the same disk still have room.
const (
	roomShare = 64        // of the disk, unless that is more than
	mostRoom  = 128 << 20 // this

	// While there is plentyRoom beyond the mark the file system is asked once in roomEvery: it takes some microseconds each time, which
	// commits of single events would notice. No disk takes that much in that time.
	plentyRoom = 256 << 20
	roomEvery  = 10 * time.Millisecond
)

// room returns an error if appends are to be refused for want of room. What a file system does not tell is taken for enough. The committer alone asks.
func (e *Engine) room() error {
	if e.o.MinFreeBytes < 0 || time.Since(e.roomy) < roomEvery {
		return nil
	}
	free, total, err := e.fs.Free(e.dir)
	if err != nil {
		return nil
	}
	least := e.leastFree(total)
	if e.roomy = (time.Time{}); free-least > plentyRoom {
		e.roomy = time.Now()
	}
	if free < least {
		return fault.New(fault.Full, "append", "the disk has %d bytes free, and appends are refused below %d", free, least).At(e.dir, fault.NoOffset)
	}
	return nil
}

func (e *Engine) leastFree(total int64) int64 {
	if e.o.MinFreeBytes != 0 {
		return max(e.o.MinFreeBytes, 0)
	}
	return min(total/roomShare, mostRoom)
}

// roomToMerge reports whether there is room to write the segments anew beside themselves. What gives room back may take half of what is left.
func (e *Engine) roomToMerge(inputs []*part) bool {
	free, total, err := e.fs.Free(e.dir)
	if err != nil {
		return true
	}
	before, after := int64(0), int64(0)
	for _, p := range inputs {
		before += p.Bytes
		after += int64(float64(p.Bytes) * float64(p.visible()) / float64(max(p.Rows, 1)))
	}
	if after < before-before/deadShare {
		return after <= free/2
	}
	return after+e.leastFree(total) <= free
}
