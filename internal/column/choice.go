package column

// A Choice remembers from block to block which form served a stream best, so that the search for it is not made for each block.
// The zero value knows nothing; so does nil, which stays so.
type Choice struct {
	known  bool
	form   byte
	detail byte    // what else there is to say of the form
	n      int     // values when it was chosen
	per    float64 // bytes of each then
	age    int     // blocks since

	parts []*Choice
}

const (
	reviewAfter = 64  // blocks
	drift       = 0.2 // of the bytes per value
)

// Part returns the choice of stream i within the stream, such as the codes within a dictionary.
func (c *Choice) Part(i int) *Choice {
	if c == nil {
		return nil
	}
	for len(c.parts) <= i {
		c.parts = append(c.parts, &Choice{})
	}
	return c.parts[i]
}

// due says whether the form for n values is to be searched for.
func (c *Choice) due(n int) bool {
	return c == nil || !c.known || c.age >= reviewAfter || n > 2*c.n || n < c.n/2
}

// kept notes that the form remembered gave n values size bytes; false: so far from what it was that the search must be made again.
func (c *Choice) kept(n, size int) bool {
	c.age++
	per := float64(size) / float64(n)
	return per < c.per*(1+drift) && per > c.per*(1-drift)
}

// remember notes what the search found.
func (c *Choice) remember(form, detail byte, n, size int) {
	if c != nil {
		c.known, c.form, c.detail, c.n, c.per, c.age = true, form, detail, n, float64(size)/float64(max(n, 1)), 0
	}
}
