package ingest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stelehq/stele/internal/testkit"
)

func TestAccessLogs(t *testing.T) {
	at := `{"@t":"2015-05-17T10:05:03.0000000Z","@l":"Information","@m":"GET / HTTP/1.1 200",`
	get := `"method":"GET","path":"/","protocol":"HTTP/1.1","status":200`
	for _, c := range []struct{ line, want string }{
		{
			`1.2.3.4 - ann [17/May/2015:10:05:03 +0200] "GET /a?b=c HTTP/1.1" 200 512 "http://from/" "curl/8 \"x\""`,
			`{"@t":"2015-05-17T08:05:03.0000000Z","@l":"Information","@m":"GET /a?b=c HTTP/1.1 200","remote_addr":"1.2.3.4","remote_user":"ann","method":"GET","path":"/a?b=c","protocol":"HTTP/1.1","status":200,"body_bytes_sent":512,"referer":"http://from/","user_agent":"curl/8 \\\"x\\\""}`,
		},
		{
			`www.example.com:443 ::1 - - [17/May/2015:10:05:03 +0000] "-" 408 -`,
			`{"@t":"2015-05-17T10:05:03.0000000Z","@l":"Warning","@m":"- 408","vhost":"www.example.com:443","remote_addr":"::1","status":408}`,
		},
		{
			`1.2.3.4 - - [17/May/2015:10:05:03 +0000] "\x16\x03" 502 166 "-" "-" 0.003 "up"`,
			`{"@t":"2015-05-17T10:05:03.0000000Z","@l":"Error","@m":"\\x16\\x03 502","remote_addr":"1.2.3.4","request":"\\x16\\x03","status":502,"body_bytes_sent":166,"request_time":0.003,"extra":"\"up\""}`,
		},
		{ // X-Forwarded-For instead of the client's address
			`1.1.1.1, 2.2.2.2 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5`,
			at + `"remote_addr":"1.1.1.1","x_forwarded_for":"1.1.1.1, 2.2.2.2",` + get + `,"body_bytes_sent":5}`,
		},
		{ // a host's name; a user with blanks
			`client-7.example.net - Ann B. Smith [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5`,
			at + `"remote_addr":"client-7.example.net","remote_user":"Ann B. Smith",` + get + `,"body_bytes_sent":5}`,
		},
		{ // both
			`shop.example.com 10.0.0.1 - Ann Smith [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5`,
			at + `"vhost":"shop.example.com","remote_addr":"10.0.0.1","remote_user":"Ann Smith",` + get + `,"body_bytes_sent":5}`,
		},
		{ // a virtual host before a host's name
			`shop.example.com:80 client.example.net - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5`,
			at + `"vhost":"shop.example.com:80","remote_addr":"client.example.net",` + get + `,"body_bytes_sent":5}`,
		},
		{ // identd
			`10.0.0.1 ident ann [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5`,
			at + `"remote_addr":"10.0.0.1","ident":"ident","remote_user":"ann",` + get + `,"body_bytes_sent":5}`,
		},
		{ // quotation marks that nothing escapes
			`10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /a"b HTTP/1.1" 200 5 "-" "a "b"c"`,
			`{"@t":"2015-05-17T10:05:03.0000000Z","@l":"Information","@m":"GET /a\"b HTTP/1.1 200","remote_addr":"10.0.0.1","method":"GET","path":"/a\"b","protocol":"HTTP/1.1","status":200,"body_bytes_sent":5,"user_agent":"a \"b\"c"}`,
		},
		{ // nginx with names
			`10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8" "3.3.3.3, 4.4.4.4" rt=0.003 uct="0.001" urt="0.002, 0.004"`,
			at + `"remote_addr":"10.0.0.1",` + get + `,"body_bytes_sent":5,"user_agent":"curl/8","x_forwarded_for":"3.3.3.3, 4.4.4.4","rt":0.003,"uct":0.001,"urt":"0.002, 0.004"}`,
		},
		{ // Kubernetes' ingress controller, with two upstreams
			`10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8" 300 0.102 [shop-web-80] [] 10.1.0.1:80, 10.1.0.2:80 0, 5 0.100, 0.002 502, 200 9f86d0`,
			at + `"remote_addr":"10.0.0.1",` + get + `,"body_bytes_sent":5,"user_agent":"curl/8","request_length":300,"request_time":0.102,"proxy_upstream_name":"shop-web-80","upstream_addr":"10.1.0.1:80, 10.1.0.2:80","upstream_response_length":"0, 5","upstream_response_time":"0.100, 0.002","upstream_status":"502, 200","req_id":"9f86d0"}`,
		},
		{ // Traefik
			`10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8" 17 "web@docker" "http://10.1.0.1:80" 12ms`,
			at + `"remote_addr":"10.0.0.1",` + get + `,"body_bytes_sent":5,"user_agent":"curl/8","request_count":17,"router":"web@docker","upstream_addr":"http://10.1.0.1:80","duration_ms":12}`,
		},
		{ // Tomcat with %D
			`10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 12`,
			at + `"remote_addr":"10.0.0.1",` + get + `,"body_bytes_sent":5,"extra":"12"}`,
		},
		{ // the time in ISO 8601
			`10.0.0.1 - - [2015-05-17T12:05:03+02:00] "GET / HTTP/1.1" 200 5`,
			at + `"remote_addr":"10.0.0.1",` + get + `,"body_bytes_sent":5}`,
		},
		{ // cut off in the agent, and after the referer
			`10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "http://a/" "Mozil`,
			at + `"remote_addr":"10.0.0.1",` + get + `,"body_bytes_sent":5,"referer":"http://a/","user_agent":"Mozil"}`,
		},
		{
			`10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "http://a/"`,
			at + `"remote_addr":"10.0.0.1",` + get + `,"body_bytes_sent":5,"referer":"http://a/"}`,
		},
		{ // cut off in the request
			`10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET /lon`,
			`{"@t":"2015-05-17T10:05:03.0000000Z","@l":"Information","@m":"GET /lon","remote_addr":"10.0.0.1","method":"GET","path":"/lon"}`,
		},
		{ // an application load balancer
			`h2 2026-11-20T10:00:00.186641Z app/lb/1 [2001:db8::1]:2817 10.0.0.66:9000 0.001 0.002 0.000 502 - 34 366 "POST https://www.example.com:443/a b HTTP/2.0" "curl/8" ECDHE TLSv1.2 arn:aws:x "Root=1-58" "www.example.com" "-" 1 2026-11-20T09:59:59Z "forward" "-" "-" "10.0.0.66:9000" "-" "-" "-" TID_1 more to come`,
			`{"@t":"2026-11-20T10:00:00.1866410Z","@l":"Error","@m":"POST https://www.example.com:443/a b HTTP/2.0 502","elb":"app/lb/1","remote_addr":"2001:db8::1","remote_port":2817,"upstream_addr":"10.0.0.66:9000","request_processing_time":0.001,"target_processing_time":0.002,"response_processing_time":0.000,"request_length":34,"bytes_sent":366,"request":"POST https://www.example.com:443/a b HTTP/2.0","user_agent":"curl/8","ssl_cipher":"ECDHE","ssl_protocol":"TLSv1.2","target_group_arn":"arn:aws:x","trace_id":"Root=1-58","domain_name":"www.example.com","matched_rule_priority":1,"request_creation_time":"2026-11-20T09:59:59Z","actions_executed":"forward","target_port_list":"10.0.0.66:9000","conn_trace_id":"TID_1","status":502,"extra":"more to come","type":"h2"}`,
		},
		{ // a classic one
			`2026-11-20T10:00:00.186641Z my-lb 10.0.0.1:2817 - -1 -1 -1 503 0 0 0 "GET http://www.example.com:80/ HTTP/1.1" "curl/8" - -`,
			`{"@t":"2026-11-20T10:00:00.1866410Z","@l":"Error","@m":"GET http://www.example.com:80/ HTTP/1.1 503","elb":"my-lb","remote_addr":"10.0.0.1","remote_port":2817,"request_processing_time":-1,"target_processing_time":-1,"response_processing_time":-1,"target_status_code":0,"request_length":0,"bytes_sent":0,"method":"GET","path":"http://www.example.com:80/","protocol":"HTTP/1.1","user_agent":"curl/8","status":503}`,
		},
		{ // S3
			`79a59df900b949e5 logs [06/Feb/2019:00:00:38 +0000] 10.0.0.1 arn:aws:iam::1:user/ann 3E57427F3EX REST.GET.VERSIONING - "GET /logs?versioning HTTP/1.1" 404 NoSuchKey 113 - 7 - "-" "S3Console/0.4" - s9lzHY= SigV4 ECDHE AuthHeader logs.s3.us-west-1.amazonaws.com TLSV1.2 - Yes`,
			`{"@t":"2019-02-06T00:00:38.0000000Z","@l":"Warning","@m":"GET /logs?versioning HTTP/1.1 404","remote_addr":"10.0.0.1","requester":"arn:aws:iam::1:user/ann","request_id":"3E57427F3EX","operation":"REST.GET.VERSIONING","method":"GET","path":"/logs?versioning","protocol":"HTTP/1.1","error_code":"NoSuchKey","bytes_sent":113,"total_time_ms":7,"user_agent":"S3Console/0.4","host_id":"s9lzHY=","signature_version":"SigV4","ssl_cipher":"ECDHE","authentication_type":"AuthHeader","vhost":"logs.s3.us-west-1.amazonaws.com","ssl_protocol":"TLSV1.2","acl_required":"Yes","status":404,"bucket_owner":"79a59df900b949e5","bucket":"logs"}`,
		},
	} {
		got, refused, r := readAll(t, c.line+"\n", FileOptions{Patient: true})
		if d := cmp.Diff([]string{c.want}, got); d != "" || refused != nil || !strings.HasPrefix(r.Report().Format, "access log") {
			t.Errorf("%s\n%s\n%s, refused %v", c.line, d, r.Report().Format, refused)
		}
	}
}

func TestAccessIsNotSeenInOtherText(t *testing.T) {
	for _, line := range []string{
		`[17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5`,
		`INFO [17/May/2015:10:05:03 +0000] started`,
		`app 1 2 [17/May/2015:10:05:03 +0000] "a message" abc`,
		`2026-11-20T10:00:00.186641Z a b c d e f g h i j`,
		`1066036250.603 message with a/b c`,
		`Feb  6 12:14:14 lb haproxy[14389]: Server static/srv1 is DOWN`,
	} {
		if _, _, r := readAll(t, line+"\n", FileOptions{Patient: true}); strings.HasPrefix(r.Report().Format, "access log") {
			t.Errorf("%q is taken for %s", line, r.Report().Format)
		}
	}
}

func TestLineFormsKnowTheirExample(t *testing.T) {
	for i, f := range lineForms {
		for j, g := range lineForms {
			var r record
			if ok := g.parse([]byte(f.example), &r); ok && j < i {
				t.Errorf("the example of %s is taken by %s before", f.shown, g.shown)
			} else if i == j && !ok {
				t.Errorf("%s does not recognise its example %q", f.shown, f.example)
			}
		}
		if formatKind(f.format) == nil {
			t.Errorf("%s is of the format %q, which is not in the table of dialects", f.shown, f.format)
		}
	}
}

func FuzzAccess(f *testing.F) {
	for _, form := range accessForms {
		f.Add([]byte(form.example + "\nmore\n"))
	}
	f.Add([]byte("a:1 1.1.1.1, 2.2.2.2 - b c [17/May/2015:10:05:03 +0000] \"x\" 200 - \"y\" \"z\" \"1.1.1.1\" rt=1 u=\"2\" 3.0 rest\n"))
	f.Fuzz(func(t *testing.T, seed []byte) {
		testkit.Soak(t, seed, func(text []byte) { checkReading(t, "access", text, nil) })
	})
}

func BenchmarkAccess(b *testing.B) {
	benchmarkFile(b, "access", bytes.Repeat([]byte(`203.0.113.7 - ada [20/Nov/2026:13:45:00 +0000] "GET /orders/42?x=1 HTTP/1.1" 200 1660 "https://example.com/orders" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"`+"\n"), 10000))
}
