package plan

import (
	"math/big"
	"time"

	"github.com/stelehq/stele/internal/event"
)

// AppendTime appends the time that v, ticks since the year 1, stands for: ISO 8601 in UTC with seven digits of fraction, nine if they are needed. What is no
// such time is appended as it is.
func AppendTime(dst []byte, v event.Value) []byte {
	ticks, ok := event.ParseDecimal(v.Text)
	if v.Kind != event.Number || !ok || ticks.Neg {
		return v.AppendDisplay(dst)
	}
	instant, _ := instantAt(ticks)
	nanos := new(big.Int)
	seconds, _ := new(big.Int).DivMod(instant, big.NewInt(1e9), nanos)
	if !seconds.IsInt64() || seconds.Int64() > 315_537_897_599-epochSeconds {
		return v.AppendDisplay(dst)
	}
	t := time.Unix(seconds.Int64(), nanos.Int64()).UTC()
	if t.Nanosecond()%nanosPerTick != 0 {
		return t.AppendFormat(dst, "2006-01-02T15:04:05.000000000Z")
	}
	return t.AppendFormat(dst, "2006-01-02T15:04:05.0000000Z")
}
