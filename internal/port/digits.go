package port

import (
	"fmt"
	"strings"
)

// ValidIMO reports whether n is a ship's IMO number: seven digits, of which the
// last is the units of the first six weighted 7 to 2 (IMO resolution A.1117(30)).
func ValidIMO(n int) bool {
	if n < 1000000 || n > 9999999 {
		return false
	}
	return imoDigit(n/10) == n%10
}

func imoDigit(six int) int {
	sum := 0
	for weight := 2; weight <= 7; weight++ {
		sum += six % 10 * weight
		six /= 10
	}
	return sum % 10
}

// imoFault says what is wrong with an IMO number, "" when nothing is.
func imoFault(n int) (text, hint string) {
	switch {
	case n < 1000000 || n > 9999999:
		return fmt.Sprintf("the IMO number %d has not seven digits", n), "write the seven digits without IMO before them"
	case !ValidIMO(n):
		return fmt.Sprintf("the IMO number %d has a wrong check digit", n), fmt.Sprintf("with these first six digits it would be %d", n/10*10+imoDigit(n/10))
	}
	return "", ""
}

// mmsiUse is what an MMSI is for, by its first digits (ITU-R M.585-9).
type mmsiUse struct {
	prefix string
	say    string
}

var (
	shipMMSI    = mmsiUse{"", "a ship station has MIDxxxxxx (ITU-R M.585-9)"}
	craftMMSI   = mmsiUse{"98", "a craft of a parent ship has 98MIDxxxx (ITU-R M.585-9)"}
	stationMMSI = mmsiUse{"00", "a coast or base station has 00MIDxxxx (ITU-R M.585-9)"}
	aidMMSI     = mmsiUse{"99", "an aid to navigation has 99MIDxxxx (ITU-R M.585-9)"}
)

// mmsiFault says what is wrong with an MMSI of one of the uses. warning is set
// where only the country code is not known here.
func mmsiFault(n int, uses ...mmsiUse) (text, hint string, warning bool) {
	digits := fmt.Sprintf("%09d", n)
	if n < 0 || len(digits) != 9 {
		return fmt.Sprintf("the MMSI %d has not nine digits", n), uses[0].say, false
	}
	for _, use := range uses {
		rest, ok := strings.CutPrefix(digits, use.prefix)
		if !ok || rest[0] < '2' || rest[0] > '7' {
			continue
		}
		if mid := int(rest[0]-'0')*100 + int(rest[1]-'0')*10 + int(rest[2]-'0'); !assignedMID(mid) {
			return fmt.Sprintf("the MMSI %s has the country code %03d, which is assigned to nobody", digits, mid), "compare with the licence; " + use.say, true
		}
		return "", "", false
	}
	return fmt.Sprintf("the MMSI %s is not of the right form", digits), uses[0].say, false
}

// mids are the maritime identification digits that ITU has assigned, as ranges
// with both ends (ITU table of maritime identification digits).
var mids = [][2]int{
	{201, 216}, {218, 220}, {224, 259}, {261, 279},
	{301, 301}, {303, 312}, {314, 314}, {316, 316}, {319, 319}, {321, 321}, {323, 323}, {325, 325}, {327, 327},
	{329, 332}, {334, 334}, {336, 336}, {338, 339}, {341, 341}, {343, 343}, {345, 345}, {347, 348}, {350, 359},
	{361, 362}, {364, 364}, {366, 379},
	{401, 401}, {403, 403}, {405, 405}, {408, 408}, {410, 410}, {412, 414}, {416, 417}, {419, 419}, {422, 423},
	{425, 425}, {428, 428}, {431, 432}, {434, 434}, {436, 438}, {440, 441}, {443, 443}, {445, 445}, {447, 447},
	{450, 451}, {453, 453}, {455, 455}, {457, 457}, {459, 459}, {461, 461}, {463, 463}, {466, 466}, {468, 468},
	{470, 473}, {475, 475}, {477, 478},
	{501, 501}, {503, 503}, {506, 506}, {508, 508}, {510, 512}, {514, 516}, {518, 518}, {520, 520}, {523, 523},
	{525, 525}, {529, 529}, {531, 531}, {533, 533}, {536, 536}, {538, 538}, {540, 540}, {542, 542}, {544, 544},
	{546, 546}, {548, 548}, {550, 550}, {553, 553}, {555, 555}, {557, 557}, {559, 559}, {561, 561}, {563, 567},
	{570, 570}, {572, 572}, {574, 574}, {576, 578},
	{601, 601}, {603, 603}, {605, 605}, {607, 613}, {615, 622}, {624, 627}, {629, 638}, {642, 642}, {644, 645},
	{647, 647}, {649, 650}, {654, 657}, {659, 672}, {674, 679},
	{701, 701}, {710, 710}, {720, 720}, {725, 725}, {730, 730}, {735, 735}, {740, 740}, {745, 745}, {750, 750},
	{755, 755}, {760, 760}, {765, 765}, {770, 770}, {775, 775},
}

func assignedMID(mid int) bool {
	for _, r := range mids {
		if r[0] <= mid && mid <= r[1] {
			return true
		}
	}
	return false
}

// containerFault says what is wrong with a container number (ISO 6346), "" when
// nothing is: three letters of the owner, U, J or Z, six digits and a check digit.
func containerFault(n string) (text, hint string) {
	if len(n) != 11 || strings.Trim(n[:4], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || strings.Trim(n[4:], "0123456789") != "" || n[3] != 'U' && n[3] != 'J' && n[3] != 'Z' {
		return fmt.Sprintf("%q is no container number", n), "four capital letters, the last U, J or Z, and seven digits, such as CSQU3054383 (ISO 6346)"
	}
	if want := containerDigit(n[:10]); n[10] != want {
		return fmt.Sprintf("the container number %s has a wrong check digit", n), fmt.Sprintf("with the rest as it is, it would be %s%c", n[:10], want)
	}
	return "", ""
}

// containerDigit is the check digit of the first ten characters: letters count
// from 10 leaving out 11, 22 and 33, each place weighs twice the one before,
// the sum is taken modulo 11, and 10 becomes 0 (ISO 6346 annex A).
func containerDigit(ten string) byte {
	sum := 0
	for i := range 10 {
		value := int(ten[i] - '0')
		if ten[i] >= 'A' {
			value = int(ten[i]-'A') + 10
			for _, gap := range []int{11, 22, 33} {
				if value >= gap {
					value++
				}
			}
		}
		sum += value << i
	}
	return byte('0' + sum%11%10)
}
