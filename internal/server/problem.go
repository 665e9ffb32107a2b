package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
)

// Problem is an RFC 9457 problem document, the body of every answer of the API
// that is not a success.
type Problem struct { //nolint:errname // the document is called so in RFC 9457, and the schema takes the name
	Type   string   `json:"type" doc:"URI that names the kind of problem; about:blank where the status says it all"`
	Title  string   `json:"title" doc:"the kind of problem in words"`
	Status int      `json:"status" doc:"HTTP status"`
	Detail string   `json:"detail,omitempty" doc:"what went wrong this time, and what to do"`
	ID     string   `json:"id,omitempty" doc:"of the request; the log of the server has it too"`
	Faults []*Fault `json:"errors,omitempty" doc:"faults in what was sent, one each"`

	header http.Header
}

// Fault is one thing that is wrong in a request. It never repeats the value,
// which may be a secret.
type Fault struct {
	Where string `json:"location" doc:"such as body.roles[0] or query.limit"`
	Text  string `json:"message"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func problem(status int, detail string) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

func (p *Problem) with(key, value string) *Problem {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(key, value)
	return p
}

// write sends the problem document.
func (p *Problem) write(w http.ResponseWriter, r *http.Request) {
	p.ID = requestID(r.Context())
	for key, values := range p.header {
		w.Header()[key] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_ = json.NewEncoder(w).Encode(p) // the client has gone; nothing is left to tell it
	}
}

// The framework makes its own errors, for input that does not fit the schema,
// through these two variables. They are the only hook it has, and the program
// has one API.
func init() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		return frameworkProblem(status, msg, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		p := frameworkProblem(status, msg, errs)
		if ctx != nil {
			p.ID = requestID(ctx.Context())
		}
		return p
	}
}

func frameworkProblem(status int, msg string, errs []error) *Problem {
	p := problem(status, msg)
	if status >= http.StatusInternalServerError {
		p.Detail = internalDetail
		return p
	}
	for _, err := range errs {
		if d, ok := err.(huma.ErrorDetailer); ok {
			detail := d.ErrorDetail()
			p.Faults = append(p.Faults, &Fault{Where: detail.Location, Text: detail.Message})
		}
	}
	return p
}

const internalDetail = "The server could not do this. The log of the server has the reason under this id."

// errForbidden means that who asks lacks the right.
var errForbidden = errors.New("your role does not include this")

// toProblem maps an error of a stage to what the client is told. Internals are
// logged under the id of the request and not shown. It is the only place that
// maps errors to statuses.
func toProblem(ctx context.Context, log *slog.Logger, err error) *Problem {
	var p *Problem
	var throttled *identity.ThrottledError
	switch {
	case errors.As(err, &p):
	case errors.As(err, &throttled):
		p = problem(http.StatusTooManyRequests, "Too many tries. Wait, then try again.").with("Retry-After", seconds(throttled.Wait))
	case errors.Is(err, finding.ErrNotFound), errors.Is(err, identity.ErrNotFound):
		p = problem(http.StatusNotFound, "There is nothing of that name, or you may not see it.")
	case errors.Is(err, finding.ErrConflict), errors.Is(err, identity.ErrConflict):
		p = problem(http.StatusPreconditionFailed, "Somebody else changed it in the meantime. Read it again and decide anew.")
	case errors.Is(err, finding.ErrState):
		p = problem(http.StatusConflict, err.Error())
	case errors.Is(err, identity.ErrExists), errors.Is(err, identity.ErrLastAdministrator), errors.Is(err, identity.ErrSetUpDone):
		p = problem(http.StatusConflict, err.Error())
	case errors.Is(err, identity.ErrInvalid), errors.Is(err, finding.ErrInvalid):
		p = problem(http.StatusUnprocessableEntity, err.Error())
	case errors.Is(err, errForbidden):
		p = problem(http.StatusForbidden, "Your role does not include this.")
	case errors.Is(err, identity.ErrDenied):
		p = problem(http.StatusForbidden, "Not allowed.")
	case errors.Is(err, identity.ErrBusy):
		p = problem(http.StatusServiceUnavailable, identity.ErrBusy.Error()).with("Retry-After", "5")
	case errors.Is(err, context.DeadlineExceeded):
		p = problem(http.StatusGatewayTimeout, "This took too long. Ask for less: a shorter time, a smaller box, a lower limit.")
	default:
		if !errors.Is(err, context.Canceled) {
			log.ErrorContext(ctx, "a request failed", "id", requestID(ctx), "error", err)
		}
		p = problem(http.StatusInternalServerError, internalDetail)
	}
	p.ID = requestID(ctx)
	return p
}

// seconds rounds up, so that who waits so long is not turned away again.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}
