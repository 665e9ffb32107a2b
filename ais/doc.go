// Package ais reads and writes AIS: NMEA 0183 sentences (AIVDM, AIVDO and every
// other talker) and the messages of ITU-R M.1371-5 inside them. It exists
// because AIS decoders accept damaged sentences and disagree about values; this
// one verifies every checksum, follows the recommendation and cites the table.
// Anyone may import it; it needs the standard library only.
//
// There are two faces. The fast one fills the same [Message] again and again
// and allocates nothing once it is warm:
//
//	d := ais.NewDecoder(ais.Options{})
//	var m ais.Message
//	for each line {
//		if r, err := d.Decode(line, offset, &m); err == nil && r == ais.Complete {
//			use(&m)
//		}
//	}
//
// The convenient one returns values: [Parse] for the sentences of one message,
// [NewReader] for a stream. [Encode] and [AppendSentences] write.
//
// All 27 types are read to values and written. Those of types 1 to 5, 9, 11, 18,
// 19, 21, 24 and 27 are parts of [Message]. The rare ones are read on demand
// from [Message.Bits], so that Message stays cheap to refill: [Message.Binary],
// [Message.Application] (the application-specific messages of IMO circulars 236
// and 289, inland AIS and others), [Message.Acknowledgement],
// [Message.Interrogation] and so on; [Message.SetContent] writes them. An
// application that is not known keeps its bits.
//
// A value that the message marks as not available is absent: NaN for floats,
// -1 for small integers with a valid zero, 0 or "" elsewhere, as each field
// says. A sentinel never passes as a measurement.
package ais
