package event

// DefaultLevel is the level of an event without @l.
const DefaultLevel = "Information"

// Level returns an event's level in its original spelling, DefaultLevel if it has none.
func Level(event Value) string {
	switch l := event.Get("@l"); {
	case l.Kind == Undefined, l.Kind == Null, l.Kind == String && l.Text == "":
		return DefaultLevel
	default:
		return string(l.AppendDisplay(nil))
	}
}

// Rank orders levels, whatever they are called. Its zero value is a level whose name says nothing to us.
type Rank uint8

// The ranks, with Serilog's names.
const (
	RankUnknown Rank = iota
	RankVerbose
	RankDebug
	RankInformation
	RankWarning
	RankError
	RankFatal
)

// String returns Serilog's name of the rank; RankUnknown is "".
func (r Rank) String() string {
	names := [...]string{"", "Verbose", "Debug", "Information", "Warning", "Error", "Fatal"}
	if int(r) < len(names) {
		return names[r]
	}
	return ""
}

// NormalizeLevel returns Serilog's name for a level, or level itself if it is none that we know.
func NormalizeLevel(level string) string {
	if r := LevelRank(level); r != RankUnknown {
		return r.String()
	}
	return level
}

// LevelRank understands the names that Serilog, .NET, syslog, OpenTelemetry, Python, Java, Go and JavaScript libraries
// give to levels, in any case. A digit 1 to 4 may follow, as in OpenTelemetry's ERROR2.
func LevelRank(level string) Rank {
	var lower [16]byte
	if len(level) > len(lower) {
		return RankUnknown
	}
	for i := range len(level) {
		c := level[i]
		if c-'A' < 26 {
			c |= 0x20
		}
		lower[i] = c
	}
	name := lower[:len(level)]
	if n := len(name); n > 3 && name[n-1]-'1' < 4 {
		name = name[:n-1]
	}
	switch string(name) {
	case "verbose", "verb", "vrb", "v", "trace", "trce", "trc", "t", "finest", "finer", "silly", "all":
		return RankVerbose
	case "debug", "dbug", "dbg", "d", "fine", "config":
		return RankDebug
	case "information", "informational", "info", "inf", "i", "notice", "log", "http", "default":
		return RankInformation
	case "warning", "warn", "wrn", "w":
		return RankWarning
	case "error", "eror", "err", "e", "fail", "failure", "severe":
		return RankError
	case "fatal", "ftl", "f", "critical", "crit", "crt", "c", "alert", "emergency", "emerg", "panic", "dpanic":
		return RankFatal
	}
	return RankUnknown
}
