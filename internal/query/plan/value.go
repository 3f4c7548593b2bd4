package plan

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/query/exec"
)

// Values as keys and in order. Two values are one key if `=` holds of them: 1 and 1.0, objects whose members stand in another
// order, and with ci texts that differ in case. A number beyond the range of R7 is equal to the same text alone.

// The first byte of a value's key.
const (
	keyNull byte = iota + 1
	keyFalse
	keyTrue
	keyNumber
	keyBeyond
	keyText
	keyArray
	keyObject
)

// appendKey appends bytes that are the same for equal values and differ for others; none is the beginning of another. Undefined counts as null.
func appendKey(dst []byte, v event.Value, ci bool) []byte {
	switch v.Kind {
	case event.Bool:
		if v.Bool {
			return append(dst, keyTrue)
		}
		return append(dst, keyFalse)
	case event.Number:
		d, ok := event.ParseDecimal(v.Text)
		if !ok {
			return appendText(append(dst, keyBeyond), v.Text)
		}
		return appendNumberKey(dst, d)
	case event.String:
		dst = append(dst, keyText)
		if ci {
			return appendText(dst, string(exec.AppendFold(nil, v.Text)))
		}
		return appendText(dst, v.Text)
	case event.Array:
		dst = binary.AppendUvarint(append(dst, keyArray), uint64(len(v.Items)))
		for _, item := range v.Items {
			dst = appendKey(dst, item, ci)
		}
		return dst
	case event.Object:
		members := canonicalMembers(v.Members)
		dst = binary.AppendUvarint(append(dst, keyObject), uint64(len(members)))
		for _, m := range members {
			dst = appendKey(appendText(dst, m.Name), m.Value, ci)
		}
		return dst
	}
	return append(dst, keyNull)
}

func appendNumberKey(dst []byte, d event.Decimal) []byte {
	d = d.Normalized()
	sign := byte(0)
	if d.Neg {
		sign = 0x80
	}
	dst = append(dst, keyNumber, d.Scale|sign)
	dst = binary.BigEndian.AppendUint32(dst, d.Hi)
	dst = binary.BigEndian.AppendUint32(dst, d.Mid)
	return binary.BigEndian.AppendUint32(dst, d.Lo)
}

func appendText[T string | []byte](dst []byte, s T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// readKey reads what appendKey appended, and returns the value that keyValue gives of what it was given, and what follows.
func readKey(key []byte) (v event.Value, rest []byte) {
	first := key[0]
	key = key[1:]
	text := func() string {
		n, width := binary.Uvarint(key)
		s := string(key[width : width+int(n)])
		key = key[width+int(n):]
		return s
	}
	count := func() int {
		n, width := binary.Uvarint(key)
		key = key[width:]
		return int(n)
	}
	switch first {
	case keyFalse, keyTrue:
		return event.BoolValue(first == keyTrue), key
	case keyNumber:
		d := event.Decimal{Scale: key[0] &^ 0x80, Neg: key[0]&0x80 != 0, Hi: binary.BigEndian.Uint32(key[1:]), Mid: binary.BigEndian.Uint32(key[5:]), Lo: binary.BigEndian.Uint32(key[9:])}
		return numberOf(d), key[13:]
	case keyBeyond:
		return event.NumberValue(text()), key
	case keyText:
		return event.StringValue(text()), key
	case keyArray:
		v = event.Value{Kind: event.Array, Items: make([]event.Value, count())}
		for i := range v.Items {
			v.Items[i], key = readKey(key)
		}
		return v, key
	case keyObject:
		v = event.Value{Kind: event.Object, Members: make([]event.Member, count())}
		for i := range v.Members {
			v.Members[i].Name = text()
			v.Members[i].Value, key = readKey(key)
		}
		return v, key
	}
	return event.Value{Kind: event.Null}, key
}

// canonical is the one value that stands for all that are equal to v: numbers without needless zeros, objects without the
// duplicates that do not count and in order of their names.
func canonical(v event.Value) event.Value {
	switch v.Kind {
	case event.Number:
		if d, ok := event.ParseDecimal(v.Text); ok {
			return numberOf(d)
		}
	case event.Array:
		items := make([]event.Value, len(v.Items))
		for i := range items {
			items[i] = canonical(v.Items[i])
		}
		v.Items = items
	case event.Object:
		members := slices.Clone(canonicalMembers(v.Members))
		for i := range members {
			members[i].Value = canonical(members[i].Value)
		}
		v.Members = members
	}
	return v
}

// canonicalMembers returns the members that count, by name.
func canonicalMembers(members []event.Member) []event.Member {
	byName := func(a, b event.Member) int { return strings.Compare(a.Name, b.Name) }
	sorted := true
	for i := 1; i < len(members); i++ {
		sorted = sorted && members[i-1].Name < members[i].Name
	}
	if sorted {
		return members
	}
	out := slices.Clone(members)
	slices.SortStableFunc(out, byName)
	kept := out[:0]
	for i, m := range out {
		if i+1 == len(out) || out[i+1].Name != m.Name {
			kept = append(kept, m)
		}
	}
	return kept
}

// numberOf is a computed number, without needless zeros.
func numberOf(d event.Decimal) event.Value { return event.NumberValue(d.Normalized().String()) }

func countOf(n uint64) event.Value {
	return numberOf(event.Decimal{Mid: uint32(n >> 32), Lo: uint32(n)})
}

// rank is a kind's place in the order of values.
func rank(k event.ValueKind) int {
	return [...]int{event.Undefined: 0, event.Null: 1, event.Bool: 2, event.Number: 3, event.String: 4, event.Array: 5, event.Object: 6}[k]
}

// compareValues is the order of all values: undefined, null, false, true, numbers, texts by code point, arrays item by item, objects
// member by member in order of names. ci compares texts folded.
func compareValues(a, b event.Value, ci bool) int {
	if a.Kind != b.Kind {
		return cmp.Compare(rank(a.Kind), rank(b.Kind))
	}
	switch a.Kind {
	case event.Bool:
		return btoi(a.Bool) - btoi(b.Bool)
	case event.Number:
		return compareNumbers(a.Text, b.Text)
	case event.String:
		if ci {
			return bytes.Compare(exec.AppendFold(nil, a.Text), exec.AppendFold(nil, b.Text))
		}
		return strings.Compare(a.Text, b.Text)
	case event.Array:
		return slices.CompareFunc(a.Items, b.Items, func(x, y event.Value) int { return compareValues(x, y, ci) })
	case event.Object:
		return slices.CompareFunc(canonicalMembers(a.Members), canonicalMembers(b.Members), func(x, y event.Member) int {
			if c := strings.Compare(x.Name, y.Name); c != 0 {
				return c
			}
			return compareValues(x.Value, y.Value, ci)
		})
	}
	return 0
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// compareNumbers orders numbers by value, also those beyond the range of R7.
func compareNumbers(a, b string) int {
	x, ok := event.ParseDecimal(a)
	y, ok2 := event.ParseDecimal(b)
	if ok && ok2 {
		return x.Compare(y)
	}
	// One at least is beyond all decimals, so the magnitudes differ if only one is.
	negative := strings.HasPrefix(a, "-")
	switch {
	case negative != strings.HasPrefix(b, "-"):
		return 1 - 2*btoi(negative)
	case ok:
		return 2*btoi(negative) - 1
	case ok2:
		return 1 - 2*btoi(negative)
	}
	m, e := magnitude(a)
	n, f := magnitude(b)
	c := cmp.Or(cmp.Compare(e, f), strings.Compare(m, n))
	if negative {
		c = -c
	}
	return c
}

// magnitude returns a number's digits without zeros at either end, and the power of ten of the place before the first.
func magnitude(text string) (digits string, exponent int64) {
	text = strings.TrimPrefix(text, "-")
	mantissa, power, _ := strings.Cut(strings.ToLower(text), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	power, neg := strings.CutPrefix(power, "-")
	for _, c := range []byte(power) {
		if c != '+' {
			exponent = min(exponent*10+int64(c-'0'), 1<<50)
		}
	}
	if neg {
		exponent = -exponent
	}
	exponent += int64(len(whole))
	digits = whole + fraction
	short := strings.TrimLeft(digits, "0")
	return strings.TrimRight(short, "0"), exponent - int64(len(digits)-len(short))
}
