package otlp

import (
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/stelehq/stele/internal/fault"
)

// Protobuf as https://protobuf.dev/programming-guides/encoding/ has it: a message is a row of fields.
//
//	field = tag value             tag = varint: number << 3 | wire type
//	value = varint | 8 bytes | length payload | 4 bytes

// A cursor reads a message field by field. After next has returned true, field is one.
type cursor struct {
	src     []byte
	message *message
	at      int // where src lies in the request
	err     error

	field
	known *fieldType // of the field; nil: not known
	whole []byte     // the field with its tag
}

// field is one field's value.
type field struct {
	number protowire.Number // 0: there is none
	bits   uint64           // of a number
	bytes  []byte           // of the others: a part of the message
	from   int              // where bytes lie in the request
}

func read(t messageType, src []byte, at int) cursor {
	return cursor{src: src, message: &messages[t], at: at}
}

// next goes to the next known field. It returns false at the end, and if the message is broken: see err.
func (c *cursor) next() bool {
	for c.any() {
		if c.known != nil {
			return true
		}
	}
	return false
}

// any is next for unknown fields too.
func (c *cursor) any() bool {
	if len(c.src) == 0 {
		return false
	}
	// Tags, numbers and lengths of one byte are read here, since most are.
	number, wire, n := protowire.Number(c.src[0]>>3), protowire.Type(c.src[0]&7), 1
	if number == 0 || c.src[0] >= 0x80 {
		if number, wire, n = protowire.ConsumeTag(c.src); n < 0 {
			return c.broken(n)
		}
	}
	value, size := c.src[n:], 0
	short := len(value) > 0 && value[0] < 0x80
	switch wire {
	case protowire.VarintType:
		if c.bits, size = 0, 1; short {
			c.bits = uint64(value[0])
		} else {
			c.bits, size = protowire.ConsumeVarint(value)
		}
	case protowire.BytesType:
		if short && len(value) > int(value[0]) {
			size = 1 + int(value[0])
			c.bytes = value[1:size]
		} else {
			c.bytes, size = protowire.ConsumeBytes(value)
		}
	case protowire.Fixed64Type:
		c.bits, size = protowire.ConsumeFixed64(value)
	case protowire.Fixed32Type:
		var bits uint32
		bits, size = protowire.ConsumeFixed32(value)
		c.bits = uint64(bits)
	default:
		size = protowire.ConsumeFieldValue(number, wire, value)
	}
	if size < 0 {
		return c.broken(size)
	}
	c.number, c.known = number, c.message.find(number)
	if c.known != nil && c.known.kind.wire() != wire {
		// Passing over what may be another signal's field could lose a whole request without a word.
		c.err = fault.New(fault.Invalid, "", "byte %d: field %d of wire type %d cannot belong to a %s", c.at, number, wire, c.message.name).
			WithHint("is this a request of another signal?")
		return false
	}
	c.whole, c.src = c.src[:n+size], c.src[n+size:]
	c.at += n + size
	c.from = c.at - len(c.bytes)
	return true
}

func (c *cursor) broken(code int) bool {
	c.err = fault.New(fault.Invalid, "", "byte %d: this is no protobuf %s: %v", c.at, c.message.name, protowire.ParseError(code))
	return false
}

// twice refuses a message that is there more than once where one belongs: protobuf would merge the two, and nobody sends such.
func (c *cursor) twice() error {
	return fault.New(fault.Invalid, "", "byte %d: field %d of a %s is there twice", c.from, c.number, c.message.name)
}
