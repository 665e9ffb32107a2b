package firewall

// memo keeps what names stand for, so that groups in groups are read once and
// groups that hold themselves end.
type memo[T any] struct {
	done map[string]memoized[T]
	busy map[string]bool
}

type memoized[T any] struct {
	value T
	why   string
}

// of returns what a name stands for; circle is the answer for a group that is
// being read already.
func (m *memo[T]) of(name string, depth int, circle T, read func() (T, string)) (T, string) {
	if got, ok := m.done[name]; ok {
		return got.value, got.why
	}
	if m.busy[name] || depth > maxNesting {
		return circle, "groups that hold themselves, or too many in one another"
	}
	if m.done == nil {
		m.done, m.busy = map[string]memoized[T]{}, map[string]bool{}
	}
	m.busy[name] = true
	value, why := read()
	delete(m.busy, name)
	m.done[name] = memoized[T]{value, why}
	return value, why
}
