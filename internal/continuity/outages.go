package continuity

// published are outages of which enough is known to simulate them. What went in
// is what was published of the port and of the outage itself; what was published
// of its effect stands under reported, and the simulation does not read it.
var published = []outageCase{
	{
		id: "nagoya-2023", name: "Nagoya, July 2023: the terminal operating system of five terminals was encrypted",
		teuPerYear: 2_680_000,
		down:       []Down{{ID: tos, Until: 60}}, // 4 July 06:30 to 6 July 18:30, the last terminal
		byHand:     map[string]float64{gate: 0},  // what the quay did by hand was not published
		sources: []string{
			"The Loadstar, 5 and 6 July 2023: since 06:30, five terminals, 2.68 M TEU in 2022, no container loaded on a truck",
			"Shipping in Box, 6 July 2023: the first terminal at 15:00, the last at 18:30",
		},
		reported: []Reported{
			{Figure: landLate, Low: 15_000, High: 15_000, Source: "about 15,000 containers in two and a half days: Asahi Shimbun, 12 July 2023, as told by the freight forwarders' association of Osaka"},
			{Figure: truckWait, Low: 6, InView: true, Source: "more than six hours in the queue: Tokai TV, 6 July 2023"},
		},
	},
	{
		id: "dp-world-australia-2023", name: "DP World Australia, November 2023: the operator cut off the land side of four terminals",
		teuPerYear: 3_200_000,                     // 40 % of at least 8 M
		down:       []Down{{ID: gate, Until: 71}}, // 10 November 10:00 to 13 November 09:00
		byHand:     map[string]float64{gate: 0},
		sources: []string{
			"Australian Financial Review, 12 November 2023: since Friday 10:00, 40 % of the country's containers, no truck could enter",
			"Everstream, November 2023: vessels were loaded and unloaded; all resumed on 13 November at 09:00",
			"ICE Cargo: the ports of Australia handle at least 8 M TEU a year",
		},
		reported: []Reported{
			{Figure: landLate, Low: 30_000, High: 30_137, Source: "containers held up: Everstream and Australian Financial Review, November 2023"},
			{Figure: stored, AtHour: 54, Low: 90, High: 90, Source: "about 90 % of the storage in use on Sunday: Australian Financial Review, 12 November 2023"},
			{Figure: normalAfter, Low: 216, High: 240, Source: "backlog cleared by 20 November: Reuters, 28 November 2023"},
		},
	},
	{
		id: "durban-2021", name: "Durban (Transnet), July 2021: the terminal operating system and the booking of trucks",
		teuPerYear: 2_600_000,
		down:       []Down{{ID: tos, Until: 136}, {ID: gate, Until: 160}}, // morning of 22 July to the night of 27 July; booking a day later
		byHand:     map[string]float64{quay: 0.1, gate: 0.1},
		sources: []string{
			"The Maritime Executive, 30 July 2021: since the morning of 22 July, back in the night of 27 July in Durban, the booking of trucks the next day",
			"USDA FAS, report SF2021-0048: about a tenth of the capacity on paper",
			"Southern African Freight Transport Institute: about 2.6 M TEU a year in Durban",
		},
		reported: []Reported{
			{Figure: truckWait, Low: 14, High: 14, InView: true, Source: "a truck turned in more than 14 h: USDA FAS, report SF2021-0048"},
			{Figure: normalAfter, Low: 312, Source: "delays were still worked through on 4 August: The Citizen, 4 August 2021"},
			{Figure: diverted, Low: 1, Source: "some ships went elsewhere: TimesLIVE, 30 July 2021"},
		},
	},
	{
		id: "cape-town-2021", name: "Cape Town (Transnet), July 2021: a week by hand",
		perDay: 2000,
		down:   []Down{{ID: tos, Until: 168}},
		sources: []string{
			"The Maritime Executive, 30 July 2021: more than 2,000 containers a day are usual",
		},
		reported: []Reported{
			{Figure: movedShare, Low: 19.7, High: 19.7, Source: "2,760 containers in the week that has 14,000: The Maritime Executive, 30 July 2021"},
		},
	},
}
