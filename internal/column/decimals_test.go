package column

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stelehq/stele/internal/fault"
)

func decimalsRoundTrip(t testing.TB, e *Encoder, mantissas []int64, scales []uint8) (form string, size int) {
	t.Helper()
	data := e.Decimals(nil, mantissas, scales, &Choice{})
	d := Decoder{Src: data}
	var a Account
	v := d.Decimals("decimals", len(scales), &a)
	if err := d.End(); err != nil {
		t.Fatal(err)
	}
	gotMantissas, gotScales := v.Append([]int64{5}, []uint8{6}, 0, len(scales))
	if !slices.Equal(gotMantissas[1:], mantissas) || !slices.Equal(gotScales[1:], scales) || a.Err() != nil {
		t.Fatalf("wrote %v %v, read %v %v (%v)", mantissas, scales, gotMantissas[1:], gotScales[1:], a.Err())
	}
	for i := range scales {
		if m, s := v.At(i); m != mantissas[i] || s != scales[i] {
			t.Fatalf("decimal %d is %d %d, expected %d %d", i, m, s, mantissas[i], scales[i])
		}
	}
	return v.Form(), len(data)
}

// R6: the text of every decimal comes back, trailing zeroes and long fractions included.
func TestR6DecimalsKeepTheirScales(t *testing.T) {
	repeat := func(n int, m []int64, s []uint8) (mantissas []int64, scales []uint8) {
		for i := range n {
			mantissas, scales = append(mantissas, m[i%len(m)]), append(scales, s[i%len(m)])
		}
		return mantissas, scales
	}
	for _, c := range []struct {
		name      string
		mantissas []int64
		scales    []uint8
		want      string
	}{
		{"one scale", []int64{150, 225, 0, -75}, []uint8{2, 2, 2, 2}, "scales "},
		{"shortest", []int64{15, 225, 0, -75, 20, 123456}, []uint8{1, 2, 1, 2, 1, 4}, "shortest"},
		{"trailing zeroes", []int64{15, 220}, []uint8{1, 2}, "scales "},
		{"zeroes of two kinds", []int64{0, 0}, []uint8{1, 2}, "scales "},
		{"whole", []int64{5, 5}, []uint8{0, 1}, "scales "},
		{"doubles", []int64{16954667000000002, 8711814880371094, 5}, []uint8{13, 19 - 1, 1}, "scales "},
		{"too wide at one scale", []int64{math.MaxInt64, 1}, []uint8{1, 18}, "scales "},
		{"too wide below 0", []int64{math.MinInt64 + 1, 1}, []uint8{1, 18}, "scales "},
	} {
		m, s := repeat(500, c.mantissas, c.scales)
		if form, _ := decimalsRoundTrip(t, &Encoder{Effort: Thorough}, m, s); !strings.HasPrefix(form, c.want) {
			t.Errorf("%s: %s", c.name, form)
		}
		decimalsRoundTrip(t, &Encoder{}, m, s)
	}
	decimalsRoundTrip(t, &Encoder{Effort: Thorough}, nil, nil)
	rapid.Check(t, func(r *rapid.T) {
		scales := rapid.SliceOf(rapid.Uint8Range(0, maxScale)).Draw(r, "scales")
		mantissas := rapid.SliceOfN(rapid.Int64(), len(scales), len(scales)).Draw(r, "mantissas")
		decimalsRoundTrip(t, &Encoder{Effort: Effort(rapid.IntRange(0, 1).Draw(r, "effort"))}, mantissas, scales)
	})
}

func TestForgedDecimals(t *testing.T) {
	for _, c := range []struct {
		name string
		src  []byte
		want string
	}{
		{"nothing", nil, "the byte is missing"},
		{"form", []byte{2}, "unknown form 2"},
		{"scale", []byte{decimalsShortest, 19, formFixed, 0, 0}, "a scale of 19"},
		{"scale 0", []byte{decimalsShortest, 0, formFixed, 0, 0}, "a scale of 0"},
		{"scales", []byte{decimalsEach, formFixed, 38, 0, formFixed, 0, 0}, "expected within 0 and 18"},
		{"mantissas", []byte{decimalsEach, formFixed, 0, 0, formFixed}, "mantissas"},
	} {
		d := Decoder{Src: c.src}
		d.Decimals("decimals", 2, nil)
		if err := d.End(); !errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected … %s …", c.name, err, c.want)
		}
	}
}

func TestBoolsComeBack(t *testing.T) {
	for _, effort := range []Effort{Fast, Thorough} {
		for _, values := range [][]byte{nil, {1}, {0}, {1, 1, 1}, {0, 1, 0, 0, 1, 1, 1, 0, 1}, slices.Repeat([]byte{0, 0, 1}, 3000)} {
			e := &Encoder{Effort: effort}
			data := e.Bools(nil, values, nil)
			v, rest, err := ReadInts(data, len(values), Bounds{Max: 1}, nil)
			if err != nil || len(rest) > 0 {
				t.Fatal(err)
			}
			for i, want := range values {
				if v.At(i) != int64(want) {
					t.Fatalf("effort %d, value %d of %v is %d", effort, i, values, v.At(i))
				}
			}
			if len(data) > 6+len(values)/8+1 {
				t.Errorf("%d bytes for %d", len(data), len(values))
			}
		}
	}
}
