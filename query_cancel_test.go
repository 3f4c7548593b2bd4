package stele_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stelehq/stele"
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
