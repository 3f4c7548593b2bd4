package column

// TextForms is how many forms of texts there are.
const TextForms = textForms

// InForm appends texts in one form; false if they don't have it.
func InForm(dst []byte, form int, t Texts) ([]byte, bool) {
	e := &Encoder{Effort: Thorough}
	l := t.expand()
	return e.inForm(dst, byte(form), &l, nil, 0)
}
