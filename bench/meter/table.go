package meter

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Median returns the middle of some figures, the upper one of two, and 0 of none.
func Median(figures []float64) float64 {
	if len(figures) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(figures))
	return sorted[len(sorted)/2]
}

// Spread renders the median and, of several figures, the least and the most.
func Spread(figures []float64, decimals int) string {
	text := Number(Median(figures), decimals)
	if len(figures) > 1 {
		text += " (" + Number(slices.Min(figures), decimals) + "–" + Number(slices.Max(figures), decimals) + ")"
	}
	return text
}

// Number renders a figure with commas between thousands.
func Number(v float64, decimals int) string {
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	whole, fraction, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return whole
}

// Table writes a Markdown table; columns after the first are aligned to the right.
func Table(w io.Writer, header []string, rows [][]string) {
	fmt.Fprintf(w, "| %s |\n|%s\n", strings.Join(header, " | "), " --- |"+strings.Repeat(" ---: |", len(header)-1))
	for _, row := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
	fmt.Fprintln(w)
}
