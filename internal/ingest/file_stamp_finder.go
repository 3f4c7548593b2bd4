package ingest

import "time"

// A stampFinder finds the times of one file. Nil finds those of any form that is not embedded.
type stampFinder struct {
	form  *stampForm // the one that most lines have; nil if unknown
	found *stampForm // the one that was found last

	line []byte         // that many layouts are tried on; nil: not known
	seen [4]stampAnswer // what inside said of places in it, by what is left after them
}

// stampAnswer is what inside said of a place in a line.
type stampAnswer struct {
	left  int // bytes from there to the line's end; 0: nothing was asked
	stamp stamp
	ok    bool
	found *stampForm
}

// on says that inside will be asked about the same places of a line again and again; nil ends that.
func (f *stampFinder) on(line []byte) {
	f.line, f.seen = line, [4]stampAnswer{}
}

// find reads the time that text begins with.
func (f *stampFinder) find(text []byte) (stamp, bool) {
	if f != nil && f.form != nil {
		if s, ok := f.form.find(text); ok && s.start == 0 {
			f.found = f.form
			return s, true
		}
	}
	digit, letter := firstOf(text)
	if !digit && !letter {
		return stamp{}, false
	}
	for i := range stampForms {
		form := &stampForms[i]
		if form.letters != letter || form.embedded || f != nil && f.form != nil && (form == f.form || form.ordered && f.form.ordered) {
			continue
		}
		if s, ok := form.find(text); ok {
			if f != nil {
				f.found = form
			}
			return s, true
		}
	}
	return stamp{}, false
}

// firstOf tells what a text begins with, in a bracket or not, for most lines begin with no time.
func firstOf(text []byte) (digit, letter bool) {
	if len(text) > 0 && (text[0] == '[' || text[0] == '(') {
		text = text[1:]
	}
	if len(text) > 1 && text[0] == ' ' {
		text = text[1:]
		return isDigit(text[0]), false
	}
	if len(text) < 8 {
		return false, false
	}
	return isDigit(text[0]), isLetter(text[0]) && text[0] < 0x80
}

// inside is find for a place in a line where a layout has the time: the date may be missing.
func (f *stampFinder) inside(text []byte) (stamp, bool) {
	n := len(text)
	if n == 0 || f == nil || n > len(f.line) || &text[n-1] != &f.line[len(f.line)-1] {
		return f.look(text)
	}
	a := &f.seen[n%len(f.seen)]
	if a.left != n {
		s, ok := f.look(text)
		*a = stampAnswer{n, s, ok, f.found}
	}
	if a.ok {
		f.found = a.found
	}
	return a.stamp, a.ok
}

func (f *stampFinder) look(text []byte) (stamp, bool) {
	if s, ok := f.find(text); ok {
		return s, true
	}
	return findTimeOfDay(text)
}

// begins looks for the timestamp that makes a line the first of an event.
func (f *stampFinder) begins(line []byte) (stamp, bool) {
	if f.form != nil && f.form.embedded {
		if s, ok := f.form.find(line); ok {
			f.found = f.form
			return s, true
		}
	}
	return f.find(line)
}

// prefer chooses the form that most lines of a sample have, without regard to rivals.
func (f *stampFinder) prefer(s *sample) {
	leading, embedded := make([]int, len(stampForms)), make([]int, len(stampForms))
	var plain []byte
	for _, line := range s.lines {
		line = withoutColours(line, &plain)
		digit, letter := firstOf(line)
		for i := range stampForms {
			if f := &stampForms[i]; !f.embedded && (f.letters && !letter || !f.letters && !digit) {
				continue
			}
			if _, ok := stampForms[i].find(line); !ok {
				continue
			}
			if !stampForms[i].embedded {
				leading[i]++
				break
			}
			embedded[i]++
		}
	}
	best := 0
	for i := range stampForms {
		if leading[i] > best {
			best, f.form = leading[i], &stampForms[i]
		}
	}
	for i := range stampForms {
		if embedded[i] > best && embedded[i]*2 >= len(s.lines) {
			best, f.form = embedded[i], &stampForms[i]
		}
	}
}

// judge follows prefer. Of forms that read numbers in another order it takes the one by which most lines have a
// time that can be: not after the file's, in order, in a short span, near to the file's time.
func (f *stampFinder) judge(s *sample, c calendar) {
	if f.form == nil || !f.form.ordered {
		return
	}
	var best stampFit
	for i := range stampForms {
		if form := &stampForms[i]; form.ordered {
			if fit := form.fit(s, c); fit.better(&best) {
				best, f.form = fit, form
			}
		}
	}
}

// stampFit tells how likely a form is the right one for a sample.
type stampFit struct {
	lines     int           // that have a time of the form which is not after the file's
	unordered int           // of them before the one before them
	span      time.Duration // from the first of them to the last
	age       time.Duration // from the last to the file's time
}

func (form *stampForm) fit(s *sample, c calendar) (fit stampFit) {
	var first, last, before time.Time
	for _, line := range s.lines {
		found, ok := form.find(line)
		if !ok {
			continue
		}
		t := c.time(found.clock)
		if t.After(c.latest.Add(yearless)) {
			continue
		}
		if fit.lines == 0 || t.Before(first) {
			first = t
		}
		if t.After(last) {
			last = t
		}
		if fit.lines > 0 && t.Before(before) {
			fit.unordered++
		}
		before = t
		fit.lines++
	}
	fit.span, fit.age = last.Sub(first), c.latest.Sub(last)
	return fit
}

func (a *stampFit) better(b *stampFit) bool {
	switch {
	case a.lines != b.lines:
		return a.lines > b.lines
	case a.unordered != b.unordered:
		return a.unordered < b.unordered
	case a.span/2 > b.span || b.span/2 > a.span:
		return a.span < b.span
	}
	const year = 365 * 24 * time.Hour
	return a.age/year < b.age/year
}
