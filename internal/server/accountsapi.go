package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/quaywatch/quaywatch/internal/identity"
)

// accountView is an account without anything secret.
type accountView struct {
	Name       string          `json:"name"`
	Display    string          `json:"display,omitempty"`
	Roles      []identity.Role `json:"roles" nullable:"false"`
	Party      string          `json:"party,omitempty" doc:"party of the port file"`
	Password   bool            `json:"password" doc:"whether it can log in by password"`
	MustChange bool            `json:"must_change"`
	Disabled   bool            `json:"disabled"`
	Revision   int64           `json:"revision"`
	Created    time.Time       `json:"created"`
	Changed    time.Time       `json:"changed"`
	LastLogin  time.Time       `json:"last_login,omitzero"`
}

type accountAnswer struct {
	ETag string `header:"ETag" doc:"revision of the account"`
	Body accountView
}

type AccountPath struct {
	Name string `path:"name" maxLength:"64"`
}

type newAccount struct {
	Body struct {
		Name     string   `json:"name" minLength:"1" maxLength:"64" doc:"login name: lower-case letters, digits, . _ - @"`
		Display  string   `json:"display,omitempty" maxLength:"120"`
		Roles    []string `json:"roles" minItems:"1" maxItems:"10" enum:"cso,facility-security-officer,cybersecurity-officer,ot-engineer,analyst,vts-operator,operations,compliance,board,administrator"`
		Party    string   `json:"party,omitempty" maxLength:"100"`
		Password string   `json:"password,omitempty" maxLength:"1024" format:"password" doc:"at least 12 characters; its owner changes it at the first login. Absent: for tokens only"`
	}
}

type changeAccount struct {
	AccountPath
	IfMatch string `header:"If-Match" maxLength:"200" doc:"ETag of the account that was read; 412 where it has changed since"`
	Body    struct {
		Display  *string   `json:"display,omitempty" maxLength:"120"`
		Roles    *[]string `json:"roles,omitempty" minItems:"1" maxItems:"10" enum:"cso,facility-security-officer,cybersecurity-officer,ot-engineer,analyst,vts-operator,operations,compliance,board,administrator"`
		Party    *string   `json:"party,omitempty" maxLength:"100"`
		Disabled *bool     `json:"disabled,omitempty"`
	}
}

type newPassword struct {
	AccountPath
	Body struct {
		Password string `json:"password" minLength:"1" maxLength:"1024" format:"password"`
	}
}

type me struct {
	Account accountView         `json:"account"`
	Token   string              `json:"token,omitempty" doc:"id of the token that asks"`
	Roles   []identity.Role     `json:"roles" nullable:"false" doc:"that count for this request"`
	May     []identity.Action   `json:"may" nullable:"false" doc:"actions that know no domain"`
	Domains map[string][]string `json:"domains" doc:"domains of findings by action"`
}

func (s *Server) addAccounts(a *api) {
	get(a, "accounts", "", "/me", "getMe", "Who asks, and what they may do",
		func(ctx context.Context, _ *nothing) (me, error) { return whoAsks(ctx), nil })
	get(a, "accounts", identity.ManageAccounts, "/accounts", "listAccounts", "Accounts, by name",
		func(ctx context.Context, in *Paging) (list[accountView], error) {
			all, err := s.deps.Identity.Accounts(ctx)
			if err != nil {
				return list[accountView]{}, err
			}
			return page(sorted(all, nil, viewAccount, accountKey), accountKey, *in)
		})
	add(a, operation{method: http.MethodGet, path: "/api/v1/accounts/{name}", id: "getAccount", tag: "accounts",
		summary: "One account", action: identity.ManageAccounts, faults: []int{http.StatusNotFound}},
		func(ctx context.Context, in *AccountPath) (*accountAnswer, error) {
			return answerAccount(s.deps.Identity.Account(ctx, in.Name))
		})
	add(a, operation{method: http.MethodPost, path: "/api/v1/accounts", id: "createAccount", tag: "accounts",
		summary: "Add an account", action: identity.ManageAccounts, status: http.StatusCreated, faults: []int{http.StatusConflict}}, s.createAccount)
	add(a, operation{method: http.MethodPatch, path: "/api/v1/accounts/{name}", id: "changeAccount", tag: "accounts",
		summary: "Change or disable an account", description: "A change of roles or of disabled ends its sessions. Accounts are not deleted, because the audit log refers to them.",
		action: identity.ManageAccounts, faults: []int{http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed}}, s.changeAccount)
	add(a, operation{method: http.MethodPost, path: "/api/v1/accounts/{name}/password", id: "setPassword", tag: "accounts",
		summary: "Give an account a password that its owner has to change", action: identity.ManageAccounts, faults: []int{http.StatusNotFound}},
		func(ctx context.Context, in *newPassword) (*accountAnswer, error) {
			return answerAccount(s.deps.Identity.SetPassword(ctx, actor(ctx), in.Name, in.Body.Password))
		})
}

func whoAsks(ctx context.Context) me {
	p, _ := identity.PrincipalFrom(ctx)
	out := me{Account: viewAccount(&p.Account), Token: p.Token, Roles: p.Roles, May: []identity.Action{}, Domains: map[string][]string{}}
	for _, action := range identity.Actions {
		switch action {
		case identity.ViewFindings, identity.ActOnFindings, identity.ShelveFindings:
			out.Domains[string(action)] = append([]string{}, identity.AllowedDomains(ctx, action)...)
		case identity.ManageTokens, identity.ManageOwnTokens:
			if p.Allowed(action, identity.TokensOf(p.Account.Name)) {
				out.May = append(out.May, action)
			}
		default:
			if p.Allowed(action, identity.ThePort) {
				out.May = append(out.May, action)
			}
		}
	}
	return out
}

func (s *Server) createAccount(ctx context.Context, in *newAccount) (*accountAnswer, error) {
	b := in.Body
	if err := s.checkParty(b.Party); err != nil {
		return nil, err
	}
	return answerAccount(s.deps.Identity.CreateAccount(ctx, actor(ctx), identity.NewAccount{
		Name: b.Name, Display: b.Display, Roles: roles(b.Roles), Party: b.Party, Password: b.Password, MustChange: b.Password != "",
	}))
}

func (s *Server) changeAccount(ctx context.Context, in *changeAccount) (*accountAnswer, error) {
	var revision int64
	if match := strings.TrimSpace(in.IfMatch); match != "" && match != "*" {
		n, ok := parseETag(match)
		if !ok {
			return nil, identity.ErrConflict
		}
		revision = n
	}
	b := in.Body
	change := identity.AccountChange{Display: b.Display, Party: b.Party, Disabled: b.Disabled}
	if b.Party != nil {
		if err := s.checkParty(*b.Party); err != nil {
			return nil, err
		}
	}
	if b.Roles != nil {
		wanted := roles(*b.Roles)
		change.Roles = &wanted
	}
	return answerAccount(s.deps.Identity.UpdateAccount(ctx, actor(ctx), in.Name, revision, change))
}

func (s *Server) checkParty(id string) error {
	if id == "" {
		return nil
	}
	for _, p := range s.deps.Port().Parties {
		if p.ID == id {
			return nil
		}
	}
	p := problem(http.StatusUnprocessableEntity, "The account is not valid.")
	p.Faults = []*Fault{{Where: "body.party", Text: "is not a party of the port file"}}
	return p
}

func answerAccount(a identity.Account, err error) (*accountAnswer, error) {
	if err != nil {
		return nil, err
	}
	return &accountAnswer{ETag: etag(a.Revision), Body: viewAccount(&a)}, nil
}

func viewAccount(a *identity.Account) accountView {
	return accountView{
		Name: a.Name, Display: a.Display, Roles: append([]identity.Role{}, a.Roles...), Party: a.Party, Password: a.PasswordHash != "",
		MustChange: a.MustChange, Disabled: a.Disabled, Revision: a.Revision, Created: a.Created, Changed: a.Changed, LastLogin: a.LastLogin,
	}
}

func accountKey(v accountView) string { return v.Name }

func roles(names []string) []identity.Role {
	out := make([]identity.Role, len(names))
	for i, n := range names {
		out[i] = identity.Role(n)
	}
	return out
}

// actor is the account that asks. The gate has seen to it that there is one.
func actor(ctx context.Context) string {
	a, _ := identity.From(ctx)
	return a.Name
}

type auditQuery struct {
	Subject string `query:"subject" maxLength:"200" doc:"such as finding/F-2QZ7K4MW3BPA or account/jane"`
	Before  int64  `query:"before" minimum:"0" doc:"seq of the last entry of the page before; absent for the newest"`
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

type auditAnswer struct {
	Items []AuditRecord `json:"items" nullable:"false"`
	Next  *int64        `json:"next,omitempty" doc:"before of the following page; absent on the last"`
}

func (s *Server) addAudit(a *api) {
	get(a, "accounts", identity.ViewAudit, "/audit", "listAudit", "The audit log, newest first",
		func(ctx context.Context, in *auditQuery) (auditAnswer, error) {
			out := auditAnswer{Items: []AuditRecord{}}
			if s.deps.Audit == nil {
				return out, missing("audit log that can be read here")
			}
			rows, err := s.deps.Audit.AuditEntries(ctx, in.Subject, in.Before, in.Limit)
			if err != nil {
				return out, err
			}
			out.Items = append(out.Items, rows...)
			if n := len(rows); n >= in.Limit && rows[n-1].Seq > 0 {
				out.Next = &rows[n-1].Seq
			}
			return out, nil
		})
}
