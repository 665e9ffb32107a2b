package consoletest

import (
	"time"

	"github.com/quaywatch/quaywatch/internal/event"
	"github.com/quaywatch/quaywatch/internal/watch/network"
)

// Past is a real watch of the network that saw the devices of the picture: the
// controller of crane 4 had its firmware changed twice, an engineer's laptop came.
func (w *World) Past() *network.Watch {
	watch := network.New(w.Port, network.Options{}, nil)
	line := int64(0)
	head := func(at time.Time) event.Head {
		line++
		return event.Head{Source: "span-core", Time: at, Seen: at, Told: true, Raw: event.Raw{Input: "span-core.pcap", Line: line, Offset: 90 * line, Length: 74, Sum: event.SumOf([]byte{byte(line)})}}
	}
	back := func(d time.Duration) time.Time { return Now.Add(-d) }
	var devices []event.DeviceSighting
	for _, h := range w.Network().Hosts {
		if len(h.ID) > 4 && h.ID[:4] == "mac:" {
			devices = append(devices, event.DeviceSighting{Head: head(h.First), MAC: h.ID[4:], IP: h.IPs[0], Protocol: "arp"})
		}
	}
	plc := func(ago time.Duration, firmware string) event.DeviceSighting {
		return event.DeviceSighting{Head: head(back(ago)), IP: "10.40.0.104", Protocol: "s7comm", Name: "ASC04", Model: "6ES7 315-2EH14-0AB0", Firmware: firmware, Serial: "S C-X4U421302009"}
	}
	devices = append(devices, plc(72*time.Hour, "3.2.1"), plc(50*time.Hour, "3.2.1"), plc(49*time.Hour, "3.2.0"), plc(20*time.Hour, "3.2.0"), plc(5*time.Hour, "3.3.0"), plc(time.Minute, "3.3.0"))
	talk := func(ago, until time.Duration, client, server string, port uint16, app string) event.Flow {
		return event.Flow{Head: head(back(ago)), Last: back(until), Client: event.Endpoint{IP: client, Port: 40000}, Server: event.Endpoint{IP: server, Port: port},
			Direction: event.DirectionSeen, Transport: "tcp", Application: app, Operations: []string{"read"}, PacketsOut: 9, PacketsIn: 8, BytesOut: 1400, BytesIn: 2200, Answered: true}
	}
	flows := []event.Flow{
		talk(71*time.Hour, 70*time.Hour, "10.30.1.12", "10.40.0.104", 102, "s7comm"), talk(time.Hour, time.Minute, "10.30.1.12", "10.40.0.104", 102, "s7comm"),
		talk(6*time.Hour, 5*time.Hour, "10.20.0.77", "10.40.0.104", 102, "s7comm"), talk(12*time.Minute, time.Minute, "10.50.0.17", "10.30.1.12", 1433, "tds"),
		talk(11*time.Minute, time.Minute, "10.50.0.99", "10.30.1.12", 22, "ssh"),
	}
	act := func(ago time.Duration, client, operation, function string, asked uint64) event.DeviceOperation {
		return event.DeviceOperation{Head: head(back(ago)), Last: back(ago - time.Minute), Client: event.Endpoint{IP: client}, Server: event.Endpoint{IP: "10.40.0.104"},
			Transport: "tcp", Protocol: "s7comm", Operation: operation, Function: function, Asked: asked, Accepted: asked}
	}
	operations := []event.DeviceOperation{act(70*time.Hour, "10.30.1.12", "write", "write variable", 41), act(5*time.Hour+10*time.Minute, "10.20.0.77", "firmware", "download block", 312),
		act(5*time.Hour, "10.20.0.77", "start", "plc control", 1)}
	watch.Observe(&event.Batch{Devices: devices, Flows: flows, Operations: operations})
	watch.Advance(Now)
	return watch
}
