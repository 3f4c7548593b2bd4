package engine

import (
	"context"
	"errors"

	"github.com/stelehq/stele/internal/fault"
)

// mostNamed is in how many blocks Names looks: of large ones those are some millions of events.
const mostNamed = 256

var errNamed = errors.New("enough names")

// Names calls each with the paths of members that the view's events have, as they are found, some of them many times; about the newest come first. Of what is hidden some may come as well.
// It ends early where enough says so, which is asked after each block. events is how many it has looked at; all says that they are all there are.
func (v *View) Names(ctx context.Context, each func(path []string), enough func() bool) (events int64, all bool, err error) {
	blocks, all := 0, true
	walk := &Blocks{Span: Everything, Workers: 1, Each: func(_ int, s Slab) error {
		if blocks++; blocks > mostNamed || enough() {
			return errNamed
		}
		kept := s.Block.Names(each)
		all = all && kept == 0
		events += int64(s.Block.Rows() - kept)
		return nil
	}}
	_, err = walk.Walk(ctx, v)
	switch k := fault.KindOf(err); {
	case err == nil:
		return events, all, nil
	case errors.Is(err, errNamed), k == fault.Corrupt, k == fault.IO:
		return events, false, nil
	}
	return events, false, err
}
