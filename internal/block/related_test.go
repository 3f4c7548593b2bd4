package block

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/fault"
)

func TestTextFormsOfAnInstant(t *testing.T) {
	for _, c := range []struct {
		instant, text string
		ok            bool
	}{
		{"2024-01-02T03:04:05.1234567Z", "2024-01-02T03:04:05.1234567Z", true},
		{"2024-01-02T03:04:05.1234567Z", "2024-01-02T03:04:05.123Z", true},
		{"2024-01-02T03:04:05.1234567Z", "2024-01-02T03:04:05.124Z", false},
		{"2024-01-02T03:04:05.1234567Z", "2024-01-02 03:04:05", true},
		{"2024-01-02T03:04:05.123456789Z", "2024-01-02 03:04:05.123456789 UTC", true},
		{"2024-01-02T03:04:05.1Z", "2024-01-02 05:34:05.1+02:30", true},
		{"2024-01-02T03:04:05.1Z", "2024-01-01T21:04:05.1-0600", true},
		{"2024-01-02T03:04:05.1Z", "2024-01-01T21:04:05.1-06", true},
		{"2024-01-02T03:04:05.1Z", "2024-01-01T21:04:05.1-07", false},
		{"2024-01-02T03:04:05.1Z", "2024-01-02T08:04:05.10", true}, // local time without its zone
		{"2024-01-02T03:04:05.1Z", "2024-01-04T08:04:05.1", false},
		{"1969-12-31T23:59:59.9999999Z", "1969-12-31T23:59:59.999Z", true},
		{"1969-12-31T23:59:59.9999999Z", "1970-01-01T00:59:59.9999999+01:00", true},
		{"2024-01-02T03:04:05Z", "2024-01-02T03:04:05.Z", false},
		{"2024-01-02T03:04:05Z", "2024-01-02T03:04Z", false},
		{"2024-01-02T03:04:05Z", "", false},
		{"2024-01-02T03:04:05Z", "2024-01-02T03:04:05.0000000000Z", false},
		{"2024-01-02T03:04:05Z", "2024-01-02T03:04:05 GMT", false},
	} {
		instant, _, err := event.ParseTime([]byte(c.instant))
		if err != nil {
			t.Fatal(err)
		}
		f, ok := textForm([]byte(c.text), instant)
		if ok != c.ok {
			t.Errorf("%s for %s: %v", c.text, c.instant, ok)
		}
		if !ok {
			continue
		}
		if back := timeFormOf(f.byte(), int64(f.minutes), kindString); back != f || !back.fits(kindString) {
			t.Errorf("%s: %+v comes back as %+v", c.text, f, back)
		}
	}
}

// What is found to be a form gives back what it was found for.
func TestFormsOfAnInstantGiveItBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instant := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-3e18, 3e18)).Draw(t, "instant")
		f := timeForm{digits: uint8(rapid.IntRange(0, anyDigits).Draw(t, "digits"))}
		if rapid.Bool().Draw(t, "number") {
			f.number, f.unit = true, uint8(rapid.IntRange(0, mostUnits-1).Draw(t, "unit"))
			m, scale := f.value(instant)
			if scale > 9 {
				t.Fatalf("scale %d", scale)
			}
			if f.digits == anyDigits {
				return
			}
			found, ok := numberForm(m, scale, instant)
			if again, s := found.value(instant); !ok || again != m || s != scale {
				t.Fatalf("%d of scale %d for %d: %+v %v", m, scale, instant, found, ok)
			}
			return
		}
		f.blank = rapid.Bool().Draw(t, "blank")
		f.zone = uint8(rapid.IntRange(0, zones-1).Draw(t, "zone"))
		f.minutes = int16(rapid.IntRange(-maxMinutes, maxMinutes).Draw(t, "minutes"))
		text := f.appendText(nil, instant)
		if found, ok := textForm(text, instant); ok && string(found.appendText(nil, instant)) != string(text) {
			t.Fatalf("%s for %d: %+v", text, instant, found)
		}
	})
}

// relatedEvents are events whose members say the same in several ways.
func relatedEvents(t *rapid.T) (events [][]byte) {
	words := rapid.SliceOfN(rapid.SampledFrom([]string{"-", "0", "a", "true", "ada", "S-1-5-18", `C:\Windows\System32\svchost.exe`, "NT AUTHORITY\\SYSTEM", "12", "ü\x00\"", "{6004D249-0957}", "\xed\xa0\x80"}), 3, 8).Draw(t, "words")
	word := rapid.SampledFrom(words)
	for i := range rapid.IntRange(1, 60).Draw(t, "events") {
		instant := int64(1.7e18) + int64(i)*rapid.SampledFrom([]int64{1e9, 1e6, 17e6, 1}).Draw(t, "step")
		e := fmt.Appendf(nil, `{"@t":%q`, event.AppendTime(nil, instant))
		a, b, n := word.Draw(t, "a"), word.Draw(t, "b"), rapid.Int64Range(-3, 100).Draw(t, "n")
		member := func(name, text string) {
			e = event.AppendString(append(e, ','), []byte(name))
			e = event.AppendString(append(e, ':'), []byte(text))
		}
		if rapid.IntRange(0, 9).Draw(t, "with a") > 0 {
			member("A", a)
		}
		member("B", b)
		e = fmt.Appendf(e, `,"n":%d,"d":%d.5,"yes":%v`, n, n, n > 0)
		message := "Something has happened to somebody, and this is what is known of it.\r\nA: " + a + "\r\nB:\t" + b + fmt.Sprintf(" after %d ms, %v", n, n > 0)
		if rapid.IntRange(0, 9).Draw(t, "another message") == 0 {
			message = "Altogether different: " + word.Draw(t, "word") + " " + a
		}
		member("Message", message)
		switch rapid.IntRange(0, 9).Draw(t, "copy") {
		case 0:
		case 1:
			member("@m", a)
		case 2:
			member("@m", message)
			member("@m", message)
		default:
			member("@m", message)
		}
		member("when", string(event.AppendTime(nil, instant)[:19])+"Z")
		events = append(events, append(e, '}'))
	}
	return events
}

// tellingEvents are events with a message, a copy of it and two times more.
func tellingEvents(n int) (events [][]byte) {
	for i := range n {
		events = append(events, fmt.Appendf(nil, `{"@t":"2024-01-02T03:04:%02d.0000000Z","@m":"user u%d sent %d bytes from the place where they live","@l":"%s","User":"u%d","Bytes":%d,"ts":"2024-01-02T03:04:%02dZ","unix":%d,"message":"user u%d sent %d bytes from the place where they live"}`,
			i%60, i%7, i*i, []string{"Warning", "Error"}[i%7/4], i%7, i*i, i%60, 1704164640+i%60, i%7, i*i))
	}
	return events
}

func TestR6RelatedColumnsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		checkEveryWay(t, relatedEvents(t))
	})
}

// What is constant at a call site is folded into the shapes, and comes back by every way of reading.
func TestCallSiteConstantsAreFolded(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var events [][]byte
	for i := range 3000 {
		site := random.IntN(13)
		e := fmt.Appendf(nil, `{"@t":"2024-01-02T03:%02d:%02d.%07dZ","@mt":"Template %d of {User}"`, i/60, i%60, random.IntN(10_000_000), site)
		if site%3 > 0 {
			e = fmt.Appendf(e, `,"@l":%q`, []string{"Warning", "Error"}[site%3-1])
		}
		e = fmt.Appendf(e, `,"User":"u%d","EventId":{"Id":%d},"audit":%v,"SourceContext":"Logger.%d","machine":"m%d"}`, random.IntN(97), 100+site, site > 5, site/2, random.IntN(40))
		events = append(events, e)
	}
	checkEveryWay(t, events)
	blk := reopen(t, build(t, events), Thorough, 0)
	for i := range blk.schema.columns {
		c := &blk.schema.columns[i]
		folded := c.origin.way == wayFixed
		if want := c.name != "@t" && c.name != "User" && c.name != "machine"; folded != want {
			t.Errorf("column %s is %v", c.name, c.origin.way)
		}
	}
	if n := len(blk.schema.shapes); n != 13 {
		t.Errorf("%d shapes of 13 call sites", n)
	}
	// Shapes that would be too many are not made.
	var wild [][]byte
	for i := range 4000 {
		wild = append(wild, fmt.Appendf(nil, `{"@t":"2024-01-02T03:%02d:%02d.0000000Z","a":"%d","b":"%d","c":"%d"}`, i/60%60, i%60, random.IntN(101), random.IntN(103), random.IntN(107)))
	}
	checkEveryWay(t, wild)
	if n := len(reopen(t, build(t, wild), Thorough, 0).schema.shapes); n > 100 {
		t.Errorf("%d shapes of one", n)
	}
}

// FuzzTemplates matches texts with templates learnt from each other; what quotations leave gives the text again. Values and texts
// stand behind each other, a line feed between them.
func FuzzTemplates(f *testing.F) {
	f.Add([]byte("3\nada\n12\nGET\nuser ada sent GET: 12\nuser ada sent GET: 12\nada: ada\n"))
	f.Add([]byte("4\n-\n0\n-\ntrue\nRule: -\tNo: 0 -\n\n"))
	f.Add([]byte("1\nx\nx\nx=x \"x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = bytes.ReplaceAll(data, []byte{quoteMark}, []byte("?"))
		parts := bytes.Split(data, []byte("\n"))
		if len(parts[0]) != 1 {
			return
		}
		n := int(parts[0][0] - '0')
		if n > 9 || len(parts) < n+1 {
			return
		}
		values, texts := parts[1:n+1], parts[n+1:]
		var list []*template
		for _, text := range texts {
			learnt := learn(text, values)
			list = append(list, learnt)
			checkLeft(t, learn(text, values).alone(), text, values)
			for _, m := range list {
				found, ok := m.match(text, values, nil)
				if !ok && m == learnt {
					t.Fatalf("%q does not fit its own template", text)
				}
				if ok {
					for i := range found {
						m.places[i].candidates = found[i]
					}
					checkLeft(t, m, text, values)
				}
			}
		}
	})
}

func checkLeft(t *testing.T, m *template, text []byte, values [][]byte) {
	t.Helper()
	left := m.append(nil, func(sibling int) int { return sibling })
	var back []byte
	for len(left) > 0 {
		if left[0] != quoteMark {
			back, left = append(back, left[0]), left[1:]
			continue
		}
		v, size := binary.Uvarint(left[1:])
		back, left = append(back, values[v]...), left[1+size:]
	}
	if !bytes.Equal(back, text) {
		t.Fatalf("%q comes back as %q", text, back)
	}
}

// Schemas and payloads that would lead nowhere, in circles or too far are refused.
func TestForgedOrigins(t *testing.T) {
	const at = `{"@t":"2024-01-02T03:04:05.0000000Z","a":"x","b":"y","c":"z","n":1}`
	forge := func(change func(s *schema, e *encoding)) error {
		e, blk := forgeable(t, Fast, at, at)
		change(blk.schema, e)
		e.payloads[payloadSchema] = appendSchema(nil, blk.schema)
		blk, err := Open(e.finish(nil, 2), 0)
		if err == nil {
			_, err = readAll(blk)
		}
		return err
	}
	const a, b, c, n = 1, 2, 3, 4 // columns
	noTexts := NewEncoder(Fast).appendColumn(nil, kindString, &gathered{}, nil)
	quote := func(e *encoding, column int, most uint64, siblings []byte, text string) {
		p := binary.AppendUvarint(nil, most)
		p = append(append(p, byte(len(siblings))), siblings...)
		g := &gathered{}
		for range 2 {
			g.appendText([]byte(text), NewBuilder(Limits{}).seed)
		}
		e.payloads[payloadColumns+column] = NewEncoder(Fast).appendColumn(p, kindString, g, nil)
	}
	for _, x := range []struct {
		name   string
		change func(s *schema, e *encoding)
		want   string // nothing: no error
	}{
		{"nothing", func(*schema, *encoding) {}, ""},
		{"the same", func(s *schema, e *encoding) {
			s.columns[b].origin = origin{way: waySame, of: a}
			e.payloads[payloadColumns+b] = nil
		}, ""},
		{"the same with a payload", func(s *schema, e *encoding) { s.columns[b].origin = origin{way: waySame, of: a} }, "yet has"},
		{"the same as itself", func(s *schema, e *encoding) { s.columns[b].origin = origin{way: waySame, of: b} }, "has the values of column 2"},
		{"the same as one of another kind", func(s *schema, e *encoding) { s.columns[b].origin = origin{way: waySame, of: n} }, "of kind int"},
		{"the same in a circle", func(s *schema, e *encoding) {
			s.columns[a].origin, s.columns[b].origin = origin{way: waySame, of: b}, origin{way: waySame, of: a}
		}, "way same"},
		{"the same elsewhere", func(s *schema, e *encoding) {
			s.columns[b].origin = origin{way: waySame, of: a}
			s.layouts[0].tokens = append(s.layouts[0].tokens, leaf(b))
		}, "stands elsewhere"},
		{"the same as one that stands more often", func(s *schema, e *encoding) {
			s.columns[b].origin = origin{way: waySame, of: a}
			s.layouts[0].tokens = append(s.layouts[0].tokens, leaf(a))
		}, "stands elsewhere"},
		{"the same as one that stands alone", func(s *schema, e *encoding) {
			s.columns[b].origin = origin{way: waySame, of: a}
			s.layouts = append(s.layouts, &layout{tokens: []token{leaf(0), leaf(a)}})
		}, "stands elsewhere"},
		{"a time", func(s *schema, e *encoding) {
			s.columns[n].origin = origin{way: wayTime, form: timeForm{number: true}}
			e.payloads[payloadColumns+n] = nil
		}, ""},
		{"a time with a payload", func(s *schema, e *encoding) {
			s.columns[n].origin = origin{way: wayTime, form: timeForm{number: true}}
		}, "left over"},
		{"a time with digits for an integer", func(s *schema, e *encoding) {
			s.columns[n].origin = origin{way: wayTime, form: timeForm{number: true, digits: 3}}
		}, "of the form 03"},
		{"a time in a zone that is none", func(s *schema, e *encoding) {
			s.columns[a].origin = origin{way: wayTime, form: timeForm{zone: zones}}
		}, "of the form c0"},
		{"an unknown way", func(s *schema, e *encoding) { s.columns[a].origin.way = ways }, "unknown way 5"},
		{"a way for what has no values", func(s *schema, e *encoding) { s.columns[0].origin.way = wayFixed }, "no values of way fixed"},
		{"fixed", func(s *schema, e *encoding) {
			s.columns[a].origin = origin{way: wayFixed, entries: 2}
			s.shapes[0].entries = []uint32{1}
		}, ""},
		{"fixed to an entry that is none", func(s *schema, e *encoding) {
			s.columns[a].origin = origin{way: wayFixed, entries: 2}
			s.shapes[0].entries = []uint32{2}
		}, "entry: 2 is not below 2"},
		{"fixed with an entry missing", func(s *schema, e *encoding) { s.columns[a].origin = origin{way: wayFixed, entries: 2} }, "cut off"},
		{"a layout that is none", func(s *schema, e *encoding) { s.shapes[0].number = 1 }, "layout: 1 is not below 1"},
		{"quoting", func(s *schema, e *encoding) {
			s.columns[b].origin = origin{way: wayQuoting, depth: 1}
			quote(e, b, 20, []byte{a, n, c}, "I say \xff\x00, \xff\x01 and \xff\x02!")
		}, ""},
		{"quoting what is fixed", func(s *schema, e *encoding) {
			s.columns[a].origin = origin{way: wayFixed, entries: 2}
			s.shapes[0].entries = []uint32{1}
			s.columns[b].origin = origin{way: wayQuoting, depth: 1}
			quote(e, b, 20, []byte{a}, "\xff\x00")
		}, ""},
		{"quoting what is fixed elsewhere", func(s *schema, e *encoding) {
			s.columns = append(s.columns, columnDef{kind: kindString, name: "f", origin: origin{way: wayFixed, entries: 1}})
			e.payloads = append(e.payloads, noTexts)
			s.columns[b].origin = origin{way: wayQuoting, depth: 1}
			quote(e, b, 20, []byte{5}, "\xff\x00")
		}, "quotes column f (string), which it has not"},
		{"quoting what quotes", func(s *schema, e *encoding) {
			s.columns[b].origin = origin{way: wayQuoting, depth: 1}
			quote(e, b, 20, []byte{a}, "I say \xff\x00")
			s.columns[c].origin = origin{way: wayQuoting, depth: 2}
			quote(e, c, 20, []byte{b}, "\xff\x00\xff\x00")
		}, ""},
		{"quoting itself", func(s *schema, e *encoding) {
			s.columns[b].origin = origin{way: wayQuoting, depth: 1}
			quote(e, b, 20, []byte{b}, "\xff\x00")
		}, "way quoting and depth 1"},
		{"quoting in a circle", func(s *schema, e *encoding) {
			s.columns[b].origin, s.columns[c].origin = origin{way: wayQuoting, depth: 2}, origin{way: wayQuoting, depth: 2}
			quote(e, b, 20, []byte{c}, "\xff\x00")
			quote(e, c, 20, []byte{b}, "\xff\x00")
		}, "way quoting and depth 2"},
		{"quoting to a depth over all", func(s *schema, e *encoding) {
			s.columns[b].origin = origin{way: wayQuoting, depth: mostDepth + 1}
		}, "depth of quotations: 5 is over 4"},
		{"a number that quotes", func(s *schema, e *encoding) { s.columns[n].origin = origin{way: wayQuoting, depth: 1} }, "of kind int quotes"},
		{"quoting nobody", func(s *schema, e *encoding) {
			s.columns[b].origin = origin{way: wayQuoting, depth: 1}
			quote(e, b, 20, []byte{a}, "\xff\x01")
		}, "quotes a sibling that is none of 1"},
		{"a quotation cut off", func(s *schema, e *encoding) {
			s.columns[b].origin = origin{way: wayQuoting, depth: 1}
			quote(e, b, 20, []byte{a}, "so \xff")
		}, "quotes a sibling that is none of 1"},
		{"quoting a column with fewer values", func(s *schema, e *encoding) {
			s.columns = append(s.columns, columnDef{kind: kindString, name: "f"})
			e.payloads = append(e.payloads, noTexts)
			s.columns[b].origin = origin{way: wayQuoting, depth: 1}
			quote(e, b, 20, []byte{5}, "\xff\x00")
		}, "quotes column f (string), which it has not"},
		{"too long a text", func(s *schema, e *encoding) {
			s.columns[b].origin = origin{way: wayQuoting, depth: 1}
			quote(e, b, 20, []byte{a}, strings.Repeat("\xff\x00", 21))
		}, "over 20 bytes"},
		{"too long by far", func(s *schema, e *encoding) {
			s.columns[b].origin = origin{way: wayQuoting, depth: 1}
			quote(e, b, mostQuoting+1, []byte{a}, "\xff\x00")
		}, "most bytes: 1048577 is over 1048576"},
	} {
		err := forge(x.change)
		if x.want == "" && err != nil || x.want != "" && (!errors.Is(err, fault.Corrupt) || !strings.Contains(err.Error(), x.want)) {
			t.Errorf("%s: %v, expected … %s …", x.name, err, x.want)
		}
	}
}
