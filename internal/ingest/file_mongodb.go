package ingest

import "bytes"

// MongoDB's logs before 4.4, which are text (mongodb.com, "Log Messages", versions 2.4 to 4.2):
// since 3.0 with a severity and a component, with the time in ISO 8601 or as ctime has it, which
// has no year.
//
//	2020-03-12T00:00:01.935+0000 I  COMMAND  [conn7] command shop.orders command: find { … } 123ms
//	 {"@t":"2020-03-12T00:00:01.9350000Z","@l":"Information","@m":"command shop.orders command: find { … } 123ms",
//	  "level":"I","component":"COMMAND","context":"conn7","ns":"shop.orders","duration_ms":123}

var mongoForms = []lineForm{
	{"mongodb", "MongoDB log", `2020-03-12T00:00:01.935+0000 I CONTROL  [initandlisten] MongoDB starting`, parseMongo, nil},
	{"mongodb", "MongoDB log (before 3.0)", `Thu Mar 12 00:00:01.935 [initandlisten] MongoDB starting`, parseOldMongo, nil},
}

func parseMongo(line []byte, r *record) bool {
	rest, ok := mongoTime(line, r)
	if !ok {
		return false
	}
	severity, rest := cutWord(rest)
	if len(severity) == 0 || len(severity) > 2 || bytes.IndexByte([]byte("FEWID"), severity[0]) < 0 || len(severity) == 2 && (severity[0] != 'D' || !isDigit(severity[1])) {
		return false
	}
	component, rest := cutWord(bytes.TrimLeft(rest, " "))
	for _, b := range component {
		if b-'A' >= 26 && b != '_' && b != '-' && !isDigit(b) {
			return false
		}
	}
	context, message, ok := mongoContext(bytes.TrimLeft(rest, " "))
	if !ok || len(component) == 0 {
		return false
	}
	r.level, r.kept = letterLevel(severity[0]), true
	r.text("level", severity)
	r.present("component", component)
	r.present("context", context)
	mongoMessage(message, r)
	return true
}

func parseOldMongo(line []byte, r *record) bool {
	rest, ok := mongoTime(line, r)
	if !ok {
		return false
	}
	context, message, ok := mongoContext(rest)
	if !ok || isDigit(line[0]) && !isMongoContext(context) {
		return false
	}
	r.present("context", context)
	mongoMessage(message, r)
	switch word, after := cutWord(message); {
	case len(after) == 0:
	case string(word) == "warning:":
		r.level, r.kept = "Warning", true
	case string(word) == "ERROR:":
		r.level, r.kept = "Error", true
	}
	return true
}

// mongoTime reads the time, and returns what follows the blank behind it.
func mongoTime(line []byte, r *record) ([]byte, bool) {
	c := cursor{b: line}
	if len(line) > 0 && isDigit(line[0]) {
		if r.clock = parseISO(&c); !r.clock.zoned || len(line) < 11 || line[10] != 'T' {
			return nil, false
		}
	} else {
		c.weekday()
		c.byte(' ')
		r.clock.month = c.month()
		c.byte(' ')
		r.clock.day = c.paddedDay()
		c.byte(' ')
		c.timeOfDay(&r.clock, false)
	}
	if c.byte(' '); c.bad || !r.clock.valid() {
		return nil, false
	}
	r.timed = true
	return line[c.i:], true
}

// mongoContext reads [conn7], which may be [], and the message.
func mongoContext(text []byte) (context, message []byte, ok bool) {
	if len(text) == 0 || text[0] != '[' {
		return nil, nil, false
	}
	end := bytes.IndexByte(text, ']')
	if end < 0 || end > 80 || end+1 < len(text) && text[end+1] != ' ' {
		return nil, nil, false
	}
	return text[1:end], bytes.TrimLeft(text[end+1:], " "), true
}

// isMongoContext recognises the names of MongoDB 2.6's threads. Others too write a word in brackets after
// the time.
func isMongoContext(context []byte) bool {
	for _, name := range []string{"conn", "rs", "repl", "thread", "journal", "initandlisten", "signalProcessingThread", "TTLMonitor", "clientcursormon", "DataFileSync",
		"FileAllocator", "snapshotThread", "mongosMain", "Balancer", "LockPinger", "ReplicaSetMonitorWatcher", "PeriodicTask", "websvr", "slaveTracking", "cleanupOldData"} {
		rest, ok := bytes.CutPrefix(context, []byte(name))
		if ok && (len(rest) == 0 || isDigit(rest[0]) || rest[0] == ' ' || name == "rs" && rest[0]-'A' < 26) {
			return true
		}
	}
	return false
}

// mongoMessage takes the namespace and the duration out of a message about an operation.
func mongoMessage(message []byte, r *record) {
	r.message = message
	operation, rest := cutWord(message)
	switch string(operation) {
	case "command", "query", "insert", "update", "remove", "delete", "getmore", "killcursors":
	default:
		return
	}
	last := message[bytes.LastIndexByte(message, ' ')+1:]
	if ms, ok := bytes.CutSuffix(last, []byte("ms")); ok && isNumber(ms) {
		if ns, _ := cutWord(rest); bytes.IndexByte(ns, '.') > 0 {
			r.text("ns", ns)
		}
		r.number("duration_ms", ms)
	}
}
