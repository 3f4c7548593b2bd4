package main

import "errors"

// store is an embedded store of events. append is called by several goroutines at once; everything else by one.
type store interface {
	// append makes a batch durable before it returns.
	append(batch []entry) error
	// settle waits until what the store does in the background is done.
	settle() error
	// scan hands over every event's JSON in the order of keys, or from the last one back. The bytes are the callee's
	// until it returns.
	scan(descending bool, use func(event []byte)) error
	// filter hands over, oldest first, the events whose member StatusCode is a number of at least 500.
	filter(use func(event []byte)) error
	close() error
}

// entry is an event to be appended: its CLEF text, and its time with a counter as a key of 16 bytes.
type entry struct {
	key   [16]byte
	event []byte
}

var stores = []struct {
	name string
	open func(dir string) (store, error)
}{
	{"stele", openStele},
	{"bbolt", openBolt},
	{"pebble", openPebble},
	{"sqlite", openSQLite},
}

func names() (list []string) {
	for _, s := range stores {
		list = append(list, s.name)
	}
	return list
}

func open(name, dir string) (store, error) {
	for _, s := range stores {
		if s.name == name {
			return s.open(dir)
		}
	}
	return nil, errors.New("there is no store " + name)
}
