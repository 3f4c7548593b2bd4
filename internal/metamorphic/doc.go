// Package metamorphic asks many stores the same: one list of operations, made by chance, goes through stores of every
// kind of configuration and through each door, and what they answer is what a naive model says. All of it is in its tests.
package metamorphic
