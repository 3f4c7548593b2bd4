package column

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Texts are byte strings. The lowest seven bits of the first byte name the form, the highest says that no text needs an escape in JSON:
//
//	plain       lengths (integers) | bytes                                                        textplain.go
//	packed      chunks | lengths (integers) | for each chunk: stored bytes (uvarint), the bytes   textplain.go
//	dictionary  entries (uvarint) | codes (integers) | entries (texts)                            textdict.go
//	back        entries (uvarint) | distances (integers) | entries (texts)                        textdict.go
//	ids         chunks | template | digits | exceptions                                           textid.go
//	times       chunks | formats | instants | exceptions                                          texttime.go
//	patterns    chunks | patterns (texts) | which (integers) | variables (integers or texts)      textpattern.go
//	lines       chunks | lines of each (integers) | lines (texts)                                 textlines.go
//
// A form that makes its texts does so chunk by chunk. Its chunks:
//
//	+------------------------------------+-------------------------------------------+
//	| s (byte): 1 << s values in a chunk | bytes of the texts of each chunk (uvarint) |
//	+------------------------------------+-------------------------------------------+
//
// What a column takes when all of it is read, in bytes of texts that are made, four for the end of a plain text and eight for an integer, is at
// most 4,096 times its own bytes, 32 for each of its values, and slack: columns inside a column can't be a trap.
const (
	textPlain      = 0
	textDictionary = 1
	textPacked     = 2
	textBack       = 3
	textIDs        = 4
	textTimes      = 5
	textPatterns   = 6
	textLines      = 7
	textForms      = 8

	textClean = 0x80

	textExpansion = 4096
	textPerValue  = 32
	textSlack     = 4096
	textDepth     = 8 // texts in texts

	chunkShift = 12 // values in a chunk, unless they are long
	chunkBytes = 512 << 10
)

// Texts is a column to write. Entry j ends at Ends[j] of Bytes; value i is entry Codes[i], or entry i if Codes is nil.
type Texts struct {
	Bytes []byte
	Ends  []uint32
	Codes []uint32
	Total int // bytes of all values; 0 if that has not been counted
}

// A list is byte strings one after the other.
type list struct {
	bytes []byte
	ends  []uint32
}

func (l *list) n() int { return len(l.ends) }

func (l *list) start(i int) int {
	if i == 0 {
		return 0
	}
	return int(l.ends[i-1])
}

func (l *list) at(i int) []byte { return l.bytes[l.start(i):l.ends[i]:l.ends[i]] }

func (l *list) add(v []byte) {
	l.bytes = append(l.bytes, v...)
	l.end()
}

func (l *list) end() { l.ends = append(l.ends, uint32(len(l.bytes))) }

// TextReader reads texts at random. Safe for concurrent use.
type TextReader struct {
	n       int
	form    byte
	clean   bool // as the form's byte says
	room    uint64
	account *Account

	// plain
	length int      // of each, if ends is nil
	ends   []uint32 // where each ends
	bytes  []byte
	scan   sync.Once // sets clean

	// dictionary, back
	codes     *Ints
	entries   *TextReader
	once      sync.Once
	resolved  []byte // back: the codes
	codeWidth int    // bytes of each

	// made
	maker  maker
	shift  uint8
	sizes  []uint32 // of the chunks
	chunks []atomic.Pointer[list]
}

// A maker makes the texts from from up to to; it stops when they take more than limit bytes. What it finds wrong it returns.
type maker interface {
	appendTexts(dst *list, from, to, limit int) error
}

// ReadTexts reads n texts off src and returns what follows them.
func ReadTexts(src []byte, n int, a *Account) (t *TextReader, rest []byte, err error) {
	d := &Decoder{Src: src}
	t = d.Texts("texts", n, a)
	return t, d.Src, d.err
}

// Texts reads n texts, which can be used only if there is no error.
func (d *Decoder) Texts(what string, n int, a *Account) *TextReader {
	budget := uint64(len(d.Src))*textExpansion + uint64(n)*textPerValue + textSlack
	r := textSource{Decoder: d, account: a, budget: budget}
	t := r.texts(what, n)
	t.room = budget - r.budget
	return t
}

// Room is how many bytes the texts may take in memory when all are read, but for those that stand in the column as they are.
func (t *TextReader) Room() uint64 { return t.room }

// A textSource reads texts and those inside them.
type textSource struct {
	*Decoder
	account *Account
	budget  uint64 // bytes that may yet be taken
	depth   int
}

// take refuses what would take more than is left.
func (d *textSource) take(size uint64) bool {
	if size > d.budget {
		d.Fail("texts would take over %d bytes more", d.budget)
		return false
	}
	d.budget -= size
	return true
}

func (d *textSource) ints(what string, n int, r Bounds) *Ints {
	if !d.take(8 * uint64(n)) {
		return &Ints{}
	}
	return d.Ints(what, n, r, d.account)
}

// texts reads n texts. The result can be used only if there is no error.
func (d *textSource) texts(what string, n int) *TextReader {
	if d.depth++; d.depth > textDepth {
		d.Fail("%s: over %d levels", what, textDepth)
	}
	defer func() { d.depth-- }()
	form := d.Byte(what)
	t := &TextReader{n: n, form: form &^ textClean, clean: form&textClean != 0, account: d.account}
	if d.Err() != nil {
		return t
	}
	switch t.form {
	case textPlain:
		d.plain(t)
	case textDictionary, textBack:
		d.dictionary(t)
	case textPacked:
		d.packed(t)
	case textIDs:
		d.ids(t)
	case textTimes:
		d.times(t)
	case textPatterns:
		d.patterns(t)
	case textLines:
		d.lines(t)
	default:
		d.Fail("%s: unknown form %d", what, t.form)
	}
	d.account.Take(200 + 4*len(t.sizes) + 8*len(t.chunks))
	return t
}

// chunked reads the chunks of a form that makes its texts.
func (d *textSource) chunked(t *TextReader) {
	t.shift = d.Byte("size of a chunk")
	if t.shift > chunkShift {
		d.Fail("chunks of 2^%d texts", t.shift)
	}
	if d.Err() != nil {
		return
	}
	count := t.chunkCount()
	if count > len(d.Src) {
		d.Fail("%d chunks do not fit in %d bytes", count, len(d.Src))
		return
	}
	t.sizes = make([]uint32, count)
	for i := range t.sizes {
		size := d.Uvarint("bytes of a chunk")
		if size > 1<<31 || !d.take(size) {
			d.Fail("a chunk of %d bytes", size)
			return
		}
		t.sizes[i] = uint32(size)
	}
	t.chunks = make([]atomic.Pointer[list], count)
}

func (t *TextReader) chunkCount() int { return (t.n + 1<<t.shift - 1) >> t.shift }

// Len is how many texts there are.
func (t *TextReader) Len() int { return t.n }

// At returns text i, which must be in range; it must not be changed.
func (t *TextReader) At(i int) []byte {
	for t.entries != nil {
		i = t.Code(i)
		t = t.entries
	}
	if t.maker == nil {
		if t.ends == nil {
			return t.bytes[i*t.length : (i+1)*t.length : (i+1)*t.length]
		}
		start := uint32(0)
		if i > 0 {
			start = t.ends[i-1]
		}
		return t.bytes[start:t.ends[i]:t.ends[i]]
	}
	return t.chunkAt(i >> t.shift).at(i & (1<<t.shift - 1))
}

// chunkAt returns a chunk, which it makes if need be.
func (t *TextReader) chunkAt(c int) *list {
	if l := t.chunks[c].Load(); l != nil {
		return l
	}
	return t.chunk(c)
}

// chunk makes a chunk. What two make at the same time, one keeps.
func (t *TextReader) chunk(c int) *list {
	from := c << t.shift
	to := min(t.n, from+1<<t.shift)
	size := int(t.sizes[c])
	l := &list{bytes: make([]byte, 0, size), ends: make([]uint32, 0, to-from)}
	err := t.maker.appendTexts(l, from, to, size)
	if err == nil && (len(l.bytes) != size || len(l.ends) != to-from) {
		err = corrupt("%d texts from %d on have %d bytes, %d expected", len(l.ends), from, len(l.bytes), size)
	}
	if err == nil && t.clean && !needsNoEscape(l.bytes) {
		err = corrupt("texts from %d on need an escape, which none should", from)
	}
	if err != nil {
		t.account.Fail(err)
		l = &list{ends: make([]uint32, to-from)}
	}
	if t.chunks[c].CompareAndSwap(nil, l) {
		t.account.Take(cap(l.bytes) + 4*cap(l.ends) + 48)
	}
	return t.chunks[c].Load()
}

// Load makes all texts that are made when first touched.
func (t *TextReader) Load() {
	switch {
	case t.form == textBack:
		t.once.Do(t.resolve)
		t.entries.Load()
	case t.entries != nil:
		t.codes.Load()
		t.entries.Load()
	case t.maker != nil:
		for i := 0; i < t.n; i += 1 << t.shift {
			t.At(i)
		}
	}
}

// Entries is how many texts the dictionary has, Entry one of them, and Code says which one value i is. 0 entries: there is no dictionary.
func (t *TextReader) Entries() int {
	if t.entries == nil {
		return 0
	}
	return t.entries.n
}

func (t *TextReader) Entry(i int) []byte { return t.entries.At(i) }

// Codes sets dst to the codes from value i on.
func (t *TextReader) Codes(dst []int64, i int) {
	if t.form != textBack {
		t.codes.Fill(dst, i)
		return
	}
	w := t.CodeWindow(i)
	for j := range dst {
		dst[j] = int64(w.U(i + j))
	}
}

// Append appends n texts from i on to text, and where each ends to ends.
func (t *TextReader) Append(text []byte, ends []uint32, i, n int) ([]byte, []uint32) {
	for n > 0 {
		part, from, to := list{t.bytes, t.ends}, i, i+n
		switch {
		case t.entries != nil || t.maker == nil && t.ends == nil:
			for ; i < to; i++ {
				text = append(text, t.At(i)...)
				ends = append(ends, uint32(len(text)))
			}
			return text, ends
		case t.maker != nil:
			to = min(to, (i>>t.shift+1)<<t.shift)
			t.At(i)
			part = *t.chunks[i>>t.shift].Load()
			from, to = i&(1<<t.shift-1), to-i>>t.shift<<t.shift
		}
		start := part.start(from)
		moved := uint32(len(text) - start)
		text = append(text, part.bytes[start:part.ends[to-1]]...)
		for _, end := range part.ends[from:to] {
			ends = append(ends, end+moved)
		}
		i, n = i+to-from, n-(to-from)
	}
	return text, ends
}

func (t *TextReader) Code(i int) int {
	if t.form == textBack {
		w := t.CodeWindow(i)
		return int(w.U(i))
	}
	return int(t.codes.At(i))
}

// Clean says whether no text needs an escape as JSON: control characters, quotation marks, backslashes and lone surrogates do.
func (t *TextReader) Clean() bool {
	switch {
	case t.entries != nil:
		return t.entries.Clean()
	case t.maker == nil:
		t.scan.Do(func() { t.clean = needsNoEscape(t.bytes) })
	}
	return t.clean
}

// needsNoEscape says whether JSON takes s as it is. 0xED may begin a lone surrogate.
func needsNoEscape(s []byte) bool {
	const low, high = 0x0101010101010101, 0x8080808080808080
	for len(s) >= 8 {
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		// A byte of v is zero where the highest bit of (v - low) &^ v is set, or a byte below it in the word was.
		quote, slash, mark := w^('"'*low), w^('\\'*low), w^(0xED*low)
		if ((w-' '*low)&^w|(quote-low)&^quote|(slash-low)&^slash|(mark-low)&^mark)&high != 0 {
			if !cleanBytes(s[:8]) {
				return false
			}
		}
		s = s[8:]
	}
	return cleanBytes(s)
}

func cleanBytes(s []byte) bool {
	for _, c := range s {
		if c < ' ' || c == '"' || c == '\\' || c == 0xED {
			return false
		}
	}
	return true
}

// Form says in words how the texts are written.
func (t *TextReader) Form() string {
	if t.entries != nil {
		return fmt.Sprintf("%s of %d, codes %s, texts %s", textNames[t.form], t.entries.n, t.codes.Form(), t.entries.Form())
	}
	return textNames[t.form]
}

var textNames = [textForms]string{"plain", "dictionary", "packed", "distances", "ids", "times", "patterns", "lines"}
