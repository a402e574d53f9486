# Prints each line of doxygen's XML that has a type of `detail` in the signature of a public member. An alias may be made of
# one: its comment says what it is.

/<compounddef [^>]*prot="private"/ { exit }
/<memberdef / { skipped = /prot="private"/ || /kind="(typedef|friend)"/ }
/<\/memberdef>/ { skipped = 0 }
!skipped && /^ *<(type|argsstring|definition|defval|basecompoundref)[ >]/ && /detail::/ {
    gsub(/<[^>]*>/, "")
    gsub(/&lt;/, "<")
    gsub(/&gt;/, ">")
    sub(/^ +/, "")
    print
}
