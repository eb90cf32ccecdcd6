import ArgumentParser
import Devices
import Emu

struct DriveOptionsGroup: ParsableArguments {
  @Option(
    name: [.long, .customLong("drive", withSingleDash: true)],
    help: ArgumentHelp(
      "A raw disk image. What the guest writes is forgotten, or with ,write in the file after the "
        + "run; ,readonly. May be repeated.", valueName: "file"),
    transform: QEMUWords.parse)
  var drive: [QEMUWords] = []

  @Option(
    name: .customLong("device", withSingleDash: true),
    help: ArgumentHelp(
      "As QEMU users type it: virtio-blk-device,drive=id.", valueName: "words"),
    transform: QEMUWords.parse)
  var device: [QEMUWords] = []

  @Option(
    help: ArgumentHelp(
      "Registers of virtio devices: modern is version 2, legacy version 1. (default: modern)",
      valueName: "legacy|modern"))
  var virtio: String?

  @Option(
    name: .customLong("global", withSingleDash: true),
    help: ArgumentHelp(
      "As QEMU users type it: virtio-mmio.force-legacy=false.", valueName: "word"))
  var global: [String] = []

  @Option(help: ArgumentHelp("Of all that is random on a board. (default: 0)", valueName: "n"))
  var seed: UInt64?
}

extension DriveOptionsGroup {
  var isEmpty: Bool { drive.isEmpty && device.isEmpty && virtio == nil && global.isEmpty }
  var paths: [String] { drive.compactMap { DriveWords($0).path } }

  /// In the order of their slots.
  func drives() throws(Refusal) -> [Drive] {
    var waiting: [String: Drive] = [:]
    var drives: [Drive] = []
    for words in drive {
      let words = try DriveWords(words).checked()
      let drive: Drive
      do { drive = Drive(try DiskImage(path: words.path ?? ""), words.access) } catch {
        throw Refusal(error.isMissing ? ExitCode.noInput : ExitCode.badData, error.description)
      }
      guard words.isDetached else {
        drives.append(drive)
        continue
      }
      guard let identifier = words.identifier,
        waiting.updateValue(drive, forKey: identifier) == nil
      else {
        throw Refusal(ExitCode.usage, "-drive: with if=none it needs an id of its own")
      }
    }
    for words in device {
      guard let identifier = try Self.block(words) else { continue }
      guard let drive = waiting.removeValue(forKey: identifier) else {
        throw Refusal(
          ExitCode.usage,
          "-device \(words.name ?? ""): there is no -drive if=none,id=\(identifier) left for it")
      }
      drives.append(drive)
    }
    if let left = waiting.keys.min() {
      throw Refusal(
        ExitCode.usage,
        "-drive id=\(left) with if=none is in no slot; add -device virtio-blk-device,drive=\(left)")
    }
    guard drives.count <= Board.mostDrives else {
      throw Refusal(ExitCode.usage, "there is room for \(Board.mostDrives) drives, not more")
    }
    return drives
  }

  /// The drive that a `-device` attaches; nil: it is one that the board has anyway.
  private static func block(_ words: QEMUWords) throws(Refusal) -> String? {
    switch words.name {
    case "virtio-blk-device":
      var identifier: String?
      for (key, value) in words.properties {
        switch key {
        case "drive": identifier = value
        case "id", "bus": continue
        default:
          throw Refusal(
            ExitCode.usage,
            "-device virtio-blk-device: \(key)=\(value) cannot be had; known are drive")
        }
      }
      guard let identifier else {
        throw Refusal(ExitCode.usage, "-device virtio-blk-device: which drive? Add drive=ID")
      }
      return identifier
    case "virtio-rng-device", "virtio-serial-device", "virtconsole": return nil
    default:
      throw Refusal(
        ExitCode.usage,
        "-device: \"\(words.name ?? "")\" cannot be had; there is virtio-blk-device, and "
          + "virtio-rng-device, virtio-serial-device and virtconsole are always there")
    }
  }

  func version() throws(Refusal) -> VirtioVersion {
    var words: [String: VirtioVersion] = ["legacy": .legacy, "modern": .modern]
    if let virtio {
      if let version = words[virtio] { return version }
      throw Refusal(ExitCode.usage, "--virtio is legacy or modern, not \"\(virtio)\"")
    }
    words = [
      "virtio-mmio.force-legacy=true": .legacy, "virtio-mmio.force-legacy=on": .legacy,
      "virtio-mmio.force-legacy=false": .modern, "virtio-mmio.force-legacy=off": .modern,
    ]
    var version = VirtioVersion.modern
    for word in global {
      guard let known = words[word] else {
        throw Refusal(
          ExitCode.usage, "-global \(word): only virtio-mmio.force-legacy=true and false are known")
      }
      version = known
    }
    return version
  }
}

/// `--drive disk.img,write` and `-drive file=disk.img,format=raw,if=none,id=hd0`.
private struct DriveWords {
  private(set) var path: String?
  private(set) var identifier: String?
  private(set) var isDetached = false
  private(set) var access = Drive.Access.copyOnWrite
  private var unknown: String?

  init(_ words: QEMUWords) {
    path = words.name
    for (key, value) in words.properties {
      switch (key, QEMUWords.isOn(value)) {
      case ("file", _) where path == nil: path = value
      case ("id", _): identifier = value
      case ("if", _) where value == "none": isDetached = true
      case ("if", _) where value == "virtio": isDetached = false
      case ("format", _) where value == "raw": continue
      case ("write", true?), ("snapshot", false?): access = .commit
      case ("readonly", true?), ("read-only", true?): access = .readOnly
      case ("snapshot", true?), ("readonly", false?), ("read-only", false?): continue
      default: unknown = "\(key)=\(value)"
      }
    }
  }

  func checked() throws(Refusal) -> DriveWords {
    if let unknown {
      throw Refusal(
        ExitCode.usage,
        "--drive: \(unknown) cannot be had; known are file, id, if=none|virtio, format=raw, write, "
          + "readonly and snapshot")
    }
    if path == nil { throw Refusal(ExitCode.usage, "--drive: which file?") }
    return self
  }
}
