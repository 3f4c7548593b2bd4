package journal

import "github.com/stelehq/stele/internal/frame"

// HeaderOf reads what a file's header says. Errors are those of ReadHeader.
func HeaderOf(h frame.FileHeader, name string) (Header, error) { return headerOf(h, name) }

// GroupOf reads a frame. The blocks' data are parts of its body.
func GroupOf(f frame.Frame) (Group, error) { return decodeGroup(f.Body, f.Offset+frame.HeaderSize) }
