//go:build !race

// The counterpart of race_on_test.go.

package system

const raceDetector = false
