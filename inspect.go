package stele

import (
	"github.com/stelehq/stele/internal/inspect"
	"github.com/stelehq/stele/internal/vfs"
)

// Inspection is what is inside a file of a store, or a part of one: frames, blocks, shapes, columns. It is for people and debugging;
// what it tells changes with the formats.
type Inspection = inspect.Part

// InspectOptions choose how much is told.
type InspectOptions = inspect.Options

// Inspect describes a file of a store, or its directory, whether a process has it open or not. Damage is in the answer, as far as what is damaged
// can be shown. Invalid: path is no file of a store.
func Inspect(path string, o InspectOptions) (*Inspection, error) {
	return inspect.Path(vfs.OS{}, path, o)
}
