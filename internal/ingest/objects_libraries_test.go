package ingest

import (
	"strings"
	"testing"
)

// TestR9Libraries has an object of each library and service that is known, and what is added in front of
// its members.
func TestR9Libraries(t *testing.T) {
	const none = `"@t":"2026-11-20T12:00:00.0000000Z"`
	const second = `"@t":"2024-01-02T03:04:05.0000000Z"`
	const trace, span = `4bf92f3577b34da6a3ce929d0e0e4736`, `00f067aa0ba902b7`
	for _, c := range []struct{ name, object, added string }{
		{"bunyan with an error", `{"name":"a","hostname":"h","pid":7,"level":50,"err":{"message":"gone","name":"Error","stack":"Error: gone\n    at a.js:1"},"msg":"gone","time":"2024-01-02T03:04:05Z","v":0}`,
			second + `,"@l":"Error","@m":"gone","@x":"Error: gone\n    at a.js:1"`},
		{"pino with an error", `{"level":60,"time":1704164645000,"pid":7,"hostname":"h","err":{"type":"TypeError","message":"x","stack":"TypeError: x\n    at a.js:1"},"msg":"x"}`,
			second + `,"@l":"Fatal","@m":"x","@x":"TypeError: x\n    at a.js:1"`},
		{"pino's own level", `{"level":35,"time":1704164645000,"msg":"x"}`, second + `,"@l":"Information","@m":"x"`},
		{"winston", `{"level":"http","message":"GET /","timestamp":"2024-01-02T03:04:05.000Z","service":"web"}`, second + `,"@l":"Information","@m":"GET /"`},
		{"winston with an error", `{"level":"error","message":"bad","stack":"Error: bad\n    at a.js:1","timestamp":"2024-01-02 03:04:05"}`, second + `,"@l":"Error","@m":"bad","@x":"Error: bad\n    at a.js:1"`},
		{"zerolog", `{"level":"error","error":"boom","time":1704164645,"message":"failed"}`, second + `,"@l":"Error","@m":"failed"`},
		{"zerolog with a stack", `{"level":"error","stack":[{"func":"inner","line":"20","source":"a.go"},{"func":"outer","line":"24","source":"a.go"}],"error":"boom","time":1704164645}`,
			second + `,"@l":"Error","@x":"\tat inner(a.go:20)\n\tat outer(a.go:24)"`},
		{"zap for production", `{"level":"dpanic","ts":1704164645.0,"caller":"a/b.go:1","msg":"m","stacktrace":"main.main\n\t/a/b.go:1"}`, second + `,"@l":"Fatal","@m":"m","@x":"main.main\n\t/a/b.go:1"`},
		{"zap with ISO times", `{"L":"INFO","T":"2024-01-02T03:04:05.000+0000","M":"m","level":"warn","ts":"2024-01-02T04:04:05.000+0100","msg":"m"}`, second + `,"@l":"Warning","@m":"m"`},
		{"logrus", `{"level":"warning","msg":"m","time":"2024-01-02T03:04:05Z","error":"e"}`, second + `,"@l":"Warning","@m":"m"`},
		{"slog", `{"time":"2024-01-02T03:04:05Z","level":"INFO+2","source":{"file":"a.go","line":1},"msg":"m"}`, second + `,"@l":"Information","@m":"m"`},
		{"hclog", `{"@level":"debug","@message":"m","@module":"core","@timestamp":"2024-01-02T03:04:05.000000Z"}`, second + `,"@l":"Debug","@m":"m"`},
		{"log15", `{"t":"2024-01-02T03:04:05Z","lvl":"eror","msg":"m"}`, second + `,"@l":"Error","@m":"m"`},
		{"ECS, dotted", `{"@timestamp":"2024-01-02T03:04:05.000Z","log.level":"ERROR","message":"m","ecs.version":"1.2.0","trace.id":"` + trace + `","span.id":"` + span + `","error.type":"A","error.stack_trace":"A: b\n\tat c"}`,
			second + `,"@l":"Error","@m":"m","@x":"A: b\n\tat c","@tr":"` + trace + `","@sp":"` + span + `"`},
		{"ECS, nested", `{"@timestamp":"2024-01-02T03:04:05.000Z","log":{"level":"error"},"message":"m","trace":{"id":"` + trace + `"},"span":{"id":"` + span + `"},"error":{"message":"b","stack_trace":"A: b\n\tat c"}}`,
			second + `,"@l":"Error","@m":"m","@x":"A: b\n\tat c","@tr":"` + trace + `","@sp":"` + span + `"`},
		{"Serilog's JsonFormatter", `{"Timestamp":"2024-01-02T03:04:05.0000000+00:00","Level":"Warning","MessageTemplate":"{N:000} of {M}","RenderedMessage":"003 of 4","Properties":{"N":3,"M":4},"Renderings":{"N":[{"Format":"000","Rendering":"003"}]},"Exception":"System.Exception: x\r\n   at A.B()"}`,
			second + `,"@l":"Warning","@m":"003 of 4","@x":"System.Exception: x\r\n   at A.B()"`},
		{"Serilog's JsonFormatter, not rendered", `{"Timestamp":"2024-01-02T03:04:05.0000000+00:00","Level":"Debug","MessageTemplate":"{N:000} of {M} {X}","Properties":{"N":3,"M":4},"Renderings":{"N":[{"Format":"000","Rendering":"003"}]}}`,
			second + `,"@l":"Debug","@m":"003 of 4 {X}"`},
		{"Serilog for Elasticsearch", `{"@timestamp":"2024-01-02T03:04:05.0000000+00:00","level":"Error","messageTemplate":"Bad {N}","message":"Bad 1","fields":{"N":1},"exceptions":[{"Depth":0,"ClassName":"System.Exception","Message":"x","StackTraceString":"   at A.B()"}]}`,
			second + `,"@l":"Error","@m":"Bad 1","@x":"System.Exception: x\n   at A.B()"`},
		{"NLog", `{ "time": "2024-01-02 03:04:05.0000", "level": "WARN", "logger": "A.B", "message": "m", "exception": "System.Exception: x\n   at A.B()" }`, second + `,"@l":"Warning","@m":"m","@x":"System.Exception: x\n   at A.B()"`},
		{"log4net", `{"date":"2024-01-02 03:04:05,000","level":"ERROR","logger":"A","thread":"1","message":"m"}`, second + `,"@l":"Error","@m":"m"`},
		{"Log4j's JsonLayout", `{"instant":{"epochSecond":1704164645,"nanoOfSecond":7000000},"thread":"main","level":"ERROR","loggerName":"a.B","message":"m","thrown":{"commonElementCount":0,"message":"why","name":"java.io.IOException","extendedStackTrace":[{"class":"a.B","method":"c","file":"B.java","line":7}]},"endOfBatch":false}`,
			`"@t":"2024-01-02T03:04:05.0070000Z","@l":"Error","@m":"m","@x":"java.io.IOException: why\n\tat a.B.c(B.java:7)"`},
		{"Log4j's older JsonLayout", `{"timeMillis":1704164645000,"thread":"main","level":"INFO","loggerName":"a.B","message":"m"}`, second + `,"@l":"Information","@m":"m"`},
		{"logstash-logback", `{"@timestamp":"2024-01-02T03:04:05.000Z","@version":"1","message":"m","logger_name":"a.B","level":"ERROR","level_value":40000,"stack_trace":"java.lang.Error: x\n\tat a.B\n"}`,
			second + `,"@l":"Error","@m":"m","@x":"java.lang.Error: x\n\tat a.B"`},
		{"logstash-logback without names", `{"@timestamp":"2024-01-02T03:04:05.000Z","message":"m","level_value":30000}`, second + `,"@l":"Warning","@m":"m"`},
		{"Logstash", `{"level":"WARN","loggerName":"a","timeMillis":1704164645000,"thread":"t","logEvent":{"message":"m"}}`, second + `,"@l":"Warning","@m":"m"`},
		{"Quarkus", `{"timestamp":"2024-01-02T03:04:05Z","sequence":1,"loggerName":"a","level":"ERROR","message":"m","stackTrace":"java.lang.Error: x\n\tat a"}`, second + `,"@l":"Error","@m":"m","@x":"java.lang.Error: x\n\tat a"`},
		{"Spark", `{"ts":"2024-01-02T03:04:05Z","level":"ERROR","msg":"m","exception":{"class":"java.lang.Error","msg":"x","stacktrace":[{"class":"a.B","method":"c","file":"B.java","line":7}]},"logger":"L"}`,
			second + `,"@l":"Error","@m":"m","@x":"java.lang.Error: x\n\tat a.B.c(B.java:7)"`},
		{".NET's console", `{"Timestamp":"2024-01-02T03:04:05Z","EventId":0,"LogLevel":"Critical","Category":"A.B","Message":"Hi x","Exception":"System.Exception: x    at A.B()","State":{"Message":"Hi x","Name":"x","{OriginalFormat}":"Hi {Name}"}}`,
			second + `,"@l":"Fatal","@m":"Hi x","@x":"System.Exception: x    at A.B()"`},
		{".NET's level as a number", `{"LogLevel":1,"Message":"m"}`, none + `,"@l":"Debug","@m":"m"`},
		{"python-json-logger", `{"asctime":"2024-01-02 03:04:05,000","levelname":"CRITICAL","name":"a","message":"m","exc_info":"Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError: x"}`,
			second + `,"@l":"Fatal","@m":"m","@x":"Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError: x"`},
		{"Python's number", `{"created":1704164645.0,"levelno":30,"message":"m"}`, second + `,"@l":"Warning","@m":"m"`},
		{"structlog", `{"event":"user logged in","level":"info","timestamp":"2024-01-02T03:04:05Z","exception":"ValueError"}`, second + `,"@l":"Information","@m":"user logged in","@x":"ValueError"`},
		{"Loguru", `{"text":"2024 | INFO | m\n","record":{"elapsed":{"repr":"0:00:01"},"exception":null,"level":{"icon":"i","name":"WARNING","no":30},"message":"m","time":{"repr":"2024-01-02 03:04:05+00:00","timestamp":1704164645.0}}}`,
			second + `,"@l":"Warning","@m":"m"`},
		{"Monolog", `{"message":"m","context":{"exception":{"class":"Exception","message":"x","code":0,"file":"/a.php:7","trace":["/b.php:8"]}},"level":400,"level_name":"ERROR","channel":"app","datetime":"2024-01-02T03:04:05.000000+00:00","extra":{}}`,
			second + `,"@l":"Error","@m":"m","@x":"Exception: x\n/b.php:8"`},
		{"Monolog, older", `{"message":"m","level":300,"level_name":"WARNING","datetime":{"date":"2024-01-02 03:04:05.000000","timezone_type":3,"timezone":"UTC"}}`, second + `,"@l":"Warning","@m":"m"`},
		{"Semantic Logger", `{"timestamp":"2024-01-02T03:04:05.000000Z","level":"error","name":"A","message":"m","exception":{"name":"RuntimeError","message":"x","stack_trace":["a.rb:1","b.rb:2"]}}`,
			second + `,"@l":"Error","@m":"m","@x":"RuntimeError: x\na.rb:1\nb.rb:2"`},
		{"Lograge", `{"method":"GET","path":"/a","format":"html","status":404,"@timestamp":"2024-01-02T03:04:05Z"}`, second + `,"@l":"Warning","@m":"GET /a 404"`},
		{"Rust's tracing", `{"timestamp":"2024-01-02T03:04:05.000000Z","level":"WARN","fields":{"message":"m","n":1},"target":"a"}`, second + `,"@l":"Warning","@m":"m"`},
		{"Docker, text inside", `{"log":"10:00 ERROR broken\n","stream":"stderr","time":"2024-01-02T03:04:05.000000000Z"}`, second + `,"@l":"Error","@m":"10:00 ERROR broken"`},
		{"Docker, an object inside", `{"log":"{\"level\":\"warn\",\"msg\":\"m\",\"n\":1}\n","stream":"stdout","time":"2024-01-02T03:04:05Z"}`, second + `,"@l":"Warning","@m":"m","level":"warn","msg":"m","n":1`},
		{"Docker, a dated object inside", `{"log":"{\"ts\":1704164644,\"@m\":\"m\"}\n","stream":"stdout","time":"2024-01-02T03:04:05Z"}`, `"@t":"2024-01-02T03:04:04.0000000Z","ts":1704164644,"@m":"m"`},
		{"Docker, nothing inside", `{"log":"{}\n","stream":"stdout","time":"2024-01-02T03:04:05Z"}`, second},
		{"Google Cloud, an object", `{"insertId":"1","jsonPayload":{"message":"m"},"severity":"NOTICE","timestamp":"2024-01-02T03:04:05Z","trace":"projects/p/traces/` + trace + `","spanId":"` + span + `"}`,
			second + `,"@l":"Information","@m":"m","@tr":"` + trace + `","@sp":"` + span + `"`},
		{"Google Cloud, text", `{"textPayload":"m","severity":"ERROR","timestamp":"2024-01-02T03:04:05Z"}`, second + `,"@l":"Error","@m":"m"`},
		{"Google Cloud, numbers", `{"message":"m","severity":600,"timestampSeconds":1704164645,"timestampNanos":7000000}`, `"@t":"2024-01-02T03:04:05.0070000Z","@l":"Fatal","@m":"m"`},
		{"Google Cloud, structured time", `{"message":"m","severity":"INFO","timestamp":{"seconds":1704164645,"nanos":7000000},"logging.googleapis.com/trace":"projects/p/traces/` + trace + `","logging.googleapis.com/spanId":"` + span + `"}`,
			`"@t":"2024-01-02T03:04:05.0070000Z","@l":"Information","@m":"m","@tr":"` + trace + `","@sp":"` + span + `"`},
		{"AWS Lambda", `{"timestamp":"2024-01-02T03:04:05Z","level":"INFO","requestId":"8","message":"m"}`, second + `,"@l":"Information","@m":"m"`},
		{"AWS Lambda's platform", `{"time":"2024-01-02T03:04:05.000Z","type":"platform.start","record":{"requestId":"8"}}`, second},
		{"CloudTrail", `{"eventVersion":"1.08","eventTime":"2024-01-02T03:04:05Z","eventName":"GetObject","errorCode":"AccessDenied"}`, second + `,"@m":"GetObject"`},
		{"Azure", `{"time":"2024-01-02T03:04:05.0000000Z","resourceId":"/A","operationName":"x","level":"Informational","category":"c"}`, second + `,"@l":"Information"`},
		{"Kubernetes audit", `{"kind":"Event","level":"Metadata","stage":"ResponseComplete","requestURI":"/api","verb":"get","responseStatus":{"metadata":{},"code":403},"requestReceivedTimestamp":"2024-01-02T03:04:05.000000Z","stageTimestamp":"2024-01-02T03:04:06.000000Z"}`,
			second + `,"@l":"Warning","@m":"get /api 403"`},
		{"Suricata", `{"timestamp":"2024-01-02T03:04:05.000000+0000","flow_id":1,"event_type":"alert","alert":{"signature":"s","severity":1}}`, second + `,"@m":"s"`},
		{"Suricata, HTTP", `{"timestamp":"2024-01-02T03:04:05.000000+0000","event_type":"http","http":{"hostname":"h","url":"/a","http_method":"GET","status":200}}`, second + `,"@m":"GET /a 200"`},
		{"Winlogbeat", `{"@timestamp":"2024-01-02T03:04:05.000Z","event":{"code":4625},"log":{"level":"information"},"message":"m","winlog":{"channel":"Security","keywords":["Audit Failure"]}}`, second + `,"@l":"Information","@m":"m"`},
		{"NXLog", `{"EventTime":"2024-01-02 03:04:05","Hostname":"h","Keywords":-9218868437227405312,"EventType":"AUDIT_FAILURE","SeverityValue":4,"Severity":"ERROR","EventID":4625,"Channel":"Security","Message":"m"}`, second + `,"@l":"Error","@m":"m"`},
		{"Windows, a failed audit", `{"TimeCreated":"2024-01-02T03:04:05Z","Level":"0","Keywords":"0x8010000000000000","Channel":"Security","Message":"m"}`, second + `,"@l":"Warning","@m":"m"`},
		{"Windows, an audit", `{"TimeCreated":"2024-01-02T03:04:05Z","Level":0,"Keywords":"0x8020000000000000","Channel":"Security","Message":"m"}`, second + `,"@l":"Information","@m":"m"`},
		{"Windows in PowerShell", `{"Message":"m","Id":1,"Level":3,"LevelDisplayName":"Warning","TimeCreated":"\/Date(1704164645000)\/","ProviderName":"p"}`, second + `,"@l":"Warning","@m":"m"`},
		{"evtx_dump", `{"Event":{"#attributes":{"xmlns":"x"},"System":{"Level":2,"Channel":"System","TimeCreated":{"#attributes":{"SystemTime":"2024-01-02T03:04:05.000000Z"}}}}}`, second + `,"@l":"Error"`},
		{"journald", `{"__REALTIME_TIMESTAMP":"1704164645000000","_SOURCE_REALTIME_TIMESTAMP":"1704164644000000","PRIORITY":"4","MESSAGE":"m","_PID":"7"}`, second + `,"@l":"Warning","@m":"m"`},
		{"journald, bytes", `{"__REALTIME_TIMESTAMP":"1704164645000000","PRIORITY":"6","MESSAGE":[104,195,182,27,10]}`, second + `,"@l":"Information","@m":"hö\u001b"`},
		{"journald, several", `{"__REALTIME_TIMESTAMP":"1704164645000000","MESSAGE":["a","b\"c"],"_TRANSPORT":"stdout"}`, second + `,"@m":"a\nb\"c"`},
		{"journald, too long", `{"__REALTIME_TIMESTAMP":"1704164645000000","MESSAGE":null}`, second},
		{"MongoDB", `{"t":{"$date":"2024-01-02T03:04:05.000+00:00"},"s":"E","c":"NETWORK","id":1,"ctx":"main","msg":"m","attr":{"a":1}}`, second + `,"@l":"Error","@m":"m"`},
		{"MongoDB, debug", `{"t":{"$date":"2024-01-02T03:04:05.000+00:00"},"s":"D2","msg":"m"}`, second + `,"@l":"Debug","@m":"m"`},
		{"MongoDB's export", `{"_id":{"$oid":"5"},"timestamp":{"$date":{"$numberLong":"1704164645000"}},"message":"m"}`, second + `,"@m":"m"`},
		{"PostgreSQL", `{"timestamp":"2024-01-02 04:04:05.000 CET","pid":7,"error_severity":"ERROR","state_code":"42601","message":"m","statement":"S"}`, second + `,"@l":"Error","@m":"m"`},
		{"Zeek", `{"ts":1704164645.000000,"uid":"C","id.orig_h":"10.0.0.1","_path":"conn"}`, second},
		{"GELF", `{"version":"1.1","host":"h","short_message":"m","full_message":"f","timestamp":1704164645.0,"level":3,"_user":"u"}`, second + `,"@l":"Error","@m":"m"`},
		{"rsyslog", `{"timestamp":"2024-01-02T03:04:05Z","severity":"4","facility":"daemon","message":"m"}`, second + `,"@l":"Warning","@m":"m"`},
		{"OpenTelemetry's record", `{"timeUnixNano":"1704164645000000000","severityNumber":17,"body":{"stringValue":"m"},"traceId":"` + trace + `","spanId":"` + span + `"}`,
			second + `,"@l":"Error","@m":"m","@tr":"` + trace + `","@sp":"` + span + `"`},
		{"Datadog", `{"timestamp":"2024-01-02T03:04:05Z","level":"info","message":"m","dd":{"trace_id":"` + trace + `","span_id":"7204"}}`, second + `,"@l":"Information","@m":"m","@tr":"` + trace + `"`},
		{"ids that are none", `{"trace_id":"00000000000000000000000000000000","span_id":"xyz","traceId":17,"spanId":"` + strings.ToUpper(span) + `"}`, none + `,"@sp":"00F067AA0BA902B7"`},
		{"Caddy", `{"level":"info","ts":1704164645.0,"logger":"http.log.access","msg":"handled request","request":{"method":"GET","uri":"/"},"status":200}`, second + `,"@l":"Information","@m":"handled request"`},
		{"Traefik", `{"ClientAddr":"a","DownstreamStatus":502,"RequestMethod":"GET","RequestPath":"/a","StartUTC":"2024-01-02T03:04:05Z"}`, second + `,"@l":"Error","@m":"GET /a 502"`},
		{"Traefik with a level", `{"DownstreamStatus":502,"RequestMethod":"GET","RequestPath":"/a","level":"info","msg":"","time":"2024-01-02T03:04:05Z"}`, second + `,"@l":"Information","@m":"GET /a 502"`},
		{"Envoy", `{"start_time":"2024-01-02T03:04:05.000Z","method":"GET","path":"/a","protocol":"HTTP/1.1","response_code":200}`, second + `,"@m":"GET /a 200"`},
		{"nginx", `{"time_local":"02/Jan/2024:03:04:05 +0000","remote_addr":"1.2.3.4","request":"GET / HTTP/1.1","status":"500"}`, second + `,"@l":"Error","@m":"GET / HTTP/1.1 500"`},
		{"nginx with milliseconds", `{"msec":"1704164645.000","request_method":"GET","request_uri":"/a","status":"200"}`, second + `,"@m":"GET /a 200"`},
		{"Vault's audit", `{"time":"2024-01-02T03:04:05Z","type":"request","request":{"operation":"read","path":"sys/x"}}`, second + `,"@m":"read sys/x"`},
		{"Falco", `{"output":"m","priority":"Warning","rule":"r","time":"2024-01-02T03:04:05.000000000Z"}`, second + `,"@l":"Warning","@m":"m"`},
		{"Elasticsearch", `{"type":"server","timestamp":"2024-01-02T03:04:05,000Z","level":"WARN","component":"o.e","message":"m","stacktrace":["a.B: why","at c"]}`, second + `,"@l":"Warning","@m":"m","@x":"a.B: why\nat c"`},
		{"MySQL", `{"log_type":1,"prio":2,"err_code":1,"msg":"m","time":"2024-01-02T03:04:05.000000Z","ts":1704164645000,"err_symbol":"ER_X","label":"Warning"}`, second + `,"@l":"Warning","@m":"m"`},
		{"Splunk's export", `{"preview":false,"result":{"_raw":"m","_time":"2024-01-02 03:04:05.000 UTC"}}`, second + `,"@m":"m"`},
		{"Splunk's collector", `{"time":1704164645,"host":"h","event":{"message":"m"}}`, second + `,"@m":"m"`},
		{"logcli", `{"labels":{"app":"a"},"line":"m","timestamp":"2024-01-02T03:04:05Z"}`, second + `,"@m":"m"`},
		{"Roarr", `{"context":{"logLevel":40},"message":"m","time":1704164645000}`, second + `,"@l":"Warning","@m":"m"`},
		{"Kong", `{"started_at":1704164645000,"request":{"method":"GET","uri":"/a"},"response":{"status":500}}`, second + `,"@l":"Error","@m":"GET /a 500"`},
		{"API Gateway", `{"requestTime":"02/Jan/2024:03:04:05 +0000","httpMethod":"GET","resourcePath":"/a","status":"200"}`, second + `,"@m":"GET /a 200"`},
		{"Tomcat", `{"time":"[02/Jan/2024:03:04:05 +0000]","request":"GET / HTTP/1.1","statusCode":"404"}`, second + `,"@l":"Warning","@m":"GET / HTTP/1.1 404"`},
		{"words that are no exceptions", `{"stack":"production","exception":"none","error":{"code":7},"exc_info":null,"err":"gone"}`, none},
		{"an exception's name and message", `{"exception":{"type":"KeyError","message":"x"}}`, none + `,"@x":"KeyError: x"`},
		{"an exception that CLEF has", `{"@x":"own","stack_trace":"a\n b"}`, none},
		{"levels of unknown words", `{"level":"Request","severity":"High","lvl":"warn"}`, none + `,"@l":"Warning"`},
		{"priority is no PRIORITY", `{"priority":"3"}`, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := NewObjects(ObjectOptions{})
			got, _, err := x.Append(nil, []byte(c.object), ObjectContext{Instant: instantOfText(t, "2026-11-20T12:00:00Z")})
			var scan objectScan
			if err := scan.scan([]byte(c.object)); err != nil {
				t.Fatal(err)
			}
			if want := "{" + c.added + "," + string(scan.All()) + "}"; err != nil || string(got) != want {
				t.Errorf("got  %s\nwant %s\n%v", got, want, err)
			}
		})
	}
}
