module github.com/stelehq/stele/bench

go 1.26.0

require (
	github.com/klauspost/compress v1.20.3 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
