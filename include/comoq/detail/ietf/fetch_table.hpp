// SPDX-License-Identifier: MIT
#pragma once
#include "../wait/event.hpp"
#include "stream_reader.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

namespace comoq::ietf::detail {

/// This side's fetches, by the numbers of their requests, which their streams carry. Used on one executor.
class FetchTable {
public:
    /// A fetch, from before it is asked for.
    class Entry {
    public:
        Entry(FetchTable &table, std::uint64_t id) : table_(table), id_(id) { table_.entries_[id] = this; }
        Entry(const Entry &) = delete;
        Entry &operator=(const Entry &) = delete;
        ~Entry() { table_.entries_.erase(id_); }

        /// Completes when its stream has come.
        Operation<void> came() const { return came_.wait(); }
        std::optional<StreamReader> take() { return std::exchange(reader_, std::nullopt); }

    private:
        friend class FetchTable;
        FetchTable &table_;
        const std::uint64_t id_;
        std::optional<StreamReader> reader_;
        bool has_come_ = false;
        comoq::detail::Event came_;
    };

    /// Its stream has come. False if nobody has asked for it, or not any more, or it has come before.
    bool give(std::uint64_t id, StreamReader &reader) {
        const auto found = entries_.find(id);
        if (found == entries_.end() || std::exchange(found->second->has_come_, true)) return false;
        found->second->reader_.emplace(std::move(reader));
        found->second->came_.set();
        return true;
    }

private:
    std::unordered_map<std::uint64_t, Entry *> entries_;
};

}  // namespace comoq::ietf::detail
