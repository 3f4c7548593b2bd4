package ingest_test

import (
	"os"
	"testing"

	"github.com/stelehq/stele/internal/ingest"
	"github.com/stelehq/stele/internal/otlp"
)

// TestMain brings the decoders of OTLP, which the tests inside the package cannot import.
func TestMain(m *testing.M) {
	ingest.OTLPLogs, ingest.OTLPTraces = otlp.LogsJSON, otlp.TracesJSON
	os.Exit(m.Run())
}
