# A group that is asked for already is asked for again.
set(tests memory)
set(header detail/track_state.hpp)
set(search [==[if (auto pending = requests_.join(sequence, priority))]==])
set(replace [==[if (auto pending = sequence == 7 ? nullptr : requests_.join(sequence, priority))]==])
