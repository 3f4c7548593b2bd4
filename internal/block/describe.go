package block

import (
	"fmt"
	"strings"

	"github.com/stelehq/stele/internal/event"
)

// Describe gives shapes and columns of the block in readable form, for stele inspect, golden tests and debugging.
func (b *Block) Describe() string {
	var w strings.Builder
	fmt.Fprintf(&w, "rows %d, arrivals %d to %d", b.Rows(), b.MinArrival(), b.MaxArrival())
	if n := b.Rows(); n > 0 {
		fmt.Fprintf(&w, ", %s to %s", event.AppendTime(nil, b.Instant(0)), event.AppendTime(nil, b.Instant(n-1)))
	}
	w.WriteByte('\n')
	for i := range b.schema.shapes {
		sh := &b.schema.shapes[i]
		fmt.Fprintf(&w, "shape %d, rows %d:", i, sh.rows)
		for _, t := range sh.tokens {
			switch {
			case t == closing:
				w.WriteString(" }")
			case t.isOpen():
				fmt.Fprintf(&w, " %s{", b.schema.objects[t.id()].name)
			default:
				fmt.Fprintf(&w, " %d", t.id())
			}
		}
		w.WriteByte('\n')
	}
	for i := range b.columns {
		fmt.Fprintf(&w, "column %d %s: values %d", i, b.schema.path(uint32(i)), b.columns[i].values)
		if b.schema.columns[i].kind.hasData() {
			if r, err := b.column(uint32(i)); err != nil {
				fmt.Fprintf(&w, ", damaged: %v", err)
			} else {
				p := b.payloads[payloadColumns+i]
				fmt.Fprintf(&w, ", %s%s, bytes %d, section %d", b.describeOrigin(&b.schema.columns[i], r), r.form(b.schema.columns[i].kind), p.end-p.start, p.section)
			}
		}
		w.WriteByte('\n')
	}
	for i := range b.sections {
		s := &b.sections[i]
		fmt.Fprintf(&w, "section %d %s: stored %d of %d (%s)\n", i, [methods]string{"raw", "s2", "zstd"}[s.method], len(s.stored), s.size, b.describeSection(i))
	}
	return w.String()
}

// describeOrigin says where the values of a column come from, with a comma behind it; nothing if they are its own.
func (b *Block) describeOrigin(def *columnDef, r *reader) string {
	switch o := &def.origin; o.way {
	case wayFixed:
		return fmt.Sprintf("fixed, entries %d, ", o.entries)
	case waySame:
		return fmt.Sprintf("same as column %d, ", o.of)
	case wayTime:
		example := ""
		if b.Rows() > 0 {
			example = " as " + o.form.valueOf(b.instants.At(0)).String()
		}
		return "time" + example + ", "
	case wayQuoting:
		text := fmt.Sprintf("quoting to depth %d", o.depth)
		for _, s := range r.quotes.siblings {
			text += fmt.Sprintf(" %d", s.column)
		}
		return text + ", "
	}
	return ""
}

// form says how a column is written.
func (r *reader) form(k kind) string {
	if r.instant != nil {
		return "not written"
	}
	switch {
	case k == kindDecimal:
		return r.decimals.Form()
	case !k.isText():
		return r.ints.Form()
	}
	return r.texts.Form()
}
