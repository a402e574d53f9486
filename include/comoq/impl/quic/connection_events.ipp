// SPDX-License-Identifier: MIT
#pragma once
#include "../../quic/connection.hpp"
#include "../../detail/quic/stop_frames.hpp"
#include "../../detail/quic/stream_numbers.hpp"

#include <algorithm>
#include <exception>

// What the library tells while it reads and writes packets.

namespace comoq::quic {

/// The library's callbacks. All are called under the connection's lock, while `after_` is set.
struct ConnectionEvents {
    static Connection &of(void *connection) noexcept { return *static_cast<Connection *>(connection); }
    /// No exception may reach the library.
    template <class Call> static int guarded(Call &&call) noexcept {
        try {
            return call();
        } catch (...) {
            return NGTCP2_ERR_CALLBACK_FAILURE;
        }
    }
    /// While the library runs that may call back. It ends with an exception, too.
    class Calling {
    public:
        Calling(Connection &connection, comoq::detail::Aftermath &after) noexcept : connection_(connection) {
            connection_.after_ = &after;
        }
        Calling(const Calling &) = delete;
        Calling &operator=(const Calling &) = delete;
        ~Calling() {
            connection_.after_ = nullptr;
            reader = nullptr;
        }

    private:
        Connection &connection_;
    };
    static std::span<const std::byte> bytes(const std::uint8_t *data, std::size_t size) noexcept {
        return {reinterpret_cast<const std::byte *>(data), size};
    }

    static void random(std::uint8_t *to, std::size_t size, const ngtcp2_rand_ctx *context) {
        try {
            of(context->native_handle).random_({reinterpret_cast<std::byte *>(to), size});
        } catch (...) {
            // This call cannot fail. It asks for what only has to differ.
            static_cast<void>(gnutls_rnd(GNUTLS_RND_NONCE, to, size));
        }
    }
    static int new_id(ngtcp2_conn *, ngtcp2_cid *id, std::uint8_t *token, std::size_t size, void *user) {
        return guarded([&] {
            Connection &self = of(user);
            self.random_({reinterpret_cast<std::byte *>(id->data), size});
            id->datalen = size;
            if (self.ids_ != nullptr) self.ids_->mark({reinterpret_cast<std::byte *>(id->data), size});
            const auto key = self.ids_ != nullptr ? self.ids_->reset_key() : std::span<const std::byte>(self.reset_key_);
            const int result = ngtcp2_crypto_generate_stateless_reset_token(
                token, reinterpret_cast<const std::uint8_t *>(key.data()), key.size(), id);
            if (result != 0) return NGTCP2_ERR_CALLBACK_FAILURE;
            if (self.ids_ != nullptr) self.ids_->added(bytes(id->data, id->datalen));
            return 0;
        });
    }
    static int id_removed(ngtcp2_conn *, const ngtcp2_cid *id, void *user) {
        return guarded([&] {
            if (of(user).ids_ != nullptr) of(user).ids_->removed(bytes(id->data, id->datalen));
            return 0;
        });
    }
    static int handshake_over(ngtcp2_conn *, void *user) {
        return guarded([&] {
            if (!of(user).agrees_on_protocol()) return NGTCP2_ERR_CALLBACK_FAILURE;
            of(user).handshake_over();
            return 0;
        });
    }
    static int token(std::span<const std::byte> given, void *user) noexcept {
        const Connection &self = of(user);
        if (self.config_.tokens != nullptr) self.config_.tokens->keep(self.server_, given);
        return 0;
    }
    static int decrypt(std::uint8_t *to, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *context,
                       const std::uint8_t *from, std::size_t size, const std::uint8_t *nonce, std::size_t nonce_size,
                       const std::uint8_t *head, std::size_t head_size) {
        const int result = ngtcp2_crypto_decrypt_cb(to, aead, context, from, size, nonce, nonce_size, head, head_size);
        if (result == 0 && reader != nullptr && (head[0] & 0x80) == 0 && size >= aead->max_overhead) {
            Connection &self = *reader;
            return guarded([&] {
                detail::StopFrames(bytes(to, size - aead->max_overhead)).each([&](std::uint64_t stream, std::uint64_t number) {
                    self.stops_.emplace_back(stream, number);
                });
                return 0;
            });
        }
        return result;
    }
    /// The connection that reads a packet on this thread: `decrypt` has no other way to know.
    static inline thread_local Connection *reader = nullptr;

    // Streams.

    static int opened(ngtcp2_conn *wire, std::int64_t id, void *user) {
        return guarded([&] {
            Connection &self = of(user);
            const bool is_uni = Connection::is_uni(id);
            if (is_uni && detail::peer_uni_streams_stay && !self.may_leave_over()) return NGTCP2_ERR_CALLBACK_FAILURE;
            detail::Stream &stream = self.add(id, !is_uni, true);
            if (ngtcp2_conn_set_stream_user_data(wire, id, &stream) != 0) return NGTCP2_ERR_CALLBACK_FAILURE;
            if (self.http3_ != nullptr)
                stream.owner = detail::Stream::Owner::Unknown;
            else
                self.arrived(Connection::kind_of(id), {stream.send, stream.receive}, *self.after_);
            return 0;
        });
    }
    static int data(ngtcp2_conn *, std::uint32_t flags, std::int64_t id, std::uint64_t, const std::uint8_t *data,
                    std::size_t size, void *user, void *of_stream) {
        return guarded([&] {
            Connection &self = of(user);
            auto *stream = static_cast<detail::Stream *>(of_stream);
            if (stream == nullptr || stream->receive == nullptr) {
                self.give_credit(id, size, size);
                return 0;
            }
            const bool is_end = (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0;
            if (stream->owner == detail::Stream::Owner::Unknown) {
                self.sort(*stream, bytes(data, size), is_end);
                return self.http3_->failure == h3::Code::None ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
            }
            if (stream->owner == detail::Stream::Owner::Early) self.http3_->early_bytes += size;
            if (!stream->receive->push(bytes(data, size), self.after_->wake)) self.give_credit(id, size, size);
            if (stream->owner == detail::Stream::Owner::Early && self.http3_->early_bytes > detail::Http3Layer::most_early_bytes) {
                self.refuse(*stream, h3::Code::BufferedStreamRejected, *self.after_);
                return 0;
            }
            if (is_end) {
                stream->receive->end(self.after_->wake);
                received_all(self, *stream);
            }
            return 0;
        });
    }
    static int reset(ngtcp2_conn *, std::int64_t, std::uint64_t, std::uint64_t number, void *user, void *of_stream) {
        return guarded([&] {
            Connection &self = of(user);
            auto *stream = static_cast<detail::Stream *>(of_stream);
            // A stream that comes with its reset alone is over before anybody could see it.
            if (stream == nullptr || stream->receive == nullptr) return 0;
            const std::size_t dropped = stream->receive->reset(self.code_of_end(number), self.after_->wake);
            self.give_credit(stream->id, 0, dropped);
            if (Connection::is_uni(stream->id)) self.resets_.push_back(stream->id);
            // Nobody will ever know whose it was.
            if (stream->owner == detail::Stream::Owner::Unknown) {
                stream->accepted = true;
                self.is_lost_for_session(Connection::is_uni(stream->id), *self.after_);
                if (stream->send != nullptr) {
                    self.refuse(*stream, h3::Code::RequestIncomplete, *self.after_);
                    return 0;
                }
            }
            received_all(self, *stream);
            return 0;
        });
    }
    /// Where the library does not tell that such a stream is over, this is the end of it.
    static void received_all(Connection &self, detail::Stream &stream) {
        if (detail::peer_uni_streams_stay && Connection::is_uni(stream.id)) stream.closed = true;
        self.settle(stream.id, *self.after_);
    }
    static int closed(ngtcp2_conn *, std::uint32_t flags, std::int64_t, std::uint64_t number, void *user, void *of_stream) {
        return guarded([&] {
            Connection &self = of(user);
            auto *stream = static_cast<detail::Stream *>(of_stream);
            if (stream == nullptr) {
                // It was left over, and is not any more.
                if (self.leftovers_ != 0) --self.leftovers_;
                return 0;
            }
            if (stream->send != nullptr) {
                detail::SendSide &side = *stream->send;
                self.sender_.forget(side);
                // Without an end of its own, and alive: the peer has stopped it.
                if (!side.end_sent) {
                    if ((flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) == 0) number = 0;
                    side.fail(self.code_of_end(number), *self.after_);
                } else if (!side.over() && !side.is_complete()) {
                    side.complete(self.after_->wake);
                }
                side.retained.clear(*self.after_);
            }
            if (stream->receive != nullptr) stream->receive->end(self.after_->wake);
            if (stream->owner == detail::Stream::Owner::Unknown) stream->accepted = true;
            stream->closed = true;
            self.settle(stream->id, *self.after_);
            return 0;
        });
    }
    static int acknowledged(ngtcp2_conn *, std::int64_t, std::uint64_t, std::uint64_t size, void *user, void *of_stream) {
        return guarded([&] {
            Connection &self = of(user);
            self.acknowledged_ += static_cast<std::size_t>(size);
            auto *stream = static_cast<detail::Stream *>(of_stream);
            if (stream == nullptr || stream->send == nullptr) return 0;
            detail::SendSide &side = *stream->send;
            side.retained.release(static_cast<std::size_t>(size), *self.after_);
            if (side.end_sent && side.retained.size() == 0 && !side.over() && !side.is_complete()) {
                side.complete(self.after_->wake);
                self.settle(side.id, *self.after_);
            }
            return 0;
        });
    }
    /// Datagrams have their size as their number.
    static int datagram_acknowledged(ngtcp2_conn *, std::uint64_t size, void *user) noexcept {
        of(user).acknowledged_ += static_cast<std::size_t>(size);
        return 0;
    }
    static int may_send_more(ngtcp2_conn *, std::int64_t, std::uint64_t, void *user, void *of_stream) {
        return guarded([&] {
            auto *stream = static_cast<detail::Stream *>(of_stream);
            if (stream != nullptr && stream->send != nullptr) of(user).sender_.set_blocked(*stream->send, false);
            return 0;
        });
    }
    template <Connection::Kind kind> static int may_open_more(ngtcp2_conn *, std::uint64_t, void *user) {
        Connection &self = of(user);
        if (self.after_ != nullptr) self.StreamTransport::may_open_more(kind, *self.after_);
        return 0;
    }
    static int datagram(ngtcp2_conn *, std::uint32_t, const std::uint8_t *data, std::size_t size, void *user) {
        return guarded([&] {
            Connection &self = of(user);
            if (self.http3_ != nullptr) {
                self.datagram_of_layer(bytes(data, size), *self.after_);
                return self.http3_->failure == h3::Code::None ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
            }
            Bytes copy = Bytes::copy(bytes(data, size));
            self.datagram_arrived(copy, *self.after_);
            self.after_->drop(std::move(copy));
            return 0;
        });
    }

    static ngtcp2_callbacks all(bool is_client) noexcept {
        ngtcp2_callbacks all{};
        if (is_client) {
            all.client_initial = ngtcp2_crypto_client_initial_cb;
            all.recv_new_token = detail::new_token<token>;
        } else {
            all.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
        }
        all.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
        all.encrypt = ngtcp2_crypto_encrypt_cb;
        all.decrypt = decrypt;
        all.hp_mask = ngtcp2_crypto_hp_mask_cb;
        all.recv_retry = ngtcp2_crypto_recv_retry_cb;
        all.update_key = ngtcp2_crypto_update_key_cb;
        all.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
        all.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
        all.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
        all.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
        all.rand = random;
        all.get_new_connection_id = new_id;
        all.remove_connection_id = id_removed;
        all.handshake_completed = handshake_over;
        all.stream_open = opened;
        all.recv_stream_data = data;
        all.stream_reset = reset;
        all.stream_close = closed;
        all.acked_stream_data_offset = acknowledged;
        all.extend_max_stream_data = may_send_more;
        all.extend_max_local_streams_bidi = may_open_more<Connection::Kind::Bidi>;
        all.extend_max_local_streams_uni = may_open_more<Connection::Kind::Uni>;
        all.recv_datagram = datagram;
        all.ack_datagram = datagram_acknowledged;
        return all;
    }
};

}  // namespace comoq::quic
