import Devices
import Emu
import Foundation
import Timeline

/// One guest on both machines, commit by commit.
public struct Comparison {
  /// Commits that were the same.
  public private(set) var commits = 0
  /// Those among them that are so for a reason; see `Excuse`.
  public private(set) var excused: [String: Int] = [:]
  /// Why the rest of it was not compared, where that is so for a reason.
  public private(set) var end: String?
  /// The first that was not, with what came before and behind it.
  public private(set) var difference: String?

  private let seed: UInt64
  private let limit: UInt64

  /// - Parameter limit: so many instructions, where the guest has as many.
  public init(
    seed: UInt64, spike: String, units: Int = 500, passes: UInt64 = 3, limit: UInt64 = 1_000_000
  ) throws {
    self.seed = seed
    self.limit = limit
    let guest = Guest(seed: seed, units: units, passes: passes)
    let machine = try guest.machine()
    try guest.withFile { try compare(machine, Spike(spike, image: $0)) }
  }

  private mutating func compare(_ machine: Machine, _ spike: Spike) throws {
    var log = CommitLog()
    machine.onCommit = { log.add($0) }
    // Each has its own way to the first instruction, which both make.
    while let line = spike.next(), !line.isFirst {}
    var earlier: [UInt8] = []
    while machine.stop == nil && difference == nil && end == nil {
      if commits >= limit { return }
      let pause = machine.run(until: RunLimit(index: machine.index + 4096))
      if pause == .asleep { machine.end(.idle) }
      let text = log.take()
      compare(text, earlier, spike)
      earlier = text
    }
    if difference == nil, end == nil, machine.stop?.reason != .htif || machine.stop?.code != 0 {
      difference = "seed \(seed): the run ended with \(machine.stop.map { "\($0)" } ?? "nothing")"
    }
  }

  private mutating func compare(_ text: [UInt8], _ earlier: [UInt8], _ spike: Spike) {
    text.withUnsafeBytes { bytes in
      var start = 0
      while start < bytes.count, let base = bytes.baseAddress {
        let rest = bytes.count - start
        let length = memchr(base + start, 10, rest).map { UnsafeRawPointer($0) - (base + start) }
        let line = UnsafeRawBufferPointer(start: base + start, count: length ?? rest)
        let place = start
        start += line.count + 1
        if commits == 0 && !line.isFirst { continue }
        commits += 1
        if commits == 1 { continue }
        guard let other = spike.next(), let pointer = other.baseAddress else {
          difference = describe(earlier + text[..<place], line, "nothing more", spike)
          return
        }
        if line.count == other.count, memcmp(base + place, pointer, line.count) == 0 { continue }
        let words = String(decoding: other, as: UTF8.self)
        let ours = String(decoding: line, as: UTF8.self)
        if let excuse = Excuse.of(ours: ours, theirs: words) {
          excused[excuse, default: 0] += 1
          continue
        }
        let before = earlier + text[..<place]
        end = Excuse.end(
          ours: ours, theirs: words, before: String(decoding: before.suffix(2000), as: UTF8.self))
        if let end {
          excused[end, default: 0] += 1
        } else {
          difference = describe(before, line, words, spike)
        }
        return
      }
    }
  }

  private func describe(
    _ before: [UInt8], _ ours: UnsafeRawBufferPointer, _ theirs: String, _ spike: Spike
  ) -> String {
    var text = "seed \(seed), commit \(commits): not as Spike has it\n" + Self.lastLines(of: before)
    text += "  here    \(String(decoding: ours, as: UTF8.self))\n"
    text += "  Spike   \(theirs)\n"
    for _ in 0..<12 {
      guard let line = spike.next() else { break }
      text += "  then    \(String(decoding: line, as: UTF8.self))\n"
    }
    return text
  }

  private static func lastLines(of text: [UInt8]) -> String {
    text.split(separator: 10).suffix(24).map {
      "          \(String(decoding: $0, as: UTF8.self))\n"
    }
    .joined()
  }
}

extension UnsafeRawBufferPointer {
  /// The commit at the start of RAM.
  fileprivate var isFirst: Bool {
    starts(with: "core   0: 3 0x0000000080000000 ".utf8)
  }
}
