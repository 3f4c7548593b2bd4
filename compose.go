package stele

import (
	"strings"

	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/query/syntax"
)

// And returns a filter that selects what all of the filters select. A nil filter selects every event, here as everywhere; the result is nil if
// all are. TooLarge: the expression would be longer than an expression may be, or nested too deeply.
func And(filters ...*Filter) (*Filter, error) {
	some := make([]*Filter, 0, len(filters))
	for _, f := range filters {
		if f != nil {
			some = append(some, f)
		}
	}
	if len(some) == 0 {
		return nil, nil
	}
	return join(" and ", some)
}

// Or returns a filter that selects what one of the filters selects or several; without any, nothing. A nil filter selects every event, and so does then the
// result, which is nil. Errors are those of And.
func Or(filters ...*Filter) (*Filter, error) {
	for _, f := range filters {
		if f == nil {
			return nil, nil
		}
	}
	if len(filters) == 0 {
		return ParseFilter("false")
	}
	return join(" or ", filters)
}

// join goes by way of the text, so that what is joined can be stored as a deletion is.
func join(op string, filters []*Filter) (*Filter, error) {
	if len(filters) == 1 {
		return filters[0], nil
	}
	const around = len("()")
	size := 0
	parts := make([]string, len(filters))
	for i, f := range filters {
		parts[i] = f.String()
		if size += len(parts[i]) + len(op) + around; size > syntax.MaxBytes {
			return nil, fault.New(fault.TooLarge, "join filters", "together they are longer than the %d bytes that an expression may have", syntax.MaxBytes)
		}
	}
	f, err := ParseFilter("(" + strings.Join(parts, ")"+op+"(") + ")")
	if err != nil { // each is an expression: it is the depth
		return nil, fault.WrapAs(fault.TooLarge, err, "join filters", "together they are too large an expression")
	}
	return f, nil
}
