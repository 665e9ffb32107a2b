package identity

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Params are the costs of argon2id.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8  // lanes
}

// Recommended is the second recommended option of RFC 9106 section 4: 3
// passes, 4 lanes, 64 MiB, with a salt of 128 bits and a tag of 256 bits.
var Recommended = Params{Memory: 64 * 1024, Time: 3, Threads: 4}

const (
	saltBytes = 16
	tagBytes  = 32

	// Limits on what a stored hash may ask for. A damaged or planted record
	// must not be able to take the memory of the machine.
	maxMemory  = 256 * 1024 // KiB
	maxTime    = 16
	maxThreads = 16
	maxPHC     = 512 // bytes of text
)

var errPHC = errors.New("not an argon2id hash in PHC form")

// phc is a parsed "$argon2id$v=19$m=65536,t=3,p=4$salt$tag" (the PHC string
// format; base64 without padding).
type phc struct {
	Params
	salt, tag []byte
}

func (h phc) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.Memory, h.Time, h.Threads,
		enc.EncodeToString(h.salt), enc.EncodeToString(h.tag))
}

// parsePHC reads a PHC string and refuses costs out of bounds. It is strict:
// what it accepts, String writes back byte for byte.
func parsePHC(s string) (phc, error) {
	if len(s) > maxPHC {
		return phc{}, fmt.Errorf("%w: longer than %d bytes", errPHC, maxPHC)
	}
	part := strings.Split(s, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" {
		return phc{}, errPHC
	}
	if part[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, fmt.Errorf("%w: version %q, only v=%d is known", errPHC, part[2], argon2.Version)
	}
	var h phc
	cost := strings.Split(part[3], ",")
	if len(cost) != 3 {
		return phc{}, fmt.Errorf("%w: costs %q", errPHC, part[3])
	}
	memory, err1 := phcNumber(cost[0], "m=", 8, maxMemory)
	passes, err2 := phcNumber(cost[1], "t=", 1, maxTime)
	lanes, err3 := phcNumber(cost[2], "p=", 1, maxThreads)
	if err := errors.Join(err1, err2, err3); err != nil {
		return phc{}, fmt.Errorf("%w: %w", errPHC, err)
	}
	h.Params = Params{Memory: uint32(memory), Time: uint32(passes), Threads: uint8(lanes)}
	var err error
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(part[4]); err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return phc{}, fmt.Errorf("%w: salt", errPHC)
	}
	if h.tag, err = base64.RawStdEncoding.Strict().DecodeString(part[5]); err != nil || len(h.tag) < 16 || len(h.tag) > 64 {
		return phc{}, fmt.Errorf("%w: tag", errPHC)
	}
	if h.String() != s { // base64 skips line breaks
		return phc{}, fmt.Errorf("%w: not in its shortest form", errPHC)
	}
	return h, nil
}

func phcNumber(s, prefix string, low, high uint64) (uint64, error) {
	digits, ok := strings.CutPrefix(s, prefix)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil || n < low || n > high || digits != strconv.FormatUint(n, 10) {
		return 0, fmt.Errorf("%q: want %s and a number from %d to %d", s, prefix, low, high)
	}
	return n, nil
}

// matches computes the tag of the password and compares in constant time.
func (h phc) matches(password []byte) bool {
	got := argon2.IDKey(password, h.salt, h.Time, h.Memory, h.Threads, uint32(len(h.tag)))
	return subtle.ConstantTimeCompare(got, h.tag) == 1
}

// weakerThan reports whether any cost is below p, so that the hash should be
// made anew at the next login.
func (h phc) weakerThan(p Params) bool {
	return h.Memory < p.Memory || h.Time < p.Time || h.Threads < p.Threads
}
