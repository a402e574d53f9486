// SPDX-License-Identifier: MIT
#pragma once
#include "../containers/random_bits.hpp"
#include "../wait/event.hpp"

#include <cstdint>
#include <cstdio>
#include <list>
#include <string>
#include <string_view>

namespace comoq::detail {

/// Names of tracks that nobody has: a probe for one of them shows whether a question comes back. Used on one strand.
///
/// Shared requests do not tell who made them, and in a ring of relays each question may have joined the next relay's. A
/// name that is used once joins nothing: a relay that meets it again stands in a ring.
class RingCheck {
public:
    /// Whether a track's name is that of a probe.
    static bool is_probe(std::string_view name) noexcept { return name.substr(0, prefix.size()) == prefix; }

    /// A name in flight.
    class Probe {
    public:
        explicit Probe(RingCheck &of) : check_(of), name_(check_.new_name()), place_(check_.probes_.insert(check_.probes_.end(), this)) {}
        Probe(const Probe &) = delete;
        Probe &operator=(const Probe &) = delete;
        ~Probe() { check_.probes_.erase(place_); }

        const std::string &name() const noexcept { return name_; }
        Event &came_back() noexcept { return came_back_; }

    private:
        RingCheck &check_;
        const std::string name_;
        Event came_back_;
        const std::list<Probe *>::iterator place_;
    };

    /// A track of that name is requested here. True if the probe is this side's own; it is then notified.
    bool meet(std::string_view name) noexcept {
        if (!is_probe(name)) return false;
        for (Probe *probe : probes_) {
            if (probe->name() != name) continue;
            probe->came_back().set();
            return true;
        }
        return false;
    }

private:
    static constexpr std::string_view prefix = ".comoq-ring-";

    /// Unique, and nobody can guess it.
    static std::string new_name() {
        std::string name(prefix);
        for (int i = 0; i < 2; ++i) {
            char digits[17];
            std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(random_bits()));
            name += digits;
        }
        return name;
    }

    std::list<Probe *> probes_;
};

}  // namespace comoq::detail
