import CoreShim

/// Accesses to the private peripheral bus (ARM DDI 0403E.e, B3.1): who may, how wide, and which register it is.
///
/// What a store brings about is there directly behind the storing instruction.
extension CortexM {
  func accessPrivate(
    _ offset: UInt64, _ access: UnsafeMutablePointer<CoreAccess>
  ) -> CoreAccessVerdict {
    let width = access.pointee.size
    let isStore = access.pointee.is_store
    let register = UInt32(truncatingIfNeeded: offset) & ~3
    // "unprivileged accesses to the SCS ... generate a BusFault", but for STIR if CCR.USERSETMPEND allows it (B3.2.26).
    if !access.pointee.privileged {
      let isOpen = register == At.stir && system.ccr & SystemControl.CCR.userSetPending != 0
      let isTrace = offset < At.dwtCTRL
      if !isOpen && !isTrace { return CORE_ACCESS_FAULT }
      // The ITM is open to everybody; but of its registers only stimulus ports take anything.
      if isTrace && isStore && offset >= At.itmTER { return CORE_ACCESS_DONE }
    }
    if !Self.isImplemented(offset) {
      notModelled(hex(access.pointee.address) + ", where nothing is", access, kind: .reserved)
      return CORE_ACCESS_FAULT
    }
    let asked = Access(
      offset: offset, width: width, privileged: access.pointee.privileged, hart: number)
    let shift = UInt32(truncatingIfNeeded: offset & 3) * 8
    let mask = width == 4 ? UInt32.max : ((1 << (UInt32(width) * 8)) - 1) << shift
    let answer = registers32.answer(asked, isStore: isStore, access.pointee.value)
    switch answer {
    case .fault(let kind):
      notModelled(registers32.refusal(asked), access, kind: kind)
      return CORE_ACCESS_FAULT
    case .notModelled(let value, let kind):
      notModelled(
        registers32.name(at: offset), value: isStore ? access.pointee.value : 0, access, kind: kind)
      if !isStore { access.pointee.value = value }
    case .device, .doubtful:
      if isStore {
        let value = UInt32(truncatingIfNeeded: access.pointee.value)
        if offset < At.itmTER {
          writeStimulus(
            register / 4, access.pointee.value, width: width,
            privileged: access.pointee.privileged)
        } else {
          write(register, value << shift, mask)
        }
        if case .doubtful(let entry) = answer {
          let (name, kind) = registers32.doubt(entry, asked, access.pointee.value)
          notModelled(name, value: access.pointee.value, access, kind: kind)
        }
      } else {
        access.pointee.value = UInt64((read(register, pc: access.pointee.pc) & mask) >> shift)
      }
    }
    let kind = isStore ? Event.Kind.mmioWrite : .mmioRead
    if bus.recorder.wants(kind) {
      record(kind, detail: offset | UInt64(width) << 24, value: access.pointee.value)
    }
    return CORE_ACCESS_DONE
  }

  private func read(_ register: UInt32, pc: UInt64) -> UInt32 {
    switch register {
    case ..<At.fpbLimit, At.dhcsr..<At.demcr: readDebug(register, pc: pc)
    case At.systCSR: sysTick.readControl(now)
    case At.systRVR: sysTick.reload
    case At.systCVR: sysTick.readValue(now)
    case At.systCALIB: SysTick.calibration
    case At.iser..<At.ipr + 0x100: readNVIC(register)
    case At.mpuTYPE..<At.mpuEnd: readMPU(register)
    default: readControl(register)
    }
  }

  /// - Parameter mask: the bits that are written; only where bytes may be written alone is it ever not all.
  private func write(_ register: UInt32, _ value: UInt32, _ mask: UInt32) {
    switch register {
    case ..<At.fpbLimit, At.dhcsr..<At.demcr:
      writeDebug(register, value)
    case At.systCSR:
      sysTick.writeControl(value, now)
      reschedule()
    case At.systRVR:
      sysTick.writeReload(value, now)
      reschedule()
    case At.systCVR:
      sysTick.writeValue(now)
      reschedule()
    case At.iser..<At.ipr + 0x100:
      writeNVIC(register, value, mask)
      reconsider()
    case At.mpuTYPE..<At.mpuEnd: writeMPU(register, value, mask)
    default:
      writeControl(register, value, mask)
      reconsider()
    }
  }
}
