import Devices
import Emu
import Testing

@testable import MachineCode
@testable import Proofs

@Suite struct ProfileTests {
  private static func machine(
    _ image: Image, harts: Int = 1, _ change: (inout MachineOptions) -> Void = { _ in }
  ) throws -> Machine {
    var options = MachineOptions()
    options.semihosting = SemihostingOptions()
    change(&options)
    let board =
      image.machine == .riscv64
      ? Board.rv64Virt(harts: harts)
      : try boards(named: image.path.contains("tm4c-board") ? "tm4c123gxl" : "m4-led")
    return try Machine(board, image: image, options: options)
  }

  private static func profiler(_ machine: Machine, tracks: Bool = false) throws -> Profiler {
    let profiler = Profiler(
      try #require(ProfiledCode([machine.image])), of: machine, tracks: tracks)
    machine.lookout = profiler
    return profiler
  }

  /// By function, as another look-up of symbols has them.
  private static func stepped(_ machine: Machine, _ length: UInt64) -> [String: UInt64] {
    var all = Set(stride(from: 0x1000, to: 0x1040, by: 2) as StrideTo<UInt64>)
    for segment in machine.image.segments where segment.isExecutable {
      let start = segment.virtualAddress
      all.formUnion(stride(from: start, to: start + segment.size, by: 2))
    }
    let debug = DebugInfo(machine.image)
    var limit = RunLimit(index: length)
    limit.breakpoints = Breakpoints(all)
    var counts: [String: UInt64] = [:]
    while machine.stop == nil && machine.index < length {
      let pause = machine.run(until: limit)
      if pause == .asleep { break }
      if pause != .breakpoint { continue }
      counts[debug.symbol(at: machine.pc)?.name ?? "", default: 0] += 1
    }
    return counts
  }

  private static func run(_ machine: Machine, _ length: UInt64, slice: UInt64 = 1 << 40) {
    while machine.stop == nil && machine.index < length {
      let end = min(length, machine.index.addingReportingOverflow(slice).partialValue)
      if machine.run(until: RunLimit(index: end)) == .asleep { break }
    }
  }

  private static func byFunction(_ profile: Profile) -> [String: UInt64] {
    profile.nodes.reduce(into: [:]) { counts, node in
      if node.count == 0 { return }
      switch node.frame {
      case .function(let name): counts[name, default: 0] += node.count
      case .unknown: counts["", default: 0] += node.count
      default: Issue.record("\(node.frame) is no code")
      }
    }
  }

  private static let length: UInt64 = 30_000

  /// Each instruction is counted once, and as one of the function that a machine which stops before every instruction finds it in;
  /// however it is sliced, the profile is the same, and the run is the one without.
  @Test(arguments: Images.elves) func everyImage(_ path: String) throws {
    let image = try Image(path: path)
    let expected = Self.stepped(try Self.machine(image), Self.length)
    let plain = try Self.machine(image)
    Self.run(plain, Self.length)
    var profiles: [Profile] = []
    for slice in [1 << 40, 97, 1 as UInt64] {
      let machine = try Self.machine(image)
      let profiler = try Self.profiler(machine)
      Self.run(machine, Self.length, slice: slice)
      #expect(machine.traceDigest == plain.traceDigest)
      #expect(machine.stateDigest == plain.stateDigest)
      profiles.append(profiler.profile())
      machine.lookout = nil
    }
    #expect(profiles[0] == profiles[1] && profiles[0] == profiles[2])
    #expect(profiles[0].count == plain.index)
    #expect(Self.byFunction(profiles[0]) == expected)
  }

  // MARK: Calls that are counted by hand

  private func check(_ image: Image, _ length: UInt64, _ expected: [String: UInt64]) throws {
    let machine = try Self.machine(image)
    let profiler = try Self.profiler(machine)
    Self.run(machine, length)
    let stacks = profiler.profile().stacks { frame in
      switch frame {
      case .function(let name): name
      default: "?"
      }
    }
    let found = Dictionary(
      uniqueKeysWithValues: stacks.map { ($0.frames.joined(separator: ";"), $0.count) })
    #expect(found == expected)
  }

  @Test func callsOnRV64() throws {
    try withGuest(
      .riscv64,
      """
      _start: la sp, 0x80010000
        li s0, 3
      1: call outer
        addi s0, s0, -1
        bnez s0, 1b
      2: j 2b
      .type outer, @function
      outer: addi sp, sp, -16
        sd ra, 8(sp)
        call leaf
        call leaf
        ld ra, 8(sp)
        addi sp, sp, 16
        ret
      .type leaf, @function
      leaf: nop
        ret
      """
    ) {
      // Six are the reset ROM's.
      try check($0, 60, ["?": 6, "_start": 15, "_start;outer": 27, "_start;outer;leaf": 12])
    }
  }

  @Test func recursionAndJumpsOnACortexM4() throws {
    try withGuest(
      .arm,
      """
      reset: movs r0, #3
        bl sum
        bl first
      1: b 1b
      .type sum, %function
      sum: push {r4, lr}
        mov r4, r0
        cbz r0, 1f
        subs r0, #1
        bl sum
      1: adds r0, r4
        pop {r4, pc}
      .type first, %function
      first: b second
      .type second, %function
      second: nop
        bx lr
      """
    ) {
      try check(
        $0, 32,
        [
          "reset": 3, "reset;sum": 7, "reset;sum;sum": 7, "reset;sum;sum;sum": 7,
          "reset;sum;sum;sum;sum": 5, "reset;first": 1, "reset;first;second": 2,
        ])
    }
  }

  /// Two stacks, of which each goes on where it was left.
  @Test func stacksThatAreSwitched() throws {
    try withGuest(
      .riscv64,
      """
      _start: la sp, 0x80010000
        la s1, saved
        la t0, 0x80012000
        sd t0, 0(s1)
        la t0, other
        sd t0, 8(s1)
        li s2, 3
      1: call switch
        addi s2, s2, -1
        bnez s2, 1b
      2: j 2b
      .type switch, @function
      switch: ld t0, 0(s1)
        ld t1, 8(s1)
        sd sp, 0(s1)
        sd ra, 8(s1)
        mv sp, t0
        mv ra, t1
        ret
      .type other, @function
      other: nop
      1: call switch
        j 1b
      .data
      .balign 8
      saved: .dword 0, 0
      """
    ) {
      try check(
        $0, 80, ["?": 6, "_start": 23, "_start;switch": 21, "other": 9, "other;switch": 21])
    }
  }

  /// As longjmp does it.
  @Test func aJumpOutOfFunctions() throws {
    try withGuest(
      .riscv64,
      """
      _start: la sp, 0x80010000
        call outer
      2: j 2b
      .type outer, @function
      outer: addi sp, sp, -16
        sd ra, 8(sp)
        mv s3, sp
        la s4, 1f
        call deep
      1: ld ra, 8(sp)
        addi sp, sp, 16
        ret
      .type deep, @function
      deep: addi sp, sp, -16
        sd ra, 8(sp)
        call deeper
        ret
      .type deeper, @function
      deeper: mv sp, s3
        jr s4
      """
    ) {
      try check(
        $0, 26,
        [
          "?": 6, "_start": 4, "_start;outer": 10, "_start;outer;deep": 4,
          "_start;outer;deep;deeper": 2,
        ])
    }
  }

  // MARK: Exceptions

  private func roots(_ name: String, harts: Int = 1, _ length: UInt64) throws -> Set<Profile.Frame>
  {
    let machine = try Self.machine(Image(path: Images.path(name)), harts: harts)
    let profiler = try Self.profiler(machine)
    Self.run(machine, length)
    return Set(profiler.profile().nodes.filter { $0.parent == nil }.map(\.frame))
  }

  /// What handlers do is none of what they interrupt.
  @Test func handlersAreRoots() throws {
    #expect(try roots("led-heartbeat.elf", 50_000) == [.function("reset"), .exception(15)])
    let timer = try roots("timer-heartbeat-rv64.elf", 50_000)
    #expect(timer.contains(.exception(1 << 63 | 7)), "\(timer)")
    #expect(timer.count <= 3, "\(timer)")
    #expect(try roots("sbi-harts-rv64.elf", harts: 4, 50_000) == Set((0..<4).map { .hart($0) }))
  }

  /// Calls lie within each other, and begin and end where those do who made them.
  @Test(arguments: ["tasks-m4.elf", "tasks-rv64.elf", "torture-m4.elf"])
  func tracks(_ name: String) throws {
    let machine = try Self.machine(Image(path: Images.path(name)))
    let profiler = try Self.profiler(machine, tracks: true)
    Self.run(machine, 50_000)
    let profile = profiler.profile()
    #expect(!profile.tracks.isEmpty)
    for track in profile.tracks {
      var open: [Profile.Span] = []
      #expect(track.spans.first?.frame == track.name || track.spans.count > 1)
      for span in track.spans {
        while let last = open.last, last.end <= span.start { open.removeLast() }
        #expect(open.last.map { span.end <= $0.end } ?? true)
        #expect(span.end <= machine.now)
        open.append(span)
      }
    }
    let other = try Self.machine(Image(path: Images.path(name)))
    let again = try Self.profiler(other, tracks: true)
    Self.run(other, 50_000, slice: 333)
    #expect(again.profile() == profile)
  }
}
