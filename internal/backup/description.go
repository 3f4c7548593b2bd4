// Package backup keeps directories of backups: a pool of immutable files that all backups in it share, and a description of each backup. It
// knows how files get there whole, are found damaged and go; what is in them is its caller's.
package backup

// A description is lines of JSON, each an object, with a newline behind each:
//
//	{"Format":"stele backup","Version":1,"StoreId":…,"Taken":…,…,"Files":2,"Damage":1}
//	{"Kind":"segment","Number":7,"Bytes":…,"Pool":…,"Size":…,"SHA256":…}         as many as Files
//	{"File":…,"Offset":…,"What":…,"Error":…}                                     as many as Damage
//	{"SHA256":…}                                                                 of all bytes before this line
//
// The same without what the pool has is what a store tells of itself to whoever makes a backup of it: a plan.

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/stelehq/stele/internal/fault"
)

const (
	format  = "stele backup"
	version = 1
)

// Kinds of files.
const (
	Segment  = "segment"
	Journal  = "journal"
	Document = "document"
)

// Description says what a backup is made of.
type Description struct {
	StoreID   ID        `json:"StoreId"` // of the store that it is a backup of
	Taken     time.Time // UTC
	Events    int64     // that the snapshot has
	Documents int64
	Added     int64  // bytes that the pool got by it
	Catalog   []byte // opaque here
	Files     []File `json:"-"`
	Damage    []Damage
}

// An ID is that of a store, in text 32 hex digits.
type ID [16]byte

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText writes hex digits.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(id[:], text[:min(len(text), 2*len(id))]); err != nil || n < len(id) || len(text) != 2*len(id) {
		return fault.New(fault.Corrupt, "read backup", "%q is no id of a store", text)
	}
	return nil
}

// File is one file of the store, or the beginning of one that grows.
type File struct {
	Kind    string
	Number  uint64
	Bytes   int64  // of the store's file, from its beginning
	Mark    uint32 // tells files of one number and length apart
	Rows    int64  `json:",omitempty"` // of a segment: its events
	Applied uint64 `json:",omitempty"` // of a segment: the caller's, and so is
	Hidden  int64  `json:",omitempty"` // this
	Last    uint64 `json:",omitempty"` // of a log: the last frame that is known to count

	Pool   string `json:",omitempty"` // the pool's file that has it; empty: in a plan, and if nothing of it was sound
	Size   int64  `json:",omitempty"` // of the pool's file
	SHA256 Sum    `json:",omitzero"`  // of the pool's file
}

// A Sum is a SHA-256, in text hex digits.
type Sum [sha256.Size]byte

// MarshalText writes hex digits.
func (s Sum) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(s[:])), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Sum) UnmarshalText(text []byte) error {
	if n, err := hex.Decode(s[:], text[:min(len(text), 2*len(s))]); err != nil || n < len(s) || len(text) != 2*len(s) {
		return fault.New(fault.Corrupt, "read backup", "%q is no SHA-256", text)
	}
	return nil
}

// Damage is what was found wrong in the store while the backup was made, and is not in it.
type Damage struct {
	File   string
	Offset int64 // fault.NoOffset: of the file as a whole
	What   string
	Error  string
}

// Name is what the pool calls a file of a store: the same for the same bytes.
func (f File) Name(store ID) string { return poolName(store, f.Kind, f.Number, f.Bytes, f.Mark) }

// SalvagedName is the name of a copy that is not what the store should have, but what was sound of it: never that of a whole one.
func (f File) SalvagedName(store ID, size int64, sum Sum) string {
	return poolName(store, f.Kind+"-salvaged", f.Number, size, binary.BigEndian.Uint32(sum[:]))
}

// Salvaged reports whether the pool has but what was sound of the file.
func (f File) Salvaged() bool { return strings.Contains(f.Pool, "-salvaged-") }

func poolName(store ID, kind string, number uint64, bytes int64, mark uint32) string {
	return fmt.Sprintf("%s-%s-%016x-%x-%08x", store, kind, number, bytes, mark)
}

var poolNames = regexp.MustCompile(`^[0-9a-f]{32}-(segment|journal|document)(-salvaged)?-[0-9a-f]{16}-[0-9a-f]{1,16}-[0-9a-f]{8}$`)

// header is the first line.
type header struct {
	Format  string
	Version int
	*Description
	Files, Damage int
}

type trailer struct{ SHA256 Sum }

// Append appends a description. Its texts are valid UTF-8 afterwards, whatever they were.
func Append(dst []byte, d *Description) ([]byte, error) {
	start := len(dst)
	out := bytes.NewBuffer(dst)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(header{format, version, d, len(d.Files), len(d.Damage)}); err != nil {
		return dst, unencodable(err)
	}
	for i := range d.Files {
		if err := enc.Encode(&d.Files[i]); err != nil {
			return dst, unencodable(err)
		}
	}
	for _, found := range d.Damage {
		found.File, found.What, found.Error = valid(found.File), valid(found.What), valid(found.Error)
		if err := enc.Encode(found); err != nil {
			return dst, unencodable(err)
		}
	}
	if err := enc.Encode(trailer{sha256.Sum256(out.Bytes()[start:])}); err != nil {
		return dst, unencodable(err)
	}
	return out.Bytes(), nil
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func unencodable(err error) error {
	return fault.WrapAs(fault.Internal, err, "describe backup", "it cannot be written")
}

// Decode reads what Append wrote. Nothing in src is trusted: the checksum is compared before anything else is looked at, and names are names of the
// pool and of nothing else.
func Decode(src []byte) (*Description, error) {
	const op = "read backup"
	bad := func(format string, args ...any) (*Description, error) {
		return nil, fault.New(fault.Corrupt, op, format, args...)
	}
	// The trailer is the last line.
	body := bytes.TrimSuffix(src, []byte("\n"))
	at := bytes.LastIndexByte(body, '\n') + 1
	var t trailer
	if len(body) == len(src) || at == 0 || json.Unmarshal(body[at:], &t) != nil {
		return bad("expected a checksum in the last line of %d bytes", len(src))
	}
	if found := Sum(sha256.Sum256(src[:at])); found != t.SHA256 {
		return bad("checksum: expected %x, found %x", t.SHA256[:], found[:])
	}
	rest := src[:at]
	next := func(v any) error {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		rest = after
		return json.Unmarshal(line, v)
	}
	var is struct {
		Format  string
		Version int
	}
	first, _, _ := bytes.Cut(rest, []byte("\n"))
	if json.Unmarshal(first, &is) != nil || is.Format != format {
		return bad("expected a %s, found %.100q", format, first)
	}
	if is.Version != version {
		return nil, fault.New(fault.Unsupported, op, "expected %s version %d, found version %d", format, version, is.Version).
			WithHint("use the version of Stele that made it")
	}
	h := header{Description: &Description{}}
	if err := next(&h); err != nil {
		return nil, fault.WrapAs(fault.Corrupt, err, op, "the first line cannot be read")
	}
	d := h.Description
	d.Taken = d.Taken.UTC()
	// Divide rather than multiply: each has a line, of at least two bytes and its end.
	if most := len(rest) / 3; h.Files < 0 || h.Damage < 0 || h.Files > most || h.Damage > most {
		return bad("%d files and %d lines of damage in %d bytes", h.Files, h.Damage, len(rest))
	}
	d.Files, d.Damage = nil, nil
	for i := range h.Files {
		var f File
		if err := next(&f); err != nil {
			return nil, fault.WrapAs(fault.Corrupt, err, op, "file %d of %d cannot be read", i, h.Files)
		}
		if err := f.check(); err != nil {
			return nil, fault.Wrap(err, op, "file %d of %d", i, h.Files)
		}
		d.Files = append(d.Files, f)
	}
	for i := range h.Damage {
		var found Damage
		if err := next(&found); err != nil {
			return nil, fault.WrapAs(fault.Corrupt, err, op, "damage %d of %d cannot be read", i, h.Damage)
		}
		d.Damage = append(d.Damage, found)
	}
	if len(rest) > 0 {
		return bad("%d bytes more than %d files and %d lines of damage", len(rest), h.Files, h.Damage)
	}
	return d, nil
}

func (f *File) check() error {
	switch {
	case f.Kind != Segment && f.Kind != Journal && f.Kind != Document:
		return fault.New(fault.Corrupt, "read backup", "a file of the kind %.40q", f.Kind)
	case f.Bytes < 0 || f.Size < 0 || f.Rows < 0 || f.Number > 1<<63-1:
		return fault.New(fault.Corrupt, "read backup", "file %d has %d bytes, %d of them in the pool", f.Number, f.Bytes, f.Size)
	case f.Pool != "" && !poolNames.MatchString(f.Pool):
		return fault.New(fault.Corrupt, "read backup", "%.100q is no name of the pool", f.Pool)
	}
	return nil
}
