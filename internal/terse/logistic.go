package terse

// logistic is 4,096 / (1 + e^-x) for x from -8 to 8 in steps of a half, but never 0 nor 4,096.
var logistic = [33]int32{
	1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194,
	311, 488, 747, 1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785,
	3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095,
}

const straight = 2047 // the largest x, in 256ths

// squash returns the probability that is x when stretched, in 4,096ths.
func squash(x int32) int32 {
	x = max(-straight, min(straight, x)) + straight + 1
	i, part := x>>7, x&127
	return (logistic[i]*(128-part) + logistic[i+1]*part + 64) >> 7
}

// stretches is the inverse of squash.
var stretches = func() (t [4096]int16) {
	next := 0
	for x := int32(-straight); x <= straight; x++ {
		for p := squash(x); next <= int(p); next++ {
			t[next] = int16(x)
		}
	}
	for ; next < len(t); next++ {
		t[next] = straight
	}
	return t
}()

// stretch returns ln(p / (1 - p)) of p in 65,536ths, in 256ths.
func stretch(p uint16) int32 { return int32(stretches[p>>4]) }
