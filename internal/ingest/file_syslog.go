package ingest

import (
	"bytes"

	"github.com/stelehq/stele/internal/syslog"
)

// Lines of syslog's files, with <PRI> in front or not, as package syslog reads them, and those
// of journalctl.
var syslogForms = []lineForm{
	{"syslog", "syslog", `Jun 14 15:16:01 combo sshd(pam_unix)[19939]: up`, parseSyslogLine, nil},
	console("syslog", "journalctl", `Mon 2026-11-16 10:00:00 UTC combo sshd[12]: up`,
		`{@t:weekdaydt} {host:host} {app:app}{:?[{pid:nat}]}: {@m}`, finishSyslog),
	console("syslog", "journalctl", `1700000000.123456 combo sshd[12]: up`,
		`{@t:unixdt} {host:host} {app:app}{:?[{pid:nat}]}: {@m}`, finishSyslog),
}

func parseSyslogLine(line []byte, r *record) bool {
	if len(line) == 0 || isBlank(line[0]) {
		return false
	}
	m := syslog.Parse(line)
	k := clock{
		year: m.Time.Year, month: m.Time.Month, day: m.Time.Day, hour: m.Time.Hour, minute: m.Time.Minute, second: m.Time.Second,
		nanos: m.Time.Nanos, offset: m.Time.Offset, zoned: m.Time.Zoned,
	}
	named := isLetter(line[0]) || m.Version > 0
	switch {
	case m.Priority != syslog.NoPriority && (k.month != 0 || m.App != nil):
	case k.month == 0 || m.App == nil || m.Host == nil && !named:
		return false
	}
	if isLevelWord(m.Host) || isLevelWord(m.App) && m.Pid == nil || m.MsgID == nil && m.Version == 0 && !startsWithLetterOr(m.App, '-', '(', '/', '_', '[', '%') {
		return false // LEVEL name: message
	}
	r.clock, r.timed = k, k.month != 0
	r.present("host", m.Host)
	r.present("app", m.App)
	r.number("pid", m.Pid)
	r.present("msg_id", m.MsgID)
	if m.Priority != syslog.NoPriority {
		r.level, r.kept = syslog.LevelOf(m.Severity()), true
		r.text("facility", []byte(syslog.FacilityName(m.Priority>>3)))
		r.text("severity", []byte(syslog.SeverityName(m.Severity())))
	}
	if m.Data != nil {
		r.name("structured_data")
		r.fields = syslog.AppendData(r.fields, m.Data)
	}
	r.number("sequence", m.Sequence)
	if m.Mark != 0 {
		r.text("clock", []byte{m.Mark})
	}
	r.present("zone", m.Zone)
	r.message, r.finish = m.Text, finishSyslog
	return true
}

// startsWithLetterOr reports whether a name, if there is one, begins with a letter or one of some bytes.
func startsWithLetterOr(name []byte, others ...byte) bool {
	return len(name) == 0 || isLetter(name[0]) || bytes.IndexByte(others, name[0]) >= 0
}

// finishSyslog finds the level in a message whose line has none.
func finishSyslog(e *textEvent) {
	r := &e.record
	e.head = bytes.TrimPrefix(e.head, []byte("@cee:"))
	if r.level == "" {
		r.level, _ = textLevel(e.head)
		r.kept = true
	}
}
