import Emu
import Synchronization

extension Machine {
  /// The value of a variable that lives as long as the firmware, by its name in the source: `ticks`, `queue.count`, `table[3].sum`,
  /// `head->next->sum`.
  /// Where two files have one of that name: `Tasks.swift:ticks`. It is read from memory: what the compiler holds in a register at this
  /// moment is not seen.
  ///
  /// Where there is none of that name, that of a variable or parameter of the function that the hart is in whose turn it is (`count`),
  /// or of one that has called it (`main::count`), wherever the compiler has it.
  ///
  /// - Throws: `VariableError` where there is none, where it is no number, or where the compiler has not kept it.
  public func value(of path: String) throws(VariableError) -> Int {
    let variable = try read(path)
    let bits = variable.bits
    switch variable.kind {
    case .signed:
      let unused = 64 - 8 * variable.bytes.count
      return Int(truncatingIfNeeded: Int64(bitPattern: bits << unused) >> Int64(unused))
    case .unsigned, .boolean, .pointer:
      guard let value = Int(exactly: bits) else {
        throw VariableError("\(path) is \(bits), more than an Int holds")
      }
      return value
    case .floatingPoint, .other:
      throw VariableError("\(path) is a \(variable.type), no integer")
    }
  }

  /// The same for a `Float` or `Double`.
  public func number(of path: String) throws(VariableError) -> Double {
    let variable = try read(path)
    guard variable.kind == .floatingPoint else { return Double(try value(of: path)) }
    return variable.bytes.count == 4
      ? Double(Float(bitPattern: UInt32(truncatingIfNeeded: variable.bits)))
      : Double(bitPattern: variable.bits)
  }

  /// Is an integer what a test expects of it?
  ///
  /// - Throws: a `RunFailure` that shows the run, and how the variable came by the value that it has.
  public func check(valueOf path: String, is expected: Int) throws {
    let value = try value(of: path)
    if value == expected { return }
    throw RunFailure(
      "\(path) is \(value), expected was \(expected)", self, asking: [path])
  }

  /// The bytes of any variable.
  public func bytes(of path: String) throws(VariableError) -> [UInt8] {
    try read(path).bytes
  }

  /// Where a variable is, and what.
  public func variable(_ path: String) throws(VariableError) -> DebugInfo.Variable {
    EvidenceLog.current?.note(self, reads: path)
    let found: Result<DebugInfo.Variable, VariableError> = SharedDebugInfo.of(image) { debug in
      do throws(VariableError) { return .success(try variable(path, debug)) } catch {
        return .failure(error)
      }
    }
    return try found.get()
  }

  private struct Reading {
    var kind: DebugInfo.Variable.Kind
    var type: String
    var bytes: [UInt8]

    init(
      kind: DebugInfo.Variable.Kind, type: String, field: DebugInfo.BitField?, bytes: [UInt8]
    ) {
      (self.kind, self.type) = (kind, type)
      self.bytes = field?.value(in: bytes, kind) ?? bytes
    }

    /// 0 where there are more than 8 bytes.
    var bits: UInt64 {
      bytes.count > 8 ? 0 : bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
  }

  private func read(_ path: String) throws(VariableError) -> Reading {
    let variable: DebugInfo.Variable
    do { variable = try self.variable(path) } catch {
      guard let local = try readLocal(path, isOnlyOne: path.contains("::")) else { throw error }
      return local
    }
    return Reading(
      kind: variable.kind, type: variable.type, field: variable.field,
      bytes: try bytes(of: variable, path))
  }

  /// nil: there is none.
  private func readLocal(
    _ path: String, isOnlyOne: Bool
  ) throws(VariableError) -> Reading? {
    let found: Result<Reading, VariableError>? = SharedDebugInfo.of(image) { debug in
      do throws(VariableError) {
        let (local, frame, _) = try local(path, debug)
        guard let bytes = bytes(of: local, in: frame) else {
          return .failure(VariableError(local.lossWords))
        }
        return .success(
          Reading(kind: local.kind, type: local.type, field: local.field, bytes: bytes))
      } catch {
        return isOnlyOne ? .failure(error) : nil
      }
    }
    return try found?.get()
  }

  private func bytes(
    of variable: DebugInfo.Variable, _ path: String
  ) throws(VariableError) -> [UInt8] {
    guard let size = Int(exactly: variable.size),
      let bytes = memory.read(variable.address, count: size)
    else {
      throw VariableError(
        "\(path) is at 0x\(String(variable.address, radix: 16)), where there is no memory")
    }
    return bytes
  }

  /// The calls that led to where the firmware is now, the innermost first.
  public var callStack: [DebugInfo.Frame] {
    SharedDebugInfo.of(image) { backtrace($0) }
  }
}

extension Condition {
  /// A store to a variable, whether it changes its value or not; the machine stands directly behind it.
  public static func write(to path: String) -> Condition {
    var condition = Condition("a write to \(path)")
    condition.store = { machine throws(VariableError) in
      let variable = try machine.variable(path)
      return variable.address..<variable.address + variable.size
    }
    return condition
  }
}

/// One for all machines of an image: a thousand tests read its DWARF once, and one at a time.
final class SharedDebugInfo: @unchecked Sendable {
  private let lock = Mutex(())
  private let debug: DebugInfo
  /// Holds the bytes that the key is the address of.
  private let image: Image

  private init(_ image: Image) {
    self.image = image
    debug = DebugInfo(image)
  }

  static func of<R>(_ image: Image, _ body: (DebugInfo) -> R) -> R {
    let key = image.contents.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
    let shared = cache.withLock { cache in
      if let known = cache[key] { return known }
      let new = SharedDebugInfo(image)
      cache[key] = new
      return new
    }
    return shared.lock.withLock { _ in body(shared.debug) }
  }

  private static let cache = Mutex<[UInt: SharedDebugInfo]>([:])
}
