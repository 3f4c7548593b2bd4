package block

import "sync"

// A memo keeps what was found out about a block's rows, by name.
type memo struct {
	mu    sync.Mutex
	found map[string]Bitmap
}

// mostRemembered is how many bitmaps a block keeps; then it begins anew.
const mostRemembered = 16

// Remember returns the bitmap of a name, which find makes when it is first asked for: it must follow from the block and the name alone.
// An error is not kept. Nobody may change what is returned.
func (b *Block) Remember(name string, find func() (Bitmap, error)) (Bitmap, error) {
	m := &b.memo
	m.mu.Lock()
	defer m.mu.Unlock()
	if found, ok := m.found[name]; ok {
		return found, nil
	}
	found, err := find()
	if err != nil {
		return found, err
	}
	if m.found == nil || len(m.found) >= mostRemembered {
		m.found = map[string]Bitmap{}
	}
	m.found[name] = found
	b.account.Take(len(name) + 8*len(found) + 64)
	return found, nil
}
