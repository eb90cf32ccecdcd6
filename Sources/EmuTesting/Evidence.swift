import Emu
import Glibc
import Synchronization
import Testing
import Timeline

/// The environment variable that names a folder for the evidence of tests that fail: of XCTest, which has no attachments, and of
/// Swift Testing beside its own.
public let evidenceFolderVariable = "EMURUN_EVIDENCE"

extension Machine {
  /// `timeline.html`, `led.vcd`, `uart.log` and `report.json` of the run so far: attached to the running test of Swift Testing (see
  /// `--attachments-path`), and in a folder of its own below the one that the environment variable EMURUN_EVIDENCE names, if it does.
  /// A test that fails by a `RunFailure` does it by itself; one with the trait `.evidence` for each failed expectation too.
  ///
  /// - Returns: where the files are; nil: EMURUN_EVIDENCE names no folder, or they cannot be written there.
  @discardableResult
  public func keepEvidence() -> String? {
    guard Test.current != nil || getenv(evidenceFolderVariable) != nil else { return nil }
    let evidence = RunEvidence(self)
    if Test.current != nil {
      for (name, bytes) in evidence.files { Attachment.record(bytes, named: name) }
    }
    guard let folder = EvidenceFolder.make() else { return nil }
    for (name, bytes) in evidence.files where !EvidenceFolder.write(bytes, folder + "/" + name) {
      return nil
    }
    return folder
  }
}

enum EvidenceFolder {
  /// One that nobody else has: the tests of a suite run in many processes, and in many threads.
  static func make() -> String? {
    guard let root = getenv(evidenceFolderVariable).map({ String(cString: $0) }) else { return nil }
    mkdir(root, 0o777)
    let test = Test.current.map { name($0.id.description) } ?? "xctest-\(getpid())"
    for number in 1...9999 {
      let path = "\(root)/\(test)" + (number == 1 ? "" : "-\(number)")
      if mkdir(path, 0o777) == 0 { return path }
      if errno != EEXIST { return nil }
    }
    return nil
  }

  /// "Suite/blinks()/Tests.swift:12:3" without what a folder's name has not.
  private static func name(_ id: String) -> String {
    let parts = id.split(separator: "/").filter { !$0.contains(".swift:") }
    let kept = parts.joined(separator: ".").filter {
      $0.isLetter || $0.isNumber || "._-".contains($0)
    }
    return String(kept.prefix(100))
  }

  static func write(_ bytes: [UInt8], _ path: String) -> Bool {
    guard let file = fopen(path, "w") else { return false }
    let isWritten = fwrite(bytes, 1, bytes.count, file) == bytes.count
    return fclose(file) == 0 && isWritten
  }
}

/// Of a test or a suite: whatever fails in it keeps the evidence of the machines that it ran last, `@Suite(.evidence)`, and says
/// which instructions were the last ones, and why values that were read by name are what they are.
public struct EvidenceTrait: TestTrait, SuiteTrait, TestScoping {
  public var isRecursive: Bool { true }

  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let log = EvidenceLog()
    let trait = IssueHandlingTrait.compactMapIssues { issue in
      guard issue.isFailure else { return issue }
      var issue = issue
      if let words = log.explain(issue) { issue.comments.append(Comment(rawValue: words)) }
      log.keep()
      return issue
    }
    try await EvidenceLog.$current.withValue(log) {
      do {
        try await trait.provideScope(for: test, testCase: testCase, performing: function)
      } catch {
        // What a test throws becomes an issue behind its traits, where the handler above does not see it.
        log.end(by: error)
        throw error
      }
    }
  }
}

extension Trait where Self == EvidenceTrait {
  public static var evidence: Self { Self() }
}

/// The machines that the running test has run, the last few of them.
final class EvidenceLog: @unchecked Sendable {
  @TaskLocal static var current: EvidenceLog?
  private static let most = 4
  private static let mostReads = 16

  private let machines = Mutex<[Unchecked]>([])
  private let reads = Mutex<[(name: String, machine: Unchecked)]>([])
  private struct Unchecked: @unchecked Sendable { let machine: Machine }

  func note(_ machine: Machine) {
    let entry = Unchecked(machine: machine)
    machines.withLock { machines in
      if machines.contains(where: { $0.machine === entry.machine }) { return }
      if machines.count == Self.most { machines.removeFirst() }
      machines.append(entry)
    }
  }

  /// A value was asked for by its name.
  func note(_ machine: Machine, reads name: String) {
    note(machine)
    let entry = Unchecked(machine: machine)
    reads.withLock { reads in
      reads.removeAll { $0.name == name }
      if reads.count == Self.mostReads { reads.removeFirst() }
      reads.append((name, entry))
    }
  }

  /// What led to a failure, and the debugger's turn if one is wanted; nil: there is no more to say.
  fileprivate func explain(_ issue: Issue) -> String? {
    // An expectation names what it reads: value(of: "ticks").
    let text = issue.description
    let reads = reads.withLock { $0 }.filter {
      text.contains("\"\($0.name)\"") || text.contains(".\($0.name.lowercased())")
    }
    let machine = reads.last?.machine ?? machines.withLock { $0.last }
    guard let machine = machine?.machine else { return nil }
    let story = FailureStory(machine)
    let names = reads.filter { $0.machine.machine === machine }.map(\.name)
    // A failure of a run has told its last instructions already.
    let words = issue.error is RunFailure ? "" : story.words(asking: names)
    FailureDebugger.serve(machine, story.history)
    return words.isEmpty ? nil : words
  }

  fileprivate func end(by error: any Error) {
    if error is RunFailure, let entry = machines.withLock({ $0.last }) {
      FailureDebugger.serve(entry.machine, FailureStory(entry.machine).history)
    }
    keep()
  }

  /// Once, at the first failure: as each machine is then.
  fileprivate func keep() {
    let machines = machines.withLock { machines in
      defer { machines = [] }
      return machines
    }
    for entry in machines { entry.machine.keepEvidence() }
  }
}
