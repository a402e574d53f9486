# Makes the files that media_relay is tried on, out of the clip:  cmake -DCLIP=... -DDIR=... -P make_inputs.cmake
cmake_minimum_required(VERSION 3.22)

file(REMOVE_RECURSE "${DIR}")
file(MAKE_DIRECTORY "${DIR}/directory")

function(run output)
    execute_process(COMMAND ${ARGN} OUTPUT_FILE "${DIR}/${output}" RESULT_VARIABLE failed)
    if(failed)
        message(FATAL_ERROR "${ARGN}: ${failed}")
    endif()
endfunction()

# The first `count` bytes of the clip.
function(head output count)
    run(${output} head -c ${count} "${CLIP}")
endfunction()

# The clip from `offset` on.
function(tail output offset)
    math(EXPR first "${offset} + 1")
    run(${output} tail -c +${first} "${CLIP}")
endfunction()

# The named files one after the other.
function(join output)
    list(TRANSFORM ARGN PREPEND "${DIR}/")
    run(${output} cat ${ARGN})
endfunction()

# Where the boxes of the clip begin: ftyp, moov, moof, mdat, then the next moof.
function(next_box offset result)
    file(READ "${CLIP}" size OFFSET ${offset} LIMIT 4 HEX)
    math(EXPR next "${offset} + 0x${size}")
    set(${result} ${next} PARENT_SCOPE)
endfunction()
next_box(0 moov)
next_box(${moov} moof)
next_box(${moof} mdat)
next_box(${mdat} second_moof)

run(empty true)
run(five_bytes printf "hello")
run(text printf "%s\\n" "This is a text file that only calls itself a movie. It is not one, nor does it look like one.")
math(EXPR inside "${mdat} + 1000")
tail(noise ${inside})

# Cut off at places of every kind.
math(EXPR count "${moov} - 9")
head(cut_in_ftyp ${count})
head(cut_after_ftyp ${moov})
math(EXPR count "${moov} + 100")
head(cut_in_moov ${count})
math(EXPR count "${moof} + 4")
head(cut_in_header ${count})
math(EXPR count "${moof} + 100")
head(cut_in_moof ${count})
head(cut_after_moof ${mdat})
math(EXPR count "${second_moof} - 1")
head(cut_in_mdat ${count})
file(SIZE "${CLIP}" size)
math(EXPR count "${size} - 1")
head(cut_by_one ${count})

# A moov and no moof: the start alone, and the order of an ordinary MP4.
head(init ${moof})
head(ftyp ${moov})
math(EXPR count "${moof} - ${moov}")
tail(from_moov ${moov})
run(moov head -c ${count} "${DIR}/from_moov")
run(mdat printf "\\000\\000\\000\\014mdat1234")
join(ordinary ftyp mdat moov)

# Impossible sizes.
run(size_3 printf "\\000\\000\\000\\003free")
join(box_of_3 init size_3)
run(size_max printf "\\377\\377\\377\\377free")
join(box_of_4_gib init size_max)
run(large_max printf "\\000\\000\\000\\001free\\377\\377\\377\\377\\377\\377\\377\\377")
join(box_of_16_eib init large_max)
run(large_15 printf "\\000\\000\\000\\001free\\000\\000\\000\\000\\000\\000\\000\\017")
join(large_box_of_15 init large_15)
run(large_cut printf "\\000\\000\\000\\001free\\000\\000")
join(large_box_cut init large_cut)

# A moof before the moov.
tail(from_moof ${moof})
join(moof_first ftyp from_moof)

# Good ones: other boxes before a fragment, a size of 64 bits, and a last box that goes to the end of the file.
math(EXPR count "${second_moof} - ${moof}")
run(fragment head -c ${count} "${DIR}/from_moof")
run(styp printf "\\000\\000\\000\\020stypmsdh\\000\\000\\000\\000")
run(large_free printf "\\000\\000\\000\\001free\\000\\000\\000\\000\\000\\000\\000\\024abcd")
math(EXPR count "${mdat} - ${moof}")
run(one_moof head -c ${count} "${DIR}/from_moof")
run(endless_mdat printf "\\000\\000\\000\\000mdatup to the end")
join(unusual init styp fragment large_free fragment one_moof endless_mdat)
# The same with the size of the last box, as it is sent.
run(mdat_of_21 printf "\\000\\000\\000\\025mdatup to the end")
join(unusual_with_sizes init styp fragment large_free fragment one_moof mdat_of_21)

# A fragment of more than a group holds; the zeros take no space on the disk.
run(mdat_of_64_mib printf "\\004\\000\\000\\000mdat")
join(large_fragment init one_moof mdat_of_64_mib)
file(SIZE "${DIR}/large_fragment" size)
math(EXPR size "${size} - 8 + 64 * 1024 * 1024")
run(log truncate --size=${size} "${DIR}/large_fragment")
