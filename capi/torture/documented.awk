# Reads stele.h and writes what it says of results: RESULT(name) for each, FUNCTION(name, mask) for each function. A comment that speaks
# of another function's results ("as stele_x", "as above") has those too.
/^\/\*/ { comment = "" }
/^enum \{/ { results = seen_type; seen_type = 0 }
/^typedef int32_t stele_result;/ { seen_type = 1 }
results && /^ *STELE_[A-Z_]+ *= *[0-9]+/ { number[$1] = $3 + 0; print "RESULT(" $1 ")" }
/^\};/ { results = 0 }
/^(\/\*| \*)/ { comment = comment " " $0 }
/^STELE_API/ {
    match($0, /stele_[a-z_0-9]+\(/)
    name = substr($0, RSTART, RLENGTH - 1)
    delete set
    set["STELE_OK"] = 1
    rest = comment
    while (match(rest, /STELE_[A-Z_]+/)) {
        word = substr(rest, RSTART, RLENGTH)
        if (word in number)
            set[word] = 1
        rest = substr(rest, RSTART + RLENGTH)
    }
    rest = comment
    while (match(rest, /[Aa]s (stele_[a-z_]+|above)/)) {
        other = substr(rest, RSTART + 3, RLENGTH - 3)
        rest = substr(rest, RSTART + RLENGTH)
        include(other == "above" ? last : other)
    }
    if (comment ~ /what an append was refused for/)
        include("stele_write_append")
    mask = ""
    for (word in set) {
        mask = mask (mask == "" ? "" : " | ") "UINT64_C(1) << " word
        has[name, word] = 1
    }
    print "FUNCTION(" name ", " mask ")"
    last = name
    comment = ""
}
function include(other,   word) {
    for (word in number)
        if ((other, word) in has)
            set[word] = 1
}
