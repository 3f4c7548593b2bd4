package metamorphic

import (
	"encoding/json"
	"strings"
)

// An op is one operation of a list. What it means does not depend on the store that is asked: an event is named by its place
// in the order in which the list appends events, and a place beyond the last one counts from the first again, so that any part of a list
// is a list.
type op struct {
	Do string `json:"do"`

	Rows   []row   `json:"rows,omitempty"`   // append: the batch
	Named  bool    `json:"named,omitempty"`  // append: under an id
	Beside [][]row `json:"beside,omitempty"` // together: the batches
	Batch  int     `json:"batch,omitempty"`  // retry: which of those with an id
	Extra  bool    `json:"extra,omitempty"`  // retry: with one event too many

	From       *bound `json:"from,omitempty"` // read, histogram, delete, reader
	To         *bound `json:"to,omitempty"`
	Descending bool   `json:"descending,omitempty"`
	Filter     string `json:"filter,omitempty"`
	Limit      int    `json:"limit,omitempty"`  // read: most events; histogram: buckets; advance: how many events
	Way        string `json:"way,omitempty"`    // read: how
	Slot       int    `json:"slot,omitempty"`   // of what is held: snapshots, readers, followers; read: of the snapshot, from 1
	Event      int    `json:"event,omitempty"`  // get; follow: after which, from 1
	Events     []int  `json:"events,omitempty"` // delete: only these

	Key   string `json:"key,omitempty"` // set, unset, value, documents
	Bytes int    `json:"bytes,omitempty"`

	Before  int64    `json:"before,omitempty"`  // retain: what is older, in milliseconds from the epoch of the tests
	Backup  int      `json:"backup,omitempty"`  // restore: which
	Minutes int      `json:"minutes,omitempty"` // tick; arrived: how long ago
	Trouble *trouble `json:"trouble,omitempty"`
}

// age is the time before which a policy of retention deletes, between those that events have: what a store's clock says moves a little.
func (o *op) age() int64 { return o.Before + 500 }

// A row is an event to be: its time, in milliseconds from the epoch of the tests, and its form.
type row struct {
	At   int64 `json:"at"`
	Form int   `json:"form,omitempty"`
}

// A bound is one end of a range: a time, in milliseconds from the epoch of the tests, or an event's key.
type bound struct {
	At    int64 `json:"at,omitempty"`
	Key   bool  `json:"key,omitempty"`
	Event int   `json:"event,omitempty"`
	Open  bool  `json:"open,omitempty"` // what is at the bound is outside
}

// A trouble is what befalls the store during an operation. Afterwards the disk is well again, and the operation is asked for
// once more unless it was acknowledged.
type trouble struct {
	Fault string `json:"fault,omitempty"` // a call that fails, or
	Crash string `json:"crash,omitempty"` // the power cut, of this mode
	Nth   int64  `json:"nth,omitempty"`   // at which call of the operation
	Seed  uint64 `json:"seed,omitempty"`
}

// A list is operations, a line of JSON each.
type list []op

func (l list) String() string {
	var b strings.Builder
	for _, o := range l {
		text, err := json.Marshal(o)
		if err != nil {
			panic(err)
		}
		b.Write(text)
		b.WriteByte('\n')
	}
	return b.String()
}

func parseList(text string) (l list, err error) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		var o op
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&o); err != nil {
			return nil, err
		}
		l = append(l, o)
	}
	return l, nil
}
