// swift-tools-version: 6.3
import PackageDescription

// A device of one's own: in a board file, in a test, and in an emurun that knows it. In a package of yours the dependency is
// .package(url: "https://example.com/emurun", branch: "main").
let package = Package(
  name: "dial",
  dependencies: [.package(name: "emurun", path: "../..")],
  targets: [
    .target(name: "Dial", dependencies: [.product(name: "EmuTesting", package: "emurun")]),
    .executableTarget(
      name: "dial-emurun",
      dependencies: ["Dial", .product(name: "EmurunCLI", package: "emurun")]),
    .testTarget(
      name: "DialTests",
      dependencies: [
        "Dial", .product(name: "EmuTesting", package: "emurun"),
        .product(name: "BoardFiles", package: "emurun"),
      ]),
  ]
)
