package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/stelehq/stele/bench/meter"
)

// server is a running process that answers HTTP on loopback and keeps its data in a directory.
type server struct {
	cmd   *exec.Cmd
	ended chan error // what Wait returned
	url   string
	dir   string
	log   output
}

// output keeps what a process says.
type output struct {
	mu   sync.Mutex
	text []byte
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

// launch runs a server on a free port and waits until it is in service: until GET /health is 200.
func launch(dir string, command func(address string) *exec.Cmd) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	s := &server{cmd: command(address), ended: make(chan error, 1), url: "http://" + address, dir: dir}
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- s.cmd.Wait() }()
	for range 1200 {
		if resp, err := http.Get(s.url + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return s, nil
			}
		}
		select {
		case err := <-s.ended:
			s.cmd.Process = nil
			return nil, fmt.Errorf("the server ended at once (%v):\n%s", err, s.log.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	s.kill()
	return nil, fmt.Errorf("the server was not in service after a minute:\n%s", s.log.String())
}

// stop ends the process as a service manager would.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	err := <-s.ended
	s.cmd.Process = nil
	if err != nil {
		return fmt.Errorf("the server ended with %w:\n%s", err, s.log.String())
	}
	return nil
}

// kill ends it at once. Harmless after stop.
func (s *server) kill() {
	if s.cmd.Process != nil {
		s.cmd.Process.Kill()
		<-s.ended
		s.cmd.Process = nil
	}
}

func (s *server) cpu() float64    { return meter.CPU(s.cmd.Process.Pid) }
func (s *server) peakMB() float64 { return meter.PeakMB(s.cmd.Process.Pid) }
func (s *server) rest() error     { return meter.Rest(s.cmd.Process.Pid, s.dir) }

// get returns a whole answer.
func (s *server) get(path string, query url.Values) ([]byte, error) {
	var body bytes.Buffer
	err := s.read(path, query, func(part []byte) { body.Write(part) })
	return body.Bytes(), err
}

// read hands over an answer piece by piece.
func (s *server) read(path string, query url.Values, use func([]byte)) error {
	target := s.url + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	resp, err := http.Get(target)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	buf := make([]byte, 256<<10)
	for first := true; ; first = false {
		n, err := resp.Body.Read(buf)
		if first && resp.StatusCode != http.StatusOK {
			return fmt.Errorf("GET %s: %s: %s", target, resp.Status, buf[:n])
		}
		use(buf[:n])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("GET %s: %w", target, err)
		}
	}
}

// lines counts the lines of an answer.
func (s *server) lines(path string, query url.Values) (n int, err error) {
	err = s.read(path, query, func(part []byte) { n += bytes.Count(part, []byte{'\n'}) })
	return n, err
}

// loaded is what the loader reports.
type loaded struct {
	rate float64 // events acknowledged a second
	cpu  float64 // that the loader and what feeds it have used
}

// load sends events from a file, or from what feed writes, to a path of the server.
func (s *server) load(loader, path, file string, feed *exec.Cmd, flags ...string) (loaded, error) {
	cmd := exec.Command(loader, append([]string{"-url", s.url + path, "-file", file}, flags...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if feed != nil {
		pipe, err := feed.StdoutPipe()
		if err != nil {
			return loaded{}, err
		}
		cmd.Stdin, feed.Stderr = pipe, &out
		if err := feed.Start(); err != nil {
			return loaded{}, err
		}
		defer feed.Process.Kill()
	}
	if err := cmd.Run(); err != nil {
		return loaded{}, fmt.Errorf("load: %w\n%s\n%s", err, out.String(), s.log.String())
	}
	l := loaded{cpu: used(cmd)}
	if feed != nil {
		if err := feed.Wait(); err != nil {
			return l, fmt.Errorf("generate: %w\n%s", err, out.String())
		}
		l.cpu += used(feed)
	}
	_, rest, _ := bytes.Cut(out.Bytes(), []byte("events/s "))
	number, _, ok := bytes.Cut(rest, []byte(" "))
	if !ok {
		return l, fmt.Errorf("the loader's report has no rate:\n%s", out.String())
	}
	var err error
	l.rate, err = strconv.ParseFloat(string(number), 64)
	return l, err
}

// used is the processor time of an ended child.
func used(cmd *exec.Cmd) float64 {
	return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
