package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/quaywatch/quaywatch/internal/finding"
	"github.com/quaywatch/quaywatch/internal/identity"
	"github.com/quaywatch/quaywatch/internal/port"
)

// treeNode is one node of what a service needs to go on.
type treeNode struct {
	Words    string // of a branch: "all of", "any of", "2 of 3 of"
	ID, Name string // of a service or an asset; empty for a branch
	Service  bool
	Alone    bool // the service at the root stops without it, whatever else goes on
	Findings int  // open ones about it
	Worst    finding.Severity
	Kids     []treeNode
}

// serviceTree is what one service stands on.
type serviceTree struct {
	Root   treeNode
	Things int      // assets and services in it, each once
	Alone  []string // ids without any one of which it stops

	things map[string]bool
}

// has reports whether a thing is in the tree; there is none for an asset.
func (t *serviceTree) has(id string) bool { return t != nil && t.things[id] }

// maxTree bounds the nodes of one tree.
const maxTree = 2000

// tally counts what is open about a thing.
type tally struct {
	n     int
	worst finding.Severity
}

// openAbout counts the open findings by what they are about, of those that the reader may
// see, the gravest maxCounted of them; nil: the reader may see none.
func (c *Console) openAbout(r *http.Request) (map[string]tally, error) {
	if len(c.domains(r.Context(), identity.ViewFindings)) == 0 {
		return nil, nil //nolint:nilnil // nothing may be seen, which is not the same as nothing
	}
	page, err := c.d.Desk.List(r.Context(), c.allowedQuery(r, finding.Query{States: []finding.State{finding.Active, finding.Acknowledged}, Limit: maxCounted}))
	if err != nil {
		return nil, err
	}
	p, out := c.d.Port(), map[string]tally{}
	for i := range page.Findings {
		f := &page.Findings[i]
		id := f.Subject.ID
		if a := subjectAsset(p, f.Subject); a != nil {
			id = a.ID
		}
		o := out[id]
		out[id] = tally{o.n + 1, max(o.worst, f.Severity)}
	}
	return out, nil
}

// mayTree reports whether the reader may see what services stand on.
func (c *Console) mayTree(ctx context.Context) bool {
	return c.d.Allowed(ctx, identity.ViewPort, identity.ThePort)
}

// treeOf lays out what a service needs, its own services included.
func treeOf(p *port.Port, s *port.Service, about map[string]tally) *serviceTree {
	things := map[string]bool{}
	t := &serviceTree{things: things}
	left := maxTree
	t.Root = treeNode{ID: s.ID, Name: s.Name, Service: true}
	t.Root.mark(about)
	t.Root.Kids = kids(p, &s.Needs, about, things, &left)
	t.Things = len(things)
	for id := range things {
		if !goesOn(p, &s.Needs, id) {
			t.Alone = append(t.Alone, id)
		}
	}
	slices.Sort(t.Alone)
	t.Root.alone(t.Alone)
	return t
}

func (n *treeNode) mark(about map[string]tally) {
	n.Findings, n.Worst = about[n.ID].n, about[n.ID].worst
}

func (n *treeNode) alone(ids []string) {
	_, found := slices.BinarySearch(ids, n.ID)
	n.Alone = n.ID != "" && found
	for i := range n.Kids {
		n.Kids[i].alone(ids)
	}
}

// kids are the nodes under a need: a branch of one kind is its own node where it stands
// beside others.
func kids(p *port.Port, n *port.Need, about map[string]tally, things map[string]bool, left *int) []treeNode {
	var out []treeNode
	branch := func(words string, of []port.Need) {
		if len(of) == 0 || *left <= 0 {
			return
		}
		b := treeNode{Words: words}
		for i := range of {
			b.Kids = append(b.Kids, kids(p, &of[i], about, things, left)...)
		}
		out = append(out, b)
	}
	if n.ID != "" && *left > 0 {
		*left--
		things[n.ID] = true
		leaf := treeNode{ID: n.ID, Name: thingName(p, n.ID)}
		leaf.mark(about)
		if s := p.Service(n.ID); s != nil {
			leaf.Service = true
			leaf.Kids = kids(p, &s.Needs, about, things, left)
		}
		out = append(out, leaf)
	}
	branch("all of", n.All)
	branch("any of", n.Any)
	if n.KOfN != nil {
		branch(strconv.Itoa(n.KOfN.K)+" of these "+strconv.Itoa(len(n.KOfN.Of)), n.KOfN.Of)
	}
	return out
}

// goesOn reports whether a need is met while nothing but the thing of that id is down.
func goesOn(p *port.Port, n *port.Need, without string) bool {
	if n.ID != "" {
		if n.ID == without {
			return false
		}
		if s := p.Service(n.ID); s != nil && !goesOn(p, &s.Needs, without) {
			return false
		}
	}
	for i := range n.All {
		if !goesOn(p, &n.All[i], without) {
			return false
		}
	}
	met := func(of []port.Need) (k int) {
		for i := range of {
			if goesOn(p, &of[i], without) {
				k++
			}
		}
		return k
	}
	if len(n.Any) > 0 && met(n.Any) == 0 {
		return false
	}
	return n.KOfN == nil || met(n.KOfN.Of) >= n.KOfN.K
}
