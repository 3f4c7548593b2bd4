package ingest

import "bytes"

// Access logs whose fields are told by their place alone: those of AWS (docs.aws.amazon.com, "Access
// logs for your Application Load Balancer", "… Classic Load Balancer", "Amazon S3 server access log
// format").

// albFields follow the time of an application load balancer's line.
var albFields = []string{"elb", "client", "upstream_addr", "request_processing_time", "target_processing_time", "response_processing_time",
	"status", "target_status_code", "request_length", "bytes_sent", "request", "user_agent", "ssl_cipher", "ssl_protocol", "target_group_arn", "trace_id",
	"domain_name", "chosen_cert_arn", "matched_rule_priority", "request_creation_time", "actions_executed", "redirect_url", "error_reason",
	"target_port_list", "target_status_code_list", "classification", "classification_reason", "conn_trace_id"}

// s3Fields follow the time of an S3 line.
var s3Fields = []string{"client", "requester", "request_id", "operation", "key", "request", "status", "error_code", "bytes_sent", "object_size", "total_time_ms",
	"turn_around_time_ms", "referer", "user_agent", "version_id", "host_id", "signature_version", "ssl_cipher", "authentication_type", "vhost",
	"ssl_protocol", "access_point_arn", "acl_required"}

func parseALB(line []byte, r *record) bool {
	kind, rest := cutWord(line)
	switch string(kind) {
	case "http", "https", "h2", "grpcs", "ws", "wss":
	default:
		return false
	}
	if !balancerFields(rest, albFields, r) {
		return false
	}
	r.text("type", kind)
	return true
}

func parseELB(line []byte, r *record) bool { return balancerFields(line, albFields[:14], r) }

// balancerFields reads the time, and fields by their place.
func balancerFields(line []byte, names []string, r *record) bool {
	time, rest := cutWord(line)
	c := cursor{b: time}
	if r.clock = parseISO(&c); c.bad || c.i < len(time) || !r.clock.valid() || !r.clock.zoned {
		return false
	}
	r.timed = true
	return placedFields(rest, names, 10, r)
}

func parseS3(line []byte, r *record) bool {
	owner, rest := cutWord(line)
	bucket, rest := cutWord(rest)
	if len(rest) == 0 || rest[0] != '[' {
		return false
	}
	end := bracketedTime(rest, &r.clock)
	if end == 0 || !bytes.HasPrefix(rest[end:], []byte(" ")) {
		return false
	}
	r.timed = true
	if !placedFields(rest[end+1:], s3Fields, 10, r) {
		return false
	}
	r.present("bucket_owner", owner)
	r.present("bucket", bucket)
	return true
}

// placedFields reads fields by their place, at least so many. What follows them is kept as the property extra.
func placedFields(text []byte, names []string, least int, r *record) bool {
	var request, status []byte
	n := 0
	for ; n < len(names) && len(text) > 0; n++ {
		var p accessPart
		p, text = cutPlaced(text)
		switch name := names[n]; name {
		case "client":
			if !isAddress(p.text) && string(p.text) != "-" {
				return false
			}
			r.client(p.text)
		case "request":
			request = p.text
			if string(request) != "-" {
				requestFields(bytes.TrimSuffix(request, []byte(" ")), r)
			}
		case "status":
			if status = p.text; string(status) != "-" && (len(status) != 3 || !allDigits(string(status))) {
				return false
			}
		default:
			if p.quote == '"' {
				r.present(name, p.text)
			} else {
				r.number(name, p.text)
			}
		}
	}
	if n < least {
		return false
	}
	accessStatus(status, request, r)
	r.present("extra", text)
	return true
}

// cutPlaced takes a field off that is bare or in quotes. A quotation mark that nothing closes ends with the line.
func cutPlaced(text []byte) (p accessPart, rest []byte) {
	if quoted, rest, ok := cutField(text); ok {
		return accessPart{text: quoted, quote: '"'}, bytes.TrimLeft(rest, " ")
	}
	if len(text) > 0 && text[0] == '"' {
		return accessPart{text: text[1:], quote: '"'}, nil
	}
	word, rest := cutWord(text)
	return accessPart{text: word}, bytes.TrimLeft(rest, " ")
}

// client adds the client's address and, if it has one, its port.
func (r *record) client(address []byte) {
	if at := bytes.LastIndexByte(address, ':'); at > 0 && (bytes.IndexByte(address, ':') == at || address[at-1] == ']') {
		r.present("remote_addr", bytes.Trim(address[:at], "[]"))
		r.number("remote_port", address[at+1:])
		return
	}
	r.present("remote_addr", address)
}
