// SPDX-License-Identifier: MIT
#pragma once
#include "../../quic/connection.hpp"
#include "ngtcp2.hpp"
#include "own_ids.hpp"

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>

namespace comoq::quic::detail {

/// A connection id: at most 20 bytes.
struct RouteId {
    explicit RouteId(std::span<const std::byte> id) noexcept
        : size(static_cast<std::uint8_t>(std::min(id.size(), bytes.size()))) {
        std::copy_n(id.begin(), size, bytes.begin());
    }
    std::array<std::byte, NGTCP2_MAX_CIDLEN> bytes{};
    std::uint8_t size;
    friend auto operator<=>(const RouteId &, const RouteId &) = default;
};

/// The ids that a packet names, with those of a version that is not known.
struct PacketIds {
    std::span<const std::byte> to, from;
    std::uint32_t version = 0;  // 0 for a short header
    /// The sender may be told which versions there are.
    bool wants_version = false;
};
/// Empty if it is not a packet of QUIC.
inline std::optional<PacketIds> ids_in(std::span<const std::byte> datagram) noexcept {
    // The library takes no empty one: it would end the program.
    if (datagram.empty()) return std::nullopt;
    ngtcp2_version_cid ids{};
    const auto *octets = reinterpret_cast<const std::uint8_t *>(datagram.data());
    const int result = ngtcp2_pkt_decode_version_cid(&ids, octets, datagram.size(), own_id_size);
    if (result != 0 && result != NGTCP2_ERR_VERSION_NEGOTIATION) return std::nullopt;
    const auto bytes = [](const std::uint8_t *data, std::size_t size) {
        return std::span(reinterpret_cast<const std::byte *>(data), size);
    };
    return PacketIds{bytes(ids.dcid, ids.dcidlen), bytes(ids.scid, ids.scidlen), ids.version, result != 0};
}

/// Which connection a packet is for, by its id. An ordered table: peers choose ids, and could make a hash table slow. Used on
/// one executor.
class Routes {
public:
    using ResetKey = std::array<std::byte, 32>;
    explicit Routes(const ResetKey &reset_key, const Share &share = {}) noexcept : reset_key_(reset_key), share_(share) {}

    /// The ids of one connection. They are removed with it. It shares the table: a context that dies with its coroutines
    /// destroys them in any order.
    class Entry final : public ConnectionIds {
    public:
        explicit Entry(std::shared_ptr<Routes> routes) noexcept : routes_(std::move(routes)) {}
        Entry(const Entry &) = delete;
        Entry &operator=(const Entry &) = delete;
        ~Entry() override {
            for (const RouteId &each : ids_) routes_->table_.erase(each);
        }
        void belongs_to(const std::shared_ptr<Connection> &connection) noexcept { connection_ = connection; }
        void added(std::span<const std::byte> id) override {
            const RouteId key(id);
            // The table never has an id that this object does not know: it would not remove it.
            const auto [own, is_new] = ids_.insert(key);
            if (!is_new) return;
            bool is_free = false;
            try {
                is_free = routes_->table_.emplace(key, this).second;
            } catch (...) {
                ids_.erase(own);
                throw;
            }
            // Somebody else's, by chance or on purpose: the first one has it.
            if (!is_free) ids_.erase(own);
        }
        void removed(std::span<const std::byte> id) override {
            const RouteId key(id);
            if (ids_.erase(key) != 0) routes_->table_.erase(key);
        }
        void mark(std::span<std::byte> id) const noexcept override { routes_->share_.mark(id); }
        std::span<const std::byte> reset_key() const override { return routes_->reset_key_; }
        std::shared_ptr<Connection> connection() const noexcept { return connection_.lock(); }

    private:
        const std::shared_ptr<Routes> routes_;
        std::weak_ptr<Connection> connection_;
        std::set<RouteId> ids_;
    };

    /// Null if there is none.
    std::shared_ptr<Connection> find(std::span<const std::byte> id) const noexcept {
        const auto place = table_.find(RouteId(id));
        return place == table_.end() ? nullptr : place->second->connection();
    }
    /// Calls `call` with each connection, once for each of its ids. The call may end connections.
    template <class Call> void each(Call &&call) const {
        for (auto place = table_.begin(); place != table_.end();) {
            const RouteId id = place->first;
            if (const auto connection = place->second->connection()) call(*connection);
            place = table_.upper_bound(id);
        }
    }
    /// Ids that are known.
    std::size_t size() const noexcept { return table_.size(); }

private:
    const ResetKey reset_key_;
    const Share share_;
    std::map<RouteId, Entry *> table_;
};

}  // namespace comoq::quic::detail
