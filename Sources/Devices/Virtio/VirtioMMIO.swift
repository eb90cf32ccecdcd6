import Emu

/// A virtio device behind registers: OASIS VIRTIO 1.2, sections 4.2.2 (version 2) and 4.2.4 (version 1, "legacy").
///
/// A request is answered within the store that notifies of it, so that it is complete, and its interrupt pending, before the
/// next instruction. A store that brings more than `bytesATick` of work does the rest from tick to tick, so that no
/// guest can make an instruction last for long.
///
/// A driver's mistake in a queue breaks the device: DEVICE_NEEDS_RESET is set (section 2.1.2), an interrupt tells of it, and it
/// does nothing until it is reset.
public struct VirtioMMIO<Function: VirtioFunction>: Device {
  public static var reachesMemory: Bool { true }

  static var bytesATick: UInt64 { 64 << 20 }

  public struct State: Codable, Hashable, Sendable {
    var transport: VirtioTransport
    public internal(set) var function: Function.State
  }
  public var state: State {
    get { State(transport: transport, function: function.state) }
    set {
      transport = newValue.transport
      function.state = newValue.function
    }
  }

  private var transport: VirtioTransport
  var function: Function
  let version: VirtioVersion
  private let features: UInt64
  private let configuration: [UInt8]

  public init(_ function: Function, version: VirtioVersion = .modern) {
    self.function = function
    self.version = version
    transport = VirtioTransport(queues: function.queueCount)
    features =
      function.features | VirtioFeature.indirect | VirtioFeature.eventIndex
      | (version == .modern ? VirtioFeature.version1 : VirtioFeature.anyLayout)
    configuration = function.configuration.reduce(into: []) { bytes, field in
      let missing = Int(field.offset) - bytes.count
      bytes += Array(repeating: 0, count: missing)
      for byte in 0..<field.size { bytes.append(UInt8(field.reset >> (8 * byte) & 0xFF)) }
    }
  }

  // MARK: Registers

  public var map: RegisterMap {
    let fields = function.configuration.map { field in
      var field = field
      field.offset += VirtioRegister.configuration
      // Drivers of version 1 go byte by byte.
      field.widths = [.byte, .half, .word, .double]
      return field
    }
    return RegisterMap(
      VirtioRegister.map(version, device: Function.deviceID, features: features) + fields)
  }

  public func accepts(_ state: State, now: Tick) -> Bool {
    state.transport.isSound(queues: function.queueCount) && function.accepts(state.function)
  }

  public mutating func read(_ access: Access, _ port: inout DevicePort) -> UInt64 {
    let offset = access.offset
    if offset >= VirtioRegister.configuration { return configuration(at: access) }
    switch offset {
    case VirtioRegister.magic: return VirtioRegister.magicValue
    case VirtioRegister.version: return version == .modern ? 2 : 1
    case VirtioRegister.deviceID: return UInt64(Function.deviceID)
    case VirtioRegister.vendorID: return VirtioRegister.vendor
    case VirtioRegister.deviceFeatures: return half(of: features, transport.deviceFeaturesSelect)
    case VirtioRegister.queueNumMax:
      return selectedQueue == nil ? 0 : UInt64(Virtqueue.mostDescriptors)
    case VirtioRegister.queueReady:
      return selectedQueue.map { transport.queues[$0].isReady ? 1 : 0 } ?? 0
    case VirtioRegister.queuePFN: return selectedQueue.map { UInt64(transport.frames[$0]) } ?? 0
    case VirtioRegister.interruptStatus: return UInt64(transport.interruptStatus)
    case VirtioRegister.status: return UInt64(transport.status)
    // A region that does not exist has the length -1, and that base.
    case VirtioRegister.sharedMemory..<VirtioRegister.sharedMemory + 16: return 0xFFFF_FFFF
    // The configuration never changes, so ConfigGeneration does not; and the rest is write-only.
    default: return 0
    }
  }

  public mutating func write(_ access: Access, _ value: UInt64, _ port: inout DevicePort) {
    let offset = access.offset
    if offset >= VirtioRegister.configuration {
      var access = access
      access.offset -= VirtioRegister.configuration
      return function.writeConfiguration(access, value, &port)
    }
    let word = UInt32(truncatingIfNeeded: value)
    switch offset {
    case VirtioRegister.deviceFeaturesSelect: transport.deviceFeaturesSelect = word
    case VirtioRegister.driverFeaturesSelect: transport.driverFeaturesSelect = word
    case VirtioRegister.driverFeatures: setFeatures(word, port)
    case VirtioRegister.guestPageSize: transport.pageSize = word
    case VirtioRegister.queueSelect: transport.queueSelect = word
    case VirtioRegister.queueNotify: notify(word, &port)
    case VirtioRegister.interruptACK: transport.interruptStatus &= ~UInt8(truncatingIfNeeded: word)
    case VirtioRegister.status: setStatus(UInt8(truncatingIfNeeded: word), &port)
    default: writeQueue(offset, word, port)
    }
  }

  private func configuration(at access: Access) -> UInt64 {
    let start = Int(access.offset - VirtioRegister.configuration)
    var value: UInt64 = 0
    for byte in 0..<Int(access.width) where start + byte < configuration.count {
      value |= UInt64(configuration[start + byte]) << UInt64(8 * byte)
    }
    return value
  }

  private func half(of value: UInt64, _ select: UInt32) -> UInt64 {
    select > 1 ? 0 : value >> (32 * UInt64(select)) & 0xFFFF_FFFF
  }

  // MARK: Initialization: section 3.1

  private mutating func setFeatures(_ word: UInt32, _ port: DevicePort) {
    if transport.status & VirtioStatus.featuresOK != 0 {
      return port.guestError("DriverFeatures after FEATURES_OK")
    }
    if transport.driverFeaturesSelect > 1 { return }
    let shift = 32 * UInt64(transport.driverFeaturesSelect)
    let mask: UInt64 = 0xFFFF_FFFF << shift
    transport.driverFeatures = transport.driverFeatures & ~mask | UInt64(word) << shift
  }

  private mutating func setStatus(_ value: UInt8, _ port: inout DevicePort) {
    // "Writing zero (0x0) to this register triggers a device reset."
    if value == 0 {
      // Legacy drivers write the page size before they reset the device, and only once.
      let pageSize = transport.pageSize
      transport = VirtioTransport(queues: transport.queues.count)
      transport.pageSize = pageSize
      function.reset()
      return
    }
    let old = transport.status
    transport.status = value & ~VirtioStatus.needsReset | old & VirtioStatus.needsReset
    if version == .modern && transport.status & ~old & VirtioStatus.featuresOK != 0 {
      checkFeatures(port)
    }
    if transport.status & ~old & VirtioStatus.driverOK != 0 {
      for queue in transport.queues.indices { process(queue, &port) }
    }
  }

  private mutating func checkFeatures(_ port: DevicePort) {
    if transport.driverFeatures & ~features != 0 {
      // "If the device does not support the features, FEATURES_OK stays clear."
      transport.status &= ~VirtioStatus.featuresOK
      return port.guestError("features that were not offered")
    }
    // "A device MAY fail to operate further": QEMU's does not, and xv6 knows no other.
    if transport.driverFeatures & VirtioFeature.version1 == 0 {
      port.guestError("features without VIRTIO_F_VERSION_1")
    }
  }

  private var selectedQueue: Int? {
    let number = Int(transport.queueSelect)
    return number < transport.queues.count ? number : nil
  }

  private mutating func writeQueue(_ offset: UInt64, _ word: UInt32, _ port: DevicePort) {
    guard let number = selectedQueue else {
      return port.guestError("register of a queue that does not exist")
    }
    // "The driver MUST NOT access a virtual queue's configuration registers while it is enabled."
    if offset != VirtioRegister.queueReady && offset != VirtioRegister.queuePFN
      && transport.queues[number].isReady
    {
      return port.guestError("configuration of a queue that is in use")
    }
    if offset == VirtioRegister.queueNum {
      guard word.nonzeroBitCount == 1 && word <= UInt32(Virtqueue.mostDescriptors) else {
        return port.guestError("QueueNum that is no power of 2, or above QueueNumMax")
      }
      transport.queues[number].size = UInt16(word)
      return
    }
    if version == .legacy { return writeLegacyQueue(offset, word, number) }
    let value = UInt64(word)
    switch offset {
    case VirtioRegister.queueReady:
      let isReady = word & 1 == 1
      if isReady && !transport.queues[number].isReady { transport.queues[number].start() }
      transport.queues[number].isReady = isReady && transport.queues[number].size != 0
    case VirtioRegister.queueDescriptor: transport.queues[number].descriptors.lowWord = value
    case VirtioRegister.queueDescriptor + 4: transport.queues[number].descriptors.highWord = value
    case VirtioRegister.queueDriver: transport.queues[number].available.lowWord = value
    case VirtioRegister.queueDriver + 4: transport.queues[number].available.highWord = value
    case VirtioRegister.queueDevice: transport.queues[number].used.lowWord = value
    case VirtioRegister.queueDevice + 4: transport.queues[number].used.highWord = value
    // The registers that only show something.
    default: break
    }
  }

  /// Section 2.7.2: one block of memory, its second part aligned.
  private mutating func writeLegacyQueue(_ offset: UInt64, _ word: UInt32, _ number: Int) {
    switch offset {
    case VirtioRegister.queueAlign: transport.aligns[number] = word
    case VirtioRegister.queuePFN:
      transport.frames[number] = word
      var queue = Virtqueue()
      queue.size = transport.queues[number].size
      queue.descriptors = UInt64(word) &* UInt64(transport.pageSize)
      queue.available = queue.descriptors &+ 16 * UInt64(queue.size)
      let align = UInt64(transport.aligns[number])
      let end = queue.available &+ 6 &+ 2 * UInt64(queue.size)
      queue.used = align == 0 ? end : (end &+ align &- 1) / align * align
      queue.isReady = word != 0 && queue.size != 0
      transport.queues[number] = queue
    default: break
    }
  }

  // MARK: Requests

  /// "The device MUST NOT consume buffers before DRIVER_OK"; a legacy driver may have them consumed.
  private var isLive: Bool {
    transport.status & VirtioStatus.needsReset == 0 && !transport.isBroken
      && (version == .legacy || transport.status & VirtioStatus.driverOK != 0)
  }

  private var format: Virtqueue.Format {
    Virtqueue.Format(
      indirect: transport.driverFeatures & VirtioFeature.indirect != 0,
      eventIndex: transport.driverFeatures & VirtioFeature.eventIndex != 0)
  }

  private mutating func notify(_ queue: UInt32, _ port: inout DevicePort) {
    guard queue < UInt32(transport.queues.count) else {
      return port.guestError("notification of a queue that does not exist")
    }
    process(Int(queue), &port)
  }

  private mutating func process(_ number: Int, _ port: inout DevicePort) {
    guard isLive, transport.queues[number].isReady, number != function.inputQueue else { return }
    var queue = transport.queues[number]
    do throws(Virtqueue.Failure) {
      try serve(&queue, number, &port)
      if try queue.wantsInterrupt(port.memory, format) {
        transport.interruptStatus |= VirtioInterrupt.usedBuffer
      }
    } catch {
      breakDown("queue \(number): \(error.rawValue)", port)
    }
    transport.queues[number] = queue
  }

  private mutating func serve(
    _ queue: inout Virtqueue, _ number: Int, _ port: inout DevicePort
  ) throws(Virtqueue.Failure) {
    let format = format
    var moved: UInt64 = 0
    while let chain = try queue.next(port.memory, format) {
      switch function.serve(chain, queue: number, &port) {
      case .done(let written, let more):
        try queue.complete(chain, written: written, port.memory)
        moved += more + 16
      case .unfinished: moved = .max
      case .malformed(let what):
        return breakDown("queue \(number): \(what)", port)
      }
      if moved >= Self.bytesATick {
        transport.unfinished |= 1 << UInt32(number)
        transport.resumption = port.now + 1
        return
      }
    }
    transport.unfinished &= ~(1 << UInt32(number))
    try queue.askForNotification(port.memory, format)
  }

  public mutating func advance(_ port: inout DevicePort) {
    let unfinished = transport.unfinished
    transport.unfinished = 0
    transport.resumption = nil
    for number in transport.queues.indices where unfinished >> UInt32(number) & 1 == 1 {
      process(number, &port)
    }
  }

  /// "The device SHOULD set DEVICE_NEEDS_RESET when it enters an error state that a reset is needed to recover from. If
  /// DRIVER_OK is set … the device MUST send a device configuration change notification."
  private mutating func breakDown(_ what: String, _ port: DevicePort) {
    port.guestError(what)
    transport.isBroken = true
    transport.unfinished = 0
    transport.resumption = nil
    if version == .legacy { return }
    transport.status |= VirtioStatus.needsReset
    if transport.status & VirtioStatus.driverOK != 0 {
      transport.interruptStatus |= VirtioInterrupt.configuration
    }
  }

  public mutating func offer(_ byte: UInt8, _ port: inout DevicePort) -> Bool {
    guard let number = function.inputQueue, isLive, transport.queues[number].isReady else {
      return false
    }
    var queue = transport.queues[number]
    var isTaken = false
    do throws(Virtqueue.Failure) {
      if let chain = try queue.next(port.memory, format) {
        isTaken =
          chain.writableBytes > 0
          && chain.write(0..<1, port.memory) { piece in
            piece.storeBytes(of: byte, as: UInt8.self)
            return true
          }
        try queue.complete(chain, written: isTaken ? 1 : 0, port.memory)
        if try queue.wantsInterrupt(port.memory, format) {
          transport.interruptStatus |= VirtioInterrupt.usedBuffer
        }
      }
      try queue.askForNotification(port.memory, format)
    } catch {
      breakDown("queue \(number): \(error.rawValue)", port)
    }
    transport.queues[number] = queue
    return isTaken
  }

  /// A guest reset is one of the transport: a disk keeps what was written to it.
  public mutating func reset(to initial: State, _ port: inout DevicePort) {
    transport = initial.transport
    function.reset()
  }

  // MARK: Outputs

  public var deadline: Tick? { transport.resumption }
  public var lines: LineSet { LineSet(level: transport.interruptStatus != 0) }
}

extension VirtioMMIO: DescribedInDeviceTree {
  public func describe(_ place: DeviceTreePlace, into tree: inout DeviceTreeNode) {
    tree.addVirtioSlot(place)
  }
}
