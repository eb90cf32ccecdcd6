import Emu

/// The names behind the numbers of a board's events.
public struct EventNames: Sendable {
  let board: Board
  /// The vendor's names, which go before the board's own.
  private let registers: RegisterNames?
  private var leds: [Pin: Board.LED] = [:]
  /// By IRQ number: whose it is; of several that share it, the first one's.
  private var lines: [Int: String] = [:]

  private struct Pin: Hashable {
    var slot: Int
    var pin: UInt32
  }

  public init(_ board: Board, registers: RegisterNames? = nil) {
    self.board = board
    self.registers = registers
    for led in board.leds {
      if let slot = board.slot(of: led.device) {
        leds[Pin(slot: slot, pin: UInt32(led.pin))] = led
      }
    }
    for device in board.devices {
      for case .interrupt(let number, _) in device.wires.values.joined()
      where !isRV64 && lines[number] == nil {
        lines[number] = device.name
      }
    }
  }

  private var isRV64: Bool {
    if case .rv64 = board.core { return true }
    return false
  }

  func source(_ event: Event) -> String {
    Int(event.source) < board.devices.count ? board.devices[Int(event.source)].name : "core"
  }

  /// The LED whose pin changed.
  func led(_ event: Event) -> Board.LED? {
    leds[Pin(slot: Int(event.source), pin: event.detail)]
  }

  /// The vendor's, where an access went: physical addresses of cores' own registers included.
  func known(_ event: Event) -> (register: RegisterNames.Register, address: UInt64)? {
    guard let registers else { return nil }
    let slot = Int(event.source)
    let base = slot < board.devices.count ? board.devices[slot].address : 0xE000_0000
    let address = base + UInt64(event.accessOffset)
    return registers.register(at: address).map { ($0, address) }
  }

  /// "gpiof.GPIODIR", or as the vendor has it.
  func access(_ event: Event) -> String {
    if let (register, _) = known(event) { return "\(register.peripheral).\(register.name)" }
    return source(event) + "."
      + (register(event) ?? "0x" + String(event.accessOffset, radix: 16))
  }

  /// The register at an access's offset; nil where there is none.
  func register(_ event: Event) -> String? {
    guard Int(event.source) < board.devices.count else { return nil }
    let offset = UInt64(event.accessOffset)
    let registers = board.devices[Int(event.source)].map.registers
    guard
      let register = registers.last(where: { $0.offset <= offset }),
      offset - register.offset < register.size * register.count
    else { return nil }
    return register.count == 1
      ? register.name : register.name + String((offset - register.offset) / register.size)
  }

  /// By `mcause` or `scause`, or by a Cortex-M's number.
  package func exception(_ number: UInt64) -> String {
    if isRV64 && number >> 63 == 0 {
      return Self.rv64Causes[Int(clamping: number)] ?? "cause \(number)"
    }
    return interrupt(Int(number & ~(1 << 63)))
  }

  package func interrupt(_ event: Event) -> String { interrupt(Int(event.detail)) }

  private func interrupt(_ number: Int) -> String {
    if isRV64 { return Self.rv64Interrupts[number] ?? "interrupt \(number)" }
    if number >= 16 {
      let irq = number - 16
      return lines[irq].map { "\($0) (IRQ \(irq))" } ?? "IRQ \(irq)"
    }
    return Self.exceptions[number] ?? "exception \(number)"
  }

  package func trap(_ event: Event) -> String {
    let number = Int(event.detail)
    return (isRV64 ? Self.rv64Causes[number] : Self.cortexMCauses[number]) ?? "cause \(number)"
  }

  /// "TIME.set_timer", as far as both have names.
  package func sbi(_ event: Event) -> String {
    let function = Int(event.value >> 32)
    guard let extensionName = Self.sbiExtensions[event.detail] else {
      return "extension 0x" + String(event.detail, radix: 16) + " function \(function)"
    }
    guard let functions = extensionName.functions else { return extensionName.name }
    return extensionName.name + "."
      + (function < functions.count ? functions[function] : "function\(function)")
  }

  /// Who asked for a guest reset: a device, or a core.
  func resetSource(_ event: Event) -> String {
    Int(event.detail) < board.devices.count ? board.devices[Int(event.detail)].name : "core"
  }

  func stopReason(_ event: Event) -> String {
    StopReason.allCases.first { $0.number == event.detail }?.rawValue ?? "\(event.detail)"
  }

  func consoleSource(_ event: Event) -> String {
    switch ConsoleSource(rawValue: event.detail) {
    case .sbi: "sbi"
    case .semihosting: "semihosting"
    case .htif: "htif"
    case nil: "core"
    }
  }
}

extension Event {
  /// Of an access: from the start of the device's window.
  var accessOffset: UInt32 { detail & 0xFF_FFFF }
  /// Of an access, in bytes.
  var accessWidth: Int { Int(detail >> 24) }
}

// MARK: The words of the architectures

extension EventNames {
  private static let exceptions: [Int: String] = [
    1: "Reset", 2: "NMI", 3: "HardFault", 4: "MemManage", 5: "BusFault", 6: "UsageFault",
    11: "SVCall", 12: "DebugMonitor", 14: "PendSV", 15: "SysTick",
  ]

  /// As the engine numbers what a Cortex-M4 instruction can trap for.
  private static let cortexMCauses: [Int: String] = [
    1: "SVC", 2: "BKPT", 3: "undefined instruction",
    4: "invalid state: the Thumb bit is clear", 5: "no coprocessor: the FPU is off",
    6: "unaligned access", 7: "bus fault", 8: "instruction fetch from no memory",
    9: "instruction fetch from an execute-never region", 10: "MPU fault", 11: "exception return",
    12: "lazy FP state",
  ]

  private static let rv64Interrupts: [Int: String] = [
    1: "supervisor software interrupt", 3: "machine software interrupt",
    5: "supervisor timer interrupt", 7: "machine timer interrupt",
    9: "supervisor external interrupt", 11: "machine external interrupt",
  ]

  private static let rv64Causes: [Int: String] = [
    0: "instruction address misaligned", 1: "instruction access fault", 2: "illegal instruction",
    3: "ebreak", 4: "load address misaligned", 5: "load access fault",
    6: "store address misaligned", 7: "store access fault", 8: "ecall from U-mode",
    9: "ecall from S-mode", 11: "ecall from M-mode", 12: "instruction page fault",
    13: "load page fault", 15: "store page fault",
  ]

  private static let sbiExtensions: [UInt32: (name: String, functions: [String]?)] = [
    0x00: ("legacy set_timer", nil), 0x01: ("legacy console_putchar", nil),
    0x02: ("legacy console_getchar", nil), 0x03: ("legacy clear_ipi", nil),
    0x04: ("legacy send_ipi", nil), 0x05: ("legacy remote_fence_i", nil),
    0x06: ("legacy remote_sfence_vma", nil), 0x07: ("legacy remote_sfence_vma_asid", nil),
    0x08: ("legacy shutdown", nil),
    0x10: (
      "Base",
      [
        "get_spec_version", "get_impl_id", "get_impl_version", "probe_extension", "get_mvendorid",
        "get_marchid", "get_mimpid",
      ]
    ),
    0x5449_4D45: ("TIME", ["set_timer"]), 0x0073_5049: ("IPI", ["send_ipi"]),
    0x5246_4E43: (
      "RFENCE", ["remote_fence_i", "remote_sfence_vma", "remote_sfence_vma_asid"]
    ),
    0x0048_534D: ("HSM", ["hart_start", "hart_stop", "hart_get_status", "hart_suspend"]),
    0x5352_5354: ("SRST", ["system_reset"]),
    0x4442_434E: (
      "DBCN", ["console_write", "console_read", "console_write_byte"]
    ),
  ]
}
