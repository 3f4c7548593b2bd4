package manifest

import "github.com/stelehq/stele/internal/frame"

// EditOf reads a frame of a manifest; checkpoint: it is one edit that makes the whole catalog.
func EditOf(f frame.Frame) (e Edit, checkpoint bool, err error) {
	e, err = decodeEdit(f.Body)
	return e, f.Kind == kindCheckpoint, err
}

// AppendEdit encodes an edit, as a frame's body has it.
func AppendEdit(dst []byte, e Edit) []byte { return appendEdit(dst, e) }

// DecodeEdit reads what AppendEdit wrote. Nothing in src is trusted.
func DecodeEdit(src []byte) (Edit, error) { return decodeEdit(src) }
