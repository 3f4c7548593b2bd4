package syntax

// What the fuzz targets need, which stand outside the package because package testkit builds on it.
var (
	Same      = same
	SameQuery = sameQuery
	QueriesOf = queriesOf
)
