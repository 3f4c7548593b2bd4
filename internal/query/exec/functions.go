package exec

import "fmt"

// A Signature describes a function or an aggregate: for completion, help and errors.
type Signature struct {
	Name     string // canonical; any case is understood
	Args     string // as documentation has it: "text: string, start: number, length?: number"
	Gives    string // the type of what it gives
	Help     string // one line
	Min, Max int    // how many arguments; Max < 0: any number
	CI       bool   // takes the ci modifier
	Regex    bool   // the second argument may be a regular expression
	Lambda   bool   // the second argument is a lambda of one argument
}

// String is the signature on one line: "Length(x: string | array): number".
func (s *Signature) String() string { return s.Name + "(" + s.Args + "): " + s.Gives }

// A function is one row of the table: all it takes to add one (and its lines in the documentation and testdata).
type function struct {
	Signature
	// A test for true or false: wildcards in its arguments belong to it.
	predicate bool
	// What a regular expression is put between.
	before, after string
	apply         func(e *env, c *call) value
}

// A call is a function's application while it runs: arguments that are missing or given as a regular expression or a lambda are undefined.
type call struct {
	args  []value
	ci    bool
	regex *matcher
	body  node // of the lambda
	local int  // the place of its argument
	cost  int  // of one turn
}

// Functions lists the scalar functions by name.
func Functions() []Signature {
	all := make([]Signature, len(functions))
	for i := range functions {
		all[i] = functions[i].Signature
	}
	return all
}

// Aggregates lists the aggregate functions by name. They stand in the columns of a query; package exec does not compute them.
func Aggregates() []Signature { return append([]Signature(nil), aggregates...) }

// FindAggregate finds an aggregate whatever the case of its name.
func FindAggregate(name string) (Signature, bool) {
	for i := range aggregates {
		if compareFold(aggregates[i].Name, name) == 0 {
			return aggregates[i], true
		}
	}
	return Signature{}, false
}

// findFunction finds a function whatever the case of its name; nil if there is none.
func findFunction(name string) *function {
	for i := range functions {
		if compareFold(functions[i].Name, name) == 0 {
			return &functions[i]
		}
	}
	return nil
}

// functionNames are what a misspelled function may have meant; of aggregates only where they may stand.
func functionNames(withAggregates bool) []string {
	var names []string
	for i := range functions {
		names = append(names, functions[i].Name)
	}
	for i := range aggregates {
		if withAggregates {
			names = append(names, aggregates[i].Name)
		}
	}
	return names
}

// arity says how many arguments there must be.
func (s *Signature) arity() string {
	switch {
	case s.Max < 0:
		return fmt.Sprintf("at least %d arguments", s.Min)
	case s.Min < s.Max:
		return fmt.Sprintf("%d or %d arguments", s.Min, s.Max)
	case s.Max == 1:
		return "one argument"
	case s.Max == 0:
		return "no arguments"
	}
	return fmt.Sprintf("%d arguments", s.Max)
}

func (s *Signature) takes(n int) bool { return n >= s.Min && (s.Max < 0 || n <= s.Max) }
