package ingest

import "bytes"

// What follows the combined form in logs of one's own making.

// accessExtra takes what is behind the combined form apart: pairs name=value, the fields of Traefik's
// and of Kubernetes' ingress controller, the addresses of X-Forwarded-For, and the seconds that a request took.
// What is none of these is kept as the property extra.
func accessExtra(text []byte, r *record) {
	if len(text) == 0 || len(text) == 1 && text[0] == '-' {
		return
	}
	var parts [16]accessPart
	n, rest := 0, text
	for n < len(parts) && len(rest) > 0 {
		parts[n], rest = cutPart(rest)
		n++
	}
	switch p := parts[:n]; {
	case len(rest) > 0:
	case n == 4 && isNumber(p[0].text) && p[1].quote == '"' && p[2].quote == '"' && bytes.HasSuffix(p[3].text, []byte("ms")):
		r.number("request_count", p[0].text)
		r.present("router", p[1].text)
		r.present("upstream_addr", p[2].text)
		r.number("duration_ms", bytes.TrimSuffix(p[3].text, []byte("ms")))
		return
	case n >= 8 && n <= 9 && isNumber(p[0].text) && isNumber(p[1].text) && p[2].quote == '[' && p[3].quote == '[':
		for i, name := range []string{"request_length", "request_time", "proxy_upstream_name", "proxy_alternative_upstream_name",
			"upstream_addr", "upstream_response_length", "upstream_response_time", "upstream_status", "req_id"} {
			if i < n {
				r.number(name, p[i].text)
			}
		}
		return
	}
	// One after the other, as long as it is known what they are.
	for forwarded, timed := false, false; len(text) > 0; {
		part, rest := cutPart(text)
		switch {
		case len(part.name) > 0:
			r.member(part.name)
			r.fields = appendCell(r.fields, part.text)
		case part.quote == '"' && !forwarded && isAddresses(part.text):
			forwarded = true
			r.present("x_forwarded_for", part.text)
		case part.quote == 0 && !timed && isNumber(part.text) && bytes.IndexByte(part.text, '.') > 0:
			timed = true
			r.number("request_time", part.text)
		default:
			r.text("extra", text)
			return
		}
		text = rest
	}
}

// isAddresses recognises a list of addresses, and the "-" for none.
func isAddresses(text []byte) bool {
	for len(text) > 0 {
		one, rest, _ := bytes.Cut(text, []byte(","))
		if one = bytes.TrimSpace(one); !isAddress(one) && string(one) != "unknown" && string(one) != "-" {
			return false
		}
		text = rest
	}
	return true
}

// An accessPart is a field of a line whose fields have blanks between them.
type accessPart struct {
	name  []byte // of name=value
	text  []byte // without what encloses it
	quote byte   // what encloses it: ", [, {, or nothing
}

// cutPart takes a field off: bare, in quotes, brackets or braces, or the value of a name. Bare ones
// that end with a comma go on with the next, as nginx lists several upstreams.
func cutPart(text []byte) (p accessPart, rest []byte) {
	text = bytes.TrimLeft(text, " \t")
	if quoted, rest, ok := cutField(text); ok {
		return accessPart{text: quoted, quote: '"'}, bytes.TrimLeft(rest, " \t")
	}
	if len(text) > 0 && (text[0] == '[' || text[0] == '{') {
		closing := text[0] + 2 // ] and }
		if end := bytes.IndexByte(text, closing); end > 0 && (end+1 == len(text) || isBlank(text[end+1])) {
			return accessPart{text: text[1:end], quote: text[0]}, bytes.TrimLeft(text[end+1:], " \t")
		}
	}
	n := 0
	for n < len(text) && (isWord(text[n]) || n > 0 && text[n] == '-') {
		n++
	}
	if n > 0 && n < len(text) && text[n] == '=' && !isDigit(text[0]) {
		if quoted, rest, ok := cutField(text[n+1:]); ok {
			return accessPart{name: text[:n], text: quoted}, bytes.TrimLeft(rest, " \t")
		}
		p.name = text[:n]
		text = text[n+1:]
	}
	end := 0
	for end < len(text) && (!isBlank(text[end]) || end > 0 && text[end-1] == ',' && p.name == nil) {
		end++
	}
	p.text = text[:end]
	return p, bytes.TrimLeft(text[end:], " \t")
}
