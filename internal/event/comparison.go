package event

// A Comparison is a condition on a number: how it stands to a limit.
type Comparison struct {
	Limit                Decimal
	Less, Equal, Greater bool // whether the condition holds of numbers that are so
}

// Holds says whether the condition holds of d.
func (c *Comparison) Holds(d Decimal) bool {
	switch order := d.Compare(c.Limit); {
	case order < 0:
		return c.Less
	case order == 0:
		return c.Equal
	}
	return c.Greater
}
