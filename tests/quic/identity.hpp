/// \file
/// A server's identity for tests: a certificate that signs itself, for "test", "localhost" and 127.0.0.1, with an Ed25519 key.
/// Its signatures have one size, so that packets have the same sizes in each run.
#pragma once

#include <string>

#include <comoq/quic/credentials.hpp>
#include <comoq/quic/fingerprint.hpp>

namespace comoq::test {

inline constexpr const char *test_chain =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBVzCCAQmgAwIBAgIUNGpAdkBB3q2h1MTeQ7g5e4blfo8wBQYDK2VwMA8xDTAL\n"
    "BgNVBAMMBHRlc3QwIBcNMjYxMjAxMTUwMTQ3WhgPMjEyNjExMDcxNTAxNDdaMA8x\n"
    "DTALBgNVBAMMBHRlc3QwKjAFBgMrZXADIQBwvvHvD0roN/1/bL+CPuh6SWwclVjK\n"
    "tDPhc8K8d1ue96N1MHMwHQYDVR0OBBYEFJqw31acRqEIRQfyV0qnTCnT9NqrMB8G\n"
    "A1UdIwQYMBaAFJqw31acRqEIRQfyV0qnTCnT9NqrMA8GA1UdEwEB/wQFMAMBAf8w\n"
    "IAYDVR0RBBkwF4IEdGVzdIIJbG9jYWxob3N0hwR/AAABMAUGAytlcANBABAsV558\n"
    "UF1BTeP9rwlRlTAxfkoh+GDKhW+VmSd7HgouYQWBAPWbtduJ4hRPtRjy+0txZysH\n"
    "6BUANnP9v3L+oQc=\n"
    "-----END CERTIFICATE-----\n";
inline constexpr const char *test_key =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIMCBvD4LqYPEjip8BcdLGVbJKvxp6tCKXHRk34WqoYEZ\n"
    "-----END PRIVATE KEY-----\n";

// The same names in one that is for clients alone.
inline constexpr const char *client_chain =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBbjCCASCgAwIBAgIUHMtn0pBjwbH5FqvsQsOLQSHp9egwBQYDK2VwMA8xDTAL\n"
    "BgNVBAMMBHRlc3QwIBcNMjYxMjAxMTcwNDEwWhgPMjEyNjExMDcxNzA0MTBaMA8x\n"
    "DTALBgNVBAMMBHRlc3QwKjAFBgMrZXADIQCK8rir2d5XXsuIOlgUk+qAq2WSr9Nc\n"
    "+OHQLwUlvSjUC6OBizCBiDAdBgNVHQ4EFgQUWDVE5E/jJs30er0+8FaJkgKk5Dww\n"
    "HwYDVR0jBBgwFoAUWDVE5E/jJs30er0+8FaJkgKk5DwwDwYDVR0TAQH/BAUwAwEB\n"
    "/zAgBgNVHREEGTAXggR0ZXN0gglsb2NhbGhvc3SHBH8AAAEwEwYDVR0lBAwwCgYI\n"
    "KwYBBQUHAwIwBQYDK2VwA0EAblwWTpD4jguvXRPsbx5//HHWgGhpCn01W1zwaTz6\n"
    "hE7w2zVUgdmjRHbASlRFW1XXUdJ7GOnh33+eICp+f8AwDg==\n"
    "-----END CERTIFICATE-----\n";
inline constexpr const char *client_key =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIOpg1DeSi1AHThKv3N+FLylLJGaltLW53ohgYd7sg7Is\n"
    "-----END PRIVATE KEY-----\n";

inline quic::ServerCredentials test_identity() { return quic::ServerCredentials::from_pem(test_chain, test_key); }

/// What a client pins to trust that server.
inline std::string pin_of(const quic::ServerCredentials &identity) { return "sha256:" + quic::to_string(identity.fingerprint()); }

}  // namespace comoq::test
