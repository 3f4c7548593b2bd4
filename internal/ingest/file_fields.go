package ingest

import "strings"

// nameID stands for a known name; 0 for none.
type nameID uint8

const (
	maxNames = 256 // known names, and one
	maxName  = 40  // bytes of a known name
)

// nameSet holds the names that mean something, which compare without regard to case.
type nameSet struct {
	ids map[string]nameID // by lower-cased name
	// first has, for each length, the first bytes of names as a set of their lower five bits:
	// most of the names that mean nothing fail here.
	first [maxName + 1]uint32
}

// add gives a name its number.
func (n *nameSet) add(name string) nameID {
	name = strings.ToLower(name)
	if id := n.ids[name]; id != 0 {
		return id
	}
	if len(name) == 0 || len(name) > maxName || len(n.ids) == maxNames-1 {
		return 0
	}
	id := nameID(len(n.ids) + 1)
	n.ids[name] = id
	n.first[len(name)] |= 1 << (name[0] & 31)
	return id
}

func (n *nameSet) find(name []byte) nameID {
	if len(name) > maxName || n.first[len(name)]>>(name[0]&31)&1 == 0 {
		return 0
	}
	var lower [maxName]byte
	for i, c := range name {
		if c-'A' < 26 {
			c |= 0x20
		}
		lower[i] = c
	}
	return n.ids[string(lower[:len(name)])]
}

// clone returns a set that may grow.
func (n *nameSet) clone() *nameSet {
	c := &nameSet{ids: make(map[string]nameID, len(n.ids)+4), first: n.first}
	for name, id := range n.ids {
		c.ids[name] = id
	}
	return c
}

// A fieldPath leads to a value in an object: a member's name, and the names of members of
// its value from the outside in.
type fieldPath struct {
	id    nameID
	inner []string
	shown string
}

func (p fieldPath) String() string { return p.shown }

// leaf returns the last name of the path.
func (p fieldPath) leaf() string {
	if len(p.inner) > 0 {
		return p.inner[len(p.inner)-1]
	}
	return p.shown
}

func (n *nameSet) path(names []string) fieldPath {
	return fieldPath{id: n.add(names[0]), inner: names[1:], shown: strings.Join(names, ".")}
}

func (n *nameSet) paths(names ...string) []fieldPath {
	list := make([]fieldPath, len(names))
	for i, name := range names {
		list[i] = n.path(strings.Split(name, "/"))
	}
	return list
}

// named reads a --time-field and the like: the name of a member, or a path with dots.
func (n *nameSet) named(name string) []fieldPath {
	list := []fieldPath{n.path([]string{name})}
	if strings.Contains(name, ".") {
		list = append(list, n.path(strings.Split(name, ".")))
	}
	return list
}

// lookup follows a path; of members with equal names the last counts.
func (s *objectScan) lookup(p fieldPath) ([]byte, bool) {
	v, ok := s.slot(p.id)
	for i := 0; ok && i < len(p.inner); i++ {
		v, ok = memberOf(v, p.inner[i])
	}
	return v, ok
}

// What other dialects call the parts of an event, most telling first; / leads into an object. A
// value counts only if it can be what it is taken for, so a duration called "time" or a
// state called "level" does no harm.
var (
	knownNames = &nameSet{ids: map[string]nameID{}}

	timeFields = knownNames.paths("requestReceivedTimestamp", "stageTimestamp", "TimeCreated", "Event/System/TimeCreated", "@timestamp",
		"ts", "time", "timestamp", "datetime", "date_time", "instant", "timeMillis", "eventTime", "event_time", "record/log_time", "log_time",
		"logTime", "asctime", "t", "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "timeUnixNano", "time_unix_nano",
		"timestampSeconds", "observedTimeUnixNano", "time_iso8601", "time_local", "msec", "start_time", "StartUTC",
		"eventTimestamp", "event_timestamp", "log_timestamp", "logTimestamp", "record/time", "_time", "published", "EdgeStartTimestamp",
		"created_at", "createdAt", "created", "isotimestamp", "isodate", "UtcTime", "receiveTimestamp", "ingestionTime", "EventReceivedTime",
		"unixTime", "started_at", "requestTime", "TimeGenerated", "result/_time", "date", "epoch", "when", "startTime")
	levelFields = knownNames.paths("record/error_severity", "level", "lvl", "logLevel", "log_level", "log.level", "log/level", "@level",
		"levelname", "level_name", "severity", "severityText", "severity_text", "severity_label", "error_severity", "LevelDisplayName", "PRIORITY", "s",
		"record/level/name", "level/name", "Event/System/Level", "syslogseverity-text", "levelno", "level_value", "severityNumber", "severity_number",
		"context/logLevel", "prio")
	messageFields = knownNames.paths("record/message", "message", "msg", "@message", "renderedMessage", "short_message", "log",
		"text", "textPayload", "jsonPayload/message", "jsonPayload/msg", "body", "body/stringValue", "fields/message", "logEvent/message", "logMessage",
		"alert/signature", "displayMessage", "Event/RenderingInfo/Message", "output", "event", "eventName", "event/message", "description",
		"line", "result/_raw", "error/message", "error.message")
	templateFields  = knownNames.paths("messageTemplate", "message_template", "State/{OriginalFormat}", "{OriginalFormat}")
	exceptionFields = knownNames.paths("error.stack_trace", "error/stack_trace", "error.stack", "error/stack", "error/stackTrace", "err/stack", "err.stack",
		"stack_trace", "stackTrace", "stack", "exception.stacktrace", "exception", "exceptions", "thrown", "exc_info", "exc_text", "traceback",
		"errorVerbose", "error_stack", "_error_stack_trace", "backtrace", "context/exception", "jsonPayload/exception", "jsonPayload/stack_trace")
	traceFields = append(knownNames.paths("trace_id", "traceId", "trace.id", "trace/id", "dd.trace_id", "dd/trace_id", "trace"),
		knownNames.path([]string{"logging.googleapis.com/trace"}))
	spanFields = append(knownNames.paths("span_id", "spanId", "span.id", "span/id", "dd.span_id", "dd/span_id"),
		knownNames.path([]string{"logging.googleapis.com/spanId"}))

	// recordFields are what makes up the message of records that have none: those of requests. Of a
	// row all must be there but the last, which is a status.
	recordFields = [][]fieldPath{
		knownNames.paths("request", "status"),
		knownNames.paths("request", "statusCode"),
		knownNames.paths("verb", "requestURI", "responseStatus/code"),
		knownNames.paths("RequestMethod", "RequestPath", "DownstreamStatus"),
		knownNames.paths("method", "path", "response_code"),
		knownNames.paths("method", "path", "status"),
		knownNames.paths("method", "request_uri", "status"),
		knownNames.paths("method", "uri", "status"),
		knownNames.paths("method", "url", "status"),
		knownNames.paths("request_method", "request_uri", "status"),
		knownNames.paths("request_method", "uri", "status"),
		knownNames.paths("request/operation", "request/path", "response/status"),
		knownNames.paths("request/method", "request/uri", "response/status"),
		knownNames.paths("httpMethod", "path", "status"),
		knownNames.paths("httpMethod", "resourcePath", "status"),
		knownNames.paths("httpRequest/requestMethod", "httpRequest/requestUrl", "httpRequest/status"),
		knownNames.paths("http/http_method", "http/url", "http/status"),
		knownNames.paths("http/request/method", "url/path", "http/response/status_code"),
		knownNames.paths("http.request.method", "url.path", "http.response.status_code"),
		knownNames.paths("ClientRequestMethod", "ClientRequestURI", "EdgeResponseStatus"),
	}

	// Names that tell the library.
	shortMessageName   = knownNames.add("short_message")
	channelName        = knownNames.add("Channel")
	keywordsName       = knownNames.add("Keywords")
	facilityName       = knownNames.add("facility")
	messageName        = knownNames.add("MESSAGE")
	timestampNanosName = knownNames.add("timestampNanos")
	errSymbolName      = knownNames.add("err_symbol")
	sourceName         = knownNames.add("_source")
	indexName          = knownNames.add("_index")
	logName            = knownNames.add("log")
	streamName         = knownNames.add("stream")
	renderingsName     = knownNames.add("Renderings")
	propertiesName     = knownNames.add("Properties")
	mongoTimeName      = knownNames.add("t")
)
