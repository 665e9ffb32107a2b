package server

import (
	"context"

	"github.com/quaywatch/quaywatch/internal/identity"
)

// FeedStatus is how an AIS feed out stands.
type FeedStatus struct {
	ID      string   `json:"id"`
	Mode    string   `json:"mode" doc:"flag: doubted positions are marked; drop: they are left out"`
	Address string   `json:"address" doc:"where it listens (TCP, no login)"`
	Clients []string `json:"clients" nullable:"false" doc:"addresses of those connected now"`
	FeedCounts
	DelayP50 float64 `json:"delay_p50_seconds" doc:"from the arrival of a report to the clients, of the newest 1024"`
	DelayP99 float64 `json:"delay_p99_seconds"`
}

// FeedCounts is what became of the reports since the start.
type FeedCounts struct {
	Sent       uint64 `json:"sent" doc:"messages told to the clients, whether there was one or not"`
	Marked     uint64 `json:"marked" doc:"of those, with a mark of doubt"`
	LeftOut    uint64 `json:"left_out" doc:"doubted positions left out (mode drop)"`
	Copies     uint64 `json:"copies" doc:"left out because another receiver, or the same one, had told it before"`
	Unselected uint64 `json:"unselected" doc:"of message types that are not asked for"`
	Old        uint64 `json:"old" doc:"arrived more than a minute before, such as what is read again after a restart"`
	Exercise   uint64 `json:"exercise" doc:"of an exercise, which is never told to other systems"`
	Unreadable uint64 `json:"unreadable" doc:"whose sentences are not kept whole, so that they can't be told again"`
	Slow       uint64 `json:"slow" doc:"clients that were cut off because they did not keep up"`
	Refused    uint64 `json:"refused" doc:"connections refused: from elsewhere, or too many"`
}

type feedList struct {
	Items []FeedStatus `json:"items" nullable:"false"`
}

func (s *Server) addFeeds(a *api) {
	get(a, "situation", identity.ViewSources, "/feeds", "listFeeds", "The AIS feeds out, and what became of the reports",
		func(context.Context, *struct{}) (feedList, error) {
			out := feedList{Items: []FeedStatus{}}
			if s.deps.Feeds != nil {
				out.Items = append(out.Items, s.deps.Feeds()...)
			}
			return out, nil
		})
}
