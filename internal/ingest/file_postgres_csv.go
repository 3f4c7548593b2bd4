package ingest

// PostgreSQL's csvlog has no header; its columns grew over time (postgresql.org, "Using
// CSV-Format Log Output"): 22 until 8.4, application_name since 9.0, backend_type since 13,
// leader_pid and query_id since 14.
var postgresColumns = []string{
	"log_time", "user_name", "database_name", "process_id", "connection_from", "session_id", "session_line_num",
	"command_tag", "session_start_time", "virtual_transaction_id", "transaction_id", "error_severity", "sql_state_code",
	"message", "detail", "hint", "internal_query", "internal_query_pos", "context", "query", "query_pos", "location",
	"application_name", "backend_type", "leader_pid", "query_id",
}

const (
	postgresColumnsLeast = 22

	postgresTimeColumn     = 0
	postgresPidColumn      = 3
	postgresSeverityColumn = 11
	postgresMessageColumn  = 13
)

// isPostgresCSV recognises csvlog by the shape of its rows.
func isPostgresCSV(s *sample) bool {
	rows := sampleRows(s.text, csvShape{comma: ','}, s.whole)
	n := 0
	for _, row := range rows {
		if len(row) < postgresColumnsLeast || len(row) > len(postgresColumns) || !isNumber(row[postgresPidColumn]) {
			continue
		}
		if _, timed := clockText(row[postgresTimeColumn], nil); timed && postgresLevel(string(row[postgresSeverityColumn])) != "" {
			n++
		}
	}
	return n > 0 && n*2 >= len(rows)
}

func newPostgresCSV(o *FileOptions, c calendar) *csvDialect {
	d := &csvDialect{
		chronology: chronology{calendar: c}, limit: o.EventBytes, shape: csvShape{comma: ','}, header: true,
		shown: "PostgreSQL log (CSV)", least: postgresColumnsLeast,
		times: [][]int{{postgresTimeColumn}}, levels: []int{postgresSeverityColumn}, messages: []int{postgresMessageColumn},
		more: func(dst []byte, cells [][]byte) []byte {
			if ms := postgresDuration(cells[postgresMessageColumn]); ms != nil {
				dst = append(append(dst, `,"duration_ms":`...), ms...)
			}
			return dst
		},
	}
	d.split.csvShape = d.shape
	for _, name := range postgresColumns {
		d.names = append(d.names, []byte(`,"`+name+`":`))
	}
	return d
}
