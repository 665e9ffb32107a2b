package identity

import (
	"embed"
	"fmt"
	"io/fs"
	"path"

	"github.com/cedar-policy/cedar-go"
)

//go:embed policies/*.cedar policies/schema.cedarschema
var policyFiles embed.FS

// Policies decide who may do what. They are the Cedar policies embedded in the
// program; a deployment cannot change them, so what the manual says holds
// everywhere.
type Policies struct {
	set *cedar.PolicySet
}

// LoadPolicies parses the embedded policies. An error means a faulty build.
func LoadPolicies() (*Policies, error) {
	names, err := fs.Glob(policyFiles, "policies/*.cedar")
	if err != nil {
		return nil, fmt.Errorf("list policies: %w", err)
	}
	set := cedar.NewPolicySet()
	for _, name := range names {
		text, err := policyFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read policy %s: %w", name, err)
		}
		list, err := cedar.NewPolicyListFromBytes(path.Base(name), text)
		if err != nil {
			return nil, fmt.Errorf("parse policy %s: %w", name, err)
		}
		for i, p := range list {
			id := cedar.PolicyID(p.Annotations()["id"])
			if id == "" {
				return nil, fmt.Errorf("parse policy %s: policy %d has no @id", name, i+1)
			}
			if !set.Add(id, p) {
				return nil, fmt.Errorf("parse policy %s: the id %q is used twice", name, id)
			}
		}
	}
	return &Policies{set: set}, nil
}

// Decide reports whether p may do action to resource. Default is deny, and a
// policy that cannot be evaluated permits nothing.
func (ps *Policies) Decide(p Principal, action Action, resource Resource) bool {
	who := cedar.NewEntityUID("Account", cedar.String(p.Account.Name))
	what := cedar.NewEntityUID(cedar.EntityType(resource.Kind), cedar.String(resource.ID))
	parents := make([]cedar.EntityUID, 0, len(p.Roles))
	for _, r := range p.Roles {
		parents = append(parents, cedar.NewEntityUID("Role", cedar.String(r)))
	}
	entities := cedar.EntityMap{
		who: {UID: who, Parents: cedar.NewEntityUIDSet(parents...), Attributes: cedar.NewRecord(cedar.RecordMap{
			"name":  cedar.String(p.Account.Name),
			"token": cedar.Boolean(p.Token != ""),
		})},
		what: {UID: what, Attributes: attributes(resource)},
	}
	decision, diagnostic := cedar.Authorize(ps.set, entities, cedar.Request{
		Principal: who,
		Action:    cedar.NewEntityUID("Action", cedar.String(action)),
		Resource:  what,
		Context:   cedar.NewRecord(nil),
	})
	// A forbid that fails to evaluate would otherwise be skipped, which opens.
	return decision == cedar.Allow && len(diagnostic.Errors) == 0
}

func attributes(r Resource) cedar.Record {
	switch r.Kind {
	case "Findings":
		domains := make([]cedar.Value, len(r.Domains))
		for i, d := range r.Domains {
			domains[i] = cedar.String(d)
		}
		return cedar.NewRecord(cedar.RecordMap{"domains": cedar.NewSet(domains...)})
	case "Tokens":
		return cedar.NewRecord(cedar.RecordMap{"owner": cedar.String(r.Owner)})
	}
	return cedar.NewRecord(nil)
}
