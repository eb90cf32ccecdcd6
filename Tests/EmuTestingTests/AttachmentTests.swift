import EmuTesting
import Foundation
import Testing
import XCTest

private let failing = "EMURUN_FAILS_ON_PURPOSE"
private let isAsked = ProcessInfo.processInfo.environment[failing] != nil

private func fresh() throws -> Machine {
  try Machine(.m4LED, image: .bundled("led-heartbeat"))
}

/// For what never comes.
private func waitInVain(_ machine: Machine) throws {
  try machine.advance(until: .edges(of: .pf1, count: 100), limit: .seconds(3))
}

/// Fails, and only in the processes of `AttachmentTests`.
@Suite(.enabled(if: isAsked)) struct FailsOnPurposeTests {
  @Test func waitsInVain() throws { try waitInVain(fresh()) }
}

@Suite(.evidence, .enabled(if: isAsked)) struct FailsWithTheTraitTests {
  @Test func waitsInVain() throws { try waitInVain(fresh()) }
  @Test func readsInVain() throws {
    let machine = try fresh()
    #expect(throws: RunFailure.self) { try waitInVain(machine) }
    _ = try machine.value(of: "no such thing")
  }
}

final class FailsOnPurposeXCTests: XCTestCase {
  func testWaitsInVain() throws {
    try XCTSkipIf(!isAsked)
    try waitInVain(fresh())
  }
}

/// What a test that failed has left on disk, read back: byte for byte what the run is.
@Suite struct AttachmentTests {
  @Test func ofSwiftTesting() throws {
    try inFolder { folder in
      let words = try failed(
        "--testing-library", "swift-testing", "--filter", "FailsOnPurposeTests",
        "--attachments-path", folder)
      #expect(words.contains("waited for 100 edges of PF1"))
      try compare(folder)
    }
  }

  /// What a test throws does not come by the trait's handler of issues.
  @Test(arguments: ["waitsInVain", "readsInVain"]) func ofTheTrait(_ test: String) throws {
    try inFolder { folder in
      _ = try failed(
        "--testing-library", "swift-testing", "--filter", "FailsWithTheTraitTests/\(test)",
        "--attachments-path", folder)
      try compare(folder)
    }
  }

  @Test func ofSwiftTestingInAFolder() throws {
    try inFolder { folder in
      _ = try failed(
        "--testing-library", "swift-testing", "--filter", "FailsOnPurposeTests", evidence: folder)
      try compare(folder + "/EmuTestingTests.FailsOnPurposeTests.waitsInVain")
    }
  }

  @Test func ofXCTest() throws {
    try inFolder { folder in
      let words = try failed(
        "EmuTestingTests.FailsOnPurposeXCTests/testWaitsInVain", evidence: folder)
      #expect(words.contains("waited for 100 edges of PF1"))
      let folders = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(folders.count == 1 && folders.allSatisfy { $0.hasPrefix("xctest-") })
      try compare(folder + "/" + (folders.first ?? ""))
    }
  }

  private func compare(_ folder: String) throws {
    let machine = try fresh()
    #expect(throws: RunFailure.self) { try waitInVain(machine) }
    let files = RunEvidence(machine).files
    let left = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(left.sorted() == files.map(\.name).sorted())
    for (name, bytes) in files {
      let data = FileManager.default.contents(atPath: folder + "/" + name)
      #expect(data.map { [UInt8]($0) == bytes } == true, "\(name)")
    }
  }

  /// What this program prints when it runs the tests that fail.
  private func failed(_ arguments: String..., evidence: String? = nil) throws -> String {
    let process = Process()
    process.executableURL = URL(
      fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
    process.arguments = arguments
    var environment = ProcessInfo.processInfo.environment
    environment[failing] = "1"
    environment["EMURUN_EVIDENCE"] = evidence
    process.environment = environment
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let words = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus != 0)
    return String(decoding: words, as: UTF8.self)
  }

  private func inFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "emurun-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }
}
