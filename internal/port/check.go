package port

import "time"

// checker judges the merged port.
type checker struct {
	port     *Port
	sources  *sources
	now      time.Time // what has expired is judged here; zero: not judged
	problems Problems
}

func newChecker(p *Port, s *sources, now time.Time) *checker {
	return &checker{port: p, sources: s, now: now}
}

func (c *checker) check() {}
