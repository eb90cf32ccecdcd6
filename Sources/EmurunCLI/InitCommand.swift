import ArgumentParser
import Devices
import Foundation

/// `emurun init FOLDER`: a package with firmware and the tests that boot it.
struct InitCommand: HostedCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Write a package: firmware, tests that boot it, a policy, a CI file.",
    discussion: "Then: cd FOLDER && swift test && swift package audit.")

  @Argument(help: "The folder to make; its name is the package's: letters, digits and -.")
  var folder: String

  @Option(
    help: ArgumentHelp(
      "What it is for: \(Starter.all.map(\.board).joined(separator: ", ")).", valueName: "name"))
  var board = Starter.all[0].board

  @Option(
    help: ArgumentHelp(
      "Where the package emurun is: a folder or a URL. (default: where this emurun was built from)",
      valueName: "place"))
  var emurun: String?

  func run(on host: Host) throws(Refusal) -> Int32 {
    guard let starter = Starter.all.first(where: { $0.board == board }) else {
      throw Refusal(
        ExitCode.usage,
        "init has no firmware for \(board); it has for \(Starter.all.map(\.board).joined(separator: ", "))"
      )
    }
    let name = URL(fileURLWithPath: folder).lastPathComponent
    guard let first = name.utf8.first, isLetter(first),
      name.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || isLetter($0) || isDigit($0) })
    else {
      throw Refusal(
        ExitCode.usage,
        "\(name) is no name for a package: a letter, and then letters, digits and - are")
    }
    if name.lowercased() == "emurun" {
      throw Refusal(ExitCode.usage, "\(name) is the package that it depends on; take another name")
    }
    let words = starter.words(name: name, place: try place())
    let files = starter.files.map { file in
      (
        path: words.reduce(file.path) { $0.replacing($1.key, with: $1.value) },
        text: words.reduce(String(decoding: file.template, as: UTF8.self)) {
          $0.replacing($1.key, with: $1.value)
        }
      )
    }
    if access(folder, F_OK) == 0 {
      throw Refusal(
        ExitCode.cannotCreate,
        "\(folder) is there already; init writes into no folder that it has not made")
    }
    for (path, text) in files { try write(text, to: "\(folder)/\(path)") }
    let list = files.map { "  \($0.path)\n" }.joined()
    try host.output.write("\(folder):\n\(list)now: cd \(folder) && swift test\n".utf8)
    return ExitCode.success
  }

  private func isLetter(_ byte: UInt8) -> Bool {
    UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20
  }
  private func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

  /// As a manifest says where it is. SwiftPM calls a package in a folder by the folder's name.
  private func place() throws(Refusal) -> String {
    let place = emurun ?? Self.checkout ?? Self.address
    if place.contains("://") { return "url: \"\(place)\", branch: \"main\"" }
    let folder = URL(fileURLWithPath: place).standardizedFileURL.path
    guard FileManager.default.fileExists(atPath: folder + "/Package.swift") else {
      throw Refusal(ExitCode.noInput, "--emurun: there is no package in \(folder)")
    }
    return "name: \"emurun\", path: \"\(folder)\""
  }

  /// The clone that this program was built from, if it is still there.
  private static let checkout: String? = {
    let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path
    return FileManager.default.fileExists(atPath: top + "/Sources/EmuTesting") ? top : nil
  }()
  private static let address = "https://example.com/emurun"

  private func write(_ text: String, to path: String) throws(Refusal) {
    let url = URL(fileURLWithPath: path)
    do {
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    } catch {
      throw Refusal(
        ExitCode.cannotCreate, "\(path) cannot be written: \(error.localizedDescription)")
    }
  }
}

/// What `init` writes for a board. In paths and texts, words between @ are filled in.
private struct Starter {
  typealias File = (path: String, template: [UInt8])
  let board: String
  /// The board's in tests, and an LED of it.
  let test: (board: String, led: String)
  let runtime: String
  let program: [UInt8]
  var own: [File] = []

  static let all = [
    Starter(
      board: "m4-led", test: ("m4LED", "PF1"), runtime: "CortexM",
      program: PackageResources.m4_led_txt),
    Starter(
      board: "rv64-virt", test: ("rv64Virt", "led0"), runtime: "RV64Machine",
      program: PackageResources.rv64_virt_txt),
    Starter(
      board: "tm4c123gxl", test: ("tm4c123GXL", "PF1"), runtime: "CortexM",
      program: PackageResources.tm4c123gxl_txt,
      own: [
        ("Board.swift", PackageResources.tm4c123gxl_board_txt),
        ("CortexMMemory.ld", PackageResources.tm4c123gxl_memory_txt),
      ]),
  ]

  var files: [File] {
    let firmware = "Firmware/@TYPE@/"
    return [
      ("Package.swift", PackageResources.Package_txt),
      (firmware + "@TYPE@.swift", program),
      (firmware + "images", Array("@NAME@ \(runtime) Console board=\(board)\n".utf8)),
      (firmware + "policy", PackageResources.policy_txt),
    ] + own.map { (firmware + $0.path, $0.template) } + [
      ("Tests/@TYPE@Tests/@TYPE@Tests.swift", PackageResources.Tests_txt),
      (".github/workflows/test.yml", PackageResources.CI_txt),
      (".gitignore", Array(".build/\n".utf8)),
      ("README.md", PackageResources.README_txt),
    ]
  }

  /// By the policy, beside what any firmware needs.
  private var allowed: String {
    runtime == "CortexM"
      ? ""
      : "# A trap handler, and the CSRs for it.\nallow control-register\nallow trap-return\n"
  }

  func words(name: String, place: String) -> [String: String] {
    [
      "@NAME@": name, "@PLACE@": place,
      "@TYPE@": name.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }
        .joined(),
      "@BOARD@": test.board, "@BOARDNAME@": board, "@LED@": test.led,
      "@ALLOWED@": allowed,
    ]
  }
}
