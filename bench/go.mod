module github.com/stelehq/stele/bench

go 1.26.0
