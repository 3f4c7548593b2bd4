// Package event is what every layer knows of an event: its key (R1), its time (R3), its JSON text and
// values (R6), its numbers (R7), and how its message, level and type are read from CLEF.
//
// Nothing here knows a file, a column or a wire. Every reader of bytes trusts nothing: what it refuses is
// fault.Invalid and names the byte and what was expected there.
package event
