package e2e

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// metric returns a value of /metrics, "" if there is none.
func (p *process) metric(name string) string {
	p.t.Helper()
	resp, err := http.Get(p.url + "/metrics")
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// TestGELF sends what Graylog's clients do: each of their compressions, chunks, NUL-delimited streams, HTTP.
func TestGELF(t *testing.T) {
	skipWithoutProcesses(t)
	address := freeAddress(t)
	p := serve(t, t.TempDir(), "--gelf", "udp://"+address+";tcp://"+address)
	message := func(text string) []byte {
		return fmt.Appendf(nil, `{"version":"1.1","host":"web-1","short_message":%q,"timestamp":1795168800.123456789,"level":4,"_order":42}`, text)
	}
	squeeze := func(text []byte, w func(io.Writer) io.WriteCloser) []byte {
		var b bytes.Buffer
		z := w(&b)
		z.Write(text)
		z.Close()
		return b.Bytes()
	}
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write(message("plain"))
	conn.Write(squeeze(message("gzip"), func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }))
	conn.Write(squeeze(message("zlib"), func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }))
	long := message("chunks " + strings.Repeat("x", 100_000))
	const chunk = 1420
	count := (len(long) + chunk - 1) / chunk
	for i := count - 1; i >= 0; i-- { // the last one first
		conn.Write(append(append([]byte("\x1e\x0fidentity"), byte(i), byte(count)), long[i*chunk:min(len(long), (i+1)*chunk)]...))
		if i%10 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	conn.Write([]byte("no GELF"))

	stream, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(stream, "%s\x00%s\n", message("NUL"), message("newline"))
	stream.Close()

	resp, err := http.Post(p.url+"/gelf", "application/json", bytes.NewReader(message("HTTP")))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Errorf("POST /gelf is answered with %s", resp.Status)
	}

	for _, e := range p.await("order = 42", 7) {
		if e.Level != "Warning" || e.property("host") != "web-1" || e.property("level") != 4.0 || !strings.HasPrefix(e.Timestamp, "2026-11-20T10:00:00.123456789") {
			t.Errorf("it came back as %+v", e)
		}
	}
	for _, text := range []string{"plain", "gzip", "zlib", "NUL", "newline", "HTTP"} {
		p.await("@m = '"+text+"'", 1)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var refused []struct{ Endpoint, Error, Client string }
		p.get("/api/refused", &refused)
		if len(refused) == 1 && refused[0].Endpoint == "udp://"+address && refused[0].Client == "127.0.0.1" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("refused are %+v", refused)
		}
	}
	p.stop()
}

// TestSocketsAreShown: the line that the server begins with names the ports that it took.
func TestSocketsAreShown(t *testing.T) {
	skipWithoutProcesses(t)
	p := serve(t, t.TempDir(), "--syslog", "udp://127.0.0.1:0;tcp://127.0.0.1:0", "--gelf", "udp://127.0.0.1:0")
	p.stop()
	want := regexp.MustCompile(`, for syslog on udp://127\.0\.0\.1:[1-9]\d* and tcp://127\.0\.0\.1:[1-9]\d*, for GELF on udp://127\.0\.0\.1:[1-9]\d*, data in `)
	if !want.MatchString(p.log.String()) {
		t.Errorf("it begins with %s", p.log)
	}
}
