package vessel

import "time"

// Limits are the thresholds of the rules that were added to movement and
// hulls. docs/manual/vessels.md says what each is for. The zero value is not
// usable; start from DefaultLimits.
type Limits struct {
	// vessel.contradictory-movement
	ContradictSuspect float64 // metres of summed dead-reckoning error that make a suspicion
	ContradictLikely  float64 // metres that make it likely, when seen in three reports in a row
	ContradictRate    float64 // m/s of error that no ship is blamed for
	ContradictShare   float64 // part of the speed over ground that it may err by
	ContradictAgreed  int     // reports that agreed before: a sensor that never agreed is a bad sensor

	// vessel.circling
	CircleResidual float64 // root mean square distance from the circle, part of its radius
	CircleSweep    float64 // degrees of the circle that must hold fixes
	CircleLeast    float64 // metres of radius; less is noise or a swing on a short chain
	CircleMost     float64 // metres of radius
	CircleOffset   float64 // degrees, mean angle between course told and tangent; courses of chance give 45
	CircleLateral  float64 // m/s² of v²/R; more is not for a ship

	// vessel.gnss-interference
	AreaVessels int           // vessels upset alike
	AreaTime    time.Duration // within this time
	AreaRadius  float64       // metres between vessels that lose their fixes together
	AreaShare   float64       // of the vessels with fixes in the area that must have lost them
	AreaEnds    time.Duration // without a further one

	// vessel.fix-lost
	FixSound int // reports with a fix before, in a row but for a twentieth
	FixLost  int // reports without, in a row

	// vessel.identity-flip, vessel.dimensions-changed
	FlipTime   time.Duration
	FlipEdits  int     // letters that may differ in one name
	Dimensions float64 // change of length or beam, part of the larger

	// vessel.false-base-station, vessel.false-aid
	BaseMoved   float64       // metres
	BaseSkew    time.Duration // of its UTC against its own habit
	AidMoved    float64       // metres from the register's place
	AidStrayed  float64       // metres from its own earlier place, where the register has none
	StationNear float64       // metres from the centre of the port within which the register is complete
	Listened    time.Duration // that a receiver must have been heard before a station counts as new

	// vessel.safety-messages, vessel.distress-beacon
	SafetyRate int           // messages 12 and 14 of one sender
	SafetyTime time.Duration // within this time
	BeaconNear float64       // metres within which a lost vessel would have been heard

	// vessel.drifting, vessel.sudden-stop
	DriftSlow, DriftFast float64 // knots
	DriftAngle           float64 // degrees between course and heading
	DriftWay             float64 // metres
	DriftTime            time.Duration
	StopFrom, StopTo     float64 // knots
	StopWithin, StopHeld time.Duration
	LengthLeast          uint16 // metres; smaller craft do such things

	// vessel.sensor-disagrees, vessel.not-seen, vessel.dark-target: in sweeps of the
	// sensor that follow each other, and in time
	SensorApart  int           // sweeps without a pair, of a vessel whose target goes on elsewhere
	SensorSure   int           // sweeps that make it confirmed
	SensorFar    float64       // metres between the two at least
	UnseenSweeps int           // of a vessel that nothing is seen of
	UnseenTime   time.Duration // and this long
	UnseenSeeing float64       // part of the vessels seen before that the sensor still sees
	DarkSweeps   int           // of a target without a vessel
	DarkTime     time.Duration // and this long
	DarkLikely   time.Duration // that makes it likely
	DarkSpeed    float64       // knots made good; slower things are buoys, gear, anchored craft
	DarkWay      float64       // metres

	// vessel.silent
	SilentFactor  float64       // times the longest of the recent gaps
	SilentLeast   time.Duration // of a vessel under way
	SilentMoored  time.Duration // of one at anchor or moored
	SilentHeard   float64       // part of the expected reports that were heard of it and in its cell
	SilentReports int           // reports of it before
	SilentOthers  int           // other vessels heard since, in its cells or beside them
	ExitShare     float64       // part of the visits of a cell that end there: a gate

	// vessel.out-of-range, vessel.on-land
	RangeFactor  float64       // times the learned radius of the bearing
	RangeLeast   float64       // metres
	RangeReports int           // learned from before it is judged
	LandInside   float64       // metres from the shore, of the port file's polygons
	CoastInside  float64       // metres from the shore of the embedded coast, beyond them
	CoastVisits  int           // of vessels to a place and its surroundings that make it a water way
	CoastLearned time.Duration // of listening, before it is known where vessels go
}

// DefaultLimits are what the rules use where Options has none. They were set on
// the three days of Vernon, and are kept generous: a rule that cries wolf is
// switched off by its users.
func DefaultLimits() Limits {
	return Limits{
		ContradictSuspect: 150, ContradictLikely: 250, ContradictRate: 0.4, ContradictShare: 0.1, ContradictAgreed: 8,
		CircleResidual: 0.05, CircleSweep: 270, CircleLeast: 60, CircleMost: 5000, CircleOffset: 25, CircleLateral: 0.5,
		AreaVessels: 3, AreaTime: 5 * time.Minute, AreaRadius: 46300, AreaShare: 0.3, AreaEnds: 15 * time.Minute,
		FixSound: 3, FixLost: 3,
		FlipTime: 24 * time.Hour, FlipEdits: 2, Dimensions: 0.2,
		BaseMoved: 1000, BaseSkew: 2 * time.Second, AidMoved: 200, AidStrayed: 500, StationNear: 37040, Listened: 30 * time.Minute,
		SafetyRate: 5, SafetyTime: 10 * time.Minute, BeaconNear: 9260,
		DriftSlow: 0.4, DriftFast: 5, DriftAngle: 45, DriftWay: 500, DriftTime: 10 * time.Minute,
		StopFrom: 7, StopTo: 1, StopWithin: 30 * time.Second, StopHeld: time.Minute, LengthLeast: 50,
		SensorApart: 3, SensorSure: 10, SensorFar: 300,
		UnseenSweeps: 20, UnseenTime: 5 * time.Minute, UnseenSeeing: 0.5,
		DarkSweeps: 20, DarkTime: 3 * time.Minute, DarkLikely: 10 * time.Minute, DarkSpeed: 3, DarkWay: 300,
		SilentFactor: 3, SilentLeast: 6 * time.Minute, SilentMoored: 30 * time.Minute, SilentHeard: 0.5, SilentReports: 10, SilentOthers: 2, ExitShare: 0.15,
		RangeFactor: 2, RangeLeast: 74080, RangeReports: 2000, LandInside: 200,
		CoastInside: 10000, CoastVisits: 6, CoastLearned: 24 * time.Hour,
	}
}
