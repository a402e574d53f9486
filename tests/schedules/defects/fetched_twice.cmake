# A group is asked for twice.
set(found_by "schedules: a group on demand is asked for once, whoever comes and goes meanwhile")
set(header impl/detail/media/track_state.ipp)
set(search [==[if (auto pending = requests_.join(sequence, wish, change.wake))]==])
set(replace [==[if (auto pending = SEEDED && sequence == 7 ? nullptr : requests_.join(sequence, wish, change.wake))]==])
