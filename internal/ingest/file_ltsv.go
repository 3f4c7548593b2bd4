package ingest

import "bytes"

// LTSV (ltsv.org): fields with tabs between them, each a label, a colon and a value. All are properties under their
// labels, numbers as numbers. Time, level and message are found by their labels, as in logfmt; a request and its status, by
// the labels that ltsv.org has for access logs, are the message and the level of a line that has none. A line without a message
// is its own.
//
//	time:[20/Nov/2026:13:45:00 +0000]	host:203.0.113.7	req:GET /a HTTP/1.1	status:502	size:12
//	 {"@t":"2026-11-20T13:45:00.0000000Z","@l":"Error","@m":"GET /a HTTP/1.1 502","time":"[20/Nov/2026:13:45:00 +0000]",
//	  "host":"203.0.113.7","req":"GET /a HTTP/1.1","status":502,"size":12}
var ltsvForms = []lineForm{
	{"ltsv", "LTSV", "time:2026-11-20T10:00:00Z\tlevel:info\tmsg:up", parseLTSV, nil},
}

func parseLTSV(line []byte, r *record) bool {
	best := [messageRole + 1]uint8{timeRole: 255, levelRole: 255, messageRole: 255}
	var request, method, path, protocol, status []byte
	n := 0
	for rest, more := line, true; more; {
		var field []byte
		if field, rest, more = bytes.Cut(rest, []byte("\t")); len(field) == 0 && n > 0 {
			continue
		}
		label, value, ok := bytes.Cut(field, []byte(":"))
		if !ok || !isLabel(label) {
			return false
		}
		n++
		r.member(label)
		r.fields = appendCell(r.fields, value)
		switch string(label) {
		case "req":
			request = value
		case "method":
			method = value
		case "uri":
			path = value
		case "protocol":
			protocol = value
		case "status":
			status = value
		}
		if role := roleOf(label); role.kind != noRole && role.rank <= best[role.kind] && r.play(role.kind, value) {
			best[role.kind] = role.rank
		}
	}
	if n < 2 {
		return false
	}
	if request == nil && method != nil && path != nil {
		request = bytes.TrimRight(bytes.Join([][]byte{method, path, protocol}, []byte(" ")), " ")
	}
	if request != nil && len(status) == 3 && allDigits(string(status)) {
		level, message := r.level, r.message
		if r.answered(request, status); level != "" {
			r.level = level
		}
		if message != nil {
			r.message = message
		}
	}
	if r.message == nil {
		r.message = line
	}
	return true
}

// isLabel recognises what ltsv.org allows, but for a digit in front, which labels of logs do not have and times of day do.
func isLabel(label []byte) bool {
	for i, b := range label {
		if b|0x20 >= 'a' && b|0x20 <= 'z' || b == '_' || i > 0 && (isDigit(b) || b == '.' || b == '-') {
			continue
		}
		return false
	}
	return len(label) > 0
}
