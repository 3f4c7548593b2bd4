package column

import (
	"encoding/binary"
	"math"
	"slices"
)

// Times are texts such as 2026-11-21T16:05:09.123Z: a date, one byte, a time of day, up to nine digits of a second behind a point or a comma,
// and a constant text behind it all, such as the zone's. The clock is kept as it reads: no zone is taken off.
//
//	+--------+-----------------+-------------------------------------------------------------------------------------+
//	| chunks | formats (uvarint)| for each: byte between date and time, point, digits (byte), text behind (with length) |
//	+--------+-----------------+-------------------------------------------------------------------------------------+
//	| format of each (integers, below formats; nothing if there is one) | unit (uvarint) | first (varint)               |
//	+--------------------------------------------------------------------+----------------+---------------------------+
//	| for each (clock - first) / unit (integers)                         | exceptions                                 |
//	+--------------------------------------------------------------------+--------------------------------------------+
//
// The clock counts from 1970 on, in the fraction of a second that the most digits of a format give. Years are 0000 to 9999. The exceptions
// are those of ids (textid.go); their clock is the one before.
type times struct {
	formats []timeFormat
	which   *Ints // nil: all have formats[0]
	unit    int64
	first   int64
	clock   *Ints
	scale   int64 // of a second
	except  exceptions
}

type timeFormat struct {
	between byte
	point   byte
	digits  int
	behind  string
}

const (
	timeHead    = len("2006-01-02T15:04:05")
	maxBehind   = 16
	maxFormats  = 32
	maxFraction = 9
)

var tens = [...]int64{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// parseTime reads a time; second is the clock's, fraction that behind the point.
func parseTime(v []byte) (f timeFormat, second, fraction int64, ok bool) {
	if len(v) < timeHead || v[4] != '-' || v[7] != '-' || v[13] != ':' || v[16] != ':' || v[10]-'0' <= 9 {
		return f, 0, 0, false
	}
	bad := byte(0)
	two := func(i int) int64 {
		high, low := v[i]-'0', v[i+1]-'0'
		if high > 9 || low > 9 {
			bad = 1
		}
		return int64(high)*10 + int64(low)
	}
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, minute, sec := two(11), two(14), two(17)
	if bad != 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || sec > 59 {
		return f, 0, 0, false
	}
	f.between = v[10]
	rest := v[timeHead:]
	if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') && rest[1]-'0' <= 9 {
		f.point = rest[0]
		for rest = rest[1:]; len(rest) > 0 && rest[0]-'0' <= 9; rest = rest[1:] {
			if f.digits++; f.digits > maxFraction {
				return f, 0, 0, false
			}
			fraction = fraction*10 + int64(rest[0]-'0')
		}
	}
	if len(rest) > maxBehind || len(rest) > 0 && rest[0]-'0' <= 9 {
		return f, 0, 0, false
	}
	f.behind = string(rest)
	return f, days(year, month, day)*86400 + hour*3600 + minute*60 + sec, fraction, true
}

func daysIn(year, month int64) int64 {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// days counts the days since 1970-01-01 in the proleptic Gregorian calendar; years begin in March (Howard Hinnant, "chrono-Compatible
// Low-Level Date Algorithms").
func days(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := (year + 400) / 400 // years from -400 on
	ofEra := year + 400 - era*400
	ofYear := (153*(month-3)+2)/5 + day - 1
	ofDays := ofEra*365 + ofEra/4 - ofEra/100 + ofYear
	return (era-1)*146097 + ofDays - 719468
}

// date is the inverse of days.
func date(d int64) (year, month, day int64) {
	d += 719468 + 146097
	era := d / 146097
	ofEra := d - era*146097
	year = (ofEra - ofEra/1460 + ofEra/36524 - ofEra/146096) / 365
	ofYear := ofEra - (365*year + year/4 - year/100)
	m := (5*ofYear + 2) / 153
	day = ofYear - (153*m+2)/5 + 1
	month = m + 3
	if month > 12 {
		month -= 12
		year++
	}
	return year + (era-1)*400, month, day
}

var firstSecond, lastSecond = days(0, 1, 1) * 86400, days(9999, 12, 31)*86400 + 86399

// times appends l as times; false if too few of its texts are.
func (e *Encoder) times(dst []byte, l *list, c *Choice) ([]byte, bool) {
	misses := 0
	sample := e.sample(l.n(), 64)
	for _, i := range sample {
		if _, _, _, ok := parseTime(l.at(i)); !ok {
			if misses++; misses > len(sample)/8 {
				return dst, false
			}
		}
	}
	var formats []timeFormat
	which, clock, fractions := make([]int64, l.n()), make([]int64, l.n()), make([]int64, l.n())
	var at []int64
	var odd list
	digits := 0
	for i := range l.n() {
		v := l.at(i)
		f, second, fraction, ok := parseTime(v)
		k := -1
		if ok {
			if k = slices.Index(formats, f); k < 0 && len(formats) < maxFormats {
				formats = append(formats, f)
				k = len(formats) - 1
				digits = max(digits, f.digits)
			}
		}
		if k < 0 {
			at = append(at, int64(i))
			odd.add(v)
			if len(at) > l.n()/8 {
				return dst, false
			}
			which[i], clock[i] = -1, 0
			continue
		}
		which[i], clock[i], fractions[i] = int64(k), second, fraction
	}
	if len(formats) == 0 {
		return dst, false
	}
	scale := tens[digits]
	known := false               // first is
	reach := int64(4e18) / scale // in nanoseconds 126 years either way, so that differences fit too
	var first, last int64
	unit := uint64(0)
	for i, k := range which {
		if clock[i] > reach || clock[i] < -reach {
			return dst, false
		}
		if k < 0 {
			which[i] = 0
			clock[i] = last
			continue
		}
		t := clock[i]*scale + fractions[i]*tens[digits-formats[k].digits]
		if !known {
			known, first, last = true, t, t
		}
		unit = gcd(unit, uint64(max(t, last)-min(t, last)))
		clock[i], last = t, t
	}
	unit = max(unit, 1)
	step := int64(min(unit, math.MaxInt64))
	x := 0
	for i := range clock {
		if x < len(at) && at[x] == int64(i) {
			x++
			if i == 0 {
				clock[i] = first
			} else {
				clock[i] = clock[i-1]*step + first
			}
		}
		clock[i] = (clock[i] - first) / step
	}
	dst = append(dst, textTimes|cleanBit(l.bytes))
	dst, _ = appendChunks(dst, l)
	dst = binary.AppendUvarint(dst, uint64(len(formats)))
	for _, f := range formats {
		dst = append(dst, f.between, f.point, byte(f.digits))
		dst = binary.AppendUvarint(dst, uint64(len(f.behind)))
		dst = append(dst, f.behind...)
	}
	if len(formats) > 1 {
		dst = e.Ints(dst, which, c.Part(partWhich))
	}
	dst = binary.AppendUvarint(dst, uint64(step))
	dst = binary.AppendVarint(dst, first)
	dst = e.Ints(dst, clock, c.Part(partClock))
	return e.exceptions(dst, at, &odd, c), true
}

func (d *textSource) times(t *TextReader) {
	d.chunked(t)
	p := &times{}
	count := d.Number("formats", maxFormats)
	if count == 0 {
		d.Fail("no format")
	}
	digits := 0
	for range count {
		f := timeFormat{between: d.Byte("format"), point: d.Byte("format"), digits: int(d.Byte("format")), behind: d.Text("format")}
		if f.digits > maxFraction {
			d.Fail("%d digits of a second", f.digits)
			return
		}
		digits = max(digits, f.digits)
		p.formats = append(p.formats, f)
	}
	if count > 1 {
		p.which = d.ints("formats", t.n, Below(count))
	}
	p.scale = tens[digits]
	p.unit, p.first = int64(d.Uvarint("unit")), d.Varint("first")
	p.clock = d.ints("clocks", t.n, AnyInt)
	p.except = d.exceptions(t.n)
	t.maker = p
}

func (p *times) appendTexts(dst *list, from, to, limit int) error {
	clock := make([]int64, to-from)
	p.clock.Fill(clock, from)
	var which []int64
	if p.which != nil {
		which = make([]int64, to-from)
		p.which.Fill(which, from)
	}
	x := p.except.from(from)
	odd := p.except.next(x)
	day, year, month, dayOf := int64(-1<<62), int64(0), int64(0), int64(0)
	for i := from; i < to; i++ {
		if i == odd {
			if err := p.except.add(dst, x, limit); err != nil {
				return err
			}
			x++
			odd = p.except.next(x)
			continue
		}
		f := &p.formats[0]
		if which != nil {
			f = &p.formats[which[i-from]]
		}
		if timeHead+10+len(f.behind) > limit-len(dst.bytes)+10 {
			return corrupt("text %d has too many bytes", i)
		}
		t := clock[i-from]*p.unit + p.first // what overflows here gives some other time
		second := t / p.scale
		fraction := t - second*p.scale
		if fraction < 0 {
			second, fraction = second-1, fraction+p.scale
		}
		if second < firstSecond || second > lastSecond {
			return corrupt("time %d is in no year of four digits", i)
		}
		if d := second - firstSecond; d/86400 != day {
			day = d / 86400
			year, month, dayOf = date(day + firstSecond/86400)
		}
		of := second - firstSecond - day*86400
		b := dst.bytes
		b = appendTwo(appendTwo(b, year/100), year%100)
		b = appendTwo(append(b, '-'), month)
		b = appendTwo(append(b, '-'), dayOf)
		b = appendTwo(append(b, f.between), of/3600)
		b = appendTwo(append(b, ':'), of/60%60)
		b = appendTwo(append(b, ':'), of%60)
		if f.digits > 0 {
			b = append(b, f.point)
			for k := p.scale / 10; k > 0 && k >= p.scale/tens[f.digits]; k /= 10 {
				b = append(b, byte('0'+fraction/k%10))
			}
		}
		dst.bytes = append(b, f.behind...)
		dst.end()
	}
	return nil
}

func appendTwo(dst []byte, v int64) []byte { return append(dst, byte('0'+v/10), byte('0'+v%10)) }
