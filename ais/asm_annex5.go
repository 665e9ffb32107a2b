package ais

// The international function messages that M.1371-5 annex 5 itself defines
// (DAC 1, FI 0 to 5), by which stations ask what others understand.

// TextTelegram is FI 0: text in six-bit ASCII.
type TextTelegram struct {
	AckWanted bool
	Seq       uint16 // text sequence number 0..2047
	Text      string // at most 151 characters addressed, 156 broadcast
}

// ID is 1/0.
func (*TextTelegram) ID() AppID { return AppID{1, 0} }

func (a *TextTelegram) fields(w *walk) {
	w.flag("ack_required", &a.AckWanted)
	whole(w, "msg_seq", 11, &a.Seq)
	w.rest("text", 154, &a.Text)
}

// FunctionInquiry is FI 2: which message is asked for.
type FunctionInquiry struct{ Asked AppID }

// ID is 1/2.
func (*FunctionInquiry) ID() AppID { return AppID{1, 2} }

func (a *FunctionInquiry) fields(w *walk) {
	whole(w, "requested_dac", 10, &a.Asked.DAC)
	whole(w, "requested_fid", 6, &a.Asked.FI)
	w.spare(64)
}

// CapabilityInquiry is FI 3: which functions of an area are understood?
type CapabilityInquiry struct{ DAC uint16 }

// ID is 1/3.
func (*CapabilityInquiry) ID() AppID { return AppID{1, 3} }

func (a *CapabilityInquiry) fields(w *walk) {
	whole(w, "requested_dac", 10, &a.DAC)
	w.spare(70)
}

// Capability is FI 4, the answer: two bits a function, the first says that it
// is understood.
type Capability struct {
	DAC       uint16
	Functions [4]uint32 // 128 bits, two for each of the 64 functions, FI 0 first
}

// ID is 1/4.
func (*Capability) ID() AppID { return AppID{1, 4} }

var capabilityKeys = [4]string{"capability0", "capability1", "capability2", "capability3"}

func (a *Capability) fields(w *walk) {
	whole(w, "requested_dac", 10, &a.DAC)
	for i := range a.Functions {
		whole(w, capabilityKeys[i], 32, &a.Functions[i])
	}
	w.spare(126)
}

// ApplicationAck is FI 5: the application, not only the station, has it.
type ApplicationAck struct {
	Of        AppID
	Seq       uint16 // text sequence number 0..2047, 0 where none was sent
	Available bool   // an application takes such messages
	Response  uint8  // 0..7: 0 unable, 1 received, 2 will be read, 3 can respond later, 4 manual, 5 understood
}

// ID is 1/5.
func (*ApplicationAck) ID() AppID { return AppID{1, 5} }

func (a *ApplicationAck) fields(w *walk) {
	whole(w, "ack_dac", 10, &a.Of.DAC)
	whole(w, "ack_fid", 6, &a.Of.FI)
	whole(w, "msg_seq", 11, &a.Seq)
	w.flag("available", &a.Available)
	whole(w, "response", 3, &a.Response)
	w.spare(49)
}
