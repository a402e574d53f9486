# What doxygen reads of a header. Lines keep their numbers.
#
# * Without members that are the library's own (a parameter is a detail::Passkey, or a reader or writer of messages), and
#   without copying, moving and destroying where no comment says more than the language does.
# * A comment is for all overloads that follow it without an empty line, and a comment with two slashes for all declarations
#   that do. Several members that are declared at once have the same comment, too.
# * Types that exist for the compiler's sake have the name of what they are used as.

function blank(count) { for (; count > 0; count--) print "" }

# Copying and moving: operator=, or a constructor of the same type.
function is_special(line,    name, rest) {
    if (line ~ /operator=\(/ || line ~ /^ *~[A-Za-z]+\(\)/) return 1
    if (!match(line, /[A-Za-z]+\(/)) return 0
    name = substr(line, RSTART, RLENGTH - 1)
    rest = substr(line, RSTART + RLENGTH)
    return index(rest, name " &&") == 1 || index(rest, "const " name " &") == 1
}

function name_of(line) {
    if (match(line, /operator[^A-Za-z_ (]+/)) return substr(line, RSTART, RLENGTH)
    return match(line, /[A-Za-z_]+\(/) ? substr(line, RSTART, RLENGTH) : ""
}

# Goes on in a declaration; true at its last line.
function ends(line,    code) {
    code = line
    sub(/ *\/\/.*$/, "", code)
    depth += gsub(/[({]/, "&", code) - gsub(/[)}]/, "&", code)
    return depth == 0 && code ~ /[;}]$/
}

# The names of `T one = 1, other;` as declarations of their own.
function apart(line,    head, names, count, i, type, result) {
    if (line !~ /^ *[A-Za-z0-9_:<>]+ [a-z_]+( = [^,(){}]+)?(, [a-z_]+( = [^,(){}]+)?)+;$/) return line
    match(line, /^ *[A-Za-z0-9_:<>]+ /)
    type = substr(line, 1, RLENGTH)
    count = split(substr(line, RLENGTH + 1, length(line) - RLENGTH - 1), names, /, /)
    result = type names[1] ";"
    for (i = 2; i <= count; i++) result = result " /** " text " */ " type names[i] ";"
    return result
}

function shown(line) {
    if (match(line, /(comoq::)?detail::ConfigMember<.*> [a-z_]+( = .*)?;$/)) {
        sub(/(comoq::)?detail::ConfigMember</, "", line)
        match(line, />[^>]*$/)
        line = substr(line, 1, RSTART - 1) substr(line, RSTART + 1)
    }
    sub(/public comoq::detail::StreamTransport/, "public comoq::Transport", line)
    sub(/ : public detail::AwaitableSource<T, false>/, "", line)
    sub(/template <detail::ConstBuffer Buffer>/, "template <class Buffer>", line)
    return apart(line)
}

function forget() { held = ""; as_written = ""; lines = 0; is_documented = 0 }

inside {
    if (hiding) print ""
    else print shown($0)
    if (ends($0)) inside = 0
    next
}

/^ *$/ { printf "%s", as_written; forget(); text = ""; last = ""; covers = 0; print; next }
/^ *#/ { printf "%s", held; forget(); print; next }
/^ *\/\// {
    line = $0
    if (line !~ /^ *\/\/\//) { covers = 1; sub(/\/\//, "///", line) }
    if (!is_documented) { text = ""; if ($0 ~ /^ *\/\/\//) covers = 0 }
    held = held line "\n"; as_written = as_written $0 "\n"; lines++; is_documented = 1
    sub(/^ *\/\/\/ ?/, "", line)
    text = text (text == "" ? "" : " ") line
    next
}
/^ *(template <.*>|requires.*|COMOQ_DECLARE_IF_CALLED)$/ { held = held $0 "\n"; as_written = as_written $0 "\n"; lines++; next }

{
    code = $0
    sub(/ *\/\/.*$/, "", code)
    is_call = code ~ /\(/ && code !~ /^ *(namespace|class|struct|enum|union|public:|private:|protected:)/
    name = name_of($0)
    hiding = $0 ~ /detail::(Passkey|WireReader|WireWriter)/ || (!is_documented && is_special($0))
    depth = 0
    inside = (is_call || hiding) && !ends($0)
    if (hiding) { blank(lines + 1); forget(); next }
    if (!is_documented && text != "" && (covers || (is_call && name == last))) {
        about = text ~ /\\code|```/ ? "\\overload" : text
        printf "/** %s */ ", about
    }
    printf "%s", held
    forget()
    last = name
    print shown($0)
}

END { printf "%s", held }
