// SPDX-License-Identifier: MIT
import CComoq

/// How a session is made.
public struct SessionConfig: Sendable {
    /// What the peer may see and ask for.
    public var publish: Origin?
    /// Where the peer's broadcasts are announced, and whose requests it is asked for.
    public var subscribe: Origin?
    /// PEM files: the authorities that a client trusts, in place of the system's; this side's chain and key.
    public var authorities, certificate, key: String?
    /// For tests.
    public var acceptsAnyCertificate = false

    public init(publish: Origin? = nil, subscribe: Origin? = nil) {
        self.publish = publish
        self.subscribe = subscribe
    }

    func asArgument<R>(_ body: (UnsafePointer<comoq_session_config>) throws -> R) rethrows -> R {
        var config = comoq_session_config()
        config.struct_size = UInt32(MemoryLayout<comoq_session_config>.size)
        config.flags = acceptsAnyCertificate ? UInt32(COMOQ_ACCEPT_ANY_CERTIFICATE) : 0
        config.publish = publish?.raw ?? 0
        config.subscribe = subscribe?.raw ?? 0
        return try withExtendedLifetime((publish, subscribe)) {
            try authorities.asText { authorities in
                try certificate.asText { certificate in
                    try key.asText { key in
                        config.authorities_file = authorities
                        config.certificate_file = certificate
                        config.key_file = key
                        return try withUnsafePointer(to: config, body)
                    }
                }
            }
        }
    }
}

/// The thread of the library on which sessions run. It ends with the process.
private let theRuntime = Result<comoq_runtime, Error> {
    var out: comoq_runtime = 0
    try check(comoq_runtime_create(&out))
    return out
}

/// A connection with a peer. Its `close()` ends it in peace.
public final class Session: Handle, @unchecked Sendable {
    /// Makes one session with a relay, up to its answer: tcp, and ws, wss, tls, https, moql and moqt if the library knows them.
    public static func dial(_ url: String, _ config: SessionConfig) async throws -> Session {
        let runtime = try theRuntime.get()
        let value = try await Waits.shared.ask { queue, user, now, op in
            url.asText { url in config.asArgument { comoq_connect(runtime, url, $0, queue, user, now, op) } }
        }
        return Session(value!)
    }

    /// Returns when the session has ended; throws the reason if that was not a good one.
    public func closed() async throws { _ = try await ask { comoq_session_closed($0, $1, $2, $3, $4) } }
}

/// Connects, and again whenever the connection is lost, until the task is cancelled. Requests at `config.subscribe` go to the relay.
public func keepConnected(_ url: String, _ config: SessionConfig) async throws {
    let runtime = try theRuntime.get()
    _ = try await Waits.shared.ask { queue, user, _, op in
        url.asText { url in config.asArgument { comoq_keep_connected(runtime, url, $0, queue, user, op) } }
    }
}

/// Answers all requests of `handler`, of the origin `to`, from the same paths at the origin `from`, until the task is cancelled.
public func proxy(from: Origin, to: Origin, _ handler: Handler) async throws {
    let runtime = try theRuntime.get()
    defer { withExtendedLifetime((from, to, handler)) {} }
    _ = try await Waits.shared.ask { queue, user, _, op in comoq_proxy(runtime, from.raw, to.raw, handler.raw, queue, user, op) }
}

/// Announces at `to` the broadcasts that are announced at `from`, until the task is cancelled.
public func mirror(from: Origin, to: Origin) async throws {
    let runtime = try theRuntime.get()
    defer { withExtendedLifetime((from, to)) {} }
    _ = try await Waits.shared.ask { queue, user, _, op in comoq_mirror(runtime, from.raw, to.raw, queue, user, op) }
}

/// Serves everyone who connects, until it is closed.
public final class Server: Handle, @unchecked Sendable {
    /// With the port that is used.
    public let url: String

    override init(_ listener: comoq_handle) {
        var url = comoq_string()
        comoq_listener_url(listener, &url)
        self.url = String(url)
        super.init(listener)
    }

    /// Listens at once, and serves each client by a session of its own.
    public static func listen(_ url: String, _ config: SessionConfig) throws -> Server {
        let runtime = try theRuntime.get()
        var out: comoq_listener = 0
        try url.asText { url in try config.asArgument { _ = try check(comoq_listen(runtime, url, $0, &out)) } }
        return Server(out)
    }
}
