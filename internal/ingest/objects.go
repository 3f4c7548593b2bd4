package ingest

import (
	"time"

	"github.com/stelehq/stele/internal/event"
)

// ObjectOptions says how Objects reads. The zero value detects everything.
type ObjectOptions struct {
	// Members that hold what CLEF calls @t, @m and @l; dots lead into objects. Empty: detected.
	TimeField, MessageField, LevelField string

	Zone   *time.Location // of times that name none; nil: UTC (R3)
	Latest time.Time      // dates without a year are at most a day later; zero: than ObjectContext.Instant

	// KeepLevels leaves the words of levels as they are. Else they become Serilog's names, as numbers always do.
	KeepLevels bool
}

// ObjectContext is what is known of one object besides its text.
type ObjectContext struct {
	Instant int64  // the time of an object that gives none
	Fixed   bool   // Instant is the time, whatever the object gives
	Level   string // the level of an object that gives none; empty: no @l
	Message []byte // the same for its message

	// Extra is members to add, as JSON without braces: "_index":"a","_id":"1". They stand before the
	// object's own members, of which one with the same name counts therefore, and both are kept.
	Extra []byte
}

// ObjectFound is what an object was read as.
type ObjectFound struct {
	Instant int64
	Dated   bool // the object gives its time; else it is the context's
}

// Objects turns JSON objects in the dialects of logging libraries and services into CLEF. It adds
// @t, @l, @m or @mt, @x, @tr and @sp in front and removes nothing (R9):
//
//	{"ts":1669575482.09,"level":"info","msg":"up"}
//	{"@t":"2022-11-27T18:58:02.0900000Z","@l":"Information","@m":"up","ts":1669575482.09,"level":"info","msg":"up"}
//
// Members that already are CLEF keep their meaning; others that are called so are escaped. It allocates nothing
// once its buffers have grown. Not for concurrent use; it may be kept in a sync.Pool.
type Objects struct {
	calendar   calendar
	keepLevels bool

	// Where each is looked for, first to last.
	times, levels, messages, templates []fieldPath

	namedTime, namedLevel bool // named by the user: any number, any word

	inner  *Objects // of objects in a member of another
	nested bool     // this is one of them

	scan    objectScan
	clef    uint16 // members that are CLEF, a bit for each of reservedNames
	text    []byte // a decoded string
	scratch []byte
}

// NewObjects returns a reader of objects.
func NewObjects(o ObjectOptions) *Objects {
	x := &Objects{
		calendar: calendar{latest: o.Latest, zone: o.Zone}, keepLevels: o.KeepLevels,
		times: timeFields, levels: levelFields, messages: messageFields, templates: templateFields,
	}
	x.scan.known = knownNames
	if o.TimeField != "" || o.LevelField != "" || o.MessageField != "" {
		x.scan.known = knownNames.clone()
	}
	if o.TimeField != "" {
		x.times, x.namedTime = x.scan.known.named(o.TimeField), true
	}
	if o.LevelField != "" {
		x.levels, x.namedLevel = x.scan.known.named(o.LevelField), true
	}
	if o.MessageField != "" {
		x.messages, x.templates = x.scan.known.named(o.MessageField), nil
	}
	return x
}

// Append appends to dst the CLEF of a text that is one JSON object. The error is a fault.Invalid
// that says at which byte the text is none; dst is then returned as it was.
func (o *Objects) Append(dst, object []byte, c ObjectContext) (clef []byte, found ObjectFound, err error) {
	if err := o.scan.scan(object); err != nil {
		return dst, found, err
	}
	clef, found = o.appendScanned(dst, &c)
	return clef, found, nil
}

// appendScanned appends the CLEF of the object that was scanned.
func (o *Objects) appendScanned(dst []byte, c *ObjectContext) (clef []byte, found ObjectFound) {
	if o.calendar.latest.IsZero() {
		o.calendar.latest = time.Unix(0, c.Instant)
		defer func() { o.calendar.latest = time.Time{} }()
	}
	if !o.nested {
		if clef, found, ok := o.appendInside(dst, c); ok {
			return clef, found
		}
	}
	misnamed := false // a name of CLEF with another meaning
	o.clef = 0
	if o.scan.marked {
		o.clef, misnamed = o.reserved()
		if c.Fixed && o.clef&clefTime != 0 {
			o.clef, misnamed = o.clef&^clefTime, true
		}
	}
	found.Instant = c.Instant
	dst = append(dst, '{')
	empty := len(dst)
	switch {
	case o.clef&clefTime != 0:
		v, _ := o.scan.find("@t")
		found.Instant, found.Dated = o.timeValue(v, false)
	case !c.Fixed:
		if instant, ok := o.time(); ok {
			found = ObjectFound{instant, true}
		}
		fallthrough
	default:
		dst = append(dst, `"@t":"`...)
		dst = event.AppendTime(dst, found.Instant)
		dst = append(dst, '"')
	}
	dst = o.appendFound(dst, empty, c)
	if len(c.Extra) > 0 {
		dst = append(comma(dst, empty), c.Extra...)
	}
	switch {
	case o.scan.Len() == 0:
	case !misnamed:
		dst = append(comma(dst, empty), o.scan.All()...)
	default:
		for i := range o.scan.Len() {
			dst = append(comma(dst, empty), '"')
			name := o.scan.RawName(i)
			if bit := reservedBit(name); bit != 0 && o.clef&bit == 0 {
				dst = append(dst, '@') // a user's member that only happens to be called so, escaped as CLEF says
			}
			dst = append(append(dst, name...), `":`...)
			dst = append(dst, o.scan.Value(i)...)
		}
	}
	return append(dst, '}'), found
}

// comma separates a member from what came before it in dst[empty:].
func comma(dst []byte, empty int) []byte {
	if len(dst) > empty {
		return append(dst, ',')
	}
	return dst
}

// appendFound appends what is found besides the time.
func (o *Objects) appendFound(dst []byte, empty int, c *ObjectContext) []byte {
	var m objectMessage
	if o.clef&(clefMessage|clefTemplate) == 0 {
		m = o.message(c.Message)
	}
	if o.clef&clefLevel == 0 {
		dst = o.appendLevel(dst, empty, m.status, c.Level)
	}
	dst = o.appendMessage(dst, empty, &m)
	if o.clef&clefException == 0 {
		dst = o.appendException(dst, empty)
	}
	if o.clef&clefTrace == 0 {
		dst = o.appendHex(dst, empty, `"@tr":"`, traceFields, 32)
	}
	if o.clef&clefSpan == 0 {
		dst = o.appendHex(dst, empty, `"@sp":"`, spanFields, 16)
	}
	return dst
}

// reservedNames are the names that CLEF gives a meaning, with the first bytes of the values that have it.
var reservedNames = [...]struct{ name, kinds string }{
	{"@t", `"`}, {"@m", `"`}, {"@mt", `"`}, {"@l", `"`}, {"@x", `"`}, {"@i", `"-0123456789`}, {"@r", `[`},
	{"@tr", `"`}, {"@sp", `"`}, {"@ps", `"`}, {"@st", `"`}, {"@sk", `"`}, {"@ra", `{`}, {"@sa", `{`},
}

// Bits of some of them.
const (
	clefTime = 1 << iota
	clefMessage
	clefTemplate
	clefLevel
	clefException
	_
	_
	clefTrace
	clefSpan
)

// reservedBit returns the bit of a name of CLEF, 0 if it is none.
func reservedBit(name []byte) uint16 {
	if len(name) < 2 || len(name) > 3 || name[0] != '@' {
		return 0
	}
	for i := range reservedNames {
		if string(name) == reservedNames[i].name {
			return 1 << i
		}
	}
	return 0
}

// reserved finds the members that have not only a name of CLEF's but also the kind of value that it
// gives a meaning. Of duplicates, all must. misnamed says that there are others.
func (o *Objects) reserved() (clef uint16, misnamed bool) {
	var others uint16
	for i := range o.scan.Len() {
		bit := reservedBit(o.scan.RawName(i))
		if bit == 0 {
			continue
		}
		if o.isCLEF(bit, o.scan.Value(i)) {
			clef |= bit
		} else {
			others |= bit
		}
	}
	return clef &^ others, others != 0
}

func (o *Objects) isCLEF(bit uint16, value []byte) bool {
	i := 0
	for bit>>i != 1 {
		i++
	}
	r := &reservedNames[i]
	fits := false
	for k := range len(r.kinds) {
		fits = fits || value[0] == r.kinds[k]
	}
	if fits && (r.name == "@t" || r.name == "@st") {
		var text []byte
		text, o.scratch, _ = stringOf(value, o.scratch)
		_, _, err := event.ParseTime(text)
		return err == nil
	}
	return fits
}

// appendHex adds an id of so many hexadecimal digits, not all of them 0.
func (o *Objects) appendHex(dst []byte, empty int, member string, paths []fieldPath, digits int) []byte {
	for i := range paths {
		v, ok := o.scan.lookup(paths[i])
		if !ok {
			continue
		}
		text, ok := textOf(v)
		if !ok {
			continue
		}
		if at := len(text) - digits; at > 0 && text[at-1] == '/' { // projects/p/traces/ID
			text = text[at:]
		}
		if len(text) == digits && isID(text) {
			dst = append(comma(dst, empty), member...)
			return append(append(dst, text...), '"')
		}
	}
	return dst
}

func isID(text []byte) bool {
	some := false
	for _, c := range text {
		if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
		some = some || c != '0'
	}
	return some
}
