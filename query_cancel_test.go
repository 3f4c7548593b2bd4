package stele_test

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/engine"
	"github.com/stelehq/stele/internal/testkit"
)

// askedContext ends when it was asked so many times.
type askedContext struct {
	context.Context
	left *atomic.Int64
}

func (c askedContext) Err() error {
	if c.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// A query is given up within a block, not after it: a row may take long.
func TestQueriesEndWithinABlock(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	lines := make([]string, 3000)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"@t":"2026-03-14T15:00:00Z","N":%d,"A":"text %d"}`, i, i)
	}
	s.Append(lines...)
	for _, text := range []string{
		"select count(*) from stream where Length(ToJson(@Document)) > 0",
		"select count(*) from stream group by Length(ToJson(@Document))",
		"select ToJson(@Document) as d from stream order by d",
	} {
		var left atomic.Int64
		left.Store(12)
		rows := s.Query(askedContext{ctx, &left}, parseQuery(t, text), stele.QueryOptions{})
		if rows.Next() {
			t.Errorf("%s goes on", text)
		}
		if err := rows.Close(); stele.KindOf(err) != stele.Canceled {
			t.Errorf("%s: %v", text, err)
		}
		left.Store(1000)
		if rows := s.Query(askedContext{ctx, &left}, parseQuery(t, text), stele.QueryOptions{}); !rows.Next() || rows.Close() != nil {
			t.Errorf("%s: %v", text, rows.Err())
		}
	}
}

// So is what a block's columns are asked: each value of a dictionary may take long too.
func TestQueriesEndWithinAColumn(t *testing.T) {
	s := testkit.OpenMem(t, nil)
	lines := make([]string, 3000)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"@t":"2026-03-14T15:00:00Z","N":%d,"A":"text %d"}`, i, i)
	}
	s.Append(lines...)
	const slow = "Length(Replace(A, /x|y/, 'z')) > 100"
	f, err := stele.ParseFilter(slow)
	if err != nil {
		t.Fatal(err)
	}
	query := func(text string, filter *stele.Filter) func(context.Context) error {
		return func(c context.Context) error {
			rows := s.Query(c, parseQuery(t, text), stele.QueryOptions{Filter: filter})
			for rows.Next() {
			}
			return rows.Close()
		}
	}
	for name, run := range map[string]func(context.Context) error{
		"a condition of an aggregate": query("select count(*) from stream where "+slow, nil),
		"a condition of a stream":     query("select N from stream where "+slow, nil),
		"a filter beside":             query("select N from stream order by N limit 1", f),
		"a key":                       query("select count(*) from stream group by Length(Replace(A, /x|y/, 'z'))", nil),
		"an input":                    query("select sum(Length(Replace(A, /x|y/, 'z'))) from stream", nil),
		"values of two columns":       query("select top(Length(Replace(A, /x|y/, 'z')) + N, 5) from stream", nil),
		"a reader": func(c context.Context) error {
			r := s.Read(c, stele.ReadOptions{Filter: f})
			for r.Next() {
			}
			return r.Close()
		},
		"text": func(c context.Context) error {
			_, err := s.ReadText(c, stele.ReadOptions{Filter: f}).WriteTo(io.Discard)
			return err
		},
		"a histogram": func(c context.Context) error {
			_, err := s.Histogram(c, stele.HistogramOptions{Range: stele.Range{From: stele.FromTime(queryBase), To: stele.BeforeTime(queryBase.Add(time.Hour))}, Filter: f, Buckets: 3})
			return err
		},
	} {
		for _, asked := range []int64{1 << 40, 25} {
			var left atomic.Int64
			left.Store(asked)
			err := run(askedContext{ctx, &left})
			switch used := asked - left.Load(); {
			case asked > 25 && (err != nil || used < 40):
				t.Errorf("%s: %v, after %d looks", name, err, used)
			case asked == 25 && (stele.KindOf(err) != stele.Canceled || used > 35):
				t.Errorf("%s goes on: %v, after %d looks", name, err, used)
			}
		}
	}
}

// A search that is given up while nothing is found says so, and does not go on through all blocks.
func TestASearchThatIsGivenUpSaysSo(t *testing.T) {
	s := testkit.OpenMem(t, func(o *stele.Options) { o.Hooks = engine.Hooks{BlockRows: 10, ReserveBytes: -1} })
	lines := make([]string, 3000)
	for i := range lines {
		lines[i] = fmt.Sprintf(`{"@t":"2026-03-14T15:%02d:%02dZ","N":%d}`, i/60, i%60, i)
	}
	s.Append(lines...)
	if err := s.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	f, err := stele.ParseFilter("N < 0")
	if err != nil {
		t.Fatal(err)
	}
	var left atomic.Int64
	left.Store(25)
	r := s.Read(askedContext{ctx, &left}, stele.ReadOptions{Filter: f})
	if r.Next() {
		t.Error("an event was found")
	}
	if err := r.Close(); stele.KindOf(err) != stele.Canceled || left.Load() < -10 {
		t.Errorf("%v, %d looks after the end", err, -left.Load())
	}
}
