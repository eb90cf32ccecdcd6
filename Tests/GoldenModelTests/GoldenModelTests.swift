import Devices
import Emu
import GoldenModel
import Testing
import Timeline

/// Random guests, instruction by instruction, against Spike.
@Suite(.enabled(if: Spike.path != nil || Spike.isRequired, "spike is not here: see scripts/setup"))
struct GoldenModelTests {
  /// The last ones found something.
  static let seeds: [UInt64] = Array(1...7) + [1_000_000, 2_000_010, 2_000_012]

  @Test(arguments: seeds) func sameCommits(seed: UInt64) throws {
    let spike = try #require(Spike.path, "spike is required where CI is set")
    let result = try Comparison(seed: seed, spike: spike)
    #expect(result.difference == nil, "\(result.difference ?? "")")
    #expect(result.commits > 50_000)
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
