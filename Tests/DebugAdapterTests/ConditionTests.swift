import DebugAdapter
import Emu
import Testing

/// Breakpoints with conditions, log points, and the operators that they are made of.
@Suite struct ConditionTests {
  private static let source = """
    volatile int total = 0x123;
    float half = 10;
    static void add(int n) {
      total += n;
    }
    void reset(void) {
      for (int i = 0; i < 40; i++)
        add(i);
      for (;;) {}
    }
    __attribute__((section(".vectors"), used)) void *const vectors[] = {(void *)0x20008000, reset};
    """

  private func client() throws -> Client {
    let client = Client()
    try client.launch(CProgram.image(Self.source), "program.elf")
    client.ask("configurationDone")
    return client
  }

  private func set(_ client: Client, _ terms: String) -> String {
    client.ask(
      "setBreakpoints",
      "{\"source\":{\"path\":\"program.c\"},\"breakpoints\":[{\"line\":4,\(terms)}]}"
    ).joined()
  }

  private func value(_ client: Client, _ expression: String) -> String {
    let answer = client.ask("evaluate", "{\"expression\":\"\(expression)\",\"frameId\":1}").joined()
    return answer.firstMatch(of: /"(?:result|format)":"([^"]*)"/).map { String($0.output.1) }
      ?? answer
  }

  /// There and back, and the run is the one without breakpoints.
  @Test func stopsWhereItIsTrue() throws {
    let client = try client()
    #expect(set(client, "\"condition\":\"n % 10 == 7 && n > 7\"").contains("\"verified\":true"))
    for n in [17, 27, 37] {
      let answers = client.ask("continue", "{\"threadId\":1}").joined()
      #expect(answers.contains("\"reason\":\"breakpoint\""))
      #expect(value(client, "n") == "\(n)")
    }
    for n in [27, 17] {
      client.ask("reverseContinue", "{\"threadId\":1}")
      #expect(value(client, "n") == "\(n)")
    }
    #expect(client.ask("reverseContinue", "{\"threadId\":1}").joined().contains("history begins"))
    // A step over a call goes through a breakpoint that does not stop, and stops at one that does.
    #expect(set(client, "\"condition\":\"n == 2\"").contains("\"verified\":true"))
    var steps = 0
    while value(client, "i") != "2", steps < 20 {
      client.ask("next", "{\"threadId\":1}")
      steps += 1
    }
    #expect(value(client, "n").hasPrefix("there is no variable"))
    client.ask("next", "{\"threadId\":1}")
    client.ask("next", "{\"threadId\":1}")
    #expect(value(client, "n") == "2" && steps < 20)
    #expect(!client.adapter.debuggee.hasChanged)
  }

  @Test func saysInPlaceOfAStop() throws {
    let client = try client()
    _ = set(client, "\"condition\":\"n >= 38\",\"logMessage\":\"n={n}, {n * 2}, {lost}\"")
    let started = client.ask("continue", "{\"threadId\":1}", slice: 5000)
    let said = started.filter { $0.contains("\"event\":\"output\"") }.joined()
    #expect(said.contains("n=38, 76, <there is no variable lost") && said.contains("n=39, 78"))
    #expect(!said.contains("n=37") && !started.joined().contains("\"event\":\"stopped\""))
  }

  @Test func whatCannotBe() throws {
    let client = try client()
    #expect(set(client, "\"hitCondition\":\"3\"").contains("hits are not counted"))
    let data = client.ask(
      "setDataBreakpoints",
      "{\"breakpoints\":[{\"dataId\":\"0x20000000,4\",\"condition\":\"total > 3\"}]}"
    ).joined()
    #expect(data.contains("data breakpoints have no conditions"))
    // One that makes no sense stops, and says why.
    _ = set(client, "\"condition\":\"n ===\"")
    let answers = client.ask("continue", "{\"threadId\":1}").joined()
    #expect(
      answers.contains("\"reason\":\"breakpoint\"") && answers.contains("the condition n ==="))
    #expect(value(client, "n") == "0")
  }

  @Test func operators() throws {
    let client = try client()
    _ = set(client, "\"condition\":\"n == 21\"")
    client.ask("continue", "{\"threadId\":1}")
    for (expression, result) in [
      ("n - 22", "-1"), ("-n", "-21"), ("2 + 3 * 4 - 20 / 6", "11"), ("(2 + 3) * 4", "20"),
      ("-7 / 2", "-3"), ("-7 % 4", "-3"), ("n & 4 | 1 << 3", "12"), ("n ^ 1", "20"), ("~n", "-22"),
      ("!n", "0"), ("n > 20 && n < 22 || 0", "1"), ("n != 21", "0"), ("1 - 2 < 0", "1"),
      ("0x20 + 1", "0x21"), ("half", "10.0"), ("half * 2", "20.0"), ("half >= 10", "1"),
      ("n / 0", "a division by 0"), ("half & 1", "there is no & of floating-point numbers"),
      ("1 << 200", "0"), ("-1 >> 70", "-1"), ("&total == 0x20000000", "1"),
      ("$lr - $lr - 1 == -1", "1"), ("$lr - $lr == -1", "0"),
      ("0 && *0x90000000", "0"), ("1 || n / 0 + $no - *(int *)no[no]", "1"), ("1 && 2", "1"),
      ("0 || 0", "0"), ("0 && (1 || no)) ", "what is \\"), ("*(int *)(&total) == total", "1"),
      ("n +", "the expression ends early"),
    ] {
      #expect(value(client, expression) == result, "\(expression)")
    }
  }
}
