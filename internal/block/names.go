package block

import "slices"

// Names calls each with the names that lead to each object and each value of the block's events, those of events that are hidden too. kept is how many events are
// kept whole, whose names it does not tell.
func (b *Block) Names(each func(path []string)) (kept int) {
	s := b.schema
	objects := make([][]string, len(s.objects))
	for i := 1; i < len(objects); i++ {
		o := &s.objects[i]
		objects[i] = append(slices.Clip(objects[o.parent]), o.name)
		each(objects[i])
	}
	for i := range s.columns {
		if c := &s.columns[i]; c.kind != kindEvent {
			each(append(slices.Clip(objects[c.object]), c.name))
		}
	}
	for i := range s.shapes {
		if sh := &s.shapes[i]; s.isEvent(sh) {
			kept += sh.rows
		}
	}
	return kept
}
