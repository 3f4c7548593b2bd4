package event

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var mantissaEnd = new(big.Int).Lsh(big.NewInt(1), 96)

// decimalModel is R7 by the definition: the largest scale up to the text's own and 28 at which the number, rounded half
// to even, has a mantissa of 96 bits.
func decimalModel(text string) (m *big.Int, scale int, ok bool) {
	number, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	e, _ := strconv.Atoi(exponent) // 0 if there is none
	_, fraction, _ := strings.Cut(number, ".")
	value, valid := new(big.Rat).SetString(text)
	if !valid {
		return nil, 0, false
	}
	for scale = min(max(len(fraction)-e, 0), MaxScale); scale >= 0; scale-- {
		scaled := new(big.Rat).Mul(value, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)))
		m = halfToEven(scaled)
		if new(big.Int).Abs(m).Cmp(mantissaEnd) < 0 {
			return m, scale, true
		}
	}
	return nil, 0, false
}

func halfToEven(r *big.Rat) *big.Int {
	q, rest := new(big.Int).QuoRem(new(big.Int).Abs(r.Num()), r.Denom(), new(big.Int))
	rest.Lsh(rest, 1)
	if c := rest.Cmp(r.Denom()); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	if r.Sign() < 0 {
		q.Neg(q)
	}
	return q
}

func (d Decimal) big() *big.Int {
	m := new(big.Int).SetUint64(uint64(d.Hi))
	m.Lsh(m, 64).Or(m, new(big.Int).SetUint64(uint64(d.Mid)<<32|uint64(d.Lo)))
	if d.Neg {
		m.Neg(m)
	}
	return m
}

func (d Decimal) rat() *big.Rat {
	return new(big.Rat).SetFrac(d.big(), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(d.Scale)), nil))
}

func checkDecimal(t interface{ Fatalf(string, ...any) }, text string) (Decimal, bool) {
	d, ok := ParseDecimal(text)
	m, scale, want := decimalModel(text)
	if ok != want || ok && (d.big().Cmp(m) != 0 || int(d.Scale) != scale) {
		t.Fatalf("ParseDecimal(%s) = %v × 10^-%d, %v; want %v × 10^-%d, %v", text, d.big(), d.Scale, ok, m, scale, want)
	}
	if d.Neg && d.IsZero() {
		t.Fatalf("ParseDecimal(%s) is a negative zero", text)
	}
	if !ok {
		return d, ok
	}
	if back, _ := new(big.Rat).SetString(d.String()); back.Cmp(d.rat()) != 0 {
		t.Fatalf("%s is written %s", text, d)
	}
	if next, err := ScanNumber([]byte(d.String()), 0); err != nil || next != len(d.String()) {
		t.Fatalf("%s is no JSON number: %v", d, err)
	}
	if again, ok := ParseDecimal(d.String()); !ok || again != d {
		t.Fatalf("%s is read as %s", d, again)
	}
	n := d.Normalized()
	if n.rat().Cmp(d.rat()) != 0 || n.Compare(d) != 0 || n.Scale > 0 && strings.HasSuffix(n.String(), "0") {
		t.Fatalf("Normalized(%s) = %s", d, n)
	}
	whole, isWhole := d.Int64()
	if r := d.rat(); isWhole != (r.IsInt() && r.Num().IsInt64()) || isWhole && r.Num().Int64() != whole {
		t.Fatalf("Int64(%s) = %d, %v", d, whole, isWhole)
	}
	if f, _ := d.rat().Float64(); f != d.Float64() {
		t.Fatalf("Float64(%s) = %v, want %v", d, d.Float64(), f)
	}
	return d, ok
}

func TestR7Decimals(t *testing.T) {
	tests := []struct {
		text, want string // "" if beyond the range
	}{
		{"0", "0"}, {"-0", "0"}, {"0.00", "0.00"}, {"-0.0", "0.0"}, {"0e5", "0"}, {"0e-99", "0." + strings.Repeat("0", 28)}, {"0e999999999999999999999", "0"},
		{"1", "1"}, {"-1.50", "-1.50"}, {"1.5e3", "1500"}, {"1.5e1", "15"}, {"1.50e1", "15.0"}, {"15E-1", "1.5"}, {"15e+0", "15"}, {"1e28", "1" + strings.Repeat("0", 28)},
		{"635476923356034756", "635476923356034756"},
		{"79228162514264337593543950335", "79228162514264337593543950335"},
		{"-79228162514264337593543950335", "-79228162514264337593543950335"},
		{"79228162514264337593543950336", ""}, {"1e29", ""}, {"1e400", ""}, {"-1e99999999999999999999", ""},
		{"79228162514264337593543950335.4", "79228162514264337593543950335"},
		{"79228162514264337593543950335.5", ""}, // rounds up and over
		{"79228162514264337593543950334.5", "79228162514264337593543950334"},
		{"79228162514264337593543950334.50000000000000000001", "79228162514264337593543950335"},
		{"7.9228162514264337593543950335", "7.9228162514264337593543950335"},
		{"7.9228162514264337593543950336", "7.922816251426433759354395034"}, // one digit fewer
		{"8.00000000000000000000000000000", "8.0000000000000000000000000000"[:29]},
		{"1e-28", "0." + strings.Repeat("0", 27) + "1"}, {"1e-29", "0." + strings.Repeat("0", 28)},
		{"5e-29", "0." + strings.Repeat("0", 28)}, {"5.1e-29", "0." + strings.Repeat("0", 27) + "1"}, {"15e-29", "0." + strings.Repeat("0", 27) + "2"},
		{"25e-29", "0." + strings.Repeat("0", 27) + "2"}, {"1e-400", "0." + strings.Repeat("0", 28)}, {"1e-99999999999999999999", "0." + strings.Repeat("0", 28)},
		{"-1e-29", "0." + strings.Repeat("0", 28)},
		{"0.3333333333333333333333333333333333", "0.3333333333333333333333333333"},
		{"1695.4667000000002", "1695.4667000000002"},
		{"1" + strings.Repeat("0", 399), ""}, {"0." + strings.Repeat("0", 399) + "1", "0." + strings.Repeat("0", 28)},
		{"1." + strings.Repeat("0", 399) + "1", "1." + strings.Repeat("0", 28)},
	}
	for _, test := range tests {
		d, ok := ParseDecimal(test.text)
		if ok != (test.want != "") || ok && d.String() != test.want {
			t.Errorf("ParseDecimal(%.50s) = %s, %v; want %s", test.text, d, ok, test.want)
		}
		if !strings.Contains(test.text, "9999999") {
			checkDecimal(t, test.text)
		}
	}
	for _, text := range []string{"", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "1e5x", "x", "1x", "1.5.5", "NaN", "Infinity", "0x10", " 1", "1 ", "1_0", "1e1.5", "--1"} {
		if d, ok := ParseDecimal(text); ok {
			t.Errorf("ParseDecimal(%q) = %s", text, d)
		}
	}
}

func aDecimalText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`-?(0|[1-9][0-9]{0,34})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?`),
		rapid.StringMatching(`-?[1-9][0-9]{0,3}(\.[0-9]{0,2}[05]{1,2})?`),
		rapid.StringMatching(`-?79228162514264337593543950[0-9]{3}(\.[05]{1,2})?(e-[0-9]{1,2})?`),
		rapid.StringMatching(`-?7\.9228162514264337593543950[0-9]{2,5}`))
}

func TestR7DecimalsAgreeWithBigNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, okA := checkDecimal(t, aDecimalText().Draw(t, "a"))
		b, okB := checkDecimal(t, aDecimalText().Draw(t, "b"))
		if !okA || !okB {
			return
		}
		want := a.rat().Cmp(b.rat())
		if got := a.Compare(b); got != want || b.Compare(a) != -want {
			t.Fatalf("%s against %s: %d, want %d", a, b, got, want)
		}
		if (a.Normalized() == b.Normalized()) != (want == 0) {
			t.Fatalf("%s and %s: normalized %s and %s", a, b, a.Normalized(), b.Normalized())
		}
	})
}

func TestR7EqualValuesOfDifferentScales(t *testing.T) {
	groups := [][]string{
		{"-79228162514264337593543950335"}, {"-2", "-2.0", "-2.0000000000000000000000000000"}, {"-0.1", "-0.10"},
		{"0", "-0", "0.0", "-0.0000000000000000000000000000", "1e-99"}, {"0.0000000000000000000000000001"},
		{"1.5", "1.50", "15e-1"}, {"7.9228162514264337593543950335"}, {"8", "8.0"}, {"79228162514264337593543950335"},
	}
	for i, as := range groups {
		for j, bs := range groups {
			for _, a := range as {
				for _, b := range bs {
					x, _ := ParseDecimal(a)
					y, _ := ParseDecimal(b)
					if got, want := x.Compare(y), big.NewInt(int64(i)).Cmp(big.NewInt(int64(j))); got != want {
						t.Errorf("%s against %s: %d, want %d", a, b, got, want)
					}
				}
			}
		}
	}
}

func TestDecimalOfInt64(t *testing.T) {
	for _, n := range []int64{0, 1, -1, 42, math.MaxInt64, math.MinInt64, math.MinInt64 + 1, 1 << 32} {
		d := DecimalOf(n)
		if back, ok := d.Int64(); !ok || back != n || d.String() != fmt.Sprint(n) {
			t.Errorf("DecimalOf(%d) = %s, Int64 %d, %v", n, d, back, ok)
		}
	}
	for _, text := range []string{"9223372036854775808", "-9223372036854775809", "1.5", "18446744073709551616"} {
		d, _ := ParseDecimal(text)
		if n, ok := d.Int64(); ok {
			t.Errorf("Int64(%s) = %d", text, n)
		}
	}
	d, _ := ParseDecimal("12.000")
	if n, ok := d.Int64(); !ok || n != 12 {
		t.Errorf("Int64(12.000) = %d, %v", n, ok)
	}
}
