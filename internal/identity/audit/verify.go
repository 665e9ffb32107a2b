package audit

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Stored is the log as the records hold it, at one moment.
type Stored struct {
	Rows        iter.Seq2[Row, error] // in the order of Seq
	Size        int64                 // of the tree
	Edge        []byte                // of the tree
	Head        []byte                // checkpoint of the tree, signed in the newest transaction
	Checkpoints [][]byte              // those that were appended to the file, oldest first
	Thinned     time.Time             // up to when they were thinned, see ThinAction; zero: never
}

// ErrUnreadable marks an error of Stored.Rows that says that a column holds what
// no program wrote there, rather than that reading failed.
var ErrUnreadable = errors.New("a column holds something of another kind")

// Fault is the first thing that is wrong. The entry is the first that differs,
// is missing or does not belong there; -1 where no entry but the proof itself
// is damaged. Where only a signature shows it, Entry to Until are the entries
// of which at least one was changed.
type Fault struct {
	Entry int64  `json:"entry"`
	Until int64  `json:"until"`
	What  string `json:"what"`
}

// Report is the outcome of a verification.
type Report struct {
	Entries     int64  `json:"entries"`
	Root        string `json:"root"` // hash of the tree, hexadecimal
	Checkpoints int    `json:"checkpoints"`
	Signed      int64  `json:"signed"` // entries covered by the newest checkpoint in the file
	Fault       *Fault `json:"fault,omitempty"`
}

// signed is a checkpoint with the place that it was found in.
type signed struct {
	Checkpoint
	where string
}

// Verify computes everything anew from the bodies of the entries and compares
// it with the stored hashes, with the signed head, and with the checkpoints in
// the records and in the file in dir. The error tells that something could not
// be read; a fault is no error.
func Verify(s Stored, dir string, keys note.Verifiers) (Report, error) {
	var r Report
	file, err := os.ReadFile(filepath.Join(dir, CheckpointsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("reading the checkpoints file: %w", err)
	}
	marks, proofFault := s.proofs(file, keys)
	r.Checkpoints = len(s.Checkpoints)
	edge, fault, err := s.walk(marks, &r)
	if err != nil {
		return r, err
	}
	root := edge.Root()
	r.Entries, r.Root = edge.Size, hex.EncodeToString(root[:])
	switch {
	case fault != nil:
		r.Fault = fault // names an entry
	case proofFault != nil:
		r.Fault = proofFault
	default:
		r.Fault = s.end(&edge, marks)
	}
	return r, nil
}

// walk goes through the entries, recomputing, and stops at the first bad one.
func (s Stored) walk(marks []signed, r *Report) (Edge, *Fault, error) {
	var edge Edge
	good := int64(0) // entries covered by a checkpoint that agreed
	agree := func() *Fault {
		for ; len(marks) > 0 && marks[0].Size <= edge.Size; marks = marks[1:] {
			m := marks[0]
			if m.Root != edge.Root() {
				return &Fault{Entry: good, Until: max(good, m.Size-1), What: fmt.Sprintf(
					"the entries %d to %d are not those that were signed at %s (%s): at least one was changed, and all hashes were computed anew",
					good, max(good, m.Size-1), m.Time.Format(timeLayout), m.where)}
			}
			if good = m.Size; m.where == inFile {
				r.Signed = m.Size
			}
		}
		return nil
	}
	if f := agree(); f != nil {
		return edge, f, nil
	}
	for row, err := range s.Rows {
		if errors.Is(err, ErrUnreadable) {
			return edge, &Fault{Entry: edge.Size, Until: edge.Size, What: fmt.Sprintf("entry %d can't be read: it was changed (%v)", edge.Size, err)}, nil
		}
		if err != nil {
			return edge, nil, fmt.Errorf("reading audit entry %d: %w", edge.Size, err)
		}
		if what := row.fault(&edge); what != "" {
			return edge, &Fault{Entry: edge.Size, Until: edge.Size, What: what}, nil
		}
		if f := agree(); f != nil {
			return edge, f, nil
		}
	}
	return edge, nil, nil
}

// fault checks one row against the tree so far and adds it. "" is no fault.
func (r Row) fault(edge *Edge) string {
	n := edge.Size
	switch {
	case r.Seq > n:
		return fmt.Sprintf("entry %d is missing: the next is %d", n, r.Seq)
	case r.Seq < n:
		return fmt.Sprintf("entry %d stands where entry %d belongs", r.Seq, n)
	}
	record := tlog.RecordHash(r.Body)
	if !bytes.Equal(record[:], r.Record) {
		return fmt.Sprintf("entry %d does not match its hash: it was changed", n)
	}
	e, err := r.Decode()
	if err != nil {
		return fmt.Sprintf("entry %d can't be read: it was changed (%v)", n, err)
	}
	canonical, err := e.encode()
	if err != nil || !bytes.Equal(canonical, r.Body) {
		return fmt.Sprintf("entry %d is not in canonical form: it was changed", n)
	}
	if e.Seq != n || e.Time.UnixMicro() != r.Micros || e.Actor != r.Actor || e.Action != r.Action || e.Subject != r.Subject {
		return fmt.Sprintf("entry %d and its columns tell different things: a column was changed", n)
	}
	before := Edge{Size: n, Hashes: slices.Clone(edge.Hashes)}
	tree := edge.Append(record)
	if !bytes.Equal(tree[:], r.Tree) {
		*edge = before // so that the report ends at the last good entry
		return fmt.Sprintf("the tree hash of entry %d is wrong: it, or one before it, was changed, removed or moved", n)
	}
	return ""
}

const (
	inHead    = "signed head in the records"
	inRecords = "checkpoint in the records"
	inFile    = "checkpoint in the file"
)

// proofs opens every signed head, and compares the file with the records. The
// heads that are properly signed come back in order of size, whatever else is
// wrong with them.
func (s Stored) proofs(file []byte, keys note.Verifiers) (marks []signed, fault *Fault) {
	proof := func(format string, args ...any) {
		if fault == nil {
			fault = &Fault{Entry: -1, Until: -1, What: fmt.Sprintf(format, args...)}
		}
	}
	open := func(b []byte, where string, n int) {
		c, err := Open(b, keys)
		if err != nil {
			proof("%s number %d is not signed by a trusted key or was changed: %v", where, n+1, err)
			return
		}
		marks = append(marks, signed{c, where})
	}
	inside, rest := split(file)
	for i, b := range inside {
		open(bytes.TrimSuffix(b, []byte("\n")), inFile, i)
	}
	// A crash may come between the thinning of the one and of the other: what is
	// compared is what has to be left in both.
	inside, s.Checkpoints = thinned(inside, s.Thinned), thinned(s.Checkpoints, s.Thinned)
	for i, b := range inside {
		if i < len(s.Checkpoints) && !bytes.Equal(framed(s.Checkpoints[i]), b) {
			proof("%s number %d is not the one that the records hold", inFile, i+1)
		}
	}
	for i, b := range s.Checkpoints {
		open(b, inRecords, i)
	}
	s.compareCounts(len(inside), rest, proof)
	if len(s.Head) > 0 {
		open(s.Head, inHead, 0)
	} else if s.Size > 0 {
		proof("the %s is missing", inHead)
	}
	slices.SortStableFunc(marks, func(a, b signed) int { return cmp.Compare(a.Size, b.Size) })
	return marks, fault
}

// compareCounts tells whether the file and the records hold the same number of
// checkpoints. A crash may leave the newest out of the file, or torn at its
// end; nothing else is innocent.
func (s Stored) compareCounts(inside int, rest []byte, proof func(string, ...any)) {
	missing := len(s.Checkpoints) - inside
	var newest []byte
	if missing == 1 {
		newest = framed(s.Checkpoints[inside])
	}
	switch {
	case missing < 0:
		proof("the file holds %d checkpoints and the records %d: the records were cut or put back to an earlier state", inside, len(s.Checkpoints))
	case missing > 1 || missing == 1 && inside == 0 && len(s.Checkpoints) > 1:
		proof("the file lacks %d of %d checkpoints: it was cut, replaced or removed", missing, len(s.Checkpoints))
	case len(rest) > 0 && !bytes.HasPrefix(newest, rest):
		proof("the checkpoints file ends with %d bytes that are no checkpoint", len(rest))
	}
}

// end compares the end of the tree with what the records say that it is.
func (s Stored) end(edge *Edge, marks []signed) *Fault {
	gone := func(size int64, where string) *Fault {
		return &Fault{Entry: edge.Size, Until: size - 1, What: fmt.Sprintf(
			"the entries %d to %d are gone: %s tells of %d entries", edge.Size, size-1, where, size)}
	}
	if n := len(marks); n > 0 && marks[n-1].Size > edge.Size {
		return gone(marks[n-1].Size, marks[n-1].where)
	}
	switch {
	case s.Size > edge.Size:
		return gone(s.Size, "the size in the records")
	case s.Size < edge.Size:
		return &Fault{Entry: s.Size, Until: edge.Size - 1, What: fmt.Sprintf("the entries from %d on were added behind the end of the log", s.Size)}
	case !bytes.Equal(s.Edge, edge.Bytes()):
		return &Fault{Entry: -1, Until: -1, What: "the edge of the tree in the records was changed"}
	}
	for _, m := range marks {
		if m.where == inHead && m.Size != s.Size {
			return &Fault{Entry: m.Size, Until: s.Size - 1, What: fmt.Sprintf("the entries from %d on were added without being signed", m.Size)}
		}
	}
	return nil
}
