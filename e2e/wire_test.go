package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const wireFolder = "../../shared/data/wire"

// recording is what a real client was recorded to send, and what it is to meet.
type recording struct {
	name     string // NAME.head.txt and NAME.body of a request, or a file of bytes for a socket
	syslog   string // the scheme of the socket that it goes to; empty: a request
	status   int
	answer   string   // what the body must contain
	messages []string // the events that are stored, rendered, in the order of their time
}

// recordings has a row for each file of the folder.
var recordings = []recording{
	{name: "seq-logging-3.2.0", status: 201, answer: seqAccepted, messages: []string{"Hello Ada, 003", "Boom 1"}},
	{name: "pino-seq-4.0.0", status: 201, answer: seqAccepted, messages: []string{"Logged in", "Failed"}},
	{name: "winston-seq-3.0.1", status: 201, answer: seqAccepted, messages: []string{"Hello Ada", "w"}},

	{name: "otel-js-0.223.1-json", status: 200, answer: "{}", messages: []string{"hello otlp"}},
	{name: "otel-js-0.223.1-json-gzip", status: 200, answer: "{}", messages: []string{`{"kind":"map","n":2}`}},
	{name: "otel-js-0.223.1-protobuf", status: 200, messages: []string{"hello otlp"}},
	{name: "otel-go-otlploghttp-0.23.0", status: 200, messages: []string{"hello from go"}},

	{name: "elasticsearch-js-9.4.3-bulk", status: 200, answer: `"errors":false`, messages: []string{"hi", "ho"}},
	{name: "elasticsearch-js-9.4.3-helpers-bulk", status: 200, answer: `"errors":false`, messages: []string{"", ""}},
	{name: "rsyslog-8.2302-omelasticsearch", status: 200, answer: `"errors":false`, messages: []string{"hello from logger é"}},

	{name: "pino-loki-3.0.0", status: 204, messages: []string{"pino loki"}},
	{name: "winston-loki-6.1.7-json", status: 204, messages: []string{`to loki json {"k":1,"level":"info"}`}},
	{name: "winston-loki-6.1.7-protobuf", status: 204, messages: []string{`to loki {"k":1,"level":"info"}`}},

	{name: "rsyslog-8.2302-rfc3164-lf.bin", syslog: "tcp", messages: []string{"myapp hello from logger é", `multi "quoted" text`}},
	{name: "rsyslog-8.2302-rfc5424-octet-counted.bin", syslog: "tcp", messages: []string{`multi "quoted" text`, "hello from logger é"}},
	{name: "syslog-client-1.1.1-tcp.bin", syslog: "tcp", messages: []string{"syslog message é"}},
	{name: "syslog-client-1.1.1-udp.log", syslog: "udp", messages: []string{"syslog message é", "syslog message é"}},
}

const seqAccepted = `{"MinimumLevelAccepted":null}`

// TestSharedWireRecordings replays every recording, byte for byte as it was on the wire.
func TestSharedWireRecordings(t *testing.T) {
	skipWithoutProcesses(t)
	files, err := os.ReadDir(wireFolder)
	if err != nil {
		t.Skip("skipped: the recorded requests are not in ../shared/data/wire")
	}
	for _, f := range files {
		name := strings.TrimSuffix(strings.TrimSuffix(f.Name(), ".head.txt"), ".body")
		if !slices.ContainsFunc(recordings, func(r recording) bool { return r.name == name }) {
			t.Errorf("%s has no row in the table of recordings", f.Name())
		}
	}
	for _, r := range recordings {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if r.syslog != "" {
				replaySyslog(t, r)
				return
			}
			p := serve(t, t.TempDir())
			resp, body := replay(t, strings.TrimPrefix(p.url, "http://"), r.name)
			if resp.StatusCode != r.status || !strings.Contains(body, r.answer) {
				t.Errorf("answered with %s %s; want %d and %s", resp.Status, body, r.status, r.answer)
			}
			var messages []string
			for _, e := range slices.Backward(p.events("")) {
				messages = append(messages, e.RenderedMessage)
			}
			if !slices.Equal(messages, r.messages) {
				t.Errorf("stored are %q, want %q", messages, r.messages)
			}
			p.stop()
		})
	}
}

// replaySyslog sends a recorded stream, or recorded datagrams, which an empty line follows.
func replaySyslog(t *testing.T, r recording) {
	p, port := serveSyslog(t)
	conn, err := net.Dial(r.syslog, "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	writes := [][]byte{readFile(t, r.name)}
	if r.syslog == "udp" {
		writes = bytes.SplitAfter(bytes.TrimSuffix(writes[0], []byte("\n\n")), []byte("\n\n"))
	}
	for _, b := range writes {
		if _, err := conn.Write(bytes.TrimSuffix(b, []byte("\n\n"))); err != nil {
			t.Fatal(err)
		}
	}
	var messages []string
	for _, e := range slices.Backward(p.await("true", len(r.messages))) {
		messages = append(messages, e.RenderedMessage)
	}
	if !slices.Equal(messages, r.messages) {
		t.Errorf("stored are %q, want %q", messages, r.messages)
	}
	p.stop()
}

// replay sends a recorded request over a connection of its own and reads the answer.
func replay(t *testing.T, addr, name string) (*http.Response, string) {
	t.Helper()
	head := readFile(t, name+".head.txt")
	body := readFile(t, name+".body")
	head = bytes.ReplaceAll(bytes.TrimSpace(bytes.ReplaceAll(head, []byte("\r"), nil)), []byte("\n"), []byte("\r\n"))
	var wire bytes.Buffer
	wire.Write(head)
	wire.WriteString("\r\n\r\n")
	lower := strings.ToLower(string(head))
	_, declared, _ := strings.Cut(lower, "\ncontent-length: ")
	declared, _, _ = strings.Cut(declared, "\r")
	switch {
	case strings.Contains(lower, "transfer-encoding: chunked"): // the recording has the chunks joined
		for piece := range slices.Chunk(body, 100) {
			fmt.Fprintf(&wire, "%x\r\n%s\r\n", len(piece), piece)
		}
		wire.WriteString("0\r\n\r\n")
	case declared == strconv.Itoa(len(body)):
		wire.Write(body)
	default:
		t.Fatalf("the recording's body is %d bytes, its head says %q", len(body), declared)
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write(wire.Bytes()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(answer)
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(wireFolder, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
