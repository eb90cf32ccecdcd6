import DebugAdapter
import Emu
import Testing

/// Pointers of C, as an editor shows them.
@Suite struct PointerTests {
  private static let source = """
    struct node { int sum; struct node *next; const char *text; int (*call)(int); };
    int twice(int n) { return n + n; }
    struct node nodes[2] = {{3, nodes + 1, "one\\n", twice}, {4, 0, 0, 0}};
    int walk(struct node *at, int *sum) {
      for (; at; at = at->next) *sum += at->call ? at->call(at->sum) : at->sum;
      return *sum;
    }
    void reset(void) { int sum = 0; walk(nodes, &sum); for (;;) {} }
    __attribute__((section(".vectors"), used)) void *const vectors[] = {(void *)0x20008000, reset};
    """

  @Test func inExpressionsAndInTrees() throws {
    let client = Client()
    try client.launch(CProgram.image(Self.source), "nodes.elf")
    client.ask("setFunctionBreakpoints", "{\"breakpoints\":[{\"name\":\"twice\"}]}")
    client.ask("configurationDone")
    client.ask("continue", "{\"threadId\":1}")
    // The caller, walk.
    func answer(_ expression: String) -> String {
      client.ask("evaluate", "{\"expression\":\"\(expression)\",\"frameId\":2}").joined()
    }
    for (expression, result) in [
      ("at", "0x20000000"), ("at->sum", "3"), ("at->next->sum", "4"), ("at[1].sum", "4"),
      ("*sum", "0"), ("*at", "{…}"), ("*at->next", "{…}"), ("at->sum + 1", "4"),
      ("*(at + 1)", "{…}"), ("at + 1", "0x20000010"),
      ("at + 1 - 1", "0x20000000"), ("at->next - at->sum", "0x1fffffe0"), ("1 - at->sum", "-2"),

      ("&at->next->sum", "0x20000010"), ("at->next->next", "0x0"), ("at->next[-1].sum", "3"),
      ("at[at->sum - 2].sum", "4"),
      ("nodes[0].next->sum", "4"),
      ("at->next->text", "0x0"), ("at->sum - at->next->sum", "-1"), ("at->sum + 0x10", "0x13"),
    ] {
      #expect(answer(expression).contains("\"result\":\"\(result)\""), "\(expression)")
    }
    #expect(answer("at->text").contains(#"\"one\\n\""#))
    #expect(answer("*(at->text + 1)").contains("\"result\":\"110\""))
    #expect(answer("at->call").contains("<twice"))
    #expect(answer("at->son").contains("at, a node *, has no son"))
    #expect(answer("at->next->next").contains("\"variablesReference\":0"))

    // As a tree: at, next, its sum, written.
    func children(_ answer: String, of name: String?) throws -> String {
      let pattern = try Regex(
        name.map { "\"name\":\"\($0)\"[^}]*\"variablesReference\":([0-9]+)" }
          ?? "\"variablesReference\":([0-9]+)")
      let reference = try #require(answer.firstMatch(of: pattern)?.output[1].substring)
      return client.ask("variables", "{\"variablesReference\":\(reference)}").joined()
    }
    let node = try children(answer("at"), of: nil)
    let next = try children(node, of: "next")
    #expect(next.contains("\"name\":\"sum\"") && next.contains("\"evaluateName\":\"at.next.sum\""))
    let text = try children(node, of: "text")
    #expect(text.contains("\"name\":\"*\"") && text.contains("\"value\":\"111\""))
    let content = try children(answer("*at"), of: nil)
    #expect(content.contains("\"evaluateName\":\"at[0].sum\""))

    let reference = try #require(
      answer("at").firstMatch(of: /"variablesReference":([0-9]+)/)?.output.1)
    client.ask(
      "setVariable", "{\"variablesReference\":\(reference),\"name\":\"sum\",\"value\":\"-9\"}")
    #expect(answer("nodes[0].sum").contains("\"result\":\"-9\""))
    // A pointer is a value, too, whatever it leads to.
    client.ask(
      "setVariable",
      "{\"variablesReference\":\(reference),\"name\":\"next\",\"value\":\"&nodes[0]\"}")
    #expect(answer("nodes[0].next->sum").contains("\"result\":\"-9\""))
  }
}
