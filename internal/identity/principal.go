package identity

import "context"

// Principal is who a request comes from: an account by its session, or by a
// token, which then acts with the one role of the token.
type Principal struct {
	Account Account
	Token   string // id of the token; empty for a session
	Roles   []Role // that count: those of the account, or the one of the token

	policies *Policies
}

type principalKey struct{}

// With returns a context that carries who asks. The server calls it once a request.
func With(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalFrom returns who asks, false where nobody has logged in.
func PrincipalFrom(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	return p, ok
}

// From returns the account that asks, false where nobody has logged in.
func From(ctx context.Context) (Account, bool) {
	p, ok := PrincipalFrom(ctx)
	return p.Account, ok
}

// Allowed reports whether the one who asks may do action to resource. Without a
// principal it is false.
func Allowed(ctx context.Context, action Action, resource Resource) bool {
	p, ok := PrincipalFrom(ctx)
	return ok && p.Allowed(action, resource)
}

// Allowed reports whether p may do action to resource. A principal that was
// not made by the service has no policies and may do nothing.
func (p Principal) Allowed(action Action, resource Resource) bool {
	return p.policies != nil && p.policies.Decide(p, action, resource)
}

// AllowedDomains returns those of the five domains for which Allowed, in the
// order of Domains. Lists use it to ask the register only for what may be seen.
func AllowedDomains(ctx context.Context, action Action) []string {
	var out []string
	for _, d := range Domains {
		if Allowed(ctx, action, Findings(d)) {
			out = append(out, d)
		}
	}
	return out
}
