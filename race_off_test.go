//go:build !race

package stele_test

const raceDetector = false
