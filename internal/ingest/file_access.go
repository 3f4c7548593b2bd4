package ingest

import "bytes"

// Access logs of Apache and nginx in the common and the combined form, with a virtual host in
// front or not, and with fields of one's own behind (httpd.apache.org, mod_log_config;
// nginx.org, ngx_http_log_module).
//
//	1.2.3.4 - ann [17/May/2015:10:05:03 +0000] "GET /x HTTP/1.1" 200 512 "http://from/" "curl/8"

var accessForms = []lineForm{
	{"access", "access log (combined)", `1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8"`, parseCombined},
	{"access", "access log (common)", `1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12`, parseCommon},
}

func parseCombined(line []byte, r *record) bool {
	rest, ok := parseAccess(line, r)
	if !ok || len(rest) == 0 {
		return false
	}
	referer, rest, ok := cutQuoted(rest)
	if !ok {
		return false
	}
	agent, rest, ok := cutQuoted(bytes.TrimLeft(rest, " "))
	if !ok {
		return false
	}
	r.present("referer", referer)
	r.present("user_agent", agent)
	r.present("extra", bytes.TrimSpace(rest))
	return true
}

func parseCommon(line []byte, r *record) bool {
	rest, ok := parseAccess(line, r)
	r.present("extra", bytes.TrimSpace(rest))
	return ok
}

// parseAccess reads what both forms begin with and returns the rest.
func parseAccess(line []byte, r *record) (rest []byte, ok bool) {
	first, rest := cutWord(line)
	second, rest := cutWord(rest)
	third, rest := cutWord(rest)
	if len(rest) > 0 && rest[0] != '[' { // a virtual host in front, or a user with a blank
		var vhost []byte
		vhost, first, second = first, second, third
		third, rest = cutWord(rest)
		r.present("vhost", vhost)
	}
	if len(rest) == 0 || rest[0] != '[' || len(first) == 0 {
		return nil, false
	}
	c := cursor{b: rest, i: 1}
	r.clock = parseDayFirst(&c)
	c.byte(']')
	c.byte(' ')
	if c.bad || !r.clock.valid() {
		return nil, false
	}
	r.timed = true
	request, rest, ok := cutQuoted(rest[c.i:])
	if !ok {
		return nil, false
	}
	status, rest := cutWord(bytes.TrimLeft(rest, " "))
	size, rest := cutWord(rest)
	if len(status) != 3 || !allDigits(string(status)) {
		return nil, false
	}
	r.level, r.kept = "Information", true
	switch status[0] {
	case '4':
		r.level = "Warning"
	case '5':
		r.level = "Error"
	}
	r.present("remote_addr", first)
	r.present("ident", second)
	r.present("remote_user", third)
	requestFields(request, r)
	r.number("status", status)
	r.number("body_bytes_sent", size)
	r.message = append(append(append([]byte(nil), request...), ' '), status...)
	return rest, true
}

// requestFields takes METHOD PATH PROTOCOL apart; what is not of that form is kept whole.
func requestFields(request []byte, r *record) {
	method, rest := cutWord(request)
	path, protocol := cutWord(rest)
	if len(method) == 0 || len(path) == 0 || bytes.IndexByte(protocol, ' ') >= 0 {
		r.present("request", request)
		return
	}
	r.text("method", method)
	r.text("path", path)
	r.present("protocol", protocol)
}

// cutQuoted takes a text in double quotes, in which a backslash protects the next byte.
func cutQuoted(line []byte) (text, rest []byte, ok bool) {
	if len(line) == 0 || line[0] != '"' {
		return nil, line, false
	}
	for i := 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return line[1:i], line[i+1:], true
		}
	}
	return nil, line, false
}
