package event

// A Clock writes instants: one in the same second as the one before costs little. The zero value is ready. Not for concurrent use.
type Clock struct {
	known  bool
	second int64
	text   [28]byte // the second's canonical form with any seven digits
}

// Append is AppendTime.
func (c *Clock) Append(dst []byte, instant int64) []byte {
	second, fraction := instant/nanos, instant%nanos
	if fraction < 0 {
		second, fraction = second-1, fraction+nanos
	}
	if !c.known || second != c.second {
		c.known, c.second = true, second
		var room [30]byte
		copy(c.text[:27], AppendTime(room[:0], instant))
		c.text[27] = 'Z'
	}
	dst = append(dst, c.text[:]...)
	ticks, rest := uint32(fraction)/100, uint32(fraction)%100
	out := dst[len(dst)-8:]
	out[0] = byte('0' + ticks/1_000_000)
	copy(out[1:3], pairs[ticks/10_000%100][:])
	copy(out[3:5], pairs[ticks/100%100][:])
	copy(out[5:7], pairs[ticks%100][:])
	if rest != 0 {
		dst = append(append(dst[:len(dst)-1], pairs[rest][:]...), 'Z')
	}
	return dst
}

// pairs are the numbers below 100 with two digits each.
var pairs = func() (p [100][2]byte) {
	for i := range p {
		p[i] = [2]byte{byte('0' + i/10), byte('0' + i%10)}
	}
	return p
}()
