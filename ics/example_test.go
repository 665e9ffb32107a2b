package ics_test

import (
	"encoding/hex"
	"fmt"

	"github.com/quaywatch/quaywatch/ics"
)

// A conversation is given its payloads one after the other, from both ends.
func ExampleConversation() {
	ask, _ := hex.DecodeString("000100000005" + "01" + "2b0e0100")
	answer, _ := hex.DecodeString("000100000019" + "01" + "2b0e0101000003" + "000441636d65" + "01025831" + "0205312e322e33")
	var c ics.Conversation
	var r ics.Result
	c.Inspect(ics.Segment{Transport: ics.TCP, Source: 49152, Destination: 502, Seq: 1, Payload: ask}, &r)
	fmt.Println(r.Application, r.Operations, "by the client:", r.Sender == ics.RoleClient)
	c.Inspect(ics.Segment{Transport: ics.TCP, Source: 502, Destination: 49152, Sender: ics.Second, Seq: 1, Payload: answer}, &r)
	fmt.Println(r.Identity.Vendor, r.Identity.Model, r.Identity.Firmware)
	// Output:
	// modbus identify by the client: true
	// Acme X1 1.2.3
}
