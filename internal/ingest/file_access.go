package ingest

import "bytes"

// Access logs of Apache, nginx, Tomcat, Caddy, Traefik and others in the common and the combined
// form, with a virtual host in front or not, and with fields of one's own behind (httpd.apache.org,
// mod_log_config; nginx.org, ngx_http_log_module).
//
//	1.2.3.4 - ann [17/May/2015:10:05:03 +0000] "GET /x HTTP/1.1" 200 512 "http://from/" "curl/8"
//
// Properties have nginx's names for what they hold; values are as the line has them, escapes and all.

var accessForms = []lineForm{
	{"access", "access log (combined)", `1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12 "-" "curl/8"`, parseCombined, nil},
	{"access", "access log (common)", `1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12`, parseCommon, nil},
	{"access", "access log of an AWS load balancer", `https 2026-11-20T10:00:00.123456Z app/lb/1 10.0.0.1:1234 10.0.0.2:80 0.001 0.002 0.000 200 200 34 366 "GET https://x:443/ HTTP/1.1" "curl/8" C TLSv1.2`, parseALB, nil},
	{"access", "access log of a classic AWS load balancer", `2026-11-20T10:00:00.123456Z lb 10.0.0.1:1234 10.0.0.2:80 0.001 0.002 0.000 200 200 34 366 "GET http://x:80/ HTTP/1.1" "curl/8" - -`, parseELB, nil},
	{"access", "access log of S3", `79a5 bucket [06/Feb/2019:00:00:38 +0000] 10.0.0.1 79a5 3E57 REST.GET.OBJECT key "GET /bucket/key HTTP/1.1" 200 - 113 113 7 6 "-" "S3Console/0.4" -`, parseS3, nil},
}

func parseCombined(line []byte, r *record) bool {
	rest, ok := parseAccess(line, r)
	if !ok || len(rest) == 0 {
		return false
	}
	referer, rest, ok := cutField(rest)
	if !ok {
		return false
	}
	agent, rest, ok := cutField(bytes.TrimLeft(rest, " "))
	if !ok {
		return false
	}
	r.present("referer", referer)
	r.present("user_agent", agent)
	accessExtra(bytes.TrimSpace(rest), r)
	return true
}

// parseCommon also reads combined lines that were cut off.
func parseCommon(line []byte, r *record) bool {
	rest, ok := parseAccess(line, r)
	if !ok {
		return false
	}
	rest = bytes.TrimSpace(rest)
	if referer, after, ok := cutField(rest); ok {
		after = bytes.TrimLeft(after, " ")
		if len(after) == 0 || after[0] == '"' {
			r.present("referer", referer)
			if len(after) > 0 {
				r.present("user_agent", after[1:])
			}
			return true
		}
	} else if len(rest) > 0 && rest[0] == '"' {
		r.present("referer", rest[1:])
		return true
	}
	accessExtra(rest, r)
	return true
}

// parseAccess reads what both forms begin with and returns the rest.
func parseAccess(line []byte, r *record) (rest []byte, ok bool) {
	// The time is the first in brackets; before it are host and user, whatever these are.
	at := 0
	for {
		next := bytes.IndexByte(line[at:], '[')
		if next < 0 {
			return nil, false
		}
		at += next
		if c := bracketedTime(line[at:], &r.clock); c > 0 && at > 0 && line[at-1] == ' ' {
			rest = line[at+c:]
			break
		}
		at++
	}
	request, rest, ok := cutField(bytes.TrimLeft(rest, " "))
	if !ok {
		if len(rest) == 0 || rest[0] != '"' {
			return nil, false
		}
		request, rest = rest[1:], nil // the line was cut off
	}
	status, rest := cutWord(bytes.TrimLeft(rest, " "))
	size, rest := cutWord(rest)
	if string(status) != "-" && ok && (len(status) != 3 || !allDigits(string(status))) {
		return nil, false
	}
	if !accessFront(bytes.TrimRight(line[:at], " "), r) {
		return nil, false
	}
	r.timed = true
	requestFields(request, r)
	accessStatus(status, request, r)
	if !isNumber(size) && string(size) != "-" && len(size) > 0 { // there is none, and something else comes
		return line[len(line)-len(rest)-len(size)-min(1, len(rest)):], true
	}
	r.number("body_bytes_sent", size)
	return rest, true
}

// bracketedTime reads a time in brackets, and returns how long it is, 0 if it is none.
func bracketedTime(text []byte, k *clock) int {
	c := cursor{b: text, i: 1}
	if *k = parseDayFirst(&c); c.bad {
		c = cursor{b: text, i: 1}
		*k = parseISO(&c)
	}
	if c.byte(']'); c.bad || !k.valid() {
		return 0
	}
	return c.i
}

// accessStatus adds the status; the level and the message go by it.
func accessStatus(status, request []byte, r *record) {
	r.answered(request, status)
	r.number("status", status)
}

// answered makes the level and the message of a request and the status of its answer.
func (r *record) answered(request, status []byte) {
	r.level, r.kept = "Information", true
	if len(status) > 0 {
		switch status[0] {
		case '4':
			r.level = "Warning"
		case '5':
			r.level = "Error"
		}
	}
	at := len(r.room)
	r.room = append(r.room, request...)
	if len(status) > 0 {
		r.room = append(append(r.room, ' '), status...)
	}
	r.message = r.room[at:]
}

// accessFront reads what is before the time: a virtual host or none, the client's address, or several
// of it and its proxies, the name that identd gives, and the user, which may have blanks.
func accessFront(front []byte, r *record) bool {
	var vhost []byte
	address, rest := cutWord(front)
	if len(address) == 0 {
		return false
	}
	if address[len(address)-1] != ',' && !isAddress(address) {
		next, _ := cutWord(rest)
		switch port := bytes.LastIndexByte(address, ':'); {
		case isAddress(next), port > 0 && isNumber(address[port+1:]) && bytes.Count(rest, []byte(" ")) > 1,
			bytes.Count(rest, []byte(" ")) == 2 && string(next) != "-":
			vhost, front = address, rest
			address, rest = cutWord(front)
		}
	}
	for len(address) > 0 && address[len(address)-1] == ',' && len(rest) > 0 {
		next, after := cutWord(rest)
		address, rest = front[:len(front)-len(rest)+len(next)], after
	}
	ident, user := cutWord(rest)
	if len(user) == 0 { // nginx's $remote_user alone
		ident, user = nil, ident
	}
	r.present("vhost", vhost)
	address = bytes.Trim(address, `"`)
	if first, _, several := bytes.Cut(address, []byte(",")); several {
		r.present("remote_addr", first)
		r.text("x_forwarded_for", address)
	} else {
		r.present("remote_addr", address)
	}
	r.present("ident", ident)
	if quoted, _, ok := cutField(user); ok {
		user = quoted
	}
	r.present("remote_user", user)
	return true
}

// isAddress recognises an address of IPv4 or IPv6, with a port or without.
func isAddress(text []byte) bool {
	dots, colons := 0, 0
	for _, b := range text {
		switch {
		case b == '.':
			dots++
		case b == ':':
			colons++
		case !isDigit(b) && (b|0x20 < 'a' || b|0x20 > 'f') && b != '[' && b != ']' && b != '%':
			return false
		}
	}
	return dots == 3 && colons < 2 || colons > 1
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

// cutField takes a text in double quotes, in which a backslash protects the next byte. A quotation mark that
// is neither protected nor before a blank is a part of the text: some servers escape nothing.
func cutField(line []byte) (text, rest []byte, ok bool) {
	for from := 0; ; {
		if _, rest, ok = cutQuoted(line[from:]); !ok {
			return nil, line, false
		}
		end := len(line) - len(rest)
		if len(rest) == 0 || isBlank(rest[0]) {
			return line[1 : end-1], rest, true
		}
		from = end - 1
	}
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
