package main

import (
	"bytes"
	"fmt"
	"net/url"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// victoriaLogs is VictoriaLogs with its default settings, on loopback.
func victoriaLogs(binary string) *system {
	return &system{
		name:   "VictoriaLogs",
		format: "vl",
		ingest: "/insert/jsonline?_stream_fields=Application,Environment&_time_field=_time&_msg_field=_msg",
		start: func(store string) (*server, error) {
			return launch(store, func(address string) *exec.Cmd {
				return exec.Command(binary, "-storageDataPath="+store, "-httpListenAddr="+address, "-retentionPeriod=100y")
			})
		},
		settle: settleVictoriaLogs,
		count: func(s *server) (int, error) {
			answer, err := s.get("/select/logsql/query", url.Values{"query": {"* | stats count() n"}})
			if err != nil {
				return 0, err
			}
			number := regexp.MustCompile(`[0-9]+`).Find(answer)
			n, err := strconv.Atoi(string(number))
			return n, err
		},
		export: func(s *server) (int, error) {
			return s.lines("/select/logsql/query", url.Values{"query": {"*"}})
		},
		openMS: func(s *server) (float64, error) {
			found := regexp.MustCompile(`successfully opened storage in ([0-9.]+) seconds`).FindStringSubmatch(s.log.String())
			if found == nil {
				return 0, fmt.Errorf("VictoriaLogs does not say how long it took to open:\n%s", s.log.String())
			}
			seconds, err := strconv.ParseFloat(found[1], 64)
			return seconds * 1e3, err
		},
	}
}

// settleVictoriaLogs asks for what is in memory to be written and waits until that and the merging after it are done.
func settleVictoriaLogs(s *server) error {
	if _, err := s.get("/internal/force_flush", nil); err != nil {
		return err
	}
	for range 600 {
		text, err := s.get("/metrics", nil)
		if err != nil {
			return err
		}
		if metric(text, `vl_storage_rows{type="storage/inmemory"}`) == 0 && metric(text, "vl_active_merges") == 0 {
			return s.rest()
		}
		time.Sleep(500 * time.Millisecond)
	}
	return fmt.Errorf("VictoriaLogs did not settle within five minutes")
}

// metric adds up the values of the metrics whose names begin so.
func metric(text []byte, name string) float64 {
	sum := 0.0
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			fields := strings.Fields(string(rest))
			v, _ := strconv.ParseFloat(fields[len(fields)-1], 64)
			sum += v
		}
	}
	return sum
}
