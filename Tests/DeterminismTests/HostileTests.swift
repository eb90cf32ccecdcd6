import Devices
import Emu
import Glibc
import Testing

/// Guests that nobody would write: the process survives them, and none of them can tell how it is run.
/// `EMURUN_SOAK` is how many; each number is the same guest in every run.
@Suite struct HostileTests {
  private static let count = getenv("EMURUN_SOAK").flatMap { UInt64(String(cString: $0)) } ?? 400

  private static let victims = {
    ["led-heartbeat", "panic-heartbeat", "hello-m4", "hello-rv64", "sbi-heartbeat-rv64"].compactMap
    {
      name in
      (try? Image(path: folder + name + ".bin")).map {
        (board: name.hasSuffix("rv64") ? "rv64-virt" : "m4-led", bytes: $0.contents)
      }
    }
  }()

  @Test(arguments: 0..<8 as Range<UInt64>) func cannotTellHowItIsRun(part: UInt64) throws {
    for seed in stride(from: part, to: Self.count, by: 8) { try check(seed) }
  }

  @Test(arguments: 0..<8 as Range<UInt64>) func severalHartsCannotTellEither(part: UInt64) throws {
    for seed in stride(from: part, to: Self.count / 2, by: 8) {
      try check(seed, harts: [2, 2, 3, 4, 8][Int(seed % 5)])
    }
  }

  /// Each of these once could.
  @Test(arguments: [103_127, 105_176, 117_018] as [UInt64]) func cannotTellAnyMore(seed: UInt64)
    throws
  { try check(seed) }

  /// satp without SFENCE.VMA: a machine from a snapshot has nothing in its soft TLB.
  @Test func snapshotsNeedNoFence() throws {
    // t0 = 1 << 63: Sv39, with its table at 0, where nothing is; csrw satp, t0; nop; j .
    let code: [UInt32] = [0xFFF0_0293, 0x03F2_9293, 0x1802_9073, 0x13, 0x6F]
    let whole = try machine(code, .supervisor)
    _ = whole.run(until: RunLimit(index: 20))
    for index in 0..<10 as Range<UInt64> {
      let first = try machine(code, .supervisor)
      _ = first.run(until: RunLimit(index: index))
      let second = try Machine(first.snapshot())
      _ = second.run(until: RunLimit(index: 20))
      #expect(second.stateDigest == whole.stateDigest, "a snapshot at \(index)")
    }
  }

  /// An alarm just before the clock overflows: nobody sleeps that long.
  @Test(arguments: [0, 5, 1_000_000] as [UInt64]) func theClockDoesNotOverflow(before: UInt64)
    throws
  {
    let alarm = UInt64.max / 100 - before
    let machine = try machine([
      0x0200_42B7,  // lui t0, mtimecmp
      0x0000_0317, 0x00C3_3303, 0x00C0_006F, UInt32(truncatingIfNeeded: alarm),
      UInt32(alarm >> 32),  // t1 = alarm
      0x0062_B023, 0x0800_0313, 0x3043_1073, 0x1050_0073,  // sd t1, (t0); mie = MTIE; wfi
      0x0000_006F,
    ])
    #expect(machine.run(until: RunLimit(retired: 1000)) == .asleep)
  }

  private func machine(_ code: [UInt32], _ mode: MachineOptions.Mode = .machine) throws -> Machine {
    var options = MachineOptions()
    options.mode = mode
    let bytes = code.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
    return try Machine(
      .rv64Virt, image: Image(bytes: bytes, path: "code.bin", format: .raw), options: options)
  }

  private func check(_ seed: UInt64, harts: Int = 1) throws {
    let guest = try HostileGuest(seed: seed, victims: Self.victims, harts: harts)
    do {
      let whole = try guest.run(.whole)
      #expect(!whole.isBug, "guest \(seed): \(whole.stop?.detail ?? "")")
      for way in HostileGuest.Way.allCases.dropFirst() {
        #expect(try guest.run(way) == whole, "guest \(seed), \(way)")
      }
    } catch let error as MachineError where error.kind == .image {
      // A damaged header may ask for memory that is not there.
    }
  }
}
