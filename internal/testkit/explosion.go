package testkit

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Explosions are events that no schema holds all of, by what they have too much of; "plain" ones are those that they are compared with.
// Each makes about n events of some 400 bytes, or fewer that are larger.
var Explosions = map[string]func(n int) [][]byte{
	"plain": func(n int) (events [][]byte) { // what the others are compared with
		r := rand.New(rand.NewPCG(1, 2))
		for i := range n {
			events = append(events, fmt.Appendf(nil, `{"@t":"%s","@mt":"HTTP {Method} {Path} answered {Status} in {Elapsed} ms","@l":%q,"Method":"GET","Path":"/api/orders/%d","Status":%d,"Elapsed":%d.%d,"Application":"shop","Environment":"Production","MachineName":"web-%02d","RequestId":"%016x%016x","UserId":"user-%d","SourceContext":"Shop.Web.Requests","ThreadId":%d,"Host":{"Name":"h%d","Zone":"eu-%d"}}`,
				timeOf(i), []string{"Information", "Warning", "Error"}[i%3], r.IntN(1000), 200+i%3, r.IntN(500), r.IntN(999)+1, r.IntN(40), r.Uint64(), r.Uint64(), r.IntN(5000), r.IntN(64), r.IntN(20), i%3))
		}
		return events
	},
	"names": func(n int) (events [][]byte) { // every event has ten names that no other has
		for i := range n {
			e := fmt.Appendf(nil, `{"@t":"%s","@l":"Error","@mt":"Gauges of {Host}","Host":"h%d"`, timeOf(i), i%20)
			for j := range 10 {
				e = fmt.Appendf(e, `,%q:%d`, PropertyName(i, j), i*j)
			}
			events = append(events, append(e, '}'))
		}
		return events
	},
	"shapes": func(n int) (events [][]byte) { // 40 names, in ever new orders and choices
		r := rand.New(rand.NewPCG(3, 4))
		for i := range n {
			e := fmt.Appendf(nil, `{"@t":"%s","@l":"Error"`, timeOf(i))
			for _, j := range r.Perm(40)[:14] {
				e = fmt.Appendf(e, `,"Property%02d":"value of %d"`, j, i%100)
			}
			events = append(events, append(e, '}'))
		}
		return events
	},
	"wide": func(n int) (events [][]byte) { // 600 members each
		for i := range max(n/50, 1) {
			e := fmt.Appendf(nil, `{"@t":"%s","@l":"Error"`, timeOf(i))
			for j := range 600 {
				e = fmt.Appendf(e, `,"Member%04d":"value %d"`, j, i+j)
			}
			events = append(events, append(e, '}'))
		}
		return events
	},
	"objects": func(n int) (events [][]byte) { // objects within objects, under ever new names
		for i := range n {
			e := fmt.Appendf(nil, `{"@t":"%s","@l":"Error","Map":`, timeOf(i))
			for j := range 20 {
				e = fmt.Appendf(e, `{"k%d":`, i*20+j)
			}
			e = append(e, `"deep"`...)
			e = append(e, strings.Repeat("}", 20)...)
			events = append(events, append(e, '}'))
		}
		return events
	},
}

// PropertyName is the j-th of the ten names that event i of the explosion "names" has, and no other.
func PropertyName(i, j int) string { return fmt.Sprintf("gauge.%08d.%d.requests", i, j) }

func timeOf(i int) string {
	return time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC).Add(time.Duration(i) * 20 * time.Millisecond).Format("2006-01-02T15:04:05.0000000Z")
}
