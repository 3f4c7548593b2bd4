package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
)

// The live stream, as server-sent events. It reads the store by arrival number (R5), so a slow
// client falls behind but misses nothing, and holds up no writer.
//
//	retry: 2000
//	id: <arrival number to resume after>        no data: only the place is told
//
//	id: <arrival number>
//	data: <one event>
//
//	: heartbeat

const streamPiece = 64 << 10 // bytes sent at once when a stream catches up

// streamEvents sends events as they arrive.
//
//	GET /api/events/stream?filter=&signal=&clef=&render=&lastEventId=
//	200 text/event-stream; 400 a parameter is wrong; 404 there is no such signal; 501 a WebSocket is asked for
//
// Each message's id is the event's arrival number, its data the event in Seq's shape, or with
// clef as it was given. The header Last-Event-ID, which browsers send when they reconnect,
// or the parameter lastEventId resumes after that event: 0 is from the first. Without it only
// new events are sent. A signal means what it selects when the stream begins. A comment comes every 15 seconds. The stream ends when the server stops.
func (a *api) streamEvents(w http.ResponseWriter, r *http.Request) error {
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		// 200 and a stream would leave the client with "200 when 101 was expected" and us with a follower.
		return fault.New(fault.Unsupported, "", "WebSockets are not served").WithHint("read this address as server-sent events")
	}
	q, err := query(r.URL)
	if err != nil {
		return err
	}
	s, err := a.searchParams(r.Context(), q)
	if err != nil {
		return err
	}
	clef, err := boolParam(q, "clef")
	if err != nil {
		return err
	}
	render, err := boolParam(q, "render")
	if err != nil {
		return err
	}
	after, resumed, err := lastEvent(r)
	if err != nil {
		return err
	}
	if !resumed {
		after = stele.FromNow
	}
	ctx, cancel := a.streamContext(r.Context())
	defer cancel()
	follower := a.store.Follow(ctx, after, s.filter)
	if err := follower.Err(); err != nil {
		return err
	}
	after = follower.Arrival() // FromNow is a number now
	a.meters.streams.Add(1)
	defer a.meters.streams.Add(-1)

	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies must not hold back
	s.tell(w)
	appendEvent := func(dst []byte, e *stele.Event, arrival uint64) []byte {
		dst = strconv.AppendUint(append(dst, "id: "...), arrival, 10)
		dst = append(dst, "\ndata: "...)
		if clef {
			dst = e.AppendCLEF(dst)
		} else {
			dst = appendEntity(dst, e, render)
		}
		return append(dst, "\n\n"...)
	}
	pieces := a.follow(ctx, cancel, follower, appendEvent)
	defer func() { // the follower is closed before the request has left
		cancel()
		for range pieces {
		}
	}()

	control := http.NewResponseController(w)
	send := func(p []byte) bool {
		if _, err := w.Write(p); err != nil {
			return false
		}
		return control.Flush() == nil
	}
	// A place without data is remembered by the client: it resumes even if nothing came.
	if !send(fmt.Appendf(nil, "retry: 2000\nid: %d\n\n", after)) {
		return nil
	}
	beat := time.NewTicker(a.o.heartbeat)
	defer beat.Stop()
	for {
		select {
		case piece, more := <-pieces:
			if !more || !send(piece) {
				return nil
			}
		case <-beat.C:
			if !send([]byte(": heartbeat\n\n")) {
				return nil
			}
		}
	}
}

// follow reads in a goroutine of its own, since waiting for events and for the heartbeat are
// two things. The follower is the goroutine's; the channel is closed when it has ended and is closed.
func (a *api) follow(ctx context.Context, cancel context.CancelFunc, follower *stele.Follower,
	appendEvent func([]byte, *stele.Event, uint64) []byte) <-chan []byte {
	pieces := make(chan []byte)
	fault.Go(nil, "stream", func() {
		defer close(pieces)
		defer cancel()
		defer follower.Close()
		for follower.Next() {
			piece := appendEvent(nil, follower.Event(), follower.Arrival())
			for len(piece) < streamPiece {
				ok, _ := follower.TryNext()
				if !ok {
					break
				}
				piece = appendEvent(piece, follower.Event(), follower.Arrival())
			}
			select {
			case pieces <- piece:
			case <-ctx.Done():
				return
			}
		}
		if err := follower.Err(); err != nil && ctx.Err() == nil {
			a.server.log.Error("a stream ended early", "error", err)
		}
	}, func(err error) { a.server.log.Error("a stream ended early", "error", err) })
	return pieces
}

// lastEvent reads where to resume; the header wins, for a browser that reconnects repeats
// the address as it was.
func lastEvent(r *http.Request) (after uint64, given bool, err error) {
	name, text := "Last-Event-ID", r.Header.Get("Last-Event-ID")
	if text == "" {
		name, text = "lastEventId", r.URL.Query().Get("lastEventId")
	}
	if text == "" {
		return 0, false, nil
	}
	after, err = strconv.ParseUint(text, 10, 64)
	if err != nil || after == stele.FromNow {
		return 0, false, fault.New(fault.Invalid, "parameter "+name, "%q is no arrival number; it is the decimal id of a message of this stream, or 0", clip(text, 40))
	}
	return after, true, nil
}
