import Testing

@testable import Emu

/// A long run keeps its latest events and forgets the others; the digest knows them all.
@Suite struct TraceTests {
  /// Toggles a pin and sends a byte, for ever.
  private static let chatter = Assembler.program { a in
    a.lui(.t0, 0x10000)
    a.addi(.t1, .zero, 0)
    a.label("again")
    a.addi(.t1, .t1, 1)
    a.sw(.t1, .t0, 16)
    a.sw(.t1, .t0, 0)
    a.j("again")
  }

  private func machine(_ mask: Event.Mask = .visible, keeping: Int?) throws -> Machine {
    var options = MachineOptions()
    options.trace = mask
    if let keeping {
      options.keptEvents = keeping
      options.keptText = keeping
    }
    return try .running(Self.chatter, options: options)
  }

  @Test(arguments: [Event.Mask.visible, .all]) func whatIsForgottenIsInTheDigest(
    mask: Event.Mask
  ) throws {
    let whole = try machine(mask, keeping: nil)
    let short = try machine(mask, keeping: 3000)
    for index in stride(from: 0 as UInt64, through: 60_000, by: 7_001) {
      _ = whole.run(until: RunLimit(index: index))
      _ = short.run(until: RunLimit(index: index))
      #expect(short.traceDigest == whole.traceDigest)
      #expect(short.trace.endIndex == whole.trace.count && whole.trace.startIndex == 0)
      #expect(short.trace.count <= 4 * 1024)
      #expect(Array(short.trace) == Array(whole.trace[short.trace.startIndex...]))
      #expect(short.console.count == whole.console.count && short.console.bytes.count <= 6001)
      let kept = whole.console.bytes.suffix(short.console.bytes.count)
      #expect(short.console.bytes(from: 0).elementsEqual(kept))
    }
    #expect(short.trace.startIndex > 20_000 && short.console.forgotten > 5000)
  }

  /// A digest that is asked for often, or by way of snapshots, is still the same.
  @Test func digestsOnTheWayChangeNothing() throws {
    let whole = try machine(keeping: nil)
    _ = whole.run(until: RunLimit(index: 50_000))
    var random = SplitMix(3)
    var short = try machine(keeping: 1)
    while short.index < 50_000 {
      _ = short.run(until: RunLimit(index: min(50_000, short.index + random.next() % 3000)))
      if random.next() % 2 == 0 { _ = short.traceDigest }
      let old = short
      short = try Machine(old.snapshot())
      _ = old.run(until: RunLimit(index: old.index + random.next() % 3000))
    }
    #expect(short.traceDigest == whole.traceDigest)
    #expect(short.trace.endIndex == whole.trace.count && short.trace.count <= 2048)
  }

  /// Who reads events while a machine runs sees each of them.
  @Test func aReaderMissesNothing() throws {
    let whole = try machine(.all, keeping: nil)
    _ = whole.run(until: RunLimit(index: 40_000))
    let short = try machine(.all, keeping: 4096)
    var seen: [Event] = []
    while short.index < 40_000 {
      let pause = short.run(until: RunLimit(index: 40_000, events: 2048))
      #expect(pause == .event || short.index == 40_000)
      seen += short.trace[seen.count...]
    }
    #expect(seen == Array(whole.trace))
    #expect(short.traceDigest == whole.traceDigest && short.stateDigest == whole.stateDigest)
  }
}
