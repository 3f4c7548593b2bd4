package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/stelehq/stele"
	"github.com/stelehq/stele/internal/fault"
	"github.com/stelehq/stele/internal/machine"
	"github.com/stelehq/stele/internal/server"
	"github.com/stelehq/stele/internal/units"
)

// serveSettings is what a server runs with.
type serveSettings struct {
	server   server.Options
	urls     []string
	otlp     bool
	otlpURLs []string // given; see otlpAddresses
	sockets  server.SocketOptions
	logLevel slog.Level
}

// setting is one row of the table of what can be set, by its flag's name. In the environment
// it is STELE_ and the name in capitals with _ for -.
type setting struct {
	name string
	set  func(s *serveSettings, text string) error
}

var serveTable = []setting{
	{"datapath", func(s *serveSettings, v string) error { s.server.Datapath = v; return nil }},
	{"urls", func(s *serveSettings, v string) error { s.urls = list(v); return nil }},
	{"otlp", boolSetting(func(s *serveSettings, on bool) { s.otlp = on })},
	{"otlp-urls", func(s *serveSettings, v string) error { s.otlpURLs = list(v); return nil }},
	{"syslog", func(s *serveSettings, v string) error { s.sockets.Syslog = list(v); return nil }},
	{"syslog-cert", func(s *serveSettings, v string) error { s.sockets.SyslogCert = v; return nil }},
	{"syslog-key", func(s *serveSettings, v string) error { s.sockets.SyslogKey = v; return nil }},
	{"syslog-zone", func(s *serveSettings, v string) (err error) {
		if s.sockets.SyslogZone, err = time.LoadLocation(v); err != nil {
			return fault.New(fault.Invalid, "", "%q is no zone such as UTC or Europe/Berlin", v)
		}
		return nil
	}},
	{"gelf", func(s *serveSettings, v string) error { s.sockets.GELF = list(v); return nil }},
	{"event-limit", sizeSetting(func(s *serveSettings, n int64) { s.server.EventBytes = int(n) })},
	{"batch-limit", sizeSetting(func(s *serveSettings, n int64) { s.server.BatchBytes = int(n) })},
	{"document-limit", sizeSetting(func(s *serveSettings, n int64) { s.server.DocumentBytes = int(n) })},
	{"memory", func(s *serveSettings, v string) error {
		n, err := units.ParseSize(v)
		if err == nil && n < machine.LeastMemory {
			err = fault.New(fault.Invalid, "", "%q is less than %s", v, size(machine.LeastMemory))
		}
		s.server.MemoryBytes = n
		return err
	}},
	{"journal-limit", sizeSetting(func(s *serveSettings, n int64) { s.server.JournalBytes = n })},
	{"body-memory", sizeSetting(func(s *serveSettings, n int64) { s.server.BodyMemory = n })},
	{"queries", func(s *serveSettings, v string) (err error) {
		if s.server.Queries, err = strconv.Atoi(v); err != nil || s.server.Queries < 1 || s.server.Queries > 1000 {
			return fault.New(fault.Invalid, "", "%q is not a number from 1 to 1000", v)
		}
		return nil
	}},
	{"query-memory", sizeSetting(func(s *serveSettings, n int64) { s.server.QueryMemory = n })},
	{"query-time", durationSetting(func(s *serveSettings, d time.Duration) { s.server.QueryTime = d })},
	{"min-free", func(s *serveSettings, v string) error {
		n, err := units.ParseSize(v)
		if s.server.MinFreeBytes = n; n == 0 {
			s.server.MinFreeBytes = -1
		}
		return err
	}},
	{"retention", func(s *serveSettings, v string) error {
		var texts []json.RawMessage
		if err := json.Unmarshal([]byte(v), &texts); err != nil {
			return fault.WrapAs(fault.Invalid, err, "", "it is not a list of policies such as [{\"Id\":\"old\",\"Age\":\"30d\"}]")
		}
		s.server.Retention = make([]stele.RetentionPolicy, len(texts))
		for i, text := range texts {
			p := &s.server.Retention[i]
			err := p.UnmarshalJSON(text)
			if err == nil {
				err = p.Check()
			}
			if err == nil && slices.ContainsFunc(s.server.Retention[:i], func(o stele.RetentionPolicy) bool { return o.ID == p.ID }) {
				err = fault.New(fault.Invalid, "", "there are two policies %q", p.ID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}},
	{"drain", durationSetting(func(s *serveSettings, d time.Duration) { s.server.Drain = d })},
	{"allowed-origins", func(s *serveSettings, v string) error { s.server.AllowedOrigins = list(v); return nil }},
	{"ingest-origins", func(s *serveSettings, v string) error { s.server.IngestOrigins = list(v); return nil }},
	{"allowed-hosts", func(s *serveSettings, v string) error { s.server.AllowedHosts = list(v); return nil }},
	{"instance", func(s *serveSettings, v string) error { s.server.Instance = v; return nil }},
	{"log-level", func(s *serveSettings, v string) error {
		if err := s.logLevel.UnmarshalText([]byte(v)); err != nil {
			return fault.New(fault.Invalid, "", "%q is not debug, info, warn or error", v)
		}
		return nil
	}},
}

func boolSetting(set func(*serveSettings, bool)) func(*serveSettings, string) error {
	return func(s *serveSettings, text string) error {
		on, err := strconv.ParseBool(text)
		if err != nil {
			return fault.New(fault.Invalid, "", "%q is neither true nor false", text)
		}
		set(s, on)
		return nil
	}
}

func durationSetting(set func(*serveSettings, time.Duration)) func(*serveSettings, string) error {
	return func(s *serveSettings, text string) error {
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return fault.New(fault.Invalid, "", "%q is not a duration such as 30s", text)
		}
		set(s, d)
		return nil
	}
}

func sizeSetting(set func(*serveSettings, int64)) func(*serveSettings, string) error {
	return func(s *serveSettings, text string) error {
		n, err := units.ParseSize(text)
		if err == nil && (n == 0 || n > 1<<30) {
			err = fault.New(fault.Invalid, "", "%q is not from 1 to 1GiB", text)
		}
		if err == nil {
			set(s, n)
		}
		return err
	}
}

// boolText is a flag's value, "" if it was not given.
func boolText(flag *bool) string {
	if flag == nil {
		return ""
	}
	return strconv.FormatBool(*flag)
}

// otlpAddresses are the URLs to serve OpenTelemetry on: those given, or if it is asked for, the standard ports of the hosts of urls.
func (s *serveSettings) otlpAddresses() []string {
	if len(s.otlpURLs) > 0 || !s.otlp {
		return s.otlpURLs
	}
	var hosts, all []string
	for _, text := range s.urls {
		_, host, _ := strings.Cut(strings.TrimSuffix(text, "/"), "://")
		if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
			host = host[:colon]
		}
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
			all = append(all, "grpc://"+host+":4317", "http://"+host+":4318")
		}
	}
	return all
}

// list reads values with ; between them.
func list(text string) []string {
	var all []string
	for v := range strings.SplitSeq(text, ";") {
		if v = strings.TrimSpace(v); v != "" {
			all = append(all, v)
		}
	}
	return all
}

// settings joins flags, environment and config file, in this order of precedence.
func (c *serveCommand) settings(getenv func(string) string) (serveSettings, error) {
	s := serveSettings{
		server: server.Options{Datapath: "data", MemoryBytes: machine.Memory()}, urls: []string{defaultURL}, logLevel: slog.LevelWarn,
	}
	flags := map[string]string{
		"datapath": c.Datapath, "urls": c.Urls, "otlp": boolText(c.Otlp), "otlp-urls": c.OtlpUrls,
		"syslog": c.Syslog, "syslog-cert": c.SyslogCert, "syslog-key": c.SyslogKey, "syslog-zone": c.SyslogZone, "gelf": c.Gelf,
		"event-limit": c.EventLimit, "batch-limit": c.BatchLimit,
		"document-limit": c.DocumentLimit, "memory": c.Memory, "journal-limit": c.JournalLimit, "body-memory": c.BodyMemory, "queries": c.Queries, "query-memory": c.QueryMemory, "query-time": c.QueryTime, "retention": c.Retention, "min-free": c.MinFree, "drain": c.Drain, "allowed-origins": c.AllowedOrigins,
		"ingest-origins": c.IngestOrigins, "allowed-hosts": c.AllowedHosts, "instance": c.Instance, "log-level": c.LogLevel,
	}
	file, from, err := c.configFile(getenv)
	if err != nil {
		return s, err
	}
	for _, row := range serveTable {
		env := "STELE_" + strings.ToUpper(strings.ReplaceAll(row.name, "-", "_"))
		text, origin := flags[row.name], "--"+row.name
		if text == "" {
			text, origin = getenv(env), env
		}
		if text == "" {
			text, origin = file[row.name], from+": "+row.name
		}
		if text == "" {
			continue
		}
		if err := row.set(&s, text); err != nil {
			return s, fault.WrapAs(fault.Invalid, err, "", "%s", origin)
		}
	}
	if len(s.urls) == 0 {
		return s, fault.New(fault.Invalid, "", "--urls names nothing to listen on")
	}
	return s, nil
}

// configFile finds and reads the config file: --config, STELE_CONFIG, ./stele.json or
// DIR/stele.json, the first that is named or there.
func (c *serveCommand) configFile(getenv func(string) string) (values map[string]string, name string, err error) {
	name = c.Config
	if name == "" {
		name = getenv("STELE_CONFIG")
	}
	candidates := []string{name}
	if name == "" {
		dir := c.Datapath
		if dir == "" {
			dir = getenv("STELE_DATAPATH")
		}
		if dir == "" {
			dir = "data"
		}
		candidates = []string{"stele.json", filepath.Join(dir, "stele.json")}
	}
	for _, candidate := range candidates {
		text, err := os.ReadFile(candidate)
		if name == "" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
			continue // that the data path is a file is told when it is opened
		}
		if err != nil {
			return nil, candidate, fault.Wrap(err, "", "the config file cannot be read")
		}
		values, err := parseConfig(text)
		if err != nil {
			return nil, candidate, fault.WrapAs(fault.Invalid, err, "", "%s", candidate)
		}
		return values, candidate, nil
	}
	return nil, "", nil
}

// parseConfig reads a JSON object whose members have the flags' names. Values are strings,
// numbers, true, false, or lists of strings; of retention they are policies.
func parseConfig(text []byte) (map[string]string, error) {
	var raw map[string]any
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, fault.WrapAs(fault.Invalid, err, "", "it is not a JSON object")
	}
	values := map[string]string{}
	for name, v := range raw {
		if !slices.ContainsFunc(serveTable, func(s setting) bool { return s.name == name }) {
			var names []string
			for _, s := range serveTable {
				names = append(names, s.name)
			}
			return nil, fault.New(fault.Invalid, "", "%q is not a setting", name).WithHint("settings are %s", strings.Join(names, ", "))
		}
		if name == "retention" {
			policies, err := json.Marshal(v)
			if err != nil {
				return nil, fault.WrapAs(fault.Invalid, err, "", "%s", name)
			}
			values[name] = string(policies)
			continue
		}
		switch v := v.(type) {
		case string:
			values[name] = v
		case float64:
			values[name] = strconv.FormatFloat(v, 'f', -1, 64)
		case bool:
			values[name] = strconv.FormatBool(v)
		case []any:
			var parts []string
			for _, p := range v {
				text, ok := p.(string)
				if !ok {
					return nil, fault.New(fault.Invalid, "", "%s: the list holds something that is no string", name)
				}
				parts = append(parts, text)
			}
			values[name] = strings.Join(parts, ";")
		default:
			return nil, fault.New(fault.Invalid, "", "%s is neither a string, a number, true or false nor a list of strings", name)
		}
	}
	return values, nil
}
