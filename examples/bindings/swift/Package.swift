// swift-tools-version:5.10
// SPDX-License-Identifier: MIT
import PackageDescription

let package = Package(
    name: "Comoq",
    platforms: [.macOS(.v13), .iOS(.v16)],
    products: [.library(name: "Comoq", targets: ["Comoq"])],
    targets: [
        .systemLibrary(name: "CComoq", pkgConfig: "comoq_c"),
        .target(name: "Comoq", dependencies: ["CComoq"], swiftSettings: [.enableExperimentalFeature("StrictConcurrency")]),
        .executableTarget(name: "Example", dependencies: ["Comoq"]),
        .executableTarget(name: "Scenarios", dependencies: ["Comoq"]),
    ]
)
