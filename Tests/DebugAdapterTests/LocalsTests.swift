import DebugAdapter
import Emu
import Testing

/// What an editor shows of the function that the machine is in.
@Suite struct LocalsTests {
  /// At many instructions of a program that was built with optimisation: what there is has a value, and is the same by its name.
  @Test(arguments: [("torture-m4.elf", 9000, 61), ("static-pool-free-rv64.elf", 1000, 101)])
  func alongTheWay(image: String, start: Int, stride: Int) throws {
    let client = Client()
    try client.launch(image)
    client.ask("configurationDone")
    var (kept, lost) = (Set<String>(), Set<String>())
    for number in 0..<80 {
      let index = start + number * stride
      client.ask("evaluate", "{\"expression\":\"goto \(index)\",\"context\":\"repl\"}")
      let scopes = client.ask("scopes", "{\"frameId\":1}").joined()
      let locals = /"name":"Locals","presentationHint":"locals","variablesReference":(\d+)/
      guard let reference = scopes.firstMatch(of: locals)?.output.1 else { continue }
      let answer = client.ask("variables", "{\"variablesReference\":\(reference)}").joined()
      let variable = /"name":"([^"]+)",(?:"type":"[^"]*",)?"value":"([^"]*)","variablesReference":/
      let shown = answer.matches(of: variable).map { (String($0.output.1), String($0.output.2)) }
      #expect(!shown.isEmpty && Set(shown.map(\.0)).count == shown.count, "\(answer)")
      for (name, value) in shown {
        if value == "<optimised out>" {
          lost.insert(name)
          continue
        }
        kept.insert(name)
        #expect(!value.isEmpty)
        let again = client.ask("evaluate", "{\"expression\":\"\(name)\",\"frameId\":1}").joined()
        #expect(again.contains("\"result\":\"\(value)\""), "\(name): \(again)")
      }
    }
    #expect(kept.count > 2 && lost.count > 0, "\(kept) \(lost)")
    #expect(!client.adapter.debuggee.hasChanged)
  }
}
