package ingest

import (
	"bytes"

	"github.com/stelehq/stele/internal/fault"
)

// bulkDialect reads bodies of Elasticsearch's _bulk as they lie in files: a line that says what to do, and below it the document
// (elastic.co, Bulk API). The members of the action become properties of the event, which begins with it.
//
//	{"index":{"_index":"logs","_id":"1"}}
//	{"@timestamp":"2018-02-27T22:26:39Z","message":"m"}
//	{"delete":{"_index":"logs","_id":"2"}}
type bulkDialect struct {
	json   *jsonDialect
	action string   // of the document that comes next; empty: none is awaited
	meta   []byte   // its members
	at     fileLine // the action's; number 0 if there was none
	scan   objectScan

	replaced bool // bytes of the action, or of an update, were
}

// bulkActions are what an action line may say, and whether a document follows.
var bulkActions = [...]struct {
	name      string
	documents bool
}{{"index", true}, {"create", true}, {"update", true}, {"delete", false}}

// actionOf reads an action line: its name, whether a document follows, and its members.
func actionOf(s *objectScan, line []byte) (action string, document bool, meta []byte) {
	if s.scan(line) != nil || s.Len() != 1 || s.Value(0)[0] != '{' {
		return "", false, nil
	}
	for _, a := range bulkActions {
		if string(s.RawName(0)) == a.name {
			meta = s.Value(0)
			return a.name, a.documents, meta[1 : len(meta)-1]
		}
	}
	return "", false, nil
}

// fitsBulk wants the first line and every other, or nearly so, to be actions.
func fitsBulk(s *sample) int {
	scan := objectScan{lenient: true}
	actions := 0
	for i, line := range s.lines {
		if line[0] == '{' {
			if action, _, _ := actionOf(&scan, line); action != "" {
				actions++
				continue
			}
		}
		if i == 0 && !isBulkRequest(line) || i == 1 && actions == 0 {
			return 0
		}
	}
	if actions == 0 || actions*5 < len(s.lines)*2 {
		return 0
	}
	return 100
}

// isBulkRequest recognises the line that the consoles of Elasticsearch put before a body.
func isBulkRequest(line []byte) bool {
	return (bytes.HasPrefix(line, []byte("POST ")) || bytes.HasPrefix(line, []byte("PUT "))) && bytes.Contains(line, []byte("_bulk"))
}

func openBulk(o *FileOptions, c calendar, s *sample) (dialect, error) {
	scan := objectScan{lenient: true}
	var documents [][]byte
	for _, line := range s.lines {
		if action, _, _ := actionOf(&scan, line); action == "" {
			documents = append(documents, line)
		}
	}
	return &bulkDialect{json: newJSONDialect(*o, c, documents), scan: scan}, nil
}

func (d *bulkDialect) describe() string { return "Elasticsearch bulk" }

func (d *bulkDialect) first(s *sample) (int64, bool) { return d.json.first(s) }

func (d *bulkDialect) next(f *FileReader) bool {
	for {
		line, ok := f.line()
		if !ok {
			if d.action != "" {
				d.forsaken(f)
			}
			return false
		}
		text := bytes.TrimSpace(line.text)
		switch {
		case len(text) == 0:
			f.report.Blank++
		case d.action != "":
			if d.document(f, line) {
				return true
			}
		default:
			if d.instruction(f, line, text) {
				return true
			}
		}
	}
}

// instruction reads a line that is an action. A document without one is an event all the same.
func (d *bulkDialect) instruction(f *FileReader, line fileLine, text []byte) bool {
	if isBulkRequest(text) {
		f.report.Skipped++
		return false
	}
	action, document, meta := actionOf(&d.scan, text)
	d.replaced = action != "" && d.scan.replaced
	switch {
	case action == "":
		d.meta, d.at = d.meta[:0], fileLine{}
		return d.emit(f, line, line.text)
	case !document:
		f.refuse(line.number, line.offset, fault.New(fault.Invalid, "", "the action %s names no event", action))
		return false
	}
	d.action, d.meta, d.at = action, append(d.meta[:0], meta...), fileLine{number: line.number, offset: line.offset}
	return false
}

// document reads the line below an action.
func (d *bulkDialect) document(f *FileReader, line fileLine) bool {
	action := d.action
	d.action = ""
	if action != "update" {
		return d.emit(f, line, line.text)
	}
	if err := d.scan.scan(line.text); err != nil {
		d.refuse(f, line, err)
		return false
	}
	d.replaced = d.replaced || d.scan.replaced
	for _, name := range [...]string{"doc", "upsert"} {
		if v, ok := d.scan.find(name); ok && v[0] == '{' {
			return d.emit(f, line, v)
		}
	}
	d.refuse(f, line, fault.New(fault.Invalid, "", "the update has no doc or upsert that would be an event"))
	return false
}

// refuse refuses a document; its action says nothing then.
func (d *bulkDialect) refuse(f *FileReader, line fileLine, err error) {
	if d.at.number > 0 {
		f.report.Skipped++
	}
	f.refuse(line.number, line.offset, err)
}

func (d *bulkDialect) emit(f *FileReader, line fileLine, object []byte) bool {
	out, found, err := d.json.objects.Append(f.out[:0], object, ObjectContext{Instant: f.before, Extra: d.meta})
	f.out = out[:0]
	if err != nil {
		d.refuse(f, line, err)
		return false
	}
	if d.at.number > 0 {
		f.report.Joined++
		line = d.at
	}
	return f.emitReplaced(out, line.number, line.offset, found.Instant, found.Dated, d.replaced || d.json.objects.scan.replaced)
}

// forsaken refuses the action at the file's end that no document follows.
func (d *bulkDialect) forsaken(f *FileReader) {
	f.tell(FileRefusal{Line: d.at.number, Offset: d.at.offset, Err: fault.New(fault.Invalid, "", "no document follows the action %s", d.action)})
	d.action = ""
}
