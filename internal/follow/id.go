package follow

// An ID tells the files of one machine apart, whatever they are called: device and inode, or
// volume and file index. It is given again when a file was deleted.
type ID struct {
	Device uint64 `json:"device"`
	File   uint64 `json:"file"`
}
