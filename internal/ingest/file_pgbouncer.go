package ingest

// PgBouncer's log (pgbouncer.org): the number of its process in brackets since 1.16.
//
//	2026-11-20 10:00:00.123 UTC [42] LOG C-0x55: shop/ada@10.0.0.1:40732 login attempt

var pgbouncerForms = []lineForm{
	{"pgbouncer", "PgBouncer log", `2026-11-20 10:00:00.123 UTC [42] LOG listening on 127.0.0.1:6432`, parsePgBouncer, nil},
}

func parsePgBouncer(line []byte, r *record) bool {
	c := cursor{b: line}
	if r.clock = parseISO(&c); c.bad || !r.clock.valid() || c.peek() != ' ' {
		return false
	}
	pid, rest := cutWord(line[c.i+1:])
	if n := len(pid); n > 2 && pid[0] == '[' && pid[n-1] == ']' {
		pid = pid[1 : n-1]
	}
	level, message := cutWord(rest)
	switch string(level) {
	case "LOG":
		r.level = "Information"
	case "ERROR", "WARNING", "FATAL", "DEBUG":
		r.level = string(level)
	case "NOISE":
		r.level = "Verbose"
	default:
		return false
	}
	if len(pid) == 0 || !isNumber(pid) {
		return false
	}
	r.timed, r.kept = true, true
	r.text("level", level)
	r.number("pid", pid)
	r.message = message
	return true
}

// fitsPgBouncer asks for a word that is PgBouncer's own.
func fitsPgBouncer(s *sample) int {
	n, own := 0, false
	var r record
	for _, line := range s.lines {
		if r.reset(); parsePgBouncer(line, &r) {
			n++
			own = own || hasPrefix(r.fields, `,"level":"LOG"`) || hasPrefix(r.fields, `,"level":"NOISE"`)
		}
	}
	if !own || n*2 < len(s.lines) {
		return 0
	}
	return s.share(n, 85)
}
