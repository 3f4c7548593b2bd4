package column

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime is what the process has used, which says more than the clock on a busy machine.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkInts(b *testing.B) {
	const n = 64 << 10
	for _, name := range []string{"uniform", "few codes", "many codes", "exponential", "ascending"} {
		values := distributions(n)[name]
		e := &Encoder{Effort: Thorough}
		var c Choice
		data := e.Ints(nil, values, &c)
		run := func(what string, do func(b *testing.B)) {
			b.Run(name+"/"+what, func(b *testing.B) {
				start := cpuTime(b)
				for b.Loop() {
					do(b)
				}
				b.ReportMetric(float64((cpuTime(b)-start).Nanoseconds())/float64(b.N)/n, "cpu-ns/value")
			})
		}
		run("encode", func(b *testing.B) { data = e.Ints(data[:0], values, &c) })
		run("search", func(b *testing.B) { data = e.Ints(data[:0], values, nil) })
		read := func(b *testing.B) *Ints {
			v, _, err := ReadInts(data, n, AnyInt, nil)
			if err != nil {
				b.Fatal(err)
			}
			return v
		}
		got := make([]int64, n)
		run("decode", func(b *testing.B) { read(b).Fill(got, 0) })
		v := read(b)
		run("fill", func(b *testing.B) { v.Fill(got, 0) })
		run("at", func(b *testing.B) {
			for i := range n {
				got[i] = v.At(i)
			}
		})
	}
}
