import Devices
import Emu
import Testing

@Suite struct PLICTests {
  private let bench = DeviceBench(PLIC(harts: 2), size: 0x60_0000)

  private func setPriority(_ source: UInt64, _ priority: UInt64) {
    bench.write(4 * source, priority)
  }
  private func enable(_ context: UInt64, _ sources: UInt64...) {
    for word in 0..<3 as Range<UInt64> {
      let bits = sources.filter { $0 / 32 == word }.reduce(0 as UInt64) { $0 | 1 << ($1 % 32) }
      bench.write(0x2000 + 0x80 * context + 4 * word, bits)
    }
  }
  private func setThreshold(_ context: UInt64, _ threshold: UInt64) {
    bench.write(0x20_0000 + 0x1000 * context, threshold)
  }
  private func claim(_ context: UInt64) -> UInt64? {
    bench.read(0x20_0004 + 0x1000 * context)
  }
  private func complete(_ context: UInt64, _ source: UInt64) {
    bench.write(0x20_0004 + 0x1000 * context, source)
  }
  private func isPending(_ source: UInt64) -> Bool {
    (bench.read(0x1000 + source / 32 * 4) ?? 0) >> (source % 32) & 1 == 1
  }

  @Test func aSourceReachesTheContextsThatEnableIt() {
    setPriority(10, 1)
    enable(1, 10)
    bench.input(10, true)
    #expect(isPending(10))
    #expect(bench.lines == .line(PLIC.line(hart: 0, supervisor: true)))
    enable(2, 10)
    #expect(
      bench.lines == [
        .line(PLIC.line(hart: 0, supervisor: true)), .line(PLIC.line(hart: 1, supervisor: false)),
      ])
  }

  /// "The PLIC core will … atomically clear the corresponding pending bit": of two contexts that claim, one gets it.
  @Test func oneClaimTakesIt() {
    setPriority(10, 1)
    enable(0, 10)
    enable(2, 10)
    bench.input(10, true)
    #expect(claim(2) == 10 && claim(0) == 0)
    #expect(bench.lines == [] && !isPending(10))
  }

  /// "Interrupts with the lowest ID have the highest effective priority" among equals.
  @Test func priorities() {
    enable(0, 1, 5, 64, 95)
    setPriority(1, 2)
    setPriority(5, 7)
    setPriority(64, 7)
    setPriority(95, 1)
    for source in [95, 64, 5, 1] { bench.input(source, true) }
    #expect((0..<5).map { _ in claim(0) } == [5, 64, 1, 95, 0])
  }

  /// "Priority value 0 … effectively disables the interrupt."
  @Test func priorityZeroNeverInterrupts() {
    enable(0, 3)
    bench.input(3, true)
    #expect(isPending(3) && bench.lines == [] && claim(0) == 0 && isPending(3))
    setPriority(3, 8)
    #expect(bench.read(12) == 0, "three bits")
    setPriority(3, 9)
    #expect(bench.read(12) == 1 && bench.lines == .line(0))
  }

  /// "The PLIC will mask all PLIC interrupts of a priority less than or equal to threshold", but "the claim operation is not
  /// affected by the setting of the priority threshold register".
  @Test func threshold() {
    enable(0, 3)
    setPriority(3, 4)
    bench.input(3, true)
    setThreshold(0, 4)
    #expect(bench.lines == [])
    setThreshold(0, 3)
    #expect(bench.lines == .line(0))
    setThreshold(0, 0xFFFF_FFFF)
    #expect(bench.read(0x20_0000) == 7 && bench.lines == [])
    #expect(claim(0) == 3)
  }

  /// "If the interrupt is level-triggered and the interrupt is still asserted, a new interrupt request will be forwarded to
  /// the PLIC core" on completion, and none before.
  @Test func theGatewayWaitsForCompletion() {
    enable(0, 3)
    setPriority(3, 1)
    bench.input(3, true)
    #expect(claim(0) == 3)
    bench.input(3, false)
    bench.input(3, true)
    #expect(!isPending(3) && bench.lines == [])
    complete(0, 3)
    #expect(isPending(3) && claim(0) == 3)
    bench.input(3, false)
    complete(0, 3)
    #expect(!isPending(3) && claim(0) == 0)
  }

  /// A request "remains present in the IP bit" when its line falls.
  @Test func aRequestOutlivesItsLine() {
    enable(0, 3)
    setPriority(3, 1)
    bench.input(3, true)
    bench.input(3, false)
    #expect(isPending(3) && bench.lines == .line(0) && claim(0) == 3)
    complete(0, 3)
    #expect(!isPending(3))
  }

  /// "If the completion ID does not match an interrupt source that is currently enabled for the target, the completion is
  /// silently ignored." And "the PLIC does not check whether the completion ID is the same as the last claim ID".
  @Test func completionsThatDoNotCount() {
    enable(0, 3)
    setPriority(3, 1)
    bench.input(3, true)
    #expect(claim(0) == 3)
    for (context, source) in [(1, 3), (2, 3), (0, 4), (0, 0), (0, 96), (0, 0xFFFF_FFFF)]
      as [(UInt64, UInt64)]
    {
      complete(context, source)
      #expect(!isPending(3))
    }
    enable(1, 3)
    complete(1, 3)
    #expect(isPending(3), "from any context that has it enabled")
    #expect(bench.findings.map(\.name) == ["completion of a source that does not exist"])
  }

  /// "Interrupt source 0 does not exist", nor do those above 95.
  @Test func sourcesThatDoNotExist() {
    enable(0, 0, 1)
    #expect(bench.read(0x2000) == 2)
    bench.write(0, 7)
    #expect(bench.read(0) == 0)
    bench.write(4 * 96, 7)
    #expect(bench.read(4 * 96) == 0)
    bench.write(0x1000, 0xFFFF_FFFF)
    #expect(bench.read(0x1000) == 0)
    bench.input(96, true)
    bench.input(0, true)
    #expect(bench.read(0x1000) == 0)
    // Nor is there a context behind those of the harts, or an enable bit for source 96.
    bench.write(0x2000 + 12, 1)
    bench.write(0x2000 + 0x80 * 4, 1)
    bench.write(0x20_0000 + 0x1000 * 4, 1)
    #expect(
      bench.findings.map(\.name) == [
        "priority of source 0, which does not exist", "+0x180",
        "store to the pending bits, which are read-only", "+0x200c", "+0x2200", "+0x204000",
      ])
  }

  @Test func onlyWords() {
    #expect(bench.read(4, width: 1) == nil && bench.read(8, width: 8) == nil)
  }
}
