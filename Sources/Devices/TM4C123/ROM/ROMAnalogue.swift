import Emu

/// The ROM's functions for converters and PWM: TI's ROM user's guide SPMU367, chapters "ADC" and "PWM".
extension TM4CROM {
  // MARK: Converters

  private enum ADC {
    static let active: UInt32 = 0x000
    static let raw: UInt32 = 0x004
    static let mask: UInt32 = 0x008
    static let status: UInt32 = 0x00C
    static let overflow: UInt32 = 0x010
    static let triggers: UInt32 = 0x014
    static let underflow: UInt32 = 0x018
    static let triggerModules: UInt32 = 0x01C
    static let priorities: UInt32 = 0x020
    static let phase: UInt32 = 0x024
    static let initiate: UInt32 = 0x028
    static let averaging: UInt32 = 0x030
    static let comparatorStatus: UInt32 = 0x034
    static let control: UInt32 = 0x038
    static let comparatorReset: UInt32 = 0xD00
    static let comparatorControls: UInt32 = 0xE00
    static let comparatorRanges: UInt32 = 0xE40
    // Of a sequencer.
    static let inputs: UInt32 = 0x00
    static let steps: UInt32 = 0x04
    static let fifo: UInt32 = 0x08
    static let fifoStatus: UInt32 = 0x0C
    static let operation: UInt32 = 0x10
    static let comparators: UInt32 = 0x14

    static let isEmpty: UInt32 = 1 << 8
    static let reference: UInt32 = 3
  }

  static func adc(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    let base = call[0]
    let number = call[1]
    let bit: UInt32 = 1 << (number & 3)
    switch name {
    case "ADCSequenceDataGet": takeSamples(&call)
    case "ADCIntDisable": call.change(base &+ ADC.mask, clear: bit)
    case "ADCIntEnable":
      call.store(bit, base &+ ADC.status)
      call.change(base &+ ADC.mask, set: bit)
    case "ADCIntStatus":
      let isMasked = call[2] & 1 == 1
      let status = call.load(base &+ (isMasked ? ADC.status : ADC.raw))
      // The comparators have one raw bit for all sequencers.
      call.give(
        isMasked
          ? status & 0x1_0001 << (number & 3)
          : status & bit | (status & 0x1_0000 != 0 ? 0xF_0000 : 0))
    case "ADCIntClear": call.store(bit, base &+ ADC.status)
    case "ADCSequenceEnable": call.change(base &+ ADC.active, set: bit)
    case "ADCSequenceDisable": call.change(base &+ ADC.active, clear: bit)
    case "ADCSequenceConfigure":
      let shift = (number & 3) * 4
      let trigger = call[2]
      call.change(base &+ ADC.triggers, clear: 0xF << shift, set: (trigger & 0xF) << shift)
      call.change(base &+ ADC.priorities, clear: 0xF << shift, set: (call[3] & 3) << shift)
      call.change(
        base &+ ADC.triggerModules, clear: 0x30 << (2 * shift),
        set: (trigger & 0x30) << (2 * shift))
    case "ADCSequenceStepConfigure": setStep(&call)
    case "ADCSequenceOverflow": call.give(call.load(base &+ ADC.overflow) & bit)
    case "ADCSequenceOverflowClear": call.store(bit, base &+ ADC.overflow)
    case "ADCSequenceUnderflow": call.give(call.load(base &+ ADC.underflow) & bit)
    case "ADCSequenceUnderflowClear": call.store(bit, base &+ ADC.underflow)
    case "ADCProcessorTrigger":
      call.store(number & 0xFFFF_0000 | bit, base &+ ADC.initiate)
    case "ADCHardwareOversampleConfigure":
      call.store(number == 0 ? 0 : UInt32(31 - number.leadingZeroBitCount), base &+ ADC.averaging)
    case "ADCComparatorConfigure":
      call.store(call[2], base &+ ADC.comparatorControls &+ (number & 7) * 4)
    case "ADCComparatorRegionSet":
      call.store(
        call[3] << 16 | call[2] & 0xFFFF, base &+ ADC.comparatorRanges &+ (number & 7) * 4)
    case "ADCComparatorReset":
      let one: UInt32 = 1 << (number & 7)
      call.store(
        (call[2] & 0xFF != 0 ? one << 16 : 0) | (call[3] & 0xFF != 0 ? one : 0),
        base &+ ADC.comparatorReset)
    case "ADCComparatorIntDisable": call.change(base &+ ADC.mask, clear: bit << 16)
    case "ADCComparatorIntEnable": call.change(base &+ ADC.mask, set: bit << 16)
    case "ADCComparatorIntStatus": call.give(call.load(base &+ ADC.comparatorStatus))
    case "ADCComparatorIntClear": call.store(number, base &+ ADC.comparatorStatus)
    case "ADCReferenceSet":
      call.change(base &+ ADC.control, clear: ADC.reference, set: number & ADC.reference)
    case "ADCReferenceGet": call.give(call.load(base &+ ADC.control) & ADC.reference)
    case "ADCPhaseDelaySet": call.store(number, base &+ ADC.phase)
    case "ADCPhaseDelayGet": call.give(call.load(base &+ ADC.phase))
    default: return false
    }
    return true
  }

  private static func sequencer(_ call: inout FirmwareCall) -> UInt32 {
    call[0] &+ 0x40 &+ (call[1] & 3) * 0x20
  }

  /// (base, sequencer, buffer): at most eight words; gives their number.
  private static func takeSamples(_ call: inout FirmwareCall) {
    let sequencer = sequencer(&call)
    let buffer = call[2]
    var count: UInt32 = 0
    while count < 8, call.load(sequencer &+ ADC.fifoStatus) & ADC.isEmpty == 0 {
      let sample = call.load(sequencer &+ ADC.fifo)
      call.store(sample, buffer &+ count * 4)
      count += 1
    }
    call.give(count)
  }

  /// (base, sequencer, step, what): input, control bits from bit 4 on, and a comparator from bit 16 on.
  private static func setStep(_ call: inout FirmwareCall) {
    let sequencer = sequencer(&call)
    let (shift, what) = ((call[2] & 7) * 4, call[3])
    call.change(sequencer &+ ADC.inputs, clear: 0xF << shift, set: (what & 0xF) << shift)
    call.change(sequencer &+ ADC.steps, clear: 0xF << shift, set: (what >> 4 & 0xF) << shift)
    if what & 0xF_0000 == 0 {
      call.change(sequencer &+ ADC.operation, clear: 1 << shift)
    } else {
      call.change(
        sequencer &+ ADC.comparators, clear: 0xF << shift, set: (what >> 16 & 7) << shift)
      call.change(sequencer &+ ADC.operation, set: 1 << shift)
    }
  }

  // MARK: PWM

  private enum PWM {
    static let sync: UInt32 = 0x000
    static let timeBase: UInt32 = 0x004
    static let enable: UInt32 = 0x008
    static let invert: UInt32 = 0x00C
    static let fault: UInt32 = 0x010
    static let mask: UInt32 = 0x014
    static let raw: UInt32 = 0x018
    static let status: UInt32 = 0x01C
    static let faultValues: UInt32 = 0x024
    // Of a generator, which software names by its offset.
    static let control: UInt32 = 0x00
    static let generatorMask: UInt32 = 0x04
    static let generatorRaw: UInt32 = 0x08
    static let generatorStatus: UInt32 = 0x0C
    static let load: UInt32 = 0x10
    static let compareA: UInt32 = 0x18
    static let compareB: UInt32 = 0x1C
    static let actionsA: UInt32 = 0x20
    static let actionsB: UInt32 = 0x24
    static let deadBand: UInt32 = 0x28
    static let rise: UInt32 = 0x2C
    static let fall: UInt32 = 0x30
    static let pinSources: UInt32 = 0x34
    static let comparatorSources: UInt32 = 0x38
    static let minimumFault: UInt32 = 0x3C
    static let enableUpdates: UInt32 = 0x028
    // Of what a generator has for faults.
    static let sense: UInt32 = 0x0
    static let pinStatus: UInt32 = 0x4
    static let comparatorStatus: UInt32 = 0x8

    static let upDown: UInt32 = 2
    /// All of PWMnCTL but ENABLE.
    static let settings: UInt32 = 0x7_FFFE
    static let faultInterrupt: UInt32 = 1 << 16
  }

  static func pwm(_ name: Substring, _ call: inout FirmwareCall) -> Bool {
    let (base, what) = (call[0], call[1])
    let generator = base &+ what
    switch name {
    case "PWMPulseWidthSet", "PWMPulseWidthGet": pulseWidth(name == "PWMPulseWidthSet", &call)
    case "PWMGenConfigure":
      let isUpDown = call[2] & PWM.upDown != 0
      call.change(generator &+ PWM.control, clear: PWM.settings, set: call[2])
      // High at the load, or up at the comparator; low down at it.
      call.store(isUpDown ? 0xB0 : 0x8C, generator &+ PWM.actionsA)
      call.store(isUpDown ? 0xB00 : 0x80C, generator &+ PWM.actionsB)
    case "PWMGenPeriodSet":
      let isUpDown = call.load(generator &+ PWM.control) & PWM.upDown != 0
      call.store(isUpDown ? call[2] / 2 : call[2] &- 1, generator &+ PWM.load)
    case "PWMGenPeriodGet":
      let load = call.load(generator &+ PWM.load)
      call.give(call.load(generator &+ PWM.control) & PWM.upDown != 0 ? load &* 2 : load &+ 1)
    case "PWMGenEnable": call.change(generator &+ PWM.control, set: 1)
    case "PWMGenDisable": call.change(generator &+ PWM.control, clear: 1)
    case "PWMDeadBandEnable":
      call.store(call[2] & 0xFFFF, generator &+ PWM.rise)
      call.store(call[3] & 0xFFFF, generator &+ PWM.fall)
      call.change(generator &+ PWM.deadBand, set: 1)
    case "PWMDeadBandDisable": call.change(generator &+ PWM.deadBand, clear: 1)
    case "PWMSyncUpdate": call.store(what, base &+ PWM.sync)
    case "PWMSyncTimeBase": call.store(what, base &+ PWM.timeBase)
    case "PWMOutputState": setOutputs(PWM.enable, &call)
    case "PWMOutputInvert": setOutputs(PWM.invert, &call)
    case "PWMOutputFault": setOutputs(PWM.fault, &call)
    case "PWMOutputFaultLevel": setOutputs(PWM.faultValues, &call)
    case "PWMGenIntTrigEnable": call.change(generator &+ PWM.generatorMask, set: call[2])
    case "PWMGenIntTrigDisable": call.change(generator &+ PWM.generatorMask, clear: call[2])
    case "PWMGenIntStatus":
      call.give(
        call.load(generator &+ (call[2] & 1 == 1 ? PWM.generatorStatus : PWM.generatorRaw)))
    case "PWMGenIntClear": call.store(call[2], generator &+ PWM.generatorStatus)
    case "PWMIntEnable": call.change(base &+ PWM.mask, set: what)
    case "PWMIntDisable": call.change(base &+ PWM.mask, clear: what)
    case "PWMFaultIntClear": call.store(PWM.faultInterrupt, base &+ PWM.status)
    case "PWMFaultIntClearExt": call.store(what, base &+ PWM.status)
    case "PWMIntStatus":
      call.give(call.load(base &+ (what & 1 == 1 ? PWM.status : PWM.raw)))
    case "PWMGenFaultConfigure":
      call.store(call[2], generator &+ PWM.minimumFault)
      call.store(call[3], faults(&call) &+ PWM.sense)
    // Group 0 is the pins, 1 the digital comparators.
    case "PWMGenFaultTriggerSet": call.store(call[3], generator &+ sources(&call))
    case "PWMGenFaultTriggerGet": call.give(call.load(generator &+ sources(&call)))
    case "PWMGenFaultStatus": call.give(call.load(faultStatus(&call)))
    case "PWMGenFaultClear": call.store(call[3], faultStatus(&call))
    case "PWMOutputUpdateMode": setUpdateMode(&call)
    default: return false
    }
    return true
  }

  /// (base, generator): 0x40 is generator 0.
  private static func faults(_ call: inout FirmwareCall) -> UInt32 {
    call[0] &+ 0x800 &+ ((call[1] >> 6 &- 1) & 3) * 0x80
  }

  private static func sources(_ call: inout FirmwareCall) -> UInt32 {
    call[2] == 0 ? PWM.pinSources : PWM.comparatorSources
  }

  private static func faultStatus(_ call: inout FirmwareCall) -> UInt32 {
    faults(&call) &+ (call[2] == 0 ? PWM.pinStatus : PWM.comparatorStatus)
  }

  /// (base, outputs, mode)
  private static func setUpdateMode(_ call: inout FirmwareCall) {
    var (mask, modes): (UInt32, UInt32) = (0, 0)
    for output in 0..<8 as Range<UInt32> where call[1] >> output & 1 == 1 {
      mask |= 3 << (2 * output)
      modes |= (call[2] & 3) << (2 * output)
    }
    call.change(call[0] &+ PWM.enableUpdates, clear: mask, set: modes)
  }

  /// (base, output, width): an output is named by its generator's offset and its number, odd for B.
  private static func pulseWidth(_ isSet: Bool, _ call: inout FirmwareCall) {
    let generator = call[0] &+ (call[1] & ~0x3F)
    let compare = generator &+ (call[1] & 1 == 1 ? PWM.compareB : PWM.compareA)
    let isUpDown = call.load(generator &+ PWM.control) & PWM.upDown != 0
    let load = call.load(generator &+ PWM.load)
    if isSet {
      call.store(load &- (isUpDown ? call[2] / 2 : call[2]), compare)
    } else {
      let width = load &- call.load(compare)
      call.give(isUpDown ? width &* 2 : width)
    }
  }

  private static func setOutputs(_ register: UInt32, _ call: inout FirmwareCall) {
    let isOn = call[2] & 0xFF != 0
    call.change(call[0] &+ register, clear: call[1], set: isOn ? call[1] : 0)
  }
}
