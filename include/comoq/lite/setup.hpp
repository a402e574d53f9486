// SPDX-License-Identifier: MIT
#pragma once
#include "../detail/wire/wire_reader.hpp"
#include "../detail/wire/wire_writer.hpp"
#include "../detail/lite/version.hpp"
#include "../error.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace comoq::lite {

/// The first message of each side, on a stream of its own.
struct Setup {
    /// What a side can do about PROBE: nothing, report what it measures, or also send more to find out.
    enum class Probe : std::uint64_t { None = 0, Report = 1, Increase = 2 };
    /// What a client is for. One with a single role says so.
    enum class Role : std::uint64_t { Publisher = 1, Subscriber = 2 };

    /// The sender's abilities for PROBE. A level above Increase, of a later protocol, is read as Increase.
    std::optional<Probe> probe;
    /// The path that the client asks for, with the query, where no URL contains it. From a client only.
    std::optional<std::string> path;
    /// The one role that a client will take. From a client only. A role that this side does not know is read as none.
    std::optional<Role> role;
    /// The price of the link, if the sender has set one: the receiver adds it to the cost of each route, unless it has a
    /// price of its own. Not read on moq-lite-05, which knows no costs.
    std::optional<std::uint64_t> cost;
    /// The hop id of the sender's origin. 0 names nobody, and is read as none.
    std::optional<std::uint64_t> origin;

    friend bool operator==(const Setup &, const Setup &) = default;

    /// The most parameters that a SETUP may have.
    static constexpr std::uint64_t max_parameters = 64;

    /// The fault of a SETUP that cannot be read: ProtocolViolation if a parameter is in it twice, else Decode.
    static std::error_code fault(std::span<const std::byte> body) {
        comoq::detail::WireReader from(body);
        std::set<std::uint64_t> seen;
        for (std::uint64_t left = std::min(from.varint(), max_parameters); left != 0 && from.ok(); --left) {
            if (!seen.insert(from.varint()).second && from.ok()) return make_error_code(Error::ProtocolViolation);
            from.bytes(from.varint());
        }
        return make_error_code(Error::Decode);
    }

private:
    // For the codec alone: the arguments of `write` and `read` are types of the library's own.
    template <class Message> friend void encode(const Message &, Version, std::vector<std::byte> &);
    template <class Message> friend std::optional<Message> decode(std::span<const std::byte>, Version);

    enum class Parameter : std::uint64_t { Probe = 1, Path = 2, Role = 3, Cost = 4, Origin = 5 };

    void write(comoq::detail::WireWriter &to, const Layout &) const {
        to.varint(std::uint64_t{probe.has_value()} + path.has_value() + role.has_value() + cost.has_value() + origin.has_value());
        const auto number = [&to](Parameter id, std::uint64_t value) {
            to.varint(static_cast<std::uint64_t>(id));
            const auto written = comoq::detail::write_varint(value);
            to.varint(written.size);
            to.bytes(written.span());
        };
        if (probe) number(Parameter::Probe, static_cast<std::uint64_t>(*probe));
        if (path) {
            to.varint(static_cast<std::uint64_t>(Parameter::Path));
            to.text(*path);
        }
        if (role) number(Parameter::Role, static_cast<std::uint64_t>(*role));
        if (cost) number(Parameter::Cost, std::min(*cost, comoq::detail::max_varint));
        if (origin) number(Parameter::Origin, *origin);
    }

    static Setup read(comoq::detail::WireReader &from, const Layout &layout) {
        Setup setup;
        const std::uint64_t count = from.varint();
        if (count > max_parameters) from.fail();
        std::set<std::uint64_t> seen;
        for (std::uint64_t left = count; left != 0 && from.ok(); --left) {
            const std::uint64_t id = from.varint();
            comoq::detail::WireReader value(from.bytes(from.varint()));
            if (!seen.insert(id).second) from.fail();
            setup.read_parameter(static_cast<Parameter>(id), value, layout);
            if (!value.complete()) from.fail();
        }
        return setup;
    }

    /// Unknown parameters are skipped.
    void read_parameter(Parameter id, comoq::detail::WireReader &value, const Layout &layout) {
        switch (id) {
        case Parameter::Probe:
            probe = static_cast<Probe>(std::min(value.varint(), static_cast<std::uint64_t>(Probe::Increase)));
            return;
        case Parameter::Path: path = value.rest_as_text(); return;
        case Parameter::Role: {
            const auto which = static_cast<Role>(value.varint());
            if (which == Role::Publisher || which == Role::Subscriber) role = which;
            return;
        }
        case Parameter::Cost:
            if (const auto number = value.varint(); layout.route_cost) cost = number;
            return;
        case Parameter::Origin:
            if (const auto hop = value.varint(); hop != 0) origin = hop;
            return;
        }
        value.rest();
    }
};

}  // namespace comoq::lite
