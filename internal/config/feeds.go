package config

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/quaywatch/quaywatch/internal/strictyaml"
)

// checkFeeds finds what would open a feed to whom nobody named. A feed asks for
// no login, so who may connect beyond this machine has to be said.
func (c *Config) checkFeeds(pos *strictyaml.Positions) (out strictyaml.Problems) {
	ids, addresses := map[string]int{}, map[string]int{}
	for i, f := range c.Feed {
		at := strictyaml.Item("feeds", i)
		bad := func(key, text, hint string) {
			out = append(out, pos.Problem(strictyaml.Key(at, key), text, hint))
		}
		if err := checkID(f.ID); err != nil {
			bad("id", err.Error(), "use lower-case letters, digits and dashes, such as vts")
		}
		if first, twice := ids[f.ID]; twice {
			bad("id", fmt.Sprintf("%q is already the id of feed %d", f.ID, first+1), "give each feed an id of its own")
		}
		ids[f.ID] = i
		listen := cmp.Or(f.Listen, DefaultFeed)
		if first, twice := addresses[listen]; twice {
			bad("listen", fmt.Sprintf("%s is already the address of feed %d", listen, first+1), "give each feed a port of its own")
		}
		addresses[listen] = i
		switch host, _, err := net.SplitHostPort(listen); {
		case err != nil || host == "":
			bad("listen", fmt.Sprintf("%q is not an address with a port", f.Listen), "name the address, such as 127.0.0.1:10110, or 0.0.0.0:10110 for all")
		case !loopback(host) && len(f.Clients) == 0:
			bad("listen", "the feed asks for no login, and it does not say who may connect", "add clients: with the networks of the systems that need it, or listen on 127.0.0.1")
		}
		if f.Mode != "" && !slices.Contains(Modes, f.Mode) {
			bad("mode", fmt.Sprintf("%q is not a mode", f.Mode), "use flag or drop")
		}
		for _, n := range f.Clients {
			if _, err := netip.ParsePrefix(n); err != nil {
				bad("clients", fmt.Sprintf("%q is not a network", n), "write it as 10.20.0.0/16, one address as 10.20.4.7/32")
			}
		}
		for _, n := range f.Types {
			if n < 1 || n > 27 {
				bad("types", fmt.Sprintf("%d is not a message type", n), "use 1 to 27, such as [1, 2, 3, 5, 18, 19, 21, 24]")
			}
		}
	}
	return out
}
