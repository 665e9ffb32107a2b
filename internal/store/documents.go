package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/quaywatch/quaywatch/internal/finding"
)

// Bounds of the read documents that are kept. A page shows 50 findings, the
// first screen judges by 300 and a report reads 1,000: the same ones again and
// again, while reading one from JSON costs twenty times what comparing it does.
const (
	keptDocuments = 8192
	keptBytes     = 16 << 20 // of the documents; what is read of them takes about as much again
)

// documents keeps findings as they were read, each with the document that it
// was read from. A kept one is used only where the document in the database is
// still the same, byte for byte, so nothing here can be stale. The findings
// that it gives share their slices: whoever gets one replaces, and never
// writes into, Facts and the like.
type documents struct {
	mu    sync.Mutex
	all   map[string]*kept // by id
	order []string         // oldest first, from next on
	next  int
	bytes int
}

type kept struct {
	document []byte
	finding  finding.Finding
}

// read returns the finding id that a document holds, and keeps it. It holds on
// to no part of document, which may be the memory of the database driver.
func (d *documents) read(id string, document []byte) (finding.Finding, error) {
	if f, known := d.look(id, document); known {
		return f, nil
	}
	f, err := parse(id, document)
	if err == nil {
		d.keep(id, &kept{document: bytes.Clone(document), finding: f})
	}
	return f, err
}

// look gives the finding that was kept of a document, where it was.
func (d *documents) look(id string, document []byte) (f finding.Finding, known bool) {
	d.mu.Lock()
	k := d.all[id]
	d.mu.Unlock()
	if k == nil || !bytes.Equal(k.document, document) {
		return f, false
	}
	return k.finding, true
}

// known reads a document for a change. What a change reads is not kept, because
// a change of many findings must not drive out those that people look at; what
// it writes is, apart from those, because what is told again is mostly what was
// told a moment ago.
func (r *Records) known(id string, document []byte) (finding.Finding, error) {
	if f, known := r.saved.look(id, document); known {
		return f, nil
	}
	if f, known := r.documents.look(id, document); known {
		return f, nil
	}
	return parse(id, document)
}

func parse(id string, document []byte) (f finding.Finding, err error) {
	if err = json.Unmarshal(document, &f); err != nil {
		err = fmt.Errorf("reading the document of finding %s: %w", id, err)
	}
	return f, err
}

// keep adds one; the ones that came first go at the bounds.
func (d *documents) keep(id string, k *kept) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = map[string]*kept{}
	}
	if old := d.all[id]; old != nil {
		d.bytes -= len(old.document)
	} else {
		d.order = append(d.order, id)
	}
	d.all[id] = k
	d.bytes += len(k.document)
	for len(d.all) > keptDocuments || d.bytes > keptBytes && len(d.all) > 1 {
		first := d.order[d.next]
		d.next++
		d.bytes -= len(d.all[first].document)
		delete(d.all, first)
	}
	if d.next > keptDocuments { // forget the places of those that went
		d.order = append([]string(nil), d.order[d.next:]...)
		d.next = 0
	}
}
