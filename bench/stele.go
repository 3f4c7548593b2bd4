package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/bench/meter"
)

// start runs stele over a store.
func start(stele, store string, flags ...string) (*server, error) {
	return launch(store, func(address string) *exec.Cmd {
		return exec.Command(stele, append([]string{"serve", "--datapath", store, "--urls", "http://" + address}, flags...)...)
	})
}

// stats is the part of GET /api/store that is measured.
type stats struct {
	Events        int64
	JournalEvents int64
	JournalBytes  int64
	OpenedMS      float64
}

func (s *server) stats() (stats, error) {
	var st stats
	body, err := s.get("/api/store", nil)
	if err != nil {
		return st, err
	}
	return st, json.Unmarshal(body, &st)
}

// theStele is the product as it is installed, with its default settings.
func theStele(binary string) *system {
	return &system{
		name:   "Stele",
		format: "clef",
		ingest: "/ingest/clef",
		start:  func(store string) (*server, error) { return start(binary, store) },
		settle: func(s *server) error { return s.rest() },
		count: func(s *server) (int, error) {
			st, err := s.stats()
			return int(st.Events), err
		},
		export: func(s *server) (int, error) {
			return s.lines("/api/events", url.Values{"clef": {"true"}, "count": {"0"}})
		},
		openMS: func(s *server) (float64, error) {
			st, err := s.stats()
			return st.OpenedMS, err
		},
		finish: finish,
		replay: func(o options, t meter.Tools, events, store string) (float64, error) {
			return measureReplay(binary, o, t, events, store)
		},
	}
}

// finish seals and merges what a server at rest has left in its journal, so that all is settled whatever the number of events.
func finish(store string) error {
	s, err := stele.Open(store, nil)
	if err != nil {
		return err
	}
	ctx := context.Background()
	return errors.Join(s.Flush(ctx), s.Settle(ctx), s.Close())
}

// measureReplay fills a journal that is not sealed while it grows, kills the server, and returns how many seconds opening takes for each 10^9 bytes of it.
func measureReplay(binary string, o options, t meter.Tools, events, store string) (float64, error) {
	const neverSealed = "--journal-limit=1GiB"
	s, err := start(binary, store, neverSealed)
	if err != nil {
		return 0, err
	}
	defer s.kill()
	if _, err := s.load(t.Load, "/ingest/clef", events, nil, o.bodies()...); err != nil {
		return 0, err
	}
	full, err := s.stats()
	if err != nil {
		return 0, err
	}
	if full.JournalEvents < int64(o.events)/2 {
		return 0, fmt.Errorf("the journal holds %d events of %d", full.JournalEvents, o.events)
	}
	s.kill()
	begun := time.Now()
	again, err := start(binary, store, neverSealed)
	if err != nil {
		return 0, err
	}
	defer again.kill()
	opened, err := again.stats()
	if err != nil {
		return 0, err
	}
	if opened.Events != int64(o.events) {
		return 0, fmt.Errorf("after the kill the store has %d events of %d", opened.Events, o.events)
	}
	if whole := time.Since(begun).Seconds() * 1e3; opened.OpenedMS > whole {
		return 0, fmt.Errorf("opening is said to have taken %.0f ms, and took %.0f", opened.OpenedMS, whole)
	}
	return opened.OpenedMS / 1e3 / (float64(full.JournalBytes) / 1e9), nil
}
