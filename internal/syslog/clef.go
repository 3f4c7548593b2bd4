package syslog

import (
	"bytes"
	"time"

	"github.com/stelehq/stele/internal/event"
)

// Decoder turns messages into events. The zero value is ready; not for concurrent use.
type Decoder struct {
	Zone *time.Location // of times that name none; nil is UTC

	w       event.Builder
	inner   Inner
	scratch []byte
}

// CLEF returns the event of a message that was received at a time from an address, which is kept where the
// message names no host; nil if the message is empty. The text is valid until the next call.
//
//	@t @l @m host app pid msg_id facility severity structured_data sequence clock zone remote_addr
//
// A text that is a JSON object, also after the cookie @cee:, adds its members (see Inner).
func (d *Decoder) CLEF(text []byte, received time.Time, from string) []byte {
	m := Parse(text)
	if len(m.Text) == 0 && m.App == nil && m.Priority == NoPriority && m.Time.Month == 0 {
		return nil
	}
	instant := received.UnixNano()
	if m.Time.Month != 0 {
		instant = m.Time.Instant(received, d.Zone)
	}
	inner := d.inner.Parse(withoutCookie(m.Text))
	level := ""
	if inner {
		if own, ok := d.inner.Time(); ok {
			instant = own
		}
		level = d.inner.Level()
	}
	if level == "" && m.Priority != NoPriority {
		level = LevelOf(m.Severity())
	}
	w := d.w.Begin(instant)
	if level != "" {
		w.Name("@l").Text(level)
	}
	if inner {
		d.inner.Write(w, m.Text, func(name []byte) bool { return m.has(string(name), from) })
	} else {
		w.Name("@m").String(m.Text)
	}
	d.properties(w, &m, from)
	return w.End()
}

// withoutCookie drops the mark of a JSON text (CEE, "lumberjack").
func withoutCookie(text []byte) []byte {
	if after, ok := bytes.CutPrefix(bytes.TrimLeft(text, " "), []byte("@cee:")); ok {
		return after
	}
	return text
}

func (d *Decoder) properties(w *event.Builder, m *Message, from string) {
	for _, p := range [...]struct {
		name  string
		value []byte
	}{{"host", m.Host}, {"app", m.App}, {"pid", m.Pid}, {"msg_id", m.MsgID}} {
		if p.value == nil {
			continue
		}
		w.Name(p.name)
		if n, ok := number(p.value); ok && p.name == "pid" {
			w.Int(n)
		} else {
			w.String(p.value)
		}
	}
	if m.Priority != NoPriority {
		w.Name("facility").Text(facilities[m.Priority>>3])
		w.Name("severity").Text(severities[m.Severity()])
	}
	if m.Data != nil {
		d.scratch = writeData(w.Name("structured_data"), m.Data, d.scratch)
	}
	if m.Sequence != nil {
		w.Name("sequence")
		if n, ok := number(m.Sequence); ok {
			w.Int(n)
		} else {
			w.String(m.Sequence)
		}
	}
	if m.Mark != 0 {
		w.Name("clock").String([]byte{m.Mark})
	}
	if m.Zone != nil {
		w.Name("zone").String(m.Zone)
	}
	if m.Host == nil && from != "" {
		w.Name("remote_addr").Text(from)
	}
}

// has tells whether properties writes one of the name.
func (m *Message) has(name, from string) bool {
	switch name {
	case "host":
		return m.Host != nil
	case "app":
		return m.App != nil
	case "pid":
		return m.Pid != nil
	case "msg_id":
		return m.MsgID != nil
	case "facility", "severity":
		return m.Priority != NoPriority
	case "structured_data":
		return m.Data != nil
	case "sequence":
		return m.Sequence != nil
	case "clock":
		return m.Mark != 0
	case "zone":
		return m.Zone != nil
	case "remote_addr":
		return m.Host == nil && from != ""
	}
	return false
}

// number reads digits whose number is written back as they are.
func number(b []byte) (n int64, ok bool) {
	if len(b) > 1 && b[0] == '0' {
		return 0, false
	}
	i, ok := decimal(b)
	return int64(i), ok
}

// Severity is 0, the worst, to 7; of a message that has a Priority.
func (m *Message) Severity() int { return m.Priority & 7 }

// facilities and severities are RFC 5424's, section 6.2.1, by their usual names.
var (
	facilities = [...]string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
		"ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
	severities = [...]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
)

// FacilityName names facility 0 to 23, SeverityName severity 0 to 7.
func FacilityName(facility int) string { return facilities[facility] }

// SeverityName names a severity: emerg, alert, crit, err, warning, notice, info or debug.
func SeverityName(severity int) string { return severities[severity] }

// LevelOf returns the level of a severity, 0 to 7, which GELF's levels are too.
func LevelOf(severity int) string {
	return [...]event.Rank{
		event.RankFatal, event.RankFatal, event.RankFatal, event.RankError,
		event.RankWarning, event.RankInformation, event.RankInformation, event.RankDebug,
	}[severity].String()
}
