package manifest

import (
	"encoding/binary"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

// An edit is a sequence of items, in any order, to the end of the frame's body:
//
//	+--------+-----------------------------------------------------------------+
//	| tag u8 | what                                                            |
//	+--------+-----------------------------------------------------------------+
//	|   1    | store id, 16 bytes                                              |
//	|   2    | epoch u32                                                       |
//	|   3    | next file number u64                                            |
//	|   4    | sealed through journal number u64                               |
//	|   5    | last deletion number u64                                        |
//	|   6    | add segment: number u64, rows u64, bytes u64, min key 16,       |
//	|        | max key 16, min arrival u64, max arrival u64, applied u64,      |
//	|        | hidden u64                                                      |
//	|   7    | drop segment: number u64                                        |
//	|   8    | add deletion: number u64, from 16, to 16, horizon u64,          |
//	|        | n u32, len u32, n keys 16, filter                               |
//	|   9    | drop deletion: number u64                                       |
//	|  10    | retry: base u64, rows u32, time i64, len u16, id                |
//	|  11    | newest journal: number u64, last sequence u64                   |
//	|  12    | mark: arrival u64, time i64                                     |
//	|  13    | newest file of documents: number u64, last sequence u64         |
//	+--------+-----------------------------------------------------------------+
//
// Integers are little-endian; keys as R1 has them.
const (
	tagStore = 1 + iota
	tagEpoch
	tagNextFile
	tagSealed
	tagLastDeletion
	tagAdd
	tagDrop
	tagAddDeletion
	tagDropDeletion
	tagRetry
	tagJournal
	tagMark
	tagDocuments
)

// itemBytes has the length of each tag's item, the tag not counted, nor the keys, the filter and the id at the end of some.
var itemBytes = [...]int{
	tagStore: 16, tagEpoch: 4, tagNextFile: 8, tagSealed: 8, tagLastDeletion: 8,
	tagAdd: 88, tagDrop: 8, tagAddDeletion: 56, tagDropDeletion: 8, tagRetry: 22, tagJournal: 16, tagMark: 16, tagDocuments: 16,
}

func appendEdit(dst []byte, e Edit) []byte {
	le := binary.LittleEndian
	number := func(tag byte, n uint64) {
		dst = le.AppendUint64(append(dst, tag), n)
	}
	if e.StoreID != [16]byte{} {
		dst = append(append(dst, tagStore), e.StoreID[:]...)
	}
	if e.Epoch != 0 {
		dst = le.AppendUint32(append(dst, tagEpoch), e.Epoch)
	}
	if e.NextFile != 0 {
		number(tagNextFile, e.NextFile)
	}
	if e.Sealed != 0 {
		number(tagSealed, e.Sealed)
	}
	if e.LastDeletion != 0 {
		number(tagLastDeletion, e.LastDeletion)
	}
	if e.Journal.Number != 0 {
		number(tagJournal, e.Journal.Number)
		dst = le.AppendUint64(dst, e.Journal.Sequence)
	}
	if e.Documents.Number != 0 {
		number(tagDocuments, e.Documents.Number)
		dst = le.AppendUint64(dst, e.Documents.Sequence)
	}
	for _, s := range e.Add {
		number(tagAdd, s.Number)
		dst = le.AppendUint64(dst, uint64(s.Rows))
		dst = le.AppendUint64(dst, uint64(s.Bytes))
		dst = append(append(dst, s.MinKey[:]...), s.MaxKey[:]...)
		dst = le.AppendUint64(dst, s.MinArrival)
		dst = le.AppendUint64(dst, s.MaxArrival)
		dst = le.AppendUint64(dst, s.Applied)
		dst = le.AppendUint64(dst, uint64(s.Hidden))
	}
	for _, n := range e.Drop {
		number(tagDrop, n)
	}
	for _, d := range e.AddDeletions {
		number(tagAddDeletion, d.Number)
		dst = append(append(dst, d.From[:]...), d.To[:]...)
		dst = le.AppendUint64(dst, d.Horizon)
		dst = le.AppendUint32(dst, uint32(len(d.Keys)))
		dst = le.AppendUint32(dst, uint32(len(d.Filter)))
		for _, k := range d.Keys {
			dst = append(dst, k[:]...)
		}
		dst = append(dst, d.Filter...)
	}
	for _, n := range e.DropDeletions {
		number(tagDropDeletion, n)
	}
	for _, r := range e.Retries {
		number(tagRetry, r.Base)
		dst = le.AppendUint32(dst, uint32(r.Rows))
		dst = le.AppendUint64(dst, uint64(r.Time))
		dst = le.AppendUint16(dst, uint16(len(r.ID)))
		dst = append(dst, r.ID...)
	}
	for _, m := range e.Marks {
		number(tagMark, m.Arrival)
		dst = le.AppendUint64(dst, uint64(m.Time))
	}
	return dst
}

// decodeEdit reads a frame's body. Nothing in src is trusted.
func decodeEdit(src []byte) (Edit, error) {
	const op = "read manifest edit"
	var e Edit
	le := binary.LittleEndian
	length := len(src)
	for len(src) > 0 {
		tag := src[0]
		if tag == 0 || int(tag) >= len(itemBytes) {
			return e, fault.New(fault.Unsupported, op, "item %d at byte %d of the edit is unknown", tag, length-len(src))
		}
		n := itemBytes[tag]
		if len(src)-1 < n {
			return e, fault.New(fault.Corrupt, op, "item %d at byte %d of the edit needs %d bytes, found %d", tag, length-len(src), n, len(src)-1)
		}
		item := src[1 : 1+n]
		src = src[1+n:]
		u64 := func(i int) uint64 { return le.Uint64(item[i:]) }
		switch tag {
		case tagStore:
			e.StoreID = [16]byte(item)
		case tagEpoch:
			e.Epoch = le.Uint32(item)
		case tagNextFile:
			e.NextFile = u64(0)
		case tagSealed:
			e.Sealed = u64(0)
		case tagLastDeletion:
			e.LastDeletion = u64(0)
		case tagJournal:
			e.Journal = JournalEnd{Number: u64(0), Sequence: u64(8)}
		case tagDocuments:
			e.Documents = JournalEnd{Number: u64(0), Sequence: u64(8)}
		case tagAdd:
			e.Add = append(e.Add, Segment{
				Number: u64(0), Rows: int64(u64(8)), Bytes: int64(u64(16)),
				MinKey: event.Key(item[24:40]), MaxKey: event.Key(item[40:56]),
				MinArrival: u64(56), MaxArrival: u64(64), Applied: u64(72), Hidden: int64(u64(80)),
			})
		case tagDrop:
			e.Drop = append(e.Drop, u64(0))
		case tagAddDeletion:
			d := Deletion{Number: u64(0), From: event.Key(item[8:24]), To: event.Key(item[24:40]), Horizon: u64(40)}
			keys, filter := uint64(le.Uint32(item[48:])), uint64(le.Uint32(item[52:]))
			if 16*keys+filter > uint64(len(src)) {
				return e, fault.New(fault.Corrupt, op, "%d keys and a filter of %d bytes at byte %d of the edit, %d bytes left", keys, filter, length-len(src), len(src))
			}
			for range keys {
				k := event.Key(src)
				if n := len(d.Keys); n > 0 && d.Keys[n-1].Compare(k) >= 0 {
					return e, fault.New(fault.Corrupt, op, "a key at byte %d of the edit does not follow the one before", length-len(src))
				}
				d.Keys, src = append(d.Keys, k), src[len(k):]
			}
			d.Filter, src = string(src[:filter]), src[filter:]
			e.AddDeletions = append(e.AddDeletions, d)
		case tagDropDeletion:
			e.DropDeletions = append(e.DropDeletions, u64(0))
		case tagMark:
			e.Marks = append(e.Marks, Mark{Arrival: u64(0), Time: int64(u64(8))})
		case tagRetry:
			id := int(le.Uint16(item[20:]))
			if id > len(src) {
				return e, fault.New(fault.Corrupt, op, "a batch id of %d bytes at byte %d of the edit, %d bytes left", id, length-len(src), len(src))
			}
			e.Retries = append(e.Retries, Retry{Base: u64(0), Rows: int(le.Uint32(item[8:])), Time: int64(u64(12)), ID: string(src[:id])})
			src = src[id:]
		}
	}
	return e, nil
}
