// swift-tools-version: 6.3
import PackageDescription

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
  name: "emurun",
  products: [
    .executable(name: "emurun", targets: ["emurun"]),
    .library(name: "EmuTesting", targets: ["EmuTesting"]),
    .library(name: "BoardFiles", targets: ["BoardFiles"]),
    .library(name: "EmurunCLI", targets: ["EmurunCLI"]),
    .plugin(name: "FirmwareImages", targets: ["FirmwareImages"]),
    .plugin(name: "Audit", targets: ["Audit"]),
  ],
  traits: [
    // What only the command is made of. A package whose tests do not need it fetches none of it.
    .trait(name: "CommandLine", description: "the command emurun, and board files"),
    // What firmware may have of the runtime. Each image says what of it it wants (docs/firmware.md, Traits).
    .trait(name: "Console", description: "text output; without it a panic has no words"),
    .trait(name: "Allocator", description: "memory from a static pool"),
    .trait(
      name: "FreeList", description: "a pool that takes memory back", enabledTraits: ["Allocator"]),
    .trait(name: "FloatingPoint", description: "FPv4-SP, or F and D"),
    .trait(name: "Scheduler", description: "tasks, timers and channels"),
    .trait(
      name: "Runtime", description: "all of these",
      enabledTraits: ["Console", "Allocator", "FreeList", "FloatingPoint", "Scheduler"]),
    .default(enabledTraits: ["CommandLine", "Runtime"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "CUnicorn", pkgConfig: "unicorn", providers: [.apt(["libunicorn-dev"])]),
    .systemLibrary(name: "CElf", pkgConfig: "libdw", providers: [.apt(["libdw-dev"])]),
    .systemLibrary(name: "CFdt", providers: [.apt(["libfdt-dev"])]),
    .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
    .systemLibrary(
      name: "CCapstone", pkgConfig: "capstone", providers: [.apt(["libcapstone-dev"])]),
    .systemLibrary(name: "CNettle", pkgConfig: "nettle", providers: [.apt(["nettle-dev"])]),
    .target(name: "CoreShim", dependencies: ["CUnicorn"], cSettings: strictC),
    .target(
      name: "Emu", dependencies: ["CoreShim", "CElf", "CFdt", "CNettle"], swiftSettings: strict),
    .target(name: "Devices", dependencies: ["Emu", "CFdt"], swiftSettings: strict),
    .target(name: "CPage", exclude: ["timeline.html"], cSettings: strictC),
    .target(name: "Timeline", dependencies: ["Emu", "CPage"], swiftSettings: strict),
    .target(
      name: "EmuTesting",
      dependencies: ["Emu", "Devices", "Timeline", "Causes", "GDBStub", "MachineCode"],
      swiftSettings: strict),
    .target(name: "MachineCode", dependencies: ["Emu", "CElf"], swiftSettings: strict),
    .target(name: "Proofs", dependencies: ["Emu", "MachineCode"], swiftSettings: strict),
    .target(
      name: "Causes", dependencies: ["Emu", "MachineCode", "Timeline"], swiftSettings: strict),
    .target(name: "Debugger", dependencies: ["Emu"], swiftSettings: strict),
    .target(name: "GDBStub", dependencies: ["Debugger", "Emu"], swiftSettings: strict),
    .target(name: "DebugAdapter", dependencies: ["Debugger", "Emu"], swiftSettings: strict),
    .target(
      name: "BoardFiles",
      dependencies: [
        "Emu", "Devices", "Timeline", "CExpat",
        .product(name: "Yams", package: "Yams", condition: .when(traits: ["CommandLine"])),
      ],
      swiftSettings: strict),
    .target(
      name: "EmurunCLI",
      dependencies: [
        "Emu", "Devices", "Timeline", "BoardFiles", "Causes", "Debugger",
        "DebugAdapter", "GDBStub", "MachineCode", "Proofs", "CCapstone",
        .product(
          name: "ArgumentParser", package: "swift-argument-parser",
          condition: .when(traits: ["CommandLine"])),
        .product(
          name: "NIOCore", package: "swift-nio", condition: .when(traits: ["CommandLine"])),
        .product(
          name: "NIOPosix", package: "swift-nio", condition: .when(traits: ["CommandLine"])),
        .product(
          name: "NIOConcurrencyHelpers", package: "swift-nio",
          condition: .when(traits: ["CommandLine"])),
      ],
      resources: [
        .embedInCode("Template/Package.txt"), .embedInCode("Template/Tests.txt"),
        .embedInCode("Template/CI.txt"), .embedInCode("Template/README.txt"),
        .embedInCode("Template/m4-led.txt"), .embedInCode("Template/rv64-virt.txt"),
        .embedInCode("Template/tm4c123gxl.txt"), .embedInCode("Template/tm4c123gxl-board.txt"),
        .embedInCode("Template/tm4c123gxl-memory.txt"), .embedInCode("Template/policy.txt"),
      ],
      swiftSettings: strict),
    .executableTarget(name: "emurun", dependencies: ["EmurunCLI"], swiftSettings: strict),
    .executableTarget(
      name: "firmware-images",
      cSettings: strictC + [
        .define("CONSOLE", .when(traits: ["Console"])),
        .define("ALLOCATOR", .when(traits: ["Allocator"])),
        .define("FREE_LIST", .when(traits: ["FreeList"])),
        .define("FLOATING_POINT", .when(traits: ["FloatingPoint"])),
        .define("SCHEDULER", .when(traits: ["Scheduler"])),
      ]),
    .plugin(
      name: "FirmwareImages", capability: .buildTool(), dependencies: ["firmware-images"]),
    .plugin(
      name: "Audit",
      capability: .command(
        intent: .custom(
          verb: "audit", description: "Hold each firmware image against its program's policy")),
      dependencies: ["firmware-images"]),
    .testTarget(
      name: "DifferentialTests", dependencies: ["Emu", "Devices", "EmurunCLI", "CFdt"],
      exclude: ["Guests"],
      swiftSettings: strict),
    .target(
      name: "GoldenModel", dependencies: ["Emu", "Devices", "Timeline"],
      path: "Tests/GoldenModel", swiftSettings: strict),
    .executableTarget(
      name: "golden-compare", dependencies: ["GoldenModel"], path: "Tests/GoldenCompare",
      swiftSettings: strict),
    .target(
      name: "PythonReaders", path: "Tests/Python",
      exclude: ["editor.py", "otlp.py", "page.py", "sarif.py", "trace_digest.py", "vcd.py"],
      swiftSettings: strict),
    .testTarget(
      name: "GoldenModelTests", dependencies: ["GoldenModel", "CoreShim"], swiftSettings: strict),
    .testTarget(
      name: "DeterminismTests", dependencies: ["Emu", "Devices"], swiftSettings: strict),
    .executableTarget(
      name: "bench", dependencies: ["Emu", "Devices", "Timeline", "BoardFiles", "GDBStub"],
      path: "Benchmarks/bench",
      swiftSettings: strict),
    .target(
      name: "CoreProofs", dependencies: ["CoreShim", "CUnicorn"], path: "Tests/CoreProofs",
      exclude: ["standalone", "mutants"],
      cSettings: strictC + [.headerSearchPath("../../Sources/CoreShim")],
      linkerSettings: [.linkedLibrary("pthread")]),
    .testTarget(
      name: "CoreShimTests", dependencies: ["CoreShim", "CoreProofs"], swiftSettings: strict),
    .testTarget(name: "EmuTests", dependencies: ["Emu", "CoreShim"], swiftSettings: strict),
    .testTarget(
      name: "EmuTestingTests", dependencies: ["EmuTesting", "MachineCode"], swiftSettings: strict),
    .testTarget(
      name: "EmurunCLITests",
      dependencies: ["EmurunCLI", "Emu", "Devices", "Timeline", "MachineCode", "PythonReaders"],
      swiftSettings: strict),
    .testTarget(
      name: "CausesTests", dependencies: ["Causes", "Emu", "Devices"], swiftSettings: strict),
    .testTarget(
      name: "GDBStubTests", dependencies: ["Debugger", "GDBStub", "Emu", "Devices"],
      swiftSettings: strict),
    .testTarget(
      name: "DebugAdapterTests", dependencies: ["DebugAdapter", "Debugger", "Emu", "Devices"],
      swiftSettings: strict),
    .testTarget(
      name: "BoardFilesTests", dependencies: ["BoardFiles", "Emu", "Devices"],
      swiftSettings: strict),
    .testTarget(
      name: "ProofsTests",
      dependencies: ["Proofs", "MachineCode", "EmurunCLI", "Emu", "Devices", "PythonReaders"],
      swiftSettings: strict),
    .testTarget(
      name: "TimelineTests", dependencies: ["Emu", "Timeline", "PythonReaders"],
      swiftSettings: strict),
    .testTarget(
      name: "FirmwareTests", dependencies: ["Emu", "Devices", "EmuTesting", "EmurunCLI"],
      swiftSettings: strict),
    .testTarget(
      name: "DevicesTests", dependencies: ["Emu", "Devices", "CFdt"], swiftSettings: strict),
  ]
)
