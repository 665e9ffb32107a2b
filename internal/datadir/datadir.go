// Package datadir owns the data directory: its layout and the lock that lets
// one process at a time work in it. It exists because DuckDB and the stream
// allow one owner each, and because a person who is locked out must be told by
// whom. It imports nothing of this repository.
package datadir

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Layout of a data directory, relative to it.
const (
	Records     = "records.db"        // SQLite: decisions and declarations
	Checkpoints = "audit.checkpoints" // signed heads of the audit log
	Telemetry   = "telemetry"         // DuckDB and Parquet
	Stream      = "stream"            // JetStream
	TLS         = "tls"               // own certificate
	Vessels     = "vessels.snapshot"  // what the watch of vessels has learned; a help, never a record
	Network     = "network.snapshot"  // what the watch of the network has learned; likewise
	Risk        = "risk.ndjson"       // how the risk moved, a line a change
	lockFile    = "quaywatch.lock"
)

// Info says who holds a data directory.
type Info struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
	Command string    `json:"command"`           // "serve", "store backup"
	Address string    `json:"address,omitempty"` // of the console, where there is one
}

// Lock is the right to work in a data directory. The operating system frees it
// when the process ends, however it ends.
type Lock struct {
	file *os.File
	info Info
}

// LockedError says that another process works in the data directory.
type LockedError struct {
	Dir string
	Info
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("data directory %s is in use by another process that did not say who it is; stop it first", e.Dir)
	}
	at := ""
	if e.Address != "" {
		at = ", console at " + e.Address
	}
	return fmt.Sprintf("data directory %s is in use by 'quaywatch %s', process %d on %s since %s%s: use that, or stop it first",
		e.Dir, e.Command, e.PID, e.Host, e.Since.UTC().Format(time.RFC3339), at)
}

// Acquire makes the directory where it is missing (mode 0700) and locks it.
// The error is a *LockedError where another process holds it.
func Acquire(dir, command string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	path := filepath.Join(dir, lockFile)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the data directory: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		locked := &LockedError{Dir: dir}
		_ = json.NewDecoder(file).Decode(&locked.Info) // half-written or empty: the zero Info says that it is not known
		return nil, errors.Join(locked, file.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), file.Close())
	}
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	l := &Lock{file: file, info: Info{PID: os.Getpid(), Host: host, Since: time.Now().UTC(), Command: command}}
	if err := l.write(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return l, nil
}

// SetAddress adds the address of the console to what others are told.
func (l *Lock) SetAddress(address string) error {
	l.info.Address = address
	return l.write()
}

func (l *Lock) write() error {
	b, err := json.Marshal(l.info)
	if err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	if err := l.file.Truncate(0); err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	if _, err := l.file.WriteAt(append(b, '\n'), 0); err != nil {
		return fmt.Errorf("writing the lock: %w", err)
	}
	return nil
}

// Release gives the directory up.
func (l *Lock) Release() error { return l.file.Close() }
