package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSettingsPrecedence(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir("data", 0o755); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join("data", "stele.json"), `{"urls":"http://localhost:1","event-limit":1024,"log-level":"info"}`)
	for _, c := range []struct {
		name       string
		flags      serveCommand
		env        map[string]string
		file       string // ./stele.json
		urls, path string
		event      int
	}{
		{name: "file in the data", urls: "http://localhost:1", path: "data", event: 1024},
		{name: "file here wins", file: `{"urls":["http://a:1","http://b:2"],"datapath":"d"}`, urls: "http://a:1 http://b:2", path: "d"},
		{name: "environment wins", file: `{"urls":"http://a:1","datapath":"d"}`, env: map[string]string{"STELE_URLS": "http://c:3; http://d:4"}, urls: "http://c:3 http://d:4", path: "d"},
		{name: "flags win", file: `{"event-limit":"1k"}`, env: map[string]string{"STELE_URLS": "http://c:3", "STELE_EVENT_LIMIT": "2k"},
			flags: serveCommand{Urls: "http://e:5", EventLimit: "3k"}, urls: "http://e:5", path: "data", event: 3 << 10},
		{name: "named file", file: `{"urls":"http://a:1"}`, env: map[string]string{"STELE_CONFIG": filepath.Join("data", "stele.json")}, urls: "http://localhost:1", path: "data", event: 1024},
		{name: "flag names file", file: `{"urls":"http://a:1"}`, flags: serveCommand{Config: filepath.Join("data", "stele.json")}, urls: "http://localhost:1", path: "data", event: 1024},
		{name: "no file", flags: serveCommand{Datapath: "elsewhere"}, urls: defaultURL, path: "elsewhere"},
	} {
		os.Remove("stele.json")
		if c.file != "" {
			write("stele.json", c.file)
		}
		s, err := c.flags.settings(func(name string) string { return c.env[name] })
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := []any{strings.Join(s.urls, " "), s.server.Datapath, s.server.EventBytes}
		if d := cmp.Diff([]any{c.urls, c.path, c.event}, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

// TestEverySettingIsAFlag keeps table, flags and what they set in step.
func TestEverySettingIsAFlag(t *testing.T) {
	t.Chdir(t.TempDir())
	values := map[string]string{"otlp": "true", "drain": "7s", "syslog-zone": "UTC", "log-level": "error", "event-limit": "7", "batch-limit": "7", "document-limit": "7", "memory": "64m", "journal-limit": "7", "body-memory": "7", "min-free": "7", "queries": "7", "query-memory": "7", "query-time": "7s",
		"retention": `[{"Id":"old","Age":"30d"}]`}
	for _, row := range serveTable {
		text := values[row.name]
		if text == "" {
			text = "x"
		}
		var before, after serveSettings
		if err := row.set(&after, text); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if reflect.DeepEqual(before, after) {
			t.Errorf("%s sets nothing", row.name)
		}
		var c commands
		flag := "--" + row.name + "=" + text
		parser, err := c.parser(streams{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse([]string{"serve", flag}); err != nil {
			t.Errorf("%s is no flag: %v", flag, err)
			continue
		}
		got, err := c.Serve.settings(func(string) string { return "" })
		if unset, _ := (&serveCommand{}).settings(func(string) string { return "" }); err != nil || reflect.DeepEqual(got, unset) {
			t.Errorf("%s reaches no setting: %v", flag, err)
		}
	}
}

func TestOTLPAddresses(t *testing.T) {
	for _, c := range []struct{ config, want string }{
		{`{}`, ""},
		{`{"otlp":false}`, ""},
		{`{"otlp":true}`, "grpc://localhost:4317 http://localhost:4318"},
		{`{"otlp":"1","urls":["http://localhost:5341","http://localhost:80/","http://[::1]:5341","http://[::1]","http://*:7"]}`,
			"grpc://localhost:4317 http://localhost:4318 grpc://[::1]:4317 http://[::1]:4318 grpc://*:4317 http://*:4318"},
		{`{"otlp":true,"otlp-urls":"grpc://127.0.0.1:0"}`, "grpc://127.0.0.1:0"},
		{`{"otlp-urls":["grpc://a:1","http://b:2"]}`, "grpc://a:1 http://b:2"},
	} {
		t.Chdir(t.TempDir())
		if err := os.WriteFile("stele.json", []byte(c.config), 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := (&serveCommand{}).settings(func(string) string { return "" })
		if err != nil {
			t.Errorf("%s: %v", c.config, err)
			continue
		}
		if got := strings.Join(s.otlpAddresses(), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.config, got, c.want)
		}
	}
	t.Chdir(t.TempDir())
	off := false
	s, err := (&serveCommand{Otlp: &off}).settings(func(name string) string { return map[string]string{"STELE_OTLP": "true"}[name] })
	if err != nil || len(s.otlpAddresses()) > 0 {
		t.Errorf("a flag that says false does not win: %v %v", s.otlpAddresses(), err)
	}
	if _, err := (&serveCommand{}).settings(func(name string) string { return map[string]string{"STELE_OTLP": "perhaps"}[name] }); err == nil {
		t.Error("otlp may be perhaps")
	}
}
