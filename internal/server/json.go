package server

import (
	"fmt"
	"strconv"
	"time"

	"github.com/stelehq/stele/internal/event"
)

// Small answers are written member by member: their order is part of the contract.

// member is one member of an answer; its value is a string, int, int64, uint64, bool, time.Time,
// event.Value or nil.
type member struct {
	name  string
	value any
}

// list is a JSON array of what each appends for the elements of all.
func list[T any](all []T, each func(dst []byte, one *T) ([]byte, error)) (body []byte, err error) {
	body = []byte{'['}
	for i := range all {
		if i > 0 {
			body = append(body, ',')
		}
		if body, err = each(body, &all[i]); err != nil {
			return nil, err
		}
	}
	return append(body, ']'), nil
}

// appendObject appends an object of members; names need no escapes.
func appendObject(dst []byte, members []member) []byte {
	return append(appendMembers(append(dst, '{'), members), '}')
}

// appendMembers appends members without the braces; names need no escapes.
func appendMembers(dst []byte, members []member) []byte {
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), m.name...), '"', ':')
		switch v := m.value.(type) {
		case nil:
			dst = append(dst, "null"...)
		case string:
			dst = event.AppendText(dst, v)
		case int:
			dst = strconv.AppendInt(dst, int64(v), 10)
		case int64:
			dst = strconv.AppendInt(dst, v, 10)
		case uint64:
			dst = strconv.AppendUint(dst, v, 10)
		case bool:
			dst = strconv.AppendBool(dst, v)
		case time.Time:
			if v.IsZero() {
				dst = append(dst, "null"...)
				break
			}
			dst = append(event.AppendTime(append(dst, '"'), v.UnixNano()), '"')
		case event.Value:
			dst = v.AppendJSON(dst)
		default:
			panic(fmt.Sprintf("member %s has the unknown type %T", m.name, v))
		}
	}
	return dst
}
