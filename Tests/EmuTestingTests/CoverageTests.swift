import EmuTesting
import Foundation
import MachineCode
import Testing
import XCTest

private let wanted = "EMURUN_COVERS_ON_PURPOSE"
private let isAsked = ProcessInfo.processInfo.environment[wanted] != nil

private func ran(for duration: Duration) throws -> Machine {
  let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"))
  try machine.advance(for: duration)
  return machine
}

/// Of a process of `CoverageTests`.
@Suite(.enabled(if: isAsked)) struct CoveredTests {
  @Test func aShortRun() throws { _ = try ran(for: .milliseconds(100)) }
  /// On from a snapshot.
  @Test func longer() throws {
    let snapshot = try ran(for: .milliseconds(100)).snapshot()
    for _ in 0..<3 {
      let machine = try Machine(snapshot)
      try machine.advance(for: .seconds(1))
    }
  }
  @Test func another() throws {
    let machine = try Machine(image: .bundled("hello-rv64"))
    try machine.advance(for: .milliseconds(1))
  }
}

final class CoveredXCTests: XCTestCase {
  func testAShortRun() throws {
    try XCTSkipIf(!isAsked)
    _ = try ran(for: .milliseconds(100))
  }
}

/// EMURUN_COVERAGE: what tests have executed of the firmware.
@Suite struct CoverageTests {
  @Test func ofSwiftTesting() throws {
    let files = try covered("--testing-library", "swift-testing", "--filter", "CoveredTests")
    #expect(files.count == 2 && files.keys.contains { $0.hasPrefix("hello-rv64.elf-") })
    let heartbeat = try #require(files.first { $0.key.hasPrefix("led-heartbeat.elf-") }?.value)
    // Half a second was reached by the one that went on from a snapshot.
    #expect(try heartbeat == expected(for: .milliseconds(1100)))
    #expect(try heartbeat != expected(for: .milliseconds(100)))
  }

  @Test func ofXCTest() throws {
    let files = try covered("EmuTestingTests.CoveredXCTests/testAShortRun")
    #expect(files.count == 1)
    #expect(try files.first?.value == expected(for: .milliseconds(100)))
  }

  private func expected(for duration: Duration) throws -> String? {
    var options = MachineOptions()
    options.keepsExecutedCode = true
    let machine = try Machine(.m4LED, image: .bundled("led-heartbeat"), options: options)
    try machine.advance(for: duration)
    return LCOV(machine.image, machine.executedCode)?.text
  }

  /// What this program leaves in the folder, by file.
  private func covered(_ arguments: String...) throws -> [String: String] {
    let folder = NSTemporaryDirectory() + "emurun-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let process = Process()
    process.executableURL = URL(
      fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    process.arguments = arguments
    var environment = ProcessInfo.processInfo.environment
    environment[wanted] = "1"
    environment["EMURUN_COVERAGE"] = folder
    process.environment = environment
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    var files: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      #expect(name.hasSuffix("-\(process.processIdentifier).info"))
      files[name] = FileManager.default.contents(atPath: folder + "/" + name)
        .map { String(decoding: $0, as: UTF8.self) }
    }
    return files
  }
}
