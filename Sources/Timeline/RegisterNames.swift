import Emu

/// Registers by their addresses, as the vendor of a chip names them.
public struct RegisterNames: Sendable {
  public struct Register: Sendable, Hashable {
    public let peripheral: String
    public let name: String
    public let address: UInt64
    /// Bytes.
    public let size: UInt64
    public let fields: [RegisterMap.Field]

    public init(
      peripheral: String, name: String, address: UInt64, size: UInt64, fields: [RegisterMap.Field]
    ) {
      self.peripheral = peripheral
      self.name = name
      self.address = address
      self.size = size
      self.fields = fields
    }

    /// The fields that are not zero in a value at an address within it: "EN", 1.
    public func fields(in value: UInt64, at address: UInt64) -> [(name: String, value: UInt64)] {
      let shifted = value << (8 * (address - self.address))
      return fields.compactMap { field in
        let bits = (shifted & field.mask) >> UInt64(field.bits.lowerBound)
        return bits == 0 ? nil : (field.name, bits)
      }
    }
  }

  /// Of those at one address the first.
  private let registers: [Register]

  public init(_ registers: [Register]) {
    var end: UInt64 = 0
    var kept: [Register] = []
    let sorted = registers.enumerated().sorted {
      ($0.element.address, $0.offset) < ($1.element.address, $1.offset)
    }
    for (_, register) in sorted where register.address >= end || kept.isEmpty {
      kept.append(register)
      end = register.address &+ register.size
    }
    self.registers = kept
  }

  public func register(at address: UInt64) -> Register? {
    let next = registers.firstIndexAfter { $0.address <= address }
    guard next > 0, address - registers[next - 1].address < registers[next - 1].size else {
      return nil
    }
    return registers[next - 1]
  }
}
