//go:build race

package stele_test

// raceDetector: everything takes ten times as long, so the tests that repeat a workload at each of its calls do a part of
// them; `make test` runs them whole without it.
const raceDetector = true
