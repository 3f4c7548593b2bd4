package exec

// What the fuzz target needs, which stands outside the package because package testkit builds on it.
var (
	Show     = show
	FixedNow = asOf
)

const Sample = sample
