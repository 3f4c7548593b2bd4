package block

import (
	"math/bits"
	"strconv"

	"github.com/stelehq/stele/internal/event"
)

// pieces are the members that a column can be, each with the comma before it: `,"Method":"GET"`. A column has them if its values are few
// and repeat: then a value is written by one copy. Piece u is that of the value which has u in its window of numbers or codes.
type pieces struct {
	text []byte   // with slack behind
	ends []uint32 // one more than pieces, from 0 on
}

const (
	mostPieces  = 256
	leastRepeat = 4        // values for each piece
	pieceTexts  = 16 << 10 // bytes of all texts
	pieceName   = 64       // bytes of the name

	slack = 32 // bytes behind a text that putting it may read or write
)

// piecesOf returns the pieces of a column, nil if it has none. Its reader is r.
func (b *Block) piecesOf(column uint32, r *reader) *pieces {
	l := &b.columns[column]
	l.pieced.Do(func() {
		if def := &b.schema.columns[column]; r.quotes == nil && r.instant == nil && len(def.name) <= pieceName {
			l.pieces = r.pieces(def, b.columns[b.schema.seat(column)].values)
		}
		if l.pieces != nil {
			b.account.Take(len(l.pieces.text) + 4*len(l.pieces.ends) + 64)
		}
	})
	return l.pieces
}

// pieces makes the pieces of a column with so many values.
func (r *reader) pieces(def *columnDef, values int) *pieces {
	var count int
	switch def.kind {
	case kindBool, kindInt:
		count = r.ints.Few()
	case kindDecimal:
		if mantissas, _, same := r.decimals.Parts(); same {
			count = mantissas.Few()
		}
	case kindString, kindArray, kindNumber, kindTimeText:
		if codes := r.texts.CodeInts(); codes != nil {
			count = codes.Few()
			size := 0
			for i := range min(r.texts.Entries(), mostPieces) {
				size += len(r.texts.Entry(i))
			}
			if r.texts.Entries() > mostPieces || size > pieceTexts {
				return nil
			}
		}
	}
	if count == 0 || count*leastRepeat > values {
		return nil
	}
	name := append(event.AppendString([]byte{','}, []byte(def.name)), ':')
	p := &pieces{ends: make([]uint32, 1, count+1)}
	for u := range uint64(count) {
		p.text = append(p.text, name...)
		switch def.kind {
		case kindBool:
			p.text = strconv.AppendBool(p.text, r.ints.OfU(u) != 0)
		case kindInt:
			p.text = strconv.AppendInt(p.text, r.ints.OfU(u), 10)
		case kindDecimal:
			mantissas, scale, _ := r.decimals.Parts()
			p.text = appendDecimal(p.text, mantissas.OfU(u), scale)
		default:
			if code := r.texts.CodeInts().OfU(u); uint64(code) >= uint64(r.texts.Entries()) { // no value has it, whatever it is
			} else if entry := r.texts.Entry(int(code)); def.kind == kindString || def.kind == kindTimeText {
				p.text = event.AppendString(p.text, entry)
			} else {
				p.text = append(p.text, entry...)
			}
		}
		p.ends = append(p.ends, uint32(len(p.text)))
	}
	p.text = append(p.text, make([]byte, slack)...)
	return p
}

// put copies size bytes from at on in src to n in out, and returns what follows n. Behind them both have slack bytes more, which are overwritten in out.
func put(out []byte, n int, src []byte, at, size int) int {
	to, from := out[n:], src[at:]
	*(*[16]byte)(to) = *(*[16]byte)(from)
	*(*[16]byte)(to[16:]) = *(*[16]byte)(from[16:])
	if size > 32 {
		copy(to[32:size], from[32:size])
	}
	return n + size
}

// putText copies a text to n in out, which has slack bytes more, and returns what follows n.
func putText(out []byte, n int, text []byte) int {
	if len(text) <= 32 && cap(text) >= 32 {
		*(*[16]byte)(out[n:]) = *(*[16]byte)(text[:16])
		*(*[16]byte)(out[n+16:]) = *(*[16]byte)(text[16:32])
		return n + len(text)
	}
	return n + copy(out[n:], text)
}

// pairs are the numbers below 100 with two digits each.
var pairs = func() (p [100][2]byte) {
	for i := range p {
		p[i] = [2]byte{byte('0' + i/10), byte('0' + i%10)}
	}
	return p
}()

var tens = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = 10 * p[i-1]
	}
	return p
}()

// digitsOf is how many digits v has.
func digitsOf(v uint64) int {
	n := bits.Len64(v|1) * 1233 >> 12
	if v|1 >= tens[n] {
		n++
	}
	return n
}

// putDigits writes v with n digits before end.
func putDigits(out []byte, end int, v uint64, n int) {
	for ; n >= 2; n -= 2 {
		q := v / 100
		*(*[2]byte)(out[end-2:]) = pairs[v-100*q]
		v = q
		end -= 2
	}
	if n > 0 {
		out[end-1] = byte('0' + v%10)
	}
}

// numberRoom is how many bytes a number takes at most.
const numberRoom = 24

// putInt writes what strconv.AppendInt appends.
func putInt(out []byte, n int, v int64) int {
	u := uint64(v)
	if v < 0 {
		out[n] = '-'
		n, u = n+1, -u
	}
	if u < 10 {
		out[n] = byte('0' + u)
		return n + 1
	}
	digits := digitsOf(u)
	n += digits
	putDigits(out, n, u, digits)
	return n
}

// putDecimal writes what appendDecimal appends.
func putDecimal(out []byte, n int, mantissa int64, scale uint8) int {
	if scale == 0 || int(scale) >= len(tens) {
		return n + copy(out[n:], appendDecimal(nil, mantissa, scale))
	}
	u := uint64(mantissa)
	if mantissa < 0 {
		out[n] = '-'
		n, u = n+1, -u
	}
	whole := u / tens[scale]
	digits := digitsOf(whole)
	putDigits(out, n+digits, whole, digits)
	out[n+digits] = '.'
	n += digits + 1 + int(scale)
	putDigits(out, n, u-whole*tens[scale], int(scale))
	return n
}
