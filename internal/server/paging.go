package server

import (
	"encoding/base64"
	"net/http"
	"slices"
	"sort"
	"strings"
	"time"
)

// Paging is the part of a request that asks for a page.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"most items in the answer"`
	Cursor string `query:"cursor" maxLength:"512" doc:"next of the page before; empty for the first page"`
}

// list is one page of a list.
type list[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"cursor of the following page; absent on the last"`
	Total int    `json:"total" doc:"items in all pages together"`
	// AtLeast is set where counting stopped.
	AtLeast bool      `json:"at_least,omitempty" doc:"there are total items or more: a search for words that very many have stops counting"`
	AsOf    time.Time `json:"as_of,omitzero" doc:"newest event time that the picture knows; absent for what is declared"`
}

// page cuts a page out of items by their keys, which are unique and in
// ascending order. The cursor is the key of the last item told, so a list that
// changes between two pages repeats and skips nothing that stayed.
func page[T any](items []T, key func(T) string, p Paging) (list[T], error) {
	out := list[T]{Items: []T{}, Total: len(items)}
	start := 0
	if p.Cursor != "" {
		after, err := base64.RawURLEncoding.DecodeString(p.Cursor)
		if err != nil {
			return out, badQuery("cursor", "is not one that this list gave")
		}
		start = sort.Search(len(items), func(i int) bool { return key(items[i]) > string(after) })
	}
	limit := p.Limit
	if limit <= 0 {
		limit = 100
	}
	end := min(len(items), start+limit)
	out.Items = append(out.Items, items[start:end]...)
	if end < len(items) && end > start {
		out.Next = base64.RawURLEncoding.EncodeToString([]byte(key(items[end-1])))
	}
	return out, nil
}

// sorted returns the items that keep accepts, mapped and ordered by key.
func sorted[S, T any](in []S, keep func(*S) bool, view func(*S) T, key func(T) string) []T {
	out := make([]T, 0, len(in))
	for i := range in {
		if keep == nil || keep(&in[i]) {
			out = append(out, view(&in[i]))
		}
	}
	slices.SortStableFunc(out, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	return out
}

// badQuery is the problem for one wrong part of a query.
func badQuery(name, text string) *Problem {
	p := problem(http.StatusUnprocessableEntity, "The query is not valid.")
	p.Faults = []*Fault{{Where: "query." + name, Text: text}}
	return p
}

// matches reports whether text is empty or is found in one of the fields,
// whatever the case.
func matches(text string, fields ...string) bool {
	if text == "" {
		return true
	}
	text = strings.ToLower(text)
	return slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(strings.ToLower(f), text) })
}

// is reports whether want is empty or equal to got.
func is(want, got string) bool { return want == "" || want == got }
