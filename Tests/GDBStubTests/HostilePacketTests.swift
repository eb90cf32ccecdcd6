import Devices
import Emu
import Foundation
import GDBStub
import Testing

/// Packets that no debugger sends: never a crash, and the session still answers. `EMURUN_SOAK=n`: five n of them a core.
@Suite struct HostilePacketTests {
  private static let seeds = [
    "qSupported:swbreak+", "g", "G0011", "p1f", "P0=00000000", "m0,10", "M20000000,2:0011",
    "X20000000,2:ab", "x0,10", "Z0,100,2", "Z2,20000000,4", "z2,20000000,4", "vCont;s:1;c",
    "vCont;r0,10:1", "vCont?",
    "Hg1", "Hc-1", "T1", "qXfer:features:read:target.xml:0,100", "qXfer:memory-map:read::0,100",
    "qThreadExtraInfo,1", "qRcmd,69636f756e74", "vFlashErase:0,400", "vFlashWrite:0:abc",
    "vFlashDone", "qRegisterInfo1", "qMemoryRegionInfo:0", "jThreadsInfo", "s", "S05", "C05;0", "?",
    "D", "R00", "bs", "bc",
  ]

  /// One in four: another checksum, escapes that are none, half of it, ends and beginnings in the middle.
  private static func damaged(_ packet: [UInt8], _ random: inout SplitMix) -> [UInt8] {
    var bytes = packet
    let place = Int(random.next() % UInt64(packet.count))
    switch random.next() % 32 {
    case 0: bytes[packet.count - 1] ^= 1
    case 1: bytes.insert(UInt8(ascii: "}"), at: place)
    case 2: bytes.removeLast(packet.count - place)
    case 3: bytes.insert(UInt8(ascii: "#"), at: place)
    case 4: bytes.insert(UInt8(ascii: "$"), at: place)
    case 5: bytes.insert(contentsOf: [UInt8](repeating: UInt8(ascii: "*"), count: 9), at: place)
    case 6: bytes.insert(contentsOf: [3, UInt8(ascii: "-"), UInt8(ascii: "+")], at: place)
    case 7: bytes[place] = UInt8(truncatingIfNeeded: random.next())
    default: break
    }
    return bytes
  }

  /// One that is longer than any that is taken, whole or without an end.
  @Test func giants() throws {
    let debugger = try Conversation("led-heartbeat.elf")
    let giant = [UInt8](repeating: UInt8(ascii: "m"), count: PacketDecoder.longest + 10)
    debugger.session.receive(Conversation.framed(giant))
    #expect(debugger.session.takeOutput() == [UInt8(ascii: "-")])
    debugger.session.receive([UInt8(ascii: "$")] + giant)
    #expect(debugger.ask("qAttached") == "1")
    for packet in [
      "mffffffffffffffff,ffffffffffffffff", "x0,ffffffffffffffff", "m0,ffffffff",
      "Z2,ffffffffffffffff,ffffffffffffffff", "Z0,ffffffffffffffff,ffffffffffffffff",
      "vFlashErase:ffffffffffffffff,ffffffffffffffff", "qXfer:threads:read::ffffffffffffffff,1",
      "qMemoryRegionInfo:ffffffffffffffff", "Tffffffffffffffff", "pffffffffffffffff",
      "vCont;rffffffffffffffff,0:1", "Hgffffffffffffffff", "qThreadExtraInfo,ffffffffffffffff",
    ] {
      _ = debugger.ask(packet)
    }
    #expect(debugger.ask("qAttached") == "1")
  }

  @Test(arguments: ["led-heartbeat.elf", "timer-heartbeat-rv64.elf"])
  func mutations(image: String) throws {
    let soak = ProcessInfo.processInfo.environment["EMURUN_SOAK"].flatMap { Int($0) }
    var random = SplitMix(seed: 11)
    var debugger = try Conversation(image)
    for count in 0..<(soak.map { 5 * $0 } ?? 4_000) {
      var packet = Array(Self.seeds[Int(random.next() % UInt64(Self.seeds.count))].utf8)
      for _ in 0..<random.next() % 4 {
        let place = Int(random.next() % UInt64(packet.count + 1))
        switch random.next() % 4 {
        case 0: packet.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
        case 1 where place < packet.count: packet.remove(at: place)
        case 2 where place < packet.count: packet[place] = UInt8(ascii: "f")
        default: packet.insert(contentsOf: "ffffffffffffffff,".utf8, at: place)
        }
      }
      let bytes = Self.damaged(Conversation.framed(packet), &random)
      let cut = Int(random.next() % UInt64(bytes.count + 1))
      debugger.session.receive(bytes[..<cut])
      debugger.session.receive(bytes[cut...])
      // Whatever runs runs a little.
      for _ in 0..<4 where debugger.session.isRunning {
        debugger.session.run { machine, limit in
          var limit = limit
          limit.index = min(limit.index ?? .max, machine.index + 100)
          return machine.run(until: limit)
        }
      }
      if debugger.session.isRunning { debugger.session.receive([3]) }
      debugger.session.run { machine, limit in machine.run(until: limit) }
      _ = debugger.session.takeOutput()
      if count % 500 == 499 || debugger.session.machine.stop != nil {
        // Half a packet may be there, which this one ends.
        _ = debugger.ask("?")
        #expect(debugger.ask("qAttached") == "1")
        debugger = try Conversation(image)
      }
    }
    #expect(debugger.ask("qAttached") == "1")
  }
}
