package server

import (
	"context"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/quaywatch/quaywatch/internal/identity"
)

// api is the OpenAPI side of the server: each endpoint is one operation with
// typed input and output, from which the document is made.
type api struct {
	server *Server
	huma   huma.API

	once sync.Once
	json []byte
	html []byte
	err  error
}

// operation is what the document and the gate need of an endpoint.
type operation struct {
	method, path string
	id           string // operationId
	tag          string
	summary      string
	description  string
	action       identity.Action // needed on the port; "" where the handler decides by itself
	status       int             // of success; 0: 200
	faults       []int           // statuses beside 401, 403, 422, 500
}

func newAPI(s *Server, mux *http.ServeMux) *api {
	version := s.deps.Version
	if version == "" {
		version = "dev"
	}
	config := huma.DefaultConfig("Quaywatch", version)
	// The framework's own pages load scripts from elsewhere; ours are in docs.go.
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.CreateHooks = nil
	config.RejectUnknownQueryParameters = true // a mistyped filter must not mean "all"
	config.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	config.Info.Description = "What the port's security system knows and what people do with it. " +
		"Times are RFC 3339 in UTC. Lists come in pages: pass `next` of one answer as `cursor` of the following request. " +
		"Every answer that is not a success is a problem document (RFC 9457). No status that the system computes can be written."
	config.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", BearerFormat: "qw_…", Description: "an API token"},
		"session": {Type: "apiKey", In: "cookie", Name: "__Host-quaywatch", Description: "the session of a browser (named quaywatch without TLS)"},
	}
	config.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	config.Tags = tags
	a := &api{server: s, huma: humago.New(mux, config)}
	s.addFindings(a)
	s.addPort(a)
	s.addVessels(a)
	s.addNetwork(a)
	s.addPeople(a)
	s.addSituation(a)
	s.addReceivers(a)
	s.addFeeds(a)
	s.addAccounts(a)
	s.addTokens(a)
	s.addAudit(a)
	s.addEvents(a)
	return a
}

var tags = []*huma.Tag{
	{Name: "situation", Description: "How the port stands now."},
	{Name: "findings", Description: "Conditions that matter, with evidence and a life cycle."},
	{Name: "port", Description: "The declared port, from the port file."},
	{Name: "vessels", Description: "What is heard at sea, now and before."},
	{Name: "network", Description: "What is seen on the networks, and how it stands to the declared conduits."},
	{Name: "people", Description: "Who is where, as far as the readers tell. Personal data."},
	{Name: "accounts", Description: "Accounts, API tokens and the audit log."},
}

// add registers an operation. The wrapper asks for the right and maps errors, so
// that no handler can forget to.
func add[I, O any](a *api, op operation, handle func(ctx context.Context, in *I) (*O, error)) {
	o := huma.Operation{
		Method: op.method, Path: op.path, OperationID: op.id, Summary: op.summary, Description: op.description,
		Tags: []string{op.tag}, DefaultStatus: op.status, MaxBodyBytes: maxBody,
		Errors: append([]int{http.StatusUnauthorized, http.StatusForbidden}, op.faults...),
	}
	huma.Register(a.huma, o, func(ctx context.Context, in *I) (*O, error) {
		if op.action != "" && !identity.Allowed(ctx, op.action, identity.ThePort) {
			return nil, toProblem(ctx, a.server.log, errForbidden)
		}
		out, err := handle(ctx, in)
		if err != nil {
			return nil, toProblem(ctx, a.server.log, err)
		}
		return out, nil
	})
}

// body is an answer that consists of a body alone.
type body[T any] struct{ Body T }

// get registers an endpoint that reads.
func get[I, T any](a *api, tag string, action identity.Action, path, id, summary string, read func(ctx context.Context, in *I) (T, error)) {
	op := operation{method: http.MethodGet, path: "/api/v1" + path, id: id, tag: tag, summary: summary, action: action, faults: []int{http.StatusNotFound}}
	add(a, op, func(ctx context.Context, in *I) (*body[T], error) {
		out, err := read(ctx, in)
		if err != nil {
			return nil, err
		}
		return &body[T]{Body: out}, nil
	})
}

// missing is the problem where an optional part is not joined to the server. An
// empty answer would look like "nothing happened".
func missing(what string) *Problem {
	return problem(http.StatusServiceUnavailable, "This installation keeps no "+what+".")
}
