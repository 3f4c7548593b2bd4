package event

import (
	"strings"
	"testing"
)

// A line as Serilog writes it, about the size of the average event.
const benchLine = `{"@t":"2026-11-20T09:58:00.1234567Z","@mt":"HTTP {RequestMethod} {RequestPath} responded {StatusCode} in {Elapsed:0.0000} ms","@r":["12.3457"],` +
	`"@tr":"0af7651916cd43dd8448eb211c80319c","@sp":"b7ad6b7169203331","RequestMethod":"GET","RequestPath":"/api/orders/1234567","StatusCode":200,"Elapsed":12.345678,` +
	`"SourceContext":"Serilog.AspNetCore.RequestLoggingMiddleware","RequestId":"0HMVD9ABCDEF:00000002","User":{"Name":"Zoë","Id":42},"Path":"C:\\logs\\today","Application":"Shop"}`

func BenchmarkScanString(b *testing.B) {
	for name, s := range map[string]string{
		"id":      `"0af7651916cd43dd8448eb211c80319c"`,
		"short":   `"GET","StatusCode":200`,
		"long":    `"` + strings.Repeat("the quick brown fox ", 20) + `"`,
		"russian": `"` + strings.Repeat("съешь ещё этих булок ", 10) + `"`,
		"escapes": `"` + strings.Repeat(`C:\\logs\\today\r\n`, 10) + `"`,
	} {
		b.Run(name, func(b *testing.B) {
			src, scratch := []byte(s), make([]byte, 0, 1024)
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, _, err := ScanString(src, 0, scratch); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseTime(b *testing.B) {
	for name, s := range map[string]string{"canonical": "2026-11-20T09:58:00.1234567Z", "milliseconds": "2026-11-20T09:58:00.123Z", "offset": "2026-11-20T09:58:00.1234567+01:00"} {
		b.Run(name, func(b *testing.B) {
			src := []byte(s)
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := ParseTime(src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendTime(b *testing.B) {
	buf := make([]byte, 0, 32)
	b.ReportAllocs()
	for b.Loop() {
		AppendTime(buf, 1795168680123456700)
	}
}

func BenchmarkCompact(b *testing.B) {
	src, dst := []byte(benchLine), make([]byte, 0, 2*len(benchLine))
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Compact(dst, src, 0, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseValue(b *testing.B) {
	src := []byte(benchLine)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseValue(src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRenderMessage(b *testing.B) {
	v, err := ParseValue([]byte(benchLine))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		RenderMessage(v)
	}
}

func BenchmarkParseDecimal(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ParseDecimal("1695.4667000000002")
	}
}

// What ingestion calls for every member allocates nothing.
func TestHotPathsAllocateNothing(t *testing.T) {
	line, scratch, dst := []byte(benchLine), make([]byte, 0, 1024), make([]byte, 0, 2*len(benchLine))
	escaped, number, when := []byte(`"C:\\logs\u0041"`), []byte("-12.345678e+9"), []byte("2026-11-20T09:58:00.1234567+01:00")
	for name, f := range map[string]func(){
		"Compact":      func() { Compact(dst, line, 0, 0) },
		"ScanString":   func() { ScanString(escaped, 0, scratch) },
		"ScanNumber":   func() { ScanNumber(number, 0) },
		"AppendString": func() { AppendString(dst, line) },
		"AppendText":   func() { AppendText(dst, benchLine) },
		"ParseTime":    func() { ParseTime(when) },
		"AppendTime":   func() { AppendTime(dst, 1) },
		"ParseDecimal": func() { ParseDecimal("12.345678e2") },
		"Lines": func() {
			for range Lines(line) {
			}
		},
	} {
		if n := testing.AllocsPerRun(50, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
