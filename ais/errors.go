package ais

import "errors"

// Errors of decoding. They are fixed values, so that rejections can be counted
// by reason and the hot path allocates nothing; a caller adds where it was.
var (
	ErrTooLong      = errors.New("line is longer than 4096 bytes")
	ErrNoSentence   = errors.New("no NMEA sentence in the line")
	ErrPrefix       = errors.New("text before the sentence is neither a date and time nor an epoch")
	ErrNoChecksum   = errors.New("sentence has no checksum")
	ErrChecksum     = errors.New("checksum does not match")
	ErrFields       = errors.New("sentence does not have the seven fields of VDM and VDO")
	ErrFragment     = errors.New("fragment numbers are out of range")
	ErrArmour       = errors.New("payload has a character outside the six-bit alphabet")
	ErrFill         = errors.New("fill bits are out of range")
	ErrTagBlock     = errors.New("tag block is not closed or has no checksum")
	ErrTagChecksum  = errors.New("tag block checksum does not match")
	ErrTagValue     = errors.New("tag block has a malformed time or group")
	ErrPayloadLong  = errors.New("payload is longer than 768 characters")
	ErrEmpty        = errors.New("payload is empty")
	ErrType         = errors.New("message type is not 1 to 27")
	ErrLength       = errors.New("payload does not have the length of its message type")
	ErrUnfinished   = errors.New("fragments of a message are missing")
	ErrNotEncodable = errors.New("this message type cannot be encoded")
	ErrRange        = errors.New("value is out of range")
)
