package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/stelehq/stele/bench/meter"
)

// protocol is one way of sending events.
type protocol struct {
	name        string
	encode      func([]generated) []byte
	path        string // of HTTP requests; empty: a stream over TCP
	contentType string
	door        string // "", "grpc", "syslog" or "gelf": where it goes
}

var protocols = []protocol{
	{"CLEF", encodeCLEF, "/ingest/clef", "application/vnd.serilog.clef", ""},
	{"Seq raw events", encodeRaw, "/api/events/raw", "application/json", ""},
	{"OTLP protobuf", encodeOTLP, "/ingest/otlp/v1/logs", "application/x-protobuf", ""},
	{"OTLP JSON", encodeOTLPJSON, "/ingest/otlp/v1/logs", "application/json", ""},
	{"OTLP gRPC", encodeGRPC, "/opentelemetry.proto.collector.logs.v1.LogsService/Export", "application/grpc", "grpc"},
	{"Elasticsearch bulk", encodeBulk, "/_bulk", "application/x-ndjson", ""},
	{"Loki protobuf", encodeLoki, "/loki/api/v1/push", "application/x-protobuf", ""},
	{"Loki JSON", encodeLokiJSON, "/loki/api/v1/push", "application/json", ""},
	{"syslog TCP", encodeSyslog, "", "", "syslog"},
	{"GELF TCP", encodeGELF, "", "", "gelf"},
}

// runProtocols sends the same events by each protocol, each into an empty store, runs times in
// turn, and prints the rates and their ratio to CLEF's of the same turn.
func runProtocols(o options, t meter.Tools, work string) error {
	events, err := t.Generate(o.events, "clef", work)
	if err != nil {
		return err
	}
	batches, err := readBatches(events, o.batch)
	if err != nil {
		return err
	}
	fmt.Printf("%d events, %d connections, bodies of %d bytes of CLEF, each acknowledged when on disk\n\n", o.events, o.conns, o.batch)
	fmt.Printf("%-20s %12s %10s %14s %10s %8s\n", "protocol", "events/s", "MB/s", "CPU µs/event", "B/event", "of CLEF")
	for range o.runs {
		clef := 0.0
		for i := range protocols {
			p := &protocols[i]
			r, err := measureProtocol(o, p, batches, filepath.Join(work, "store"))
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			if i == 0 {
				clef = r.rate
			}
			fmt.Printf("%-20s %12.0f %10.1f %14.2f %10.0f %8.2f\n", p.name, r.rate, r.rate*r.size/1e6, r.cpu, r.size, r.rate/clef)
		}
		fmt.Println()
	}
	return nil
}

// readBatches takes the events of a file apart, in batches of about size bytes of CLEF.
func readBatches(name string, size int) (batches [][]generated, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 1<<20)
	var batch []generated
	bytesOf := 0
	for scanner.Scan() {
		g, err := parse(bytes.Clone(scanner.Bytes()))
		if err != nil {
			return nil, err
		}
		batch = append(batch, g)
		if bytesOf += len(g.clef) + 1; bytesOf >= size {
			batches, batch, bytesOf = append(batches, batch), nil, 0
		}
	}
	if len(batch) > 0 {
		batches = append(batches, batch)
	}
	return batches, scanner.Err()
}

type protocolResult struct {
	rate float64 // events a second, until the last is acknowledged, or stored where nothing is acknowledged
	cpu  float64 // of the server, µs an event
	size float64 // bytes sent for an event
}

func measureProtocol(o options, p *protocol, batches [][]generated, store string) (r protocolResult, err error) {
	if err := os.RemoveAll(store); err != nil {
		return r, err
	}
	var ports [3]int
	for i := range ports {
		if ports[i], err = freePort(); err != nil {
			return r, err
		}
	}
	address := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	s, err := start(o.stele, store, "--otlp-urls", "grpc://"+address(0), "--syslog", "tcp://"+address(1), "--gelf", "tcp://"+address(2))
	if err != nil {
		return r, err
	}
	defer s.kill()
	bodies := make([][]byte, len(batches))
	events, size := 0, 0
	for i, batch := range batches {
		bodies[i] = p.encode(batch)
		events, size = events+len(batch), size+len(bodies[i])
	}
	before, began := s.cpu(), time.Now()
	switch p.door {
	case "syslog":
		err = stream(address(1), bodies, o.conns)
	case "gelf":
		err = stream(address(2), bodies, o.conns)
	case "grpc":
		err = post("http://"+address(0)+p.path, p.contentType, bodies, o.conns, true)
	default:
		err = post(s.url+p.path, p.contentType, bodies, o.conns, false)
	}
	if err != nil {
		return r, fmt.Errorf("%w\n%s", err, s.log.String())
	}
	if err := s.holds(int64(events), p.path == ""); err != nil {
		return r, err
	}
	r.rate = float64(events) / time.Since(began).Seconds()
	r.cpu = (s.cpu() - before) * 1e6 / float64(events)
	r.size = float64(size) / float64(events)
	return r, s.stop()
}

// holds checks that the store has as many events, and waits for them if nothing told.
func (s *server) holds(events int64, wait bool) error {
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		st, err := s.stats()
		if err != nil || st.Events == events {
			return err
		}
		if !wait || time.Now().After(deadline) {
			return fmt.Errorf("the store has %d events of %d", st.Events, events)
		}
	}
}

// share gives the bodies to workers; the error is the first.
func share(bodies [][]byte, workers int, do func(next func() []byte) error) error {
	var mu sync.Mutex
	at := 0
	next := func() []byte {
		mu.Lock()
		defer mu.Unlock()
		if at == len(bodies) {
			return nil
		}
		at++
		return bodies[at-1]
	}
	failed := make(chan error, workers)
	for range workers {
		go func() { failed <- do(next) }()
	}
	var err error
	for range workers {
		err = errors.Join(err, <-failed)
	}
	return err
}

func post(url, contentType string, bodies [][]byte, workers int, http2 bool) error {
	return share(bodies, workers, func(next func() []byte) error {
		t := &http.Transport{Protocols: new(http.Protocols)}
		if http2 {
			t.Protocols.SetUnencryptedHTTP2(true)
		} else {
			t.Protocols.SetHTTP1(true)
		}
		defer t.CloseIdleConnections()
		client := http.Client{Transport: t}
		for body := next(); body != nil; body = next() {
			resp, err := client.Post(url, contentType, bytes.NewReader(body))
			if err != nil {
				return err
			}
			answer, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode/100 != 2 || http2 && resp.Trailer.Get("Grpc-Status") != "0" {
				return fmt.Errorf("%s %s %v: %.300s", resp.Status, resp.Trailer.Get("Grpc-Message"), err, answer)
			}
		}
		return nil
	})
}

func stream(address string, bodies [][]byte, workers int) error {
	return share(bodies, workers, func(next func() []byte) error {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return err
		}
		for body := next(); body != nil; body = next() {
			if _, err := conn.Write(body); err != nil {
				conn.Close()
				return err
			}
		}
		return conn.Close()
	})
}
