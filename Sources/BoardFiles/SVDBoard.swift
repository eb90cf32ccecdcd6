import Devices
import Emu
import Timeline

extension SVDFile {
  /// The names that findings and traces have for addresses.
  public var registerNames: RegisterNames {
    RegisterNames(
      peripherals.flatMap { peripheral in
        peripheral.registers.map {
          .init(
            peripheral: peripheral.name, name: $0.name, address: peripheral.address &+ $0.offset,
            size: $0.size, fields: $0.fields)
        }
      })
  }

  /// What of the chip the board has nothing for: registers at their reset values, which take nothing.
  public func stubs(for board: Board) -> [Board.Stub] {
    var taken = board.regions.map { ($0.address, $0.end) }
    for device in board.devices {
      for address in [device.address] + device.others {
        taken.append((address, address + device.size))
      }
    }
    if case .cortexM4 = board.core { taken.append((0xE000_0000, 0xE010_0000)) }
    return peripherals.compactMap { peripheral in
      let (start, end) = (peripheral.address, peripheral.address + peripheral.size)
      if peripheral.size == 0 || taken.contains(where: { $0.0 < end && start < $0.1 }) {
        return nil
      }
      taken.append((start, end))
      return Board.Stub(
        peripheral.name, at: start, size: peripheral.size, map: peripheral.declared)
    }
  }
}

extension SVDFile.Peripheral {
  /// Of registers at one address the first one.
  fileprivate var declared: RegisterMap {
    var list: [RegisterMap.Register] = []
    var end: UInt64 = 0
    for register in registers where register.offset >= end {
      var size: UInt64 = 1
      while size < register.size { size *= 2 }
      list.append(.notModelled(register.name, register.offset, size: size, reset: register.reset))
      end = register.offset + size
    }
    return RegisterMap(list)
  }
}

// MARK: For people

extension SVDFile {
  /// A line for each peripheral.
  public var listing: String {
    var lines = ["\(name)  \(peripherals.count) peripherals"]
    let width = peripherals.map(\.name.count).max() ?? 0
    for one in peripherals {
      let name = one.name + String(repeating: " ", count: width - one.name.count)
      let fields = one.registers.reduce(0) { $0 + $1.fields.count }
      let last = BoardQuantity.hex(one.address &+ max(one.size, 1) &- 1)
      var line = "  \(BoardQuantity.hex(one.address))..\(last)  \(name)  "
      line += "\(one.registers.count) registers, \(fields) fields"
      if !one.interrupts.isEmpty {
        line += ", IRQ " + one.interrupts.map { "\($0.number)" }.joined(separator: " ")
      }
      lines.append(line)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// What contradicts itself, one sentence each: "chip.svd:120: ...". The names and addresses are taken as they are all the same.
  public var doubts: [String] {
    var doubts: [String] = []
    for peripheral in peripherals {
      var end: (address: UInt64, name: String) = (0, "")
      for register in peripheral.registers {
        let name = "\(peripheral.name).\(register.name)"
        if register.offset < end.address && !register.isAlternate {
          doubts.append("\(path):\(register.line): \(name) overlaps \(end.name)")
        }
        if register.offset + register.size > end.address {
          end = (register.offset + register.size, name)
        }
        var bits: UInt64 = 0
        for field in register.fields {
          if field.bits.upperBound >= Int(register.size) * 8 {
            doubts.append(
              "\(path):\(register.line): \(name).\(field.name) goes beyond its register")
          } else if bits & field.mask != 0 && field.permission == .readWrite {
            doubts.append(
              "\(path):\(register.line): \(name).\(field.name) shares bits with another field")
          }
          bits |= field.mask
        }
      }
    }
    for (one, next) in zip(peripherals, peripherals.dropFirst())
    where one.address + one.size > next.address {
      doubts.append("\(path):\(next.line): \(next.name) overlaps \(one.name)")
    }
    return doubts
  }
}
