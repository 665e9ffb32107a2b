package identitytest

import (
	"testing"

	"github.com/quaywatch/quaywatch/internal/identity"
)

func TestMemoryConforms(t *testing.T) {
	Conformance(t, func(*testing.T) identity.Store { return &Memory{} },
		func(s identity.Store) []identity.AuditEntry { return s.(*Memory).Entries() })
}
