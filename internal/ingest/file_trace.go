package ingest

import "bytes"

// traceMarks begin lines of the stack traces of Java, .NET, JavaScript, Python, Go, Ruby, PHP
// and Rust, after blanks have been taken away.
var traceMarks = [][]byte{
	[]byte("at "), []byte("from "), []byte("... "), []byte("in "), // only after blanks
	[]byte("Caused by: "), []byte("Suppressed: "), []byte("Traceback (most recent call last)"),
	[]byte("File \""), []byte("goroutine "), []byte("panic: "), []byte("--- End of "), []byte("---> "),
	[]byte("During handling of the above exception"), []byte("The above exception was the direct cause"),
	[]byte("[signal SIG"), []byte("created by "), []byte("stack backtrace:"), []byte("thread '"),
	[]byte("Stack trace:"), []byte("[stacktrace]"), []byte("PHP Stack trace:"), []byte("Exception in thread "),
}

const indentedMarks = 4 // how many of traceMarks count only after blanks

// looksLikeTrace recognises one line of a stack trace, or the line that names the exception.
func looksLikeTrace(line []byte) bool {
	text := bytes.TrimLeft(line, " \t")
	for i, mark := range traceMarks {
		if bytes.HasPrefix(text, mark) && (i >= indentedMarks || len(text) < len(line)) {
			return true
		}
	}
	// PHP's #0 /srv/x.php(12): f()
	if len(text) > 3 && text[0] == '#' && isDigit(text[1]) {
		n := 1 + measureDigits(text[1:])
		return n < len(text) && text[n] == ' '
	}
	// org.example.SomeException: why
	name, _, _ := bytes.Cut(text[:min(len(text), 200)], []byte(":"))
	return bytes.IndexByte(name, ' ') < 0 && (bytes.HasSuffix(name, []byte("Exception")) || bytes.HasSuffix(name, []byte("Error")) && len(name) > 5)
}
