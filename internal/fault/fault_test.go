package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestR20EveryKindHasAFace(t *testing.T) {
	// Written out again on purpose: numbers, names, statuses and exit codes are promises.
	want := []struct {
		kind   Kind
		number int
		name   string
		http   int
		exit   int
	}{
		{Invalid, 1, "Invalid", 400, 2},
		{NotFound, 2, "NotFound", 404, 3},
		{Closed, 3, "Closed", 503, 4},
		{Unavailable, 4, "Unavailable", 503, 5},
		{Locked, 5, "Locked", 503, 6},
		{Full, 6, "Full", 503, 7},
		{TooLarge, 7, "TooLarge", 413, 8},
		{Exhausted, 8, "Exhausted", 503, 9},
		{Canceled, 9, "Canceled", 499, 10},
		{Denied, 10, "Denied", 403, 11},
		{Unsupported, 11, "Unsupported", 501, 12},
		{Corrupt, 12, "Corrupt", 500, 13},
		{IO, 13, "IO", 500, 14},
		{Internal, 14, "Internal", 500, 70},
	}
	kinds := Kinds()
	if len(kinds) != len(want) {
		t.Fatalf("Kinds() has %d kinds, the table of R20 has %d", len(kinds), len(want))
	}
	names, exits := map[string]Kind{}, map[int]Kind{}
	for i, w := range want {
		k := kinds[i]
		if k != w.kind || int(k) != w.number {
			t.Errorf("kind %d of Kinds() is %d, want %s = %d", i, k, w.name, w.number)
		}
		if k.String() != w.name || k.Error() != w.name || k.HTTPStatus() != w.http || k.ExitCode() != w.exit {
			t.Errorf("%d: (%s, %s, %d, %d), want (%s, %d, %d)", k, k.String(), k.Error(), k.HTTPStatus(), k.ExitCode(), w.name, w.http, w.exit)
		}
		if k.HTTPStatus() == 429 {
			t.Errorf("%s: Seq's clients never see 429", k)
		}
		if other, taken := names[k.String()]; taken {
			t.Errorf("%d and %d are both called %s", k, other, k)
		}
		if other, taken := exits[k.ExitCode()]; taken || k.ExitCode() < 2 || k.ExitCode() > 125 {
			t.Errorf("exit code %d of %s: also of %s, or a shell's own", k.ExitCode(), k, other)
		}
		names[k.String()], exits[k.ExitCode()] = k, k
	}
}

func TestUnknownKindsAreInternal(t *testing.T) {
	for _, k := range []Kind{0, Internal + 1, 255} {
		if k.String() != "Internal" || k.HTTPStatus() != 500 || k.ExitCode() != 70 {
			t.Errorf("Kind(%d) = %s, %d, %d", uint8(k), k, k.HTTPStatus(), k.ExitCode())
		}
	}
}

func TestErrorRendersItsWholeChain(t *testing.T) {
	cause := errors.New("checksum 0x1 where 0x2 was expected")
	frame := WrapAs(Corrupt, cause, "read frame", "frame 7").At("journal-01.log", 4096)
	tests := []struct {
		err  error
		want string
	}{
		{New(Invalid, "parse", "line %d", 3), "parse: line 3"},
		{New(Invalid, "", "only this"), "only this"},
		{New(Locked, "open", "in use").WithHint("use %s", "http://x"), "open: in use (use http://x)"},
		{New(IO, "open", "gone").At("CURRENT", NoOffset), "open: CURRENT: gone"},
		{New(Corrupt, "open", "bad").At("CURRENT", 0), "open: CURRENT at byte 0: bad"},
		{frame, "read frame: journal-01.log at byte 4096: frame 7: checksum 0x1 where 0x2 was expected"},
		{Wrap(frame, "open store", "%s", "replay").WithHint("run stele check"),
			"open store: replay (run stele check): read frame: journal-01.log at byte 4096: frame 7: checksum 0x1 where 0x2 was expected"},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, test.err.Error()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

func TestIsAsksForTheKindAnywhereInTheChain(t *testing.T) {
	cause := New(Corrupt, "read", "bad")
	err := fmt.Errorf("outside: %w", WrapAs(Unavailable, Wrap(cause, "a", "b"), "open", "not now"))
	for _, k := range Kinds() {
		if got, want := errors.Is(err, k), k == Corrupt || k == Unavailable; got != want {
			t.Errorf("errors.Is(err, %s) = %v, want %v", k, got, want)
		}
	}
	var e *Error
	if !errors.As(err, &e) || e.Kind != Unavailable {
		t.Errorf("errors.As finds %v, want the outermost", e)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause itself is not found")
	}
}

func TestKindOf(t *testing.T) {
	_, missing := os.Open("no/such/file")
	tests := []struct {
		name string
		err  error
		want Kind
	}{
		{"nil", nil, 0},
		{"own", New(TooLarge, "", ""), TooLarge},
		{"outermost", WrapAs(Invalid, New(Corrupt, "", ""), "", ""), Invalid},
		{"under a foreign error", fmt.Errorf("x: %w", New(Locked, "", "")), Locked},
		{"bare kind", fmt.Errorf("x: %w", Denied), Denied},
		{"cancelled", fmt.Errorf("x: %w", context.Canceled), Canceled},
		{"deadline", context.DeadlineExceeded, Canceled},
		{"disk full", &fs.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC}, Full},
		{"missing file", missing, NotFound},
		{"missing", fs.ErrNotExist, NotFound},
		{"failing disk", &fs.PathError{Op: "read", Path: "f", Err: syscall.EIO}, IO},
		{"read-only disk", fmt.Errorf("x: %w", &fs.PathError{Op: "write", Path: "f", Err: syscall.EROFS}), IO},
		{"failing rename", &os.LinkError{Op: "rename", Old: "a", New: "b", Err: syscall.EIO}, IO},
		{"failing sync", &os.SyscallError{Syscall: "fsync", Err: syscall.EIO}, IO},
		{"rename without a number", &os.LinkError{Op: "rename", Old: "a", New: "b", Err: errors.New("lost")}, IO},
		{"sync without a number", &os.SyscallError{Syscall: "fsync", Err: errors.New("lost")}, IO},
		{"bare errno", syscall.EIO, IO},
		{"anything else", io.ErrUnexpectedEOF, Internal},
	}
	for _, test := range tests {
		if got := KindOf(test.err); got != test.want {
			t.Errorf("%s: KindOf(%v) = %s, want %s", test.name, test.err, got, test.want)
		}
	}
}

func TestWrapKeepsTheKind(t *testing.T) {
	for _, k := range Kinds() {
		if err := Wrap(New(k, "a", "b"), "c", "d"); err.Kind != k {
			t.Errorf("Wrap of %s is %s", k, err.Kind)
		}
	}
	if err := Wrap(nil, "a", "b"); err != nil {
		t.Errorf("Wrap(nil) = %v", err)
	}
	if err := Wrap(syscall.ENOSPC, "append", "journal"); err.Kind != Full || err.Offset != NoOffset {
		t.Errorf("Wrap(ENOSPC) = %s at %d", err.Kind, err.Offset)
	}
}
