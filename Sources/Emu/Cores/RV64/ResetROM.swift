/// What every hart runs first in an M-mode start: the six instructions of QEMU 7.2's reset vector,
/// and behind them where to go, the device tree's address and a `fw_dynamic_info` for firmware that
/// looks for its payload in a2.
///
///     1:  auipc t0, %pcrel_hi(info)
///         addi  a2, t0, %pcrel_lo(1b)
///         csrr  a0, mhartid
///         ld    a1, 32(t0)
///         ld    t0, 24(t0)
///         jr    t0
///         .dword entry, device tree
///     info:
enum ResetROM {
  static let address: UInt64 = 0x1000
  private static let code: [UInt32] = [
    0x0000_0297, 0x0282_8613, 0xF140_2573, 0x0202_B583, 0x0182_B283, 0x0002_8067,
  ]

  static func bytes(entry: UInt64, deviceTree: UInt64, info: [UInt8]) -> [UInt8] {
    var rom = CanonicalBytes()
    for word in code { rom.append(word) }
    rom.append(entry)
    rom.append(deviceTree)
    return rom.bytes + info
  }

  /// The `fw_dynamic_info` of OpenSBI: where an S-mode payload is.
  static func info(next: UInt64) -> [UInt8] {
    var bytes = CanonicalBytes()
    // magic "OSBI", version, next_addr, next_mode S, options, boot_hart
    for word in [0x4942_534F, 2, next, 1, 0, 0] as [UInt64] { bytes.append(word) }
    return bytes.bytes
  }
}
