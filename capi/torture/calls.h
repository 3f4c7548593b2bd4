// The public functions as a table, so that something can be tried with every argument of each.
#ifndef CALLS_H
#define CALLS_H

#include "torture.h"

// A call's parameters are letters, in order:
//
//	S V W R T Q  a handle: store, server, writer, reader, tail, result
//	H            any exclusive handle
//	t o          a text that must be given, one that may be left out; an l follows
//	k            a key, or keys, that must be given
//	x g          options, a range; may be left out
//	b            a buffer, which may be left out if it is empty; an l follows
//	y            room for keys, which may be left out if it is empty; an l follows
//	v            stele_version_info
//	a n          something that is written, must be given or may be left out
//	i            a number
//	l            the length of what is before it
typedef struct call {
    int         function;
    void (*pointer)(void);
    const char *parameters;
    const char *texts[2]; // for t and o, in order
    size_t      options;  // bytes of x
} call;

enum { CALLS = FUNCTIONS - 2, PARAMETERS = 6 }; // all but stele_result_name and stele_last_error
extern const call calls[CALLS];

// Of every kind of handle one, in the order S V W R T Q.
enum { STORE, SERVER, WRITER, READER, TAIL, ROWS, HANDLES };
int kind_of_letter(char letter); // -1: none

stele_result do_call(const call *c, const uint64_t *arguments);

// end_handle ends whatever a handle is of a kind.
stele_result end_handle(int kind, uint64_t handle);

#endif
