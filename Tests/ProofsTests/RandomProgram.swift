/// A program in Embedded Swift that nobody wrote, the same for each core: integers of every width, structs, enums with payloads, generics,
/// closures, arrays, optionals and floating point, and everything printed that comes out of it. It keeps to what Swift says of every
/// machine alike: no `Int`, whose width is the core's, no overflow that traps, no division by zero; nor what a Cortex-M4 needs a library
/// for, divisions and computed shifts of 64 bits.
struct RandomProgram {
  private var random: Random
  /// Of the function that is being written.
  private var type = ""
  private var names = 0
  private var mayCall: [Int] = []
  private static let types = [
    "UInt8", "Int8", "UInt16", "Int16", "UInt32", "Int32", "UInt64", "Int64",
  ]

  /// Its only file.
  static func text(seed: UInt64) -> String {
    var program = RandomProgram(random: Random(state: seed))
    let count = 6 + program.random.below(5)
    let functions = (0..<count).map { program.function($0) }
    let calls = (0..<count).map { number in
      """
        for round in 0..<\(2 + program.random.below(6)) as Range<UInt32> {
          let mixture = Mixture(seed: round &+ \(program.random.below(1000)))
          let x = \(type(of: number))(truncatingIfNeeded: round &* 0x9E37_79B9)
          print(\(number), UInt64(truncatingIfNeeded: f\(number)(x, mixture)))
        }

      """
    }
    return frame + functions.joined(separator: "\n") + "\n@c(main)\nfunc main() -> Never {\n"
      + "  console.configure()\n" + calls.joined() + "  Power.off(success: true)\n}\n"
  }

  private struct Random {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return mixed ^ mixed >> 31
    }
    mutating func below(_ end: Int) -> Int { Int(next() % UInt64(end)) }
    mutating func one<T>(of list: [T]) -> T { list[below(list.count)] }
  }

  private static func type(of function: Int) -> String { types[function * 5 % types.count] }

  private mutating func function(_ number: Int) -> String {
    type = Self.type(of: number)
    mayCall = number > 0 ? [random.below(number)] : []
    let statements = (0..<4 + random.below(6)).map { _ in statement(depth: 1) }
    return """
      @inline(never)
      private func f\(number)(_ x: \(type), _ mixture: Mixture) -> \(type) {
        var (mixture, state) = (mixture, Shape.dot)
        var (a, b, list) = (x, \(literal()), [] as [\(type)])
        list.append(mixture.take())
        if a > list[0] { state = .line(7) }
        b ^= list[0]
      \(statements.joined())  for element in list { a = a &* 31 &+ element }
        a ^= \(type)(truncatingIfNeeded: state.measure)
        return a &+ b ^ mixture.take()
      }

      """
  }

  // MARK: Values: an operation a line, so that types are plain

  private mutating func literal() -> String {
    let bits = random.next() >> UInt64(random.below(60))
    return "\(type)(truncatingIfNeeded: 0x\(String(bits, radix: 16)) as UInt64)"
  }

  /// The name of one; the lines that make it are added.
  private mutating func value(_ lines: inout String, _ margin: String, depth: Int = 0) -> String {
    let operation: String
    switch random.below(depth > 2 ? 5 : 12) {
    case 0: return "a"
    case 1: return "b"
    case 2: return "x"
    case 3: operation = literal()
    case 4: operation = "mixture.take()"
    case 5:
      let other = random.one(of: Self.types)
      let part = value(&lines, margin, depth: depth + 1)
      operation =
        "\(type)(truncatingIfNeeded: \(other)(truncatingIfNeeded: \(part)))"
    case 6:
      let part = value(&lines, margin, depth: depth + 1)
      operation =
        type.hasSuffix("64") ? "\(part).byteSwapped" : "\(part) / \(random.one(of: [3, 7, 10, 64]))"
    case 7:
      let part = value(&lines, margin, depth: depth + 1)
      operation =
        "\(type)(truncatingIfNeeded: \(part).\(random.one(of: ["leadingZeroBitCount", "nonzeroBitCount"])))"
    default:
      let sign = random.one(of: ["&+", "&-", "&*", "^", "|", "&", "&<<", "&>>"])
      let left = value(&lines, margin, depth: depth + 1)
      let right =
        sign.count == 3 && type.hasSuffix("64")
        ? "\(1 + random.below(63))" : value(&lines, margin, depth: depth + 1)
      operation = "\(left) \(sign) \(right)"
    }
    names += 1
    lines += "\(margin)let t\(names): \(type) = \(operation)\n"
    return "t\(names)"
  }

  // MARK: Statements

  private mutating func statement(depth: Int) -> String {
    let margin = String(repeating: "  ", count: depth)
    var lines = ""
    switch random.below(depth > 3 ? 4 : 11) {
    case 0:
      let next = value(&lines, margin)
      lines += "\(margin)a = \(next) &+ 1\n"
    case 1:
      let next = value(&lines, margin)
      lines += "\(margin)b = \(next) &- 1\n"
    case 2:
      let next = value(&lines, margin)
      lines += "\(margin)(a, b) = (b, \(next))\n"
    case 3:
      let next = value(&lines, margin)
      lines += "\(margin)state = shape(\(random.below(3)), UInt64(truncatingIfNeeded: \(next)))\n"
    case 4:
      let sign = random.one(of: ["<", "<=", "==", "!=", ">"])
      let (left, right) = (value(&lines, margin), value(&lines, margin))
      lines += "\(margin)if \(left) \(sign) \(right) {\n\(statement(depth: depth + 1))"
      lines += "\(margin)} else {\n\(statement(depth: depth + 1))\(margin)}\n"
    case 5:
      lines += "\(margin)for step in 0..<\(1 + random.below(7)) as Range<UInt32> {\n"
      lines += "\(margin)  b = b &+ \(type)(truncatingIfNeeded: step)\n"
      lines += "\(statement(depth: depth + 1))\(margin)}\n"
    case 6:
      lines += "\(margin)switch state {\n\(margin)case .dot:\n\(statement(depth: depth + 1))"
      lines += "\(margin)case .line(let length): a = a &+ \(type)(truncatingIfNeeded: length)\n"
      lines += "\(margin)case .box(let width, let height):\n"
      lines +=
        "\(margin)  b = b ^ \(type)(truncatingIfNeeded: Int64(width) &* height)\n\(margin)}\n"
    case 7:
      let change = value(&lines, margin)
      lines += "\(margin)a = largest([a, b] + list) &+ apply(a) { $0 &* 3 ^ \(change) }\n"
    case 8:
      lines += "\(margin)if let found = mixture.find(\(1 + random.below(9))) {\n"
      lines += "\(margin)  b = b ^ \(type)(truncatingIfNeeded: found)\n\(margin)}\n"
    default:
      let next = value(&lines, margin)
      if depth == 1, let other = mayCall.popLast() {
        let x = "\(Self.type(of: other))(truncatingIfNeeded: \(next))"
        lines += "\(margin)a = a &+ \(type)(truncatingIfNeeded: f\(other)(\(x), mixture))\n"
      } else if depth < 3 {
        lines += "\(margin)list.append(\(next))\n"
      } else {
        lines += "\(margin)a = a ^ \(next)\n"
      }
    }
    return lines
  }

  private static let frame = """
    /// A generator of numbers, and a few things that are made of them.
    private struct Mixture {
      var word: UInt64
      var weight: Float = 1
      init(seed: UInt32) { word = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1 }
      mutating func take<T: FixedWidthInteger>() -> T {
        word ^= word << 13
        word ^= word >> 7
        word ^= word << 17
        weight = weight * 0.75 + (word & 64 == 0 ? 0.3 : 11.7)
        return T(truncatingIfNeeded: word ^ UInt64(weight.bitPattern))
      }
      func find(_ divisor: UInt32) -> UInt32? {
        let part = UInt32(truncatingIfNeeded: word >> 20)
        return part % divisor == 0 ? part / divisor : nil
      }
    }

    private enum Shape {
      case dot
      case line(UInt32)
      case box(UInt16, Int64)
      var measure: UInt64 {
        switch self {
        case .dot: 1
        case .line(let length): UInt64(length) &* 3
        case .box(let width, let height): UInt64(width) &* UInt64(truncatingIfNeeded: height)
        }
      }
    }

    @inline(never)
    private func shape(_ kind: UInt32, _ size: UInt64) -> Shape {
      switch kind {
      case 0: .dot
      case 1: .line(UInt32(truncatingIfNeeded: size))
      default: .box(UInt16(truncatingIfNeeded: size), Int64(truncatingIfNeeded: size &* size))
      }
    }

    private func largest<T: FixedWidthInteger>(_ list: [T]) -> T {
      var best = T.min
      for element in list where element > best { best = element }
      return best
    }

    @inline(never)
    private func apply<T>(_ value: T, _ change: (T) -> T) -> T { change(change(value)) }

    private func print(_ number: UInt, _ value: UInt64) {
      console.print(number)
      console.print(" ")
      console.print(hexadecimal: value)
      console.print("\\n")
    }


    """
}
