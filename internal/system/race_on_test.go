//go:build race

// Only a build with the race detector is slow by a factor that a limit of time must know.

package system

const raceDetector = true
