package server

import (
	"context"
	"net/http"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity"
)

// tokenView is an API token without its secret, which is stored nowhere.
type tokenView struct {
	ID       string        `json:"id"`
	Account  string        `json:"account"`
	Name     string        `json:"name" doc:"what it is for"`
	Role     identity.Role `json:"role" doc:"its scope"`
	Usable   bool          `json:"usable" doc:"neither expired nor revoked"`
	Created  time.Time     `json:"created"`
	Expires  time.Time     `json:"expires"`
	LastUsed time.Time     `json:"last_used,omitzero" doc:"to the minute"`
	Revoked  time.Time     `json:"revoked,omitzero"`
}

type tokensQuery struct {
	Account string `query:"account" maxLength:"64" doc:"whose; one's own where absent, * for all"`
	Paging
}

type newToken struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"120" doc:"what it is for"`
		Role string `json:"role" enum:"cso,facility-security-officer,cybersecurity-officer,ot-engineer,analyst,vts-operator,operations,compliance,board,administrator" doc:"one that the account holds"`
		Days int    `json:"days" minimum:"1" maximum:"366" doc:"how long it lives"`
	}
}

type madeToken struct {
	Body struct {
		Secret string    `json:"secret" doc:"the token itself; it is shown this once"`
		Token  tokenView `json:"token"`
	}
}

func (s *Server) addTokens(a *api) {
	get(a, "accounts", "", "/tokens", "listTokens", "API tokens", s.listTokens)
	add(a, operation{method: http.MethodPost, path: "/api/v1/tokens", id: "createToken", tag: "accounts", status: http.StatusCreated,
		summary: "Make an API token for oneself", description: "Not by a token: a stolen one must not be able to live longer."},
		s.createToken)
	add(a, operation{method: http.MethodDelete, path: "/api/v1/tokens/{id}", id: "revokeToken", tag: "accounts", status: http.StatusNoContent,
		summary: "Revoke an API token", faults: []int{http.StatusNotFound}}, s.revokeToken)
}

// mayTokens reports whether who asks may manage the tokens of the account.
func mayTokens(ctx context.Context, account string) bool {
	r := identity.TokensOf(account)
	return identity.Allowed(ctx, identity.ManageTokens, r) || identity.Allowed(ctx, identity.ManageOwnTokens, r)
}

func (s *Server) listTokens(ctx context.Context, in *tokensQuery) (list[tokenView], error) {
	account := in.Account
	switch account {
	case "":
		account = actor(ctx)
	case "*":
		account = ""
	}
	if !mayTokens(ctx, account) {
		return list[tokenView]{}, errForbidden
	}
	all, err := s.deps.Identity.Tokens(ctx, account)
	if err != nil {
		return list[tokenView]{}, err
	}
	now := s.now()
	key := func(v tokenView) string { return v.Created.UTC().Format("2006-01-02T15:04:05.000000000") + v.ID }
	return page(sorted(all, nil, func(t *identity.Token) tokenView { return viewToken(t, now) }, key), key, in.Paging)
}

func (s *Server) createToken(ctx context.Context, in *newToken) (*madeToken, error) {
	name := actor(ctx)
	if !identity.Allowed(ctx, identity.ManageOwnTokens, identity.TokensOf(name)) {
		return nil, errForbidden
	}
	secret, t, err := s.deps.Identity.CreateToken(ctx, name, identity.NewToken{
		Account: name, Name: in.Body.Name, Role: identity.Role(in.Body.Role), Life: time.Duration(in.Body.Days) * 24 * time.Hour,
	})
	if err != nil {
		return nil, err
	}
	out := &madeToken{}
	out.Body.Secret, out.Body.Token = secret, viewToken(&t, s.now())
	return out, nil
}

// revokeToken answers "not found" for the token of somebody else, so that ids
// cannot be tried out.
func (s *Server) revokeToken(ctx context.Context, in *idPath) (*struct{}, error) {
	account := actor(ctx)
	if identity.Allowed(ctx, identity.ManageTokens, identity.TokensOf(account)) {
		account = ""
	} else if !mayTokens(ctx, account) {
		return nil, errForbidden
	}
	all, err := s.deps.Identity.Tokens(ctx, account)
	if err != nil {
		return nil, err
	}
	for _, t := range all {
		if t.ID == in.ID {
			return nil, s.deps.Identity.RevokeToken(ctx, actor(ctx), t.ID)
		}
	}
	return nil, identity.ErrNotFound
}

func viewToken(t *identity.Token, now time.Time) tokenView {
	return tokenView{
		ID: t.ID, Account: t.Account, Name: t.Name, Role: t.Role, Usable: t.Usable(now),
		Created: t.Created, Expires: t.Expires, LastUsed: t.LastUsed, Revoked: t.Revoked,
	}
}
