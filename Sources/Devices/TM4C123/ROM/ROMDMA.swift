import Emu

/// The ROM's functions for µDMA: TI's ROM user's guide SPMU367, chapter "Micro Direct Memory Access (uDMA)".
extension TM4CROM {
  private enum DMA {
    static let base: UInt32 = 0x400F_F000
    static let configuration = base + 0x004
    static let controlBase = base + 0x008
    static let alternateBase = base + 0x00C
    static let software = base + 0x014
    static let useBurst = base + 0x018
    static let mask = base + 0x020
    static let enable = base + 0x028
    static let alternate = base + 0x030
    static let priority = base + 0x038
    static let error = base + 0x04C
    static let secondary = base + 0x500
    static let status = base + 0x504
    static let map = base + 0x510
    /// From a register that sets to the one that clears.
    static let clear: UInt32 = 4

    // The control word.
    static let sizeAndMode: UInt32 = 0x3FF7
    /// DSTINC, DSTSIZE, SRCINC, SRCSIZE, ARBSIZE, NXTUSEBURST.
    static let settings: UInt32 = 0xFF03_C008
    static let memoryScatterGather: UInt32 = 4
    static let peripheralScatterGather: UInt32 = 6
    static let isAlternate: UInt32 = 1
    /// Words, four at a time.
    static let tasks: UInt32 = 0xAA00_8000
  }

  /// UDMA_ATTR_USEBURST and so on, by their bits.
  private static let attributes: [(bit: UInt32, register: UInt32)] = [
    (1, DMA.useBurst), (2, DMA.alternate), (4, DMA.priority), (8, DMA.mask),
  ]

  static func dma(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    let channel: UInt32 = 1 << (call[0] & 0x1F)
    switch name {
    case "uDMAEnable": call.store(1, DMA.configuration)
    case "uDMADisable": call.store(0, DMA.configuration)
    case "uDMAErrorStatusGet": call.give(call.load(DMA.error))
    case "uDMAErrorStatusClear": call.store(1, DMA.error)
    case "uDMAChannelEnable": call.store(channel, DMA.enable)
    case "uDMAChannelDisable": call.store(channel, DMA.enable + DMA.clear)
    case "uDMAChannelIsEnabled": call.give(call.load(DMA.enable) & channel != 0)
    case "uDMAControlBaseSet": call.store(call[0], DMA.controlBase)
    case "uDMAControlBaseGet": call.give(call.load(DMA.controlBase))
    case "uDMAControlAlternateBaseGet": call.give(call.load(DMA.alternateBase))
    case "uDMAChannelRequest": call.store(channel, DMA.software)
    case "uDMAChannelAttributeEnable", "uDMAChannelAttributeDisable":
      let clear = name == "uDMAChannelAttributeDisable" ? DMA.clear : 0
      for (bit, register) in attributes where call[1] & bit != 0 {
        call.store(channel, register + clear)
      }
    case "uDMAChannelAttributeGet":
      var found: UInt32 = 0
      for (bit, register) in attributes where call.load(register) & channel != 0 { found |= bit }
      call.give(found)
    case "uDMAChannelControlSet":
      let control = structure(call[0], &call) + 8
      call.store(call.load(control) & ~DMA.settings | call[1], control)
    case "uDMAChannelTransferSet": setTransfer(&call)
    case "uDMAChannelScatterGatherSet": setTasks(channel, &call)
    case "uDMAChannelSizeGet":
      let control = call.load(structure(call[0], &call) + 8) & DMA.sizeAndMode
      call.give(control == 0 ? 0 : control >> 4 + 1)
    case "uDMAChannelModeGet":
      let mode = call.load(structure(call[0], &call) + 8) & 7
      call.give(mode >= DMA.memoryScatterGather ? mode & ~DMA.isAlternate : mode)
    case "uDMAChannelSelectSecondary": call.change(DMA.secondary, set: call[0])
    case "uDMAChannelSelectDefault": call.change(DMA.secondary, clear: call[0])
    case "uDMAIntStatus": call.give(call.load(DMA.status))
    case "uDMAIntClear": call.store(call[0], DMA.status)
    case "uDMAChannelAssign":
      let (number, encoding) = (call[0] & 0x1F, call[0] >> 16 & 0xF)
      let shift = number % 8 * 4
      call.change(DMA.map + number / 8 * 4, clear: 0xF << shift, set: encoding << shift)
    default: return false
    }
    return true
  }

  /// Of a channel's number, with 32 added for the alternate one.
  private static func structure(_ number: UInt32, _ call: inout FirmwareCall) -> UInt32 {
    call.load(DMA.controlBase) &+ (number & 0x3F) * 16
  }

  /// (channel, mode, source, destination, items): the end pointers are those of the last byte.
  private static func setTransfer(_ call: inout FirmwareCall) {
    let structure = structure(call[0], &call)
    let (mode, count) = (call[1], call[4])
    let isTaskList = mode == DMA.memoryScatterGather || mode == DMA.peripheralScatterGather
    var control = call.load(structure + 8) & ~DMA.sizeAndMode
    control |= (count &- 1) << 4 & 0x3FF0 | mode
    if isTaskList && call[0] & 0x20 != 0 { control |= DMA.isAlternate }
    func end(_ start: UInt32, _ increment: UInt32) -> UInt32 {
      increment == 3 ? start : start &+ count << increment &- 1
    }
    call.store(end(call[2], control >> 26 & 3), structure)
    call.store(
      isTaskList && control >> 30 != 3
        ? (structure | 0x200) + 12 : end(call[3], control >> 30), structure + 4)
    call.store(control, structure + 8)
  }

  /// (channel, tasks, list, is a peripheral's).
  private static func setTasks(_ channel: UInt32, _ call: inout FirmwareCall) {
    let structure = structure(call[0] & 0x1F, &call)
    let (count, isPeripheral) = (call[1], call[3] & 0xFF != 0)
    call.store(call[2] &+ count &* 16 &- 4, structure)
    call.store((structure | 0x200) + 12, structure + 4)
    call.store(
      DMA.tasks | (count &* 4 &- 1) << 4 & 0x3FF0
        | (isPeripheral ? DMA.peripheralScatterGather : DMA.memoryScatterGather), structure + 8)
    call.store(channel, DMA.alternate + DMA.clear)
  }
}
