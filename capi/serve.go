package main

// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"strings"
	"time"
	"unsafe"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/server"
	"github.com/stelehq/stele/ui"
)

const (
	defaultURL = "http://localhost:5341"
	drainTime  = 5 * time.Second
)

// A served store answers HTTP.
type served struct {
	store  *store
	urls   string
	cancel context.CancelFunc
	done   chan struct{} // closed when nobody is inside any more
	err    error         // then
}

//export stelego_serve_begin
func stelego_serve_begin(slot, into C.uint32_t, o *C.stele_serve_options) C.stele_result {
	return onStore("stele_serve_begin", slot, func(s *store) error {
		text := string(bytesOf(o.urls, o.urls_len))
		if text == "" {
			text = defaultURL
		}
		urls := strings.Split(text, ";")
		listeners, err := server.Listen(urls)
		if err != nil {
			if e := (*fault.Error)(nil); errors.As(err, &e) && e.Kind == fault.Unavailable {
				e.Hint = "choose another address, or port 0 for a free one"
			}
			return err
		}
		urls = server.Addresses(urls, listeners)
		v := &served{store: s, urls: strings.Join(urls, ";"), done: make(chan struct{})}
		ctx, cancel := context.WithCancel(s.ctx)
		v.cancel = cancel
		ready := make(chan struct{})
		h := server.New(server.Options{
			Open: func(context.Context) (*stele.Store, error) { return s.Store, nil }, Shared: true, Ready: func(*stele.Store) { close(ready) },
			URLs: urls, Page: ui.Files(), Version: versionText(), Instance: string(bytesOf(o.instance, o.instance_len)), MemoryBytes: s.memory, Drain: drainTime,
		})
		s.mutex.Lock()
		if s.servers == nil {
			s.servers = map[*served]struct{}{}
		}
		s.servers[v] = struct{}{}
		s.mutex.Unlock()
		ended := func(err error) {
			v.err = err
			close(v.done)
		}
		fault.Go(nil, "serve", func() { ended(h.Serve(ctx, listeners...)) }, ended)
		select {
		case <-ready:
		case <-v.done:
			cancel()
			s.forget(v)
			if v.err == nil {
				v.err = errClosing
			}
			return v.err
		}
		place(into).Store(&object{server: v})
		return nil
	})
}

//export stelego_serve_urls
func stelego_serve_urls(slot C.uint32_t, buffer unsafe.Pointer, n C.size_t, actual *C.size_t) C.stele_result {
	return doorway("stele_serve_urls", func() error { return give([]byte(at(slot).server.urls), buffer, n, actual) })
}

func (v *served) end() error {
	v.cancel()
	<-v.done
	v.store.forget(v)
	return v.err
}

func (s *store) forget(v *served) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.servers, v)
}
