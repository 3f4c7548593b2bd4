package ingest

import (
	"bytes"
	"strings"
	"sync"

	"github.com/stelehq/stele/internal/event"
	"github.com/stelehq/stele/internal/syslog"
)

// letterLevel names the level that programs write as one letter.
func letterLevel(letter byte) string {
	switch letter {
	case 'V', 'T':
		return event.RankVerbose.String()
	case 'D':
		return event.RankDebug.String()
	case 'I':
		return event.RankInformation.String()
	case 'W':
		return event.RankWarning.String()
	case 'E':
		return event.RankError.String()
	case 'F', 'C', 'A':
		return event.RankFatal.String()
	}
	return ""
}

// numberLevel names the level that bunyan and pino write as 10 to 60. Numbers between
// belong to the level below, as those libraries have it.
func numberLevel(text string) string {
	if len(text) != 2 || !allDigits(text) || text[0] < '1' || text[0] > '6' || text[0] == '6' && text[1] != '0' {
		return ""
	}
	return event.Rank(text[0] - '0').String()
}

// syslogLevel names a severity of syslog, journald and GELF: 0 (emergency) to 7 (debug).
func syslogLevel(text string) string {
	if len(text) != 1 || text[0] < '0' || text[0] > '7' {
		return ""
	}
	return syslog.LevelOf(int(text[0] - '0'))
}

// windowsLevel names a level of Windows events: 1 (critical) to 5 (verbose); 0 is "always".
func windowsLevel(text string) string {
	if len(text) != 1 || text[0] < '0' || text[0] > '5' {
		return ""
	}
	return [...]event.Rank{event.RankInformation, event.RankFatal, event.RankError, event.RankWarning, event.RankInformation, event.RankVerbose}[text[0]-'0'].String()
}

// How far into a line a level is looked for: words, and bytes.
const (
	levelWords = 8
	levelBytes = 160
)

// textLevel finds the level in what follows the timestamp of a line of text. If it comes
// first and is marked as one, rest is what follows it; else rest is all of text but the blanks and separators
// that it begins with.
func textLevel(text []byte) (level string, rest []byte) {
	rest = trimSeparators(text)
	if word, after := gluedLevel(rest); word != "" {
		return word, after
	}
	if word, after, marked := leadingLevel(rest); marked {
		return word, trimSeparators(after)
	} else if word != "" {
		return word, rest
	}
	at := 0
	for n := 0; n < levelWords && at < len(rest) && at < levelBytes; n++ {
		for at < len(rest) && isBlank(rest[at]) {
			at++
		}
		end := at
		for end < len(rest) && !isBlank(rest[end]) && end-at < 64 {
			end++
		}
		if l := tokenLevel(rest[at:end], n); l != "" {
			return l, rest
		}
		at = end
	}
	return "", rest
}

// levelTexts are the usual words for levels in the usual cases, so that a line's need not be copied.
var levelTexts = sync.OnceValue(func() map[string]string {
	texts := map[string]string{}
	for _, word := range strings.Fields(`verbose trace trc debug dbg dbug information info inf notice log warning warn wrn error err eror
		fail severe fatal ftl critical crit alert emerg panic fine finer finest config note system v d i w e f`) {
		for _, text := range []string{word, strings.ToUpper(word), strings.ToUpper(word[:1]) + word[1:]} {
			texts[text] = text
		}
	}
	return texts
})

func internLevel(word []byte) string {
	if text, ok := levelTexts()[string(word)]; ok {
		return text
	}
	return string(word)
}

func isBlank(b byte) bool { return b == ' ' || b == '\t' }

// trimSeparators drops blanks and what programs put between time, level and message.
func trimSeparators(text []byte) []byte {
	for {
		text = bytes.TrimLeft(text, " \t")
		if len(text) > 1 && (text[0] == '-' || text[0] == '|' || text[0] == ':') && isBlank(text[1]) {
			text = text[1:]
			continue
		}
		return text
	}
}

// leadingLevel reads a level that begins text: INFO, [notice], [core:error], warn:, or one
// letter before two blanks, as mongod writes it.
func leadingLevel(text []byte) (level string, after []byte, marked bool) {
	var closing byte
	body := text
	if len(body) > 0 && (body[0] == '[' || body[0] == '(' || body[0] == '<') {
		closing = body[0] + 2
		if body[0] == '(' {
			closing = ')'
		}
		body = body[1:]
	}
	n := 0
	for n < len(body) && n < 40 && (isWord(body[n]) || closing != 0 && body[n] == ':') {
		n++
	}
	word := body[:n]
	after = body[n:]
	colon := false
	if closing != 0 {
		if len(after) == 0 || after[0] != closing {
			return "", nil, false
		}
		after = after[1:]
		word = word[bytes.LastIndexByte(word, ':')+1:]
	} else {
		after, colon = bytes.CutPrefix(after, []byte(":"))
		if len(after) > 0 && !isBlank(after[0]) && after[0] != '|' {
			return "", nil, false
		}
	}
	if len(word) == 1 && closing == 0 && len(after) > 1 && isBlank(after[0]) && isBlank(after[1]) {
		letter := letterLevel(word[0])
		return letter, after, letter != ""
	}
	if !isLevelWord(word) {
		return "", nil, false
	}
	marked = closing != 0 || allCapitals(word) || colon
	if !marked && !isPlainLevel(word) {
		return "", nil, false
	}
	return string(word), after, marked
}

// gluedLevel reads a level in capitals with colons and no blanks around it: :WARN:disk full.
func gluedLevel(text []byte) (level string, after []byte) {
	text = bytes.TrimPrefix(text, []byte(":"))
	n := 0
	for n < len(text) && text[n] >= 'A' && text[n] <= 'Z' {
		n++
	}
	if n+1 >= len(text) || text[n] != ':' || isBlank(text[n+1]) || text[n+1] == ':' || !isLevelWord(text[:n]) {
		return "", nil
	}
	return string(text[:n]), text[n+1:]
}

// isLevelWord recognises a level among the words of a text. Names that are ordinary words
// as well, and LOG, which PostgreSQL writes with a colon, are left to tokenLevel or nobody.
func isLevelWord(word []byte) bool {
	if len(word) < 3 || len(word) > 16 || event.LevelRank(string(word)) == event.RankUnknown {
		return false
	}
	for _, ordinary := range [...]string{"all", "http", "default", "log"} {
		if equalFold(word, ordinary) {
			return false
		}
	}
	return true
}

// plainLevels are the levels that are believed without capitals, brackets or a colon; then
// they stay in the message too, for they may be its first word.
var plainLevels = [...]string{
	"verbose", "trace", "debug", "information", "info", "notice", "warning", "warn", "error", "critical", "fatal",
}

func isPlainLevel(word []byte) bool {
	for _, plain := range plainLevels {
		if equalFold(word, plain) {
			return true
		}
	}
	return false
}

func allCapitals(word []byte) bool {
	for _, b := range word {
		if b >= 'a' && b <= 'z' {
			return false
		}
	}
	return true
}

// tokenLevel reads a level in a word further on: in capitals (INFO, LOG:), in brackets, as
// level=warn, or as Android's letter, which is the third word after the time.
func tokenLevel(token []byte, place int) string {
	if len(token) == 1 && place == 2 {
		return letterLevel(token[0])
	}
	for _, name := range []string{"level=", "severity=", "lvl="} {
		if v, ok := bytes.CutPrefix(token, []byte(name)); ok {
			v = bytes.Trim(v, `"',;`)
			if event.LevelRank(string(v)) != event.RankUnknown {
				return string(v)
			}
		}
	}
	word := bytes.TrimRight(token, ":,;")
	if string(word) == "LOG" && len(token) > len(word) {
		return "LOG"
	}
	bracketed := len(word) > 2 && word[0] == '[' && word[len(word)-1] == ']'
	if bracketed {
		word = word[1 : len(word)-1]
	}
	if isLevelWord(word) && (bracketed || allCapitals(word)) {
		return string(word)
	}
	return ""
}
