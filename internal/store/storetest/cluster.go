package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Environment names the variable with the address of a PostgreSQL server that
// tests may make databases in, in place of a throw-away cluster.
const Environment = "QUAYWATCH_TEST_POSTGRES"

// needServer says what to do where no server is found. The tests fail then:
// records that were never tried on PostgreSQL must not look as if they were.
const needServer = "no PostgreSQL server is on this machine (looked for initdb and postgres on PATH and in /usr/lib/postgresql/*/bin): " +
	"install one (Debian and Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql), " +
	"or set " + Environment + " to the address of a server that tests may make databases in"

// Cluster is a PostgreSQL server for tests. It needs the driver "pgx", which
// importing package store/postgres brings along.
type Cluster struct {
	URL  string // of its maintenance database
	stop func() error
}

// Stop ends a server that StartCluster started, and removes its files.
func (c *Cluster) Stop() error { return c.stop() }

// StartCluster starts a throw-away server on a free loopback port, or takes the
// one that the environment names.
func StartCluster() (*Cluster, error) {
	if url := os.Getenv(Environment); url != "" {
		return &Cluster{URL: url, stop: func() error { return nil }}, nil
	}
	bin, err := findServer()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "quaywatch-postgres-")
	if err != nil {
		return nil, fmt.Errorf("making a directory for PostgreSQL: %w", err)
	}
	c, err := startIn(bin, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, nil
}

// findServer returns the directory of the newest server.
func findServer() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), "postgres")); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", errors.New(needServer)
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 for what is no number
		return n
	}
	newest := slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })
	return filepath.Dir(newest), nil
}

func startIn(bin, dir string) (*Cluster, error) {
	as, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	files := filepath.Join(dir, "cluster")
	initdb := exec.CommandContext(context.Background(), filepath.Join(bin, "initdb"), "-D", files, "-U", "quaywatch", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync") //nolint:gosec // found on this machine
	initdb.SysProcAttr, initdb.Dir = as, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	server := exec.CommandContext(context.Background(), filepath.Join(bin, "postgres"), "-D", files, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-k", "", "-c", "autovacuum=off") //nolint:gosec // found on this machine
	server.SysProcAttr, server.Dir, server.Stdout, server.Stderr = as, dir, log, log
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("starting PostgreSQL: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	c := &Cluster{URL: fmt.Sprintf("postgres://quaywatch@127.0.0.1:%d/postgres?sslmode=disable", port)}
	c.stop = func() error {
		err := server.Process.Signal(syscall.SIGINT) // fast shutdown
		<-ended                                      //nolint:errcheck // a server that was asked to stop ends with an error or not
		return errors.Join(err, os.RemoveAll(dir))
	}
	if err := c.answers(ended); err != nil {
		said, _ := os.ReadFile(log.Name()) // only adds to the error
		return nil, errors.Join(fmt.Errorf("PostgreSQL did not start: %w\n%s", err, said), c.stop())
	}
	return c, nil
}

// unprivileged gives dir to a user that PostgreSQL agrees to run as, for it
// refuses root. nil where this process is not root.
func unprivileged(dir string) (*syscall.SysProcAttr, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, errors.New("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as")
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2, os.Chown(dir, uid, gid)); err != nil {
		return nil, fmt.Errorf("giving %s to user %s: %w", dir, u.Username, err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

func freePort() (int, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close() // another may take it before the server does; the test then fails and says so
}

// answers waits until the server answers, for half a minute at most.
func (c *Cluster) answers(ended chan error) error {
	db, err := sql.Open("pgx", c.URL)
	if err != nil {
		return err
	}
	defer db.Close()
	limit := time.After(30 * time.Second)
	for {
		err := db.PingContext(context.Background())
		if err == nil {
			return nil
		}
		select {
		case e := <-ended:
			ended <- e
			return fmt.Errorf("it ended: %w", e)
		case <-limit:
			return err
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Create makes an empty database and returns its address and what removes it.
func (c *Cluster) Create(ctx context.Context) (url string, drop func() error, err error) {
	admin, err := sql.Open("pgx", c.URL)
	if err != nil {
		return "", nil, fmt.Errorf("opening the test server: %w", err)
	}
	name := fmt.Sprintf("quaywatch_test_%d_%d", os.Getpid(), time.Now().UnixNano())
	if _, err := admin.ExecContext(ctx, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'"); err != nil {
		return "", nil, errors.Join(fmt.Errorf("making a test database: %w", err), admin.Close())
	}
	url, err = withDatabase(c.URL, name)
	drop = func() error {
		_, err := admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)")
		return errors.Join(err, admin.Close())
	}
	return url, drop, err
}

// withDatabase puts another database name into the address of a server.
func withDatabase(url, name string) (string, error) {
	rest, query, _ := strings.Cut(url, "?")
	scheme, rest, found := strings.Cut(rest, "://")
	if !found {
		return "", fmt.Errorf("the address in %s must begin with postgres://", Environment)
	}
	host, _, _ := strings.Cut(rest, "/")
	out := scheme + "://" + host + "/" + name
	if query != "" {
		out += "?" + query
	}
	return out, nil
}
