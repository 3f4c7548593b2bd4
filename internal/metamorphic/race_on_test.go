//go:build race

package metamorphic

// raceDetector: everything takes ten times as long.
const raceDetector = true
