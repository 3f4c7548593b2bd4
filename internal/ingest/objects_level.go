package ingest

import (
	"strings"

	"github.com/stelehq/stele/internal/event"
)

// A foundLevel is a word that is a level, or the rank of a number that is one.
type foundLevel struct {
	word []byte
	rank event.Rank
}

// appendLevel adds @l. status is that of a request if the message was made of it; absent is what
// holds for an object without a level.
func (o *Objects) appendLevel(dst []byte, empty, status int, absent string) []byte {
	l, ok := o.level()
	switch {
	case !ok && absent != "":
		dst = append(comma(dst, empty), `"@l":`...)
		if o.keepLevels {
			return event.AppendText(dst, absent)
		}
		return event.AppendText(dst, event.NormalizeLevel(absent))
	case !ok && status >= 500:
		l.rank = event.RankError
	case !ok && status >= 400:
		l.rank = event.RankWarning
	case !ok:
		return dst
	}
	dst = append(comma(dst, empty), `"@l":`...)
	if len(l.word) > 0 && (o.keepLevels || l.rank == event.RankUnknown) {
		return event.AppendString(dst, l.word)
	}
	dst = append(append(dst, '"'), l.rank.String()...)
	return append(dst, '"')
}

func (o *Objects) level() (foundLevel, bool) {
	for i := range o.levels {
		p := &o.levels[i]
		if o.scan.slots[p.id] == 0 {
			continue
		}
		v, ok := o.scan.lookup(*p)
		if !ok {
			continue
		}
		if l, ok := o.levelValue(v, p); ok {
			return l, true
		}
		if text, ok := o.decoded(v); ok && o.namedLevel {
			return foundLevel{word: text}, true
		}
	}
	return o.levelInside()
}

// decoded returns the text of a value that is a string, valid until the next call.
func (o *Objects) decoded(v []byte) (text []byte, ok bool) {
	text, o.text, ok = stringOf(v, o.text)
	return text, ok
}

// levelValue reads a JSON value as a level: a known word, or a number of a library whose numbers are known.
// The object tells the library.
func (o *Objects) levelValue(v []byte, p *fieldPath) (foundLevel, bool) {
	word, isWord := textOf(v) // a level needs no escape
	text := word
	if !isWord {
		if len(v) == 0 || !isDigit(v[0]) {
			return foundLevel{}, false
		}
		text = v
	}
	if len(text) == 0 || len(text) > 16 {
		return foundLevel{}, false
	}
	name := p.leaf()
	if isWord && name != "s" {
		if rank := event.LevelRank(string(withoutDistance(text))); rank != event.RankUnknown {
			return foundLevel{word, rank}, true
		}
	}
	rank := event.RankUnknown
	switch {
	case name == "PRIORITY":
		if at := o.scan.slots[p.id]; string(o.scan.RawName(int(at-1))) == name {
			rank = event.LevelRank(syslogLevel(string(text)))
		}
	case name == "s":
		// mongod's structured log: I, W, E, F, and D1 to D5.
		if t, ok := o.scan.slot(mongoTimeName); ok && isWord && t[0] == '{' {
			rank = event.LevelRank(letterLevel(text[0]))
		}
	case name == "Level":
		rank = event.LevelRank(windowsLevel(string(text)))
	case name == "level", name == "lvl", o.namedLevel:
		rank = o.plainNumber(text, isWord)
	case strings.EqualFold(name, "logLevel") && !isWord:
		if rank = dotnetRank(text); rank == event.RankUnknown {
			rank = event.LevelRank(numberLevel(string(text))) // Roarr
		}
	case name == "levelno":
		rank = pythonRank(text)
	case name == "prio":
		if _, mysql := o.scan.slot(errSymbolName); mysql && !isWord {
			rank = mysqlRank(text)
		}
	case name == "level_value":
		rank = logbackRank(text)
	case name == "severity":
		if _, syslog := o.scan.slot(facilityName); syslog {
			rank = event.LevelRank(syslogLevel(string(text)))
		} else if !isWord {
			rank = googleRank(text)
		}
	case strings.HasPrefix(name, "severity") && !isWord:
		rank = telemetryRank(text)
	}
	return foundLevel{rank: rank}, rank != event.RankUnknown
}

// withoutDistance drops what slog adds to a name for a level between names: INFO+2.
func withoutDistance(word []byte) []byte {
	for i, c := range word {
		if (c == '+' || c == '-') && i > 0 && i+1 < len(word) && allDigits(string(word[i+1:])) {
			return word[:i]
		}
	}
	return word
}

// plainNumber ranks the number of a member that is called level and nothing else.
func (o *Objects) plainNumber(text []byte, quoted bool) event.Rank {
	if _, gelf := o.scan.slot(shortMessageName); gelf {
		return event.LevelRank(syslogLevel(string(text)))
	}
	if _, windows := o.scan.slot(channelName); windows {
		rank := event.LevelRank(windowsLevel(string(text)))
		if len(text) == 1 && text[0] == '0' {
			if k, ok := o.scan.slot(keywordsName); ok && failedAudit(k) {
				rank = event.RankWarning
			}
		}
		return rank
	}
	if quoted {
		return event.RankUnknown
	}
	return event.LevelRank(numberLevel(string(text)))
}

// failedAudit recognises the keyword of failed audits among those of a Windows event, which are
// a number of 64 bits.
func failedAudit(keywords []byte) bool {
	if text, ok := textOf(keywords); ok {
		keywords = text
	}
	// Bit 52, with bit 63 of all keywords that a channel has: 0x8010000000000000, or signed in decimals.
	return len(keywords) == 18 && strings.EqualFold(string(keywords), "0x8010000000000000") || string(keywords) == "-9218868437227405312"
}

// pythonRank is that of Python's 10 to 50.
func pythonRank(text []byte) event.Rank {
	if len(text) != 2 || text[0] < '1' || text[0] > '5' || !isDigit(text[1]) {
		return event.RankUnknown
	}
	return event.Rank(text[0]-'0') + 1
}

// logbackRank is that of Logback's 5000 to 40000.
func logbackRank(text []byte) event.Rank {
	switch string(text) {
	case "5000":
		return event.RankVerbose
	case "10000":
		return event.RankDebug
	case "20000":
		return event.RankInformation
	case "30000":
		return event.RankWarning
	case "40000":
		return event.RankError
	}
	return event.RankUnknown
}

// dotnetRank is that of Microsoft.Extensions.Logging's 0 (trace) to 5 (critical).
func dotnetRank(text []byte) event.Rank {
	if len(text) != 1 || text[0] < '0' || text[0] > '5' {
		return event.RankUnknown
	}
	return event.Rank(text[0]-'0') + 1
}

// mysqlRank is that of MySQL's 0 (system) to 3 (information).
func mysqlRank(text []byte) event.Rank {
	if len(text) != 1 || text[0] < '0' || text[0] > '3' {
		return event.RankUnknown
	}
	return [...]event.Rank{event.RankInformation, event.RankError, event.RankWarning, event.RankInformation}[text[0]-'0']
}

// googleRank is that of Cloud Logging's 100 (debug) to 800 (emergency).
func googleRank(text []byte) event.Rank {
	if len(text) != 3 || text[0] < '1' || text[0] > '8' || text[1] != '0' || text[2] != '0' {
		return event.RankUnknown
	}
	return [...]event.Rank{event.RankDebug, event.RankInformation, event.RankInformation, event.RankWarning, event.RankError, event.RankFatal, event.RankFatal, event.RankFatal}[text[0]-'1']
}

// telemetryRank is that of OpenTelemetry's 1 (trace) to 24 (fatal).
func telemetryRank(text []byte) event.Rank {
	if len(text) > 2 || !allDigits(string(text)) {
		return event.RankUnknown
	}
	if n := wholeNumber(text); n >= 1 && n <= 24 {
		return event.Rank((n-1)/4 + 1)
	}
	return event.RankUnknown
}

// wholeNumber reads digits; more than a dozen overflow.
func wholeNumber(digits []byte) (n int) {
	for _, d := range digits {
		n = n*10 + int(d-'0')
	}
	return n
}
