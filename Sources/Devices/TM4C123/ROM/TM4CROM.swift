import Emu

/// The ROM of the TM4C123GH6PM: datasheet SPMS376E, section 8.2.2, "ROM", and TI's ROM user's guide SPMU367. At 0x0100_0010 is a
/// table of tables of functions; software calls through it (TivaWare's `ROM_` macros), so the places in the tables are
/// what counts, and the addresses are this emulator's own.
///
/// A function is a BKPT that the emulator answers (`FirmwareCalls`) with a model of its own, written from the guide: it takes one tick.
/// Those whose point is to take time, or to change the core, are code. One without a model is a finding with its name, and
/// returns at once.
enum TM4CROM {
  static let address: UInt64 = 0x0100_0000
  static let size: UInt64 = 64 << 10
  private static let version: UInt32 = 0x0000_0002

  private static let apiTable = 0x10
  private static let firstTable = 0x100
  private static let entries = 96
  private static let firstFunction = 0x5000
  private static let functionSize = 16

  /// Of each table its functions, in the order of their places; a dash is a place without one.
  private static let tables: [(number: Int, names: [Substring])] = names.map { number, text in
    (number, text.split(separator: " "))
  }
  private static let tableCount = (names.map(\.number).max() ?? 0) + 1

  private static func function(_ table: Int, _ place: Int) -> Int {
    firstFunction + (row(table) * entries + place) * functionSize
  }

  /// Tables lie one behind the other, in the order in which they are named.
  private static func row(_ table: Int) -> Int {
    tables.firstIndex { $0.number == table } ?? tables.count
  }

  // MARK: Content

  static let content: [UInt8] = {
    var words = [UInt32](repeating: 0, count: Int(size) / 4)
    words[apiTable / 4] = version
    for number in 1..<64 {
      // A table that this chip has not is one without functions.
      words[apiTable / 4 + number] =
        UInt32(address) + UInt32(firstTable + row(number) * entries * 4)
    }
    // What has no room in its place goes to the end.
    var end = Int(size)
    for number in tables.map(\.number) + [63] {
      let table = firstTable + row(number) * entries * 4
      for place in 0..<entries {
        let name = name(number, place)
        let code = name.flatMap { Self.code[$0] } ?? Self.call(of: name)
        var function = function(number, place)
        if code.count * 2 > functionSize {
          end -= code.count * 2 + 3 & ~3
          function = end
        }
        // Bit 0: Thumb.
        words[table / 4 + place] = UInt32(address) + UInt32(function) | 1
        for (part, half) in code.enumerated() {
          words[function / 4 + part / 2] |= UInt32(half) << UInt32(part % 2 * 16)
        }
      }
    }
    return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
  }()

  /// RIOT uses a peripheral directly behind the call that opens its gate, and on the chip the return takes long enough for that.
  private static func call(of name: Substring?) -> [UInt16] {
    name?.hasPrefix("SysCtlPeripheral") == true
      ? [breakpoint, doNothing, doNothing, branchToLR] : [breakpoint, branchToLR]
  }

  private static let doNothing: UInt16 = 0xBF00
  private static let breakpoint: UInt16 = 0xBE7E
  private static let branchToLR: UInt16 = 0x4770

  /// Thumb code where a model would not do, and where it is as short.
  private static let code: [Substring: [UInt16]] = [
    // subs r0, #1; bne; bx lr
    "SysCtlDelay": [0x3801, 0xD1FD, branchToLR],
    // wfi; bx lr
    "SysCtlSleep": [0xBF30, branchToLR],
    // movw, movt r1, #0xE000ED10; ldr r0, [r1]; orr r0, #4; str r0, [r1]; wfi; ldr r0, [r1]; bic r0, #4; str r0, [r1]; bx lr
    "SysCtlDeepSleep": [
      0xF64E, 0x5110, 0xF2CE, 0x0100, 0x6808, 0xF040, 0x0004, 0x6008, 0xBF30, 0x6808, 0xF020,
      0x0004, 0x6008, branchToLR,
    ],
    // mrs r0, primask; cpsie i; bx lr, and the same with cpsid: "whether interrupts were disabled when the function was called"
    "IntMasterEnable": [0xF3EF, 0x8010, 0xB662, branchToLR],
    "IntMasterDisable": [0xF3EF, 0x8010, 0xB672, branchToLR],
    // movw, movt r0, #0xE000E018; ldr r0, [r0]; bx lr: loops wait with it
    "SysTickValueGet": [0xF24E, 0x0018, 0xF2CE, 0x0000, 0x6800, branchToLR],
    // add r0, r0, r1, lsl #2; str r2, [r0] or ldr r0, [r0]; bx lr
    "GPIOPinWrite": [0xEB00, 0x0081, 0x6002, branchToLR],
    "GPIOPinRead": [0xEB00, 0x0081, 0x6800, branchToLR],
  ]

  private static func name(_ table: Int, _ place: Int) -> Substring? {
    guard let names = tables.first(where: { $0.number == table })?.names, place < names.count,
      names[place] != "-"
    else { return nil }
    return names[place]
  }

  // MARK: Calls

  static let calls = FirmwareCalls(addresses: address..<address + size) { address, call in
    let number = (Int(address - Self.address) - firstFunction) / functionSize
    let (row, place) = (number / entries, number % entries)
    guard tables.indices.contains(row), let name = name(tables[row].number, place) else {
      return call.notModelled("a call of place \(place) in a table of the ROM that has none there")
    }
    if !answer(tables[row].number, name, &call) { call.notModelled("ROM_\(name)") }
  }

  /// False: there is no model of it.
  private static func answer(
    _ table: Int, _ name: Substring, _ call: inout FirmwareCall
  ) -> Bool {
    switch table {
    case 1: uart(name, &call)
    case 2: ssi(name, &call)
    case 3: i2c(name, &call)
    case 4: gpio(name, &call)
    case 5: adc(name, &call)
    case 7: flash(name, &call)
    case 8: pwm(name, &call)
    case 10: sysTick(name, &call)
    case 11: timer(name, &call)
    case 12: watchdog(name, &call)
    case 13: systemControl(name, &call)
    case 14: interrupt(name, &call)
    case 17: dma(name, &call)
    case 19: hibernation(name, &call)
    case 20: mpu(name, &call)
    case 24: eeprom(name, &call)
    case 26: fpu(name, &call)
    case 30: systemExceptions(name, &call)
    default: false
    }
  }

  // MARK: Names

  private static let names: [(number: Int, text: String)] = [
    (
      1,
      """
      UARTCharPut UARTParityModeSet UARTParityModeGet UARTFIFOLevelSet UARTFIFOLevelGet \
      UARTConfigSetExpClk UARTConfigGetExpClk UARTEnable UARTDisable UARTEnableSIR \
      UARTDisableSIR UARTCharsAvail UARTSpaceAvail UARTCharGetNonBlocking UARTCharGet \
      UARTCharPutNonBlocking UARTBreakCtl UARTIntEnable UARTIntDisable UARTIntStatus \
      UARTIntClear UpdateUART UARTDMAEnable UARTDMADisable UARTFIFOEnable UARTFIFODisable \
      UARTBusy UARTTxIntModeSet UARTTxIntModeGet UARTRxErrorGet UARTRxErrorClear \
      UARTClockSourceSet UARTClockSourceGet UART9BitEnable UART9BitDisable UART9BitAddrSet \
      UART9BitAddrSend - - UARTModemControlClear
      """
    ),
    (
      2,
      """
      SSIDataPut SSIConfigSetExpClk SSIEnable SSIDisable SSIIntEnable SSIIntDisable \
      SSIIntStatus SSIIntClear SSIDataPutNonBlocking SSIDataGet SSIDataGetNonBlocking \
      UpdateSSI SSIDMAEnable SSIDMADisable SSIBusy SSIClockSourceGet SSIClockSourceSet
      """
    ),
    (
      3,
      """
      I2CMasterDataPut I2CMasterInitExpClk - I2CMasterEnable - I2CMasterDisable - \
      I2CMasterIntEnable - I2CMasterIntDisable - I2CMasterIntStatus - I2CMasterIntClear - \
      I2CMasterSlaveAddrSet I2CMasterBusy I2CMasterBusBusy I2CMasterControl I2CMasterErr \
      I2CMasterDataGet - - - UpdateI2C - - - - I2CMasterIntEnableEx I2CMasterIntDisableEx \
      I2CMasterIntStatusEx I2CMasterIntClearEx I2CMasterTimeoutSet - - - - \
      I2CMasterLineStateGet
      """
    ),
    (
      4,
      """
      GPIOPinWrite GPIODirModeSet GPIODirModeGet GPIOIntTypeSet GPIOIntTypeGet \
      GPIOPadConfigSet GPIOPadConfigGet - - - - GPIOPinRead GPIOPinTypeCAN \
      GPIOPinTypeComparator GPIOPinTypeGPIOInput GPIOPinTypeGPIOOutput GPIOPinTypeI2C \
      GPIOPinTypePWM GPIOPinTypeQEI GPIOPinTypeSSI GPIOPinTypeTimer GPIOPinTypeUART \
      GPIOPinTypeGPIOOutputOD GPIOPinTypeADC GPIOPinTypeUSBDigital - GPIOPinConfigure - \
      GPIOPinTypeUSBAnalog - - GPIODMATriggerEnable GPIODMATriggerDisable \
      GPIOADCTriggerEnable GPIOADCTriggerDisable - - - - GPIOPinTypeI2CSCL
      """
    ),
    (
      5,
      """
      ADCSequenceDataGet ADCIntDisable ADCIntEnable ADCIntStatus ADCIntClear \
      ADCSequenceEnable ADCSequenceDisable ADCSequenceConfigure ADCSequenceStepConfigure \
      ADCSequenceOverflow ADCSequenceOverflowClear ADCSequenceUnderflow \
      ADCSequenceUnderflowClear ADCProcessorTrigger ADCHardwareOversampleConfigure \
      ADCComparatorConfigure ADCComparatorRegionSet ADCComparatorReset \
      ADCComparatorIntDisable ADCComparatorIntEnable ADCComparatorIntStatus \
      ADCComparatorIntClear ADCReferenceSet ADCReferenceGet ADCPhaseDelaySet \
      ADCPhaseDelayGet
      """
    ),
    (
      6,
      """
      ComparatorIntClear ComparatorConfigure ComparatorRefSet ComparatorValueGet \
      ComparatorIntEnable ComparatorIntDisable ComparatorIntStatus
      """
    ),
    (
      7,
      """
      FlashProgram - - FlashErase FlashProtectGet FlashProtectSet FlashProtectSave \
      FlashUserGet FlashUserSet FlashUserSave FlashIntEnable FlashIntDisable \
      FlashIntStatus FlashIntClear
      """
    ),
    (
      8,
      """
      PWMPulseWidthSet PWMGenConfigure PWMGenPeriodSet PWMGenPeriodGet PWMGenEnable \
      PWMGenDisable PWMPulseWidthGet PWMDeadBandEnable PWMDeadBandDisable PWMSyncUpdate \
      PWMSyncTimeBase PWMOutputState PWMOutputInvert PWMOutputFault PWMGenIntTrigEnable \
      PWMGenIntTrigDisable PWMGenIntStatus PWMGenIntClear PWMIntEnable PWMIntDisable \
      PWMFaultIntClear PWMIntStatus PWMOutputFaultLevel PWMFaultIntClearExt \
      PWMGenFaultConfigure PWMGenFaultTriggerSet PWMGenFaultTriggerGet PWMGenFaultStatus \
      PWMGenFaultClear - - PWMOutputUpdateMode
      """
    ),
    (
      9,
      """
      QEIPositionGet QEIEnable QEIDisable QEIConfigure QEIPositionSet QEIDirectionGet \
      QEIErrorGet QEIVelocityEnable QEIVelocityDisable QEIVelocityConfigure QEIVelocityGet \
      QEIIntEnable QEIIntDisable QEIIntStatus QEIIntClear
      """
    ),
    (
      10,
      """
      SysTickValueGet SysTickEnable SysTickDisable SysTickIntEnable SysTickIntDisable \
      SysTickPeriodSet SysTickPeriodGet
      """
    ),
    (
      11,
      """
      TimerIntClear TimerEnable TimerDisable TimerConfigure TimerControlLevel \
      TimerControlTrigger TimerControlEvent TimerControlStall TimerRTCEnable \
      TimerRTCDisable TimerPrescaleSet TimerPrescaleGet TimerPrescaleMatchSet \
      TimerPrescaleMatchGet TimerLoadSet TimerLoadGet TimerValueGet TimerMatchSet \
      TimerMatchGet TimerIntEnable TimerIntDisable TimerIntStatus \
      TimerControlWaitOnTrigger TimerLoadSet64 TimerLoadGet64 TimerValueGet64 \
      TimerMatchSet64 TimerMatchGet64
      """
    ),
    (
      12,
      """
      WatchdogIntClear WatchdogRunning WatchdogEnable WatchdogResetEnable \
      WatchdogResetDisable WatchdogLock WatchdogUnlock WatchdogLockState WatchdogReloadSet \
      WatchdogReloadGet WatchdogValueGet WatchdogIntEnable WatchdogIntStatus \
      WatchdogStallEnable WatchdogStallDisable WatchdogIntTypeSet
      """
    ),
    (
      13,
      """
      SysCtlSleep SysCtlSRAMSizeGet SysCtlFlashSizeGet - SysCtlPeripheralPresent \
      SysCtlPeripheralReset SysCtlPeripheralEnable SysCtlPeripheralDisable \
      SysCtlPeripheralSleepEnable SysCtlPeripheralSleepDisable \
      SysCtlPeripheralDeepSleepEnable SysCtlPeripheralDeepSleepDisable \
      SysCtlPeripheralClockGating SysCtlIntEnable SysCtlIntDisable SysCtlIntClear \
      SysCtlIntStatus - - SysCtlReset SysCtlDeepSleep SysCtlResetCauseGet \
      SysCtlResetCauseClear SysCtlClockSet SysCtlClockGet SysCtlPWMClockSet \
      SysCtlPWMClockGet - - - - SysCtlUSBPLLEnable SysCtlUSBPLLDisable - SysCtlDelay \
      SysCtlPeripheralReady SysCtlPeripheralPowerOn SysCtlPeripheralPowerOff - - - - - - \
      SysCtlMOSCConfigSet SysCtlPIOSCCalibrate SysCtlDeepSleepClockSet - - - - - - - - \
      SysCtlVoltageEventConfig
      """
    ),
    (
      14,
      """
      IntEnable IntMasterEnable IntMasterDisable IntDisable IntPriorityGroupingSet \
      IntPriorityGroupingGet IntPrioritySet IntPriorityGet IntPendSet IntPendClear \
      IntPriorityMaskSet IntPriorityMaskGet IntIsEnabled
      """
    ),
    (
      16,
      """
      - USBDevAddrGet USBDevAddrSet USBDevConnect USBDevDisconnect USBDevEndpointConfigSet \
      USBDevEndpointDataAck USBDevEndpointStall USBDevEndpointStallClear \
      USBDevEndpointStatusClear USBEndpointDataGet USBEndpointDataPut USBEndpointDataSend \
      USBEndpointDataToggleClear USBEndpointStatus USBFIFOAddrGet USBFIFOConfigGet \
      USBFIFOConfigSet USBFIFOFlush USBFrameNumberGet USBHostAddrGet USBHostAddrSet \
      USBHostEndpointConfig USBHostEndpointDataAck USBHostEndpointDataToggle \
      USBHostEndpointStatusClear USBHostHubAddrGet USBHostHubAddrSet USBHostPwrDisable \
      USBHostPwrEnable USBHostPwrConfig USBHostPwrFaultDisable USBHostPwrFaultEnable \
      USBHostRequestIN USBHostRequestStatus USBHostReset USBHostResume USBHostSpeedGet \
      USBHostSuspend - - USBDevEndpointConfigGet USBEndpointDMAEnable \
      USBEndpointDMADisable USBEndpointDataAvail - USBModeGet USBEndpointDMAChannel \
      USBIntDisableControl USBIntEnableControl USBIntStatusControl USBIntDisableEndpoint \
      USBIntEnableEndpoint USBIntStatusEndpoint USBHostMode USBDevMode USBPHYPowerOff \
      USBPHYPowerOn UpdateUSB USBOTGMode USBHostRequestINClear USBNumEndpointsGet - - - - \
      - USBDevLPMEnable
      """
    ),
    (
      17,
      """
      uDMAChannelTransferSet uDMAEnable uDMADisable uDMAErrorStatusGet \
      uDMAErrorStatusClear uDMAChannelEnable uDMAChannelDisable uDMAChannelIsEnabled \
      uDMAControlBaseSet uDMAControlBaseGet uDMAChannelRequest uDMAChannelAttributeEnable \
      uDMAChannelAttributeDisable uDMAChannelAttributeGet uDMAChannelControlSet \
      uDMAChannelSizeGet uDMAChannelModeGet uDMAChannelSelectSecondary \
      uDMAChannelSelectDefault uDMAIntStatus uDMAIntClear uDMAControlAlternateBaseGet \
      uDMAChannelScatterGatherSet uDMAChannelAssign
      """
    ),
    (
      18,
      """
      CANIntClear CANInit CANEnable CANDisable CANBitTimingSet CANBitTimingGet \
      CANMessageSet CANMessageGet CANStatusGet CANMessageClear CANIntEnable CANIntDisable \
      CANIntStatus CANRetryGet CANRetrySet CANErrCntrGet CANBitRateSet
      """
    ),
    (
      19,
      """
      HibernateIntClear HibernateEnableExpClk HibernateDisable - HibernateRTCEnable \
      HibernateRTCDisable HibernateWakeSet HibernateWakeGet HibernateLowBatSet \
      HibernateLowBatGet HibernateRTCSet HibernateRTCGet - - - - HibernateRTCTrimSet \
      HibernateRTCTrimGet HibernateDataSet HibernateDataGet HibernateRequest \
      HibernateIntEnable HibernateIntDisable HibernateIntStatus HibernateIsActive - - \
      HibernateRTCSSGet HibernateClockConfig HibernateBatCheckStart HibernateBatCheckDone \
      - - - - HibernateCalendarSet
      """
    ),
    (
      20,
      """
      MPUEnable MPUDisable MPURegionCountGet MPURegionEnable MPURegionDisable MPURegionSet \
      MPURegionGet
      """
    ),
    (
      21,
      """
      - Crc16Array Crc16Array3 Crc16 Crc8CCITT - - pvAESTable
      """
    ),
    (
      24,
      """
      EEPROMRead EEPROMBlockCountGet EEPROMBlockHide EEPROMBlockLock \
      EEPROMBlockPasswordSet EEPROMBlockProtectGet EEPROMBlockProtectSet EEPROMBlockUnlock \
      EEPROMIntClear EEPROMIntDisable EEPROMIntEnable EEPROMIntStatus EEPROMMassErase \
      EEPROMProgram EEPROMProgramNonBlocking EEPROMSizeGet EEPROMStatusGet EEPROMInit
      """
    ),
    (
      26,
      """
      FPUEnable FPUDisable FPUFlushToZeroModeSet FPUHalfPrecisionModeSet \
      FPULazyStackingEnable FPUNaNModeSet FPURoundingModeSet FPUStackingDisable \
      FPUStackingEnable
      """
    ),
    (
      29,
      """
      SMBusMasterIntProcess SMBusARPDisable SMBusARPEnable SMBusARPUDIDPacketDecode \
      SMBusARPUDIDPacketEncode SMBusMasterARPAssignAddress SMBusMasterARPGetUDIDDir \
      SMBusMasterARPGetUDIDGen SMBusMasterARPNotifyMaster SMBusMasterARPPrepareToARP \
      SMBusMasterARPResetDeviceDir SMBusMasterARPResetDeviceGen \
      SMBusMasterBlockProcessCall SMBusMasterBlockRead SMBusMasterBlockWrite \
      SMBusMasterByteReceive SMBusMasterByteSend SMBusMasterByteWordRead \
      SMBusMasterByteWordWrite SMBusMasterHostNotify SMBusMasterI2CRead \
      SMBusMasterI2CWrite SMBusMasterI2CWriteRead SMBusMasterInit SMBusMasterIntEnable \
      SMBusMasterProcessCall SMBusMasterQuickCommand SMBusPECDisable SMBusPECEnable \
      SMBusRxPacketSizeGet SMBusSlaveACKSend SMBusSlaveAddressSet SMBusSlaveARPFlagARGet \
      SMBusSlaveARPFlagARSet SMBusSlaveARPFlagAVGet SMBusSlaveARPFlagAVSet \
      SMBusSlaveBlockTransferDisable SMBusSlaveBlockTransferEnable SMBusSlaveCommandGet \
      SMBusSlaveI2CDisable SMBusSlaveI2CEnable SMBusSlaveInit SMBusSlaveIntAddressGet \
      SMBusSlaveIntEnable SMBusSlaveIntProcess SMBusSlaveManualACKDisable \
      SMBusSlaveManualACKEnable SMBusSlaveManualACKStatusGet SMBusSlaveProcessCallDisable \
      SMBusSlaveProcessCallEnable SMBusSlaveRxBufferSet SMBusSlaveTransferInit \
      SMBusSlaveTxBufferSet SMBusSlaveUDIDSet SMBusStatusGet SMBusSlaveDataSend
      """
    ),
    (
      30,
      """
      SysExcIntStatus SysExcIntClear SysExcIntDisable SysExcIntEnable
      """
    ),
  ]
}
