//go:build !drill

package main

// drill is where a drill panics (drill_on.go).
func drill(string) {}
