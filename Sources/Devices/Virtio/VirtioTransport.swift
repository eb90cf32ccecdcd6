import Emu

/// What the registers of a virtio device hold.
struct VirtioTransport: Codable, Hashable, Sendable {
  var status: UInt8 = 0
  var interruptStatus: UInt8 = 0
  var deviceFeaturesSelect: UInt32 = 0
  var driverFeaturesSelect: UInt32 = 0
  var driverFeatures: UInt64 = 0
  var queueSelect: UInt32 = 0
  var queues: [Virtqueue]
  /// Legacy: what was written to GuestPageSize, QueueAlign and QueuePFN.
  var pageSize: UInt32 = 0
  var aligns: [UInt32]
  var frames: [UInt32]
  /// After a mistake of the driver, until it resets the device.
  var isBroken = false
  /// Queues with requests that are to be served at `resumption`, a bit each.
  var unfinished: UInt32 = 0
  var resumption: Tick?

  func isSound(queues count: Int) -> Bool {
    queues.count == count && aligns.count == count && frames.count == count
      && queues.allSatisfy(\.isSound) && unfinished >> UInt32(count) == 0
  }

  init(queues count: Int) {
    queues = Array(repeating: Virtqueue(), count: count)
    aligns = Array(repeating: 0, count: count)
    frames = aligns
  }
}

/// Section 2.1.
enum VirtioStatus {
  static let driverOK: UInt8 = 4
  static let featuresOK: UInt8 = 8
  static let needsReset: UInt8 = 64
}

/// InterruptStatus: section 4.2.2.
enum VirtioInterrupt {
  static let usedBuffer: UInt8 = 1
  static let configuration: UInt8 = 2
}

/// Offsets and fixed values: tables 4.1 and 4.3.
enum VirtioRegister {
  static let magic: UInt64 = 0x000
  static let version: UInt64 = 0x004
  static let deviceID: UInt64 = 0x008
  static let vendorID: UInt64 = 0x00C
  static let deviceFeatures: UInt64 = 0x010
  static let deviceFeaturesSelect: UInt64 = 0x014
  static let driverFeatures: UInt64 = 0x020
  static let driverFeaturesSelect: UInt64 = 0x024
  static let guestPageSize: UInt64 = 0x028
  static let queueSelect: UInt64 = 0x030
  static let queueNumMax: UInt64 = 0x034
  static let queueNum: UInt64 = 0x038
  static let queueAlign: UInt64 = 0x03C
  static let queuePFN: UInt64 = 0x040
  static let queueReady: UInt64 = 0x044
  static let queueNotify: UInt64 = 0x050
  static let interruptStatus: UInt64 = 0x060
  static let interruptACK: UInt64 = 0x064
  static let status: UInt64 = 0x070
  static let queueDescriptor: UInt64 = 0x080
  static let queueDriver: UInt64 = 0x090
  static let queueDevice: UInt64 = 0x0A0
  static let sharedMemory: UInt64 = 0x0B0
  static let configurationGeneration: UInt64 = 0x0FC
  static let configuration: UInt64 = 0x100

  /// "virt"
  static let magicValue: UInt64 = 0x7472_6976
  /// "QEMU": there is software that insists on it.
  static let vendor: UInt64 = 0x554D_4551

  /// "The driver MUST use only 32 bit wide and aligned reads and writes to access the control registers."
  static func map(
    _ version: VirtioVersion, device: UInt32, features: UInt64
  ) -> [RegisterMap.Register] {
    let isModern = version == .modern
    var registers: [RegisterMap.Register] = [
      .init("MagicValue", magic, .readOnly, reset: magicValue),
      .init("Version", Self.version, .readOnly, reset: isModern ? 2 : 1),
      .init("DeviceID", deviceID, .readOnly, reset: UInt64(device)),
      .init("VendorID", vendorID, .readOnly, reset: vendor),
      .init("DeviceFeatures", deviceFeatures, .readOnly, reset: features & 0xFFFF_FFFF),
      .init("DeviceFeaturesSel", deviceFeaturesSelect, .writeOnly),
      .init("DriverFeatures", driverFeatures, .writeOnly),
      .init("DriverFeaturesSel", driverFeaturesSelect, .writeOnly),
      .init("QueueSel", queueSelect, .writeOnly),
      .init(
        "QueueNumMax", queueNumMax, .readOnly, reset: UInt64(Virtqueue.mostDescriptors)),
      .init("QueueNum", queueNum, .writeOnly),
      .init("QueueNotify", queueNotify, .writeOnly),
      .init("InterruptStatus", interruptStatus, .readOnly),
      .init("InterruptACK", interruptACK, .writeOnly),
      .init("Status", status),
    ]
    if isModern {
      registers += [
        .init("QueueReady", queueReady),
        .init("QueueDescLow", queueDescriptor, .writeOnly),
        .init("QueueDescHigh", queueDescriptor + 4, .writeOnly),
        .init("QueueDriverLow", queueDriver, .writeOnly),
        .init("QueueDriverHigh", queueDriver + 4, .writeOnly),
        .init("QueueDeviceLow", queueDevice, .writeOnly),
        .init("QueueDeviceHigh", queueDevice + 4, .writeOnly),
        .notModelled("SHMSel", 0x0AC),
        .init("SHMLenLow", sharedMemory, .readOnly, reset: 0xFFFF_FFFF),
        .init("SHMLenHigh", sharedMemory + 4, .readOnly, reset: 0xFFFF_FFFF),
        .init("SHMBaseLow", sharedMemory + 8, .readOnly, reset: 0xFFFF_FFFF),
        .init("SHMBaseHigh", sharedMemory + 12, .readOnly, reset: 0xFFFF_FFFF),
        .notModelled("QueueReset", 0x0C0),
        .init("ConfigGeneration", configurationGeneration, .readOnly),
      ]
    } else {
      registers += [
        .init("GuestPageSize", guestPageSize, .writeOnly),
        .init("QueueAlign", queueAlign, .writeOnly),
        .init("QueuePFN", queuePFN),
      ]
    }
    return registers
  }
}

extension DeviceTreeNode {
  /// Every slot has its node, whether there is anything in it or not.
  mutating func addVirtioSlot(_ place: DeviceTreePlace) {
    var node = DeviceTreeNode(
      "virtio_mmio", at: place.address, size: place.size, label: place.name)
    node.set("compatible", "virtio,mmio")
    node.setInterrupts(place)
    addToBus(node)
  }
}

/// A slot with nothing in it: "DeviceID … value 0x0 is used to define a system memory map with placeholder devices at static,
/// well known addresses." Section 4.2.2.
public struct VirtioEmptySlot: Device {
  public struct State: Codable, Hashable, Sendable {}
  public var state = State()
  let version: VirtioVersion

  public init(version: VirtioVersion = .modern) { self.version = version }

  private static let named: Set<UInt64> = [
    VirtioRegister.magic, VirtioRegister.version, VirtioRegister.deviceID, VirtioRegister.vendorID,
  ]

  public var map: RegisterMap {
    RegisterMap(
      VirtioRegister.map(version, device: 0, features: 0).filter { Self.named.contains($0.offset) })
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    switch access.offset {
    case VirtioRegister.magic: VirtioRegister.magicValue
    case VirtioRegister.version: version == .modern ? 2 : 1
    case VirtioRegister.vendorID: VirtioRegister.vendor
    default: 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {}
}

extension VirtioEmptySlot: DescribedInDeviceTree {
  public func describe(_ place: DeviceTreePlace, into tree: inout DeviceTreeNode) {
    tree.addVirtioSlot(place)
  }
}
