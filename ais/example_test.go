package ais_test

import (
	"fmt"
	"strings"

	"github.com/quaywatch/quaywatch/ais"
)

// A rare type is read when it is asked for; an application-specific message by
// its kind, in units of the docstring.
func ExampleMessage_Application() {
	m, err := ais.Parse("!AIVDM,1,1,,B,803Ovrh0EP:024`@02PN04da=3V<>N0000,4*39")
	if err != nil {
		fmt.Println(err)
		return
	}
	a, ok := m.Application()
	notice, isArea := a.(*ais.AreaNotice)
	if !ok || !isArea {
		return
	}
	p := notice.Parts[0]
	fmt.Printf("%v: %d m around %.4f %.4f for %d minutes\n", notice.ID(), p.Radius, p.Lat, p.Lon, notice.Duration)
	// Output: 1/22: 9260 m around 42.0829 -69.8650 for 20 minutes
}

// A content is put into a message, and the message on lines.
func ExampleMessage_SetContent() {
	m := ais.NewMessage(12, 2275200)
	if err := m.SetContent(&ais.Safety{Addressed: true, Destination: 215724000, Text: "PLEASE REPORT"}); err != nil {
		fmt.Println(err)
		return
	}
	lines, err := ais.Encode(m, ais.Envelope{Channel: 'A'})
	if err != nil {
		fmt.Println(err)
		return
	}
	back, err := ais.Parse(lines...)
	if err != nil {
		fmt.Println(err)
		return
	}
	s, _ := back.Safety()
	fmt.Println(strings.ToLower(s.Text), s.Destination)
	// Output: please report 215724000
}
