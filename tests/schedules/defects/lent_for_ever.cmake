# A look-up finds the broadcast itself, and not what was lent.
set(found_by "schedules: a broadcast is lent until its last holder lets go of it, and nobody finds it afterwards")
set(header detail/relay/lease.hpp)
set(search [==[
          held_(given_) {}
]==])
set(replace [==[
          held_(SEEDED ? of.state(Passkey()) : given_) {}
]==])
