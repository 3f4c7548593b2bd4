package gelf

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/testkit"
)

var received = time.Date(2026, 11, 20, 10, 23, 12, 345678900, time.UTC)

// The first three say what Seq's own GELF input does (datalust/seq-input-gelf, sqelf/src/process), but that numbers
// of levels get Serilog's names here and stay.
func TestCLEF(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"the specification's", `{"version":"1.1","host":"example.org","short_message":"A short message","full_message":"Backtrace here\n\nmore stuff",
			"timestamp":1385053862.3072,"level":1,"_user_id":9001,"_some_info":"foo","_some_env_var":"bar"}`,
			`{"@t":"2013-11-21T17:11:02.3072000Z","@l":"Fatal","@m":"A short message","@x":"Backtrace here\n\nmore stuff","host":"example.org","level":1,"user_id":9001,"some_info":"foo","some_env_var":"bar"}`},
		{"CLEF inside", `{"version":"1.1","host":"example.org","short_message":"{\"@l\":\"info\",\"@mt\":\"A {user_id}\",\"@t\":\"2013-11-21T17:11:02Z\",\"@x\":\"Backtrace\",\"user_id\":4000}","level":1,"_user_id":9001,"_tag":"latest"}`,
			`{"@t":"2013-11-21T17:11:02.0000000Z","@l":"info","@mt":"A {user_id}","@x":"Backtrace","__user_id":4000,"host":"example.org","level":1,"user_id":9001,"tag":"latest"}`},
		{"JSON inside", `{"version":"1.1","timestamp":1385053862.3072,"host":"example.org","short_message":"{\"level\":\"error\",\"message\":\"A short message\",\"timestamp\":\"2022-06-21T17:11:02.3072Z\"}","level":6}`,
			`{"@t":"2022-06-21T17:11:02.3072000Z","@l":"error","@m":"A short message","__level":"error","message":"A short message","timestamp":"2022-06-21T17:11:02.3072Z","host":"example.org","level":6}`},

		{"nanoseconds", `{"short_message":"m","host":"h","timestamp":"1385053862.123456789"}`, `{"@t":"2013-11-21T17:11:02.123456789Z","@m":"m","host":"h"}`},
		{"milliseconds", `{"short_message":"m","host":"h","timestamp":1385053862307}`, `{"@t":"2013-11-21T17:11:02.3070000Z","@m":"m","host":"h"}`},
		{"an exponent", `{"short_message":"m","host":"h","timestamp":1.3850538623072E9}`, `{"@t":"2013-11-21T17:11:02.3072000Z","@m":"m","host":"h"}`},
		{"no time", `{"short_message":"m","host":"h"}`, `{"@t":"2026-11-20T10:23:12.3456789Z","@m":"m","host":"h"}`},
		{"a time that is none", `{"short_message":"m","host":"h","timestamp":"soon"}`, `{"@t":"2026-11-20T10:23:12.3456789Z","@m":"m","host":"h","timestamp":"soon"}`},
		{"0.0", `{"short_message":"m","host":"h","timestamp":0.0}`, `{"@t":"2026-11-20T10:23:12.3456789Z","@m":"m","host":"h","timestamp":0.0}`},
		{"no host", `{"short_message":"m"}`, `{"@t":"2026-11-20T10:23:12.3456789Z","@m":"m","remote_addr":"192.0.2.9"}`},
		{"levels", `{"short_message":"m","host":"h","level":"4"}`, `{"@t":"2026-11-20T10:23:12.3456789Z","@l":"Warning","@m":"m","host":"h","level":"4"}`},
		{"a level's name", `{"short_message":"m","host":"h","level":"error"}`, `{"@t":"2026-11-20T10:23:12.3456789Z","@l":"error","@m":"m","host":"h","level":"error"}`},
		{"a level that is none", `{"short_message":"m","host":"h","level":8}`, `{"@t":"2026-11-20T10:23:12.3456789Z","@m":"m","host":"h","level":8}`},
		{"the same twice", `{"short_message":"m","full_message":"m","host":"h"}`, `{"@t":"2026-11-20T10:23:12.3456789Z","@m":"m","host":"h"}`},
		{"1.0", `{"version":"1.0","short_message":"m","host":"h","facility":"f","line":1e2,"file":"x.c"}`,
			`{"@t":"2026-11-20T10:23:12.3456789Z","@m":"m","host":"h","facility":"f","line":1e2,"file":"x.c"}`},
		{"another version", `{"version":"2","short_message":"m","host":"h"}`, `{"@t":"2026-11-20T10:23:12.3456789Z","@m":"m","version":"2","host":"h"}`},
		{"names that collide", `{"short_message":"m","host":"h","_host":"i","a":1,"_a":2,"_":3,"_@t":4,"_b":{"c":[null,"d"]},"__x":5}`,
			`{"@t":"2026-11-20T10:23:12.3456789Z","@m":"m","host":"h","__host":"i","a":1,"__a":2,"_":3,"@@t":4,"b":{"c":[null,"d"]},"_x":5}`},
		{"no short message", `{"message":"m","host":"h","full_message":"f"}`, `{"@t":"2026-11-20T10:23:12.3456789Z","@m":"m","host":"h","full_message":"f"}`},
		{"no message", `{"short_message":5,"host":"h"}`, `{"@t":"2026-11-20T10:23:12.3456789Z","short_message":5,"host":"h"}`},
		{"nothing", `{}`, `{"@t":"2026-11-20T10:23:12.3456789Z","remote_addr":"192.0.2.9"}`},
		{"an end", "{\"short_message\":\"m\",\"host\":\"h\"}\r\n\x00", `{"@t":"2026-11-20T10:23:12.3456789Z","@m":"m","host":"h"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var d Decoder
			for range 2 {
				got, err := d.CLEF([]byte(c.text), received, "192.0.2.9")
				if diff := cmp.Diff(c.want, string(got)); diff != "" || err != nil {
					t.Errorf("%s: %v\n%s", c.text, err, diff)
				}
			}
		})
	}
}

// Many members cost no more than their number.
func TestManyMembers(t *testing.T) {
	var d Decoder
	text := []byte(`{"short_message":"{`)
	const n = 20_000
	for i := range n {
		text = fmt.Appendf(text, `\"a%d\":1,`, i)
	}
	text = append(text, `\"a\":1}","a":2`...)
	for i := range n {
		text = fmt.Appendf(text, `,"_b%d":1`, i)
	}
	text = append(text, `,"_a":3}`...)
	for range 3 {
		got, err := d.CLEF(text, received, "")
		if v, err2 := event.ParseValue(got); err != nil || err2 != nil || v.Get("a").Text != "2" || v.Get("b19999").Text != "1" || v.Get("__a").Text != "3" {
			t.Fatalf("%v %v %.200s", err, err2, got)
		}
	}
	if got, err := d.CLEF([]byte(`{"short_message":"m","host":"h","_a1":1}`), received, ""); err != nil || !strings.Contains(string(got), `"a1":1`) {
		t.Errorf("the names of the message before are still taken: %s %v", got, err)
	}
}

func TestNotGELF(t *testing.T) {
	var d Decoder
	for text, want := range map[string]string{
		"": "no JSON object", "hello": "byte 0", `[{"short_message":"m"}]`: "byte 0", `{"short_message":"m"} x`: "byte 21", `{"short_message":`: "expected a JSON value",
		strings.Repeat(`{"a":`, 65): "levels deep",
	} {
		if got, err := d.CLEF([]byte(text), received, ""); err == nil || !strings.Contains(err.Error(), want) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%.40q: %s %v, want %s", text, got, err, want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1e9, "0.000000001": 1, "0.0000000019": 1, "1e-9": 1, "-1.5": -15e8, "1E+1": 1e10, "99999999999": 1<<63 - 1, "100000000000": 1e17,
		"1385053862.3072": 13850538623072e5, "001.5": 15e8,
	} {
		if got, ok := parseSeconds(text); got != want || !ok {
			t.Errorf("%s is %d, want %d", text, got, want)
		}
	}
	for _, text := range []string{"", "-", "0", "0e5", "1e", "1e1234", "1.2.3", "x", "1e+", strings.Repeat("1", 101)} {
		if got, ok := parseSeconds(text); ok {
			t.Errorf("%s is %d, want none", text, got)
		}
	}
}

func FuzzCLEF(f *testing.F) {
	f.Add([]byte(`{"version":"1.1","host":"h","short_message":"m","timestamp":1385053862.3072,"level":1,"_a":1}`))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) {
			var d Decoder
			out, err := d.CLEF(text, received, "192.0.2.9")
			if err != nil {
				if fault.KindOf(err) != fault.Invalid {
					t.Fatal(err)
				}
				return
			}
			v, err := event.ParseValue(out)
			if err != nil || !json.Valid(out) {
				t.Fatalf("%q became %s: %v", text, out, err)
			}
			if _, _, err := event.ParseTime([]byte(v.Get("@t").Text)); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if len(out) > 14*len(text)+200 {
				t.Fatalf("%d bytes became %d", len(text), len(out))
			}
		})
	})
}

func splitAll(stream []byte, limit, piece int) (got []string) {
	s := Splitter{Limit: limit}
	var buf []byte
	for len(stream) > 0 {
		n := min(max(piece, 1), len(stream))
		buf, stream = append(buf, stream[:n]...), stream[n:]
		for {
			f, used := s.Next(buf)
			if f.Over > 0 {
				got = append(got, fmt.Sprintf("over %d", f.Over))
			} else if f.Text != nil {
				got = append(got, string(f.Text))
			}
			if used == 0 {
				break
			}
			buf = buf[used:]
		}
	}
	if rest := s.Rest(buf); rest != nil {
		got = append(got, "rest "+string(rest))
	}
	return got
}

func TestSplitter(t *testing.T) {
	for stream, want := range map[string]string{
		"{}\x00{}\x00":                           "{}|{}",
		"{}\n{\"a\":\n1}\n\n":                    "{}|{\"a\":\n1}",
		`{"a":"\"}"}{"b":[{}]}`:                  `{"a":"\"}"}|rest {"b":[{}]}`,
		"text\nmore\x00{}":                       "text\nmore|rest {}",
		"{\"a\":\"{\n":                           "rest {\"a\":\"{\n",
		"{" + strings.Repeat("x", 40) + "\x00{}": "over 33|rest {}",
		"":                                       "", "\x00\n ": "",
	} {
		for piece := 1; piece < 4; piece++ {
			got := strings.Join(splitAll([]byte(stream), 32, piece), "|")
			if got != want && !strings.HasPrefix(got, "over") {
				t.Errorf("%q in pieces of %d: %q, want %q", stream, piece, got, want)
			}
		}
	}
}

// A time beyond what an instant holds is clamped, and what was said stays (R3).
func TestR3TimeOutOfRange(t *testing.T) {
	var d Decoder
	for _, seconds := range []string{"1e10", "99999999999.5", "-99999999999"} {
		line, err := d.CLEF([]byte(`{"short_message":"hi","timestamp":`+seconds+`,"host":"h"}`), received, "")
		if err != nil || !strings.Contains(string(line), `"timestamp":`+seconds) {
			t.Errorf("%s: %s %v", seconds, line, err)
		}
	}
	if line, _ := d.CLEF([]byte(`{"short_message":"hi","timestamp":9.2e9,"host":"h"}`), received, ""); strings.Contains(string(line), "timestamp") {
		t.Errorf("%s", line)
	}
}

// A message that is too long is passed over, and no other with it, whatever it ends with.
func TestSplitterGoesOnAfterALongMessage(t *testing.T) {
	long := `{"a":"` + strings.Repeat("}", 50) + `\"","b":{}}`
	for _, end := range []string{"\x00", "\n", " \r\n", ""} {
		for piece := 1; piece < 64; piece++ {
			stream := `{"n":1}` + end + long + end + `{"n":2}` + end + `{"n":3}` + "\n"
			got := splitAll([]byte(stream), 32, piece)
			for i := range got {
				got[i] = strings.TrimSpace(got[i])
			}
			if len(got) != 4 || got[0] != `{"n":1}` || !strings.HasPrefix(got[1], "over ") || got[2] != `{"n":2}` || got[3] != `{"n":3}` {
				t.Errorf("%q in pieces of %d: %q", end, piece, got)
			}
		}
	}
}

func FuzzSplitter(f *testing.F) {
	f.Add([]byte("{}\x00{\"a\":\"}\"}\n{"), 3)
	f.Fuzz(func(t *testing.T, seed []byte, piece int) {
		testkit.Soak(t, seed, func(stream []byte) {
			a, b := strings.Join(splitAll(stream, 32, piece%16), "|"), strings.Join(splitAll(stream, 32, 1), "|")
			if a != b && !strings.Contains(a+b, "over") {
				t.Fatalf("%q in pieces of %d: %q, of 1: %q", stream, piece%16, a, b)
			}
		})
	})
}
