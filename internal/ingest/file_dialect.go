package ingest

import "bytes"

// FileFormat names a way of reading files, as --format does. Formats lists them all.
type FileFormat string

// The formats that code outside this package asks for by name.
const (
	AutoFormat FileFormat = "auto" // judged by the file's beginning; the zero value too
	CLEFFormat FileFormat = "clef" // one CLEF event a line
	JSONFormat FileFormat = "json" // JSON in any dialect, one object a line or not
	TextFormat FileFormat = "text" // lines of text, with or without timestamps
)

// A dialect reads the events of one file. It takes lines with FileReader.line and unread, and
// turns lines down with refuse.
type dialect interface {
	// next finds the next event and gives it to FileReader.emit; false: the file has no more.
	next(f *FileReader) bool
	// describe says what the file was taken for, as a person would.
	describe() string
	// first returns the first time in the sample, for events before it that have none.
	first(s *sample) (instant int64, ok bool)
}

// A gatherer is a dialect that holds an event back until it sees the next one begin.
type gatherer interface {
	dialect
	// release emits the event that is held back, if there is one.
	release(f *FileReader) bool
}

// A chronological dialect has times that may leave out the year or the date.
type chronological interface {
	dialect
	// clock reads the time of an event that begins on a line, or of a part of one; false: there is none.
	clock(line []byte) (clock, bool)
	clocks() *chronology
}

// dialectKind is one row of the table of dialects.
type dialectKind struct {
	format FileFormat
	help   string // for the command line, a few words
	// fits says how well the file's beginning fits, from 0 (not at all) to 100. The highest
	// wins, of equals the first. It is not asked when the user names the format.
	fits func(s *sample) int
	open func(o *FileOptions, c calendar, s *sample) (dialect, error)
}

// dialects is the table, the most particular first.
var dialects = []dialectKind{
	{"bulk", "body of Elasticsearch's _bulk", fitsBulk, openBulk},
	{CLEFFormat, "CLEF, one event a line", fitsCLEF, openCLEF},
	{JSONFormat, "JSON in any dialect: an object a line, arrays, objects over lines", fitsJSON, openJSON},
	{"access", "access log of Apache or nginx, common or combined", fitsForms("access"), openForms("access")},
	{"zeek", "log of Zeek or Bro, separated by tabs", fitsZeek, openZeek},
	{"mongodb", "MongoDB log before 4.4", fitsForms("mongodb"), openForms("mongodb")},
	{"pgbouncer", "PgBouncer log", fitsPgBouncer, openForms("pgbouncer")},
	{"postgres", "PostgreSQL log: stderr, syslog", fitsPostgres, openPostgres},
	{"w3c", "W3C extended log: IIS, CloudFront and others", fitsW3C, openW3C},
	{"csv", "CSV with a header", fitsCSV, openCSV},
	{"logfmt", "logfmt: pairs name=value", fitsLogfmt, openForms("logfmt")},
	{"ltsv", "LTSV: label:value between tabs", fitsForms("ltsv"), openForms("ltsv")},
	{"apache-error", "error log of Apache", fitsForms("apache-error"), openForms("apache-error")},
	{"nginx-error", "error log of nginx", fitsForms("nginx-error"), openForms("nginx-error")},
	{"android", "Android logcat, in any of its formats", fitsForms("android"), openForms("android")},
	{"redis", "Redis", fitsForms("redis"), openForms("redis")},
	{"mysql", "error log of MySQL and MariaDB", fitsForms("mysql"), openForms("mysql")},
	{"mysql-slow", "slow query log of MySQL and MariaDB", fitsMySQLSlow, openForms("mysql-slow")},
	{"mysql-general", "general query log of MySQL and MariaDB", fitsForms("mysql-general"), openForms("mysql-general")},
	{"rabbitmq", "RabbitMQ", fitsForms("rabbitmq"), openForms("rabbitmq")},
	{"squid", "access log of Squid", fitsForms("squid"), openForms("squid")},
	{"uwsgi", "uWSGI", fitsForms("uwsgi"), openForms("uwsgi")},
	{"haproxy", "HAProxy's HTTP log", fitsForms("haproxy"), openForms("haproxy")},
	{"windows", "CBS and Windows Update logs", fitsForms("windows"), openForms("windows")},
	{"kernel", "kernel messages, as dmesg shows them", fitsForms("kernel"), openForms("kernel")},
	{"glog", "glog, klog", fitsForms("glog"), openForms("glog")},
	{"go", "Go: log, slog, zap, zerolog, hclog, …", fitsForms("go"), openForms("go")},
	{"dotnet", ".NET: Microsoft.Extensions.Logging, Serilog, NLog", fitsForms("dotnet"), openForms("dotnet")},
	{"ruby", "Ruby's Logger, Rails, Sidekiq", fitsForms("ruby"), openForms("ruby")},
	{"php", "PHP's error log, Monolog, Laravel", fitsForms("php"), openForms("php")},
	{"node", "Node.js: NestJS, log4js", fitsForms("node"), openForms("node")},
	{"rust", "Rust: env_logger, tracing", fitsForms("rust"), openForms("rust")},
	{"log4j", "log4j, logback, log4net and the layouts of Java's programs", fitsForms("log4j"), openForms("log4j")},
	{"jul", "java.util.logging, two lines an event", fitsForms("jul"), openForms("jul")},
	{"python", "Python: logging, Celery, gunicorn, loguru, …", fitsForms("python"), openForms("python")},
	{"actions", "logs of GitHub Actions", fitsForms("actions"), openForms("actions")},
	{"syslog", "files of syslog and lines of journalctl", fitsForms("syslog"), openForms("syslog")},
	{"healthapp", "HealthApp", fitsForms("healthapp"), openForms("healthapp")},
	{"proxifier", "Proxifier", fitsForms("proxifier"), openForms("proxifier")},
	{"cluster", "Blue Gene/L, Thunderbird and HPC cluster logs", fitsForms("cluster"), openForms("cluster")},
	{"levels", "time, level, logger, message", fitsForms("levels"), openForms("levels")},
	{TextFormat, "text, with or without timestamps", func(*sample) int { return 1 }, openText},
}

// Formats returns what FileOptions.Format may be, each with a few words about it.
func Formats() (formats []FileFormat, help []string) {
	formats, help = []FileFormat{AutoFormat}, []string{"judged by the first lines"}
	for i := range dialects {
		formats, help = append(formats, dialects[i].format), append(help, dialects[i].help)
	}
	return formats, help
}

// formatKind returns the row of a format, nil for auto.
func formatKind(format FileFormat) *dialectKind {
	for i := range dialects {
		if dialects[i].format == format {
			return &dialects[i]
		}
	}
	return nil
}

// judge returns the row that fits the sample best.
func judge(s *sample) *dialectKind {
	best, most := formatKind(TextFormat), 0
	for i := range dialects {
		if score := dialects[i].fits(s); score > most {
			best, most = &dialects[i], score
		}
		if most == 100 || best.format == JSONFormat && most == 90 {
			break // every line fits: to ask all forms of text about JSON costs more than to read it
		}
	}
	return best
}

// sampleLines is how many lines at most the detection looks at.
const sampleLines = 200

// sample is a file's beginning.
type sample struct {
	text  []byte   // as it is, without a byte order mark
	lines [][]byte // those of its first lines that are not blank, without blanks around them
	raw   [][]byte // the same lines with the blanks in front
	whole bool     // the file ends with the sample
	// patient says that a sample which tells nothing tells something: there was time to wait for more.
	patient bool
}

// newSample splits a text. The last line is left out if the sample ends inside it, unless it
// is the only one.
func newSample(text []byte, whole, patient bool) *sample {
	s := &sample{text: text, whole: whole, patient: patient}
	for len(text) > 0 && len(s.lines) < sampleLines {
		line, rest, ended := bytes.Cut(text, []byte("\n"))
		if !ended && !whole && len(s.lines) > 0 {
			break
		}
		if line = bytes.TrimRight(line, " \t\r"); len(bytes.TrimSpace(line)) > 0 {
			s.raw = append(s.raw, line)
			s.lines = append(s.lines, bytes.TrimSpace(line))
		}
		text = rest
	}
	return s
}

// share turns a count of the sample's lines into a score: none is 0, all is most.
func (s *sample) share(count, most int) int {
	if count == 0 || len(s.lines) == 0 {
		return 0
	}
	return max(1, count*most/len(s.lines))
}
