package engine

import (
	"container/list"
	"sync"

	"github.com/stelehq/stele/internal/block"
)

// A cache keeps opened segment blocks, the least recently used leaving first when
// their bytes are over the limit. Safe for concurrent use.
type cache struct {
	mu    sync.Mutex
	limit int64
	bytes int64
	order *list.List // of *cached, most recently used first
	byKey map[cacheKey]*list.Element
}

type cacheKey struct {
	segment uint64
	block   int
}

type cached struct {
	key   cacheKey
	block *block.Block
	bytes int64
}

func newCache(limit int64) *cache {
	return &cache{limit: limit, order: list.New(), byKey: map[cacheKey]*list.Element{}}
}

func (c *cache) get(k cacheKey) *block.Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.byKey[k]
	if !ok {
		return nil
	}
	c.order.MoveToFront(el)
	return el.Value.(*cached).block
}

func (c *cache) put(k cacheKey, b *block.Block, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[k]; ok || bytes > c.limit {
		return
	}
	c.byKey[k] = c.order.PushFront(&cached{k, b, bytes})
	c.bytes += bytes
	for c.bytes > c.limit {
		last := c.order.Back()
		old := c.order.Remove(last).(*cached)
		delete(c.byKey, old.key)
		c.bytes -= old.bytes
	}
}

// clear lets go of everything.
func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order.Init()
	clear(c.byKey)
	c.bytes = 0
}
