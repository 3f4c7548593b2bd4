package plan

import (
	"github.com/axiomhq/hyperloglog"
	"github.com/cespare/xxhash/v2"
)

// A cardinality counts distinct values: exactly up to exactDistinct of them, as hashes of 128 bits, of which two are equal by chance once
// in 10^26 such groups; beyond that by HyperLogLog with 2^18 registers, whose standard error is 0.2 %. Whether it is exact depends on the
// values alone.
type cardinality struct {
	most   int      // that are counted exactly
	hashes *hashSet // nil once there are too many
	sketch *hyperloglog.Sketch
}

const (
	exactDistinct   = 1 << 20
	sketchPrecision = 18
	secondSeed      = 0x9e3779b97f4a7c15
)

func newCardinality(most int) cardinality {
	return cardinality{most: most, hashes: &hashSet{}}
}

// hashOf hashes a value's key.
func hashOf(key []byte) [2]uint64 {
	var second xxhash.Digest
	second.ResetWithSeed(secondSeed)
	second.Write(key)
	return [2]uint64{xxhash.Sum64(key), second.Sum64()}
}

func (c *cardinality) add(hash [2]uint64, a *account) error {
	if c.hashes == nil {
		c.sketch.InsertHash(hash[0])
		return nil
	}
	switch {
	case !c.hashes.add(hash):
		return nil
	case c.hashes.n > c.most:
		return c.estimate(a)
	}
	return a.take(slotBytes)
}

// estimate goes over to the sketch.
func (c *cardinality) estimate(a *account) error {
	if err := a.take(1 << sketchPrecision); err != nil {
		return err
	}
	sketch, err := hyperloglog.NewSketch(sketchPrecision, false)
	if err != nil {
		return err
	}
	for h := range c.hashes.all {
		sketch.InsertHash(h[0])
	}
	a.give(min(c.hashes.n, c.most) * slotBytes)
	c.hashes, c.sketch = nil, sketch
	return nil
}

func (c *cardinality) merge(o *cardinality, a *account) error {
	if o.hashes != nil {
		for h := range o.hashes.all {
			if err := c.add(h, a); err != nil {
				return err
			}
		}
		return nil
	}
	if c.hashes != nil {
		if err := c.estimate(a); err != nil {
			return err
		}
	}
	return c.sketch.Merge(o.sketch)
}

func (c *cardinality) count() uint64 {
	if c.hashes != nil {
		return uint64(c.hashes.n)
	}
	return c.sketch.Estimate()
}
