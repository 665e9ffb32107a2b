package port

import (
	"regexp"
	"slices"
)

// kind is what an id names.
type kind string

const (
	kindSite        kind = "site"
	kindArea        kind = "area"
	kindAccessPoint kind = "access point"
	kindZone        kind = "zone"
	kindConduit     kind = "conduit"
	kindAsset       kind = "asset"
	kindService     kind = "service"
	kindParty       kind = "party"
	kindAuthority   kind = "authority"
	kindWater       kind = "water"
	kindLand        kind = "land"
	kindVessel      kind = "vessel"
	kindAid         kind = "aid"
	kindTerminal    kind = "terminal"
	kindSensor      kind = "sensor"
	kindApproval    kind = "approval"
	kindWorkOrder   kind = "work order"
)

// form is how a text must look.
type form struct {
	pattern *regexp.Regexp
	say     string // what is expected, for a reader
}

func formOf(pattern, say string) *form { return &form{regexp.MustCompile(pattern), say} }

// bounds are the lowest and highest number allowed.
type bounds struct{ low, high float64 }

// rule is what can be said of one field by itself. The loader and the JSON
// Schema are both made from this table, so they can't disagree about it.
type rule struct {
	needed bool
	oneOf  []string  // the only texts allowed
	levels []float64 // the only numbers allowed
	form   *form
	bounds *bounds
	ref    []kind // the text names one of these; the schema can't see that
}

var (
	idForm       = formOf(`^[a-z0-9]+([._-][a-z0-9]+)*$`, "lower-case letters and digits, with single hyphens, dots or underscores between them")
	windowForm   = formOf(`^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9](, (Mon|Tue|Wed|Thu|Fri|Sat|Sun) ([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9])*$`, `day and hours, such as "Sun 02:00-06:00" or "Tue 22:00-02:00, Thu 22:00-02:00"`)
	anyNumber    = &bounds{0, 1e12}
	someHours    = &bounds{0, 87600} // ten years
	domains      = []string{string(IT), string(OT), string(Physical)}
	purdueLevels = []float64{0, 1, 2, 3, 3.5, 4, 5}
	id           = rule{needed: true, form: idForm}
)

// maxID is the longest id, in characters.
const maxID = 64

// rules are kept by "Type.Field".
var rules = map[string]rule{
	"Identity.Name":          {needed: true},
	"Identity.LOCODE":        {needed: true, form: formOf(`^[A-Z]{2}[A-Z2-9]{3}$`, "a UN/LOCODE: two letters of the country and three letters or digits 2 to 9, without a space, such as GBFXT")},
	"Identity.TimeZone":      {needed: true},
	"Identity.Currency":      {needed: true, form: formOf(`^[A-Z]{3}$`, "an ISO 4217 code: three capital letters, such as EUR")},
	"Identity.SecurityLevel": {needed: true, bounds: &bounds{1, 3}},
	"Identity.LearningDays":  {bounds: &bounds{0, 365}},
	"Identity.Centre":        {needed: true},

	"Site.ID":       id,
	"Site.Kind":     {needed: true, oneOf: SiteKinds},
	"Site.Facility": {form: formOf(`^[A-Z]{2}[A-Z2-9]{3}-[0-9]{4}$`, "an IMO port facility number: the UN/LOCODE, a hyphen and four digits, such as GBFXT-0001")},
	"Site.Operator": {ref: []kind{kindParty}},

	"Area.ID":             id,
	"Area.Site":           {needed: true, ref: []kind{kindSite}},
	"Area.Inside":         {ref: []kind{kindArea}},
	"AccessPoint.ID":      id,
	"AccessPoint.Kind":    {needed: true, oneOf: AccessPointKinds},
	"AccessPoint.From":    {ref: []kind{kindArea}},
	"AccessPoint.Readers": {ref: []kind{kindAsset}},
	"AccessPoint.Cameras": {ref: []kind{kindAsset}},

	"Zone.ID":           id,
	"Zone.Domain":       {needed: true, oneOf: domains},
	"Zone.Level":        {needed: true, levels: purdueLevels},
	"Zone.Target":       {bounds: &bounds{0, 4}},
	"Zone.LearningDays": {bounds: &bounds{0, 365}},
	"Zone.Site":         {ref: []kind{kindSite}},
	"Zone.Owner":        {ref: []kind{kindParty}},
	"Zone.Window":       {form: windowForm},

	"Conduit.ID":        id,
	"Conduit.From":      {needed: true, ref: []kind{kindZone}},
	"Conduit.To":        {needed: true, ref: []kind{kindZone}},
	"Conduit.Allow":     {needed: true},
	"Conduit.Owner":     {ref: []kind{kindParty}},
	"Firewall.Asset":    {needed: true, ref: []kind{kindAsset}},
	"Attached.Name":     {needed: true},
	"Attached.Zones":    {needed: true, ref: []kind{kindZone}},
	"Allow.Transport":   {needed: true, oneOf: []string{"tcp", "udp", "icmp", "any"}},
	"Allow.Application": {form: formOf(`^[a-z0-9]+([._/-][a-z0-9]+)*$`, "the name of an application protocol in lower case, such as modbus")},
	"Allow.Access":      {oneOf: []string{"read", "write", "read-write"}},

	"Asset.ID":           id,
	"Asset.Domain":       {needed: true, oneOf: domains},
	"Asset.Kind":         {needed: true, oneOf: allAssetKinds()},
	"Asset.Zone":         {ref: []kind{kindZone}},
	"Asset.Area":         {ref: []kind{kindArea}},
	"Asset.Owner":        {ref: []kind{kindParty}},
	"Asset.Window":       {form: windowForm},
	"Asset.Criticality":  {oneOf: []string{"low", "medium", "high", "critical"}},
	"Asset.ControlledBy": {ref: []kind{kindAsset}},
	"RemoteAccess.Party": {needed: true, ref: []kind{kindParty}},
	"RemoteAccess.Via":   {ref: []kind{kindAsset}},

	"Service.ID":         id,
	"Service.Owner":      {ref: []kind{kindParty}},
	"Service.Capacity":   {bounds: anyNumber},
	"Need.ID":            {ref: []kind{kindAsset, kindService}},
	"KOfN.K":             {needed: true, bounds: &bounds{1, 10000}},
	"KOfN.Of":            {needed: true},
	"Manual.Fraction":    {needed: true, bounds: &bounds{0, 1}},
	"Manual.RampHours":   {bounds: someHours},
	"Manual.LimitHours":  {bounds: someHours},
	"Manual.Staff":       {bounds: &bounds{0, 100000}},
	"Recovery.RTOHours":  {bounds: someHours},
	"Recovery.RPOHours":  {bounds: someHours},
	"Recovery.MTPDHours": {bounds: someHours},

	"Terminal.ID":      id,
	"Terminal.Kind":    {needed: true, oneOf: TerminalKinds},
	"Terminal.Sea":     {ref: []kind{kindService}},
	"Terminal.Quay":    {needed: true, ref: []kind{kindService}},
	"Terminal.Yard":    {ref: []kind{kindService}},
	"Terminal.Gate":    {ref: []kind{kindService}},
	"Terminal.Rail":    {ref: []kind{kindService}},
	"Terminal.Release": {ref: []kind{kindService}},
	"Terminal.Reefers": {ref: []kind{kindService}},
	"Figure.Low":       {bounds: anyNumber},
	"Figure.High":      {bounds: anyNumber},

	"Party.ID":       id,
	"Party.Kind":     {needed: true, oneOf: []string{"person", "team", "company", "agency"}},
	"Party.MemberOf": {ref: []kind{kindParty}},
	"Party.Areas":    {ref: []kind{kindArea}},
	"Party.Email":    {form: formOf(`^[^@\s]+@[^@\s]+$`, "a mail address, such as a.winter@port.example")},
	"Badge.Number":   {needed: true},

	"Authority.ID":       id,
	"Authority.Decision": {needed: true},
	"Authority.Over":     {ref: []kind{kindAsset, kindZone, kindService, kindConduit, kindArea}},
	"Authority.Holders":  {needed: true, ref: []kind{kindParty}},
	"Authority.Agree":    {bounds: &bounds{0, 1000}},

	"Approval.ID":        id,
	"Approval.Stations":  {needed: true, ref: []kind{kindAsset}},
	"Approval.Devices":   {ref: []kind{kindAsset, kindZone}},
	"Approval.Allow":     {oneOf: Operations},
	"Approval.Owner":     {ref: []kind{kindParty}},
	"WorkOrder.ID":       id,
	"WorkOrder.Stations": {needed: true, ref: []kind{kindAsset}},
	"WorkOrder.Devices":  {ref: []kind{kindAsset, kindZone}},
	"WorkOrder.Allow":    {oneOf: Operations},
	"WorkOrder.From":     {needed: true},
	"WorkOrder.Until":    {needed: true},
	"WorkOrder.Party":    {ref: []kind{kindParty}},

	"Water.ID":    id,
	"Water.Kind":  {needed: true, oneOf: []string{"berth", "anchorage", "fairway", "basin", "restricted", "boarding"}},
	"Water.Shape": {needed: true},
	"Land.ID":     id,
	"Land.Kind":   {needed: true, oneOf: []string{"land", "quay", "breakwater", "building", "yard"}},
	"Land.Shape":  {needed: true},

	"Vessel.ID":       id,
	"Vessel.Kind":     {needed: true, oneOf: []string{"tug", "pilot", "patrol", "bunker", "other"}},
	"Vessel.MMSI":     {needed: true},
	"Vessel.CallSign": {form: formOf(`^[A-Z0-9]{3,7}$`, "a call sign: three to seven capital letters and digits")},
	"Vessel.Owner":    {ref: []kind{kindParty}},
	"Aid.ID":          id,
	"Aid.MMSI":        {needed: true},
	"Aid.Kind":        {needed: true, oneOf: []string{"aid", "virtual-aid", "base-station"}},
	"Aid.Position":    {needed: true},
	"Sensor.ID":       id,
	"Sensor.Kind":     {needed: true, oneOf: SensorKinds},
	"Sensor.Asset":    {ref: []kind{kindAsset}},
	"Sensor.Range":    {needed: true, bounds: &bounds{1, 200_000}},
	"Sensor.Blind":    {bounds: &bounds{0, 200_000}},
	"Sensor.Accuracy": {bounds: &bounds{0, 2000}},
	"Sensor.Every":    {bounds: &bounds{0, 60}},
}

// allAssetKinds are the kinds of all domains, sorted; which belongs to which
// domain is checked apart.
func allAssetKinds() []string {
	var all []string
	for _, kinds := range AssetKinds {
		all = append(all, kinds...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
