import CoreShim
import Devices
import GoldenModel
import Testing
import Timeline

@testable import Emu

/// Random guests, instruction by instruction, against Spike.
@Suite(.enabled(if: Spike.path != nil || Spike.isRequired, "spike is not here: see scripts/setup"))
struct GoldenModelTests {
  @Test(arguments: 1...8 as ClosedRange<UInt64>) func sameCommits(seed: UInt64) throws {
    let spike = try #require(Spike.path, "spike is required where CI is set")
    let result = try Comparison(seed: seed, spike: spike)
    #expect(result.difference == nil, "\(result.difference ?? "")")
    #expect(result.commits > 50_000)
  }

  @Test(arguments: 11...14 as ClosedRange<UInt64>) func sameSignature(seed: UInt64) throws {
    let spike = try #require(Spike.path, "spike is required where CI is set")
    let result = try SignatureComparison(seed: seed, spike: spike, units: 600, passes: 8)
    #expect(result.difference == nil, "\(result.difference ?? "")")
    #expect(result.retired > 100_000 && result.traps > 1000)
  }
}

/// A signature that tells nothing proves nothing.
@Suite struct SignatureTests {
  private static func signature(disturbingAt index: UInt64?, word: Int = 0) throws -> [UInt8]? {
    let machine = try Guest(seed: 1, units: 200, passes: 4).machine()
    if let index {
      _ = machine.run(until: RunLimit(index: index))
      core_rv64_words(machine.harts[0].core)[word] ^= 1 << 9
    }
    _ = machine.run(until: RunLimit(index: 10_000_000))
    return Guest.signature(of: machine)
  }

  /// One bit, somewhere on the way. In a register it may be written over before it is read; the digest loses none.
  @Test(arguments: [5, 18, 27, 40, 63]) func tellsOfOneBit(word: Int) throws {
    let whole = try Self.signature(disturbingAt: nil)
    let told = try (1...10 as ClosedRange<UInt64>).filter {
      try Self.signature(disturbingAt: 2_003 * $0, word: word) != whole
    }
    #expect(whole != nil && told.count >= (word == 27 ? 10 : 1), "only at \(told)")
  }
}

/// Looking at every instruction changes none.
@Suite struct CommitTests {
  private static func machine(_ seed: UInt64, harts: Int) throws -> Machine {
    let guest = Guest(seed: seed, units: 60, passes: 2)
    return try Machine(
      .rv64Virt(harts: harts), image: Image(bytes: guest.elf, path: "guest \(seed)"))
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>, [1, 3]) func cannotBeSeen(
    seed: UInt64, harts: Int
  ) throws {
    let plain = try Self.machine(seed, harts: harts)
    let watched = try Self.machine(seed, harts: harts)
    var (commits, random) = (0 as UInt64, seed)
    watched.onCommit = { _ in commits += 1 }
    while plain.stop == nil && plain.index < 40_000 {
      random = random &* 0x5851_F42D_4C95_7F2D &+ 1
      let limit = RunLimit(index: plain.index + 1 + random >> 54)
      _ = plain.run(until: limit)
      _ = watched.run(until: limit)
      #expect(plain.stateDigest == watched.stateDigest, "at index \(plain.index)")
      if plain.stateDigest != watched.stateDigest { break }
    }
    #expect(plain.traceDigest == watched.traceDigest)
    #expect(commits == watched.retired && commits > 1000)
  }
}
