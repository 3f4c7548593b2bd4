package ingest

import "bytes"

// The general query log of MySQL and MariaDB (dev.mysql.com, The General Query Log). The text of a command may go on
// over lines. Older servers and MariaDB write the time only when the second has changed.
//
//	2026-11-20T10:00:00.123456Z	    8 Query	SELECT 1        {"@t":"2026-11-20T10:00:00.1234560Z","@m":"SELECT 1","Id":8,"command":"Query"}
//	261120 10:00:00	    8 Connect	ada@localhost on shop      {"@t":"2026-11-20T10:00:00.0000000Z","@m":"Connect ada@localhost on shop","Id":8,"command":"Connect"}
//			    8 Quit
var mysqlGeneralForms = []lineForm{
	{"mysql-general", "MySQL general query log", "2026-11-20T10:00:00.123456Z\t    8 Query\tSELECT 1", parseMySQLGeneral, nil},
}

// mysqlCommands are what the server writes; those whose text is a statement are true.
var mysqlCommands = map[string]bool{
	"Query": true, "Execute": true, "Prepare": true,
	"Binlog Dump": false, "Binlog Dump GTID": false, "Change user": false, "Close stmt": false, "Connect": false, "Connect Out": false, "Create DB": false,
	"Daemon": false, "Debug": false, "Delayed insert": false, "Drop DB": false, "Error": false, "Fetch": false, "Field List": false, "Init DB": false,
	"Kill": false, "Long Data": false, "Ping": false, "Processlist": false, "Quit": false, "Refresh": false, "Register Replica": false, "Register Slave": false,
	"Reset Connection": false, "Reset stmt": false, "Set option": false, "Shutdown": false, "Sleep": false, "Statistics": false, "Table Dump": false, "Time": false,
}

func parseMySQLGeneral(line []byte, r *record) bool {
	rest, untimed := bytes.CutPrefix(line, []byte("\t\t"))
	if !untimed {
		s, ok := r.times.find(line)
		if !ok || s.start != 0 || s.end >= len(line) || line[s.end] != '\t' {
			return false
		}
		r.clock, r.timed, rest = s.clock, true, line[s.end+1:]
	}
	id, rest := cutWord(bytes.TrimLeft(rest, " "))
	command, text, _ := bytes.Cut(rest, []byte("\t"))
	statement, known := mysqlCommands[string(bytes.TrimRight(command, " "))]
	if !known || !isNumber(id) {
		return false
	}
	command = bytes.TrimRight(command, " ")
	r.number("Id", id)
	r.text("command", command)
	if r.message = text; !statement {
		r.room = bytes.TrimRight(append(append(append(r.room[:0], command...), ' '), text...), " ")
		r.message = r.room
	}
	return true
}
