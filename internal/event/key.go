package event

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

// A Key names an event and orders it (R1).
//
//	+-----------------------------------------+-----------------------+
//	| instant: ns since 1970, sign bit flipped | arrival number        |
//	| (8 bytes, big-endian)                    | (8 bytes, big-endian) |
//	+-----------------------------------------+-----------------------+
//
// Comparing keys as bytes compares instants first, then arrival.
type Key [16]byte

const signBit = 1 << 63

// MakeKey joins an instant (nanoseconds since the Unix epoch) and an arrival number.
func MakeKey(instant int64, arrival uint64) Key {
	var k Key
	binary.BigEndian.PutUint64(k[:8], uint64(instant)^signBit)
	binary.BigEndian.PutUint64(k[8:], arrival)
	return k
}

// Instant returns nanoseconds since the Unix epoch.
func (k Key) Instant() int64 { return int64(binary.BigEndian.Uint64(k[:8]) ^ signBit) }

// Arrival returns the arrival number (R2).
func (k Key) Arrival() uint64 { return binary.BigEndian.Uint64(k[8:]) }

// Time returns the instant in UTC.
func (k Key) Time() time.Time { return time.Unix(0, k.Instant()).UTC() }

// Compare orders keys by instant, then by arrival.
func (k Key) Compare(o Key) int { return bytes.Compare(k[:], o[:]) }

// MinKey and MaxKey bound every key.
var (
	MinKey = Key{}
	MaxKey = Key{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
)

const keyPrefix = "event-"

// String returns the text form of R1: "event-" and 32 hex digits.
func (k Key) String() string { return keyPrefix + hex.EncodeToString(k[:]) }

// ParseKey reads the text form of R1; upper-case hex digits are accepted.
func ParseKey(s string) (Key, error) {
	var k Key
	digits, ok := strings.CutPrefix(s, keyPrefix)
	if !ok || len(digits) != 2*len(k) {
		return k, fault.New(fault.Invalid, "parse event id", "%q is not %q followed by 32 hex digits", clip(s, 60), keyPrefix)
	}
	if _, err := hex.Decode(k[:], []byte(digits)); err != nil {
		return k, fault.WrapAs(fault.Invalid, err, "parse event id", "%q is not %q followed by 32 hex digits", clip(s, 60), keyPrefix)
	}
	return k, nil
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}

// An arrival number is a 24-bit epoch, then a 40-bit counter (R2).
const (
	CounterBits = 40
	MaxCounter  = 1<<CounterBits - 1
	MaxEpoch    = 1<<24 - 1
)

// ArrivalOf joins an epoch and a counter.
func ArrivalOf(epoch uint32, counter uint64) uint64 {
	return uint64(epoch)<<CounterBits | counter&MaxCounter
}
