package metamorphic

import "time"

// shrink returns a list that still fails, with as little in it as could be found in some time.
func shrink(l list, fails func(list) bool, patience time.Duration) list {
	late := time.Now().Add(patience)
	try := func(some list) bool { return time.Now().Before(late) && fails(some) }
	for before := -1; before != size(l); {
		before = size(l)
		l = without(l, try)
		for i := range l {
			l = simpler(l, i, try)
		}
	}
	return l
}

func size(l list) int { return len(l.String()) }

// without leaves out operations: halves first, then ever smaller parts.
func without(l list, fails func(list) bool) list {
	for part := (len(l) + 1) / 2; part > 0; part /= 2 {
		for from := len(l) - part; from > -part; from -= part {
			some := append(append(list{}, l[:max(0, from)]...), l[from+part:]...)
			if fails(some) {
				l = some
			}
			from = min(from, len(l))
		}
	}
	return l
}

// simpler takes from operation i what it can do without.
func simpler(l list, i int, fails func(list) bool) list {
	try := func(change func(o *op)) bool {
		some := append(list{}, l...)
		change(&some[i])
		if size(some) >= size(l) || !fails(some) {
			return false
		}
		l = some
		return true
	}
	for len(l[i].Rows) > 1 && (try(func(o *op) { o.Rows = o.Rows[:len(o.Rows)/2] }) || try(func(o *op) { o.Rows = o.Rows[len(o.Rows)/2:] }) ||
		try(func(o *op) { o.Rows = o.Rows[1:] }) || try(func(o *op) { o.Rows = o.Rows[:len(o.Rows)-1] })) {
	}
	for len(l[i].Beside) > 1 && try(func(o *op) { o.Beside = o.Beside[1:] }) {
	}
	for k := range l[i].Rows {
		try(func(o *op) {
			o.Rows = append([]row{}, o.Rows...)
			o.Rows[k] = row{}
		})
	}
	try(func(o *op) { o.Trouble = nil })
	try(func(o *op) { o.From = nil })
	try(func(o *op) { o.To = nil })
	try(func(o *op) { o.Filter = "" })
	try(func(o *op) { o.Limit = 0 })
	try(func(o *op) { o.Slot = 0 })
	try(func(o *op) { o.Named = false })
	try(func(o *op) { o.Descending = false })
	try(func(o *op) { o.Bytes = 0 })
	return l
}
