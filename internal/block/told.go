package block

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/stelehq/stele/internal/column"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/terse"
)

// Of a few events names, types and lengths are most of the bytes, and nothing repeats. A block of such is told: it has no sections, but the events'
// text, one a line, compressed with what is known of logs beforehand. Opening one parses the lines and encodes them anew, so it is what Open
// returns that the rest of the package sees.
//
//	+--------------------+--------------------------------------+-----------------------------------------------------+------+
//	| rows, 0 (uvarints) | 4·bytes of text + 2·apart + how      | if apart is 1: bytes (uvarint), arrivals: offsets   | text |
//	+--------------------+--------------------------------------+-----------------------------------------------------+------+
//	| how 0: as package terse has it, up to 8 KiB of text; 1: a zstd frame whose dictionary is terse's vocabulary            |
//	+------------------------------------------------------------------------------------------------------------------------+
const (
	toldTersely = 0
	toldZstd    = 1
	toldApart   = 2

	mostTold = 64 << 10 // bytes of text
)

// told is what a block was told in.
type told struct {
	how        uint64
	code, text int // bytes
}

// Seal is Encode, but writes a few events as text where that is shorter by an eighth or more. It takes some 3 µs for each byte of up to 8 KiB of text.
func (e *Encoder) Seal(dst []byte, b *Builder) (out []byte, base uint64) {
	start := len(dst)
	out, base = e.Encode(dst, b)
	if e.codec == Fast || b.Size() > mostTold || b.Rows() == 0 {
		return out, base
	}
	if told := e.tell(b, base); told != nil && len(told)*8 < (len(out)-start)*7 {
		out = append(out[:start], told...)
		e.sets.bytes = e.sets.bytes[:0]
	}
	return out, base
}

// tell returns the told block; nil if the events are too long, or if their text would not give them back.
func (e *Encoder) tell(b *Builder, base uint64) []byte {
	plain, _ := e.loose.Encode(nil, b)
	given, err := Open(plain, base)
	if err != nil {
		return nil
	}
	var text []byte
	for c := given.Cursor(); c.Next(); text = append(text, '\n') {
		if text, err = c.AppendCLEF(text); err != nil || len(text) > mostTold {
			return nil
		}
	}
	text = text[:len(text)-1]
	w := encoding{Encoder: e.loose}
	arrivals, _ := w.arrivals(b, b.inOrder())
	again, err := recall(text, b.Rows(), arrivals, base)
	if err != nil || !same(given, again) {
		return nil
	}
	told := append(make([]byte, 0, 64+len(text)/2), version, 0, 0, 0, 0, 0)
	told = binary.AppendUvarint(told, uint64(b.Rows()))
	told = append(told, 0)
	how := toldTersely
	if len(text) > terse.MaxText {
		how = toldZstd
	}
	told = appendTold(told, len(text), how, arrivals)
	if how == toldTersely {
		told = terse.Append(told, text)
	} else {
		told = toldWriter().EncodeAll(text, told)
	}
	putChecksum(told)
	return told
}

// appendTold appends what stands between the number of sections and the text.
func appendTold(dst []byte, size, how int, arrivals []byte) []byte {
	if len(arrivals) == 0 {
		return binary.AppendUvarint(dst, uint64(4*size+how))
	}
	dst = binary.AppendUvarint(dst, uint64(4*size+toldApart+how))
	dst = binary.AppendUvarint(dst, uint64(len(arrivals)))
	return append(dst, arrivals...)
}

// same reports whether two blocks have the same events under the same keys.
func same(a, b *Block) bool {
	x, y := a.Cursor(), b.Cursor()
	var one, other []byte
	for x.Next() {
		if !y.Next() || x.Key() != y.Key() {
			return false
		}
		var err, bad error
		one, err = x.AppendCLEF(one[:0])
		other, bad = y.AppendCLEF(other[:0])
		if err != nil || bad != nil || !bytes.Equal(one, other) {
			return false
		}
	}
	return !y.Next()
}

// openTold opens a told block of rows rows; d has what follows the number of its sections.
func openTold(d *column.Decoder, rows int, base uint64) (*Block, error) {
	size := d.Uvarint("bytes of the text")
	var arrivals []byte
	if size&toldApart != 0 {
		arrivals = d.Bytes("arrivals", d.Uvarint("bytes of the arrivals"))
	}
	if d.Err() != nil {
		return nil, d.Err()
	}
	how, size := size&toldZstd, size>>2
	if size > mostTold {
		return nil, corrupt("the events' text has %d bytes, more than %d", size, mostTold)
	}
	var text []byte
	var err error
	if how == toldTersely {
		text, err = terse.Decode(d.Src, int(size))
	} else {
		text, err = toldReader().DecodeAll(d.Src, make([]byte, 0, size))
		if err == nil && len(text) != int(size) {
			err = corrupt("zstd gives %d bytes, %d expected", len(text), size)
		}
	}
	if err != nil {
		return nil, fault.WrapAs(fault.Corrupt, err, opOpen, "the events' text")
	}
	b, err := recall(text, rows, arrivals, base)
	if err == nil {
		b.told = &told{how: how, code: len(d.Src), text: len(text)}
	}
	return b, err
}

// recall makes the block of which text and arrival offsets are told. Neither is trusted.
func recall(text []byte, rows int, arrivals []byte, base uint64) (*Block, error) {
	w := NewBuilder(Limits{EventBytes: mostTold})
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte{'\n'})
		if err := w.AddCLEF(line); err != nil {
			return nil, fault.WrapAs(fault.Corrupt, err, opOpen, "event %d of the text", w.Rows())
		}
		text = rest
	}
	if w.Rows() != rows {
		return nil, corrupt("the text has %d events, the head says %d", w.Rows(), rows)
	}
	if len(arrivals) > 0 {
		d := column.Decoder{Src: arrivals}
		var a column.Account
		offsets := d.Ints("arrivals", rows, column.AnyInt, &a)
		if err := d.End(); err != nil {
			return nil, fault.Wrap(err, opOpen, "arrivals")
		}
		w.arrivals = make([]uint64, rows)
		for i := range w.arrivals {
			w.arrivals[i] = uint64(offsets.At(i))
		}
		if err := a.Err(); err != nil {
			return nil, fault.Wrap(err, opOpen, "arrivals")
		}
	}
	if w.inOrder() != nil {
		return nil, corrupt("the events of the text are not in the order of their keys")
	}
	data, least := w.Encode(nil, Fast)
	if least != 0 {
		return nil, corrupt("the least arrival offset is %d", least)
	}
	return Open(data, base)
}

// The dictionary's number stands in each frame.
const vocabularyID = 1

var toldWriter = sync.OnceValue(func() *zstd.Encoder {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderCRC(false), zstd.WithEncoderConcurrency(1),
		zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(2*mostTold), zstd.WithEncoderDictRaw(vocabularyID, terse.Vocabulary))
	if err != nil {
		panic("block: zstd options: " + err.Error())
	}
	return w
})

var toldReader = sync.OnceValue(func() *zstd.Decoder {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true), zstd.IgnoreChecksum(true), zstd.WithDecoderDictRaw(vocabularyID, terse.Vocabulary))
	if err != nil {
		panic("block: zstd options: " + err.Error())
	}
	return r
})
