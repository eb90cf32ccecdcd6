/// One thing that happened: 32 bytes, always the same 32 bytes. Names resolve at output.
///
/// The layout is part of the digest (docs/digest.md): little-endian, in this order, no padding.
public struct Event: Sendable, Hashable {
  public var tick: Tick
  /// Attempts before the instruction it belongs to; for what happens between two instructions,
  /// before the next one.
  public var index: UInt64
  /// The device's slot on the board, or `Event.core`.
  public var source: UInt16
  public var rawKind: UInt8
  public var hart: UInt8
  public var detail: UInt32
  public var value: UInt64

  /// The source of events that no device made.
  public static let core: UInt16 = 0xFFFF

  public var kind: Kind { Kind(rawValue: rawKind) ?? .stop }

  public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
    /// detail: pin; value: its new level.
    case pin = 1
    /// A device sent a byte. value: the byte.
    case uart = 2
    /// A device took a byte of input. value: the byte.
    case uartInput = 3
    /// A byte of console text that no device sent: SBI, semihosting, HTIF. detail: `ConsoleSource`;
    /// value: the byte.
    case console = 4
    /// A guest reset. detail: the source that asked.
    case reset = 5
    /// The run ended. detail: number of the reason; value: code.
    case stop = 6
    /// An interrupt or, on a Cortex-M, any exception was entered. detail: its number; value: PC it
    /// struck.
    case interrupt = 7
    /// detail: its number; value: PC returned to, or on a Cortex-M the EXC_RETURN where another exception is chained.
    case interruptReturn = 8
    /// A synchronous trap. detail: cause; value: its PC.
    case trap = 9
    /// detail: extension, low 32 bits; value: function in the upper, argument 0 in the lower half.
    case sbi = 10
    /// detail: offset in the window, with the width in the top byte; value: what was read or
    /// written.
    case mmioRead = 11
    case mmioWrite = 12
    /// A finding: something was touched that the model does not have, or used as it may not be.
    /// detail: finding's number; value: what was written.
    case notModelled = 13
    /// The core began to wait.
    case sleep = 14
    /// It goes on. value: ticks it waited.
    case wake = 15
    /// A Cortex-M wrote to an ITM stimulus port. detail: port, with the width in the top byte; value:
    /// what was written.
    case itm = 16
    /// The core clock has another frequency from here on. value divided by detail: ticks a second.
    case clock = 17
    /// The world outside changed an input of a device. detail: pin; value: its level, or 2 if nobody
    /// drives it any more.
    case input = 18
  }

  /// Which kinds are recorded.
  public struct Mask: OptionSet, Sendable, Hashable {
    public var rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public init(_ kinds: Kind...) {
      self.init(rawValue: kinds.reduce(0) { $0 | 1 << UInt32($1.rawValue) })
    }
    public func contains(_ kind: Kind) -> Bool { contains(rawKind: kind.rawValue) }
    public func contains(rawKind: UInt8) -> Bool { rawValue >> UInt32(rawKind) & 1 == 1 }

    /// What a person at the board could see, and the digest is made of: recorded in every run.
    public static let visible = Mask(
      .pin, .uart, .uartInput, .console, .reset, .stop, .clock, .input)
    public static let mmio = Mask(.mmioRead, .mmioWrite, .notModelled)
    public static let interrupts = Mask(.interrupt, .interruptReturn)
    public static let traps = Mask(.trap)
    public static let sbi = Mask(.sbi)
    public static let sleep = Mask(.sleep, .wake)
    public static let all = Mask(rawValue: .max)
  }
}
