package column

import "testing"

func BenchmarkInts(b *testing.B) {
	const n = 64 << 10
	for _, name := range []string{"uniform", "few codes", "many codes", "exponential", "ascending"} {
		values := distributions(n)[name]
		e := &Encoder{Effort: Thorough}
		var c Choice
		data := e.Ints(nil, values, &c)
		perValue := func(b *testing.B) {
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/value")
		}
		b.Run(name+"/encode", func(b *testing.B) {
			for b.Loop() {
				data = e.Ints(data[:0], values, &c)
			}
			perValue(b)
		})
		b.Run(name+"/search", func(b *testing.B) {
			for b.Loop() {
				data = e.Ints(data[:0], values, nil)
			}
			perValue(b)
		})
		b.Run(name+"/decode", func(b *testing.B) {
			got := make([]int64, n)
			for b.Loop() {
				v, _, err := ReadInts(data, n, AnyInt, nil)
				if err != nil {
					b.Fatal(err)
				}
				v.Fill(got, 0)
			}
			perValue(b)
		})
		b.Run(name+"/at", func(b *testing.B) {
			v, _, err := ReadInts(data, n, AnyInt, nil)
			if err != nil {
				b.Fatal(err)
			}
			sum := int64(0)
			for b.Loop() {
				for i := range n {
					sum += v.At(i)
				}
			}
			perValue(b)
		})
	}
}
