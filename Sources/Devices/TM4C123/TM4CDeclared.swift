import Emu

/// What of the TM4C123GH6PM is only declared: its datasheet, chapters 17, 18, 19 and 21. Every register by name.
extension DeclaredPeripheral {
  /// "NAME+OFFSET" in hexadecimal, in one text.
  private static func list(_ prefix: String, _ text: String) -> [RegisterMap.Register] {
    text.split(separator: " ").map { word in
      let parts = word.split(separator: "+")
      guard parts.count == 2, let offset = UInt64(parts[1], radix: 16) else {
        preconditionFailure("\(prefix): \(word) is no register")
      }
      return .notModelled(prefix + parts[0], offset)
    }
  }

  /// Chapter 17, the two CAN modules.
  static let tm4cCAN = DeclaredPeripheral(
    list(
      "CAN",
      """
      CTL+0 STS+4 ERR+8 BIT+c INT+10 TST+14 BRPE+18 IF1CRQ+20 IF1CMSK+24 IF1MSK1+28 IF1MSK2+2c \
      IF1ARB1+30 IF1ARB2+34 IF1MCTL+38 IF1DA1+3c IF1DA2+40 IF1DB1+44 IF1DB2+48 IF2CRQ+80 IF2CMSK+84 \
      IF2MSK1+88 IF2MSK2+8c IF2ARB1+90 IF2ARB2+94 IF2MCTL+98 IF2DA1+9c IF2DA2+a0 IF2DB1+a4 IF2DB2+a8 \
      TXRQ1+100 TXRQ2+104 NWDA1+120 NWDA2+124 MSG1INT+140 MSG2INT+144 MSG1VAL+160 MSG2VAL+164
      """))

  /// Chapter 18, USB: the registers that are words, and the block of the others.
  static let tm4cUSB = DeclaredPeripheral(
    list(
      "USB",
      """
      FIFO0+20 FIFO1+24 FIFO2+28 FIFO3+2c FIFO4+30 FIFO5+34 FIFO6+38 FIFO7+3c EPC+400 EPCRIS+404 \
      EPCIM+408 EPCISC+40c DRRIS+410 DRIM+414 DRISC+418 GPCS+41c VDC+430 VDCRIS+434 VDCIM+438 \
      VDCISC+43c IDVRIS+444 IDVIM+448 IDVISC+44c DMASEL+450 PP+fc0
      """) + [
        .notModelled("USBPC, of later chips", 0xFC4), .notModelled("USBCC, of later chips", 0xFC8),
        .notModelled("USBFADDR/POWER/IS/IE", 0x00, count: 8),
        .notModelled("USBDEVCTL and FIFO set-up", 0x60, count: 8),
        .notModelled("USBTXFUNCADDR and on", 0x80, count: 16),
        .notModelled("USB endpoint registers", 0x100, count: 128),
        .notModelled("USBRQPKTCOUNT and on", 0x300, count: 32),
      ])

  /// Chapter 19, the analogue comparators.
  static let tm4cComparators = DeclaredPeripheral(
    list("AC", "MIS+0 RIS+4 INTEN+8 REFCTL+10 STAT0+20 CTL0+24 STAT1+40 CTL1+44 PP+fc0"))

  /// Chapter 21, the two quadrature encoder interfaces.
  static let tm4cEncoder = DeclaredPeripheral(
    list(
      "QEI",
      """
      CTL+0 STAT+4 POS+8 MAXPOS+c LOAD+10 TIME+14 COUNT+18 SPEED+1c INTEN+20 RIS+24 ISC+28
      """))
}
