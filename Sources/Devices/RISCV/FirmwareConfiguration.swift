import Emu

extension DeclaredPeripheral {
  /// Where QEMU's `virt` has its fw_cfg (docs/specs/fw_cfg.rst). The device tree does not name it, so that software does not
  /// look for it; what looks all the same finds no signature.
  static let firmwareConfiguration = DeclaredPeripheral([
    .notModelled("fw_cfg data", 0x00, size: 8),
    .notModelled("fw_cfg selector", 0x08, size: 2),
    .notModelled("fw_cfg DMA address", 0x10, size: 8),
  ])
}
