import Devices
import Emu
import Foundation
import GDBStub
import Testing

/// Packets that no debugger sends: never a crash, and the session still answers. 10^6 of them in `make soak`.
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

  @Test(arguments: ["led-heartbeat.elf", "timer-heartbeat-rv64.elf"])
  func mutations(image: String) throws {
    let isSoak = ProcessInfo.processInfo.environment["EMURUN_SOAK"] != nil
    var random = SplitMix(seed: 11)
    var debugger = try Conversation(image)
    for count in 0..<(isSoak ? 500_000 : 4_000) {
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
      debugger.session.receive(Conversation.framed(packet))
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
      if count % 500 == 0 || debugger.session.machine.stop != nil {
        #expect(debugger.ask("qAttached") == "1")
        debugger = try Conversation(image)
      }
    }
    #expect(debugger.ask("qAttached") == "1")
  }
}
