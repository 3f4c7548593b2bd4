// Command bare is a C library with a function that does nothing: what a call of Go from C costs at least.
package main

import "C"

//export bare_call
func bare_call() {}

func main() {}
