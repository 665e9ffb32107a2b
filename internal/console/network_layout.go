package console

import (
	"fmt"
	"math"
	"strconv"
)

// Measures of the picture, in its own units: pixels at a scale of one.
const (
	zoneWidth   = 170.0
	zoneHeight  = 54.0
	zoneGap     = 34.0
	openHead    = 70.0 // of an open zone, for three lines of name and counts
	deviceWidth = 112.0
	deviceStep  = 58.0
	laneLabel   = 120.0 // at the left of each lane
	laneGap     = 22.0
	laneLeast   = 1100.0 // width before zones begin another row
)

// networkDrawing is the picture of the network with the place of everything, so
// that the same port and the same open zones give the same picture everywhere.
// x grows to the right and y downwards, both of the middle of a box.
type networkDrawing struct {
	Width  float64       `json:"width"`
	Height float64       `json:"height"`
	Lanes  []drawnLane   `json:"lanes"`
	Zones  []drawnZone   `json:"zones"`
	Links  []drawnLink   `json:"links"`
	Things []drawnDevice `json:"devices"`
}

type drawnBox struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	W float64 `json:"w"`
	H float64 `json:"h"`
}

type drawnLane struct {
	drawnBox
	Level float64 `json:"level"`
	Name  string  `json:"name"`
}

type drawnZone struct {
	drawnBox
	ID     string `json:"id"`
	Label  string `json:"label"`
	Words  string `json:"words"` // for who hears the picture
	Worst  string `json:"worst"` // severity class of the gravest open finding
	Open   bool   `json:"open"`
	Domain string `json:"domain"`
}

type drawnLink struct {
	From    string `json:"from"`
	To      string `json:"to"`
	Verdict string `json:"verdict"` // its class, as in the legend
	Href    string `json:"href"`
}

type drawnDevice struct {
	drawnBox
	ID    string `json:"id"`
	Zone  string `json:"zone"`
	Label string `json:"label"`
	State string `json:"state"`
	Href  string `json:"href"`
}

// drawNetwork lays the lanes over each other and fills each from the left, an
// open zone as large as its devices need.
func drawNetwork(v *networkView) networkDrawing {
	d := networkDrawing{Lanes: []drawnLane{}, Zones: []drawnZone{}, Links: []drawnLink{}, Things: []drawnDevice{}}
	room := max(laneLeast, math.Ceil(math.Sqrt(float64(v.Zones)*2))*(zoneWidth+zoneGap))
	y := 0.0
	for _, lane := range v.Lanes {
		top := y
		y = d.shelve(lane, room, top+laneGap)
		d.Lanes = append(d.Lanes, drawnLane{Level: lane.Level, Name: "Level " + strconv.FormatFloat(lane.Level, 'g', -1, 64) + "\n" + lane.Name,
			drawnBox: drawnBox{W: laneLabel + room, H: y - top, X: (laneLabel + room) / 2, Y: (top + y) / 2}})
		y += laneGap / 2
	}
	d.Width, d.Height = laneLabel+room, y
	for _, l := range v.Links {
		d.Links = append(d.Links, drawnLink{l.From.ID, l.To.ID, verdictClass(l.Verdict), l.Href})
	}
	return d
}

// shelve sets the zones of a lane in rows and returns where the lane ends.
func (d *networkDrawing) shelve(lane zoneLane, room, y float64) float64 {
	x, tall := laneLabel, 0.0
	for _, n := range lane.Zones {
		columns, w, h := sizeOf(n)
		if x > laneLabel && x+w > laneLabel+room {
			x, y, tall = laneLabel, y+tall+zoneGap, 0
		}
		d.place(n, columns, drawnBox{X: x + w/2, Y: y + h/2, W: w, H: h})
		x, tall = x+w+zoneGap, max(tall, h)
	}
	return y + tall + laneGap
}

// sizeOf is the room of a zone; an open one is about as wide as it needs for
// twice as many columns as rows.
func sizeOf(n *zoneNode) (columns int, w, h float64) {
	if !n.Open || len(n.Devices) == 0 {
		return 0, zoneWidth, zoneHeight
	}
	columns = min(len(n.Devices), 9, max(2, int(math.Ceil(math.Sqrt(float64(len(n.Devices)))))))
	rows := (len(n.Devices) + columns - 1) / columns
	return columns, max(zoneWidth, float64(columns)*deviceWidth+16), float64(rows)*deviceStep + openHead
}

func (d *networkDrawing) place(n *zoneNode, columns int, b drawnBox) {
	d.Zones = append(d.Zones, drawnZone{drawnBox: b, ID: n.Zone.ID, Label: zoneLabel(n), Words: zoneWords(n), Worst: worstClass(n), Open: n.Open, Domain: string(n.Zone.Domain)})
	for i, row := range n.Devices {
		col, line := i%columns, i/columns
		d.Things = append(d.Things, drawnDevice{ID: row.Href(), Zone: n.Zone.ID, Label: row.Name(), State: seenWords(row), Href: row.Href(),
			drawnBox: drawnBox{W: 18, H: 18, X: b.X - float64(columns)*deviceWidth/2 + (float64(col)+0.5)*deviceWidth,
				Y: b.Y - b.H/2 + openHead + float64(line)*deviceStep + 14}})
	}
}

func worstClass(n *zoneNode) string {
	if n.Findings == 0 {
		return ""
	}
	return n.Worst.String()
}

// zoneLabel is the name of a zone and what is in it, in two lines.
func zoneLabel(n *zoneNode) string {
	out := n.Zone.Name + "\n" + plural(n.Registered+n.Strange, "device", "devices")
	if n.Strange > 0 {
		out += " ◆" + number(n.Strange)
	}
	if n.Findings > 0 {
		out += " ▲" + number(n.Findings)
	}
	return out
}

// zoneWords say the same for who hears it.
func zoneWords(n *zoneNode) string {
	state := "closed"
	if n.Open {
		state = "open"
	}
	return fmt.Sprintf("%s, %s, %s in the register, %s not in the register, %s, %s", n.Zone.Name, purdue(n.Zone), plural(n.Registered, "device", "devices"),
		number(n.Strange), plural(n.Findings, "open finding", "open findings"), state)
}
