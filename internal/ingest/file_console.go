package ingest

import (
	"slices"
	"sync"
)

// What programs write to their consoles and log files, one row for each layout of a first line,
// in the language of patterns. The rows of a format stand together, the most particular first; so do the formats.
var consoleForms = slices.Concat(
	serverForms,
	javaForms,
	pythonForms,
	goForms,
	dotnetForms,
	otherForms,
	genericForms,
)

// console makes a line form of a pattern. finish, which may be nil, takes the event apart further once it is whole.
func console(format FileFormat, shown, example, layout string, finish func(*textEvent)) lineForm {
	compiled := sync.OnceValue(func() *pattern {
		p, err := compileLayout(layout)
		if err != nil {
			panic(err) // the tests compile them all
		}
		return p
	})
	return lineForm{format, shown, example, func(line []byte, r *record) bool {
		if !compiled().match(line, r) {
			return false
		}
		r.finish = finish
		return true
	}, compiled}
}

// isConsole reports whether a form is of the table here.
func isConsole(form *lineForm) bool { return consoleFormats()[form.format] }

var consoleFormats = sync.OnceValue(func() map[FileFormat]bool {
	formats := map[FileFormat]bool{}
	for i := range consoleForms {
		formats[consoleForms[i].format] = true
	}
	return formats
})

// The layouts of log4j, log4j 2, logback and java.util.logging as Java's servers set them up.
var javaForms = []lineForm{
	console("log4j", "Kafka", `[2016-12-19 20:39:48,918] WARN [Controller 1]: up (kafka.Logger)`,
		`[{@t}] {@l:word} {@m:*} ({logger:qualified})`, nil),
	console("log4j", "Kafka", `[2016-12-19 20:39:48,918] INFO KafkaConfig values:`,
		`[{@t}] {@l:word} {@m:={:*}:}{:?{:s}}`, finishKafka),
	console("log4j", "Spring Boot", `2023-01-02 15:04:05.123  INFO 1234 --- [           main] c.e.App                 : up`,
		`{@t} {@l:word}{:? [{trace:*}]} {pid:nat} ---{:? [{app:*}]} [{thread:*}]{:? [{trace_id:*}]} {logger:name} : {@m}`, nil),
	console("log4j", "Elasticsearch", `[2020-01-01T00:00:00,000][INFO ][o.e.n.Node               ] [node-1] started`,
		`[{@t}][{@l:word}{:?{:s}}][{logger:name}{:?{:s}}] [{node:*}] {@m}`, nil),
	console("log4j", "ZooKeeper", `2015-07-29 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - time out`,
		`{@t} {:?[myid:{myid:*}] }- {@l:word} [{thread:*}:{source:={logger:name}@{:nat}}] - {@m}`, nil),
	console("log4j", "Cassandra", `INFO  [main] 2020-01-01 00:00:00,000 CassandraDaemon.java:89 - up`,
		`{:? }{@l:word} [{thread:*}] {@t} {source:place} - {@m}`, nil),
	console("log4j", "Cassandra", `INFO [main] 2012-01-01 00:00:00,000 CassandraDaemon.java (line 89) up`,
		`{:? }{@l:word} [{thread:*}] {@t} {source:={:name} (line {:nat})} {@m}`, nil),
	console("log4j", "Solr", `2020-01-01 00:00:00.000 INFO  (main) [   x:core1] o.e.j.u.log Logging initialized`,
		`{@t} {@l:word} ({thread:*}) [{context:*}] {logger:qualified} {@m}`, nil),
	console("log4j", "Jenkins", "2020-01-01 00:00:00.000+0000 [id=1]\tINFO\thudson.WebAppMain#contextInitialized: up",
		`{@t} [id={tid:nat}] {@l:word} {logger:name}: {@m}`, nil),
	console("log4j", "JBoss", `15:04:05,123 INFO  [org.jboss.as] (MSC service thread 1-1) WFLYSRV0025: up`,
		`{@t} {@l:word} [{logger:qualified}] ({thread:*}) {@m}`, nil),
	console("log4j", "log4j", `2023-01-02 15:04:05,123 INFO  [main] (App.java:12) - up`,
		`{@t} {:?- }{@l:word} [{thread:*}] ({source:place}) {:?- }{@m}`, nil),
	console("log4j", "JBoss", `2023-01-02 15:04:05,123 WARN  [stderr] (main) up`,
		`{@t} {@l:word} [{logger:name}] ({thread:*}) {@m}`, nil),
	console("log4j", "Minecraft", `[12:34:56] [Server thread/INFO]: Done`,
		`[{@t}] [{thread:*}/{@l:word}]{:? [{logger:*}]}: {@m}`, nil),
	console("log4j", "Java garbage collector", `[2023-01-02T15:04:05.123+0000][0.015s][info][gc,start] GC(0) Pause Young`,
		`[{@t}]{:?[{uptime:*}]}[{@l:word}{:?{:s}}][{logger:*}] {@m}`, nil),
	console("log4j", "logback", `2023-01-02 15:04:05.123 [main] INFO  com.example.App - up`,
		`{@t} [{thread:*}] {@l:word} {logger:name}{:? [{context:*}]} -{:?-} {@m}`, nil),
	console("log4j", "logback", `2023-01-02 15:04:05.123 [main] INFO  com.example.App : up`,
		`{@t} [{thread:*}] {@l:word} {logger:name}{:? }: {@m}`, nil),
	console("log4j", "logback", `2023-01-02 15:04:05.123 [main] INFO  com.example.App.start up`,
		`{@t} [{thread:*}] {@l:word} {logger:qualified} {@m}`, nil),
	console("log4j", "log4j", `2023-01-02 15:04:05,123 INFO  [main] com.example.App - up`,
		`{@t} {:?- }{@l:word} [{thread:*}] {logger:name}{:? [{context:*}]} -{:?-} {@m}`, nil),
	console("log4j", "log4j", `2023-01-02 15:04:05,123 INFO  [main] com.example.App: up`,
		`{@t} {@l:word} [{thread:*}] {logger:name}{:? }: {@m}`, nil),
	console("log4j", "Tomcat", `20-Nov-2026 10:23:12.123 INFO [main] org.apache.catalina.startup.Catalina.start up`,
		`{@t} {@l:word} [{thread:*}] {logger:qualified} {@m}`, nil),
	console("log4j", "log4j", `2023-01-02 15:04:05,123 INFO  com.example.App [main] up`,
		`{@t} {@l:word} {logger:qualified} [{thread:*}] {:?- }{@m}`, nil),
	console("log4j", "log4j", `2023-01-02 15:04:05,123 INFO  App:12 - up`,
		`{@t} {@l:word} {source:={logger:name}:{:nat}} - {@m}`, nil),
	console("log4j", "log4j", `2023-01-02 15:04:05,123 - INFO  [main] - up`,
		`{@t} - {@l:word} [{thread:*}] - {@m}`, nil),
	console("log4j", "HDFS", `081109 203518 148 INFO dfs.DataNode: up`,
		`{@t} {pid:nat} {@l:word} {logger:name}: {@m}`, nil),
	console("log4j", "log4j without time", `176 [main] INFO  com.example.App - up`,
		`{:?{elapsed:nat} }[{thread:*}] {@l:word} {logger:name}{:? [{context:*}]} - {@m}`, nil),
	console("log4j", "log4j without time", `INFO  [main] com.example.App - up`,
		`{@l:word} [{thread:*}] {logger:qualified} - {@m}`, nil),
	console("jul", "java.util.logging", `Jan 02, 2023 3:04:05 PM com.example.App start`,
		`{@t} {@m:={logger:={:class}{:? {:ident}}}}`, finishJUL),
	console("jul", "java.util.logging", `Jan 02, 2023 3:04:05 PM com.example.App start INFO: up`,
		`{@t} {logger:={:class} {:ident}} {@l:word}: {@m}`, nil),
}

// The layouts of Python's logging and of what builds on it.
var pythonForms = []lineForm{
	console("python", "Celery", `[2020-01-01 00:00:00,000: INFO/MainProcess] ready`,
		`[{@t}: {@l:word}/{process:*}] {@m}`, nil),
	console("python", "gunicorn", `[2020-01-01 00:00:00 +0000] [123] [INFO] Booting worker`,
		`[{@t}] [{pid:nat}] [{@l:word}] {@m}`, nil),
	console("python", "Airflow", `[2023-01-01T00:00:00.000+0000] {taskinstance.py:1035} INFO - up`,
		`[{@t}] {{{source:*}}} {@l:word} - {@m}`, nil),
	console("python", "loguru", `2023-01-01 12:00:00.123 | SUCCESS  | __main__:<module>:12 - up`,
		`{@t} | {@l:word} | {source:={logger:*}:{function:*}:{:nat}} - {@m}`, nil),
	console("python", "Python, logger and level", `2023-01-01 12:00:00,123 - app.db - INFO - up`,
		`{@t} - {logger:name} - {@l:word} - {@m}`, nil),
	console("python", "Python, level and logger", `2023-01-01 12:00:00,123 - INFO - app.db - up`,
		`{@t} - {@l:word} - {logger:qualified} - {@m}`, nil),
	console("python", "Python, level", `2023-01-01 12:00:00,123 - INFO - up`,
		`{@t} - {@l:word} - {@m}`, nil),
	console("python", "Flask", `[2023-01-01 12:00:00,123] INFO in app: up`,
		`[{@t}] {@l:word} in {logger:ident}: {@m}`, nil),
	console("python", "Home Assistant", `2023-01-01 10:00:00.000 WARNING (MainThread) [homeassistant.setup] up`,
		`{@t} {@l:word} ({thread:*}) [{logger:name}] {@m}`, nil),
	console("python", "Scrapy", `2023-01-01 10:00:00 [scrapy.core.engine] INFO: up`,
		`{@t} [{logger:name}] {@l:word}: {@m}`, nil),
	console("python", "OpenStack", `nova.log 2017-05-16 00:00:00.008 25746 INFO nova.compute [req-1 user - - -] up`,
		`{:?{file:token} }{@t:iso8601dt} {pid:nat} {@l:word} {logger:name} [{request_id:id}{:? {context:*}}] {@m}`, nil),
	console("python", "OpenStack", `2017-05-16 00:00:00.008 25746 INFO nova.compute up`,
		`{:?{file:token} }{@t:iso8601dt} {pid:nat} {@l:word} {logger:qualified} {@m}`, nil),
	console("python", "structlog", `2023-01-01 10:00:00 [info     ] up              [app.db] user=ann n=3`,
		`{@t} [{@l:lower} ] {@m}`, finishPairs),
	console("python", "Python without time", `WARNING:root:up`,
		`{@l:capitals}:{logger:name}:{@m}`, nil),
	console("python", "uvicorn", `INFO:     Started server process [123]`,
		`{@l:capitals}: {@m}`, nil),
}

// The layouts of Go's programs.
var goForms = []lineForm{
	console("glog", "glog", `I1120 10:23:12.123456   12345 main.go:3] up`,
		`{@l:letter}{@t:glogdt} {tid:nat} {source:place}] {@m}`, finishKlog),
	{"go", "zap", "2023-01-02T15:04:05.000Z\tINFO\tapp\tmain.go:12\tup\t{\"n\": 1}", parseZap, nil},
	console("go", "Go, with its file", `2023/01/02 15:04:05 main.go:12: up`,
		`{@t:slashed} {source:place}: {@m}`, nil),
	console("go", "Go's slog", `2023/01/02 15:04:05 INFO up n=1`,
		`{@t:slashed} {@l:capitals} {@m}`, finishPairs),
	console("go", "hclog", `2023-01-01T10:00:00.000Z [INFO]  agent.server: up: n=1`,
		`{@t:iso8601dt} [{@l:capitals}] {logger:name}: {@m}`, finishPairs),
	console("go", "etcd", `2019-01-01 00:00:00.000000 I | etcdserver: up`,
		`{@t} {@l:letter} | {logger:name}: {@m}`, nil),
	console("go", "Telegraf", `2023-01-01T10:00:00Z I! [inputs.cpu] up`,
		`{@t} {@l:letter}! {:?[{logger:*}] }{@m}`, nil),
	console("go", "Gitea", `2023/01/02 15:04:05 cmd/web.go:106:runWeb() [I] up`,
		`{@t:slashed} {source:token} [{@l:letter}] {@m}`, nil),
	console("go", "Gin", `[GIN] 2023/01/02 - 15:04:05 | 200 |      1.2ms |       127.0.0.1 | GET      "/x"`,
		`[GIN] {@t:slashed} | {status:nat} | {latency:token} | {remote_addr:token} | {@m:={method:token} "{path:*}"}`, nil),
	console("go", "logrus", `INFO[0012] up                                           n=1`,
		`{@l:capitals}[{elapsed:nat}] {@m}`, finishPairs),
	console("go", "zerolog", `10:00AM INF up n=1`,
		`{@t:kitchen} {@l:three} {@m}`, finishPairs),
	console("go", "zerolog", `2023-01-01T10:00:00Z INF up n=1`,
		`{@t:iso8601dt} {@l:three} {@m}`, finishPairs),
}

// The layouts of .NET's logging libraries.
var dotnetForms = []lineForm{
	console("dotnet", "Microsoft.Extensions.Logging", `info: App.Startup[0]`,
		`{:?{@t} }{@l:mel}: {logger:*}[{event_id:int}]{:? {@m}}`, finishMEL),
	console("dotnet", "Serilog", `2018-11-12 08:34:45.837 +00:00 [INF] <App.Startup> up`,
		`{@t} [{@l:three}] {:?<{logger:name}> }{@m}`, nil),
	console("dotnet", "Serilog", `[08:34:45 INF] up`,
		`[{@t} {@l:three}] {@m}`, nil),
	console("dotnet", "NLog", `2023-01-02 15:04:05.1234|INFO|App.Startup|up`,
		`{@t}|{:?{event_id:int}|}{@l:word}|{logger:name}|{@m}`, nil),
}

// The logs of servers that have a layout of their own.
var serverForms = []lineForm{
	console("apache-error", "Apache error log", `[Wed Oct 11 14:32:52.123456 2000] [core:error] [pid 35708:tid 4328636416] [client 72.15.99.187:123] AH00135: up`,
		`[{@t:ctime}] [{:?{module:ident}:}{@l:lower}]{:? [pid {pid:nat}{:?:tid {tid:nat}}]}{:? {error:=({:int}){:*}}:}{:? [client {remote_addr:*}]} {@m}`, finishApacheError),
	console("nginx-error", "nginx error log", `2023/01/02 15:04:05 [error] 12#12: *3 open() failed, client: 1.2.3.4, server: x, request: "GET / HTTP/1.1"`,
		`{@t:slashed} [{@l:lower}] {pid:nat}#{tid:nat}: {:?*{connection:nat} }{@m}`, finishNginxError),
	console("android", "Android logcat", `03-17 16:13:38.811  1702  2395 D WindowManager: up`,
		`{@t} {:?{uid:ident} }{pid:nat} {tid:nat} {@l:letter} {logger:*}: {@m}`, nil),
	console("android", "Android logcat, time", `03-17 16:13:38.811 D/WindowManager( 1702): up`,
		`{:?{@t} }{@l:letter}/{logger:*}({:?{:s}}{pid:nat}): {@m}`, nil),
	console("android", "Android logcat, long", `[ 03-17 16:13:38.811  1702: 2395 D/WindowManager ]`,
		`[ {@t} {pid:nat}:{:?{:s}}{tid:nat} {@l:letter}/{logger:*}{:?{:s}}]`, nil),
	console("android", "Android logcat, process", `D( 1702) up  (WindowManager)`,
		`{@l:letter}({:?{:s}}{pid:nat}{:?:{:?{:s}}{tid:nat}}) {@m:*}{:? ({logger:*})}`, nil),
	{"redis", "Redis", `1:M 01 Jan 2020 00:00:00.000 * up`, parseRedis, nil},
	console("mysql", "MySQL error log", `2023-01-01T10:00:00.123456Z 0 [System] [MY-010116] [Server] up`,
		`{@t} {tid:nat} [{@l:alpha}] [{msg_id:*}] [{logger:*}] {@m}`, finishMySQL),
	console("mysql", "MySQL error log", `2023-01-01 10:00:00 0 [Note] up`,
		`{@t} {:?{tid:nat} }[{@l:mysql}] {@m}`, finishMySQL),
	console("rabbitmq", "RabbitMQ", `2023-01-01 10:00:00.123456+00:00 [info] <0.222.0> up`,
		`{@t} [{@l:lower}] {process:=<{:token}>} {@m}`, nil),
	console("rabbitmq", "RabbitMQ", `=INFO REPORT==== 1-Jan-2020::10:00:00 ===`,
		`={@l:capitals} REPORT==== {@t} ===`, nil),
	console("squid", "Squid access log", `1066036250.603    310 192.168.0.227 TCP_MISS/200 1234 GET http://x/ - DIRECT/64.127.126.178 text/html`,
		`{@t:unixdt} {duration:int} {remote_addr:token} {result:token}/{status:nat} {bytes:nat} {@m:={method:token} {path:token}} {remote_user:token} {hierarchy:token} {content_type:token}`, nil),
	console("uwsgi", "uWSGI", `[pid: 88|app: 0|req: 3/7] 192.0.2.7 () {38 vars in 696 bytes} [Fri Nov 20 10:00:00 2026] POST /a => generated 47 bytes in 129 msecs (HTTP/1.1 200) 9 headers in 378 bytes (1 switches on core 3)`,
		`[pid: {pid:nat}|app: {app_id:*}|req: {request_number:*}] {remote_addr:token} ({:?{remote_user:token}}) {{{variables:*}}} [{@t:ctime}] {@m:={method:token} {path:token} => generated {body_bytes_sent:nat} bytes in {duration:*} ({protocol:token} {status:nat}) {:*}}`, nil),
	console("haproxy", "HAProxy", `127.0.0.1:33319 [15/Oct/2003:08:31:57.123] web web/srv1 9/0/7/147/723 200 243 - - ---- 1/3/3/1/0 0/0 "HEAD / HTTP/1.0"`,
		`{:?{:*}: }{remote_addr:token} [{@t}] {frontend:token} {backend:token}/{server:token} {timers:token} {status:int} {bytes_read:nat} {request_cookie:token} {response_cookie:token} {termination:token} {connections:token} {queues:token}{:? {headers:={{{:*}}}}} "{@m:*}"`, nil),
	console("haproxy", "HAProxy, TCP", `192.0.2.7:33313 [06/Feb/2026:12:12:51.443] fnt bck/srv1 0/0/5007 212 -- 0/0/0/0/3 0/0`,
		`{remote_addr:token} [{@t}] {@m:={frontend:token} {backend:token}/{server:token} {timers:token} {bytes_read:nat} {termination:token} {connections:token} {queues:token}}`, nil),
	console("haproxy", "HAProxy, errors", `192.0.2.7:50033 [06/Feb/2026:12:12:51.443] fnt/1: SSL handshake failure`,
		`{remote_addr:token} [{@t}] {frontend:token}/{bind:token}: {@m}`, nil),
	console("windows", "Windows servicing log", `2016-09-28 04:30:30, Info                  CBS    up`,
		`{@t}, {@l:word} {logger:ident} {@m}`, nil),
	console("windows", "Windows Update log", `2016/09/28 04:30:30.1234567 1234  5678  Agent           up`,
		`{@t:slashed} {pid:nat} {tid:nat} {logger:ident} {@m}`, nil),
	console("kernel", "kernel messages", `[    0.000000] Linux version`,
		`{:?<{severity_number:nat}>}[{:?{:s}}{uptime:dec}] {@m}`, nil),
	console("healthapp", "HealthApp", `20171223-22:15:29:606|Step_LSC|30002312|up`,
		`{@t}|{logger:name}|{pid:nat}|{@m}`, nil),
	console("proxifier", "Proxifier", `[10.30 16:49:06] chrome.exe - proxy.example.com:5070 close, 0 bytes sent`,
		`[{@t:dottedmonth}] {app:*} - {@m}`, nil),
	console("cluster", "Blue Gene/L", `- 1117838570 2005.06.03 R02-M1-N0-C:J12-U11 2005-06-03-15.42.50.675872 R02-M1-N0-C:J12-U11 RAS KERNEL INFO up`,
		`{alert:token} {@t:unixdt} {date:token} {node:token} {time:token} {location:token} {type:token} {component:token} {@l:capitals} {@m}`, nil),
	console("cluster", "Thunderbird", `- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond(pam_unix)[2915]: up`,
		`{alert:token} {@t:unixdt} {date:token} {node:token} {time:={:alpha} {:nat} {:token}} {host:token} {app:*}{:?[{pid:nat}]}: {@m}`, nil),
	console("cluster", "Thunderbird", `- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 up`,
		`{alert:token} {@t:unixdt} {date:token} {node:token} {time:={:alpha} {:nat} {:token}} {host:token} {@m}`, nil),
	console("cluster", "HPC cluster", `134681 node-246 unix.hw state_change.unavailable 1077804742 1 up`,
		`{record:nat} {node:token} {component:token} {state:token} {@t:unixdt} {flag:int} {@m}`, nil),
}

// The layouts of other languages.
var otherForms = []lineForm{
	console("ruby", "Ruby", `I, [2020-01-01T00:00:00.000000 #123]  INFO -- app: up`,
		`{:alpha}, [{@t} #{pid:nat}] {@l:word} -- {app:*}: {@m}`, nil),
	console("ruby", "Sidekiq", `2020-01-01T00:00:00.000Z pid=123 tid=abc class=X INFO: up`,
		`{@t} pid={pid:nat} tid={tid:token} {:?{context:*} }{@l:capitals}: {@m}`, nil),
	console("ruby", "Rails", `Started GET "/x" for 127.0.0.1 at 2026-11-20 10:00:00 +0000`,
		`{@m:=Started {method:token} "{path:*}" for {remote_addr:token} at {@t}}`, nil),
	{"php", "PHP", `[20-Nov-2026 10:00:00 UTC] PHP Warning:  up in /srv/x.php on line 3`, parsePHP, nil},
	console("php", "Monolog", `[2020-01-01 00:00:00] local.ERROR: up {"n":1} []`,
		`[{@t}] {logger:*}.{@l:capitals}: {@m}`, finishMonolog),
	console("rust", "Rust's env_logger", `[2020-01-01T00:00:00Z INFO  my::mod] up`,
		`[{@t} {@l:capitals} {logger:name}] {@m}`, nil),
	console("rust", "Rust's tracing", `2020-01-01T00:00:00.000000Z  INFO my::mod: up n=1`,
		`{@t:iso8601dt} {@l:capitals} {logger:rust}: {@m}`, finishPairs),
	console("node", "NestJS", `[Nest] 7  - 11/20/2026, 3:04:05 PM    WARN [AuthService] denied`,
		`[{app:ident}] {pid:nat} {:?{:s}}- {@t} {@l:word} {:?[{logger:*}] }{@m}`, nil),
	console("node", "log4js", `[2026-11-20T10:00:00.123] [INFO] default - up`,
		`[{@t}] [{@l:word}] {logger:name} - {@m}`, nil),
	console("actions", "GitHub Actions", `2023-01-01T10:00:00.1234567Z ##[error]up`,
		`{@t:iso8601dt} ##[{@l:lower}]{@m}`, nil),
}

// The rest: level and logger in the usual orders.
var genericForms = []lineForm{
	console("levels", "time, level, logger, message", `17/06/09 20:10:40 INFO executor.Executor: up`,
		`{@t} {@l:word} {logger:name}: {@m}`, nil),
	console("levels", "level, time, message", `ERROR    2026-11-20T10:00:00 - broken`,
		`{@l:capitals}{:?:} {@t} {:?- }{@m}`, nil),
	console("levels", "level, time, message", `[error] 2026-11-20 10:00:00,123 broken`,
		`[{@l:word}{:?{:s}}]{:?:} {@t} {:?- }{@m}`, nil),
}
