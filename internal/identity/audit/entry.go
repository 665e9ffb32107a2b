// Package audit is the log of what was decided and by whom, made so that a
// change of any byte of it is found. Entries are the leaves of a Merkle tree
// after RFC 6962 (golang.org/x/mod/sumdb/tlog); every entry is stored with the
// hash of the tree up to it, in the transaction of what it records. The head of
// the tree is signed with Ed25519 (golang.org/x/mod/sumdb/note) by a key that
// lies outside the database, and signed heads, called checkpoints, are also
// appended to a file beside the database. So whoever writes to the database
// alone can't change, remove, reorder or insert an entry unseen, even when they
// compute every hash anew.
//
// The records store the rows; this package knows their bytes. The store, the
// identity room and the command line may import it; it imports nothing of this
// repository.
package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"
)

// MaxDetail is the most bytes of Detail; longer text is cut there at a
// character, and says so.
const MaxDetail = 16 << 10

// Entry is one line of the log.
type Entry struct {
	Seq     int64     // from 0, without gaps; given by the log
	Time    time.Time // when it was recorded, UTC, microseconds
	Actor   string    // account; "watch" or "system" where no person acted
	Action  string    // "raised", "acknowledge", "login", "restore"…
	Subject string    // kind and id of what it is about: "finding/F-2QZ7K4MW3BPA", "account/…"
	Detail  string    // for people
}

// body is the canonical form: JSON with the fields in this order. New fields
// go to the end with omitempty, so that old entries keep their bytes.
type body struct {
	Seq     int64  `json:"seq"`
	Time    string `json:"time"`
	Actor   string `json:"actor"`
	Action  string `json:"action"`
	Subject string `json:"subject"`
	Detail  string `json:"detail"`
}

const timeLayout = "2006-01-02T15:04:05.000000Z"

// Row is an entry as it is stored. Body is what counts; the columns beside it
// repeat parts of it for queries, and Verify compares them.
type Row struct {
	Seq     int64
	Micros  int64 // microseconds since 1970-01-01 UTC
	Actor   string
	Action  string
	Subject string
	Body    []byte // canonical form of the entry
	Record  []byte // hash of Body as a leaf (RFC 6962 section 2.1)
	Tree    []byte // hash of the tree of this entry and all before it
}

// clean makes an entry fit for its canonical form.
func (e Entry) clean() Entry {
	e.Time = e.Time.UTC().Truncate(time.Microsecond)
	for _, s := range []*string{&e.Actor, &e.Action, &e.Subject, &e.Detail} {
		*s = strings.ReplaceAll(strings.ToValidUTF8(*s, "\uFFFD"), "\x00", "\uFFFD")
	}
	if len(e.Detail) > MaxDetail {
		const mark = " … (cut)"
		end := MaxDetail - len(mark)
		for !utf8.RuneStart(e.Detail[end]) {
			end--
		}
		e.Detail = e.Detail[:end] + mark
	}
	return e
}

// check tells what an entry lacks.
func (e Entry) check() error {
	switch {
	case e.Actor == "":
		return errors.New("audit entry without an actor")
	case e.Action == "":
		return errors.New("audit entry without an action")
	case e.Time.Year() < 1970 || e.Time.Year() > 9999:
		return fmt.Errorf("audit entry with the time %v", e.Time)
	}
	return nil
}

// encode is the canonical form.
func (e Entry) encode() ([]byte, error) {
	return json.Marshal(body{e.Seq, e.Time.Format(timeLayout), e.Actor, e.Action, e.Subject, e.Detail})
}

// Decode reads an entry from its stored form.
func (r Row) Decode() (Entry, error) {
	var b body
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return Entry{}, fmt.Errorf("audit entry %d: %w", r.Seq, err)
	}
	t, err := time.Parse(timeLayout, b.Time)
	if err != nil {
		return Entry{}, fmt.Errorf("audit entry %d: %w", r.Seq, err)
	}
	return Entry{b.Seq, t, b.Actor, b.Action, b.Subject, b.Detail}, nil
}

// Edge is the right edge of the tree: the hashes of its complete subtrees, the
// largest first. It is all that has to be known to append, and at most 63
// hashes. The zero Edge is of the empty tree.
type Edge struct {
	Size   int64
	Hashes []tlog.Hash
}

// Append adds a record and returns the hash of the tree with it.
func (e *Edge) Append(record tlog.Hash) tlog.Hash {
	h := record
	for n := e.Size; n&1 == 1; n >>= 1 {
		last := len(e.Hashes) - 1
		h = tlog.NodeHash(e.Hashes[last], h)
		e.Hashes = e.Hashes[:last]
	}
	e.Hashes = append(e.Hashes, h)
	e.Size++
	return e.Root()
}

// Root is the hash of the tree; that of the empty tree is the SHA-256 of nothing.
func (e *Edge) Root() tlog.Hash {
	if len(e.Hashes) == 0 {
		h, _ := tlog.TreeHash(0, nil) // reads nothing and can't fail
		return h
	}
	h := e.Hashes[len(e.Hashes)-1]
	for i := len(e.Hashes) - 2; i >= 0; i-- {
		h = tlog.NodeHash(e.Hashes[i], h)
	}
	return h
}

// Bytes is the edge as the records keep it.
func (e *Edge) Bytes() []byte {
	out := make([]byte, 0, len(e.Hashes)*tlog.HashSize)
	for _, h := range e.Hashes {
		out = append(out, h[:]...)
	}
	return out
}

// EdgeOf reads an edge that the records kept.
func EdgeOf(size int64, b []byte) (Edge, error) {
	e := Edge{Size: size}
	if size < 0 || len(b)%tlog.HashSize != 0 || len(b)/tlog.HashSize != ones(size) {
		return Edge{}, fmt.Errorf("the edge of the audit log does not fit its size of %d entries; run 'quaywatch store verify'", size)
	}
	for ; len(b) > 0; b = b[tlog.HashSize:] {
		e.Hashes = append(e.Hashes, tlog.Hash(b[:tlog.HashSize]))
	}
	return e, nil
}

func ones(n int64) int {
	count := 0
	for ; n > 0; n &= n - 1 {
		count++
	}
	return count
}

// Add appends an entry to the edge and returns the row to store in the same
// transaction. On error the edge is as it was.
func (e *Edge) Add(entry Entry) (Row, error) {
	entry = entry.clean()
	entry.Seq = e.Size
	if err := entry.check(); err != nil {
		return Row{}, err
	}
	b, err := entry.encode()
	if err != nil {
		return Row{}, fmt.Errorf("writing audit entry %d: %w", entry.Seq, err)
	}
	record := tlog.RecordHash(b)
	tree := e.Append(record)
	return Row{
		Seq: entry.Seq, Micros: entry.Time.UnixMicro(),
		Actor: entry.Actor, Action: entry.Action, Subject: entry.Subject,
		Body: b, Record: record[:], Tree: tree[:],
	}, nil
}
