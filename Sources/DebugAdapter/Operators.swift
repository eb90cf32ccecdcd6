import Emu

/// C's operators, on numbers that do not overflow: of 64 bits, with a sign where one of them has one; on pointers in units of
/// what they point at.
extension Evaluation {
  func truth(_ isTrue: Bool) -> Value {
    var value = Value(number: isTrue ? 1 : 0, size: 4, kind: .signed)
    value.isCount = true
    return value
  }

  /// As people count.
  func count(_ number: UInt64) -> Value {
    var value = Value(number: number, size: 8, kind: .signed)
    value.isCount = true
    return value
  }

  func combine(_ one: Value, _ operation: String, _ other: Value) throws(Failure) -> Value {
    for value in [one, other] where value.kind == .other || value.hasParts && !value.isPointer {
      throw Failure("\(value.path ?? "that") is no single value")
    }
    if one.kind == .floatingPoint || other.kind == .floatingPoint {
      return try combine(one.real, operation, other.real)
    }
    if let moved = moved(one, operation, other) { return moved }
    var (left, right) = (one.extended, other.extended)
    // -1 is what a register of all ones holds, however wide it is.
    if one.isBare || other.isBare { (left, right) = (word(left).number, word(right).number) }
    let isSigned = one.kind == .signed || other.kind == .signed
    let (first, second) = (Int64(bitPattern: left), Int64(bitPattern: right))
    switch operation {
    case "==": return truth(left == right)
    case "!=": return truth(left != right)
    case "<": return truth(isSigned ? first < second : left < right)
    case ">": return truth(isSigned ? first > second : left > right)
    case "<=": return truth(isSigned ? first <= second : left <= right)
    case ">=": return truth(isSigned ? first >= second : left >= right)
    default: break
    }
    if operation == "/" || operation == "%", right == 0 { throw Failure("a division by 0") }
    let number: UInt64 =
      switch operation {
      case "+": left &+ right
      case "-": left &- right
      case "*": left &* right
      case "&": left & right
      case "|": left | right
      case "^": left ^ right
      case "<<": right < 64 ? left << right : 0
      case ">>":
        isSigned ? UInt64(bitPattern: first >> min(right, 63)) : right < 64 ? left >> right : 0
      case "/":
        isSigned
          ? UInt64(bitPattern: first.dividedReportingOverflow(by: second).partialValue)
          : left / right
      case "%":
        isSigned
          ? UInt64(bitPattern: first.remainderReportingOverflow(dividingBy: second).partialValue)
          : left % right
      default: throw Failure("there is no operator \(operation)")
      }
    return one.isCount && other.isCount ? count(number) : word(number)
  }

  private func combine(
    _ one: Double, _ operation: String, _ other: Double
  ) throws(Failure) -> Value {
    switch operation {
    case "==": return truth(one == other)
    case "!=": return truth(one != other)
    case "<": return truth(one < other)
    case ">": return truth(one > other)
    case "<=": return truth(one <= other)
    case ">=": return truth(one >= other)
    case "+": return real(one + other)
    case "-": return real(one - other)
    case "*": return real(one * other)
    case "/": return real(one / other)
    default: throw Failure("there is no \(operation) of floating-point numbers")
    }
  }

  private func real(_ number: Double) -> Value {
    Value(number: number.bitPattern, size: 8, kind: .floatingPoint, type: "double")
  }

  /// A pointer, so many elements on or back.
  private func moved(_ one: Value, _ operation: String, _ other: Value) -> Value? {
    guard let pointee = one.pointee, other.kind != .pointer, ["+", "-"].contains(operation),
      let size = try? name(pointee).size
    else { return nil }
    let change = other.extended &* size
    var moved = word(operation == "-" ? one.number &- change : one.number &+ change)
    (moved.kind, moved.type) = (.pointer, one.type)
    let isElement = operation == "+" && other.extended < 1 << 32 && pointee.hasSuffix("[0]")
    if isElement { moved.pointee = pointee.dropLast(2) + "\(other.extended)]" }
    return moved
  }
}

extension Value {
  var isPointer: Bool { kind == .pointer }

  /// What a register or an address is, and no more is known of it.
  fileprivate var isBare: Bool { type == nil && !isCount }

  var isTrue: Bool { kind == .floatingPoint ? real != 0 : extended != 0 }

  fileprivate var real: Double {
    switch kind {
    case .floatingPoint where size == 4:
      Double(Float(bitPattern: UInt32(truncatingIfNeeded: number)))
    case .floatingPoint: Double(bitPattern: number)
    case .signed: Double(Int64(bitPattern: extended))
    default: Double(number)
    }
  }
}
